"""How long a call will wait: an honest guess, as a band, or silence.

    work ahead x average handle time / agents

- The queue's average handle time (talk and wrap-up) is measured; before there are `ENOUGH` calls
  the configured one is taken, and without one nothing is said.
- Work ahead is every call that goes before this one, callbacks included, of any queue. Each waits
  for its own set of agents, so only the share of it counts that falls on agents of this call: of
  two calls ahead for four agents, two of whom are ours, one is ahead of us.
- Agents are those of the call's present step who are there and not paused nor about to go.
- The call itself adds one: with everybody busy and nobody ahead, the wait is until the first of the
  agents is free. For exponential handle times this is exact (Erlang C, k calls ahead: mean
  (k + 1) x AHT / n, gamma distributed with shape k + 1). The band goes from its 10th percentile to
  its 84th: rounded to minutes as it is said, four waits of five end within it, also where handle
  times are others and callers give up (`python -m benchmarks estimates`).

What was said once is not taken back without a cause: `announce` lets a figure rise only when fewer
agents are there, more work is ahead, or calls have become longer than at the last announcement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

ENOUGH = 5
"""Calls measured before their mean is trusted."""
MEMORY = 50
"""Calls after which an old one counts little in the mean."""
_LOW, _HIGH = -1.28, 1.0
"""The ends of the band in standard deviations of a normal distribution."""
_LONGER = 1.1
"""By how much the handle time must have grown to be a cause."""


@dataclass(slots=True)
class Handling:
    """The mean of how long calls keep an agent, in seconds; recent ones count most."""

    mean: float = 0.0
    count: int = 0

    def add(self, seconds: float) -> None:
        """One more call."""
        self.count += 1
        self.mean += (seconds - self.mean) / min(self.count, MEMORY)

    def seconds(self, configured: float | None) -> float | None:
        """The average handle time to reckon with, or None."""
        return self.mean if self.count >= ENOUGH else configured


class Group(NamedTuple):
    """Calls of one kind that go before: their number, handle time, and the share on our agents."""

    calls: int
    handle: float
    share: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A wait from now on, in seconds: the mean, and the band in which four of five end.

    `ahead` is the work ahead in calls that fall on `agents` agents; `handle` is the call's own
    average handle time.
    """

    seconds: float
    low: float
    high: float
    ahead: float
    agents: int
    handle: float


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller heard at `at`: place and wait; no wait was said when `handle` is 0."""

    at: float
    position: int = 0
    seconds: float = 0.0
    low: float = 0.0
    high: float = 0.0
    ahead: float = 0.0
    agents: int = 0
    handle: float = 0.0

    @property
    def has_wait(self) -> bool:
        """Whether a wait was said."""
        return self.handle > 0

    def holds(self, waited: float) -> bool:
        """Whether so many seconds are within the band as it was said."""
        first, last = in_minutes(self.low, self.high)
        return first * 60 <= waited <= last * 60


class Cause(NamedTuple):
    """Why a figure rose."""

    fewer_agents: bool = False
    more_ahead: bool = False
    longer_calls: bool = False


NO_CAUSE = Cause()


@dataclass(frozen=True, slots=True)
class Announcement:
    """What may be said to a waiting caller now.

    `position` is None unless it improved since it was said last. `minutes` is the band in whole
    minutes, None for silence. `rose` is why the wait is longer than what was left of the last one.
    """

    position: int | None
    minutes: tuple[int, int] | None
    told: Told
    rose: Cause = NO_CAUSE


def estimate(handle: float | None, agents: int, before: list[Group]) -> Estimate | None:
    """The wait of a call that has to wait; None when nothing can be known."""
    if handle is None or handle <= 0 or agents <= 0:
        return None
    # fsum: the same whatever the order, which a restart changes.
    work = math.fsum(group.calls * group.handle * group.share for group in before)
    ahead = work / handle
    mean = (ahead + 1) * handle / agents
    low, high = (mean * _of_mean(ahead + 1, z) for z in (_LOW, _HIGH))
    return Estimate(mean, low, high, ahead, agents, handle)


def _of_mean(shape: float, z: float) -> float:
    """A quantile of the gamma distribution over its mean (Wilson and Hilferty 1931)."""
    return max(0.0, 1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))) ** 3


def announce(
    now: float, position: int, wait: Estimate | None, last: Told | None, gap: float
) -> Announcement | None:
    """What may be said now, or None: too soon after the last words, or nothing to say."""
    if last is not None and now - last.at < gap:
        return None
    better = last is None or not last.position or position < last.position
    told, rose = _told(now, position if better or last is None else last.position, wait, last)
    minutes = in_minutes(told.low, told.high) if told.has_wait else None
    if not better and minutes is None:
        return None
    return Announcement(position if better else None, minutes, told, rose)


def _told(
    now: float, position: int, wait: Estimate | None, last: Told | None
) -> tuple[Told, Cause]:
    """The figure to say: the estimate, but no more than what was said unless there is a cause."""
    if wait is None:
        return Told(now, position), NO_CAUSE
    told = Told(
        now, position, wait.seconds, wait.low, wait.high, wait.ahead, wait.agents, wait.handle
    )
    if last is None or not last.has_wait or wait.seconds <= last.seconds:
        return told, NO_CAUSE
    why = Cause(
        wait.agents < last.agents,
        wait.ahead > last.ahead + 0.01,
        wait.handle > last.handle * _LONGER,
    )
    if any(why):
        return told, why
    capped = Told(
        now, position, last.seconds, last.low, last.high, last.ahead, last.agents, last.handle
    )
    return capped, why


def in_minutes(low: float, high: float) -> tuple[int, int]:
    """The band as it is said: "about 3 to 5 minutes"; (0, 1) is "less than a minute".

    Whole minutes, rounded outwards; in steps of five beyond a quarter of an hour.
    """
    step = 5 if high > 15 * 60 else 1
    first = int(low // 60) // step * step
    last = -(-math.ceil(high / 60) // step) * step
    return first, max(last, first + 1)
