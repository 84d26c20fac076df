"""The offers of the distributor's that are not settled yet, as far as this service has come.

A leg is an agent's phone that rings, or talks, for an offer; its channel carries its name. Where
one phone rings that is the offer's id. Where several ring together it is that id, "@", and what was
dialled, which tells them apart: `7n59.1-4@2001`, or `7n59.1-4@2001@node-n2` at another node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from acd.model import Cause, Channel, MakeOffer
from acd.views import CallRow
from ivr.live import LiveContact

DIAL_CAUSES: Mapping[str, Cause] = {
    "NOANSWER": Cause.NO_ANSWER,
    "BUSY": Cause.BUSY,
    "CHANUNAVAIL": Cause.UNREACHABLE,
    "CONGESTION": Cause.UNREACHABLE,
    "DONTCALL": Cause.REJECTED,
    "TORTURE": Cause.REJECTED,
    "CANCEL": Cause.LOST,
    "ANSWER": Cause.LOST,
}
"""DIALSTATUS of app_dial, and what it says about the agent, told on a channel that is still up.

ANSWER is here for who took a call that was theirs no longer."""

PHONE_OF_MANY = "@"


def offer_of(leg: str) -> str:
    """The offer this leg is for."""
    return leg.partition(PHONE_OF_MANY)[0]


def phone_in(leg: str) -> str:
    """The phone this leg is of, "" where only one was rung."""
    return leg.split(PHONE_OF_MANY)[1] if PHONE_OF_MANY in leg else ""


def leg_of(offer: str, phone: str) -> str:
    """The name of that phone's leg; of the only one with ""."""
    return f"{offer}{PHONE_OF_MANY}{phone}" if phone else offer


@dataclass(slots=True)
class OpenOffer:
    """An offer that is not settled yet. `agent` is the one it names, in the end who answered.

    `also` are rung at the same time, and `gone` those of all whose phone has stopped ringing for a
    reason that only the caller's Dial can tell. `channels` are the agents' own, as far as they
    exist, and `phones` where each was rung, as far as this service has rung them.

    `made` is the distributor's own word, None when an earlier service heard it. At `rung_at` the
    first of its phones was heard of. `begun`: a call has taken it up. `dialling`: its Dial runs
    under a session of this service. `deserted`: Asterisk said that the caller left while it rang,
    or that a colleague took it. `asked`: a colleague is asked about the caller by the caller's
    agent, from whose channel they are rung; the caller's own call is not touched by it. `callback`:
    the agent takes it before anybody is on the line, and it is a talk once the customer has
    `joined`. `apart`: the desk has its leg out of the Dial that rang it, or rings it from such a
    leg; so neither that Dial's return nor the end of the caller's channel is its end. `guessed`:
    nobody has told yet which of several phones was taken.
    """

    offer: str
    call: str
    contact: str
    agent: str
    queue: str
    also: tuple[str, ...] = ()
    channels: dict[str, str] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    answered_at: float | None = None
    made: MakeOffer | None = None
    made_at: float = 0.0
    rung_at: float | None = None
    begun: bool = False
    dialling: bool = False
    deserted: bool = False
    asked: bool = False
    callback: bool = False
    joined: bool = False
    apart: bool = False
    guessed: bool = False

    @property
    def agents(self) -> tuple[str, ...]:
        """Everybody who is rung for it, or who talks."""
        return (self.agent, *self.also)

    @property
    def channel(self) -> str:
        """The agent's, "" until it exists."""
        return self.channels.get(self.agent, "")

    @property
    def still_rung(self) -> str:
        """Whose phone it is when only one is left, as far as anyone knows; else the one named."""
        return next((each for each in self.agents if each not in self.gone), self.agent)

    @property
    def unclaimed(self) -> bool:
        """Whether nobody rings for it, as far as anyone knows."""
        return not (self.begun or self.channels or self.answered_at is not None)

    @property
    def outlives_caller(self) -> bool:
        """Whether its leg may stay when the caller's channel goes: nobody but us ends it then."""
        talks = self.answered_at is not None and not (self.asked or self.callback)
        return bool(self.channel) and (self.apart or talks)

    @property
    def shows_in_asterisk(self) -> bool:
        """Whether it is over when Asterisk has no such leg; else its own Dial has the word."""
        if self.answered_at is not None or self.made is None:
            return True
        return not self.unclaimed and not self.dialling

    def without(self, agent: str) -> None:
        """This agent is rung no longer; another one is."""
        self.agent, *also = (each for each in self.agents if each != agent)
        self.also = tuple(also)

    def taken_by(self, agent: str) -> None:
        """This one has it, and nobody else is rung."""
        self.agent, self.also = agent, ()


class OpenOffers:
    """All of them by id, and what is asked of them."""

    def __init__(self) -> None:
        self._offers: dict[str, OpenOffer] = {}

    def find(self, leg: str) -> OpenOffer | None:
        """The offer of that leg, or of that id, while it is not settled."""
        return self._offers.get(offer_of(leg))

    def standing(self) -> dict[str, bool]:
        """Every open offer: True when its agent talks."""
        return {each.offer: each.answered_at is not None for each in self._offers.values()}

    # --- of one offer ----------------------------------------------------------------------------

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

    # --- of one contact --------------------------------------------------------------------------

    def of_contact(self, contact_id: str) -> list[OpenOffer]:
        """Everybody who is with this contact, or rung for it."""
        return [each for each in self._offers.values() if each.contact == contact_id]

    def unrung(self, contact: LiveContact) -> MakeOffer | None:
        """An offer that was made while no session was there to hear it, or to go on ringing."""
        offers = (each for each in self._offers_of(contact) if self.is_open(each.offer))
        return next((each.made for each in offers if not (each.dialling or each.channels)), None)

    def may_be_answered(self, contact: LiveContact) -> bool:
        """Whether a phone was rung for this contact and nobody has said how that ended."""
        return any(each.begun and each.answered_at is None for each in self._offers_of(contact))

    def with_caller(self, contact: LiveContact) -> OpenOffer | None:
        """The leg of the agent who has this contact's caller."""
        mine = (each for each in self._offers_of(contact) if each.agent == contact.agent)
        return next((each for each in mine if each.answered_at is not None), None)

    def asked_about(self, contact: LiveContact) -> OpenOffer | None:
        """The leg of the colleague who is asked about this contact's caller, or rung for it."""
        return next((each for each in self.of_contact(contact.id) if each.asked), None)

    def talking(self, contact: LiveContact) -> bool:
        """Whether this contact's caller is in a conversation with an agent."""
        return contact.phase == "talking"

    def _offers_of(self, contact: LiveContact) -> list[OpenOffer]:
        return [each for each in self.of_contact(contact.id) if not each.asked]


def open_offers(rows: Iterable[CallRow], owns: Callable[[str], bool]) -> Iterator[OpenOffer]:
    """The offers of calls over the phone that the distributor knows of, as far as they are ours.

    Where a customer is dialled for an agent who is kept, no agent's phone is rung.
    """
    for row in rows:
        ours = row.channel is Channel.VOICE and owns(row.contact)
        taken = row.answered_at or row.accepted_at
        if row.offer and row.agent and ours and not (row.dialling and taken is None):
            yield OpenOffer(
                row.offer,
                row.call,
                row.contact,
                row.agent,
                row.queue,
                row.also,
                answered_at=taken,
                asked=row.consults,
                callback=row.virtual,
            )
