"""How offers are made and ended: a call reserved together with an agent, or with several.

`LiveFloor` decides which; this says what is done then. Where a queue rings all, the agent who goes
first is reserved as in any queue. Once every call has got one, those who are left and fit are
reserved as well, for the same offer: so ringing together takes nobody from another caller who
waits. The first to answer has the call; whoever stops ringing before the end is as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd import commands as c
from acd.agents import AgentRecord, Move
from acd.deadlines import Due
from acd.state import CallRecord, OfferRecord
from acd.words import Cancel, Channel, First, Strategy

if TYPE_CHECKING:
    from acd.livefloor import LiveFloor

LEASE_MARGIN = 30.0
"""Seconds a lease outlives the ringing. It is the last resort: the phone's own word comes first,
and a late pick-up is told of only after the whisper in the agent's ear."""
RING_TOGETHER = 20
"""At most so many agents are rung for one call at the same time."""

# To look up a member of an enum is slow, and these are asked for in every decision.
_CHAT, _RING_ALL = Channel.CHAT, Strategy.RING_ALL


# --- making them ----------------------------------------------------------------------------------


def reserve(live: LiveFloor, call: CallRecord, agent: AgentRecord, at: float) -> None:
    """Make an offer of the two: the agent is rung, or first the customer of a callback."""
    state = live.state
    state.offers_made += 1
    name, to = f"{call.call}-{state.offers_made}", agent.agent.id
    offer = state.offers[name] = OfferRecord(name, to, call, at, at)
    call.offer = name
    if call.channel is _CHAT:
        live.change_chats(agent, name, at, held=True)
    else:
        agent.offer = name
        live.move(agent, Move.OFFER, at)
    callback = call.callback
    if callback is not None and not callback.line and _customer_first(live, call):
        dial(live, offer, at)
    else:
        ring(live, offer, at)


def _customer_first(live: LiveFloor, call: CallRecord) -> bool:
    return live.queue_of(call).queue.callbacks.first is First.CUSTOMER


def ring(live: LiveFloor, offer: OfferRecord, at: float) -> None:
    """Have the agent's phone rung; with others at the end of `settle`, where the queue does so."""
    call = offer.call
    rules = live.state.queues[call.queue].queue
    offer.dialling, offer.lease_until = False, at + rules.ring_seconds + LEASE_MARGIN
    live.deadlines.set(offer.lease_until, Due.LEASE, offer.offer)
    if rules.strategy is _RING_ALL and _takes_any_phone(call):
        live.together.append(offer)
    else:
        live.out.append(make_offer(offer, rules.ring_seconds))


def _takes_any_phone(call: CallRecord) -> bool:
    """Whether there is a caller on the line who wants whoever is first."""
    one = call.agent or call.prefers or call.consults
    return one is None and call.channel is not _CHAT and not call.virtual


def ring_together(live: LiveFloor, at: float) -> None:
    """Reserve who else fits and is left for the offers that ring all, and have them all rung."""
    offers, live.together = live.together, []
    for offer in offers:
        call = offer.call
        matcher, without = live.matcher_of(call), call.without.keys()
        offer.also = tuple(matcher.ready_in(live.pool(call), without, RING_TOGETHER - 1))
        for name in offer.also:
            agent = live.state.agents[name]
            agent.offer = offer.offer
            live.move(agent, Move.OFFER, at)
        live.out.append(make_offer(offer, live.queue_of(call).queue.ring_seconds))


def make_offer(offer: OfferRecord, seconds: float) -> c.MakeOffer:
    """The command to ring everyone whom the offer reserves."""
    call = offer.call
    return c.MakeOffer(
        offer.offer,
        call.call,
        call.contact,
        call.queue,
        offer.agent,
        seconds,
        offer.lease_until,
        call.channel,
        call.virtual,
        call.consults or "",
        offer.also,
    )


def dial(live: LiveFloor, offer: OfferRecord, at: float) -> None:
    """Have the customer of a callback dialled."""
    call = offer.call
    seconds = live.state.queues[call.queue].queue.callbacks.ring_seconds
    offer.dialling, offer.lease_until = True, at + seconds + LEASE_MARGIN
    attempt = 0
    if call.callback is not None:
        call.callback.attempts += 1
        attempt = call.callback.attempts
    live.deadlines.remind(Due.LEASE, offer.offer)
    live.out.append(
        c.DialCustomer(
            offer.offer,
            call.call,
            call.contact,
            offer.agent,
            attempt,
            seconds,
            offer.lease_until,
        )
    )


# --- ending them ----------------------------------------------------------------------------------


def take_back(live: LiveFloor, offer: OfferRecord, reason: Cancel, at: float) -> None:
    """End an offer that was not answered, without blame for its agents."""
    live.out.append(c.CancelOffer(offer.offer, offer.call.call, offer.agent, reason))
    void(live, offer)
    free(live, offer, at)


def void(live: LiveFloor, offer: OfferRecord) -> None:
    """The offer is no more; call and agents are the caller's business."""
    del live.state.offers[offer.offer]
    offer.call.offer = None


def free(live: LiveFloor, offer: OfferRecord, at: float) -> None:
    """The agents of an ended offer are as before it."""
    for name in offer.agents:
        free_one(live, offer, name, at)


def free_one(
    live: LiveFloor, offer: OfferRecord, name: str, at: float, move: Move = Move.TAKE_BACK
) -> None:
    """One agent of an ended offer is as before it; after `move`, if it was a call."""
    agent = live.state.agents[name]
    if offer.call.channel is _CHAT:
        live.change_chats(agent, offer.offer, at, held=False)
    elif offer.accepted_at is not None:
        live.move(agent, Move.FINISH, at)
        take_chats_up(live, agent)
    else:
        live.move(agent, move, at)


def take_chats_up(live: LiveFloor, agent: AgentRecord) -> None:
    """The agent is back from a call: chats that were parked for it go on."""
    for name in agent.chats:
        chat = live.state.offers[name]
        if chat.parked:
            chat.parked = False
            live.out.append(c.ChatResumed(name, chat.call.call, agent.agent.id))


# --- one of several -------------------------------------------------------------------------------


def give_to(offer: OfferRecord, name: str) -> tuple[str, ...]:
    """The offer is this agent's alone ("": whom it names); returns the others, still reserved."""
    others = tuple(each for each in offer.agents if each != (name or offer.agent))
    offer.agent, offer.also = name or offer.agent, ()
    return others


def drop_from(offer: OfferRecord, name: str) -> None:
    """This agent is rung no more; if the offer named them, it names the next. Others are left."""
    offer.agent, *also = (each for each in offer.agents if each != name)
    offer.also = tuple(also)


def step_aside(live: LiveFloor, agent: AgentRecord, reason: Cancel, at: float) -> bool:
    """Take an agent out of an offer that rings others as well; whether they were in one.

    What they asked for while it rang is overtaken by why they step aside.
    """
    offer = live.state.offers.get(agent.offer or "")
    if offer is None or not offer.also:
        return False
    name = agent.agent.id
    drop_from(offer, name)
    live.out.append(c.StopRinging(offer.offer, offer.call.call, name, reason))
    agent.pending, agent.pending_reason = None, ""
    live.move(agent, Move.TAKE_BACK, at)
    return True
