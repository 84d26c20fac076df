"""At which node each agent's phone is registered, as this node's Asterisk tells it.

The last node to hear from a phone has it. A phone that leaves for another node is missed here only
later, and what is missed here then says nothing about where it went.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

import structlog
from panoramisk.message import Message

from acd.errors import AcdError
from ivr.errors import AsteriskRefused

log = structlog.get_logger(__name__)


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
    return frozenset(event.objectname.partition(";")[0] for event in reached)


class Places:
    """Told what this Asterisk hears of phones; passes it on, one after the other.

    On a single machine `node` is None, and nobody needs to know.
    """

    def __init__(
        self, atlas: Atlas, node: str | None, agents: Callable[[], Collection[str]]
    ) -> None:
        self._atlas, self._node, self._agents = atlas, node, agents
        self._heard: dict[str, bool] = {}
        self._news = asyncio.Event()

    def registered(self, phone: str) -> None:
        """This phone is here."""
        self._hear(phone, here=True)

    def gone(self, phone: str) -> None:
        """This phone is not here."""
        self._hear(phone, here=False)

    def square(self, phones: Collection[str]) -> None:
        """Just these phones are here."""
        for agent in self._agents():
            self._hear(agent, here=agent in phones)

    def _hear(self, phone: str, *, here: bool) -> None:
        if self._node is None or phone not in self._agents():
            return
        self._heard.pop(phone, None)
        self._heard[phone] = here
        self._news.set()

    async def run(self) -> None:
        """Pass on what is heard, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._heard:
                agent = next(iter(self._heard))
                await self._tell(agent, here=self._heard.pop(agent))

    async def _tell(self, agent: str, *, here: bool) -> None:
        known = self._atlas.place_of(agent)
        if here == (known == self._node):
            return
        try:
            await self._atlas.set_place(agent, self._node if here else None)
        except AcdError as why:
            log.warning("a phone's place could not be told", agent=agent, why=str(why))
        else:
            log.info("a phone's place", agent=agent, here=here)
