"""What the leader does about a node that is not heard of: nothing it had stays in the air."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from acd.live.entry import Kind, Noted
from acd.live.outbox import Outbox
from acd.live.pulse import Watch
from acd.live.replica import Replica
from acd.model import (
    AgentReleased,
    CallLeft,
    Cause,
    CustomerFailed,
    DeviceBusy,
    Event,
    OfferFailed,
)
from acd.views import CallRow

REASON = "node lost"


class Missing:
    """`here` is the leader's node, which takes over the callbacks of those that are lost."""

    def __init__(
        self, replica: Replica, owner_of: Callable[[str], str], here: str, now: Callable[[], float]
    ) -> None:
        self._replica, self._owner_of, self._here, self._now = replica, owner_of, here, now
        self._saying: asyncio.Task[None] | None = None

    def see_to(self, watch: Watch, outbox: Outbox) -> None:
        """Say what is to be said about the silent nodes, once what was said last has come by."""
        if self._saying is not None and not self._saying.done():
            return
        words = list(self._words(watch, asyncio.get_running_loop().time()))
        for said in words:
            outbox.put(said)
        self._saying = asyncio.create_task(outbox.settled()) if words else None

    def _words(self, watch: Watch, heard_at: float) -> Iterator[Event | Noted]:
        for node in watch.nodes():
            condition = watch.condition(node, heard_at)
            if condition != "here" and node not in self._notes("quiet"):
                yield from self._bar(node)
            if condition == "lost":
                yield from self._give_up_all(node)

    def bar_all(self) -> Iterator[Event | Noted]:
        """Nobody's agents are offered until their node says that it is here."""
        for node in sorted(set(self._notes("place").values())):
            if node not in self._notes("quiet"):
                yield from self._bar(node)

    def _bar(self, node: str) -> Iterator[Event | Noted]:
        """Nobody offers its agents a call: by and by they may be an island's."""
        places = self._notes("place")
        rows, now = self._replica.engine.agents_view(0.0), self._now()
        barred = [
            row.agent
            for row in rows
            if places.get(row.phone or row.agent) == node and not row.outside
        ]
        for agent in barred:
            yield DeviceBusy(now, agent)
        yield Noted(now, "quiet", node, barred)

    def _give_up_all(self, node: str) -> Iterator[Event | Noted]:
        engine = self._replica.engine
        theirs = {name for name in engine.contacts() if self._owner_of(name) == node}
        if not theirs:
            return  # as it is for a node that is gone for good: looking at all rows costs more
        rows = [row for row in engine.calls_view(self._now()) if row.contact in theirs]
        # Who waits first: no agent who is freed is to be given a call that is no more.
        for row in sorted(rows, key=lambda row: row.answered_at is not None):
            yield from self._give_up(row)

    def _give_up(self, row: CallRow) -> Iterator[Event | Noted]:
        now = self._now()
        if row.virtual:
            # First whose it is: what the other two lead to is for the new owner to do.
            yield Noted(now, "owner", row.contact, self._here)
            if row.dialling:
                yield CustomerFailed(now, row.call, Cause.LOST)
            elif row.offer is not None:
                yield OfferFailed(now, row.offer, Cause.LOST)
        elif row.offer is None:
            yield CallLeft(now, row.call, REASON)
        elif row.answered_at is None:
            yield OfferFailed(now, row.offer, Cause.CALLER_LEFT)
        else:
            if not row.caller_left:
                yield CallLeft(now, row.call, REASON)
            yield AgentReleased(now, row.offer)

    def _notes(self, kind: Kind) -> dict[str, Any]:
        return self._replica.notes.get(kind, {})
