"""At which node each agent's phone is registered, as this node's Asterisk tells it.

The last node to hear from a phone has it. A phone that leaves for another node is missed here only
later, and what is missed here then says nothing about where it went.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Protocol

import structlog
from panoramisk.message import Message

from acd.errors import AcdError
from ivr.errors import AsteriskRefused

log = structlog.get_logger(__name__)

_END = re.compile("[;@]")
"""What follows a name: a digest of the address, registered or written down."""
LOOK_AGAIN = 5.0
"""Seconds until a phone that was given up elsewhere, and is here, is taken."""


class Listing(Protocol):
    """The one thing `phones` asks of AMI."""

    async def listing(self, name: str, /) -> list[Message]:
        """The events that answer a list action."""
        ...


class Atlas(Protocol):
    """What is asked of the distributor."""

    async def set_place(self, agent: str, node: str | None) -> None:
        """Say at which node this agent's phone is."""
        ...

    def place_of(self, agent: str) -> str | None:
        """The node of this agent's phone, as last heard."""
        ...


async def phones(asterisk: Listing) -> frozenset[str]:
    """The phones that are registered and answer, by the names they register as."""
    try:
        events = await asterisk.listing("PJSIPShowContacts")
    except AsteriskRefused:  # the way it says that there are none
        return frozenset()
    reached = (event for event in events if event.status in ("Reachable", "NonQualified"))
    return frozenset(_END.split(event.objectname)[0] for event in reached)


class Places:
    """Told what this Asterisk hears of phones; passes it on, one after the other.

    On a single machine `node` is None, and nobody needs to know.
    """

    def __init__(
        self, atlas: Atlas, node: str | None, known: Callable[[], Collection[str]]
    ) -> None:
        self._atlas, self._node, self._known = atlas, node, known
        self._here: set[str] = set()
        self._heard: dict[str, bool] = {}
        self._news = asyncio.Event()

    def registered(self, phone: str) -> None:
        """This phone has come here, wherever it was before."""
        if self._node is not None and phone in self._known():
            self._here.add(phone)
            self._hear(phone, here=True)

    def gone(self, phone: str) -> None:
        """This phone is not here any more."""
        if phone in self._here:
            self._here.discard(phone)
            self._hear(phone, here=False)

    def square(self, phones: Collection[str]) -> None:
        """Just these phones are here; since when is not known.

        One that is elsewhere stays there: what is left here may be from before it moved.
        """
        if self._node is None:
            return
        known = self._known()
        self._here = {phone for phone in known if phone in phones}
        for phone in known:
            if phone not in self._here:
                self._hear(phone, here=False)
        self._claim()

    def _claim(self) -> None:
        """Take the phones that are here and that nobody has."""
        for phone in self._here:
            if self._atlas.place_of(phone) is None:
                self._hear(phone, here=True)

    def _hear(self, phone: str, *, here: bool) -> None:
        self._heard.pop(phone, None)
        self._heard[phone] = here
        self._news.set()

    async def run(self) -> None:
        """Pass on what is heard, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN):
                    await self._news.wait()
            self._claim()
            self._news.clear()  # also what claiming has said: what is refused waits for its turn
            while self._heard:
                phone = next(iter(self._heard))
                await self._tell(phone, here=self._heard.pop(phone))

    async def _tell(self, phone: str, *, here: bool) -> None:
        known = self._atlas.place_of(phone)
        if here == (known == self._node):
            return
        try:
            await self._atlas.set_place(phone, self._node if here else None)
        except AcdError as why:
            log.warning("a phone's place could not be told", phone=phone, why=str(why))
        else:
            log.info("a phone's place", phone=phone, here=here)
