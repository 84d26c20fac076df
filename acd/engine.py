"""The distributor's core: events in, commands out; no clock, no dice, no input or output.

How it works:
- `check` refuses what is impossible and changes nothing; `apply` does what was checked and cannot
  fail; `handle` is both. So a shell can write an event down between the two.
- Call and agent are reserved together, in one step, by an offer with a lease. Exactly one word ends
  an offer: answered, failed, taken back, or the end of the lease when no word comes at all. So
  neither the agent nor the call is ever stuck, and any later word about it is refused.
- An offer that fails sends the call back to its old place; the agent is left out of this call for
  a while and, after several failures in a row, paused with the reason shown.
- Time passes only through `Ticked`, which works off what is due, one thing after the other, each
  with all its consequences.
- The same events give the same commands, always: offer ids come from a counter in the state, and no
  decision depends on the order of a set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from acd import codec, views
from acd import model as m
from acd.agents import AgentCounters, AgentRecord, Move
from acd.checks import check
from acd.deadlines import Due
from acd.livefloor import LiveFloor
from acd.model import Cancel, Cause, Command, Event, Exit, Floor
from acd.state import CallRecord, OfferRecord, QueueCounters, QueueRecord, State

SNAPSHOT_VERSION = 1
"""To be raised when an older snapshot no longer means the same."""


RETRY_NOT_RUNG = 4.0
"""Seconds an agent is left out of a call whose offer never rang a phone: the phone may be back in a
moment, as all are after a restart of Asterisk, and nobody was disturbed by the try."""
_NOT_RUNG = frozenset({Cause.UNREACHABLE, Cause.LOST})


class Engine:
    """All queues, calls and agents of one floor."""

    def __init__(self) -> None:
        self._live = LiveFloor(State())

    # --- what a shell uses ------------------------------------------------------------------------

    def check(self, event: Event) -> None:
        """Raise IllegalEvent, UnknownAgent or UnknownQueue if the event is impossible now."""
        check(self._live.state, event)

    def apply(self, event: Event) -> list[Command]:
        """Do what `check` has allowed, and return what must happen next, in order."""
        self._APPLY[type(event)](self, event)
        self._live.settle(event.at)
        out, self._live.out = self._live.out, []
        return out

    def handle(self, event: Event) -> list[Command]:
        """Check and apply; an event that is refused has changed nothing."""
        self.check(event)
        return self.apply(event)

    def next_deadline(self) -> float | None:
        """When the next `Ticked` is due, or None."""
        return self._live.deadlines.next()

    def snapshot(self) -> dict[str, Any]:
        """The whole state as plain JSON values."""
        return {"version": SNAPSHOT_VERSION, "state": codec.encode(self._live.state)}

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> Engine:
        """An engine that decides exactly as the one the snapshot was taken from.

        Raises ValueError when it is not a snapshot of this version.
        """
        version = snapshot.get("version")
        if version != SNAPSHOT_VERSION or "state" not in snapshot:
            raise ValueError(f"snapshot version {version!r}: only {SNAPSHOT_VERSION} can be read")
        state: State = codec.decode(State, snapshot["state"])
        for offer in state.offers.values():
            if offer.answered_at is None:
                offer.call = state.calls[offer.call.call]
        engine = cls()
        engine._live = LiveFloor(state)
        return engine

    # --- what screens use -------------------------------------------------------------------------

    @property
    def day_started(self) -> float:
        """When the present day's counters began; 0 before the first day."""
        return self._live.state.day_started

    @property
    def floor(self) -> Floor:
        """The configuration in force."""
        return self._live.state.floor

    def queues_view(self, now: float) -> list[views.QueueRow]:
        """One row for each queue, by name."""
        return views.queues(self._live.state, now)

    def agents_view(self, now: float) -> list[views.AgentRow]:
        """One row for each agent, by id."""
        return views.agents(self._live.state, now)

    def calls_view(self, now: float) -> list[views.CallRow]:
        """One row for each call by queue: waiting in the order served, then ringing, talking."""
        return views.calls(self._live.state, now, self._live.staffing)

    def has_call(self, call: str) -> bool:
        """Whether the call still has no outcome (it waits, or a phone rings for it)."""
        return call in self._live.state.calls

    def offer(self, offer: str) -> OfferRecord | None:
        """The offer while it rings or its agent talks, to be read only."""
        return self._live.state.offers.get(offer)

    # --- floor and day ----------------------------------------------------------------------------

    def _floor_loaded(self, event: m.FloorLoaded) -> None:
        self._live.load(event.floor, event.at)

    def _day_started(self, event: m.DayStarted) -> None:
        state = self._live.state
        state.day_started = event.at
        for queue in state.queues.values():
            queue.counters = QueueCounters(offered=queue.waiting)
        for agent in state.agents.values():
            agent.counters = AgentCounters()

    def _queue_closed(self, event: m.QueueClosed) -> None:
        self._queue(event.queue).open = False

    def _queue_opened(self, event: m.QueueOpened) -> None:
        self._queue(event.queue).open = True

    # --- agents -----------------------------------------------------------------------------------

    def _logged_in(self, event: m.LoggedIn) -> None:
        self._live.move(self._agent(event.agent), Move.LOG_IN, event.at)

    def _logged_out(self, event: m.LoggedOut) -> None:
        self._live.move(self._agent(event.agent), Move.LOG_OUT, event.at)

    def _paused(self, event: m.Paused) -> None:
        self._live.move(self._agent(event.agent), Move.PAUSE, event.at, event.reason)

    def _readied(self, event: m.Readied) -> None:
        self._live.move(self._agent(event.agent), Move.READY, event.at)

    def _wrap_up_ended(self, event: m.WrapUpEnded) -> None:
        self._live.move(self._agent(event.agent), Move.END_WRAP_UP, event.at)

    def _wrap_up_extended(self, event: m.WrapUpExtended) -> None:
        agent = self._agent(event.agent)
        agent.wrap_up_until = (agent.wrap_up_until or event.at) + event.seconds
        self._live.deadlines.remind(Due.WRAP_UP, event.agent)

    # --- calls ------------------------------------------------------------------------------------

    def _call_queued(self, event: m.CallQueued) -> None:
        call, queue = self._new_call(event), self._queue(event.queue)
        if not queue.open:
            queue.counters.closed += 1
            self._live.out.append(m.CallExits(event.call, Exit.CLOSED))
        elif self._live.is_full(call):
            queue.counters.full += 1
            self._live.out.append(m.CallExits(event.call, Exit.FULL))
        else:
            self._live.enter(call, event.at)

    def _new_call(self, event: m.CallQueued) -> CallRecord:
        self._live.state.calls_seen += 1
        return CallRecord(
            call=event.call,
            contact=event.contact,
            queue=event.queue,
            needs=dict(event.needs),
            priority=event.priority,
            enqueued_at=event.enqueued_at,
            entered_at=event.at,
            sequence=self._live.state.calls_seen,
            agent=event.agent,
            max_wait=event.max_wait,
        )

    def _call_left(self, event: m.CallLeft) -> None:
        state = self._live.state
        call = state.calls.get(event.call)
        if call is None:
            state.offers[state.talking[event.call]].caller_left = True
            return
        self._count_abandon(call, event.at)
        self._live.take_out(call, Cancel.CALLER_LEFT, event.at)
        self._live.forget(call)

    def _count_abandon(self, call: CallRecord, at: float) -> None:
        queue = self._queue(call.queue)
        queue.counters.abandoned += 1
        queue.counters.abandoned_short += call.waited(at) < queue.queue.short_abandon_seconds

    def _call_moved(self, event: m.CallMoved) -> None:
        call = self._call(event.call)
        self._queue(call.queue).counters.moved += 1
        self._live.take_out(call, Cancel.MOVED, event.at)
        self._live.forget(call)
        call.queue, call.entered_at = event.queue, event.at
        self._live.enter(call, event.at)

    def _call_freed(self, event: m.CallFreed) -> None:
        call = self._call(event.call)
        call.agent = None
        if call.offer is None:
            self._live.refile(call)
            self._live.staffing_changed(call, event.at)

    def _call_reprioritised(self, event: m.CallReprioritised) -> None:
        call = self._call(event.call)
        call.priority = event.priority
        if call.offer is None:
            self._live.refile(call)

    def _call_withdrawn(self, event: m.CallWithdrawn) -> None:
        self._live.exit(self._call(event.call), Exit.WITHDRAWN, event.at)

    # --- offers -----------------------------------------------------------------------------------

    def _offer_answered(self, event: m.OfferAnswered) -> None:
        offer = self._offer(event.offer)
        call, agent, queue = offer.call, self._agent(offer.agent), self._queue(offer.call.queue)
        offer.answered_at = event.at
        self._live.state.talking[call.call] = offer.offer
        queue.talking += 1
        self._live.forget(call)
        queue.counters.count_answer(call.waited(event.at), queue.queue.target_seconds)
        agent.streak = 0
        agent.last_call_at = event.at
        agent.counters.taken += 1
        self._live.move(agent, Move.ANSWER, event.at)

    def _offer_failed(self, event: m.OfferFailed) -> None:
        self._fail(self._offer(event.offer), event.cause, event.at)

    def _fail(self, offer: OfferRecord, cause: Cause, at: float) -> None:
        call, agent = offer.call, self._agent(offer.agent)
        queue = self._queue(call.queue).queue
        self._live.void(offer)
        if cause is Cause.CALLER_LEFT:
            self._live.move(agent, Move.TAKE_BACK, at)
            self._count_abandon(call, at)
            self._live.forget(call)
            return
        if cause is Cause.LOST:
            self._live.move(agent, Move.TAKE_BACK, at)
        else:
            self._agent_failed(agent, cause, queue.no_answer_limit, at)
        pause = queue.retry_same_agent_after
        if cause in _NOT_RUNG:
            pause = min(pause, RETRY_NOT_RUNG)
        if pause > 0:
            call.without[offer.agent] = at + pause
        self._live.wait(call, at)

    def _agent_failed(self, agent: AgentRecord, cause: Cause, limit: int, at: float) -> None:
        """Count it; after so many in a row pause the agent, unless they asked for a break."""
        agent.counters.count_failure(cause)
        agent.streak += 1
        if 0 < limit <= agent.streak:
            agent.streak = 0
            if agent.pending is None:
                self._live.move(agent, Move.PAUSE, at, cause.replace("_", " "))
        self._live.move(agent, Move.FAIL, at)

    def _agent_released(self, event: m.AgentReleased) -> None:
        state, offer = self._live.state, self._offer(event.offer)
        agent, queue = self._agent(offer.agent), self._queue(offer.call.queue)
        del state.offers[offer.offer]
        if state.talking.get(offer.call.call) == offer.offer:
            del state.talking[offer.call.call]
        queue.talking -= 1
        self._live.drop_if_done(offer.call.queue)
        agent.counters.talk_seconds += max(0.0, event.at - (offer.answered_at or event.at))
        self._live.move(agent, Move.RELEASE, event.at)
        self._begin_wrap_up(agent, queue.queue.wrap_up_seconds, event.at)

    def _begin_wrap_up(self, agent: AgentRecord, seconds: float, at: float) -> None:
        if seconds > 0:
            agent.wrap_up_until = at + seconds
            self._live.deadlines.remind(Due.WRAP_UP, agent.agent.id)
        else:
            self._live.move(agent, Move.END_WRAP_UP, at)

    # --- time -------------------------------------------------------------------------------------

    def _ticked(self, event: m.Ticked) -> None:
        while (due := self._live.deadlines.pop(event.at)) is not None:
            when, kind, of = due
            self._expire(kind, of, when, event.at)
            self._live.settle(event.at)

    def _expire(self, kind: Due, of: str, when: float, now: float) -> None:
        """One deadline has passed at `when`; a wrap-up ended then, however late the tick."""
        match kind:
            case Due.WRAP_UP:
                self._live.move(self._agent(of), Move.END_WRAP_UP, when)
            case Due.LEASE:
                offer = self._offer(of)
                cancel = m.CancelOffer(of, offer.call.call, offer.agent, Cancel.EXPIRED)
                self._live.out.append(cancel)
                self._fail(offer, Cause.NO_ANSWER, now)
            case Due.RETRY:
                call = self._call(of)
                call.without = {who: until for who, until in call.without.items() if until > now}
                self._live.refile(call)
            case Due.MAX_WAIT:
                self._live.exit(self._call(of), Exit.TIMEOUT, now)
            case Due.LEAVE:
                call = self._call(of)
                self._live.exit(call, Exit.NOBODY, now, self._live.staffing(call))

    # --- records ----------------------------------------------------------------------------------

    def _agent(self, agent: str) -> AgentRecord:
        return self._live.state.agents[agent]

    def _queue(self, queue: str) -> QueueRecord:
        return self._live.state.queues[queue]

    def _call(self, call: str) -> CallRecord:
        return self._live.state.calls[call]

    def _offer(self, offer: str) -> OfferRecord:
        return self._live.state.offers[offer]

    _APPLY: ClassVar[dict[type[Event], Callable[[Engine, Any], None]]] = {
        m.FloorLoaded: _floor_loaded,
        m.DayStarted: _day_started,
        m.LoggedIn: _logged_in,
        m.LoggedOut: _logged_out,
        m.Paused: _paused,
        m.Readied: _readied,
        m.CallQueued: _call_queued,
        m.CallLeft: _call_left,
        m.OfferAnswered: _offer_answered,
        m.OfferFailed: _offer_failed,
        m.AgentReleased: _agent_released,
        m.WrapUpEnded: _wrap_up_ended,
        m.WrapUpExtended: _wrap_up_extended,
        m.CallMoved: _call_moved,
        m.CallFreed: _call_freed,
        m.CallReprioritised: _call_reprioritised,
        m.CallWithdrawn: _call_withdrawn,
        m.QueueClosed: _queue_closed,
        m.QueueOpened: _queue_opened,
        m.Ticked: _ticked,
    }
