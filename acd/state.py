"""What the engine remembers, as plain records that can be written down and read back exactly.

`State` is the whole truth of the distributor; every index (heaps, pools, deadlines) is built from
it. So a snapshot is the state alone, and a restored engine decides exactly as the old one would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.agents import AgentRecord
from acd.errors import IllegalEvent, UnknownAgent, UnknownQueue
from acd.matching import Entry, Wish, call_number
from acd.model import Floor, Queue


@dataclass(slots=True)
class CallRecord:
    """A call from `CallQueued` to its outcome, and on while the agent who answered is with it.

    `enqueued_at` gives the place; `entered_at` is when it came to its present queue and starts
    `max_wait`. `without` maps agents who lately did not answer it to when they may be tried again.
    `staffed_since` is when the present level of staffing began for it, which starts the graces.
    """

    call: str
    contact: str
    queue: str
    needs: Mapping[str, int]
    priority: int
    enqueued_at: float
    entered_at: float
    sequence: int
    agent: str | None = None
    max_wait: float | None = None
    offer: str | None = None
    without: dict[str, float] = field(default_factory=dict)
    staffed_since: float = 0.0

    @property
    def wish(self) -> Wish:
        """What it asks for."""
        return Wish.of(self.queue, self.needs, self.agent)

    def entry(self, queue: Queue) -> Entry:
        """Its place in the order of calls."""
        number = call_number(
            self.enqueued_at, self.priority, queue.weight, queue.seconds_per_priority
        )
        return Entry(number, self.sequence, self.call)

    def waited(self, now: float) -> float:
        """Seconds since it was enqueued, never negative."""
        return max(0.0, now - self.enqueued_at)


@dataclass(slots=True)
class OfferRecord:
    """A call and an agent together: ringing until `answered_at` is set, talking from then on."""

    offer: str
    agent: str
    call: CallRecord
    made_at: float
    lease_until: float
    answered_at: float | None = None
    caller_left: bool = False


@dataclass(slots=True)
class QueueCounters:
    """What happened to a queue's calls since the day started. Waits are in seconds.

    Every call counted in `offered` ends in exactly one of answered, abandoned, timeout, nobody,
    withdrawn or moved; `full` and `closed` are calls that were refused at the entry.
    """

    offered: int = 0
    answered: int = 0
    answered_in_target: int = 0
    answered_wait: float = 0.0
    abandoned: int = 0
    abandoned_short: int = 0
    timeout: int = 0
    nobody: int = 0
    withdrawn: int = 0
    moved: int = 0
    full: int = 0
    closed: int = 0

    def count_answer(self, waited: float, target: float) -> None:
        """One more call answered after so many seconds."""
        self.answered += 1
        self.answered_wait += waited
        self.answered_in_target += waited <= target

    @property
    def service_level(self) -> float | None:
        """answered within T / (answered + abandoned + timeout + nobody - abandoned within short T).

        None while there is nothing to divide by. A call counts when it ends, not when it comes.
        """
        ended = self.answered + self.abandoned + self.timeout + self.nobody - self.abandoned_short
        return self.answered_in_target / ended if ended else None


@dataclass(slots=True)
class QueueRecord:
    """One queue; `waiting` counts calls waiting or ringing at an agent, `talking` answered ones.

    `removed` queues are gone from the configuration and stay only until their last call ends.
    """

    queue: Queue
    open: bool = True
    removed: bool = False
    waiting: int = 0
    talking: int = 0
    counters: QueueCounters = field(default_factory=QueueCounters)


@dataclass(slots=True)
class State:
    """Everything the engine knows. `calls` have no outcome yet, `talking` maps call -> offer."""

    floor: Floor = field(default_factory=Floor)
    agents: dict[str, AgentRecord] = field(default_factory=dict)
    queues: dict[str, QueueRecord] = field(default_factory=dict)
    calls: dict[str, CallRecord] = field(default_factory=dict)
    offers: dict[str, OfferRecord] = field(default_factory=dict)
    talking: dict[str, str] = field(default_factory=dict)
    calls_seen: int = 0
    offers_made: int = 0
    day_started: float = 0.0

    def agent(self, agent: str) -> AgentRecord:
        """The agent's record; raises UnknownAgent."""
        record = self.agents.get(agent)
        if record is None:
            raise UnknownAgent(f"no agent {agent!r} on the floor; {_known(self.agents)}")
        return record

    def queue(self, queue: str) -> QueueRecord:
        """The queue's record; raises UnknownQueue."""
        record = self.queues.get(queue)
        if record is None:
            raise UnknownQueue(f"no queue {queue!r} on the floor; {_known(self.queues)}")
        return record

    def waiting(self, call: str) -> CallRecord:
        """The call without an outcome; raises IllegalEvent."""
        record = self.calls.get(call)
        if record is None:
            raise IllegalEvent(f"call {call!r} is not waiting: it has ended or never came")
        return record

    def ringing(self, offer: str) -> OfferRecord:
        """The offer whose phone rings; raises IllegalEvent."""
        record = self.offers.get(offer)
        if record is None:
            raise IllegalEvent(f"offer {offer!r} has ended or was never made")
        if record.answered_at is not None:
            raise IllegalEvent(f"offer {offer!r} was answered already")
        return record

    def answered(self, offer: str) -> OfferRecord:
        """The offer that was answered; raises IllegalEvent."""
        record = self.offers.get(offer)
        if record is None:
            raise IllegalEvent(f"offer {offer!r} has ended or was never made")
        if record.answered_at is None:
            raise IllegalEvent(f"offer {offer!r} was not answered yet")
        return record


def _known(records: Mapping[str, object]) -> str:
    names = sorted(records)
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"known are: {shown}" if names else "there are none"
