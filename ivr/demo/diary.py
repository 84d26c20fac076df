"""When the pretended practice and the pretended restaurant have free times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

STEP: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(days=90)
"""How far ahead anybody looks."""

Span = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Diary:
    """On `days` (0 is Monday) something begins every half hour in `spans`, never at their ends."""

    days: frozenset[int]
    spans: tuple[Span, ...]

    def starts(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The times from `after` to `until`, in the zone of `after`."""
        start = after.replace(minute=0, second=0, microsecond=0)
        last = min(until, after + LONGEST)
        while start <= last:
            if start >= after and self._open(start):
                yield start
            start += STEP

    def _open(self, start: datetime) -> bool:
        at = start.time()
        return start.weekday() in self.days and any(a <= at < b for a, b in self.spans)


_WORKING_DAYS = frozenset(range(5))
_TUESDAY_TO_SUNDAY = frozenset(range(1, 7))

OFFICE: Final = Diary(_WORKING_DAYS, ((time(9), time(17)),))
DIARIES: Final[Mapping[str, Diary]] = {
    "dentist": Diary(_WORKING_DAYS, ((time(8, 30), time(12)), (time(13, 30), time(18)))),
    "restaurant": Diary(
        _TUESDAY_TO_SUNDAY, ((time(11, 30), time(13, 30)), (time(17, 30), time(21)))
    ),
}
"""By the name of the service; every other one has office hours."""
