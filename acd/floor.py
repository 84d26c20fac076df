"""How a floor is configured: queues with their rules, agents with their skills. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue and its rules.

    `weight` is added to the priority of each of its calls. A call waits at most `max_wait` from
    entering the queue. `leave_when_empty` is the grace after which a caller leaves when nobody who
    could ever take the call is logged in, `leave_when_paused` the same when all who could are
    paused; None means they stay. `no_answer_limit` failed offers in a row pause the agent (0:
    never); the agent is left out of the call they did not take for `retry_same_agent_after`, or
    for a moment only when the phone never rang.
    Service level counts calls answered within `target_seconds` and leaves out callers who gave
    up within `short_abandon_seconds`.
    """

    name: str
    title: str = ""
    ring_seconds: float = 20
    wrap_up_seconds: float = 20
    seconds_per_priority: float = 60
    weight: float = 0
    max_waiting: int | None = None
    max_wait: float | None = None
    leave_when_empty: float | None = 5
    leave_when_paused: float | None = None
    no_answer_limit: int = 3
    retry_same_agent_after: float = 30
    target_seconds: float = 20
    short_abandon_seconds: float = 5


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent: the queues they work for and their skills, name -> level 1 to 10."""

    id: str
    name: str = ""
    queues: tuple[str, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Floor:
    """All queues and agents that may be matched with each other."""

    queues: tuple[Queue, ...] = ()
    agents: tuple[Agent, ...] = ()
    pause_reasons: tuple[str, ...] = ()
