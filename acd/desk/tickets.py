"""Tickets: what is still to be done for a customer after the contact is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.desk.model import OVER, TICKET_STATES, Comment, Ticket
from acd.desk.tables import ticket_comments, tickets
from acd.records.database import Database
from acd.records.errors import Conflict, NotFound, Refused
from acd.records.text import LONGEST_WORD, one_line, prose

_SAME: Final = object()
"""What an edit leaves as it is; None empties it."""


class Tickets:
    """Tickets and what is said about them. Methods raise `RecordsUnavailable`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def open(
        self,
        title: str,
        *,
        body: str = "",
        customer: int | None = None,
        contact: str | None = None,
        assignee: str = "",
        due_at: float | None = None,
        priority: int = 0,
        by: str,
    ) -> Ticket:
        """A new ticket. Raises `Refused`."""
        at = self._clock()
        row = _checked(
            {
                "title": title,
                "body": body,
                "state": "open",
                "priority": priority,
                "assignee": assignee,
                "customer_id": customer,
                "contact_id": contact,
                "due_at": due_at,
            }
        )
        row |= {"created_at": at, "updated_at": at, "by": by, "version": 1}
        async with self._database.writing() as connection:
            made = await connection.scalar(insert(tickets).values(row).returning(tickets.c.id))
            return await _get(connection, int(made or 0))

    async def get(self, ticket_id: int) -> Ticket:
        """One ticket. Raises `NotFound`."""
        async with self._database.reading() as connection:
            return await _get(connection, ticket_id)

    async def edit(
        self,
        ticket_id: int,
        *,
        by: str,
        version: int | None = None,
        title: str | None = None,
        body: str | None = None,
        state: str | None = None,
        priority: int | None = None,
        assignee: str | None = None,
        customer: Any = _SAME,
        contact: Any = _SAME,
        due_at: Any = _SAME,
    ) -> Ticket:
        """Change what is given; customer, contact and due_at may be emptied by None.

        What changed becomes a comment by `by`. Raises `NotFound`, `Refused`, and `Conflict` when
        the ticket is not of that version any more.
        """
        told = {
            "title": title,
            "body": body,
            "state": state,
            "priority": priority,
            "assignee": assignee,
        }
        given = {name: value for name, value in told.items() if value is not None}
        links = {"customer_id": customer, "contact_id": contact, "due_at": due_at}
        given |= {name: value for name, value in links.items() if value is not _SAME}
        given = _checked(given)
        at = self._clock()
        async with self._database.writing() as connection:
            before = await _get(connection, ticket_id, lock=True)
            if version is not None and before.version != version:
                raise Conflict(f"ticket {ticket_id} was changed meanwhile: look at it again")
            values = {**given, "updated_at": at, "version": before.version + 1}
            await connection.execute(
                update(tickets).where(tickets.c.id == ticket_id).values(values)
            )
            after = await _get(connection, ticket_id)
            if words := _difference(before, after):
                await _say(connection, ticket_id, at, by, words)
            return after

    async def comment(self, ticket_id: int, text: str, by: str) -> Comment:
        """Say something about a ticket. Raises `NotFound`, `Refused`."""
        kept, at = prose(text, "a comment"), self._clock()
        async with self._database.writing() as connection:
            await _get(connection, ticket_id)
            made = await _say(connection, ticket_id, at, by, kept)
            changed = update(tickets).where(tickets.c.id == ticket_id).values(updated_at=at)
            await connection.execute(changed)
            return Comment(made, ticket_id, at, by, kept)

    async def comments(self, ticket_id: int) -> list[Comment]:
        """What was said and changed, the first first. Raises `NotFound`."""
        query = select(ticket_comments).where(ticket_comments.c.ticket_id == ticket_id)
        query = query.order_by(ticket_comments.c.at, ticket_comments.c.id)
        async with self._database.reading() as connection:
            await _get(connection, ticket_id)
            rows = (await connection.execute(query)).all()
        return [Comment(row.id, row.ticket_id, row.at, row.by, row.text) for row in rows]

    async def find(
        self,
        *,
        state: str | None = None,
        assignee: str | None = None,
        customer: int | None = None,
        contact: str | None = None,
        overdue_at: float | None = None,
        limit: int = 100,
    ) -> list[Ticket]:
        """Tickets that fit all that is given: first what is due first, then the latest.

        `overdue_at` is the moment by which they should have been done.
        """
        query = select(tickets)
        for column, wanted in (
            (tickets.c.state, state),
            (tickets.c.assignee, assignee),
            (tickets.c.customer_id, customer),
            (tickets.c.contact_id, contact),
        ):
            query = query if wanted is None else query.where(column == wanted)
        if overdue_at is not None:
            query = query.where(tickets.c.state.not_in(OVER), tickets.c.due_at < overdue_at)
        order = (tickets.c.due_at.is_(None), tickets.c.due_at, tickets.c.created_at.desc())
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(*order, tickets.c.id).limit(limit))
            return [_made(row) for row in rows.mappings()]


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """What was given, as it is kept. Raises `Refused`."""
    kept = dict(given)
    if "title" in kept:
        kept["title"] = one_line(kept["title"], "a title", shortest=1)
    if "body" in kept:
        kept["body"] = prose(kept["body"], "a ticket", shortest=0)
    if "assignee" in kept:
        kept["assignee"] = one_line(kept["assignee"], "an assignee", LONGEST_WORD)
    if kept.get("state", "open") not in TICKET_STATES:
        raise Refused(f"{kept['state']!r} is no state of a ticket: {', '.join(TICKET_STATES)}")
    if not -1000 <= kept.get("priority", 0) <= 1000:
        raise Refused("a priority is a number from -1000 to 1000")
    return kept


def _difference(before: Ticket, after: Ticket) -> str:
    """What an edit changed, in words that hold nobody's text."""
    said = []
    for name in ("state", "assignee", "priority", "customer", "contact", "due_at"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            said.append(f"{name.removesuffix('_at')}: {_told(old)} → {_told(new)}")
    said += [name for name in ("title", "body") if getattr(before, name) != getattr(after, name)]
    return "; ".join(said)


def _told(value: object) -> str:
    if isinstance(value, float):
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(value))
    return "-" if value in (None, "") else str(value)


async def _say(connection: AsyncConnection, ticket: int, at: float, by: str, text: str) -> int:
    row = {"ticket_id": ticket, "at": at, "by": by, "text": text}
    made = insert(ticket_comments).values(row).returning(ticket_comments.c.id)
    return int(await connection.scalar(made) or 0)


async def _get(connection: AsyncConnection, ticket_id: int, *, lock: bool = False) -> Ticket:
    query = select(tickets).where(tickets.c.id == ticket_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no ticket {ticket_id}")
    return _made(row)


def _made(row: RowMapping) -> Ticket:
    values = dict(row)
    return Ticket(customer=values.pop("customer_id"), contact=values.pop("contact_id"), **values)
