"""Tickets: what is still to be done for somebody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from acd.desk import Comment, Ticket, Tickets
from ivr.web.hub import EVERYBODY, Hub
from ivr.web.numbers import whole
from ivr.web.roles import STAFF
from ivr.web.routes import Call, Model, Query, Route

State = Literal["open", "pending", "solved", "closed"]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=20_000)]
Name = Annotated[str, StringConstraints(max_length=100)]
ContactId = Annotated[str, StringConstraints(max_length=60)]


class NewTicket(Model):
    """A ticket to be opened."""

    title: Title
    body: Text = ""
    customer: int | None = None
    contact: ContactId | None = None
    assignee: Name = ""
    due_at: float | None = None
    priority: int = 0


class TicketEdit(Model):
    """What changes; what is left out stays. `version` is the one that was looked at."""

    version: int | None = None
    title: Title | None = None
    body: Text | None = None
    state: State | None = None
    assignee: Name | None = None
    due_at: float | None = None
    priority: int | None = None
    customer: int | None = None
    contact: ContactId | None = None


class NewComment(Model):
    """Something to be said about a ticket."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class WhichTickets(Query):
    """Which tickets; `overdue` are those that should be done."""

    state: State | None = None
    assignee: str | None = None
    customer: int | None = None
    contact: str | None = None
    overdue: bool = False
    limit: int = 100


@dataclass(frozen=True, slots=True)
class TicketTold:
    """A ticket and what was said about it."""

    ticket: Ticket
    comments: list[Comment]


class TicketsAsked:
    """`/api/tickets`."""

    def __init__(self, tickets: Tickets, hub: Hub, clock: Callable[[], float]) -> None:
        self._tickets, self._hub, self._clock = tickets, hub, clock

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        one = "/api/tickets/{ticket}"
        return (
            Route("GET", "/api/tickets", self._find, roles=STAFF, query=WhichTickets,
                  gives=list[Ticket], summary="Tickets", audit="ticket.list"),
            Route("POST", "/api/tickets", self._open, roles=STAFF, takes=NewTicket, gives=Ticket,
                  status=201, summary="Open a ticket", audit="ticket.open"),
            Route("GET", one, self._show, roles=STAFF, gives=TicketTold, summary="A ticket",
                  audit="ticket.read"),
            Route("PATCH", one, self._edit, roles=STAFF, takes=TicketEdit, gives=Ticket,
                  summary="Change a ticket: its state, who does it, by when",
                  audit="ticket.edit"),
            Route("POST", f"{one}/comments", self._comment, roles=STAFF, takes=NewComment,
                  gives=Comment, status=201, summary="Say something about a ticket",
                  audit="ticket.comment"),
        )  # fmt: skip

    async def _find(self, call: Call) -> list[Ticket]:
        which: WhichTickets = call.query
        return await self._tickets.find(
            state=which.state,
            assignee=which.assignee,
            customer=which.customer,
            contact=which.contact,
            overdue_at=self._clock() if which.overdue else None,
            limit=max(1, min(which.limit, 500)),
        )

    async def _open(self, call: Call) -> Ticket:
        given: NewTicket = call.body
        ticket = await self._tickets.open(**given.model_dump(), by=call.me.user)
        call.answer.concerns.append(str(ticket.id))
        self._tell(ticket)
        return ticket

    async def _show(self, call: Call) -> TicketTold:
        number = _id(call)
        return TicketTold(await self._tickets.get(number), await self._tickets.comments(number))

    async def _edit(self, call: Call) -> Ticket:
        given: TicketEdit = call.body
        changes: dict[str, Any] = given.model_dump(exclude_unset=True)
        ticket = await self._tickets.edit(_id(call), by=call.me.user, **changes)
        self._tell(ticket)
        return ticket

    async def _comment(self, call: Call) -> Comment:
        return await self._tickets.comment(_id(call), call.body.text, call.me.user)

    def _tell(self, ticket: Ticket) -> None:
        self._hub.publish("ticket", {"id": ticket.id}, EVERYBODY)


def _id(call: Call) -> int:
    return whole(call["ticket"], "ticket")
