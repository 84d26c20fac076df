"""What is due when: a heap of (time, kind, id) whose entries may be stale.

An entry is only a reminder. The truth is asked again when it comes up (`actual`), so nothing has to
be removed when a lease is answered or a wrap-up extended. The order is total and does not depend on
how the heap came about, so a rebuilt heap is worked off in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from heapq import heappop, heappush


class Due(IntEnum):
    """Kinds of deadline; at the same instant agents are freed before callers are sent away."""

    WRAP_UP = 0
    LEASE = 1
    RETRY = 2
    RELAX = 3
    PREFER = 4
    CALLBACK = 5
    MAX_WAIT = 6
    LEAVE = 7
    EXPIRE = 8


class Deadlines:
    """The reminders. `actual(kind, id)` tells the true deadline now, None when there is none."""

    def __init__(self, actual: Callable[[Due, str], float | None]) -> None:
        self._actual = actual
        self._heap: list[tuple[float, Due, str]] = []

    def remind(self, kind: Due, of: str) -> None:
        """Remember the present deadline of this kind, if there is one."""
        when = self._actual(kind, of)
        if when is not None:
            heappush(self._heap, (when, kind, of))

    def set(self, when: float, kind: Due, of: str) -> None:
        """Remember a deadline that is known."""
        heappush(self._heap, (when, kind, of))

    def next(self) -> float | None:
        """The earliest true deadline, or None."""
        heap = self._heap
        while heap:
            when, kind, of = heap[0]
            if self._actual(kind, of) == when:
                return when
            heappop(heap)
        return None

    def pop(self, now: float) -> tuple[float, Due, str] | None:
        """The earliest true deadline that is due by `now`, taken out, or None."""
        when = self.next()
        return heappop(self._heap) if when is not None and when <= now else None
