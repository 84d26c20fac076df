"""How a floor is configured: queues with their rules, agents with their skills. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.words import First, Formula, HeldChats, Order, Reset, Staffing, Strategy

ALL_SKILLS = "*"
"""In `Relaxation.drop`: every skill the call still asks for."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One step by which a call asks for less once it has waited `after` seconds.

    `levels` are the most that is still asked of a skill, `drop` skills no longer asked for, `also`
    further queues whose agents may take it. Steps add up, so each one only ever widens.
    """

    after: float
    levels: Mapping[str, int] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Callbacks:
    """How a queue calls back: `first` says whether customer or agent is connected first.

    A customer's phone rings for `ring_seconds`, at most `attempts` times, `retry_after` seconds
    apart; after `expire_after` seconds the callback is given up.
    """

    first: First = First.CUSTOMER
    ring_seconds: float = 30
    attempts: int = 3
    retry_after: float = 900
    expire_after: float = 14_400


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue and its rules.

    Order: `weight` is added to the priority of each of its calls; `order` says what the number is.
    A call waits at most `max_wait` from entering the queue, and is refused when more than
    `max_waiting` wait already or the wait to be expected is past `max_expected_wait`.

    Nobody there: `leave_when_...` is the grace after which a waiting call leaves, counted from when
    it became so, None to stay: empty (nobody logged in for the queue), unskilled (somebody is, but
    nobody who could take it), paused (all who could), busy (all who could). `turn_away_when_...`
    is the grace for a call that finds it so when it comes; None takes the other.

    Agents: `no_answer_limit` failed offers in a row pause the agent (0: never); the agent is left
    out of the call they did not take for `retry_same_agent_after`, or for a moment only when the
    phone never rang. A preferred agent is waited for `prefer_seconds`. `wrap_up_seconds` follow
    each call; with `disposition_required` wrap-up lasts until there is a disposition.

    Figures: service level counts calls answered within `target_seconds` by `formula`, which may
    leave out callers who gave up within `short_abandon_seconds`. `handle_seconds` is taken for the
    average handle time until enough calls were measured; None: nothing is estimated before.
    Words come `announce_every` seconds apart; `promise_seconds` is what callers are told to expect.
    A caller whose line dropped regains the place when back within `regain_seconds`.
    """

    name: str
    title: str = ""
    ring_seconds: float = 20
    wrap_up_seconds: float = 20
    seconds_per_priority: float = 60
    weight: float = 0
    max_waiting: int | None = None
    max_wait: float | None = None
    leave_when_empty: float | None = 3
    leave_when_paused: float | None = None
    no_answer_limit: int = 3
    retry_same_agent_after: float = 30
    target_seconds: float = 20
    short_abandon_seconds: float = 5
    leave_when_unskilled: float | None = 3
    leave_when_busy: float | None = None
    turn_away_when_empty: float | None = None
    turn_away_when_unskilled: float | None = None
    turn_away_when_paused: float | None = None
    turn_away_when_busy: float | None = None
    max_expected_wait: float | None = None
    strategy: Strategy = Strategy.LONGEST_IDLE
    order: Order = Order.AGE
    relax: tuple[Relaxation, ...] = ()
    prefer_seconds: float = 30
    disposition_required: bool = False
    formula: Formula = Formula.WITHOUT_SHORT
    handle_seconds: float | None = None
    announce_every: float = 45
    regain_seconds: float = 120
    callbacks: Callbacks = field(default_factory=Callbacks)
    promise_seconds: float | None = None

    @property
    def leaves_when_busy(self) -> bool:
        """Whether some call might leave though agents are there for it."""
        return self.leave_when_busy is not None or self.turn_away_when_busy is not None

    def grace(self, staffing: Staffing, *, found_so: bool) -> float | None:
        """Seconds a call stays with that staffing, None for as long as it takes."""
        names = _GRACES.get(staffing)
        if names is None:
            return None
        at_entry: float | None = getattr(self, names[0])
        waiting: float | None = getattr(self, names[1])
        return at_entry if found_so and at_entry is not None else waiting


_GRACES = {
    Staffing.NOBODY_LOGGED_IN: ("turn_away_when_empty", "leave_when_empty"),
    Staffing.NOBODY_SKILLED: ("turn_away_when_unskilled", "leave_when_unskilled"),
    Staffing.ALL_PAUSED: ("turn_away_when_paused", "leave_when_paused"),
    Staffing.ALL_BUSY: ("turn_away_when_busy", "leave_when_busy"),
}


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent: the queues they work for and their skills, name -> level 1 to 10.

    `chats` is how many chats they may hold at a time.
    """

    id: str
    name: str = ""
    queues: tuple[str, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    chats: int = 3


@dataclass(frozen=True, slots=True)
class Floor:
    """All queues and agents that may be matched with each other.

    `reset_idle_on` names what beside work begins idle time anew, `held_chats` what becomes of an
    agent's chats when they take a call; `seed` is for queues whose agents are drawn at random.
    """

    queues: tuple[Queue, ...] = ()
    agents: tuple[Agent, ...] = ()
    pause_reasons: tuple[str, ...] = ()
    reset_idle_on: tuple[Reset, ...] = ()
    held_chats: HeldChats = HeldChats.KEEP
    seed: int = 0
