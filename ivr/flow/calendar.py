"""Opening hours: when somebody is there.

Rules:
- Hours are wall-clock times in the calendar's zone; every comparison happens in UTC.
- A span belongs to the day it starts on. `22:00-06:00` runs into the next morning, even when that
  next day is closed: the night shift that began is not sent home at midnight.
- Special days replace the week's hours of their date; closed days have none. Special wins.
- The night the clock goes forward: a time that does not exist means the moment of the jump.
- The night the clock goes back: an opening means the first of the two moments, a closing the
  second, so nobody who works that night is shut out half-way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 24 * 60
HORIZON_DAYS = 400
"""How far ahead `next_opening` looks: past a year, so that yearly special days are found."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Minutes after midnight, `start` included, `end` not; `end` may lie past midnight."""

    start: int
    end: int

    @classmethod
    def between(cls, start: int, end: int) -> Span:
        """From wall-clock minutes; an end at or before the start is on the next day."""
        return cls(start, end if end > start else end + MINUTES_A_DAY)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A named set of hours; `week` has seven entries, Monday first."""

    name: str
    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    closed: frozenset[date] = frozenset()
    special: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def spans(self, day: date) -> tuple[Span, ...]:
        """The spans that start on this day."""
        if day in self.special:
            return self.special[day]
        return () if day in self.closed else self.week[day.weekday()]

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is there at this moment (aware)."""
        moment = at.astimezone(UTC)
        today = at.astimezone(self.zone).date()
        return any(start <= moment < end for start, end in self._moments(today, 2))

    def next_opening(self, at: datetime) -> datetime | None:
        """The first moment from `at` on that is open, in the calendar's zone.

        It is `at` itself while open, and None when nothing opens within `HORIZON_DAYS`.
        """
        moment = at.astimezone(UTC)
        today = at.astimezone(self.zone).date()
        best: datetime | None = None
        for start, end in self._moments(today, HORIZON_DAYS):
            if best is not None and start - best > timedelta(days=2):
                break
            if end > moment and (best is None or max(start, moment) < best):
                best = max(start, moment)
        return best.astimezone(self.zone) if best is not None else None

    def _moments(self, today: date, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Spans as UTC moments, from yesterday (which may reach into today) on."""
        for offset in range(-1, days):
            day = today + timedelta(days=offset)
            for span in self.spans(day):
                start = _moment(day, span.start, self.zone, closing=False)
                end = _moment(day, span.end, self.zone, closing=True)
                if start < end:
                    yield start, end


def _moment(day: date, minutes: int, zone: ZoneInfo, *, closing: bool) -> datetime:
    days, minutes = divmod(minutes, MINUTES_A_DAY)
    wall = datetime.combine(
        day + timedelta(days=days), time(minutes // 60, minutes % 60, fold=int(closing)), zone
    )
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    return _jump(wall, zone)


def _jump(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment the clock jumped over this wall-clock time (it lies between its two readings)."""
    low = min(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    high = max(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
