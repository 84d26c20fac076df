"""The agents' legs: what happens to each offer between the distributor and the phone that rings.

An offer is told about twice, by AMI events and by the caller's own Dial when it returns; either may
come first, late or never. Each offer is therefore settled once, by whoever comes first, and the
second word is ignored. Nothing an agent's leg does can leave an offer open: its hang-up, the
caller's, a restart of Asterisk (`reconcile`) and the distributor's lease all close it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from acd.distributor import Distributor
from acd.errors import IllegalEvent
from acd.model import (
    AgentReleased,
    CallLeft,
    CancelOffer,
    Cause,
    Command,
    Event,
    MakeOffer,
    OfferAnswered,
    OfferFailed,
)
from acd.records.contact import Json
from ivr.live import LiveContact, LiveContacts

log = structlog.get_logger(__name__)

DIAL_CAUSES: Mapping[str, Cause] = {
    "NOANSWER": Cause.NO_ANSWER,
    "BUSY": Cause.BUSY,
    "CHANUNAVAIL": Cause.UNREACHABLE,
    "CONGESTION": Cause.UNREACHABLE,
    "DONTCALL": Cause.REJECTED,
    "TORTURE": Cause.REJECTED,
    "CANCEL": Cause.CALLER_LEFT,
}
"""DIALSTATUS of app_dial, and what it says about the agent."""


@dataclass(slots=True)
class OpenOffer:
    """An offer that is not settled yet; `channel` is the agent's, "" until it exists.

    `deserted`: Asterisk said that the caller left while it rang.
    """

    offer: str
    call: str
    contact: str
    agent: str
    queue: str
    channel: str = ""
    answered_at: float | None = None
    cancelled: bool = False
    deserted: bool = False


class HangingUp(Protocol):
    """The one thing this module asks of AMI."""

    def hang_up_soon(self, channel: str) -> None:
        """Hang up that channel, in the background."""
        ...


class Legs:
    """All open offers, by offer id."""

    def __init__(
        self,
        distributor: Distributor,
        contacts: LiveContacts,
        hanging_up: HangingUp,
        clock: Callable[[], float],
    ) -> None:
        self._distributor, self._contacts = distributor, contacts
        self._hanging_up, self._clock = hanging_up, clock
        self._offers: dict[str, OpenOffer] = {}

    def recover(self, offers: Iterable[OpenOffer]) -> None:
        """Take up the offers that the last service left open."""
        self._offers.update({offer.offer: offer for offer in offers})

    def on_command(self, command: Command) -> None:
        """Follow what the distributor decides."""
        if isinstance(command, MakeOffer):
            self._offers[command.offer] = OpenOffer(
                command.offer, command.call, command.contact, command.agent, command.queue
            )
        elif isinstance(command, CancelOffer):
            self._cancel(command)

    def _cancel(self, command: CancelOffer) -> None:
        """Stop the ringing, also of a leg that does not exist yet: `ringing` looks at the mark."""
        offer = self._offers.get(command.offer)
        if offer is None:
            return
        offer.cancelled = True
        self._tell(offer, "offer_failed", cause=command.reason.value)
        if offer.channel:
            self._hanging_up.hang_up_soon(offer.channel)

    # --- what Asterisk says of a leg ---------------------------------------------------------

    def is_open(self, offer_id: str) -> bool:
        """Whether this offer still stands and nobody has answered it."""
        offer = self._offers.get(offer_id)
        return offer is not None and not offer.cancelled and offer.answered_at is None

    def ringing(self, offer_id: str, channel: str) -> None:
        """The agent's phone is being rung on `channel`."""
        offer = self._offers.get(offer_id)
        if offer is None or offer.cancelled:
            self._hanging_up.hang_up_soon(channel)
            return
        offer.channel = channel

    def answered(self, offer_id: str) -> None:
        """The agent has taken the call."""
        offer = self._offers.get(offer_id)
        if offer is None or offer.answered_at is not None or offer.cancelled:
            return
        if not self._handle(OfferAnswered(self._clock(), offer_id)):
            return
        offer.answered_at = self._clock()
        contact = self._contacts.get(offer.contact)
        if contact is not None:
            contact.phase, contact.agent = "talking", offer.agent
            self._contacts.keep(contact)
        self._tell(offer, "answered", queue=offer.queue)

    def failed(self, offer_id: str, cause: Cause) -> None:
        """The agent did not take the call; the caller keeps the place."""
        offer = self._offers.get(offer_id)
        if offer is None or offer.answered_at is not None:
            return
        if cause is Cause.CALLER_LEFT and not offer.cancelled:
            offer.deserted = True
            return  # the caller's own channel tells the whole story
        self._offers.pop(offer_id)
        if not offer.cancelled:
            self._tell(offer, "offer_failed", cause=cause.value)
            self._handle(OfferFailed(self._clock(), offer_id, cause))

    def ended(self, offer_id: str, cause: Cause = Cause.NO_ANSWER) -> None:
        """The agent's channel is gone."""
        offer = self._offers.get(offer_id)
        if offer is None:
            return
        if offer.answered_at is None:
            # The leg often ends before the caller's own end is heard: that is no agent's fault.
            left = offer.deserted and cause is not Cause.LOST
            self.failed(offer_id, Cause.CALLER_LEFT if left else cause)
            return
        self._offers.pop(offer_id)
        talk = round(self._clock() - offer.answered_at, 3)
        self._tell(offer, "agent_left", talk=talk)
        self._handle(AgentReleased(self._clock(), offer_id))

    def settle(self, offer_id: str, dial_status: str) -> bool:
        """The caller's Dial has come back; True when caller and agent spoke with each other."""
        if dial_status == "ANSWER":
            self.answered(offer_id)
            self.ended(offer_id)
            return True
        offer = self._offers.get(offer_id)
        if offer is not None and offer.answered_at is not None:
            self.ended(offer_id)
            return True
        self.failed(offer_id, DIAL_CAUSES.get(dial_status, Cause.UNREACHABLE))
        return False

    # --- what happens to the caller ----------------------------------------------------------

    def talking(self, contact: LiveContact) -> bool:
        """Whether this contact's caller is in a conversation with an agent."""
        return contact.phase == "talking"

    def caller_left(self, contact: LiveContact, reason: str = "hangup", by: str = "caller") -> None:
        """The caller's channel is gone for good: settle the wait or the talk, close the contact."""
        if self._contacts.get(contact.id) is None:
            return  # told twice: by the session and by the channel's own end
        offer = self._offer_of(contact)
        if offer is not None and offer.answered_at is not None:
            self.ended(offer.offer)
        elif offer is not None and not offer.cancelled:
            self._offers.pop(offer.offer)
            self._tell(offer, "offer_failed", cause=Cause.CALLER_LEFT.value)
            self._handle(OfferFailed(self._clock(), offer.offer, Cause.CALLER_LEFT))
        elif contact.phase == "waiting":
            self._handle(CallLeft(self._clock(), contact.call, reason))
        otherwise = "abandoned" if contact.phase == "waiting" else "left"
        outcome = contact.outcome(otherwise if by == "caller" else "lost")
        self._contacts.end(contact, outcome, by, reason)

    def _offer_of(self, contact: LiveContact) -> OpenOffer | None:
        return next((each for each in self._offers.values() if each.contact == contact.id), None)

    # --- after a silence ---------------------------------------------------------------------

    def reconcile(self, legs: Mapping[str, tuple[str, bool]]) -> None:
        """Square every open offer with `legs`: offer id -> (channel, answered)."""
        for offer in tuple(self._offers.values()):
            found = legs.get(offer.offer)
            if found is None:
                self.ended(offer.offer, Cause.LOST)
                continue
            channel, is_up = found
            self.ringing(offer.offer, channel)
            if is_up:
                self.answered(offer.offer)

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
            self._contacts.tell(contact, kind, {"agent": offer.agent, "offer": offer.offer, **data})
