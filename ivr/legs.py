"""The agents' legs: what happens to each offer between the distributor and the phones that ring.

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

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from acd.model import (
    SERVICE,
    CallLeft,
    CallWithdrawn,
    CancelOffer,
    Cause,
    Channel,
    Command,
    MakeOffer,
    StopRinging,
)
from acd.records.contact import Json
from ivr.live import LiveContact
from ivr.open_offers import OpenOffer, offer_of
from ivr.settling import Settling

CLAIM_WITHIN = 6.0
"""Seconds a call may take to begin the ringing; longer, and the agent is rung for someone else. So
long one of several phones may take to begin after the first."""


class Legs(Settling):
    """What becomes of the open offers: by the distributor's word, the caller's, or a look around.

    What is said of one of them settles it: see `Settling`.
    """

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
                command.also,
                made=command,
                made_at=self._clock(),
                asked=bool(command.consults),
                callback=command.callback,
            )
        elif isinstance(command, CancelOffer):
            self._cancel(command)
        elif isinstance(command, StopRinging):
            self._let_go(command)

    def _cancel(self, command: CancelOffer) -> None:
        """Stop the ringing; a leg that does not exist yet is hung up when it does: `ringing`."""
        offer = self._offers.pop(command.offer, None)
        if offer is None:
            return
        for agent in offer.agents:
            self._hang_up(offer, agent)
        self._waits_again(offer)
        self._tell(offer, "offer_failed", cause=command.reason.value)
        if offer.asked:
            self.on_left(offer)

    def _let_go(self, command: StopRinging) -> None:
        """Stop one of several phones."""
        offer = self._offers.get(command.offer)
        if offer is None or command.agent not in offer.agents:
            return
        self._hang_up(offer, command.agent)
        if offer.answered_at is None:
            self._leaves(offer, command.agent, command.reason.value)
        else:  # they were let go first, at another node, and nobody else is rung any more
            self._waits_again(offer)
            self._fail(offer, Cause.LOST)

    def _waits_again(self, offer: OpenOffer) -> None:
        """Of a talk that the distributor never had, as another word came first: nothing is left.

        So the caller's session goes on with the wait, and not with what follows a talk.
        """
        contact = self._contacts.get(offer.contact)
        ours = offer.answered_at is not None and not (offer.asked or offer.callback)
        if contact is None or not ours or (contact.call, contact.phase) != (offer.call, "talking"):
            return
        contact.phase, contact.agent = "waiting", ""
        self._contacts.keep(contact)
        talk = round(self._clock() - (offer.answered_at or 0.0), 3)
        self._contacts.tell(
            contact, "agent_left", {"agent": offer.agent, "offer": offer.offer, "talk": talk}
        )

    # --- what happens to the caller ----------------------------------------------------------

    def caller_left(self, contact: LiveContact, reason: str = "hangup", by: str = "caller") -> None:
        """The caller's channel is gone for good: settle the wait or the talk, close the contact."""
        if self._contacts.get(contact.id) is None:
            return  # told twice: by the session and by the channel's own end
        for offer in self.of_contact(contact.id):
            # What a Dial or a Bridge does not have just now does not end with the caller's channel.
            if offer.outlives_caller or contact.held:
                self._hang_up(offer, offer.agent)
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

    def moved_on(self, contact: LiveContact, phone: str = "") -> None:
        """An agent has moved the caller on; who does that has taken the call, heard of or not."""
        if contact.phase == "waiting" and contact.offer:
            self.spoke_unheard(contact, phone)
        self.take_out(contact)

    def spoke_unheard(self, contact: LiveContact, phone: str = "") -> None:
        """The phone that rang last was answered, nobody told us, and the talk is over.

        Where several rang, `phone` is the one of them.
        """
        if self.settle(contact, contact.offer, "ANSWER", phone):
            return
        # The distributor has given the offer up meanwhile: at least the wait ends here.
        self.take_out(contact)
        rung = (contact.rung, *contact.rung_too)
        contact.phase, contact.agent = "talking", self._agent_at(phone, rung) or contact.rung
        self._contacts.keep(contact)
        told: Mapping[str, Json] = {"agent": contact.agent, "offer": contact.offer}
        self._contacts.tell(contact, "answered", {**told, "queue": contact.queue})
        self._contacts.tell(contact, "agent_left", {**told, "talk": 0.0})

    # --- after a silence ---------------------------------------------------------------------

    def reconcile(
        self,
        legs: Mapping[str, tuple[str, bool]],
        suspects: Collection[str] | None = None,
        strays: Collection[str] = (),
    ) -> None:
        """Square the offers with `legs`: leg -> (channel, answered).

        Only `suspects`, the offers that stood before Asterisk was asked, can be found missing. Who
        talks for an unknown offer goes on, but for the `strays`, which are with no caller.
        """
        found = defaultdict(list)
        # Who has answered comes first: then nobody else is rung, and none of them is missing.
        for leg in sorted(legs, key=lambda each: not legs[each][1]):
            found[offer_of(leg)].append(leg)
        for offer in tuple(self._offers.values()):
            there = {self._is_there(leg, *legs[leg]) for leg in found[offer.offer]} - {""}
            if (suspects is None or offer.offer in suspects) and offer.shows_in_asterisk:
                self._missing(offer, there)
        for leg, (channel, talks) in legs.items():
            known = self.find(leg)
            over = known is None or self._contacts.get(known.contact) is None
            if (over and leg in strays) or (known is None and not talks):
                self._hanging_up.hang_up_soon(channel)

    def _is_there(self, leg: str, channel: str, talks: bool) -> str:
        """Its agent; "" for one who is not to be rung."""
        if talks:
            self._told_who(leg)
        self.ringing(leg, channel)
        if talks:
            self.answered(leg, channel)
        return self._whose(leg)[1]

    def _missing(self, offer: OpenOffer, there: Collection[str]) -> None:
        """Whose leg is not there is not rung."""
        if not there:
            self.ended(offer.offer, Cause.LOST)
        elif offer.answered_at is None:
            self.release(offer.offer, [each for each in offer.agents if each not in there])

    def give_back_unclaimed(self) -> None:
        """Free the agents whose phone nobody begins to ring.

        The caller is not with us just now; or, among several, that phone cannot be reached.
        """
        late = self._clock() - CLAIM_WITHIN
        for offer in tuple(self._offers.values()):
            if offer.unclaimed:
                if offer.made_at <= late:
                    self.failed(offer.offer, Cause.LOST)
            elif offer.answered_at is None and offer.rung_at is not None and offer.rung_at <= late:
                self._give_up_unreached(offer)

    def _may_stand(self, contact: LiveContact) -> bool:
        """Whether the distributor knows this call, or will once our own word for it is through."""
        waits = contact.phase == "waiting" and contact.call != "" and not contact.exit
        return waits or self._distributor.engine.has_call(contact.call)
