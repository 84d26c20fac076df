"""The floor as it is right now: the state, its indexes, and the few steps all events are made of.

The rules say what an event means; this says how a step is done so that state and indexes always
agree. Every change of an agent goes through `move` or `change_chats`, every call that begins to
wait through `wait`, every reservation through `settle`. Commands collect in `out`, in order.

Each channel has a lane: an index of its waiting calls and of the agents who may take one more.
Voice is settled first, so a chat goes to an agent only when no call waits that they could take:
chats never starve calls.
"""

from __future__ import annotations

from functools import partial

from acd import commands as c
from acd.agents import AgentRecord, Move
from acd.commands import Command
from acd.deadlines import Deadlines, Due
from acd.due import due_at, staffing_of
from acd.lane import Lane
from acd.matching import Matcher
from acd.offering import reserve, ring_together, take_back
from acd.pools import Pool, Presence
from acd.state import CallRecord, OfferRecord, QueueRecord, State
from acd.words import AgentState, Cancel, Channel, Exit, Reset, Staffing

_PRESENCE = {AgentState.LOGGED_OUT: Presence.AWAY, AgentState.PAUSED: Presence.PAUSED}
_NOBODY: frozenset[str] = frozenset()
_ON_A_CALL = frozenset({AgentState.OFFERED, AgentState.TALKING})
# To look up a member of an enum is slow, and these are asked for in every decision.
_READY, _PAUSED, _WRAP_UP = AgentState.READY, AgentState.PAUSED, AgentState.WRAP_UP
_VOICE = Channel.VOICE


