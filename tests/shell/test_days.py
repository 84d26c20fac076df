"""The service's clocks: what flows believe, and how long a day is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr.rounds import flow_clock, seconds_to_midnight

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600.0


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 6, 1, 0, 0, tzinfo=BERLIN), 24),
        (datetime(2026, 6, 1, 23, 0, tzinfo=BERLIN), 1),
        (datetime(2026, 3, 29, 0, 0, tzinfo=BERLIN), 23),
        (datetime(2026, 3, 29, 1, 0, tzinfo=BERLIN), 22),
        (datetime(2026, 3, 29, 4, 0, tzinfo=BERLIN), 20),
        (datetime(2026, 10, 25, 0, 0, tzinfo=BERLIN), 25),
        (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN), 22.5),
        (datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN), 21.5),
        (datetime(2026, 12, 31, 12, 0, tzinfo=BERLIN), 12),
        (datetime(2026, 6, 1, 6, 0, tzinfo=UTC), 18),
        (datetime(2024, 4, 25, 12, 0, tzinfo=ZoneInfo("Africa/Cairo")), 12),
        (datetime(2024, 4, 26, 12, 0, tzinfo=ZoneInfo("Africa/Cairo")), 12),
    ],
    ids=str,
)
def test_a_day_ends_at_midnight_where_it_is(now: datetime, hours: float) -> None:
    assert seconds_to_midnight(now) == hours * HOUR


def test_the_wait_for_midnight_is_never_nothing() -> None:
    assert seconds_to_midnight(datetime(2026, 6, 1, 23, 59, 59, 999_999, tzinfo=UTC)) == 1.0


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own zone."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25), (6, 1, 24)])
def test_without_a_zone_the_machines_own_counts(month: int, day: int, hours: int) -> None:
    assert seconds_to_midnight(datetime(2026, month, day)) == hours * HOUR


def test_flows_live_now() -> None:
    before = datetime.now(UTC)
    assert before <= flow_clock(None)() <= datetime.now(UTC)


@pytest.mark.parametrize(
    "rehearsal",
    [
        datetime(2026, 3, 2, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")),
        datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
    ],
    ids=str,
)
def test_a_rehearsal_begins_at_its_moment_and_time_goes_on_from_there(
    rehearsal: datetime,
) -> None:
    clock = flow_clock(rehearsal)
    first = clock()
    assert timedelta(0) <= first - rehearsal.astimezone(UTC) < timedelta(seconds=5)
    assert clock() >= first
    assert first.tzinfo is UTC
