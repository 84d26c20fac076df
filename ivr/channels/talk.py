"""A caller's side of a talk that the agent's desk has taken out of its Dial.

The caller's channel never leaves its session for that: the agent's leg is sent elsewhere in the
dialplan, Dial comes back, and from then on the caller is where `LiveContact.held` says. So the
session, or after a restart the next one, always knows where they are, and whoever is left alone
goes on in the flow as after any talk.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from ivr.agi.session import AgiSession
from ivr.channels.services import VoiceServices
from ivr.errors import AsteriskRefused, AsteriskUnreachable, CallerHungUp
from ivr.live import LiveContact
from ivr.open_offers import OpenOffer

log = structlog.get_logger(__name__)

AGAIN = 0.2
"""Seconds between two tries to be joined with a leg that is on its way."""
TRIES = 10
"""Tries after which that leg is taken for gone."""
JOINED = "SUCCESS"
PROFILES = ("tieline", "tieline_caller", "tieline_caller_keys")
"""Of the room, of the caller in it, and of the keys that lead out; see confbridge.conf."""


class Talk:
    """What is left of one caller's talk once Dial has come back."""

    def __init__(self, house: VoiceServices, agi: AgiSession, contact: LiveContact) -> None:
        self._house, self._agi, self._contact = house, agi, contact
        self._tries = 0

    async def until_over(self) -> None:
        """Be where the desk wants the caller, until no agent is left. Raises CallerHungUp."""
        contact, house = self._contact, self._house
        with house.talks.follow(contact.id) as news:
            while (leg := house.legs.with_caller(contact)) is not None:
                news.clear()
                try:
                    await self._be_there(leg, news)
                except AsteriskRefused as refused:
                    if self._agi.hung_up.is_set():
                        raise CallerHungUp(str(refused)) from refused
                    log.warning("asterisk refused", contact=contact.id, why=str(refused))
                    await self._not_joined(leg)
        if contact.held:
            contact.held = ""
            house.contacts.keep(contact)

    async def _be_there(self, leg: OpenOffer, news: asyncio.Event) -> None:
        match self._contact.held:
            case "":
                await self._with(leg)
            case "conference":
                await self._with_both(news)
            case _:
                await self._music(news)

    async def _with(self, leg: OpenOffer) -> None:
        """Together with the agent, until one of the two is somewhere else."""
        await self._agi.set_variable("BRIDGERESULT", "")
        if not leg.channel:  # after a restart, until Asterisk has told what is there
            await asyncio.sleep(AGAIN)
            return
        await self._agi.exec("Bridge", leg.channel, "x")
        if await self._agi.get_variable("BRIDGERESULT") == JOINED:
            self._tries = 0
        else:
            await self._not_joined(leg)

    async def _not_joined(self, leg: OpenOffer) -> None:
        """The leg is on its way here, or gone and we have not heard of it."""
        self._tries += 1
        if self._tries < TRIES:
            await asyncio.sleep(AGAIN)
            return
        log.warning("an agent's leg cannot be reached", offer=leg.offer, channel=leg.channel)
        self._house.legs.lost(leg.offer)

    async def _music(self, news: asyncio.Event) -> None:
        await self._agi.set_music(True)
        waits = [asyncio.ensure_future(each.wait()) for each in (news, self._agi.hung_up)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        await self._agi.set_music(False)

    async def _with_both(self, news: asyncio.Event) -> None:
        """In the room of three; it ends by itself for a caller who is alone in it."""
        leaving = asyncio.create_task(self._fetch(news))
        try:
            await self._agi.exec("ConfBridge", self._contact.id, *PROFILES)
        finally:
            leaving.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), AGAIN)

    async def _fetch(self, news: asyncio.Event) -> None:
        """Have the caller leave the room, by a key that no phone has."""
        await news.wait()
        while True:
            with suppress(AsteriskRefused, AsteriskUnreachable):
                await self._house.waking.wake(self._contact.channel)
            await asyncio.sleep(AGAIN)


async def still_wanted(house: VoiceServices, agi: AgiSession) -> None:
    """The route `agent/held`: a leg that has been apart for a while asks whether anybody is for it.

    One that nobody knows, or that belongs to no caller, is told that it is left over. Where nobody
    asks any more, or the caller has not come for it, they are reminded.
    """
    offer = house.legs.find((*agi.env.args, "")[0])
    contact = house.contacts.get(offer.contact) if offer is not None else None
    try:
        if offer is None or contact is None or not _belongs(offer, contact):
            log.warning("a leg was left over", channel=agi.env.channel)
            await agi.set_variable("TIELINE_LEFT", "yes")
            return
    except CallerHungUp:
        return
    if contact.held == "asked" and nobody_asks(house, contact):
        take_back(house, contact)
    elif not contact.held:
        house.talks.changed(contact.id)


def _belongs(offer: OpenOffer, contact: LiveContact) -> bool:
    if offer.asked:
        return contact.held in {"asked", "conference"}
    return contact.phase == "talking" and contact.agent == offer.agent


def nobody_asks(house: VoiceServices, contact: LiveContact) -> bool:
    """Whether no colleague is with this caller's agent, rings, or is looked for by a session."""
    return contact.id not in house.talks.asking and house.legs.asked_about(contact) is None


def take_back(house: VoiceServices, contact: LiveContact) -> None:
    """Nobody is asked any more: agent and caller go on as before."""
    if contact.held == "asked":
        contact.held = ""
        house.contacts.keep(contact)
        house.contacts.tell(contact, "taken_back", {"agent": contact.agent})
        house.talks.changed(contact.id)
