"""Closing and opening calendars, and what the screens say of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import typer
from typer.testing import CliRunner

from acd.model import Floor, FloorLoaded, Queue, QueueClosed
from ivr.cli import calendars as command_line
from ivr.flow.calendar import Calendar, Span, Switch
from ivr.operator.server import OperatorServer
from ivr.operator.switching import until_of
from ivr.operator.wording import Refused
from ivr.secrets import Secrets
from ivr.settings import Settings
from tests.operator.conftest import START, House, a_flow

SHANGHAI = ZoneInfo("Asia/Shanghai")
WORK = (Span.between(8 * 60, 18 * 60),)
DESK = Calendar("desk", SHANGHAI, (*([WORK] * 5), (), ()))
NURSE = Calendar("nurse", SHANGHAI, ((Span.between(0, 0),),) * 7)
OWN = Calendar("clinic.front", ZoneInfo("Europe/Berlin"), ((),) * 7)
"""The house begins on Friday, 15 January 2027, 16:00 in Shanghai, 09:00 in Berlin."""


@pytest.fixture
def house() -> House:
    house = House()
    calendars = {"front": OWN, "desk": DESK, "nurse": NURSE}
    house.flows = {"clinic": replace(a_flow("clinic", "a"), calendars=calendars)}
    return house


async def refusal(house: House, question: str) -> str:
    """The text of a refusal, having checked that no switch was turned."""
    before = house.switchboard.turns
    with pytest.raises(Refused) as refused:
        await house.ask(question)
    assert house.switchboard.turns == before
    return str(refused.value)


def switch(house: House, name: str) -> Switch | None:
    return house.switchboard.in_force().get(name)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


async def test_a_calendar_is_closed_until_somebody_takes_it_back(house: House) -> None:
    assert await house.ask("do close/desk") == (
        "calendar desk: closed by console; to end it: acd do normal/desk."
    )
    assert switch(house, "desk") == Switch(False)
    assert await house.ask("do normal/desk") == (
        "calendar desk: open by its hours until today 18:00."
    )
    assert switch(house, "desk") is None


@pytest.mark.parametrize(
    ("words", "until", "told"),
    [
        ("2h", "2027-01-15 18:00", "today 18:00"),
        ("1h30m", "2027-01-15 17:30", "today 17:30"),
        ("90m", "2027-01-15 17:30", "today 17:30"),
        ("3d", "2027-01-18 16:00", "Mon 18 Jan 16:00"),
        ("17:15", "2027-01-15 17:15", "today 17:15"),
        ("15:00", "2027-01-16 15:00", "tomorrow 15:00"),
        ("today", "2027-01-16 00:00", "tomorrow 00:00"),
        ("2027-12-24T08:00", "2027-12-24 08:00", "Fri 24 Dec 08:00"),
        ("2028-01-02 8:00", "2028-01-02 08:00", "Sun 02 Jan 2028 08:00"),
    ],
)
async def test_a_switch_has_its_end_in_the_calendars_zone(
    house: House, words: str, until: str, told: str
) -> None:
    answer = await house.ask(f"do close/desk/{words}")
    assert answer == f"calendar desk: closed by console until {told}; then by its hours."
    assert switch(house, "desk") == Switch(False, at(until))


async def test_a_calendar_out_of_hours_is_opened_with_a_reason(house: House) -> None:
    assert await house.ask("do open/front/2h/open day, 1/2") == (
        "calendar clinic.front: open by console until today 11:00 (open day, 1/2); "
        "then by its hours."
    )
    found = switch(house, "clinic.front")
    assert found is not None
    assert (found.open, found.because) == (True, "open day, 1/2")
    assert OWN.is_open(house.switchboard.now(), found)


async def test_a_reason_needs_no_end(house: House) -> None:
    assert await house.ask("do close/desk/normal/power-cut") == (
        "calendar desk: closed by console (power-cut); to end it: acd do normal/desk."
    )


async def test_when_its_time_is_over_a_calendar_goes_by_its_hours(house: House) -> None:
    await house.ask("do close/desk/30m")
    house.later(30 * 60)
    assert switch(house, "desk") is None
    assert "desk          open    closes today 18:00" in await house.ask("show calendars")
    assert await house.ask("do normal/desk") == (
        "calendar desk: open by its hours until today 18:00."
    )
    assert len(house.switchboard.turns["desk"]) == 1  # there was nothing left to take back


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("do close/desc", 'No queue or calendar "desc". Did you mean desk?'),
        ("do normal/desc", 'No calendar "desc". Did you mean desk?'),
        ("do normal/billing", 'No calendar "billing".'),
        ("do close/calendar:billing", 'No calendar "billing".'),
        ("do close/queue:desk", 'No queue "desk".'),
        ("do close/billing/2h", "billing is a queue: it stays so until you change it."),
        ("do close/desk/0m", "today 16:00 is over already: nothing was changed."),
        ("do close/desk/2027-01-15T15:59", "today 15:59 is over already: nothing was changed."),
        ("do close/desk/367d", "367d is more than a year away; normal is until you end it."),
        (f"do close/desk/1h/{'x' * 201}", "A reason has 200 characters at most."),
        ("do normal/desk/2h", "Usage: acd do normal/CALENDAR"),
        ("do close", "Usage: acd do close/NAME/UNTIL/BECAUSE"),
        ("show calendars/desc", 'No calendar "desc". Did you mean desk?'),
    ],
)
async def test_wrong_words_change_nothing_and_are_told(
    house: House, question: str, told: str
) -> None:
    assert (await refusal(house, question)).startswith(told)


@pytest.mark.parametrize("words", ["soon", "25:00", "3", "2027-02-30T08:00", "-1h", "٣h", "2w"])
async def test_what_is_no_time_is_answered_with_what_is(house: House, words: str) -> None:
    assert await refusal(house, f"do close/desk/{words}") == (
        f'"{words}" is no time: write how long (2h, 90m, 3d), a time of day (15:00), today, '
        "a moment such as 2028-01-02T08:00, or normal"
    )


def test_a_time_of_day_is_the_right_moment_on_the_night_the_clocks_change() -> None:
    berlin = replace(OWN, name="b")
    evening = datetime(2026, 10, 24, 20, tzinfo=UTC)  # 22:00 in Berlin
    assert until_of("06:00", berlin, evening) - evening == timedelta(hours=9)
    assert until_of("8h", berlin, evening) - evening == timedelta(hours=8)


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Europe/Berlin")])
def test_in_the_hour_that_comes_twice_a_time_of_day_is_the_next_one(zone: tzinfo) -> None:
    berlin = Calendar("desk", ZoneInfo("Europe/Berlin"), ((),) * 7)
    for hour in (0, 1):  # 02:10, twice
        now = datetime(2026, 10, 25, hour, 10, tzinfo=UTC)
        until = until_of("02:30", berlin, now.astimezone(zone))
        assert until.astimezone(UTC) - now == timedelta(minutes=20)


# --- queues and calendars of one name ------------------------------------------------------------


async def test_a_queue_is_closed_and_opened_as_ever(house: House) -> None:
    assert await house.ask("do close/billing") == "billing: closed to new calls."
    assert isinstance(house.bench.sent[-1], QueueClosed)
    assert await house.ask("do open/queue:billing") == "billing: open."


async def test_a_name_that_both_have_is_never_guessed(house: House) -> None:
    house.bench.send(FloorLoaded(START, Floor(queues=(Queue("desk"), Queue("front")))))
    assert await refusal(house, "do close/desk") == (
        '"desk" is a queue and a calendar: write queue:desk or calendar:desk'
    )
    assert await refusal(house, "do close/front") == (
        '"front" is a queue and a calendar: write queue:front or calendar:clinic.front'
    )
    assert await house.ask("do close/queue:desk") == "desk: closed to new calls."
    assert (await house.ask("do close/calendar:desk")).startswith("calendar desk: closed")
    assert (await house.ask("do normal/desk")).startswith("calendar desk: open by its hours")


async def test_the_short_name_of_two_flows_own_calendars_is_never_guessed(house: House) -> None:
    other = replace(OWN, name="bank.front")
    house.flows = {**house.flows, "bank": replace(a_flow("bank", "b"), calendars={"front": other})}
    assert await refusal(house, "do close/front") == (
        '"front" is a calendar of several flows: bank.front, clinic.front'
    )
    assert (await house.ask("do close/bank.front")).startswith("calendar bank.front: closed")


# --- screens -------------------------------------------------------------------------------------


async def test_the_screen_tells_state_next_change_and_who_switched(house: House) -> None:
    await house.ask("do close/desk/2h/fire drill")
    rows = [line.split("  ") for line in (await house.ask("show calendars")).splitlines()]
    assert [[cell.strip() for cell in row if cell] for row in rows] == [
        ["Calendar", "State", "Next change", "Switch", "Zone"],
        ["clinic.front", "closed", "Europe/Berlin"],
        [
            *("desk", "closed", "opens Mon 18 Jan 08:00"),
            *("closed by console until today 18:00 (fire drill)", "Asia/Shanghai"),
        ],
        ["nurse", "open", "Asia/Shanghai"],
        [],
        ["3 calendars, 1 switched by hand"],
    ]


async def test_one_calendar_is_shown_with_its_holidays_and_past_turns(house: House) -> None:
    desk = replace(
        DESK,
        special={date(2027, 1, 15): (Span.between(600, 1500),)},
        holidays={date(2027, 1, 1): "New Year's Day", date(2027, 2, 5): "Spring Festival"},
        settled=date(2027, 12, 31),
    )
    house.flows = {"clinic": replace(a_flow("clinic", "a"), calendars={"desk": desk})}
    await house.ask("do open/desk/1h")
    house.later(600)
    await house.ask("do normal/desk")
    house.later(86_400)
    await house.ask("do close/desk/normal/flood")
    assert await house.ask("show calendars/desk") == (
        "desk (Asia/Shanghai, Sat 16 Jan 16:10 there)\n"
        "   State:       closed, switched by hand\n"
        "   Next change: none ahead\n"
        "   Today:       closed\n"
        "   Holiday:     Fri 05 Feb 2027 Spring Festival\n"
        "   Holidays are certain up to 31 Dec 2027\n"
        "   today 16:10: closed by console (flood)\n"
        "   yesterday 16:10: back to its hours, by console\n"
        "   yesterday 16:00: open by console until yesterday 17:00"
    )
    house.later(-86_400)
    assert "Today:       10:00-01:00 (special hours)" in await house.ask("show calendars/desk")


async def test_a_switch_whose_calendar_went_away_is_shown_and_can_be_taken_back(
    house: House,
) -> None:
    await house.ask("do close/desk")
    house.flows = {"clinic": replace(a_flow("clinic", "b"), calendars={"nurse": NURSE})}
    assert (await house.ask("show calendars")).endswith("Switched, but in no flow in force: desk")
    assert await house.ask("do normal/desk") == (
        "calendar desk: its switch is taken back; no flow in force has it."
    )
    assert house.switchboard.in_force() == {}
    house.flows = {}
    assert await house.ask("show calendars") == "No calendars: no flow in force has one."


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
async def running(house: House, tmp_path: Path) -> AsyncIterator[Settings]:
    home = tmp_path / "home"
    server = OperatorServer(house.operator.answer, Secrets(home).console_token, 0)
    await server.start()
    yield Settings(home=home, console_port=server.port)
    await server.stop()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["close", "desk", "--until", "17:00", "--because", "fire drill"],
            "calendar desk: closed by mei until today 17:00 (fire drill); then by its hours.",
        ),
        (
            ["close", "desk", "--because", "flood/fire"],
            "calendar desk: closed by mei (flood/fire); to end it: tieline do normal desk.",
        ),
        (
            ["open", "front", "--until", "1h"],
            "calendar clinic.front: open by mei until today 10:00; then by its hours.",
        ),
        (["normal", "desk"], "calendar desk: open by its hours until today 18:00."),
        (["close", "billing"], "billing: closed to new calls."),
    ],
)
async def test_the_command_line_says_who_typed_it(
    running: Settings, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.setattr(command_line, "load_settings", lambda: running)
    monkeypatch.setattr(command_line, "login_name", lambda: "mei")
    app = typer.Typer()
    command_line.register(app)
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.output.endswith(f"{told}\n")
