"""What the engine remembers, as plain records that can be written down and read back exactly.

`State` is the whole truth of the distributor; every index (heaps, pools, deadlines) is built from
it. So a snapshot is the state alone, and a restored engine decides exactly as the old one would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.agents import AgentRecord
from acd.errors import IllegalEvent, UnknownAgent, UnknownQueue
from acd.estimate import Handling, Told
from acd.floor import Floor, Queue
from acd.order import Entry, place
from acd.pools import Wish
from acd.relax import asked_after
from acd.service_level import Figures, level
from acd.words import Channel, Formula


@dataclass(slots=True)
class CallbackRecord:
    """A call whose customer has hung up and is called back when its turn comes.

    `line`: the customer is on the line again. `resting` until `not_before`, nothing is dialled.
    """

    asked_at: float
    expires_at: float
    not_before: float = 0.0
    attempts: int = 0
    line: bool = False
    resting: bool = False


@dataclass(slots=True)
class CallRecord:
    """A call from `CallQueued` to its outcome, and on while the agent who answered is with it.

    `enqueued_at` gives the place; `entered_at` is when it came to its present queue and starts
    `max_wait`. `without` maps agents who lately did not answer it to when they may be tried again.
    `staffed_since` is when the present level of staffing began for it, which starts the graces.

    `step` counts the relaxations taken. `prefers` is the agent waited for until `prefer_until`,
    None when there is none or no longer. `consults` is the offer of the agent who wants the second
    one. `told` is what the caller heard last of the wait, `told_first` what they heard first.
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
    channel: Channel = Channel.VOICE
    step: int = 0
    prefers: str | None = None
    prefer_until: float = 0.0
    customer: str = ""
    from_agent: str | None = None
    callback: CallbackRecord | None = None
    consults: str | None = None
    told: Told | None = None
    told_first: Told | None = None

    def wish(self, queue: Queue) -> Wish:
        """What it asks of anyone at its present step."""
        if self.agent is None and self.step:
            needs, also = asked_after(queue.relax[: self.step], self.needs)
            return Wish.of(self.queue, needs, None, also, self.from_agent)
        return Wish.of(self.queue, self.needs, self.agent, (), self.from_agent)

    def wish_now(self, queue: Queue) -> Wish:
        """What it asks for just now: the agent it prefers, or anyone."""
        if self.prefers is not None:
            return Wish(self.queue, (), self.prefers, (), self.from_agent)
        return self.wish(queue)

    def entry(self, queue: Queue) -> Entry:
        """Its place in the order of calls."""
        tier, number = place(queue, self.enqueued_at, self.priority)
        return Entry(tier, number, self.sequence, self.call)

    @property
    def virtual(self) -> bool:
        """Whether it is a callback whose customer is not on the line."""
        return self.callback is not None and not self.callback.line

    @property
    def resting(self) -> bool:
        """Whether it keeps its place but may not be dialled yet."""
        return self.callback is not None and self.callback.resting

    def waited(self, now: float) -> float:
        """Seconds since it was enqueued, never negative."""
        return max(0.0, now - self.enqueued_at)


@dataclass(slots=True)
class OfferRecord:
    """A call and an agent together: ringing until `answered_at` is set, talking from then on.

    `dialling`: the customer of a callback is being dialled; the agent is kept free for it, or has
    accepted it at `accepted_at`. `parked`: a chat whose agent is in a call. `also` are the further
    agents who are rung, and reserved, at the same time; the one who answers becomes `agent`.
    """

    offer: str
    agent: str
    call: CallRecord
    made_at: float
    lease_until: float
    answered_at: float | None = None
    caller_left: bool = False
    dialling: bool = False
    accepted_at: float | None = None
    parked: bool = False
    also: tuple[str, ...] = ()

    @property
    def agents(self) -> tuple[str, ...]:
        """Everyone who is reserved by it."""
        return (self.agent, *self.also)


