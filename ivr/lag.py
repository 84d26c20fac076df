"""How late the event loop is: the one figure that tells whether every caller is served in time.

All calls share one loop. What blocks it for 50 ms keeps every key press, every wake-up and every
offer waiting that long, so it is logged with the worst of the past second.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

EVERY: Final = 0.02
"""Seconds between two looks: a block is seen at least as long as it was, less this."""
LIMIT: Final = 0.05
QUIET: Final = 1.0
"""Seconds between two lines of the log."""

log = structlog.get_logger(__name__)


class LagWatch:
    """`worst` is the longest delay so far, in seconds. `run` never returns."""

    def __init__(self, every: float = EVERY, limit: float = LIMIT) -> None:
        self.worst = 0.0
        self._every, self._limit = every, limit
        self._untold = 0.0
        self._told_at = -QUIET

    async def run(self) -> None:
        """Watch the running loop."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._every
            await asyncio.sleep(self._every)
            now = loop.time()
            self.note(now - due, now)

    def note(self, lag: float, now: float) -> None:
        """A look came `lag` seconds late, at `now` of the loop's clock."""
        self.worst = max(self.worst, lag)
        self._untold = max(self._untold, lag)
        if self._untold >= self._limit and now - self._told_at >= QUIET:
            log.warning("the event loop was late", milliseconds=round(self._untold * 1000))
            self._untold, self._told_at = 0.0, now
