"""What a call asks for, who could ever take it, and the pools in which calls and agents meet."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from acd.floor import Agent
from acd.order import Entry
from acd.words import Strategy

ReadyItem = tuple[int, float, float, str, int]
"""A ready agent in a heap: the sort key of `acd.strategies`, and which readiness it belongs to."""


class Presence(IntEnum):
    """How far an agent, or the best of a pool's agents, is available."""

    AWAY = 0
    PAUSED = 1
    PRESENT = 2


class Wish(NamedTuple):
    """What a call asks for; needs are (skill, least level), sorted by skill.

    `also` are queues whose agents may take it beside those of its own, `never` is the agent who
    made the call.
    """

    queue: str
    needs: tuple[tuple[str, int], ...]
    agent: str | None
    also: tuple[str, ...] = ()
    never: str | None = None

    @classmethod
    def of(
        cls,
        queue: str,
        needs: Mapping[str, int],
        agent: str | None,
        also: tuple[str, ...] = (),
        never: str | None = None,
    ) -> Wish:
        """The wish in its one spelling; needs do not matter when one agent is wanted."""
        if agent is not None:
            return cls(queue, (), agent, (), never)
        return cls(queue, tuple(sorted(needs.items())), None, also, never)


def can_ever_serve(agent: Agent, wish: Wish) -> bool:
    """Whether the agent, when ready, may take such a call. A missing skill is not level 0."""
    if agent.id == wish.never:
        return False
    if wish.agent is not None:
        return agent.id == wish.agent
    if wish.queue not in agent.queues and not any(queue in agent.queues for queue in wish.also):
        return False
    return all(
        skill in agent.skills and agent.skills[skill] >= level for skill, level in wish.needs
    )


class Group:
    """Calls of one pool that leave out the same agents; `head` is always a live entry."""

    __slots__ = ("head", "heap", "pool", "size", "without")

    def __init__(self, pool: Pool, without: frozenset[str], first: Entry) -> None:
        self.pool = pool
        self.without = without
        self.heap = [first]
        self.head = first
        self.size = 1


class Pool:
    """All agents who can serve a wish, its groups of calls, and who of the agents is there."""

    __slots__ = ("eligible", "groups", "paused", "present", "ready", "strategy", "wish")

    def __init__(self, wish: Wish, eligible: set[str], strategy: Strategy) -> None:
        self.wish = wish
        self.eligible = eligible
        self.strategy = strategy
        self.groups: dict[frozenset[str], Group] = {}
        self.ready: list[ReadyItem] = []
        self.paused = 0
        self.present = 0

    @property
    def presence(self) -> Presence:
        """The most available agent's presence."""
        if self.present:
            return Presence.PRESENT
        return Presence.PAUSED if self.paused else Presence.AWAY

    def count(self, presence: Presence, step: int) -> None:
        """Count one agent more or less of that presence."""
        if presence is Presence.PRESENT:
            self.present += step
        elif presence is Presence.PAUSED:
            self.paused += step
