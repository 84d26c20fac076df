"""The agents' legs: what happens to each offer between the distributor and the phone that rings.

An offer is told about twice, by AMI events and by the caller's own Dial when it returns; either may
come first, late or never. Each offer is therefore settled once, by whoever comes first, and the
second word is ignored. An offer that is taken back is forgotten at once: whatever still rings for
an offer that is not known is hung up. When a contact ends, all of its legs do, wherever they are.

Nothing an agent's leg does can leave an offer open: its hang-up, the caller's, the return of Dial,
a look at Asterisk (`reconcile`), a call that nobody stands at (`give_back_unclaimed`) and, last of
all, the distributor's lease close it. The distributor is always told first: what it could not write
down has not happened, and the next look at Asterisk tells it again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import structlog

from acd.dispatch import Distributing
from acd.errors import IllegalEvent
from acd.model import (
    SERVICE,
    AgentReleased,
    CallLeft,
    CallWithdrawn,
    CancelOffer,
    Cause,
    Channel,
    Command,
    ConsultationCompleted,
    Event,
    MakeOffer,
    OfferAnswered,
    OfferFailed,
)
from acd.records.contact import Json
from ivr.live import LiveContact, LiveContacts
from ivr.open_offers import DIAL_CAUSES, OpenOffer

log = structlog.get_logger(__name__)

CLAIM_WITHIN = 6.0
"""Seconds a call may take to begin the ringing; longer, and the agent is rung for someone else."""


class HangingUp(Protocol):
    """The one thing this module asks of AMI."""

    def hang_up_soon(self, channel: str) -> None:
        """Hang up that channel, in the background."""
        ...


class Legs:
    """All open offers, by offer id."""

    def __init__(
        self,
        distributor: Distributing,
        contacts: LiveContacts,
        hanging_up: HangingUp,
        clock: Callable[[], float],
    ) -> None:
        self._distributor, self._contacts = distributor, contacts
        self._hanging_up, self._clock = hanging_up, clock
        self._offers: dict[str, OpenOffer] = {}
        self.on_talk: Callable[[LiveContact, str], None] = lambda *_: None
        """Told of a contact that talks with an agent, and of the call by which it came to that."""
        self.on_left: Callable[[OpenOffer], None] = lambda _: None
        """Told of a leg that was answered and is gone, or of a colleague who was asked in vain; the
        distributor knows by then."""

    def recover(self, offers: Iterable[OpenOffer]) -> None:
        """Take up the offers that the last service left open."""
        for offer in offers:
            offer.made_at = self._clock()
            self._offers[offer.offer] = offer

    def on_command(self, command: Command) -> None:
        """Follow what the distributor decides."""
        if isinstance(command, MakeOffer) and command.channel is Channel.VOICE:
            self._offers[command.offer] = OpenOffer(
                command.offer,
                command.call,
                command.contact,
                command.agent,
                command.queue,
                made=command,
                made_at=self._clock(),
                asked=bool(command.consults),
                callback=command.callback,
            )
        elif isinstance(command, CancelOffer):
            self._cancel(command)

    def _cancel(self, command: CancelOffer) -> None:
        """Stop the ringing; a leg that does not exist yet is hung up when it does: `ringing`."""
        offer = self._offers.pop(command.offer, None)
        if offer is None:
            return
        if offer.channel:
            self._hanging_up.hang_up_soon(offer.channel)
        self._tell(offer, "offer_failed", cause=command.reason.value)
        if offer.asked:
            self.on_left(offer)

    def find(self, offer_id: str) -> OpenOffer | None:
        """The offer of that id, while it is not settled."""
        return self._offers.get(offer_id)

    # --- what the caller's session asks ------------------------------------------------------

    def is_apart(self, offer_id: str) -> bool:
        """Whether this leg goes on without the Dial that rang it."""
        offer = self._offers.get(offer_id)
        return offer is not None and offer.apart

    def is_open(self, offer_id: str) -> bool:
        """Whether this offer still stands and nobody has answered it."""
        offer = self._offers.get(offer_id)
        return offer is not None and offer.answered_at is None

    def knows(self, offer_id: str) -> bool:
        """Whether an agent's phone rings for this offer, or was taken."""
        return offer_id in self._offers

    def may_dial(self, offer_id: str) -> bool:
        """Whether an agent has this callback, or is taking it, and no customer is there yet."""
        offer = self._offers.get(offer_id)
        return offer is not None and offer.callback and not offer.joined

    def begun(self, offer_id: str) -> None:
        """The phone is rung by a call of its own, and not from anybody's channel."""
        offer = self._offers.get(offer_id)
        if offer is not None:
            offer.begun = True

    def unrung(self, contact: LiveContact) -> MakeOffer | None:
        """An offer that was made while no session was there to hear it, or to go on ringing."""
        offers = (each for each in self._offers_of(contact) if self.is_open(each.offer))
        return next((each.made for each in offers if not (each.dialling or each.channel)), None)

    def may_be_answered(self, contact: LiveContact) -> bool:
        """Whether a phone was rung for this contact and nobody has said how that ended."""
        return any(each.begun and each.answered_at is None for each in self._offers_of(contact))

    @contextmanager
    def dialling(self, offer_id: str) -> Iterator[None]:
        """While the caller's Dial rings this offer, Dial has the word about it."""
        offer = self._offers.get(offer_id)
        if offer is not None:
            offer.begun = offer.dialling = True
        try:
            yield
        finally:
            if offer is not None:
                offer.dialling = False

    def settle(self, contact: LiveContact, offer_id: str, dial_status: str) -> bool:
        """The caller's Dial has come back; True when caller and agent spoke with each other."""
        if dial_status == "ANSWER":
            self.answered(offer_id)
        offer = self._offers.get(offer_id)
        if offer is not None and offer.answered_at is not None:
            self.ended(offer_id)
        elif offer is not None:
            self.failed(offer_id, DIAL_CAUSES.get(dial_status, Cause.UNREACHABLE))
        return self.talking(contact)

    # --- what Asterisk says of a leg ---------------------------------------------------------

    def ringing(self, offer_id: str, channel: str) -> None:
        """The agent's phone is being rung on `channel`."""
        offer = self._offers.get(offer_id)
        if offer is None:
            self._hanging_up.hang_up_soon(channel)
            return
        offer.channel = channel

    def answered(self, offer_id: str) -> None:
        """The agent has taken the call."""
        offer = self._offers.get(offer_id)
        if offer is None or offer.answered_at is not None:
            return
        if not self._handle(OfferAnswered(self._clock(), offer_id)):
            return
        offer.answered_at = self._clock()
        if offer.asked:
            self._tell(offer, "asked", queue=offer.queue)
        elif offer.callback:
            self._tell(offer, "callback_taken")
        else:
            self._talks(offer)

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

    def failed(self, offer_id: str, cause: Cause) -> None:
        """The agent did not take the call; the caller keeps the place."""
        offer = self._offers.get(offer_id)
        if offer is None or offer.answered_at is not None:
            return
        if cause is Cause.CALLER_LEFT:
            offer.deserted = True
            return  # the caller's own channel tells the whole story
        self._fail(offer, cause)

    def _fail(self, offer: OpenOffer, cause: Cause) -> None:
        self._handle(OfferFailed(self._clock(), offer.offer, cause))
        self._offers.pop(offer.offer, None)
        self._tell(offer, "ask_failed" if offer.asked else "offer_failed", cause=cause.value)
        if offer.asked:
            self.on_left(offer)

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
        now = self._clock()
        self._handle(AgentReleased(now, offer_id))
        self._offers.pop(offer_id, None)
        if offer.callback and not offer.joined:
            self._tell(offer, "offer_failed", cause="left")
            return
        kind = "asked_left" if offer.asked else "agent_left"
        self._tell(offer, kind, talk=round(now - offer.answered_at, 3))
        self.on_left(offer)

    def lost(self, offer_id: str) -> None:
        """This leg was answered and cannot be reached any more."""
        offer = self._offers.get(offer_id)
        if offer is not None and offer.channel:
            self._hanging_up.hang_up_soon(offer.channel)
        self.ended(offer_id, Cause.LOST)

    def with_caller(self, contact: LiveContact) -> OpenOffer | None:
        """The leg of the agent who has this contact's caller."""
        mine = (each for each in self._offers_of(contact) if each.agent == contact.agent)
        return next((each for each in mine if each.answered_at is not None), None)

    def asked_about(self, contact: LiveContact) -> OpenOffer | None:
        """The leg of the colleague who is asked about this contact's caller, or rung for it."""
        return next((each for each in self.of_contact(contact.id) if each.asked), None)

    def of_contact(self, contact_id: str) -> list[OpenOffer]:
        """Everybody who is with this contact, or rung for it."""
        return [each for each in self._offers.values() if each.contact == contact_id]

    def rung(self, offer_id: str, dial_status: str) -> None:
        """The Dial of an agent who asks a colleague has come back."""
        if dial_status == "ANSWER":
            self.answered(offer_id)
        self.ended(offer_id, DIAL_CAUSES.get(dial_status, Cause.UNREACHABLE))

    def taken_over(self, offer_id: str) -> str:
        """Who was asked has the caller from now on; the agent, "" when nobody was asked so."""
        offer = self._offers.get(offer_id)
        if offer is None or not offer.asked:
            return ""
        if offer.answered_at is None:
            self.answered(offer_id)
        offer.asked = False
        self._handle(ConsultationCompleted(self._clock(), offer.call))
        return offer.agent

    # --- what happens to the caller ----------------------------------------------------------

    def talking(self, contact: LiveContact) -> bool:
        """Whether this contact's caller is in a conversation with an agent."""
        return contact.phase == "talking"

    def caller_left(self, contact: LiveContact, reason: str = "hangup", by: str = "caller") -> None:
        """The caller's channel is gone for good: settle the wait or the talk, close the contact."""
        if self._contacts.get(contact.id) is None:
            return  # told twice: by the session and by the channel's own end
        for offer in self.of_contact(contact.id):
            # What a Dial or a Bridge does not have just now does not end with the caller's channel.
            if offer.outlives_caller or (contact.held and offer.channel):
                self._hanging_up.hang_up_soon(offer.channel)
        for offer in self._offers_of(contact):
            if offer.answered_at is not None:
                self.ended(offer.offer)
            else:
                self._fail(offer, Cause.CALLER_LEFT)
        if self._may_stand(contact):
            self._handle(CallLeft(self._clock(), contact.call, reason))
        otherwise = "abandoned" if contact.phase == "waiting" else "left"
        outcome = contact.outcome(otherwise if by == "caller" else "lost")
        self._contacts.end(contact, outcome, contact.ended_by or by, reason)

    def take_out(self, contact: LiveContact) -> None:
        """The call goes on elsewhere: nobody shall be rung for it, and its wait leads nowhere."""
        if self._may_stand(contact):
            self._handle(CallWithdrawn(self._clock(), contact.call, SERVICE))
        contact.exit = contact.exit_detail = ""

    def moved_on(self, contact: LiveContact) -> None:
        """An agent has moved the caller on; who does that has taken the call, heard of or not."""
        if contact.phase == "waiting" and contact.offer:
            self.spoke_unheard(contact)
        self.take_out(contact)

    def spoke_unheard(self, contact: LiveContact) -> None:
        """The phone that rang last was answered, nobody told us, and the talk is over."""
        if self.settle(contact, contact.offer, "ANSWER"):
            return
        # The distributor has given the offer up meanwhile: at least the wait ends here.
        self.take_out(contact)
        contact.phase, contact.agent = "talking", contact.rung
        self._contacts.keep(contact)
        told: Mapping[str, Json] = {"agent": contact.rung, "offer": contact.offer}
        self._contacts.tell(contact, "answered", {**told, "queue": contact.queue})
        self._contacts.tell(contact, "agent_left", {**told, "talk": 0.0})

    def _offers_of(self, contact: LiveContact) -> list[OpenOffer]:
        offers = self._offers.values()
        return [each for each in offers if each.contact == contact.id and not each.asked]

    # --- after a silence ---------------------------------------------------------------------

    def standing(self) -> dict[str, bool]:
        """Every open offer: True when its agent talks."""
        return {each.offer: each.answered_at is not None for each in self._offers.values()}

    def reconcile(
        self,
        legs: Mapping[str, tuple[str, bool]],
        suspects: Collection[str] | None = None,
        strays: Collection[str] = (),
    ) -> None:
        """Square the offers with `legs`: offer id -> (channel, answered).

        Only `suspects`, the offers that stood before Asterisk was asked, can be found missing. Who
        talks for an unknown offer goes on, but for the `strays`, which are with no caller.
        """
        for offer in tuple(self._offers.values()):
            found = legs.get(offer.offer)
            if found is not None:
                offer.channel = found[0]
                if found[1]:
                    self.answered(offer.offer)
            elif (suspects is None or offer.offer in suspects) and offer.shows_in_asterisk:
                self.ended(offer.offer, Cause.LOST)
        for offer_id, (channel, talks) in legs.items():
            known = self._offers.get(offer_id)
            over = known is None or self._contacts.get(known.contact) is None
            if (over and offer_id in strays) or (known is None and not talks):
                self._hanging_up.hang_up_soon(channel)

    def give_back_unclaimed(self) -> None:
        """Free the agents whose phone nobody begins to ring: the caller is not with us just now."""
        late = self._clock() - CLAIM_WITHIN
        for offer in tuple(self._offers.values()):
            if offer.unclaimed and offer.made_at <= late:
                self.failed(offer.offer, Cause.LOST)

    # --- helpers -----------------------------------------------------------------------------

    def _may_stand(self, contact: LiveContact) -> bool:
        """Whether the distributor knows this call, or will once our own word for it is through."""
        waits = contact.phase == "waiting" and contact.call != "" and not contact.exit
        return waits or self._distributor.engine.has_call(contact.call)

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
