"""`tieline outbox` and `tieline callbacks` show what waits, beside a running service."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ivr.backends.building import build_errands, store_file
from ivr.backends.sources import Sources
from ivr.cli import outbox
from ivr.errors import IvrError
from ivr.flow.errands import Callback, Sms
from ivr.flow.loading.tables import Tables
from ivr.settings import Settings, load_settings
from tests.backends.house import NOW, Clock


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIELINE_HOME", str(tmp_path / "home"))
    return load_settings()


def command(*words: str) -> str:
    app = typer.Typer()
    outbox.register(app)
    result = CliRunner().invoke(app, words)
    if result.exception is not None:
        raise result.exception
    return result.output


async def fill(settings: Settings) -> None:
    errands = build_errands(settings, lambda: Sources(Tables({})), lambda _: None, Clock())
    await errands.run(Sms("+8613800138000", "Your visit is at 10."), contact="c1", now=NOW)
    number = "+8613800138000"
    asked = Callback("billing", number, {"english": 3}, 5, "Mei")
    await errands.run(asked, contact="c1", now=NOW, caller=number)
    await errands.close()


async def test_what_waits_is_listed(settings: Settings) -> None:
    await fill(settings)
    listed = command("outbox")
    assert "+8613800138000" in listed
    assert "Your visit is at 10." in listed
    assert "queued" in listed
    listed = command("callbacks")
    assert "billing" in listed
    assert "english:3" in listed
    (message,) = json.loads(command("outbox", "--json"))
    assert (message["number"], message["state"], message["parts"]) == (
        "+8613800138000",
        "queued",
        1,
    )
    (promise,) = json.loads(command("callbacks", "--all", "--json"))
    assert (promise["queue"], promise["needs"]) == ("billing", {"english": 3})


async def test_a_callback_that_was_made_waits_no_more(settings: Settings) -> None:
    await fill(settings)
    (promise,) = json.loads(command("callbacks", "--json"))
    assert "No callbacks wait" in command("callbacks", "--done", promise["id"])
    (kept,) = json.loads(command("callbacks", "--all", "--json"))
    assert kept["state"] == "done"
    with pytest.raises(IvrError, match="tieline callbacks"):
        command("callbacks", "--give-up", promise["id"])


def test_before_the_first_message_nothing_waits(settings: Settings) -> None:
    assert not store_file(settings).exists()
    assert "No text messages wait" in command("outbox")
    assert "No callbacks wait" in command("callbacks")
    assert json.loads(command("outbox", "--json")) == []


async def test_the_file_is_ours_alone(settings: Settings) -> None:
    await fill(settings)
    for file in store_file(settings).parent.glob("errands.sqlite*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_none_is_told(settings: Settings) -> None:
    store_file(settings).parent.mkdir(parents=True)
    store_file(settings).write_text("not a database at all, for sure, whatever is expected here")
    with pytest.raises(IvrError, match="cannot be read"):
        command("outbox")
