"""What the leader does about a node that is not heard of: nothing it had stays in the air."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from acd.engine import Engine
from acd.live.entry import Kind, Noted
from acd.live.pulse import Watch
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
        self,
        engine: Engine,
        notes: Callable[[Kind], dict[str, Any]],
        owner_of: Callable[[str], str],
        here: str,
        now: float,
    ) -> None:
        self._engine, self._notes, self._owner_of = engine, notes, owner_of
        self._here, self._now = here, now

    def words(self, watch: Watch, heard_at: float) -> Iterator[Event | Noted]:
        """What is to be said about the silent nodes; nothing when all has been said.

        `heard_at` is the present by the clock of `watch`.
        """
        for node in watch.nodes():
            condition = watch.condition(node, heard_at)
            if condition != "here" and node not in self._notes("quiet"):
                yield from self._bar(node)
            if condition == "lost":
                for row in self._engine.calls_view(self._now):
                    if self._owner_of(row.contact) == node:
                        yield from self._give_up(row)

    def _bar(self, node: str) -> Iterator[Event | Noted]:
        """Nobody offers its agents a call: by and by they may be an island's."""
        places = self._notes("place")
        rows = self._engine.agents_view(self._now)
        barred = [row.agent for row in rows if places.get(row.agent) == node and not row.outside]
        for agent in barred:
            yield DeviceBusy(self._now, agent)
        yield Noted(self._now, "quiet", node, barred)

    def _give_up(self, row: CallRow) -> Iterator[Event | Noted]:
        now = self._now
        if row.virtual:
            if row.dialling:
                yield CustomerFailed(now, row.call, Cause.LOST)
            elif row.offer is not None:
                yield OfferFailed(now, row.offer, Cause.LOST)
            yield Noted(now, "owner", row.contact, self._here)
        elif row.offer is None:
            yield CallLeft(now, row.call, REASON)
        elif row.answered_at is None:
            yield OfferFailed(now, row.offer, Cause.CALLER_LEFT)
        else:
            if not row.caller_left:
                yield CallLeft(now, row.call, REASON)
            yield AgentReleased(now, row.offer)
