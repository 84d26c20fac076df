"""From the domain's picture to an island's, and back: which events lead from the one to the other.

An island (`acd.live.island`) has the node's own calls and the agents whose phones are here. Agents
elsewhere are in nobody's reach, and the calls of other nodes are theirs to look after; an agent
here who rings or talks with one of those is kept from being offered until somebody says that the
phone is free.

On the way back nothing is made up for the domain's sake: what was settled on the island is settled,
what waits has its old place, and who still talks is busy until that is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from acd.engine import Engine
from acd.model import (
    ISLAND,
    AgentForced,
    AgentReleased,
    AgentState,
    CallbackAsked,
    CallbackForbidden,
    CallLeft,
    CallQueued,
    CallWithdrawn,
    Cancel,
    CancelOffer,
    Cause,
    CustomerFailed,
    DeviceBusy,
    DeviceFree,
    Event,
    LoggedIn,
    OfferAnswered,
    OfferFailed,
    StopRinging,
)
from acd.views import AgentRow, CallRow

Test = Callable[[str], bool]

ELSEWHERE = "another node's"


def leave(engine: Engine, owns: Test, here: Test, now: float, barred: set[str]) -> Iterator[Event]:
    """What turns the domain's picture into the island's, told to the island's own engine.

    Puts into `barred` the agents here who are busy with another node's caller.
    """
    for agent in engine.agents_view(now):
        if not here(agent.agent) and not agent.outside:
            yield DeviceBusy(now, agent.agent)
    for row in engine.calls_view(now):
        if owns(row.contact):
            continue
        for name in () if row.virtual else _agents_of(row):
            if here(name):
                barred.add(name)
                yield DeviceBusy(now, name)
        yield _let_go(row, now)


def _let_go(row: CallRow, now: float) -> Event:
    if row.answered_at is not None and row.offer is not None:
        return AgentReleased(now, row.offer)
    if row.virtual:
        return CallbackForbidden(now, row.call, ELSEWHERE)
    if row.offer is not None:
        return OfferFailed(now, row.offer, Cause.CALLER_LEFT)
    return CallLeft(now, row.call, ELSEWHERE)


@dataclass(slots=True)
class Return:
    """From the island's picture and the domain's: `events` for the domain, in order.

    `cancels` are for the shell: what still rings is taken back, its call keeps its place. `talks`
    maps offers of the island, which the domain does not know, to the agents who talk; `wrapping`
    maps agents to when their wrap-up ends. `served` are the calls that an agent took on the island,
    `barred` see `leave`.
    """

    island: Engine
    domain: Engine
    owns: Test
    here: Test
    now: float
    served: set[str]
    barred: set[str]
    events: list[Event] = field(default_factory=list)
    cancels: list[CancelOffer | StopRinging] = field(default_factory=list)
    talks: dict[str, str] = field(default_factory=dict)
    wrapping: dict[str, float] = field(default_factory=dict)

    def work_out(self) -> Return:
        """Fill it in: the busy first and the free last, so that nobody is rung for nothing."""
        there = {row.call: row for row in self.domain.calls_view(self.now)}
        ours = [row for row in self.island.calls_view(self.now) if self._ours(row)]
        calls: list[Event] = []
        for row in ours:
            calls += self._talking(row, there) if _talks(row) else self._waiting(row, there)
        known = {row.call for row in ours}
        for row in there.values():
            if self.owns(row.contact) and row.call not in known:
                calls += self._over(row)
        agents = list(self._agents())
        busy = [event for event in agents if isinstance(event, DeviceBusy)]
        self.events += [*busy, *calls, *(event for event in agents if event not in busy)]
        return self

    def _ours(self, row: CallRow) -> bool:
        """A callback may have been given to another node meanwhile; a talk is a talk."""
        return self.owns(row.contact) or _talks(row)

    # --- calls ------------------------------------------------------------------------------------

    def _talking(self, row: CallRow, there: Mapping[str, CallRow]) -> Iterator[Event]:
        known = there.get(row.call)
        if known is not None and _same_offer(row, known) and not known.dialling:
            if known.answered_at is None and row.offer is not None:
                yield OfferAnswered(self.now, row.offer, row.agent or "")
            return
        if row.offer is not None and row.agent is not None:
            self.talks[row.offer] = row.agent
        if known is not None:
            yield from self._over(known)

    def _waiting(self, row: CallRow, there: Mapping[str, CallRow]) -> Iterator[Event]:
        known = there.get(row.call)
        if known is not None and row.offer is not None and _same_offer(row, known):
            yield from self._rings_on(row, known, row.offer)
            return
        if row.offer is not None and row.agent is not None:
            self.cancels.append(CancelOffer(row.offer, row.call, row.agent, Cancel.WITHDRAWN))
        if known is not None and _talks(known) and known.offer is not None:
            yield AgentReleased(self.now, known.offer)
            known = None
        if known is None:
            yield from self._queue_again(row)
        elif known.offer is not None:
            # Offered while nobody here could hear of it, or failed here.
            lost = CustomerFailed(self.now, known.call, Cause.LOST)
            yield lost if known.dialling else OfferFailed(self.now, known.offer, Cause.LOST)

    def _rings_on(self, row: CallRow, known: CallRow, offer: str) -> Iterator[Event]:
        """It rings since before, here and there, but perhaps no more at all of its phones."""
        here, there = _agents_of(row), _agents_of(known)
        for agent in here:
            if agent not in there:
                stop = StopRinging(offer, row.call, agent, Cancel.WITHDRAWN)
                self.cancels.append(stop)
        for agent in there:
            if agent not in here:
                yield OfferFailed(self.now, offer, Cause.LOST, agent)

    def _queue_again(self, row: CallRow) -> Iterator[Event]:
        record = self.island.call(row.call)
        if record is None or record.consults is not None:
            return
        left = record.max_wait
        if left is not None:
            left = max(1.0, left - (self.now - record.entered_at))
        yield CallQueued(
            self.now,
            record.call,
            record.contact,
            record.queue,
            record.needs,
            record.priority,
            record.enqueued_at,
            agent=record.agent,
            max_wait=left,
            channel=record.channel,
            prefers=record.prefers,
            customer=record.customer,
            from_agent=record.from_agent,
        )
        asked = record.callback
        if asked is not None and not asked.line:
            expires, not_before = asked.expires_at, asked.not_before or None
            yield CallbackAsked(self.now, record.call, record.customer, not_before, expires)

    def _over(self, row: CallRow) -> Iterator[Event]:
        """The domain still has a call that is settled."""
        if _talks(row) and row.offer is not None:
            yield AgentReleased(self.now, row.offer)
        elif row.call in self.served or row.virtual:
            yield CallWithdrawn(self.now, row.call, ISLAND)
        elif row.offer is not None:
            yield OfferFailed(self.now, row.offer, Cause.CALLER_LEFT)
        else:
            yield CallLeft(self.now, row.call)

    # --- agents -----------------------------------------------------------------------------------

    def _agents(self) -> Iterator[Event]:
        there = {row.agent: row for row in self.domain.agents_view(self.now)}
        busy = set(self.talks.values())
        for row in self.island.agents_view(self.now):
            known = there.get(row.agent)
            if known is None:
                continue
            if self.here(row.agent):
                yield from self._agent(row, known, row.agent in busy)
            elif row.agent in busy and not known.outside:
                yield DeviceBusy(self.now, row.agent)

    def _agent(self, row: AgentRow, known: AgentRow, busy: bool) -> Iterator[Event]:
        """An agent whose phone is here: what they did here holds."""
        if row.state is AgentState.WRAP_UP and known.state is not AgentState.WRAP_UP:
            self.wrapping[row.agent] = row.wrap_up_until or self.now
        outside = row.outside and row.agent not in self.barred
        if busy or outside or row.agent in self.wrapping:
            if not known.outside:
                yield DeviceBusy(self.now, row.agent)
        elif known.outside:
            yield DeviceFree(self.now, row.agent)
        yield from self._state(row, known)

    def _state(self, row: AgentRow, known: AgentRow) -> Iterator[Event]:
        was_out = known.state is AgentState.LOGGED_OUT
        if row.state is AgentState.LOGGED_OUT:
            if not was_out:
                yield AgentForced(self.now, row.agent, row.state, "", ISLAND)
            return
        if was_out:
            yield LoggedIn(self.now, row.agent, ISLAND)
        if row.state is AgentState.PAUSED and known.reason != row.reason:
            yield AgentForced(self.now, row.agent, row.state, row.reason, ISLAND)
        elif row.state is not AgentState.PAUSED and known.state is AgentState.PAUSED:
            yield AgentForced(self.now, row.agent, AgentState.READY, "", ISLAND)


def _agents_of(row: CallRow) -> tuple[str, ...]:
    """Who rings or talks."""
    return () if row.agent is None else (row.agent, *row.also)


def _same_offer(one: CallRow, other: CallRow) -> bool:
    """Whether both have the same offer, and somebody in common whom it reserves."""
    return one.offer == other.offer and not {*_agents_of(one)}.isdisjoint(_agents_of(other))


def _talks(row: CallRow) -> bool:
    return row.answered_at is not None
