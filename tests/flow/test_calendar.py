"""Opening hours, the nights when clocks change, and how moments are said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr.flow.calendar import Calendar, Span
from ivr.flow.wording import moment

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
DAY = (Span.between(8 * 60, 18 * 60),)


def hours(*spans: tuple[int, int], zone: ZoneInfo = BERLIN) -> Calendar:
    """The same spans, given in minutes, on every day."""
    return Calendar("desk", zone, (tuple(Span.between(*span) for span in spans),) * 7)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


WEEK = Calendar(
    "desk",
    SHANGHAI,
    (*([DAY] * 5), (Span.between(9 * 60, 13 * 60),), ()),
    closed=frozenset({date(2026, 3, 4)}),
    special={date(2026, 3, 8): (Span.between(10 * 60, 11 * 60),)},
)


@pytest.mark.parametrize(
    ("moment_", "is_open", "opens"),
    [
        ("2026-03-02 07:59", False, "2026-03-02 08:00"),
        ("2026-03-02 08:00", True, "2026-03-02 08:00"),
        ("2026-03-02 18:00", False, "2026-03-03 08:00"),
        ("2026-03-03 20:00", False, "2026-03-05 08:00"),  # the 4th is closed
        ("2026-03-07 13:00", False, "2026-03-08 10:00"),  # a Sunday with hours of its own
        ("2026-03-08 10:30", True, "2026-03-08 10:30"),
    ],
)
def test_days_closed_days_and_special_days(moment_: str, is_open: bool, opens: str) -> None:
    now = at(moment_, SHANGHAI)
    assert WEEK.is_open(now) is is_open
    assert WEEK.next_opening(now) == at(opens, SHANGHAI)


def test_the_zone_of_the_calendar_counts_not_that_of_the_clock() -> None:
    assert WEEK.is_open(datetime(2026, 3, 2, 0, 0, tzinfo=UTC))
    assert not WEEK.is_open(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


def test_a_night_shift_runs_into_the_morning_even_of_a_closed_day() -> None:
    night = Calendar(
        "night",
        BERLIN,
        ((Span.between(22 * 60, 6 * 60),),) * 7,
        closed=frozenset({date(2026, 3, 3)}),
    )
    assert night.is_open(at("2026-03-02 23:59"))
    assert night.is_open(at("2026-03-03 05:59"))
    assert not night.is_open(at("2026-03-03 06:00"))
    assert not night.is_open(at("2026-03-03 23:00"))
    assert night.next_opening(at("2026-03-03 06:00")) == at("2026-03-04 22:00")


def test_the_hour_that_does_not_exist_opens_at_the_jump() -> None:
    # Berlin, 29 March 2026: 02:00 becomes 03:00.
    early = hours((150, 360))
    assert early.next_opening(at("2026-03-29 01:00")) == at("2026-03-29 03:00")
    assert not early.is_open(at("2026-03-29 01:59"))
    assert early.is_open(at("2026-03-29 03:00"))
    assert not hours((0, 150)).is_open(at("2026-03-29 03:00"))
    assert not hours((130, 150)).is_open(at("2026-03-29 03:10"))


def test_the_hour_that_happens_twice_is_open_from_its_first_to_its_last_moment() -> None:
    # Berlin, 25 October 2026: 03:00 becomes 02:00.
    night = hours((22 * 60, 150))
    assert night.is_open(at("2026-10-25 02:10", fold=0))
    assert night.is_open(at("2026-10-25 02:40", fold=0))
    assert night.is_open(at("2026-10-25 02:10", fold=1))
    assert not night.is_open(at("2026-10-25 02:30", fold=1))
    assert hours((135, 600)).next_opening(at("2026-10-25 01:00")) == at("2026-10-25 02:15", fold=0)


def test_a_shift_over_the_change_lasts_an_hour_less_or_more() -> None:
    night = hours((22 * 60, 6 * 60))
    for evening, length in (("2026-03-28 22:00", 7), ("2026-10-24 22:00", 9)):
        began = at(evening).astimezone(UTC)
        minutes = sum(night.is_open(began + timedelta(minutes=each)) for each in range(720))
        assert minutes == length * 60


def test_a_calendar_that_never_opens_says_so() -> None:
    assert hours().next_opening(at("2026-03-02 10:00")) is None


@pytest.mark.parametrize(
    ("language", "to_come", "words"),
    [
        ("en", "2026-03-02 14:30", "today at 2:30 PM"),
        ("en", "2026-03-03 08:00", "tomorrow at 8 AM"),
        ("en", "2026-03-06 12:00", "on Friday at noon"),
        ("en", "2026-03-20 00:00", "on Friday, 20 March, at midnight"),
        ("zh", "2026-03-02 14:30", "今天下午2点半"),
        ("zh", "2026-03-03 08:00", "明天上午8点"),
        ("zh", "2026-03-06 20:05", "星期五晚上8点05分"),
        ("zh", "2026-03-20 12:00", "3月20日星期五中午12点"),
        ("fr", "2026-03-03 08:00", "2026-03-03 08:00"),
    ],
)
def test_moments_are_said_as_people_say_them(language: str, to_come: str, words: str) -> None:
    assert moment(language, at(to_come), at("2026-03-02 10:00")) == words
