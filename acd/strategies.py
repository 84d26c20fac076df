"""Which agent: the sort key of each strategy. Lowest first.

The whole key is (chats held, the strategy's number, idle since, agent id). Who holds fewer chats
goes first whatever the strategy, so that chats spread and a call disturbs as few of them as may be;
equal numbers go to the longest idle, and equal idle times by agent id.

None of these numbers changes while an agent waits to be chosen, so they can stand in a heap:
- longest idle: nothing beside idle time.
- least occupied: occupancy as a moving average over `OCCUPANCY_WINDOW`. While idle it decays by the
  same factor for everybody, so its logarithm plus elapsed time keeps the order for good.
- highest level: the levels in the skills that the call still asks for, added up, highest first.
- round robin: the number of the agent's last turn in this queue; a turn is an answer or a failed
  offer, not one taken back.
- fewest calls: calls taken since the day started.
- random: drawn for each call and agent from the floor's seed, so that a replay draws the same. It
  is the one key that depends on the call: choosing looks at every ready agent who fits.
- ring all: nothing beside idle time. It says who is reserved first; once every call has somebody,
  `acd.offering` has the others who fit rung at the same time, by the same one offer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import blake2b
from typing import Protocol

from acd.words import Strategy

NEVER_OCCUPIED = -math.inf
OCCUPANCY_WINDOW = 3600.0
"""Seconds over which occupancy is averaged."""


class Candidate(Protocol):
    """What strategies ask of a ready agent; none of it may change while they are filed."""

    @property
    def held(self) -> int:
        """Chats in hand."""
        ...

    @property
    def idle_since(self) -> float:
        """When idle time began."""
        ...

    @property
    def occupancy(self) -> float:
        """As `occupancy_key` has it."""
        ...

    @property
    def taken(self) -> int:
        """Calls since the day started."""
        ...

    @property
    def turns(self) -> Mapping[str, int]:
        """Queue -> number of the last turn there."""
        ...


def number(
    strategy: Strategy, agent: Candidate, queue: str, levels: int, draw: float = 0.0
) -> float:
    """The strategy's own part of the key; `levels` add up the skills asked for."""
    match strategy:
        case Strategy.LEAST_OCCUPIED:
            return agent.occupancy
        case Strategy.HIGHEST_LEVEL:
            return -levels
        case Strategy.ROUND_ROBIN:
            return agent.turns.get(queue, 0)
        case Strategy.FEWEST_CALLS:
            return agent.taken
        case Strategy.RANDOM:
            return draw
    return 0.0


def draw(seed: int, call: str, agent: str) -> float:
    """The lot of this agent for this call, 0 to 1."""
    lot = blake2b(f"{seed}/{agent}/{call}".encode(), digest_size=8).digest()
    return int.from_bytes(lot, "big") / 2**64


def occupied(share: float, since: float, began: float, until: float) -> float:
    """The moving average of being busy (0 to 1): idle since `since`, at work from `began`."""
    worked = math.exp((began - until) / OCCUPANCY_WINDOW) if began < until else 1.0
    idled = math.exp((since - began) / OCCUPANCY_WINDOW) if since < began else 1.0
    return share * idled * worked + 1.0 - worked


def occupancy_key(share: float, at: float) -> float:
    """A number that orders idle agents by occupancy, whenever each share was taken."""
    return math.log(share) + at / OCCUPANCY_WINDOW if share > 0 else NEVER_OCCUPIED
