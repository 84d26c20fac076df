"""Callbacks: a call hangs up, keeps its place, and its customer is called when its turn comes.

- A callback waits like any call, in the place it had: it starves nobody and jumps no line. It is an
  abandon in no figure; its ends are answered, expired, unreached or forbidden.
- Its turn reserves an agent, and only a reserved agent lets a customer be dialled: there are never
  more dials out than agents kept free for them. A call is reserved once at a time, and a customer
  has one callback at most: nobody is dialled twice at once.
- Customer first: the customer is dialled while the agent is reserved, the agent rung when the
  customer is on the line. Agent first: the agent is rung, and the customer dialled when they
  accepted.
- Whether a number may be called, and when, is for others to know: `CallbackHeld`,
  `CallbackForbidden` and `not_before` say so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acd import commands as c
from acd import events as e
from acd.livefloor import LiveFloor
from acd.offering import ring, take_back
from acd.rules.offers import connect
from acd.state import CallbackRecord, CallRecord, OfferRecord
from acd.words import Cancel, Cause, Exit


def callback_asked(live: LiveFloor, event: e.CallbackAsked) -> None:
    """From now on the call needs no line to keep its place."""
    call = live.state.calls[event.call]
    queue = live.queue_of(call)
    expires = event.expires_at
    if expires is None:
        expires = event.at + queue.queue.callbacks.expire_after
    call.callback = CallbackRecord(event.at, expires, event.not_before or 0.0)
    call.customer = event.customer
    live.state.callbacks[event.customer] = call.call
    queue.counters.callbacks += 1
    if call.offer is not None:
        live.take_out(call, Cancel.WITHDRAWN, event.at)
        live.wait(call, event.at)
    else:
        live.advance(call, event.at)
        live.refile(call)


def callback_queued(live: LiveFloor, event: e.CallbackQueued) -> None:
    """A place for a customer without a line; only a closed queue has none."""
    queue = live.state.queues[event.queue]
    if not queue.open:
        queue.counters.closed += 1
        live.out.append(c.CallExits(event.call, Exit.CLOSED, queue.closed_for))
        return
    live.state.calls_seen += 1
    expires = event.expires_at
    if expires is None:
        expires = event.at + queue.queue.callbacks.expire_after
    call = CallRecord(
        call=event.call,
        contact=event.contact,
        queue=event.queue,
        needs=dict(event.needs),
        priority=event.priority,
        enqueued_at=event.enqueued_at,
        entered_at=event.at,
        sequence=live.state.calls_seen,
        customer=event.customer,
        callback=CallbackRecord(event.at, expires, event.not_before or 0.0, event.attempts),
    )
    live.state.callbacks[event.customer] = call.call
    queue.counters.callbacks += 1
    live.enter(call, event.at)


def callback_held(live: LiveFloor, event: e.CallbackHeld) -> None:
    """Not before then; an agent reserved for it is free again."""
    call = live.state.calls[event.call]
    if call.callback is not None:
        call.callback.not_before = event.until
        offer = live.state.offers.get(call.offer or "")
        if offer is not None and offer.dialling:  # nobody was dialled after all
            call.callback.attempts -= 1
    _wait_again(live, call, event.at)


def callback_forbidden(live: LiveFloor, event: e.CallbackForbidden) -> None:
    """Not at all."""
    live.exit(live.state.calls[event.call], Exit.FORBIDDEN, event.at, event.reason)


def _wait_again(live: LiveFloor, call: CallRecord, at: float) -> None:
    live.take_out(call, Cancel.WITHDRAWN, at)
    live.wait(call, at)


def customer_answered(live: LiveFloor, event: e.CustomerAnswered) -> None:
    """The agent who accepted talks with them; one who was kept free is rung."""
    offer = live.state.offers[live.state.calls[event.call].offer or ""]
    call = offer.call
    if call.callback is not None:
        call.callback.line = True
    call.entered_at = event.at
    if offer.accepted_at is not None:
        connect(live, offer, event.at)
    else:
        ring(live, offer, event.at)


def customer_failed(live: LiveFloor, event: e.CustomerFailed) -> None:
    """Tried again later, as often as the queue allows."""
    unreached(live, live.state.offers[live.state.calls[event.call].offer or ""], event)


def unreached(live: LiveFloor, offer: OfferRecord, why: e.CustomerFailed) -> None:
    """The try came to nothing; the agent is free without blame, the place is kept."""
    call, callback = offer.call, offer.call.callback
    take_back(live, offer, Cancel.CUSTOMER_FAILED, why.at)
    rules = live.queue_of(call).queue.callbacks
    if callback is not None:
        if why.cause is Cause.LOST:  # our side broke off: the customer may not even have been rung
            callback.attempts -= 1
        elif callback.attempts >= rules.attempts:
            live.exit(call, Exit.UNREACHED, why.at, why.cause.value)
            return
        callback.not_before = max(callback.not_before, why.at + rules.retry_after)
    live.wait(call, why.at)


APPLY: dict[type[e.Event], Callable[[LiveFloor, Any], None]] = {
    e.CallbackAsked: callback_asked,
    e.CallbackQueued: callback_queued,
    e.CallbackHeld: callback_held,
    e.CallbackForbidden: callback_forbidden,
    e.CustomerAnswered: customer_answered,
    e.CustomerFailed: customer_failed,
}
