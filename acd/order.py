"""Which call: the place of a call in the order, a number that never changes while it waits.

- by age: `enqueued_at - (priority + weight) * seconds_per_priority`. All ages grow alike, so the
  difference between two calls stays and no heap needs to be sorted again.
- by target: the moment until which the call should be answered, earlier for priority as above. All
  time left shrinks alike. A call that is late already has the least time left, so it goes first and
  is never given up. Beside queues ordered by age it lets others go first by its target.
- in tiers: priority and weight decide alone, age only among equals. Calls of other queues are in
  tier 0, so a priority above 0 goes before all of them and one below 0 after.
"""

from __future__ import annotations

from typing import NamedTuple

from acd.floor import Queue
from acd.words import Order


class Entry(NamedTuple):
    """A waiting call in its heap, in the order calls are served."""

    tier: float
    number: float
    sequence: int
    call: str


def call_number(
    enqueued_at: float, priority: int, weight: float, seconds_per_priority: float
) -> float:
    """The one number that orders calls: each step of priority is worth so many seconds of wait."""
    return enqueued_at - (priority + weight) * seconds_per_priority


def place(queue: Queue, enqueued_at: float, priority: int) -> tuple[float, float]:
    """Tier and number of a call, lowest first."""
    if queue.order is Order.TIERS:
        return -(priority + queue.weight), enqueued_at
    number = call_number(enqueued_at, priority, queue.weight, queue.seconds_per_priority)
    return 0.0, number + queue.target_seconds if queue.order is Order.TARGET else number
