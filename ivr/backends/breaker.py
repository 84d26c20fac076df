"""A circuit breaker: callers do not wait for a service that has just failed the ones before them.

After `LIMIT` failures in a row it opens: the service is not asked for `REST` seconds, and everybody
is told at once. Then one request tries; the others are still told at once. If it succeeds, all is
as before; if not, the service rests again.
"""

from __future__ import annotations

from dataclasses import dataclass

LIMIT = 5
REST = 10.0


@dataclass(slots=True)
class Breaker:
    """One service's; times in seconds of any one clock."""

    limit: int = LIMIT
    rest: float = REST
    failures: int = 0
    open_until: float = 0.0
    trying: bool = False

    def admits(self, now: float) -> bool:
        """Whether a request may be made; each that may must be followed by how it went."""
        if self.failures < self.limit:
            return True
        if self.trying or now < self.open_until:
            return False
        self.trying = True
        return True

    def went(self, well: bool | None, now: float) -> None:
        """How a request went; None when it was given up before that could be told."""
        self.trying = False
        if well is None:
            return
        self.failures = 0 if well else self.failures + 1
        if not well:
            self.open_until = now + self.rest
