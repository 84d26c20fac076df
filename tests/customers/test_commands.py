"""The command line: customers and users by hand, and nothing secret in an argument."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ivr.backends.building import SCHEMAS
from ivr.backends.outbox import Message, Outbox, messages_in
from ivr.backends.store import Store
from ivr.cli import customers, records, users

Run = Callable[..., Result]
GOOD = "correct horse battery"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIELINE_HOME", str(tmp_path / "home"))

    app = typer.Typer()
    for group in (customers, records, users):
        group.register(app)

    def invoke(*words: str, says: str = "") -> Result:
        return CliRunner().invoke(app, list(words), input=says)

    return invoke


def test_a_file_goes_in_is_found_merged_and_erased(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,phone\nMei Lin,+8613800138000\nTwin,+8613900139000\nTom,x\n")
    came = run("customers", "import", "people.csv")
    assert came.exit_code == 1
    assert "3 rows: 2 new, 0 changed, 0 as they were, 1 not taken." in came.output
    assert "row 4, phone: 'x' is no telephone number" in came.output
    assert (tmp_path / "people.errors.csv").exists()
    assert "Mei Lin" in run("customers", "find", "8000").output
    assert "is part of 1 Mei Lin now" in run("customers", "merge", "1", "2").output
    assert "imported" in run("customers", "show", "2").output
    assert "Twin is a customer" in run("customers", "merge", "1", "2", "--undo").output
    assert "2 customers written" in run("customers", "export", "out.xlsx").output
    erased = run("customers", "erase", "1", "--why", "asked", "--yes")
    assert "Customer 1 is erased: 0 contacts are figures now" in erased.output
    assert run("customers", "find", "mei").output.strip() == "No customers found."


async def test_erasing_somebody_reaches_what_was_sent_to_them(run: Run, tmp_path: Path) -> None:
    await asyncio.to_thread(run, "customers", "import", str(people(tmp_path)))
    file = tmp_path / "home" / "data" / "errands.sqlite"
    store = Store(file, SCHEMAS)
    for number in ("+8613800138000", "+8613900139000"):
        told = Message(number, "", number, "Hello", 1, False, "sent", "", 1.0, 1.0, 1, 0.0)
        assert await Outbox(store).keep(told) == "kept"
    await store.close()
    erased = await asyncio.to_thread(run, "customers", "erase", "1", "--why", "asked", "--yes")
    assert "The journal is rewritten without them tonight." in erased.output
    assert [each.number for each in messages_in(file, everything=True)] == ["+8613900139000"]


def people(folder: Path) -> Path:
    file = folder / "people.csv"
    file.write_text("name,phone\nMei Lin,+8613800138000\nTom,+8613900139000\n")
    return file


def test_an_identity_is_linked_by_hand_and_the_link_ended(run: Run, tmp_path: Path) -> None:
    run("users", "add", "root", "--role", "administrator", "--no-password")
    unknown = run("users", "identity", "root", "--subject", "u-1")
    assert "the setting oidc names one" in str(unknown.exception)
    (tmp_path / "tieline.yaml").write_text("oidc: {issuer: 'https://id.example', client_id: t}\n")
    linked = run("users", "identity", "root", "--subject", "u-1")
    assert "Link 1: root signs in with id.example." in linked.output
    assert run("users", "identity", "root").output == "1  https://id.example  u-1\n"
    again = run("users", "identity", "root", "--subject", "u-2")
    assert "account root is linked already" in str(again.exception)
    assert "Link 1 has ended" in run("users", "identity", "root", "--unlink", "1").output
    assert run("users", "identity", "root").output == ""


def test_a_password_comes_from_the_input(run: Run) -> None:
    assert "may sign in as agent" in run("users", "add", "ada", says=GOOD + "\n").output
    refused = run("users", "add", "bob", says="short\n")
    assert refused.exit_code != 0
    assert "10 to 200" in str(refused.exception)
    made = run("users", "token", "ada", "--for", "orders")
    assert made.output.startswith("tl_")
    assert "disabled" in run("users", "disable", "ada").output
    assert "disabled" in run("users", "list").output
    assert "revoked" in run("users", "token", "ada").output


def test_the_records_say_their_version(run: Run) -> None:
    assert "none yet" in run("records", "version").output
    assert "The records are of version" in run("records", "upgrade").output
    assert "records: version" in run("records", "version").output
