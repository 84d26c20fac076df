"""Switches of calendars: what holds, until when, by whom, and that a restart undoes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from acd.journal import Journal
from ivr.flow.calendar import Switch
from ivr.switches import TURNS_KEPT, Switchboard, Turn

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


def again(journal: Journal, clock: Clock) -> Switchboard:
    """The switchboard of the next service on the same journal."""
    board = Switchboard(journal, clock)
    board.recover()
    return board


def test_a_switch_holds_until_its_time_and_then_no_more(journal: Journal, clock: Clock) -> None:
    board = Switchboard(journal, clock)
    fire = Switch(False, NOON + HOUR, "fire drill")
    board.turn("desk", fire, "console")
    assert board.in_force() == {"desk": fire}
    clock.now = NOON + HOUR - timedelta(microseconds=1)
    assert board.in_force() == {"desk": fire}
    clock.now = NOON + HOUR
    assert board.in_force() == {}


def test_a_switch_without_an_end_holds_until_it_is_taken_back(
    journal: Journal, clock: Clock
) -> None:
    board = Switchboard(journal, clock)
    board.turn("desk", Switch(True), "console")
    clock.now += 1000 * 24 * HOUR
    assert board.in_force() == {"desk": Switch(True)}
    board.turn("desk", None, "console")
    assert board.in_force() == {}


def test_a_restart_keeps_every_switch_and_who_turned_it(tmp_path: Path, clock: Clock) -> None:
    until = datetime(2026, 3, 2, 21, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    with Journal(tmp_path / "journal.sqlite") as journal:
        board = Switchboard(journal, clock)
        board.turn("desk", Switch(False, until, "停电 / power cut"), "console")
        board.turn("clinic.desk", Switch(True), "desk of Mei")
        board.turn("nurse", Switch(True), "console")
        board.turn("nurse", None, "console")
    with Journal(tmp_path / "journal.sqlite") as journal:
        board = again(journal, clock)
        assert board.in_force() == {
            "desk": Switch(False, until, "停电 / power cut"),
            "clinic.desk": Switch(True),
        }
        assert board.turns["clinic.desk"] == (Turn(Switch(True), "desk of Mei", NOON),)
        assert [turn.switch for turn in board.turns["nurse"]] == [Switch(True), None]


def test_a_switch_that_ran_out_while_the_service_was_down_holds_no_more(
    journal: Journal, clock: Clock
) -> None:
    Switchboard(journal, clock).turn("desk", Switch(False, NOON + HOUR), "console")
    clock.now += 2 * HOUR
    assert again(journal, clock).in_force() == {}


def test_the_last_turns_are_remembered_and_no_more(journal: Journal, clock: Clock) -> None:
    board = Switchboard(journal, clock)
    for number in range(TURNS_KEPT + 5):
        board.turn("desk", Switch(False, None, str(number)), "console")
    reasons = [turn.switch.because for turn in again(journal, clock).turns["desk"] if turn.switch]
    assert reasons == [str(number) for number in range(5, TURNS_KEPT + 5)]


def test_what_cannot_be_written_down_has_not_happened(tmp_path: Path, clock: Clock) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    board = Switchboard(journal, clock)
    board.turn("desk", Switch(False), "console")
    journal.close()
    with pytest.raises(sqlite3.Error):
        board.turn("desk", None, "console")
    assert board.in_force() == {"desk": Switch(False)}


def test_a_journal_from_before_there_were_switches_takes_them(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    database = sqlite3.connect(path)
    database.execute("DROP TABLE kept")
    database.close()
    with Journal(path) as journal:
        board = again(journal, clock)
        board.turn("desk", Switch(False), "console")
        assert again(journal, clock).in_force() == {"desk": Switch(False)}
