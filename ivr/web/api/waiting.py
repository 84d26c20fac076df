"""Who waits, and why: what a supervisor asks about one queue or one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import StringConstraints

from acd.explain import CallExplained
from acd.views import CallRow
from ivr.web.house import House
from ivr.web.problems import Problem, not_found
from ivr.web.roles import LEADS
from ivr.web.routes import Call, Query, Route

MOST: Final = 100
"""Calls told at once; nobody reads more of a queue."""


class WhichCalls(Query):
    """Of which queue; all of them without one."""

    queue: Annotated[str, StringConstraints(max_length=100)] = ""


@dataclass(frozen=True, slots=True)
class CallWaiting:
    """A call that waits or rings: `position` in its queue, None while a phone rings for it.

    `since` is when it came into the queue, `agent` who is rung. The caller's number and name are
    told by the machine that has the call.
    """

    call: str
    contact: str
    queue: str
    channel: str
    position: int | None
    since: float
    priority: int
    agent: str
    caller: str
    caller_name: str


@dataclass(frozen=True, slots=True)
class WhyItWaits:
    """A waiting call, `now`, and everything that keeps it waiting."""

    now: float
    call: CallWaiting
    explained: CallExplained


class WaitingAsked:
    """`/api/floor/calls`."""

    def __init__(self, house: House) -> None:
        self._house = house

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        return (
            Route("GET", "/api/floor/calls", self._calls, roles=LEADS, query=WhichCalls,
                  gives=list[CallWaiting], audit="floor.calls",
                  summary="Who waits, in the order served, and for whom a phone rings"),
            Route("GET", "/api/floor/calls/{call}/why", self._why, roles=LEADS, gives=WhyItWaits,
                  summary="Why a call waits, and what would change that", audit="floor.why"),
        )  # fmt: skip

    async def _calls(self, call: Call) -> list[CallWaiting]:
        return [self._told(row) for row in self._rows(call.query.queue)[:MOST]]

    async def _why(self, call: Call) -> WhyItWaits:
        engine, now = self._house.distributor.engine, self._house.distributor.now()
        row = next((row for row in engine.calls_view(now) if row.call == call["call"]), None)
        if row is None:
            raise not_found("call")
        call.answer.contact = row.contact
        explained = engine.explain_call(row.call, now)
        if explained is None:
            doing = "a phone rings for it" if row.answered_at is None else "somebody talks with it"
            raise Problem(409, f"This call does not wait: {doing}.")
        return WhyItWaits(now, self._told(row), explained)

    def _rows(self, queue: str) -> list[CallRow]:
        rows = self._house.distributor.engine.calls_view(self._house.distributor.now())
        return [row for row in rows if row.answered_at is None and queue in ("", row.queue)]

    def _told(self, row: CallRow) -> CallWaiting:
        contact = self._house.contacts.get(row.contact)
        return CallWaiting(
            row.call,
            row.contact,
            row.queue,
            row.channel.value,
            row.position,
            row.enqueued_at,
            row.priority,
            row.agent or "",
            contact.caller if contact else row.customer,
            contact.caller_name if contact else "",
        )
