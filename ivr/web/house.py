"""What the web side needs from the house; the composition root fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from acd.dispatch import Distributing
from acd.records.contact import ContactEvent
from ivr.backends.texting import Draft
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


class Phones(Protocol):
    """What is asked of Asterisk for an agent's own call."""

    async def hang_up(self, channel: str) -> None:
        """End that leg."""
        ...

    async def transfer(self, channel: str, target: str) -> None:
        """Send whoever talks with that leg to an extension of `[transferred]`."""
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
    phones: Phones
    dial: Callable[[str, str, str], Awaitable[str]]
    written: Callable[[str], Thread | None]
    tell: Callable[[ContactEvent], None]
    clock: Callable[[], float]
