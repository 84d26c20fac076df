"""What the web side needs from the house; the composition root fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from acd.dispatch import Distributing
from acd.records.contact import ContactEvent
from ivr.backends.texting import Draft
from ivr.desk_talk import TalkNow
from ivr.flow.actions import Failed
from ivr.flow.errands import Sent
from ivr.live import LiveContact
from ivr.open_offers import OpenOffer
from ivr.plans import Plan
from ivr.threads.book import Thread


class Contacts(Protocol):
    """The calls that live."""

    def get(self, contact_id: str) -> LiveContact | None:
        """The live contact of that id."""
        ...


class OpenOffers(Protocol):
    """The offers that are not settled, with the agents' channels."""

    def find(self, offer_id: str) -> OpenOffer | None:
        """The offer of that id, while it rings or its agent talks."""
        ...


class Sending(Protocol):
    """Text messages."""

    async def accept(self, draft: Draft) -> Sent | Failed:
        """Queue a message."""
        ...


class Talking(Protocol):
    """What an agent does with the call in hand; `ivr.desk_talk.DeskTalk` says what each means."""

    def now(self, offer: OpenOffer) -> TalkNow:
        """How this call stands."""
        ...

    def of_contact(self, contact: str) -> list[TalkNow]:
        """How the calls of all who are with this contact stand."""
        ...

    async def hold(self, offer: OpenOffer) -> None:
        """Music for the caller."""
        ...

    async def take_back(self, offer: OpenOffer) -> None:
        """Agent and caller, and nobody else."""
        ...

    async def ask(self, offer: OpenOffer, target: str) -> None:
        """Ask an agent, or somebody of the queue with that number."""
        ...

    async def conference(self, offer: OpenOffer) -> None:
        """All three."""
        ...

    async def complete(self, offer: OpenOffer) -> None:
        """The caller is the colleague's."""
        ...

    async def transfer(self, offer: OpenOffer, target: str) -> None:
        """Send the caller to that extension or number."""
        ...

    async def hang_up(self, offer: OpenOffer) -> None:
        """End one's own leg."""
        ...


@dataclass(frozen=True, slots=True)
class House:
    """The parts of the service that the web side asks.

    `dial` rings an agent's phone and then a number, for the contact it follows from; it tells the
    new contact's id and raises IvrError for a number that may not be called. `written` is the chat
    or thread of texts that a contact began as. `tell` adds to a contact's story; `clock` is epoch
    seconds.
    """

    distributor: Distributing
    contacts: Contacts
    offers: OpenOffers
    plan: Callable[[], Plan]
    texts: Sending
    talks: Talking
    dial: Callable[[str, str, str], Awaitable[str]]
    written: Callable[[str], Thread | None]
    tell: Callable[[ContactEvent], None]
    clock: Callable[[], float]

    def whom(self, contact: str, vouched: str | None = None) -> tuple[str, str]:
        """Number and name of whoever that contact is, as far as they are known at this node.

        Of a call at another node it is the number that the network vouches for: `vouched`, where
        that is at hand.
        """
        live, thread = self.contacts.get(contact), self.written(contact)
        if live is not None:
            return live.caller, live.caller_name
        if thread is not None:
            return thread.number, thread.name
        if vouched is not None:
            return vouched, ""
        rows = self.distributor.engine.calls_view(self.distributor.now())
        return next((row.customer for row in rows if row.contact == contact), ""), ""
