"""What became of every call and what every agent's time went into, in a run or on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acd.commands import AgentChanged
from acd.words import AgentState, Exit, Word

_BUSY = frozenset({AgentState.TALKING, AgentState.WRAP_UP})
_ON_DUTY = _BUSY | {AgentState.READY, AgentState.OFFERED}


class Outcome(Word):
    """How the wait of a call ended.

    `SENT_ON`: waited too long, or nobody was there. `REFUSED`: closed, full or too slow at the
    entry. `BLOCKED`: no line was free. `OTHER`: moved or taken out by someone. `OPEN`: not ended.
    """

    OPEN = "open"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    SENT_ON = "sent_on"
    REFUSED = "refused"
    BLOCKED = "blocked"
    OTHER = "other"


BY_EXIT: Mapping[Exit, Outcome] = {
    Exit.TIMEOUT: Outcome.SENT_ON,
    Exit.NOBODY: Outcome.SENT_ON,
    Exit.FULL: Outcome.REFUSED,
    Exit.TOO_LONG: Outcome.REFUSED,
    Exit.CLOSED: Outcome.REFUSED,
}
"""What an exit counts as; the ones that are not here are `OTHER`."""


@dataclass(slots=True)
class Fate:
    """One call: when it came, since when it counts as waiting, and how the wait ended, and when."""

    queue: str
    skills: tuple[str, ...]
    at: float
    since: float
    outcome: Outcome = Outcome.OPEN
    ended: float = 0.0
    agent: str = ""

    @property
    def wait(self) -> float:
        """Seconds from `since` to the end of the wait, never negative."""
        return max(0.0, self.ended - self.since)

    def end(self, outcome: Outcome, at: float) -> None:
        """The wait is over."""
        self.outcome, self.ended = outcome, at


@dataclass(slots=True)
class Duty:
    """Seconds of an agent, or of several: `on` duty (logged in and not paused), `busy` of them.

    Busy is talking and wrap-up. A ringing phone is not work done; time with chats is not counted.
    """

    on: float = 0.0
    busy: float = 0.0

    @property
    def occupancy(self) -> float | None:
        """Share of the time on duty that was busy; None without any."""
        return self.busy / self.on if self.on > 0 else None


class Ledger:
    """All fates, in the order the calls came, and all duty, by agent and by slot of the day.

    Slots are `width` seconds wide and begin at `begins`; what lies before counts nowhere.
    """

    def __init__(self, begins: float = 0.0, width: float | None = None) -> None:
        self.begins, self.width = begins, width
        self.fates: list[Fate] = []
        self.duty: dict[str, Duty] = {}
        self.slots: dict[int, Duty] = {}
        self._state: dict[str, tuple[AgentState, float]] = {}

    def agent_changed(self, change: AgentChanged) -> None:
        """An agent is in another state."""
        name, since = change.agent, change.since
        before = self._state.get(name)
        self._state[name] = (change.state, since)
        if before is not None and before[0] in _ON_DUTY:
            self._add(name, before[0], before[1], since)

    def state_of(self, agent: str) -> tuple[AgentState, float] | None:
        """What the agent does, and since when; None before anything was heard of them."""
        return self._state.get(agent)

    def close(self, at: float) -> None:
        """Nothing counts after `at`."""
        for name, (state, since) in self._state.items():
            if state in _ON_DUTY:
                self._add(name, state, since, at)
            self._state[name] = (state, at)

    def _add(self, name: str, state: AgentState, begins: float, ends: float) -> None:
        begins = max(begins, self.begins)
        if ends <= begins:
            return
        busy = state in _BUSY
        duty = self.duty.get(name)
        if duty is None:
            duty = self.duty[name] = Duty()
        duty.on += ends - begins
        if busy:
            duty.busy += ends - begins
        if self.width is not None:
            self._add_to_slots(self.width, busy, begins, ends)

    def _add_to_slots(self, width: float, busy: bool, begins: float, ends: float) -> None:
        slot = int((begins - self.begins) // width)
        while begins < ends:
            edge = min(ends, self.begins + (slot + 1) * width)
            duty = self.slots.setdefault(slot, Duty())
            duty.on += edge - begins
            duty.busy += (edge - begins) if busy else 0.0
            begins, slot = edge, slot + 1
