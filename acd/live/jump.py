"""What a shell was not told: the commands that lead from one picture to a later one.

A node that did not see every entry (it was frozen while the stream was cut short, or the store went
back behind it) knows what is so, and no longer how it came about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from acd.engine import Engine
from acd.model import (
    AgentChanged,
    CallExits,
    Cancel,
    CancelOffer,
    Command,
    DialCustomer,
    Exit,
    StopRinging,
)
from acd.offering import LEASE_MARGIN, make_offer
from acd.state import OfferRecord
from acd.views import CallRow

Owns = Callable[[str], bool]


def missed(before: Engine, after: Engine, owns: Owns) -> Iterator[Command]:
    """Changes of all agents, and what has become of the calls that `owns` says are ours."""
    yield from agents_changed(before, after)
    now = {row.call: row for row in after.calls_view(0.0)}
    was = {row.call: row for row in before.calls_view(0.0) if owns(row.contact)}
    for row in was.values():
        yield from _became(row, now.get(row.call))
        yield from _rings_fewer(row, now.get(row.call))
    for row in now.values():
        known = was.get(row.call)
        if owns(row.contact) and _rings(row) and (known is None or known.offer != row.offer):
            offer = after.offer(row.offer or "")
            if offer is not None:
                yield offer_again(after, offer)


def agents_changed(before: Engine, after: Engine) -> Iterator[Command]:
    """Who is in another state than before."""
    was = {row.agent: (row.state, row.reason) for row in before.agents_view(0.0)}
    for row in after.agents_view(0.0):
        if was.get(row.agent) != (row.state, row.reason):
            yield AgentChanged(row.agent, row.state, row.reason, row.since)


def _rings(row: CallRow) -> bool:
    return row.offer is not None and row.answered_at is None


def _became(was: CallRow, now: CallRow | None) -> Iterator[Command]:
    """One of our calls; what was talked and is over needs no word."""
    if was.answered_at is not None:
        return
    if was.offer is not None and was.agent is not None and (now is None or now.offer != was.offer):
        yield CancelOffer(was.offer, was.call, was.agent, Cancel.WITHDRAWN)
    if now is None:
        yield CallExits(was.call, Exit.WITHDRAWN, "unheard")


def _rings_fewer(was: CallRow, now: CallRow | None) -> Iterator[Command]:
    """Agents who are no longer rung for one of our calls, while others still are."""
    if now is None or was.agent is None or was.offer is None:
        return
    if was.offer == now.offer and now.answered_at is None:
        for agent in (was.agent, *was.also):
            if agent not in (now.agent, *now.also):
                yield StopRinging(was.offer, was.call, agent, Cancel.WITHDRAWN)


def offer_again(engine: Engine, offer: OfferRecord) -> Command:
    """The command that this offer, which rings, began with."""
    call = offer.call
    if offer.dialling:
        attempt = call.callback.attempts if call.callback is not None else 1
        seconds = max(1.0, offer.lease_until - LEASE_MARGIN - offer.made_at)
        return DialCustomer(
            offer.offer, call.call, call.contact, offer.agent, attempt, seconds, offer.lease_until
        )
    rings = {queue.name: queue.ring_seconds for queue in engine.floor.queues}
    seconds = rings.get(call.queue, max(1.0, offer.lease_until - LEASE_MARGIN - offer.made_at))
    return make_offer(offer, seconds)
