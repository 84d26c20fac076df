"""Rows for screens, the console and metrics: frozen copies of what is so at one moment.

Durations are seconds, times epoch seconds. Counters run since the day started.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from acd.agents import AgentRecord
from acd.service_level import spelled
from acd.state import CallRecord, OfferRecord, QueueRecord, State
from acd.words import AgentState, Channel, Staffing

_WAITING, _OFFERED, _TALKING = "waiting", "offered", "talking"


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue. Agents are counted in every queue they work for.

    `waiting` calls have nobody yet, for `offered` ones a phone rings: `longest_wait` is of both.
    `talking` counts the queue's answered calls, `agents_talking` its agents on any call.
    `service_level` is 0 to 1 by `formula`, which is spelled out to stand beside it. `callbacks` are
    waiting calls whose customer is not on the line. `estimate_error` is by how many seconds the
    first wait that callers heard was off, on average; `estimates_right` of `estimates` held true.
    """

    queue: str
    title: str
    open: bool
    waiting: int
    offered: int
    talking: int
    longest_wait: float
    logged_in: int
    ready: int
    paused: int
    ringing: int
    agents_talking: int
    wrap_up: int
    calls: int
    answered: int
    answered_in_target: int
    abandoned: int
    abandoned_short: int
    timeout: int
    nobody: int
    full: int
    closed: int
    withdrawn: int
    moved: int
    target_seconds: float
    service_level: float | None
    average_wait: float | None
    formula: str = ""
    callbacks: int = 0
    called_back: int = 0
    too_long: int = 0
    expired: int = 0
    unreached: int = 0
    forbidden: int = 0
    regained: int = 0
    handle_time: float | None = None
    estimates: int = 0
    estimates_right: int = 0
    estimate_error: float | None = None
    keyed: int = 0


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent. `pending` is "pause" or "log_out" when that takes effect after the work at hand.

    `call` and `offer` are set while offered or talking. `streak` counts failed offers in a row.
    `chats` of at most `most_chats` are held, also while ringing. `outside`: in a call of their own.
    `out_of` are queues they have left for now. `phone`: where their calls ring when that is not
    their own phone. `last_contact`: whom they talked with last.
    """

    agent: str
    name: str
    queues: tuple[str, ...]
    skills: Mapping[str, int]
    state: AgentState
    since: float
    seconds: float
    reason: str
    pending: str
    pending_reason: str
    idle_since: float
    wrap_up_until: float | None
    call: str | None
    contact: str | None
    queue: str | None
    offer: str | None
    taken: int
    talk_seconds: float
    last_call_at: float | None
    no_answer: int
    rejected: int
    busy: int
    unreachable: int
    streak: int
    chats: tuple[str, ...] = ()
    most_chats: int = 0
    outside: bool = False
    out_of: tuple[str, ...] = ()
    disposition_due: bool = False
    phone: str = ""
    last_contact: str = ""


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call; `state` is waiting, offered or talking.

    `position` is 1 for the next of its queue, None unless waiting. `wait` stops at the answer.
    `agent` is who is rung or talks, `also` who is rung at the same time, `wants` the one agent it
    asked for, `staffing` what those who could take it are doing while it waits, `left_out` who is
    not tried just now. `prefers` is the agent waited for just now, `step` how many relaxations were
    taken. `virtual`: a callback whose customer is not on the line; `dialling`: they are being
    called. `consults`: an agent wants it. `customer` is whose call it is, as far as that is
    certain; of a callback, whom to call. Of one, `attempts` were made, nothing is dialled before
    `not_before`, and at `expires_at` it is given up; its agent took it at `accepted_at`.
    """

    call: str
    contact: str
    queue: str
    state: str
    position: int | None
    wait: float
    priority: int
    needs: Mapping[str, int]
    enqueued_at: float
    wants: str | None
    agent: str | None
    offer: str | None
    answered_at: float | None
    caller_left: bool
    staffing: Staffing | None
    left_out: tuple[str, ...]
    channel: Channel = Channel.VOICE
    prefers: str | None = None
    step: int = 0
    virtual: bool = False
    dialling: bool = False
    consults: bool = False
    customer: str = ""
    attempts: int = 0
    not_before: float | None = None
    expires_at: float | None = None
    accepted_at: float | None = None
    also: tuple[str, ...] = ()


def queues(state: State, now: float) -> list[QueueRow]:
    """All queues, by name."""
    in_state: defaultdict[str, Counter[AgentState]] = defaultdict(Counter)
    for agent in state.agents.values():
        for queue in agent.agent.queues:
            in_state[queue][agent.state] += 1
    waits: defaultdict[str, list[float]] = defaultdict(list)
    offered = Counter(call.queue for call in state.calls.values() if call.offer is not None)
    callbacks = Counter(call.queue for call in state.calls.values() if call.virtual)
    for call in state.calls.values():
        waits[call.queue].append(call.waited(now))
    return [
        _queue_row(state.queues[name], in_state[name], waits[name], offered[name], callbacks[name])
        for name in sorted(state.queues)
    ]


