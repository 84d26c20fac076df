"""Time passes: what is due runs out, one thing after the other, each with all its consequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acd import commands as c
from acd import events as e
from acd.agents import Move
from acd.deadlines import Due
from acd.livefloor import LiveFloor
from acd.rules.callbacks import unreached
from acd.rules.offers import fail
from acd.state import OfferRecord
from acd.words import Cancel, Cause, Exit


def ticked(live: LiveFloor, event: e.Ticked) -> None:
    """Work off everything that is due."""
    while (due := live.deadlines.pop(event.at)) is not None:
        when, kind, of = due
        _expire(live, kind, of, when, event.at)
        live.settle(event.at)


def _expire(live: LiveFloor, kind: Due, of: str, when: float, now: float) -> None:
    """One deadline has passed at `when`; a wrap-up ended then, however late the tick."""
    match kind:
        case Due.WRAP_UP:
            _end_wrap_up(live, of, when)
            return
        case Due.LEASE:
            _end_lease(live, live.state.offers[of], now)
            return
    call = live.state.calls[of]
    match kind:
        case Due.RETRY:
            call.without = {who: until for who, until in call.without.items() if until > now}
            live.refile(call)
        case Due.RELAX | Due.PREFER | Due.CALLBACK:
            live.advance(call, now)
            live.refile(call)
        case Due.MAX_WAIT:
            live.exit(call, Exit.TIMEOUT, now)
        case Due.LEAVE:
            live.exit(call, Exit.NOBODY, now, live.staffing(call))
        case Due.EXPIRE:
            live.exit(call, Exit.EXPIRED, now)


def _end_wrap_up(live: LiveFloor, name: str, when: float) -> None:
    """Its time is over; it lasts on while a disposition is due."""
    agent = live.state.agents[name]
    if agent.disposition_due:
        agent.wrap_up_until = None
    else:
        live.move(agent, Move.END_WRAP_UP, when)


def _end_lease(live: LiveFloor, offer: OfferRecord, now: float) -> None:
    """No word came: of the agent, or of the customer being dialled."""
    if offer.dialling:
        unreached(live, offer, e.CustomerFailed(now, offer.call.call, Cause.NO_ANSWER))
        return
    live.out.append(c.CancelOffer(offer.offer, offer.call.call, offer.agent, Cancel.EXPIRED))
    fail(live, offer, Cause.NO_ANSWER, now)


APPLY: dict[type[e.Event], Callable[[LiveFloor, Any], None]] = {e.Ticked: ticked}
