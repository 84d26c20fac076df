"""What a simulated day is made of: calls, agents and how they answer. Frozen values.

Times are seconds on the same clock everywhere, durations are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import NamedTuple

from acd import model as m
from acd.simulation.arrivals import Arrivals
from acd.simulation.draws import Draw, Fixed, Sampler, dice_for
from acd.simulation.ledger import Outcome


class Caller(NamedTuple):
    """One call that will come, with all that chance decides about it.

    `talk` is how long its agent is with it, `patience` how long it waits before it hangs up,
    `rings` how long the first phone rings before its agent takes it (None: as `Phones` say), or
    with `together` how long several do before the quickest takes it,
    `wraps` after what time the agent is done with wrap-up (None: when the queue's time is over).
    One that is not `counted` is work for agents and in no figure; with `callback` it asks
    to be called back when its patience is over, and keeps its place. A call that was queued before
    comes again only `after` its earlier wait has ended in that way.
    """

    comes: m.CallQueued
    talk: float
    patience: float = math.inf
    rings: float | None = None
    wraps: float | None = None
    counted: bool = True
    callback: bool = False
    after: Outcome | None = None
    together: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """Calls of one kind. Without `patience` nobody hangs up, without `wraps` wrap-up is used up."""

    queue: str
    arrivals: Arrivals
    talk: Draw
    patience: Draw | None = None
    needs: Mapping[str, int] = field(default_factory=dict)
    priority: int = 0
    channel: m.Channel = m.Channel.VOICE
    wraps: Draw | None = None

    def callers(self, seed: int, number: int) -> Iterator[Caller]:
        """One day of it, in order; `number` tells it from other streams."""

        def sampler(draw: Draw | None, purpose: str) -> Sampler | None:
            return draw.sampler(dice_for(seed, number, purpose)) if draw else None

        talk = self.talk.sampler(dice_for(seed, number, "talk"))
        bears, wraps = sampler(self.patience, "patience"), sampler(self.wraps, "wrap-up")
        times = self.arrivals.times(dice_for(seed, number, "arrivals"))
        for count, at in enumerate(times):
            call = f"{number}.{count}"
            comes = m.CallQueued(
                at, call, call, self.queue, self.needs, self.priority, at, channel=self.channel
            )
            patience = bears() if bears else math.inf
            yield Caller(comes, talk(), patience, None, wraps() if wraps else None)


@dataclass(frozen=True, slots=True)
class Break:
    """A pause of an agent."""

    begins: float
    ends: float
    reason: str = "break"


@dataclass(frozen=True, slots=True)
class Shift:
    """When an agent works; what is asked during a call takes effect after it."""

    agent: str
    begins: float
    ends: float
    breaks: tuple[Break, ...] = ()

    def moves(self) -> list[m.Event]:
        """What the agent does, in order."""
        moves: list[m.Event] = [m.LoggedIn(self.begins, self.agent)]
        for each in self.breaks:
            moves.append(m.Paused(each.begins, self.agent, each.reason))
            moves.append(m.Readied(each.ends, self.agent))
        if self.ends < math.inf:
            moves.append(m.LoggedOut(self.ends, self.agent))
        return moves


@dataclass(frozen=True, slots=True)
class Phones:
    """How agents answer: after how long, and which share of offers they let ring out.

    `missed_by` is for single agents. Whoever was paused for not answering is back after
    `back_after`.
    """

    answer_after: Draw = field(default_factory=lambda: Fixed(0))
    missed: float = 0.0
    missed_by: Mapping[str, float] = field(default_factory=dict)
    back_after: float = 300.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A day. A call that finds all of `lines` in use is blocked: it never reaches the floor."""

    floor: m.Floor
    streams: tuple[Stream, ...]
    shifts: tuple[Shift, ...]
    begins: float = 0.0
    ends: float = math.inf
    phones: Phones = field(default_factory=Phones)
    lines: int | None = None

    def callers(self, seed: int) -> Iterator[Caller]:
        """Everybody who calls on one such day, in order."""
        return merged([stream.callers(seed, n) for n, stream in enumerate(self.streams)])

    def moves(self) -> list[m.Event]:
        """What the agents do, in order."""
        everything = [move for shift in self.shifts for move in shift.moves()]
        return sorted(everything, key=lambda move: move.at)


def merged(streams: Sequence[Iterator[Caller]]) -> Iterator[Caller]:
    """Several streams as one, in order."""
    return streams[0] if len(streams) == 1 else merge(*streams, key=lambda caller: caller.comes.at)