@dataclass(slots=True)
class QueueCounters:
    """What happened to a queue's calls since the day started. Waits are in seconds.

    Every call counted in `offered` ends in exactly one of answered, abandoned, timeout, nobody,
    withdrawn, keyed, moved, expired, unreached or forbidden; `full`, `too_long` and `closed` are
    calls that were refused at the entry. `keyed` callers left by a key. `callbacks` were asked for;
    `called_back` are the answered ones among them, which count in no service level. `regained` got
    a dropped place back. `returned` chats were answered and came back to wait, counted in `offered`
    once more. `told` calls heard an estimate: `told_right` waited as long as the first band said,
    `told_error` adds up by how many seconds the first figure was off.
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
    too_long: int = 0
    expired: int = 0
    unreached: int = 0
    forbidden: int = 0
    callbacks: int = 0
    called_back: int = 0
    regained: int = 0
    returned: int = 0
    told: int = 0
    told_right: int = 0
    told_error: float = 0.0
    keyed: int = 0

    def count_answer(self, waited: float, target: float) -> None:
        """One more caller who waited on the line was answered after so many seconds."""
        self.answered += 1
        self.answered_wait += waited
        self.answered_in_target += waited <= target

    def count_called_back(self) -> None:
        """One more callback has brought customer and agent together."""
        self.answered += 1
        self.called_back += 1

    def count_told(self, told: Told, answered_at: float) -> None:
        """The caller who heard this estimate first was answered at that time."""
        waited = answered_at - told.at
        self.told += 1
        self.told_right += told.holds(waited)
        self.told_error += abs(waited - told.seconds)

    def service_level(self, formula: Formula) -> float | None:
        """By that formula, 0 to 1; None while there is nothing to divide by."""
        return level(
            Figures(
                self.answered - self.called_back,
                self.answered_in_target,
                self.abandoned,
                self.abandoned_short,
                self.timeout + self.nobody,
            ),
            formula,
        )


@dataclass(slots=True)
class QueueRecord:
    """One queue; `waiting` counts calls waiting or ringing at an agent, `talking` answered ones.

    `removed` queues are gone from the configuration and stay only until their last call ends.
    `handling` is how long its calls keep an agent.
    """

    queue: Queue
    open: bool = True
    removed: bool = False
    waiting: int = 0
    talking: int = 0
    counters: QueueCounters = field(default_factory=QueueCounters)
    closed_for: str = ""
    handling: Handling = field(default_factory=Handling)


@dataclass(slots=True)
class Dropped:
    """The place of a caller whose line dropped, kept until `until`."""

    queue: str
    enqueued_at: float
    priority: int
    until: float


@dataclass(slots=True)
class State:
    """Everything the engine knows. `calls` have no outcome yet, `talking` maps call -> offer.

    `callbacks` maps each customer to be called to the call, `dropped` each customer whose line
    broke to the place they may regain, `consultations` the offer of each agent who asked for a
    second one to the call that looks for them.
    """

    floor: Floor = field(default_factory=Floor)
    agents: dict[str, AgentRecord] = field(default_factory=dict)
    queues: dict[str, QueueRecord] = field(default_factory=dict)
    calls: dict[str, CallRecord] = field(default_factory=dict)
    offers: dict[str, OfferRecord] = field(default_factory=dict)
    talking: dict[str, str] = field(default_factory=dict)
    calls_seen: int = 0
    offers_made: int = 0
    day_started: float = 0.0
    turns_taken: int = 0
    callbacks: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    consultations: dict[str, str] = field(default_factory=dict)

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
        if record.dialling:
            raise IllegalEvent(f"offer {offer!r} rings no agent: its customer is being dialled")
        return record

    def dialling(self, call: str) -> OfferRecord:
        """The offer whose customer is being dialled; raises IllegalEvent."""
        offer = self.offers.get(self.waiting(call).offer or "")
        if offer is None or not offer.dialling:
            raise IllegalEvent(f"the customer of call {call!r} is not being dialled")
        return offer

    def answered(self, offer: str) -> OfferRecord:
        """The offer that its agent took; raises IllegalEvent."""
        record = self.offers.get(offer)
        if record is None:
            raise IllegalEvent(f"offer {offer!r} has ended or was never made")
        if record.answered_at is None and record.accepted_at is None:
            raise IllegalEvent(f"offer {offer!r} was not answered yet")
        return record


def _known(records: Mapping[str, object]) -> str:
    names = sorted(records)
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"known are: {shown}" if names else "there are none"
