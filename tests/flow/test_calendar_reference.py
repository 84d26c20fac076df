"""Random calendars against the clock on the wall, read minute by minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.flow.calendar import HORIZON_DAYS, Calendar, Span, Switch

ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"),
    *("America/Havana", "Pacific/Chatham", "Africa/Casablanca", "UTC"),
)
DAYS = (
    *(date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1)),
    *(date(2026, 4, 5), date(2026, 10, 4), date(2026, 9, 27), date(2026, 2, 15)),
    *(date(2026, 12, 31), date(2028, 2, 29), date(2026, 6, 17)),
)
"""The clock changes of these zones among them."""
WINDOW = 5 * 24 * 60

spans = st.lists(
    st.builds(Span.between, st.integers(0, 1439), st.integers(0, 1439)), max_size=2
).map(tuple)


@st.composite
def calendars(draw: st.DrawFn, around: date) -> Calendar:
    near = st.integers(-2, 3).map(lambda days: around + timedelta(days=days))
    few = {"max_size": 2}
    return Calendar(
        "desk",
        ZoneInfo(draw(st.sampled_from(ZONES))),
        tuple(draw(st.lists(spans, min_size=7, max_size=7))),
        closed=frozenset(draw(st.lists(near, **few))),
        special=draw(st.dictionaries(near, spans, **few)),
        moved=draw(st.dictionaries(near, st.integers(0, 6), **few)),
        holidays=draw(st.dictionaries(near, st.just("Fair"), **few)),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """A calendar, and the first minute of a window round one of the days."""
    day = draw(st.sampled_from(DAYS))
    calendar = draw(calendars(day))
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    return calendar, start + timedelta(minutes=draw(st.integers(0, 1440)))


def spans_by_the_rule(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """Special, moved, closed, holiday, week: the first that names the day."""
    rules: tuple[Mapping[date, tuple[Span, ...]], ...] = (
        calendar.special,
        {day: calendar.week[number] for day, number in calendar.moved.items()},
        dict.fromkeys(calendar.closed, ()),
        dict.fromkeys(calendar.holidays, ()),
    )
    return next((each[day] for each in rules if day in each), calendar.week[day.weekday()])


def open_by_the_wall(calendar: Calendar, start: datetime) -> list[bool]:
    """Minute by minute: open from when the wall first showed the opening, to when it last showed
    a time before the closing."""
    margin = 2 * 24 * 60
    first = start - timedelta(minutes=margin)
    walls = [
        (first + timedelta(minutes=each)).astimezone(calendar.zone).replace(tzinfo=None)
        for each in range(WINDOW + 2 * margin)
    ]
    highest = list(accumulate(walls, max))
    lowest = list(accumulate(reversed(walls), min))[::-1]
    shifts = []
    for offset in range(-3, (WINDOW + 2 * margin) // 1440 + 2):
        day = first.date() + timedelta(days=offset)
        midnight = datetime(day.year, day.month, day.day)
        for span in spans_by_the_rule(calendar, day):
            opening = midnight + timedelta(minutes=span.start)
            shifts.append((opening, midnight + timedelta(minutes=span.end)))
    return [
        any(opening <= highest[each] and lowest[each] < closing for opening, closing in shifts)
        for each in range(margin, margin + WINDOW)
    ]


def utc(at: datetime | None) -> datetime | None:
    """The same moment where no two moments look alike: two zones never compare equal in a fold."""
    return None if at is None else at.astimezone(UTC)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_every_minute_is_as_the_clock_on_the_wall_says(case: tuple[Calendar, datetime]) -> None:
    calendar, start = case
    expected = open_by_the_wall(calendar, start)
    found = [calendar.is_open(start + timedelta(minutes=each)) for each in range(0, WINDOW, 7)]
    assert found == expected[::7]


@given(cases(), st.integers(0, 1440))
@settings(max_examples=100, deadline=None)
def test_openings_and_changes_are_where_the_minutes_turn(
    case: tuple[Calendar, datetime], minute: int
) -> None:
    calendar, start = case
    expected = open_by_the_wall(calendar, start)
    now = start + timedelta(minutes=minute)
    ahead = expected[minute:]
    opens, change = utc(calendar.next_opening(now)), utc(calendar.next_change(now))
    if any(ahead):
        assert opens == now + timedelta(minutes=ahead.index(True))
    else:
        assert opens is None or opens >= now + timedelta(minutes=len(ahead))
    if (not ahead[0]) in ahead:
        assert change == now + timedelta(minutes=ahead.index(not ahead[0]))
    else:
        assert change is None or change >= now + timedelta(minutes=len(ahead))


@given(cases())
@settings(max_examples=150, deadline=None)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    case: tuple[Calendar, datetime],
) -> None:
    calendar, now = case
    opens = calendar.next_opening(now)
    if opens is None:
        assert not any(calendar.spans(now.date() + timedelta(days=d)) for d in range(4, 300))
        return
    assert opens.tzinfo is calendar.zone
    opens = opens.astimezone(UTC)
    assert now <= opens <= now + timedelta(days=HORIZON_DAYS)
    assert calendar.is_open(opens)
    if opens > now:
        gap = opens - now
        assert not calendar.is_open(opens - timedelta(microseconds=1))
        assert not any(calendar.is_open(now + gap * each / 50) for each in range(50))


@given(cases(), st.booleans(), st.none() | st.integers(-600, 4000))
@settings(max_examples=150, deadline=None)
def test_a_switch_says_what_is_so_until_its_time_and_nothing_afterwards(
    case: tuple[Calendar, datetime], is_open: bool, length: int | None
) -> None:
    calendar, now = case
    until = None if length is None else now + timedelta(minutes=length)
    switch = Switch(is_open, until)
    if until is not None and until <= now:
        assert calendar.is_open(now, switch) is calendar.is_open(now)
        assert calendar.next_opening(now, switch) == calendar.next_opening(now)
        assert calendar.next_change(now, switch) == calendar.next_change(now)
        return
    assert calendar.is_open(now, switch) is is_open
    opens = utc(calendar.next_opening(now, switch))
    assert opens == (now if is_open else until and utc(calendar.next_opening(until)))
    change = utc(calendar.next_change(now, switch))
    assert change is None or (until is not None and change >= until)
    if change is not None:
        assert calendar.is_open(change, switch) is not is_open
        assert calendar.is_open(change - timedelta(microseconds=1), switch) is is_open