class LiveFloor:
    """One state with everything that is worked out from it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.out: list[Command] = []
        self.together: list[OfferRecord] = []
        self.index()

    def index(self) -> None:
        """Build every index from the state."""
        self._lanes: dict[Channel, Lane] = {}
        self.deadlines = Deadlines(partial(due_at, self))
        self.lane(Channel.VOICE)
        for name in self.state.agents:
            self.deadlines.remind(Due.WRAP_UP, name)
        for call in self.unoffered():
            self._file(call)
        for offer in self.state.offers:
            self.deadlines.remind(Due.LEASE, offer)

    def lane(self, channel: Channel) -> Lane:
        """The channel's lane, made when its first contact comes."""
        lane = self._lanes.get(channel)
        if lane is None:
            state = self.state
            present = [record for record in state.agents.values() if not record.removed]
            floor = state.floor
            matcher = Matcher((each.member for each in present), floor.queues, floor.seed)
            lane = self._lanes[channel] = Lane(channel, matcher)
            for name, record in state.agents.items():
                matcher.set_presence(name, _presence(record))
                if lane.may_take(record):
                    matcher.set_ready(name, record)
        return lane

    def matcher_of(self, call: CallRecord) -> Matcher:
        """The index in which the call waits."""
        return self.lane(call.channel).matcher

    # --- agents -----------------------------------------------------------------------------------

    def move(self, agent: AgentRecord, move: Move, at: float, reason: str = "") -> None:
        """Make a move of the table; say so if it shows; keep the indexes true."""
        was, since, why = agent.state, agent.since, agent.reason
        agent.move(move, at, reason)
        state = agent.state
        if state not in _ON_A_CALL:
            agent.offer = None
        if was is _WRAP_UP and state is not _WRAP_UP:
            self._wrap_up_ended(agent, at)
        elif was is _PAUSED and move is Move.READY:
            self.may_reset_idle(agent, Reset.UNPAUSE, at)
        if state is not was or agent.since != since or agent.reason != why:
            self._changed(agent, was, at)

    def change_chats(self, agent: AgentRecord, offer: str, at: float, *, held: bool) -> None:
        """The agent holds one chat more or less."""
        was = agent.state
        if held:
            agent.chats = (*agent.chats, offer)
        else:
            agent.end_chat(offer, at)
        if agent.state is not was:
            self._changed(agent, was, at)
        else:
            self.readiness_changed(agent)

    def may_reset_idle(self, agent: AgentRecord, why: Reset, at: float) -> None:
        """Begin idle time anew where the floor says that this does."""
        if why in self.state.floor.reset_idle_on:
            agent.idle_since = at

    def _wrap_up_ended(self, agent: AgentRecord, at: float) -> None:
        """Measure how long the call kept the agent, from the answer to here; nothing is due."""
        queue = self.state.queues.get(agent.worked_for)
        if queue is not None:
            queue.handling.add(max(0.0, at - agent.worked_since))
        agent.worked_for, agent.worked_since = "", 0.0
        agent.wrap_up_until, agent.disposition_due = None, False

    def _changed(self, agent: AgentRecord, was: AgentState, at: float) -> None:
        name, state = agent.agent.id, agent.state
        self.out.append(c.AgentChanged(name, state, agent.reason, agent.since))
        if was in _PRESENCE or state in _PRESENCE:
            presence = _presence(agent)
            for lane in self._lanes.values():
                for pool in lane.matcher.set_presence(name, presence):
                    self._staffing_changed(lane, pool, at)
        if was is _READY or state is _READY:
            self.readiness_changed(agent)
        if agent.removed and state is AgentState.LOGGED_OUT:
            del self.state.agents[name]

    def readiness_changed(self, agent: AgentRecord) -> None:
        """The agent may take another kind of contact than before, or goes by another key."""
        name, free = agent.agent.id, agent.may_take_call
        for lane in self._lanes.values():
            if free and (lane.channel is _VOICE or agent.may_take_chat):
                lane.matcher.set_ready(name, agent)
                lane.freed[name] = None
            else:
                lane.matcher.set_unready(name)

    def queues_changed(self, agent: AgentRecord, at: float) -> None:
        """The agent has joined or left one of their queues."""
        for lane in self._lanes.values():
            for pool in lane.matcher.change_queues(agent.member):
                self._staffing_changed(lane, pool, at)
        self.readiness_changed(agent)

    def _staffing_changed(self, lane: Lane, pool: Pool, at: float) -> None:
        """Those who could take the calls of a pool have come, gone or paused."""
        for name in lane.matcher.calls_of(pool):
            self.staffing_changed(self.state.calls[name], at)

    def staffing_changed(self, call: CallRecord, at: float) -> None:
        """Note that the agents who could take a waiting call have come, gone or paused."""
        call.staffed_since = at
        if self.advance(call, at):
            self.refile(call)
        else:
            self.deadlines.remind(Due.LEAVE, call.call)

    # --- calls ------------------------------------------------------------------------------------

    def unoffered(self) -> list[CallRecord]:
        """Every call that waits, also those that rest."""
        return [call for call in self.state.calls.values() if call.offer is None]

    def advance(self, call: CallRecord, at: float) -> bool:
        """Bring preference, relaxation and rest up to `at`; whether any of them changed."""
        before = (call.prefers, call.step, call.resting)
        if call.callback is not None:
            call.callback.resting = call.virtual and call.callback.not_before > at
        if call.prefers is not None and not self._worth_waiting_for(call, call.prefers, at):
            call.prefers, call.staffed_since = None, at
        if call.agent is None:
            self._relax(call, at)
        return (call.prefers, call.step, call.resting) != before

    def _worth_waiting_for(self, call: CallRecord, agent: str, at: float) -> bool:
        if at >= call.prefer_until or agent in call.without or agent == call.from_agent:
            return False
        return self.matcher_of(call).presence_of(agent) is not Presence.AWAY

    def _relax(self, call: CallRecord, at: float) -> None:
        """Take each step that is due, and each one without which nobody logged in could match."""
        queue = self.state.queues[call.queue].queue
        while call.step < len(queue.relax):
            due = call.enqueued_at + queue.relax[call.step].after <= at
            if not due and (call.virtual or self.pool(call).presence is not Presence.AWAY):
                return
            call.step += 1

    def enter(self, call: CallRecord, at: float) -> None:
        """Let a call into its queue; a consultation is no caller and counted in no figure."""
        queue = self.state.queues[call.queue]
        queue.counters.offered += call.consults is None
        queue.waiting += 1
        self.state.calls[call.call] = call
        self.wait(call, at)

    def wait(self, call: CallRecord, at: float) -> None:
        """Let a call wait in its place, from now on or once more."""
        if call.without:
            call.without = {agent: until for agent, until in call.without.items() if until > at}
        call.staffed_since = at
        self.advance(call, at)
        self._file(call)

    def refile(self, call: CallRecord) -> None:
        """Note that a waiting call's place, what it asks for or whom it leaves out has changed."""
        self._unfile(call)
        self._file(call)

    def _unfile(self, call: CallRecord) -> None:
        matcher = self.matcher_of(call)
        if call.call in matcher:
            matcher.remove_call(call.call)

    def _file(self, call: CallRecord) -> None:
        remind = self.deadlines.remind
        if call.without:
            remind(Due.RETRY, call.call)
        if call.callback is not None:
            remind(Due.EXPIRE, call.call)
            remind(Due.CALLBACK, call.call)
            if call.callback.resting:
                return
        lane = self.lane(call.channel)
        queue = self.state.queues[call.queue].queue
        without = frozenset(call.without) if call.without else _NOBODY
        pool = lane.matcher.add_call(call.entry(queue), call.wish_now(queue), without)
        lane.fresh[call.call] = None
        if call.prefers is not None:
            remind(Due.PREFER, call.call)
        if queue.relax:
            remind(Due.RELAX, call.call)
        if call.max_wait is not None or queue.max_wait is not None:
            remind(Due.MAX_WAIT, call.call)
        if queue.leaves_when_busy or pool.presence is not Presence.PRESENT:
            remind(Due.LEAVE, call.call)

    def take_out(self, call: CallRecord, reason: Cancel, at: float) -> None:
        """Let a call wait no longer, taking the offer back if one is out."""
        if call.offer is None:
            self._unfile(call)
        else:
            take_back(self, self.state.offers[call.offer], reason, at)

    def forget(self, call: CallRecord) -> None:
        """The call, already taken out, has had its outcome in this queue."""
        del self.state.calls[call.call]
        if self.state.callbacks.get(call.customer) == call.call:
            del self.state.callbacks[call.customer]
        queue = self.state.queues[call.queue]
        queue.waiting -= 1
        self.drop_if_done(queue)

    def exit(self, call: CallRecord, reason: Exit, at: float, detail: str = "") -> None:
        """Send a call back to its flow without an agent."""
        counters = self.state.queues[call.queue].counters
        if call.consults is None:
            setattr(counters, reason.value, getattr(counters, reason.value) + 1)
        self.take_out(call, Cancel.WITHDRAWN, at)
        self.forget(call)
        self.out.append(c.CallExits(call.call, reason, detail))

    def drop_if_done(self, queue: QueueRecord) -> None:
        """Forget a removed queue once its last call has ended."""
        if queue.removed and not queue.waiting and not queue.talking:
            del self.state.queues[queue.queue.name]

    # --- reservation ------------------------------------------------------------------------------

    def settle(self, at: float) -> None:
        """While there is a call and an agent who fit, reserve them for each other.

        Who is left then is rung beside others: no call waits for them, no chat either.
        """
        calls, agents = self.state.calls, self.state.agents
        while (lane := self._unsettled()) is not None:
            freed, fresh, lane.freed, lane.fresh = lane.freed, lane.fresh, {}, {}
            for call, agent in lane.matcher.settle(freed, fresh):
                reserve(self, calls[call], agents[agent], at)
        if self.together:
            ring_together(self, at)

    def _unsettled(self) -> Lane | None:
        """The first lane in which something has changed, voice before chats."""
        for lane in self._lanes.values():
            if lane.freed or lane.fresh:
                return lane
        return None

    # --- what is so now ---------------------------------------------------------------------------

    def queue_of(self, call: CallRecord) -> QueueRecord:
        """The call's queue."""
        return self.state.queues[call.queue]

    def pool(self, call: CallRecord) -> Pool:
        """The agents who could take this call at its present step, whoever it prefers."""
        return self.matcher_of(call).pool(call.wish(self.queue_of(call).queue))

    def staffing(self, call: CallRecord) -> Staffing:
        """What the agents who could take this waiting call are doing."""
        pool, matcher = self.pool(call), self.matcher_of(call)
        if pool.presence is Presence.PRESENT and matcher.has_ready(pool):
            return Staffing.READY
        return staffing_of(pool, somebody=matcher.logged_in(call.queue))


def _presence(agent: AgentRecord) -> Presence:
    return _PRESENCE.get(agent.state, Presence.PRESENT)
