"""What happens to calls while they wait: they come, leave, and supervisors move them about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acd import commands as c
from acd import events as e
from acd.livefloor import LiveFloor
from acd.outlook import estimate_of, look_ahead
from acd.state import CallRecord, Dropped, QueueRecord
from acd.words import ISLAND, SERVICE, Cancel, Exit, Steer


def call_queued(live: LiveFloor, event: e.CallQueued) -> None:
    """A call comes: it is let in, or sent on at once."""
    call = _new_call(live, event)
    _regain_place(live, call, event.at)
    let_in(live, call, event.at)


def let_in(live: LiveFloor, call: CallRecord, at: float) -> None:
    """Let a call into its queue unless that is closed, full or too slow."""
    queue = live.queue_of(call)
    refused = refusal(live, call, queue, at)
    if refused is None:
        live.enter(call, at)
        return
    if call.consults is None:
        setattr(queue.counters, refused.value, getattr(queue.counters, refused.value) + 1)
    detail = queue.closed_for if refused is Exit.CLOSED else ""
    live.out.append(c.CallExits(call.call, refused, detail))


def refusal(live: LiveFloor, call: CallRecord, queue: QueueRecord, at: float) -> Exit | None:
    """Why the queue does not take this call; a free agent outweighs all but closed."""
    if not queue.open:
        return Exit.CLOSED
    limit, longest = queue.queue.max_waiting, queue.queue.max_expected_wait
    if limit is None and longest is None:
        return None
    full = limit is not None and queue.waiting >= limit
    full = full and queue.waiting - _virtual(live, queue) >= (limit or 0)
    if not full and longest is None:
        return None
    live.advance(call, at)
    if _somebody_is_free(live, call):
        return None
    if full:
        return Exit.FULL
    expected = estimate_of(live, call)
    too_long = longest is not None and expected is not None and expected.seconds > longest
    return Exit.TOO_LONG if too_long else None


def _somebody_is_free(live: LiveFloor, call: CallRecord) -> bool:
    """Whether it need not wait; a preference is given up rather than the call."""
    matcher = live.matcher_of(call)
    if matcher.has_ready(matcher.pool(call.wish_now(live.queue_of(call).queue))):
        return True
    if call.prefers is not None and matcher.has_ready(live.pool(call)):
        call.prefers = None
        return True
    return False


def _virtual(live: LiveFloor, queue: QueueRecord) -> int:
    """Callbacks of the queue whose customer is not on the line: they take nobody's place."""
    calls = (live.state.calls[name] for name in live.state.callbacks.values())
    return sum(call.virtual and call.queue == queue.queue.name for call in calls)


def _new_call(live: LiveFloor, event: e.CallQueued) -> CallRecord:
    live.state.calls_seen += 1
    patience = event.prefer_seconds
    if patience is None:
        patience = live.state.queues[event.queue].queue.prefer_seconds
    return CallRecord(
        call=event.call,
        contact=event.contact,
        queue=event.queue,
        needs=dict(event.needs),
        priority=event.priority,
        enqueued_at=event.enqueued_at,
        entered_at=event.at,
        sequence=live.state.calls_seen,
        agent=event.agent,
        max_wait=event.max_wait,
        channel=event.channel,
        prefers=event.prefers if event.agent is None else None,
        prefer_until=event.at + patience,
        customer=event.customer,
        from_agent=event.from_agent,
        staffed_since=event.at,
    )


# --- a caller whose line dropped -----------------------------------------------------------------


def _regain_place(live: LiveFloor, call: CallRecord, at: float) -> None:
    """Whoever is back in time goes on where the line broke, in the same queue."""
    dropped = live.state.dropped.pop(call.customer, None) if call.customer else None
    if dropped is None or dropped.until < at or dropped.queue != call.queue:
        return
    call.enqueued_at = min(call.enqueued_at, dropped.enqueued_at)
    call.priority = max(call.priority, dropped.priority)
    live.queue_of(call).counters.regained += 1


def remember_place(live: LiveFloor, call: CallRecord, at: float) -> None:
    """Keep the place of a caller who is gone, for as long as the queue does."""
    dropped = live.state.dropped
    while dropped and next(iter(dropped.values())).until < at:
        del dropped[next(iter(dropped))]
    seconds = live.queue_of(call).queue.regain_seconds
    if call.customer and seconds > 0 and call.consults is None:
        dropped.pop(call.customer, None)  # the oldest stand first
        dropped[call.customer] = Dropped(call.queue, call.enqueued_at, call.priority, at + seconds)


