"""When things are due: the true deadline of each kind, worked out from the state at any moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from acd.deadlines import Due
from acd.pools import Pool, Presence
from acd.state import CallRecord
from acd.words import Staffing

if TYPE_CHECKING:
    from acd.livefloor import LiveFloor

# To look up a member of an enum is slow, and these are asked for in every decision.
_WRAP_UP, _LEASE = Due.WRAP_UP, Due.LEASE


def due_at(live: LiveFloor, kind: Due, of: str) -> float | None:
    """The true deadline of this kind, or None."""
    if kind is _WRAP_UP:
        agent = live.state.agents.get(of)
        return agent.wrap_up_until if agent is not None else None
    if kind is _LEASE:
        offer = live.state.offers.get(of)
        return offer.lease_until if offer is not None and offer.answered_at is None else None
    call = live.state.calls.get(of)
    if call is None or call.offer is not None:
        return None
    return _OF_CALL[kind](live, call)


def _retry_at(_live: LiveFloor, call: CallRecord) -> float | None:
    return min(call.without.values(), default=None)


def _relax_at(live: LiveFloor, call: CallRecord) -> float | None:
    return None if call.resting else next_step_at(live, call)


def _prefer_at(_live: LiveFloor, call: CallRecord) -> float | None:
    return call.prefer_until if call.prefers is not None and not call.resting else None


def _expire_at(_live: LiveFloor, call: CallRecord) -> float | None:
    return call.callback.expires_at if call.virtual and call.callback else None


def _callback_at(_live: LiveFloor, call: CallRecord) -> float | None:
    return call.callback.not_before if call.virtual and call.resting and call.callback else None


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


_OF_CALL: dict[Due, Callable[[LiveFloor, CallRecord], float | None]] = {
    Due.RETRY: _retry_at,
    Due.RELAX: _relax_at,
    Due.PREFER: _prefer_at,
    Due.CALLBACK: _callback_at,
    Due.MAX_WAIT: max_wait_at,
    Due.LEAVE: leave_at,
    Due.EXPIRE: _expire_at,
}
