"""Nights on which clocks change, year ends, leap days: what a calendar makes of odd days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr.flow.calendar import HORIZON_DAYS, Calendar, Span

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"
"""Its clocks move by half an hour: at 02:00 to 02:30 in spring, to 01:30 in autumn."""


def daily(zone: str, *spans: tuple[str, str]) -> Calendar:
    """The same spans on every day, as `08:00`."""
    day = tuple(Span.between(minutes(start), minutes(end)) for start, end in spans)
    return Calendar("desk", ZoneInfo(zone), (day,) * 7)


def minutes(text: str) -> int:
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


def at(zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def open_minutes(calendar: Calendar, start: datetime, hours: int) -> int:
    begin = start.astimezone(UTC)
    return sum(calendar.is_open(begin + timedelta(minutes=each)) for each in range(hours * 60))


@pytest.mark.parametrize(
    ("zone", "evening", "length"),
    [
        (BERLIN, "2026-03-28", 420),
        (BERLIN, "2026-10-24", 540),
        (NEW_YORK, "2026-03-07", 420),
        (NEW_YORK, "2026-10-31", 540),
        (LORD_HOWE, "2026-10-03", 450),
        (LORD_HOWE, "2026-04-04", 510),
        (BERLIN, "2026-06-01", 480),
    ],
)
def test_a_night_shift_lasts_as_long_as_the_night_does(
    zone: str, evening: str, length: int
) -> None:
    night = daily(zone, ("22:00", "06:00"))
    assert open_minutes(night, at(zone, f"{evening} 21:00"), 12) == length
    assert night.next_change(at(zone, f"{evening} 22:30")) == (
        at(zone, f"{evening} 06:00") + timedelta(days=1)
    )


@pytest.mark.parametrize(
    ("zone", "day", "missing", "jump"),
    [
        (BERLIN, "2026-03-29", "02:30", "03:00"),
        (NEW_YORK, "2026-03-08", "02:30", "03:00"),
        (LORD_HOWE, "2026-10-04", "02:15", "02:30"),
    ],
)
def test_a_time_the_clock_leaps_over_is_the_moment_of_the_leap(
    zone: str, day: str, missing: str, jump: str
) -> None:
    leap = at(zone, f"{day} {jump}").astimezone(UTC)
    opens = daily(zone, (missing, "12:00"))
    assert opens.next_opening(at(zone, f"{day} 00:30")) == leap
    assert not opens.is_open(leap - timedelta(seconds=1))
    closes = daily(zone, ("00:00", missing))
    assert closes.is_open(leap - timedelta(seconds=1))
    assert closes.next_change(at(zone, f"{day} 00:30")) == leap
    assert opens.wall(date.fromisoformat(day), minutes(missing)) == leap


@pytest.mark.parametrize(
    ("zone", "day", "twice"),
    [
        (BERLIN, "2026-10-25", "02:30"),
        (NEW_YORK, "2026-11-01", "01:30"),
        (LORD_HOWE, "2026-04-05", "01:45"),
    ],
)
def test_a_time_that_comes_twice_opens_at_the_first_and_closes_at_the_second(
    zone: str, day: str, twice: str
) -> None:
    first, second = at(zone, f"{day} {twice}"), at(zone, f"{day} {twice}", fold=1)
    assert second.astimezone(UTC) > first.astimezone(UTC)
    assert daily(zone, (twice, "12:00")).next_opening(at(zone, f"{day} 00:30")) == first
    closes = daily(zone, ("00:00", twice))
    closing = closes.next_change(at(zone, f"{day} 00:30"))
    assert closing is not None
    assert closing.astimezone(UTC) == second.astimezone(UTC)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE])
def test_round_the_clock_has_no_gap_on_any_night(zone: str) -> None:
    always = daily(zone, ("00:00", "24:00"))
    for day in ("2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04", "2026-10-03"):
        assert open_minutes(always, at(zone, f"{day} 12:00"), 26) == 26 * 60
    assert always.next_change(at(zone, "2026-03-02 10:00")) is None


def test_the_day_a_zone_left_out_has_no_hours() -> None:
    # Samoa went from 29 to 31 December 2011 at midnight.
    apia = daily("Pacific/Apia", ("08:00", "18:00"))
    assert apia.next_opening(at("Pacific/Apia", "2011-12-29 19:00")) == (
        at("Pacific/Apia", "2011-12-31 08:00")
    )
    assert open_minutes(apia, at("Pacific/Apia", "2011-12-29 18:00"), 14) == 0


def test_a_shift_over_the_turn_of_the_year_belongs_to_the_old_year() -> None:
    night = daily(BERLIN, ("22:00", "06:00"))
    calm = Calendar("desk", night.zone, night.week, closed=frozenset({date(2027, 1, 1)}))
    assert calm.is_open(at(BERLIN, "2027-01-01 05:59"))
    assert not calm.is_open(at(BERLIN, "2027-01-01 22:30"))
    assert calm.next_opening(at(BERLIN, "2027-01-01 06:00")) == at(BERLIN, "2027-01-02 22:00")


def test_the_29th_of_february_is_a_day_like_any_other_and_can_be_special() -> None:
    leap = Calendar(
        "desk",
        ZoneInfo(BERLIN),
        ((Span.between(480, 1080),),) * 5 + ((), ()),
        special={date(2028, 2, 29): (Span.between(600, 660),)},
    )
    assert leap.next_opening(at(BERLIN, "2028-02-28 18:00")) == at(BERLIN, "2028-02-29 10:00")
    assert leap.next_opening(at(BERLIN, "2028-02-29 11:00")) == at(BERLIN, "2028-03-01 08:00")
    assert leap.next_opening(at(BERLIN, "2027-02-28 12:00")) == at(BERLIN, "2027-03-01 08:00")


def test_a_single_day_of_the_year_is_found_within_the_horizon_and_not_beyond() -> None:
    once = Calendar(
        "fair",
        ZoneInfo("UTC"),
        ((),) * 7,
        special={date(2028, 2, 29): (Span.between(480, 1080),)},
    )
    opens = at("UTC", "2028-02-29 08:00")
    assert once.next_opening(opens - timedelta(days=HORIZON_DAYS - 1)) == opens
    assert once.next_opening(opens - timedelta(days=HORIZON_DAYS + 1)) is None
    assert once.next_opening(at("UTC", "2028-02-29 18:00")) is None
    assert once.next_change(at("UTC", "2028-02-29 12:00")) == at("UTC", "2028-02-29 18:00")


def test_hours_that_touch_are_one_opening_until_the_last_of_them_ends() -> None:
    split = daily(BERLIN, ("08:00", "12:00"), ("12:00", "18:00"))
    assert split.next_change(at(BERLIN, "2026-03-02 09:00")) == at(BERLIN, "2026-03-02 18:00")
    assert split.next_change(at(BERLIN, "2026-03-02 18:00")) == at(BERLIN, "2026-03-03 08:00")
