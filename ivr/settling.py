"""How each offer is settled: once, by whoever comes first with the word about it.

Where several phones ring for one offer, whose agent says no leaves it alone and the others ring on.
Dial stops all phones when one is taken, or when the caller leaves, and each of them is told of
alike: which of the two it was tells the answer, the caller's own end, or Dial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Protocol

import structlog

from acd.dispatch import Distributing
from acd.errors import IllegalEvent
from acd.model import (
    AgentReleased,
    Cause,
    ConsultationCompleted,
    Event,
    OfferAnswered,
    OfferFailed,
)
from acd.records.contact import Json
from ivr.live import LiveContact, LiveContacts
from ivr.open_offers import DIAL_CAUSES, OpenOffer, OpenOffers, leg_of, phone_in

log = structlog.get_logger(__name__)


class HangingUp(Protocol):
    """The one thing this module asks of AMI."""

    def hang_up_soon(self, channel: str) -> None:
        """Hang up that channel, in the background."""
        ...


class Settling(OpenOffers):
    """What is said of the open offers. A leg is named as in `ivr.open_offers`."""

    def __init__(
        self,
        distributor: Distributing,
        contacts: LiveContacts,
        hanging_up: HangingUp,
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self._distributor, self._contacts = distributor, contacts
        self._hanging_up, self._clock = hanging_up, clock
        self.on_talk: Callable[[LiveContact, str], None] = lambda *_: None
        """Told of a contact that talks with an agent, and of the call by which it came to that."""
        self.on_left: Callable[[OpenOffer], None] = lambda _: None
        """Told of a leg that was answered and is gone, or of a colleague who was asked in vain; the
        distributor knows by then."""

    # --- what the caller's session says ------------------------------------------------------

    def begun(self, offer_id: str) -> None:
        """The phone is rung by a call of its own, and not from anybody's channel."""
        offer = self._offers.get(offer_id)
        if offer is not None:
            offer.begun = True

    @contextmanager
    def dialling(
        self, offer_id: str, phones: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[None]:
        """While the caller's Dial rings this offer, Dial has the word about it.

        `phones` are those that ring together, each with its agent.
        """
        offer = self._offers.get(offer_id)
        if offer is not None:
            offer.begun = offer.dialling = True
            offer.phones.update(phones)
        try:
            yield
        finally:
            if offer is not None:
                offer.dialling = False

    def settle(
        self, contact: LiveContact, offer_id: str, dial_status: str, phone: str = ""
    ) -> bool:
        """The caller's Dial has come back; True when caller and agent spoke with each other.

        `phone` is the one of several that was answered.
        """
        if dial_status == "ANSWER":
            self.answered(leg_of(offer_id, phone))
        offer = self._offers.get(offer_id)
        if offer is not None and offer.answered_at is not None:
            self.ended(offer_id)
        elif offer is not None:
            if dial_status == "NOANSWER":
                self._give_up_unreached(offer)
            self.failed(offer_id, DIAL_CAUSES.get(dial_status, Cause.UNREACHABLE))
        return self.talking(contact)

    def release(self, offer_id: str, agents: Iterable[str]) -> None:
        """The phones of these agents cannot ring beside the others'; that is nobody's fault."""
        offer = self._offers.get(offer_id)
        for agent in agents:
            if offer is not None and offer.also and agent in offer.agents:
                self._fail_one(offer, agent, Cause.LOST)

    # --- what Asterisk says of a leg ---------------------------------------------------------

    def ringing(self, leg: str, channel: str) -> None:
        """The agent's phone is being rung on `channel`."""
        offer, agent = self._whose(leg)
        if offer is None or not agent:
            self._hanging_up.hang_up_soon(channel)
            return
        offer.channels[agent] = channel
        if offer.rung_at is None:
            offer.rung_at = self._clock()

    def _whose(self, leg: str) -> tuple[OpenOffer | None, str]:
        """The offer this leg is for, and its agent: "" for one who is not rung for it any more."""
        offer, phone = self.find(leg), phone_in(leg)
        if offer is None or not phone:
            return offer, offer.still_rung if offer is not None else ""
        agent = offer.phones.get(phone) or self._agent_at(phone, offer.agents)
        return offer, agent if agent in offer.agents else ""

    def _agent_at(self, phone: str, agents: Iterable[str]) -> str:
        phone_of = self._distributor.engine.phone_of
        return next((each for each in agents if (phone_of(each) or each) == phone), "")

    def answered(self, leg: str, channel: str = "") -> None:
        """The agent has taken the call."""
        offer, agent = self._whose(leg)
        if offer is None or offer.answered_at is not None:
            return
        if not agent:
            if channel:  # let go while they picked up
                self._hanging_up.hang_up_soon(channel)
            return
        several = agent if offer.also else ""
        if not self._handle(OfferAnswered(self._clock(), offer.offer, several)):
            return
        offer.guessed = bool(several) and not phone_in(leg)
        offer.taken_by(agent)
        offer.answered_at = self._clock()
        if offer.asked:
            self._tell(offer, "asked", queue=offer.queue)
        elif offer.callback:
            self._tell(offer, "callback_taken")
        else:
            self._talks(offer)

    def _told_who(self, leg: str) -> None:
        """Who has taken it was a guess, and this leg talks: it is the agent's who was named.

        The distributor cannot be told another name any more; but no conversation ends by a guess.
        """
        offer, phone = self.find(leg), phone_in(leg)
        if offer is None or not offer.guessed or not phone:
            return
        offer.guessed = False
        of_named = next((each for each, who in offer.phones.items() if who == offer.agent), "")
        others = offer.phones.get(phone, "")
        offer.phones |= {of_named: others, phone: offer.agent}
        if of_named != phone:
            log.warning("another one has the call than was thought", leg=leg, thought=offer.agent)

    def joined(self, offer_id: str) -> None:
        """The customer of a callback that an agent has taken is on the line."""
        offer = self._offers.get(offer_id)
        if offer is not None and offer.callback and not offer.joined:
            offer.joined = True
            self._talks(offer)

    def _talks(self, offer: OpenOffer) -> None:
        contact = self._contacts.get(offer.contact)
        if contact is not None:
            contact.phase, contact.agent = "talking", offer.agent
            contact.places.clear()
            self._contacts.keep(contact)
        self._tell(offer, "answered", queue=offer.queue)
        if contact is not None:
            self.on_talk(contact, offer.call)

    def failed(self, leg: str, cause: Cause) -> None:
        """The agent did not take the call; the caller keeps the place. Of an offer: nobody did."""
        offer, agent = self._whose(leg)
        if offer is None or offer.answered_at is not None or not agent:
            return
        if cause is Cause.CALLER_LEFT:
            offer.deserted = True  # the caller's own channel tells the whole story
        elif offer.also and phone_in(leg):
            self._fail_one(offer, agent, cause)
        else:
            self._fail(offer, cause)

    def _fail_one(self, offer: OpenOffer, agent: str, cause: Cause) -> None:
        """One of several did not take it."""
        self._handle(OfferFailed(self._clock(), offer.offer, cause, agent))
        self._leaves(offer, agent, cause.value)

    def _fail(self, offer: OpenOffer, cause: Cause) -> None:
        self._handle(OfferFailed(self._clock(), offer.offer, cause))
        self._offers.pop(offer.offer, None)
        self._tell(offer, "ask_failed" if offer.asked else "offer_failed", cause=cause.value)
        if offer.asked:
            self.on_left(offer)

    def ended(self, leg: str, cause: Cause = Cause.NO_ANSWER) -> None:
        """The agent's channel is gone."""
        offer, agent = self._whose(leg)
        if offer is None or not agent:
            return
        if offer.answered_at is not None:
            self._left(offer)
        elif offer.also and phone_in(leg):
            offer.gone.add(agent)  # had they not taken it, that would have been told before
            if offer.gone.issuperset(offer.agents) and not (offer.dialling or offer.deserted):
                self._fail(offer, cause)
        else:
            # The leg often ends before the caller's own end is heard: that is no agent's fault.
            left = offer.deserted and cause is not Cause.LOST
            self.failed(offer.offer, Cause.CALLER_LEFT if left else cause)

    def _left(self, offer: OpenOffer) -> None:
        """The agent who had taken it is gone."""
        now = self._clock()
        self._handle(AgentReleased(now, offer.offer))
        self._offers.pop(offer.offer, None)
        if offer.callback and not offer.joined:
            self._tell(offer, "offer_failed", cause="left")
            return
        kind = "asked_left" if offer.asked else "agent_left"
        self._tell(offer, kind, talk=round(now - (offer.answered_at or now), 3))
        self.on_left(offer)

    def lost(self, offer_id: str) -> None:
        """This leg was answered and cannot be reached any more."""
        offer = self._offers.get(offer_id)
        if offer is not None:
            self._hang_up(offer, offer.agent)
        self.ended(offer_id, Cause.LOST)

    def rung(self, offer_id: str, dial_status: str) -> None:
        """The Dial of an agent who asks a colleague has come back."""
        if dial_status == "ANSWER":
            self.answered(offer_id)
        self.ended(offer_id, DIAL_CAUSES.get(dial_status, Cause.UNREACHABLE))

    def taken_over(self, leg: str) -> str:
        """Who was asked has the caller from now on; the agent, "" when nobody was asked so."""
        offer = self.find(leg)
        if offer is None or not offer.asked:
            return ""
        if offer.answered_at is None:
            self.answered(offer.offer)
        offer.asked = False
        self._handle(ConsultationCompleted(self._clock(), offer.call))
        return offer.agent

    def _hang_up(self, offer: OpenOffer, agent: str) -> None:
        if channel := offer.channels.get(agent):
            self._hanging_up.hang_up_soon(channel)

    def _leaves(self, offer: OpenOffer, agent: str, cause: str) -> None:
        """This agent is rung no longer; the others ring on, if there are any."""
        if offer.also:
            offer.without(agent)
        else:
            self._offers.pop(offer.offer, None)
        contact = self._contacts.get(offer.contact)
        if contact is not None:
            told = {"agent": agent, "offer": offer.offer, "cause": cause}
            self._contacts.tell(contact, "offer_failed", told)

    def _give_up_unreached(self, offer: OpenOffer) -> None:
        """A phone that cannot be reached has no channel, while the others' have."""
        if offer.channels:
            for agent in [each for each in offer.agents if each not in offer.channels]:
                if offer.also:
                    self._fail_one(offer, agent, Cause.UNREACHABLE)

    # --- helpers -----------------------------------------------------------------------------

    def _handle(self, event: Event) -> bool:
        """Tell the distributor; a word that came too late is refused there and only logged."""
        try:
            self._distributor.send(event)
        except IllegalEvent as late:
            log.info("too late for the distributor", event_type=type(event).__name__, why=str(late))
            return False
        return True

    def _tell(self, offer: OpenOffer, kind: str, **data: Json) -> None:
        contact = self._contacts.get(offer.contact)
        if contact is not None:
            also: Mapping[str, Json] = {"also": [*offer.also]} if offer.also else {}
            told: Mapping[str, Json] = {"agent": offer.agent, "offer": offer.offer, **also, **data}
            self._contacts.tell(contact, kind, told)
