"""Whose words are read by whom.

Who leads reads all. An agent reads what was written in the contact they serve (one that rings
counts) and in those they took part in, whoever else did. Of all other contacts they learn that they
were: when, by which way, in which queue, by whom, and how they ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.customers.erasing import KEPT
from acd.errors import UnknownAgent
from acd.records.contact import ContactEvent, Json
from acd.records.queries import served_by
from ivr.web.house import House
from ivr.web.roles import Who

WORDS: Final = frozenset({"message", "message_written", "survey"})
"""Events that hold little else than what somebody said."""
TOLD: Final = KEPT | frozenset(
    {"after", "attempt", "caller", "caller_name", "cause", "code", "dialled", "disposition"}
    | {"from", "key", "mailbox", "number", "sure", "to"}
)
"""What is told of any other event: what else it may hold is not known to be harmless."""


def discreet(data: Mapping[str, Json]) -> dict[str, Json]:
    """An event's data without anybody's words."""
    return {name: value for name, value in data.items() if name in TOLD}


def without_words(events: Sequence[ContactEvent]) -> Iterator[ContactEvent]:
    """A story without what was said in it."""
    for event in events:
        if event.kind not in WORDS:
            yield replace(event, data=discreet(event.data))


class Discretion:
    """`engine` opens the records."""

    def __init__(self, house: House, engine: Callable[[], Awaitable[AsyncEngine]]) -> None:
        self._house, self._engine = house, engine

    def serving(self, agent: str) -> set[str]:
        """The contacts and calls in an agent's hands, those that ring included."""
        try:
            row = self._house.distributor.engine.agent_row(agent, self._house.clock())
        except UnknownAgent:  # an account may name an extension that the floor has no more
            return set()
        offers = (row.offer, *row.chats)
        serves: set[Any] = {row.contact, *(each.rpartition("-")[0] for each in offers if each)}
        return {each for each in serves | {str(c).rpartition(".")[0] for c in serves} if each}

    async def heard(self, contacts: Collection[str], who: Who) -> frozenset[str]:
        """Those of these contacts in which this person may read what was said."""
        wanted = frozenset(contacts)
        if who.leads or not wanted:
            return wanted
        if not who.agent:
            return frozenset()
        took_part = await served_by(await self._engine(), wanted, who.agent)
        return wanted & (took_part | self.serving(who.agent))
