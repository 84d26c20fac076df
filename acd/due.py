"""When things are due: the true deadline of each kind, worked out from the state at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.deadlines import Due
from acd.pools import Pool, Presence
from acd.state import CallRecord
from acd.words import Staffing

if TYPE_CHECKING:
    from acd.livefloor import LiveFloor


def due_at(live: LiveFloor, kind: Due, of: str) -> float | None:
    """The true deadline of this kind, or None."""
    if kind is Due.WRAP_UP:
        agent = live.state.agents.get(of)
        return agent.wrap_up_until if agent is not None else None
    if kind is Due.LEASE:
        offer = live.state.offers.get(of)
        return offer.lease_until if offer is not None and offer.answered_at is None else None
    call = live.state.calls.get(of)
    if call is None or call.offer is not None:
        return None
    match kind:
        case Due.MAX_WAIT:
            return max_wait_at(live, call)
        case Due.LEAVE:
            return leave_at(live, call)
        case Due.RETRY:
            return min(call.without.values(), default=None)
        case Due.RELAX:
            return None if call.resting else next_step_at(live, call)
        case Due.PREFER:
            waits = call.prefers is not None and not call.resting
            return call.prefer_until if waits else None
    callback = call.callback
    if callback is None or callback.line:
        return None
    if kind is Due.EXPIRE:
        return callback.expires_at
    return callback.not_before if callback.resting else None


def next_step_at(live: LiveFloor, call: CallRecord) -> float | None:
    """When the call asks for less, None when it asks for the least already."""
    steps = live.queue_of(call).queue.relax
    if call.agent is not None or call.step >= len(steps):
        return None
    return call.enqueued_at + steps[call.step].after


def max_wait_at(live: LiveFloor, call: CallRecord) -> float | None:
    """When the call has waited as long as it may, None when it may for ever."""
    if call.virtual:
        return None
    own = call.max_wait
    limit = own if own is not None else live.queue_of(call).queue.max_wait
    return None if limit is None else call.entered_at + limit


def leave_at(live: LiveFloor, call: CallRecord) -> float | None:
    """When the grace for having nobody ends, counted from when that began.

    Nobody leaves while a preferred agent is waited for: that ends by itself.
    """
    if call.prefers is not None or call.virtual:
        return None
    matcher = live.matcher_of(call)
    staffing = staffing_of(matcher.pool_of(call.call), somebody=matcher.logged_in(call.queue))
    found_so = call.staffed_since == call.entered_at
    grace = live.queue_of(call).queue.grace(staffing, found_so=found_so)
    return None if grace is None else call.staffed_since + grace


def staffing_of(pool: Pool, *, somebody: bool) -> Staffing:
    """What the pool's agents do when none is ready; `somebody` is logged in for the queue."""
    if pool.presence is Presence.PRESENT:
        return Staffing.ALL_BUSY
    if pool.presence is Presence.PAUSED:
        return Staffing.ALL_PAUSED
    if pool.wish.agent is None and somebody:
        return Staffing.NOBODY_SKILLED
    return Staffing.NOBODY_LOGGED_IN