# --- a caller who leaves -------------------------------------------------------------------------


def call_left(live: LiveFloor, event: e.CallLeft) -> None:
    """An abandon, the end of a talk for the customer, or merely the line of a callback."""
    state = live.state
    call = state.calls.get(event.call)
    if call is None:
        state.offers[state.talking[event.call]].caller_left = True
    elif not call.virtual:
        abandon(live, call, event.at)


def abandon(live: LiveFloor, call: CallRecord, at: float) -> None:
    """The caller gave up; ringing for them stops."""
    if call.consults is None:
        counters, rules = live.queue_of(call).counters, live.queue_of(call).queue
        counters.abandoned += 1
        counters.abandoned_short += call.waited(at) < rules.short_abandon_seconds
    remember_place(live, call, at)
    live.take_out(call, Cancel.CALLER_LEFT, at)
    live.forget(call)


# --- what is done with waiting calls -------------------------------------------------------------


def call_moved(live: LiveFloor, event: e.CallMoved) -> None:
    """To another queue, with the time it came first."""
    call = live.state.calls[event.call]
    _steered(live, call, Steer.MOVED, event.by, to_queue=event.queue)
    live.queue_of(call).counters.moved += call.consults is None
    asked = live.state.callbacks.get(call.customer)
    live.take_out(call, Cancel.MOVED, event.at)
    live.forget(call)
    call.queue, call.entered_at, call.step = event.queue, event.at, 0
    if asked == call.call:
        live.state.callbacks[call.customer] = call.call
    live.enter(call, event.at)


def call_freed(live: LiveFloor, event: e.CallFreed) -> None:
    """Anyone of the queue may take it from now on."""
    call = live.state.calls[event.call]
    call.agent = call.prefers = None
    if call.offer is None:
        live.staffing_changed(call, event.at)
        live.refile(call)


def call_reprioritised(live: LiveFloor, event: e.CallReprioritised) -> None:
    """Another place."""
    call = live.state.calls[event.call]
    _steered(live, call, Steer.REPRIORITISED, event.by, to_priority=event.priority)
    call.priority = event.priority
    if call.offer is None:
        live.refile(call)


def call_withdrawn(live: LiveFloor, event: e.CallWithdrawn) -> None:
    """Out of its queue and on in its flow."""
    call = live.state.calls[event.call]
    _steered(live, call, Steer.WITHDRAWN, event.by)
    live.exit(call, Exit.WITHDRAWN, event.at)


def _steered(
    live: LiveFloor,
    call: CallRecord,
    what: Steer,
    by: str,
    *,
    to_queue: str | None = None,
    to_priority: int | None = None,
) -> None:
    """Tell who did it; what the house does by itself is no news."""
    if by in ("", SERVICE, ISLAND):
        return
    to_queue = call.queue if to_queue is None else to_queue
    to_priority = call.priority if to_priority is None else to_priority
    had = (call.queue, call.priority)
    live.out.append(c.CallSteered(call.call, call.contact, what, by, *had, to_queue, to_priority))


def call_keyed(live: LiveFloor, event: e.CallKeyed) -> None:
    """Out of its queue by the caller's own choice, and on in its flow."""
    live.exit(live.state.calls[event.call], Exit.KEYED, event.at, event.key)


def wait_announced(live: LiveFloor, event: e.WaitAnnounced) -> None:
    """Remember what the caller heard, so that it is neither repeated nor taken back."""
    call, told = live.state.calls[event.call], event.told
    if told is None:
        said = look_ahead(live, call, event.at)
        if said is None:
            return
        told = said.told
    call.told = told
    if call.told_first is None and told.has_wait:
        call.told_first = told


def queue_closed(live: LiveFloor, event: e.QueueClosed) -> None:
    """No new calls."""
    queue = live.state.queues[event.queue]
    queue.open, queue.closed_for = False, event.reason


def queue_opened(live: LiveFloor, event: e.QueueOpened) -> None:
    """Calls again."""
    queue = live.state.queues[event.queue]
    queue.open, queue.closed_for = True, ""


APPLY: dict[type[e.Event], Callable[[LiveFloor, Any], None]] = {
    e.CallQueued: call_queued,
    e.CallLeft: call_left,
    e.CallMoved: call_moved,
    e.CallFreed: call_freed,
    e.CallReprioritised: call_reprioritised,
    e.CallWithdrawn: call_withdrawn,
    e.CallKeyed: call_keyed,
    e.WaitAnnounced: wait_announced,
    e.QueueClosed: queue_closed,
    e.QueueOpened: queue_opened,
}
