"""Several phones that ring for one caller at the same time, from one Dial.

Dial joins the caller with whoever picks up first. So no phone takes part that picks up by itself: a
mobile, which may be a mailbox, rings only where it is the one phone left, and a phone that answers
by itself rings like any other here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from acd.model import Cause, MakeOffer
from ivr.agi.session import AgiSession
from ivr.channels.services import VoiceServices
from ivr.live import LiveContact
from ivr.reach import Way, dialled, together

log = structlog.get_logger(__name__)

IN_USE = frozenset({"INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"})
"""What Asterisk says of a phone that is taken."""


async def gather(house: VoiceServices, agi: AgiSession, offer: MakeOffer) -> Mapping[str, Way]:
    """Who is rung for this offer of several, and how; the distributor has the others back."""
    open_offer = house.legs.find(offer.offer)
    agents = open_offer.agents if open_offer is not None else ()
    ways = {each: house.reach(each, offer.queue) for each in agents}
    may = await asyncio.gather(*(house.distributor.may_ring(each) for each in agents))
    free = {each: way for each, yes in zip(agents, may, strict=True) if yes and (way := ways[each])}
    if house.distributor.alone:
        free = {each: way for each, way in free.items() if not await is_in_use(agi, way)}
    desks = {each: way for each, way in free.items() if not way.confirm}
    chosen = desks or dict(list(free.items())[:1])
    others = [each for each in agents if each not in chosen]
    if not chosen:
        house.legs.failed(offer.offer, Cause.LOST)
    elif others:
        log.info("not rung beside the others", offer=offer.offer, agents=others)
        house.legs.release(offer.offer, others)
    return chosen


def phones_of(ways: Mapping[str, Way]) -> Mapping[str, str]:
    """The phone of each leg, with its agent; nothing where one phone rings."""
    return {dialled(way): agent for agent, way in ways.items()} if len(ways) > 1 else {}


def way_to(ways: Mapping[str, Way]) -> Way:
    """How to ring all of these."""
    return together(ways.values()) if len(ways) > 1 else next(iter(ways.values()))


async def is_in_use(agi: AgiSession, way: Way) -> bool:
    """Whether that phone rings or talks, for a caller of another node."""
    state = await agi.get_variable(f"DEVICE_STATE({way.device})") if way.device else None
    return state in IN_USE


async def phone_taken(agi: AgiSession, contact: LiveContact) -> str:
    """Which of the several phones that rang from this channel was answered last; "" for one."""
    if not contact.rung_too:
        return ""
    number = await agi.get_variable("DIALEDPEERNUMBER") or ""
    return number.partition("@")[0]