def _queue_row(
    record: QueueRecord,
    agents_in: Counter[AgentState],
    waits: list[float],
    offered: int,
    callbacks: int,
) -> QueueRow:
    count, rules = record.counters, record.queue
    waited = count.answered - count.called_back
    return QueueRow(
        queue=record.queue.name,
        title=record.queue.title or record.queue.name,
        open=record.open and not record.removed,
        waiting=len(waits) - offered,
        offered=offered,
        talking=record.talking,
        longest_wait=max(waits, default=0.0),
        logged_in=agents_in.total() - agents_in[AgentState.LOGGED_OUT],
        ready=agents_in[AgentState.READY],
        paused=agents_in[AgentState.PAUSED],
        ringing=agents_in[AgentState.OFFERED],
        agents_talking=agents_in[AgentState.TALKING],
        wrap_up=agents_in[AgentState.WRAP_UP],
        calls=count.offered,
        answered=count.answered,
        answered_in_target=count.answered_in_target,
        abandoned=count.abandoned,
        abandoned_short=count.abandoned_short,
        timeout=count.timeout,
        nobody=count.nobody,
        full=count.full,
        closed=count.closed,
        withdrawn=count.withdrawn,
        moved=count.moved,
        target_seconds=record.queue.target_seconds,
        service_level=count.service_level(rules.formula),
        average_wait=count.answered_wait / waited if waited else None,
        formula=spelled(rules.formula, rules.target_seconds, rules.short_abandon_seconds),
        callbacks=callbacks,
        called_back=count.called_back,
        too_long=count.too_long,
        expired=count.expired,
        unreached=count.unreached,
        forbidden=count.forbidden,
        regained=count.regained,
        handle_time=record.handling.seconds(rules.handle_seconds),
        estimates=count.told,
        estimates_right=count.told_right,
        estimate_error=count.told_error / count.told if count.told else None,
        keyed=count.keyed,
    )


def agents(state: State, now: float) -> list[AgentRow]:
    """All agents, by id."""
    return [_agent_row(state, state.agents[name], now) for name in sorted(state.agents)]


def agent(state: State, name: str, now: float) -> AgentRow:
    """One agent; raises UnknownAgent."""
    return _agent_row(state, state.agent(name), now)


def _agent_row(state: State, record: AgentRecord, now: float) -> AgentRow:
    offer = state.offers.get(record.offer or "")
    count = record.counters
    return AgentRow(
        agent=record.agent.id,
        name=record.agent.name or record.agent.id,
        queues=record.agent.queues,
        skills=dict(record.agent.skills),
        state=record.state,
        since=record.since,
        seconds=max(0.0, now - record.since),
        reason=record.reason,
        pending=record.pending or "",
        pending_reason=record.pending_reason,
        idle_since=record.idle_since,
        wrap_up_until=record.wrap_up_until,
        call=offer.call.call if offer else None,
        contact=offer.call.contact if offer else None,
        queue=offer.call.queue if offer else None,
        offer=record.offer,
        taken=count.taken,
        talk_seconds=count.talk_seconds,
        last_call_at=record.last_call_at,
        no_answer=count.no_answer,
        rejected=count.rejected,
        busy=count.busy,
        unreachable=count.unreachable,
        streak=record.streak,
        chats=record.chats,
        most_chats=record.most_chats,
        outside=record.outside,
        out_of=record.out_of,
        disposition_due=record.disposition_due,
        phone=record.phone,
        last_contact=record.last_contact,
    )


def calls(state: State, now: float, staffing: Callable[[CallRecord], Staffing]) -> list[CallRow]:
    """All calls by queue; within it waiting in the order served, then ringing, then talking."""
    waiting = sorted(
        (call for call in state.calls.values() if call.offer is None),
        key=lambda call: (call.queue, call.entry(state.queues[call.queue].queue)),
    )
    positions: Counter[str] = Counter()
    rows = []
    for call in waiting:
        positions[call.queue] += 1
        rows.append(_waiting_row(call, positions[call.queue], now, staffing(call)))
    rows += [_offer_row(offer, now) for offer in state.offers.values()]
    order = (_WAITING, _OFFERED, _TALKING)
    return sorted(rows, key=lambda row: (row.queue, order.index(row.state)))


def _waiting_row(call: CallRecord, position: int, now: float, staffing: Staffing) -> CallRow:
    return CallRow(
        call=call.call,
        contact=call.contact,
        queue=call.queue,
        state=_WAITING,
        position=position,
        wait=call.waited(now),
        priority=call.priority,
        needs=dict(call.needs),
        enqueued_at=call.enqueued_at,
        wants=call.agent,
        agent=None,
        offer=None,
        answered_at=None,
        caller_left=False,
        staffing=staffing,
        left_out=tuple(sorted(call.without)),
        channel=call.channel,
        prefers=call.prefers,
        step=call.step,
        virtual=call.virtual,
        consults=call.consults is not None,
        **_callback(call),
    )


def _callback(call: CallRecord) -> dict[str, Any]:
    """Whose call it is, and what a row tells of a callback."""
    asked = call.callback
    if asked is None:
        return {"customer": call.customer}
    return {
        "customer": call.customer,
        "attempts": asked.attempts,
        "not_before": asked.not_before or None,
        "expires_at": asked.expires_at,
    }


def _offer_row(offer: OfferRecord, now: float) -> CallRow:
    call, answered = offer.call, offer.answered_at
    return CallRow(
        call=call.call,
        contact=call.contact,
        queue=call.queue,
        state=_OFFERED if answered is None else _TALKING,
        position=None,
        wait=call.waited(now if answered is None else answered),
        priority=call.priority,
        needs=dict(call.needs),
        enqueued_at=call.enqueued_at,
        wants=call.agent,
        agent=offer.agent,
        offer=offer.offer,
        answered_at=answered,
        caller_left=offer.caller_left,
        staffing=None,
        left_out=tuple(sorted(call.without)),
        channel=call.channel,
        step=call.step,
        virtual=call.virtual,
        dialling=offer.dialling,
        consults=call.consults is not None,
        accepted_at=offer.accepted_at,
        also=offer.also,
        **_callback(call),
    )
