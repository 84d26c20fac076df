"""Opening hours: when somebody is there.

Rules:
- Hours are wall-clock times in the calendar's zone; every comparison happens in UTC.
- A span belongs to the day it starts on. `22:00-06:00` runs into the next morning, even when that
  next day is closed: the night shift that began is not sent home at midnight.
- What a day's hours are, the first of these that names the date: special hours, a moved working
  day (it has another weekday's hours), a closed day, a public holiday, the week.
- The night the clock goes forward: a time that does not exist means the moment of the jump.
- The night the clock goes back: an opening means the first of the two moments, a closing the
  second, so nobody who works that night is shut out half-way.
- A switch stands above all of it until its time is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
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
class Switch:
    """An operator's word that a calendar is open or closed, whatever its hours say.

    It holds until `until` (aware; that moment itself is free again), or until it is taken back when
    that is None. `because` is the operator's reason, "" without one.
    """

    open: bool
    until: datetime | None = None
    because: str = ""

    def holds(self, at: datetime) -> bool:
        """Whether it counts at this moment (aware)."""
        return self.until is None or at.astimezone(UTC) < self.until.astimezone(UTC)


Switches = Mapping[str, Switch]
"""The switches that were set, by `Calendar.name`."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A named set of hours; `week` has seven entries, Monday first.

    `name` is unlike that of any other calendar: `desk` in the organisation's file, `clinic.desk`
    for one that the flow `clinic` has of its own. Switches go by it. `moved` says which weekday's
    hours a date has (0 is Monday), `holidays` names the public holidays; `settled` is the last day
    up to which these are known for certain, None without any.
    """

    name: str
    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    closed: frozenset[date] = frozenset()
    special: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    moved: Mapping[date, int] = field(default_factory=dict)
    holidays: Mapping[date, str] = field(default_factory=dict)
    settled: date | None = None

    def spans(self, day: date) -> tuple[Span, ...]:
        """The spans that start on this day."""
        if day in self.special:
            return self.special[day]
        if day in self.moved:
            return self.week[self.moved[day]]
        shut = day in self.closed or day in self.holidays
        return () if shut else self.week[day.weekday()]

    def reason(self, day: date) -> str:
        """Why this day's hours are not those of its weekday; "" when they are."""
        if day in self.special:
            return "special hours"
        if day in self.moved:
            return f"moved: the hours of {DAYS[self.moved[day]]}"
        return "closed day" if day in self.closed else self.holidays.get(day, "")

    def is_open(self, at: datetime, switch: Switch | None = None) -> bool:
        """Whether somebody is there at this moment (aware)."""
        if switch is not None and switch.holds(at):
            return switch.open
        moment = at.astimezone(UTC)
        return any(start <= moment < end for start, end in self._moments(at, 2))

    def next_opening(self, at: datetime, switch: Switch | None = None) -> datetime | None:
        """The first moment from `at` on that is open, in the calendar's zone.

        It is `at` itself while open, and None when nothing opens within `HORIZON_DAYS`, or when a
        switch keeps it closed and nobody said for how long.
        """
        if switch is not None and switch.holds(at):
            if switch.open:
                return at.astimezone(self.zone)
            return self.next_opening(switch.until) if switch.until is not None else None
        if not (any(self.week) or any(self.special.values())):
            return None  # such as one that only a switch ever opens
        moment = at.astimezone(UTC)
        for start, end in self._moments(at, HORIZON_DAYS):
            if end > moment:
                return max(start, moment).astimezone(self.zone)
        return None

    def next_change(self, at: datetime, switch: Switch | None = None) -> datetime | None:
        """The first moment after `at` when it is open no more, or open at last; in its zone.

        None when that is further away than `HORIZON_DAYS`, or up to whoever set the switch.
        """
        if switch is not None and switch.holds(at):
            until = switch.until
            if until is None:
                return None
            if self.is_open(until) is not switch.open:
                return until.astimezone(self.zone)
            return self.next_change(until)
        if not self.is_open(at):
            return self.next_opening(at)
        end = at.astimezone(UTC)
        latest = end + timedelta(days=HORIZON_DAYS - 1)
        for start, stop in self._moments(at, HORIZON_DAYS):
            if start > end:
                break
            end = max(end, stop)
        return end.astimezone(self.zone) if end < latest else None

    def wall(self, day: date, minutes: int) -> datetime:
        """The first moment when the clocks of its zone show this time of day (aware)."""
        return _moment(day, minutes, self.zone, closing=False).astimezone(self.zone)

    def walls(self, day: date, minutes: int) -> tuple[datetime, datetime]:
        """`wall`, and the last such moment: another one where the clocks go back."""
        last = _moment(day, minutes, self.zone, closing=True).astimezone(self.zone)
        return self.wall(day, minutes), last

    def _moments(self, at: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Spans as UTC moments, from the day before `at` (which may reach into it) on.

        In the order of their starts: clocks never show a later time first.
        """
        today = at.astimezone(self.zone).date()
        for offset in range(-1, days):
            day = today + timedelta(days=offset)
            for span in sorted(self.spans(day)):
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
