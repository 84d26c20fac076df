"""The floor as those who lead it see it, and the document of everything that may be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from acd.views import CallRow, QueueRow
from ivr.web.feed import agent_told
from ivr.web.house import House
from ivr.web.roles import ALL, LEADS
from ivr.web.routes import Call, Route


@dataclass(frozen=True, slots=True)
class FloorTold:
    """Queues, agents and calls of one moment, `now`; the rows are those of the console."""

    now: float
    queues: list[dict[str, Any]]
    agents: list[dict[str, Any]]
    calls: list[dict[str, Any]]


class FloorAsked:
    """`/api/floor` and `/api/openapi.json`."""

    def __init__(self, house: House, document: Callable[[], dict[str, Any]]) -> None:
        self._house, self._document = house, document

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        return (
            Route("GET", "/api/floor", self._floor, roles=LEADS, gives=FloorTold,
                  summary="Queues, agents and calls now", audit="floor.read"),
            Route("GET", "/api/openapi.json", self._openapi, roles=ALL, gives=dict[str, Any],
                  summary="This document"),
        )  # fmt: skip

    async def _floor(self, call: Call) -> FloorTold:
        engine, now = self._house.distributor.engine, self._house.clock()
        return FloorTold(
            now,
            [_queue(row) for row in engine.queues_view(now)],
            [agent_told(engine, row) for row in engine.agents_view(now)],
            [_call(row) for row in engine.calls_view(now)],
        )

    async def _openapi(self, call: Call) -> dict[str, Any]:
        return self._document()


def _queue(row: QueueRow) -> dict[str, Any]:
    return asdict(row)


def _call(row: CallRow) -> dict[str, Any]:
    return asdict(row)
