"""Nodes of one domain, each with a shell that keeps what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from acd import model as m
from acd.journal import Journal
from acd.live.access import Access
from acd.live.domain import DomainDistributor
from acd.live.pulse import Patience
from acd.model import AgentState

QUICK = Patience(island=1.0, quiet=0.45, lost=1.2)


def calls_of(node: str, count: int) -> list[str]:
    return [f"k{n}-{node}.1" for n in range(count)]


class NodeAtWork:
    """A node; `told` is every command its shell heard, in order."""

    def __init__(self, name: str, access: Access, folder: Path, patience: Patience = QUICK) -> None:
        self.name = name
        self.journal = Journal(folder / f"{name}.sqlite")
        self.domain = DomainDistributor(name, self.journal, access, patience=patience)
        self.told: list[m.Command] = []
        self.domain.subscribe(self.told.append)

    async def up(self) -> NodeAtWork:
        await self.domain.join()
        self.domain.recover()
        self.domain.start()
        return self

    async def send(self, *events: m.Event) -> None:
        for event in events:
            self.domain.send(event)
        await self.domain.settled()

    async def down(self) -> None:
        await self.domain.stop()
        self.journal.close()

    async def kill(self) -> None:
        """As if the process had died: nothing is said, nothing written."""
        await self.domain.vanish()
        self.journal.close()

    def queued(self, call: str, at: float | None = None) -> m.CallQueued:
        now = self.domain.now()
        contact = call.partition(".")[0]
        return m.CallQueued(now, call, contact, "sales", {}, 0, now if at is None else at)

    def offers(self) -> list[m.MakeOffer]:
        return [each for each in self.told if isinstance(each, m.MakeOffer)]

    def offer_of(self, call: str) -> m.MakeOffer:
        return next(each for each in reversed(self.offers()) if each.call == call)

    def state_of(self, agent: str) -> AgentState:
        rows = self.domain.engine.agents_view(self.domain.now())
        return next(row.state for row in rows if row.agent == agent)

    def outside(self, agent: str) -> bool:
        rows = self.domain.engine.agents_view(self.domain.now())
        return next(row.outside for row in rows if row.agent == agent)


async def until(so: Callable[[], bool], within: float = 8.0) -> None:
    async with asyncio.timeout(within):
        while not so():
            await asyncio.sleep(0.002)


Make = Callable[[str], NodeAtWork]
"""Makes the node of that name, and ends it with the test."""
