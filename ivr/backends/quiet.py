"""Hours in which nobody is written to who has not asked for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Quiet:
    """From `begins` to `ends`, minutes of the day in `zone`; across midnight when it ends first."""

    begins: int
    ends: int
    zone: str = "UTC"

    @classmethod
    def told(cls, begins: str, ends: str, zone: str) -> Quiet:
        """From `21:00` and `08:00`; raises ValueError with what is wrong."""
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone!r} is no time zone") from None
        first, last = _minutes(begins), _minutes(ends)
        if first == last:
            raise ValueError("quiet hours begin and end at different times")
        return cls(first, last, zone)

    def over_at(self, now: float) -> float:
        """`now` (epoch seconds) when it is not quiet, else the moment at which it ends."""
        local = datetime.fromtimestamp(now, ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        through_night = self.begins > self.ends
        late, early = minute >= self.begins, minute < self.ends
        if not ((late or early) if through_night else (late and early)):
            return now
        day = local.date() + timedelta(days=1 if through_night and late else 0)
        end = datetime(day.year, day.month, day.day, *divmod(self.ends, 60), tzinfo=local.tzinfo)
        return end.astimezone(UTC).timestamp()


def _minutes(text: str) -> int:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time of day")
    return int(found[1]) * 60 + int(found[2])
