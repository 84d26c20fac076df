"""A day on record: the engine's own events, read back into calls, agents' moves and figures.

The events are handled once more by an engine, which is how it is known who was rung for what. Only
what was seen is noted here; what was not, such as the patience of those who were answered, stays
None and is for `replay` to fill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from acd import model as m
from acd.engine import Engine
from acd.errors import AcdError
from acd.floor import Floor
from acd.simulation.ledger import BY_EXIT, Fate, Ledger, Outcome

_MOVES = (
    m.LoggedIn,
    m.LoggedOut,
    m.Paused,
    m.Readied,
    m.WrapUpEnded,
    m.AgentForced,
    m.DeviceBusy,
    m.DeviceFree,
    m.ChatRoomSet,
    m.PhoneTaken,
    m.QueueJoined,
    m.QueueLeft,
    m.QueueClosed,
    m.QueueOpened,
    m.DayStarted,
)
"""What agents and supervisors did of their own accord."""
_MISSED = frozenset({m.Cause.NO_ANSWER, m.Cause.REJECTED, m.Cause.BUSY, m.Cause.UNREACHABLE})


@dataclass(slots=True)
class RecordedCall:
    """One call as it was. `talk` and `rings` are None when nobody answered, `talk` also when the
    talk had not ended; `wraps` is the wrap-up of an agent who ended it early. `together`: several
    phones rang until one of them was answered.

    `callback`: it hung up when its wait ended, to be called back. One that is not `counted` was
    work for agents only. `after` is how the earlier wait of the same call ended, None for none.
    """

    comes: m.CallQueued
    fate: Fate
    talk: float | None = None
    rings: float | None = None
    wraps: float | None = None
    callback: bool = False
    counted: bool = True
    after: Outcome | None = None
    together: bool = False

    def end(self, outcome: Outcome, at: float) -> None:
        """The wait is over; that of a callback was over when it was asked for."""
        if not self.callback:
            self.fate.end(outcome, at)


@dataclass(slots=True)
class Recording:
    """A span on record: what came, who worked, and what became of it on the `floor` of that time.

    `offers` and `missed` count by agent; `notes` count what a replay cannot do again: floors
    loaded meanwhile, transfers, consultations, callbacks, moved calls, refused entries.
    """

    begins: float
    ends: float
    floor: Floor
    ledger: Ledger
    calls: list[RecordedCall] = field(default_factory=list)
    moves: list[m.Event] = field(default_factory=list)
    offers: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)

    def note(self, what: str) -> None:
        """Count one more of these."""
        self.notes[what] = self.notes.get(what, 0) + 1


def record(
    engine: Engine, events: Iterable[m.Event], begins: float, ends: float, width: float
) -> Recording:
    """Read events in their order; `engine` is as it was before the first of them.

    Only what happened from `begins` to `ends` is noted; slots are `width` seconds wide.
    """
    reader = _Reader(engine, Recording(begins, ends, engine.floor, Ledger(begins, width)))
    begun = False
    for event in events:
        if not begun and event.at >= begins:
            begun = True
            reader.begin()
        if event.at > ends:
            break
        if begun:
            reader.read(event)
        else:
            reader.skip(event)
    reader.recording.ledger.close(ends)
    return reader.recording


@dataclass(slots=True)
class _Offer:
    """`agents` are those who are rung; one who talks is the only one."""

    name: str
    call: RecordedCall
    agents: tuple[str, ...]
    made_at: float
    answered_at: float | None = None

    def drop(self, agent: str) -> None:
        """That phone rings no more."""
        self.agents = tuple(each for each in self.agents if each != agent)


class _Reader:
    """Follows the engine and writes down what it sees."""

    def __init__(self, engine: Engine, recording: Recording) -> None:
        self.engine, self.recording = engine, recording
        self.open: dict[str, RecordedCall] = {}
        self.latest: dict[str, RecordedCall] = {}
        self.offers: dict[str, _Offer] = {}
        self.by_call: dict[str, str] = {}
        self.consults: dict[str, str] = {}
        self.last_of: dict[str, tuple[RecordedCall, float]] = {}
        self._before: Mapping[type[m.Event], Callable[[Any], None]] = {
            m.FloorLoaded: self._floor_loaded,
            m.CallQueued: self._queued,
            m.CallTransferred: self._transferred,
            m.CallMoved: self._moved,
            m.CallbackAsked: self._callback_asked,
            m.CallbackQueued: self._callback_queued,
            m.ConsultationAsked: lambda _: self.recording.note("consultations"),
            m.ConsultationCompleted: self._taken_over,
            m.AgentReleased: lambda event: self._released(event.offer, event.at),
        }
        self._after: Mapping[type[m.Event], Callable[[Any], None]] = {
            m.OfferAnswered: lambda event: self._maybe_answered(event.offer, event.at),
            m.CustomerAnswered: lambda event: self._maybe_answered(
                self.by_call.get(event.call, ""), event.at
            ),
            m.CallLeft: lambda event: self._maybe_left(event.call, event.at),
            m.OfferFailed: self._failed,
        }

    # --- where it begins --------------------------------------------------------------------------

    def skip(self, event: m.Event) -> None:
        """Before the span; an entry that is refused is left out, as at every start."""
        try:
            self.engine.handle(event)
        except AcdError:
            self.recording.note("entries that were refused")

    def begin(self) -> None:
        """Agents are where they are, callers who wait have come just now."""
        recording, at = self.recording, self.recording.begins
        recording.floor = self.engine.floor
        may_hold = {each.id: each.chats for each in self.engine.floor.agents}
        for agent in self.engine.agents_view(at):
            recording.ledger.agent_changed(m.AgentChanged(agent.agent, agent.state, "", at))
            if agent.state is m.AgentState.LOGGED_OUT:
                continue
            recording.moves.append(m.LoggedIn(at, agent.agent))
            recording.moves += [m.QueueLeft(at, agent.agent, queue) for queue in agent.out_of]
            if agent.state is m.AgentState.PAUSED:
                recording.moves.append(m.Paused(at, agent.agent, agent.reason))
            if agent.outside:
                recording.moves.append(m.DeviceBusy(at, agent.agent))
            if agent.most_chats != may_hold.get(agent.agent):
                recording.moves.append(m.ChatRoomSet(at, agent.agent, agent.most_chats))
        for row in self.engine.queues_view(at):
            if not row.open:
                recording.moves.append(m.QueueClosed(at, row.queue))
        for call in self.engine.calls_view(at):
            talks = call.state == "talking"
            came = m.CallQueued(
                at,
                call.call,
                call.contact,
                call.queue,
                call.needs,
                call.priority,
                at if talks else call.enqueued_at,
                call.agent if talks else call.wants,
                channel=call.channel,
            )
            known = self._came(came, counted=not talks and not call.virtual)
            if call.offer is not None:
                self._offered(call.offer, call.call, (call.agent or "", *call.also), at)
            if talks and call.offer is not None:
                self._answered(call.offer, at)
            elif call.virtual:
                known.end(Outcome.OTHER, at)
                known.callback = True

    # --- events -----------------------------------------------------------------------------------

    def read(self, event: m.Event) -> None:
        """One event of the span."""
        try:
            self.engine.check(event)
        except AcdError:
            self.recording.note("entries that were refused")
            return
        before, after = self._before.get(type(event)), self._after.get(type(event))
        if before is not None:
            before(event)
        if isinstance(event, _MOVES) and not self._ends_wrap_up(event):
            self.recording.moves.append(event)
        for command in self.engine.apply(event):
            self._hear(command, event.at)
        if after is not None:
            after(event)

    def _hear(self, command: m.Command, at: float) -> None:
        match command:
            case m.MakeOffer(call=call, consults=first) if first:
                self.consults[call] = first
            case m.MakeOffer(offer=offer, call=call, agent=agent, also=also):
                self._offered(offer, call, (agent, *also), at)
            case m.CancelOffer(reason=m.Cancel.EXPIRED, offer=offer, agent=agent):
                known_offer = self.offers.get(offer)
                for each in (agent,) if known_offer is None else known_offer.agents:
                    self._count(self.recording.missed, each)
            case m.StopRinging(offer=offer, agent=agent) if offer in self.offers:
                self.offers[offer].drop(agent)
            case m.CallExits(call=call, reason=reason):
                known = self.open.pop(call, None)
                if known is not None:
                    known.end(BY_EXIT.get(reason, Outcome.OTHER), at)
            case m.AgentChanged():
                self.recording.ledger.agent_changed(command)
            case m.ChatReturned(offer=offer):
                self._released(offer, at)

    def _floor_loaded(self, event: m.FloorLoaded) -> None:
        if not self.recording.floor.queues:
            self.recording.floor = event.floor
        elif event.floor != self.engine.floor:
            self.recording.note("changes of the floor")

    # --- calls ------------------------------------------------------------------------------------

    def _came(self, comes: m.CallQueued, *, counted: bool = True) -> RecordedCall:
        fate = Fate(comes.queue, tuple(comes.needs), comes.at, comes.enqueued_at)
        before = self.latest.get(comes.call)
        after = before.fate.outcome if before is not None else None
        call = RecordedCall(comes, fate, counted=counted, after=after)
        self.open[comes.call] = self.latest[comes.call] = call
        self.recording.calls.append(call)
        if counted:
            self.recording.ledger.fates.append(fate)
        return call

    def _queued(self, event: m.CallQueued) -> None:
        self._came(event)

    def _transferred(self, event: m.CallTransferred) -> None:
        self.recording.note("transfers")
        offer = self.engine.offer(event.offer)
        self._released(event.offer, event.at)
        if offer is not None:
            was = offer.call
            self._came(
                m.CallQueued(
                    event.at,
                    event.call,
                    was.contact,
                    event.queue,
                    {} if event.strip else was.needs,
                    was.priority,
                    event.at if event.new_place else was.enqueued_at,
                    event.agent,
                    channel=was.channel,
                    from_agent=was.from_agent,
                )
            )

    def _moved(self, event: m.CallMoved) -> None:
        """It is replayed as if it had come to the queue where it ended up."""
        call = self.open.get(event.call)
        if call is not None:
            self.recording.note("calls moved by a supervisor")
            call.comes = replace(call.comes, queue=event.queue)
            call.fate.queue = event.queue

    def _callback_queued(self, event: m.CallbackQueued) -> None:
        """Work for an agent that was never a wait on a line."""
        e = event
        self._queued(
            m.CallQueued(e.at, e.call, e.contact, e.queue, e.needs, e.priority, e.enqueued_at)
        )
        self._callback_asked(event)

    def _callback_asked(self, event: m.CallbackAsked | m.CallbackQueued) -> None:
        """The wait on the line is over; the work for an agent remains, in the same place."""
        call = self.open.get(event.call)
        if call is not None:
            self.recording.note("callbacks")
            call.end(Outcome.OTHER, event.at)
            call.callback = True

    def _maybe_left(self, name: str, at: float) -> None:
        if not self.engine.has_call(name) and (call := self.open.pop(name, None)) is not None:
            call.end(Outcome.ABANDONED, at)

    def _taken_over(self, event: m.ConsultationCompleted) -> None:
        """The first agent has left the customer."""
        self._released(self.consults.pop(event.call, ""), event.at)

    # --- offers -----------------------------------------------------------------------------------

    def _offered(self, offer: str, call: str, agents: tuple[str, ...], at: float) -> None:
        known = self.open.get(call)
        if known is not None:
            self.offers[offer] = _Offer(call, known, agents, at)
            self.by_call[call] = offer
            for agent in agents:
                self._count(self.recording.offers, agent)

    def _maybe_answered(self, name: str, at: float) -> None:
        offer = self.engine.offer(name)
        if offer is not None and offer.answered_at is not None:
            self._answered(name, at)

    def _answered(self, name: str, at: float) -> None:
        offer, made = self.offers.get(name), self.engine.offer(name)
        if offer is None or made is None:
            return
        call = offer.call
        call.together = len(offer.agents) > 1
        offer.answered_at, offer.agents = at, (made.agent,)
        call.rings = at - offer.made_at
        call.end(Outcome.ANSWERED, at)
        call.fate.agent = made.agent
        self.open.pop(offer.name, None)

    def _failed(self, event: m.OfferFailed) -> None:
        offer = self.offers.get(event.offer)
        if offer is None:
            return
        some = self.engine.offer(event.offer) is not None  # the others ring on
        agents = (event.agent,) if some else offer.agents
        if some:
            offer.drop(event.agent)
        else:
            del self.offers[event.offer]
        if event.cause in _MISSED:
            for agent in agents:
                self._count(self.recording.missed, agent)
        elif event.cause is m.Cause.CALLER_LEFT:
            self._maybe_left(offer.name, event.at)

    def _released(self, name: str, at: float) -> None:
        offer = self.offers.pop(name, None)
        if offer is not None and offer.answered_at is not None:
            offer.call.talk = at - offer.answered_at
            self.last_of[offer.agents[0]] = offer.call, at

    def _ends_wrap_up(self, event: m.Event) -> bool:
        """Whether an agent is done early: that goes with the call and not with the clock."""
        if not isinstance(event, m.WrapUpEnded | m.Readied):
            return False
        state = self.recording.ledger.state_of(event.agent)
        if state is None or state[0] is not m.AgentState.WRAP_UP:
            return False
        call, since = self.last_of.pop(event.agent, (None, 0.0))
        if call is not None:
            call.wraps = event.at - since
        return True

    def _count(self, counts: dict[str, int], agent: str) -> None:
        counts[agent] = counts.get(agent, 0) + 1
