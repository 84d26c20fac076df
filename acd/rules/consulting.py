"""Transfers and consultations: a call goes on with what is known of it.

A consultation is a call of its own, from agent to agent, counted in no queue's figures. The
customer's call is untouched by it, so when it fails there is nothing to restore.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acd import events as e
from acd.livefloor import LiveFloor
from acd.rules.calls import let_in
from acd.rules.offers import release
from acd.state import CallRecord, OfferRecord
from acd.words import Exit


def call_transferred(live: LiveFloor, event: e.CallTransferred) -> None:
    """The agent leaves the call, and it waits for the next one."""
    offer = live.state.offers[event.offer]
    call = _from(live, offer, event)
    if event.new_place:
        call.enqueued_at = event.at
    release(live, offer, event.at)
    live.settle(event.at)  # who is freed takes what waits before the new call is looked at
    let_in(live, call, event.at)


def consultation_asked(live: LiveFloor, event: e.ConsultationAsked) -> None:
    """A second agent is looked for, never the first one."""
    offer = live.state.offers[event.offer]
    call = _from(live, offer, event)
    call.consults, call.from_agent = event.offer, offer.agent
    live.state.consultations[event.offer] = event.call
    let_in(live, call, event.at)


def _from(
    live: LiveFloor, offer: OfferRecord, event: e.CallTransferred | e.ConsultationAsked
) -> CallRecord:
    """A call that carries on from an answered one."""
    was = offer.call
    live.state.calls_seen += 1
    return CallRecord(
        call=event.call,
        contact=was.contact,
        queue=event.queue,
        needs={} if event.strip else dict(was.needs),
        priority=was.priority,
        enqueued_at=was.enqueued_at,
        entered_at=event.at,
        sequence=live.state.calls_seen,
        agent=event.agent,
        channel=was.channel,
        customer=was.customer,
        from_agent=was.from_agent,
        staffed_since=event.at,
    )


def consultation_completed(live: LiveFloor, event: e.ConsultationCompleted) -> None:
    """The second agent has the customer; the first one has wrap-up and their own share of talk.

    The first one's phone may have been heard to hang up before the transfer was heard of.
    """
    second = live.state.offers[live.state.talking[event.call]]
    first = live.state.offers.get(second.call.consults or "")
    second.call.consults = None
    if first is not None:
        second.caller_left = first.caller_left
        release(live, first, event.at)


def consultation_failed(live: LiveFloor, event: e.ConsultationFailed) -> None:
    """The second agent is let go, whether they talk, ring or are still being looked for."""
    call = live.state.calls.get(event.call)
    if call is None:
        release(live, live.state.offers[live.state.talking[event.call]], event.at)
    else:
        live.exit(call, Exit.WITHDRAWN, event.at, event.reason)


APPLY: dict[type[e.Event], Callable[[LiveFloor, Any], None]] = {
    e.CallTransferred: call_transferred,
    e.ConsultationAsked: consultation_asked,
    e.ConsultationCompleted: consultation_completed,
    e.ConsultationFailed: consultation_failed,
}
