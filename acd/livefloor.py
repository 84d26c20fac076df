"""The floor as it is right now: the state, its indexes, and the few steps all events are made of.

The engine says what an event means; this says how a step is done so that state and indexes always
agree. Every change of an agent goes through `move`, every call that begins to wait through `wait`,
every reservation through `settle`. Commands collect in `out`, in order.
"""

from __future__ import annotations

from acd import model as m
from acd.agents import AgentRecord, Move
from acd.deadlines import Deadlines, Due
from acd.matching import Matcher, Presence
from acd.model import AgentState, Cancel, Command, Exit, Floor, Staffing
from acd.state import CallRecord, OfferRecord, QueueRecord, State

LEASE_MARGIN = 30.0
"""Seconds a lease outlives the ringing. It is the last resort: the phone's own word comes first,
and a late pick-up is told of only after the whisper in the agent's ear."""

_PRESENCE = {AgentState.LOGGED_OUT: Presence.AWAY, AgentState.PAUSED: Presence.PAUSED}
_ON_A_CALL = frozenset({AgentState.OFFERED, AgentState.TALKING})


class LiveFloor:
    """One state with everything that is worked out from it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.out: list[Command] = []
        self.index()

    # --- configuration ----------------------------------------------------------------------------

    def load(self, floor: Floor, at: float) -> None:
        """Put a configuration in force; agents' states, waits and wrap-ups carry over."""
        before = {call.call: self._matcher.pool_of(call.call).presence for call in self._waiting()}
        self.state.floor = floor
        self._load_queues(floor)
        self._load_agents(floor, at)
        self.index()
        for call in self._waiting():
            self._fresh[call.call] = None
            if self._matcher.pool_of(call.call).presence is not before[call.call]:
                self.staffing_changed(call, at)

    def _load_queues(self, floor: Floor) -> None:
        queues = self.state.queues
        for record in queues.values():
            record.removed = True
        for queue in floor.queues:
            record = queues.setdefault(queue.name, QueueRecord(queue))
            record.queue, record.removed = queue, False
        for name in list(queues):
            self.drop_if_done(name)

    def _load_agents(self, floor: Floor, at: float) -> None:
        records = self.state.agents
        for agent in floor.agents:
            record = records.setdefault(agent.id, AgentRecord(agent, since=at))
            record.agent = agent
            if record.removed:
                record.removed, record.pending, record.pending_reason = False, None, ""
        for gone in sorted(records.keys() - {agent.id for agent in floor.agents}):
            self._remove_agent(records[gone], at)

    def _remove_agent(self, record: AgentRecord, at: float) -> None:
        """Drop an agent from the floor, after the work at hand if there is any."""
        record.removed = True
        if record.state is AgentState.LOGGED_OUT:
            del self.state.agents[record.agent.id]
        else:
            self.move(record, Move.LOG_OUT, at, "removed")

    def drop_if_done(self, queue: str) -> None:
        """Forget a removed queue once its last call has ended."""
        record = self.state.queues[queue]
        if record.removed and not record.waiting and not record.talking:
            del self.state.queues[queue]

    def index(self) -> None:
        """Build every index from the state."""
        records = self.state.agents
        self._matcher = Matcher(r.agent for r in records.values() if not r.removed)
        self.deadlines = Deadlines(self._due_at)
        self._freed: dict[str, None] = {}
        self._fresh: dict[str, None] = {}
        for name, record in records.items():
            self._matcher.set_presence(name, _presence(record))
            if record.state is AgentState.READY:
                self._matcher.set_ready(name, record.idle_since)
            self.deadlines.remind(Due.WRAP_UP, name)
        for call in self._waiting():
            self._file(call)
        for offer in self.state.offers:
            self.deadlines.remind(Due.LEASE, offer)

    # --- agents -----------------------------------------------------------------------------------

    def move(self, agent: AgentRecord, move: Move, at: float, reason: str = "") -> None:
        """Make a move of the table, say so if it shows, and keep the indexes true."""
        before = (agent.state, agent.since, agent.reason)
        agent.move(move, at, reason)
        if agent.state not in _ON_A_CALL:
            agent.offer = None
        if agent.state is not AgentState.WRAP_UP:
            agent.wrap_up_until = None
        if (agent.state, agent.since, agent.reason) != before:
            self.out.append(m.AgentChanged(agent.agent.id, agent.state, agent.reason, agent.since))
            self._moved(agent, at)

    def _moved(self, agent: AgentRecord, at: float) -> None:
        name = agent.agent.id
        for pool in self._matcher.set_presence(name, _presence(agent)):
            for call in self._matcher.calls_of(pool):
                self.staffing_changed(self.state.calls[call], at)
        if agent.state is AgentState.READY:
            self._matcher.set_ready(name, agent.idle_since)
            self._freed[name] = None
        else:
            self._matcher.set_unready(name)
        if agent.removed and agent.state is AgentState.LOGGED_OUT:
            del self.state.agents[name]

    def staffing_changed(self, call: CallRecord, at: float) -> None:
        """Note that the agents who could take a waiting call have come, gone or paused."""
        call.staffed_since = at
        self.deadlines.remind(Due.LEAVE, call.call)

    # --- calls ------------------------------------------------------------------------------------

    def is_full(self, call: CallRecord) -> bool:
        """Whether the call's queue has no place left; that matters only if it has to wait."""
        queue = self.state.queues[call.queue]
        limit = queue.queue.max_waiting
        if limit is None or queue.waiting < limit:
            return False
        return not self._matcher.has_ready(self._matcher.pool(call.wish))

    def enter(self, call: CallRecord, at: float) -> None:
        """Let a call into its queue."""
        queue = self.state.queues[call.queue]
        queue.counters.offered += 1
        queue.waiting += 1
        self.state.calls[call.call] = call
        self.wait(call, at)

    def wait(self, call: CallRecord, at: float) -> None:
        """Let a call wait in its place, from now on or once more."""
        call.without = {agent: until for agent, until in call.without.items() if until > at}
        call.staffed_since = at
        self._file(call)
        self._fresh[call.call] = None

    def refile(self, call: CallRecord) -> None:
        """Note that a waiting call's place or the agents it leaves out have changed."""
        self._matcher.remove_call(call.call)
        self._file(call)
        self._fresh[call.call] = None

    def take_out(self, call: CallRecord, reason: Cancel, at: float) -> None:
        """Let a call wait no longer, taking the offer back if one is out."""
        if call.offer is None:
            self._matcher.remove_call(call.call)
            return
        offer = self.state.offers[call.offer]
        self.out.append(m.CancelOffer(offer.offer, call.call, offer.agent, reason))
        self.void(offer)
        self.move(self.state.agents[offer.agent], Move.TAKE_BACK, at)

    def forget(self, call: CallRecord) -> None:
        """The call, already taken out, has had its outcome in this queue."""
        del self.state.calls[call.call]
        self.state.queues[call.queue].waiting -= 1
        self.drop_if_done(call.queue)

    def exit(self, call: CallRecord, reason: Exit, at: float, detail: str = "") -> None:
        """Send a call back to its flow without an agent."""
        counters = self.state.queues[call.queue].counters
        setattr(counters, reason.value, getattr(counters, reason.value) + 1)
        self.take_out(call, Cancel.WITHDRAWN, at)
        self.forget(call)
        self.out.append(m.CallExits(call.call, reason, detail))

    def _waiting(self) -> list[CallRecord]:
        return [call for call in self.state.calls.values() if call.offer is None]

    def _file(self, call: CallRecord) -> None:
        queue = self.state.queues[call.queue].queue
        self._matcher.add_call(call.entry(queue), call.wish, frozenset(call.without))
        for kind in (Due.RETRY, Due.MAX_WAIT, Due.LEAVE):
            self.deadlines.remind(kind, call.call)

    # --- reservation ------------------------------------------------------------------------------

    def settle(self, at: float) -> None:
        """While there is a call and an agent who fit, reserve them for each other."""
        if not self._freed and not self._fresh:
            return
        freed, fresh, self._freed, self._fresh = self._freed, self._fresh, {}, {}
        for call, agent in self._matcher.settle(freed, fresh):
            self._reserve(self.state.calls[call], self.state.agents[agent], at)

    def _reserve(self, call: CallRecord, agent: AgentRecord, at: float) -> None:
        self.state.offers_made += 1
        name, to = f"{call.call}-{self.state.offers_made}", agent.agent.id
        ring = self.state.queues[call.queue].queue.ring_seconds
        until = at + ring + LEASE_MARGIN
        self.state.offers[name] = OfferRecord(name, to, call, at, until)
        call.offer = agent.offer = name
        self.move(agent, Move.OFFER, at)
        self.deadlines.remind(Due.LEASE, name)
        self.out.append(m.MakeOffer(name, call.call, call.contact, call.queue, to, ring, until))

    def void(self, offer: OfferRecord) -> None:
        """The offer is no more; call and agent are the caller's business."""
        del self.state.offers[offer.offer]
        offer.call.offer = None

    # --- what is so now ---------------------------------------------------------------------------

    def staffing(self, call: CallRecord) -> Staffing:
        """What the agents who could take this waiting call are doing."""
        pool = self._matcher.pool_of(call.call)
        presence = pool.presence
        if presence is Presence.PRESENT:
            ready = self._matcher.has_ready(pool)
            return Staffing.READY if ready else Staffing.ALL_BUSY
        if presence is Presence.PAUSED:
            return Staffing.ALL_PAUSED
        if call.agent is None and self._matcher.logged_in(call.queue):
            return Staffing.NOBODY_SKILLED
        return Staffing.NOBODY_LOGGED_IN

    def _due_at(self, kind: Due, of: str) -> float | None:
        """The true deadline of this kind, or None."""
        if kind is Due.WRAP_UP:
            agent = self.state.agents.get(of)
            return agent.wrap_up_until if agent is not None else None
        if kind is Due.LEASE:
            offer = self.state.offers.get(of)
            return offer.lease_until if offer is not None and offer.answered_at is None else None
        call = self.state.calls.get(of)
        if call is None or call.offer is not None:
            return None
        if kind is Due.RETRY:
            return min(call.without.values(), default=None)
        return self._max_wait_at(call) if kind is Due.MAX_WAIT else self._leave_at(call)

    def _max_wait_at(self, call: CallRecord) -> float | None:
        own, queue = call.max_wait, self.state.queues[call.queue].queue
        limit = own if own is not None else queue.max_wait
        return None if limit is None else call.entered_at + limit

    def _leave_at(self, call: CallRecord) -> float | None:
        """When the grace for having nobody ends, counted from when that began."""
        presence, queue = (
            self._matcher.pool_of(call.call).presence,
            self.state.queues[call.queue].queue,
        )
        if presence is Presence.PRESENT:
            return None
        paused = presence is Presence.PAUSED
        grace = queue.leave_when_paused if paused else queue.leave_when_empty
        return None if grace is None else call.staffed_since + grace


def _presence(agent: AgentRecord) -> Presence:
    return _PRESENCE.get(agent.state, Presence.PRESENT)
