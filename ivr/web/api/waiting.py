"""Who waits, and why; and what a supervisor does about it: move, put first or last, take out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from acd.explain import CallExplained
from acd.model import CallMoved, CallReprioritised, CallWithdrawn, Event
from acd.views import CallRow
from ivr.operator.commands import PRIORITIES
from ivr.operator.wording import suggestion
from ivr.web.house import House
from ivr.web.problems import Problem, not_found
from ivr.web.roles import LEADS
from ivr.web.routes import Call, Model, Query, Route

MOST: Final = 100
"""Calls told at once; nobody reads more of a queue."""


class WhichCalls(Query):
    """Of which queue; all of them without one."""

    queue: Annotated[str, StringConstraints(max_length=100)] = ""


class Moving(Model):
    """The queue it shall wait in."""

    queue: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Placing(Model):
    """Its priority: higher goes first, and among equals whoever came first."""

    priority: Annotated[int, Field(ge=PRIORITIES[0], le=PRIORITIES[-1])]


@dataclass(frozen=True, slots=True)
class CallWaiting:
    """A call that waits or rings: `position` in its queue, None while a phone rings for it.

    `since` is when it came into the queue, `agent` who is rung, `also` who at the same time. The
    caller's name is told by the machine that has the call.
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
    also: tuple[str, ...] = ()


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
            Route("POST", "/api/floor/calls/{call}/move", self._move, roles=LEADS, takes=Moving,
                  gives=CallWaiting, audit="floor.move",
                  summary="Have a call wait in another queue, with the time it has waited"),
            Route("POST", "/api/floor/calls/{call}/priority", self._place, roles=LEADS,
                  takes=Placing, gives=CallWaiting, audit="floor.priority",
                  summary="Give a waiting call another priority"),
            Route("POST", "/api/floor/calls/{call}/withdraw", self._withdraw, roles=LEADS,
                  audit="floor.withdraw",
                  summary="Take a waiting call out of its queue: it goes on in its flow"),
        )  # fmt: skip

    async def _calls(self, call: Call) -> list[CallWaiting]:
        return [self._told(row) for row in self._rows(call.query.queue)[:MOST]]

    async def _why(self, call: Call) -> WhyItWaits:
        engine, now = self._house.distributor.engine, self._house.distributor.now()
        row = self._row(call)
        explained = engine.explain_call(row.call, now)
        if explained is None:
            doing = "a phone rings for it" if row.answered_at is None else "somebody talks with it"
            raise Problem(409, f"This call does not wait: {doing}.")
        return WhyItWaits(now, self._told(row), explained)

    # --- what is done about it --------------------------------------------------------------------

    async def _move(self, call: Call) -> CallWaiting:
        row, to = self._that_waits(call), call.body.queue
        titles = {each.name: each.title for each in self._house.plan().floor.floor.queues}
        if to not in titles:
            raise Problem(422, f'There is no queue "{to}". {suggestion(to, titles)}'.rstrip())
        if to == row.queue:
            raise Problem(409, f"It waits in {to} already.")
        call.answer.concerns.append(to)
        await self._do(CallMoved(self._now(), row.call, to, call.me.user))
        return self._told(self._so(call, lambda row: row.queue == to))

    async def _place(self, call: Call) -> CallWaiting:
        row, priority = self._that_waits(call), call.body.priority
        call.answer.concerns.append(str(priority))
        await self._do(CallReprioritised(self._now(), row.call, priority, call.me.user))
        return self._told(self._so(call, lambda row: row.priority == priority))

    async def _withdraw(self, call: Call) -> None:
        row = self._that_waits(call)
        await self._do(CallWithdrawn(self._now(), row.call, call.me.user))
        if self._find(call["call"]) is not None:
            self._that_waits(call)

    async def _do(self, event: Event) -> None:
        self._house.distributor.send(event)
        await self._house.distributor.settled()

    def _so(self, call: Call, so: Callable[[CallRow], bool]) -> CallRow:
        """The call, as it was asked for: where nodes share queues, an agent or the caller may have
        been quicker than the word was on its way.
        """
        row = self._find(call["call"])
        if row is None:
            raise Problem(409, "The caller left the queue before this was heard.")
        return row if so(row) else self._that_waits(call)

    # --- rows -------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._house.distributor.now()

    def _find(self, name: str) -> CallRow | None:
        rows = self._house.distributor.engine.calls_view(self._now())
        return next((row for row in rows if row.call == name), None)

    def _row(self, call: Call) -> CallRow:
        row = self._find(call["call"])
        if row is None:
            raise not_found("call")
        call.answer.contact = row.contact
        return row

    def _that_waits(self, call: Call) -> CallRow:
        row = self._row(call)
        if row.answered_at is not None:
            raise Problem(
                409, f"Agent {row.agent} has answered it: only a call that waits can be changed."
            )
        return row

    def _rows(self, queue: str) -> list[CallRow]:
        rows = self._house.distributor.engine.calls_view(self._house.distributor.now())
        return [row for row in rows if row.answered_at is None and queue in ("", row.queue)]

    def _told(self, row: CallRow) -> CallWaiting:
        return CallWaiting(
            row.call,
            row.contact,
            row.queue,
            row.channel.value,
            row.position,
            row.enqueued_at,
            row.priority,
            row.agent or "",
            *self._house.whom(row.contact, row.customer),
            row.also,
        )
