"""`tieline contacts` as a person meets it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from acd.errors import AcdError
from acd.records import ContactEvent
from ivr.cli import contacts
from ivr.errors import IvrError

from .conftest import T0, Stream, a_call, event, write

Run = Callable[..., Result]


def shifted(events: list[ContactEvent], by: float) -> list[ContactEvent]:
    return [ContactEvent(e.contact, e.at + by, e.kind, e.step, e.data) for e in events]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIELINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TIELINE_CACHE", str(tmp_path / "cache"))
    app = typer.Typer()
    contacts.register(app)
    app.callback()(lambda: None)
    return lambda *arguments: CliRunner().invoke(app, ["contacts", *arguments])


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    """A finished call ten minutes ago, and one that waits now."""
    began = time.time() - 600 - T0
    live = [
        event("abc-l1ve", 500, "began", channel="voice", caller="+442055501", flow="bank"),
        event("abc-l1ve", 560, "queued", queue="loans"),
    ]
    events = [*shifted(a_call("abc-k3f9"), began), *shifted(live, began)]
    url = f"sqlite+aiosqlite:///{tmp_path / 'home/data/records.sqlite'}"
    asyncio.run(write(url, Stream(events)))
    return run


def test_the_list_reads_like_a_call_log(filled: Run) -> None:
    result = filled()
    head, live, done = (line.split() for line in result.stdout.splitlines())
    assert result.exit_code == 0
    assert " ".join(head) == "Began Id Caller Flow Queue Agent Waited Talked Outcome"
    # A call that began before midnight has its day before the hour.
    live, done = live[live.index("abc-l1ve") :], done[done.index("abc-k3f9") :]
    assert live[:5] == ["abc-l1ve", "+442055501", "bank", "loans", "-"]
    assert live[-1] == "waiting"
    assert " ".join(done) == ("abc-k3f9 5551234 Ada ✓ clinic billing 1002 25s 1:00 answered")


def test_what_is_piped_has_no_colours_and_is_never_cut(filled: Run) -> None:
    for result in (filled(), filled("show", "k3f9")):
        assert "\x1b" not in result.stdout
        assert "…" not in result.stdout


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--queue", "billing"], ["abc-k3f9"]),
        (["--agent", "1002", "--since", "1h"], ["abc-k3f9"]),
        (["--caller", "55501"], ["abc-l1ve"]),
        (["--outcome", "live"], ["abc-l1ve"]),
        (["-n", "1"], ["abc-l1ve"]),
        (["--since", "2m"], ["abc-l1ve"]),
        (["--since", "2020-01-01"], ["abc-l1ve", "abc-k3f9"]),
        (["--queue", "nobody"], []),
    ],
)
def test_filters_narrow_the_list(filled: Run, options: list[str], ids: list[str]) -> None:
    found = json.loads(filled(*options, "--json").stdout)
    assert [record["id"] for record in found] == ids


def test_an_empty_list_says_so(filled: Run) -> None:
    result = filled("--queue", "nobody")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No contacts found" in result.stderr


def test_one_contact_is_told_as_a_story(filled: Run) -> None:
    lines = [line.rstrip() for line in filled("show", "abc-k").stdout.splitlines()]
    told = "\n".join(lines)
    assert "5551234 Ada, verified" in told
    assert "reason billing, pin •••" in told
    assert "answered by caller" in told
    bar = next(line for line in lines if "█" in line)
    assert bar.count("█") == pytest.approx(36, abs=1)  # 60 s of 101 s, on 60 columns
    assert bar.count("▒") == pytest.approx(15, abs=1)
    assert "▒ waiting 25s" in told
    assert [line.split(maxsplit=1) for line in lines if "agent 100" in line][1:] == [
        ["+31s", "agent 1001 did not take it: no answer"],
        ["+40s", "agent 1002 answers"],
        ["+1:40", "agent 1002 leaves after 1:00"],
    ]
    assert "is rung" not in told
    assert "is rung" in filled("show", "k3f9", "--all").stdout


def test_a_story_as_json_has_every_event(filled: Run) -> None:
    whole = json.loads(filled("show", "k3f9", "--json").stdout)
    assert whole["outcome"] == "answered"
    assert [each["kind"] for each in whole["story"]] == [each.kind for each in a_call()]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "abc"], "fits more than one contact; give more of the id: abc-l1ve, abc-k3f9"),
        (["show", "zzz"], "no contact's id begins or ends with 'zzz'"),
        (["--since", "soon"], "write 30m, 2h, 7d or 2026-03-01"),
    ],
)
def test_mistakes_are_answered_with_what_is_right(
    filled: Run, arguments: list[str], says: str
) -> None:
    result = filled(*arguments)
    assert isinstance(result.exception, IvrError)
    assert says in str(result.exception)


def test_before_the_first_call_there_is_a_word_and_no_new_file(run: Run, tmp_path: Path) -> None:
    result = run()
    assert isinstance(result.exception, AcdError)
    assert "they begin with the first call" in str(result.exception)
    assert not (tmp_path / "home").exists()


def test_help_shows_how(run: Run) -> None:
    assert "tieline contacts --queue billing --since 2h" in run("--help").stdout
