"""What is asked of the call log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, Select, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.records.contact import ContactEvent, ContactRecord
from acd.records.errors import RecordsUnavailable, brief
from acd.records.tables import contact_events, contacts
from acd.records.within import within


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which contacts; what is None does not matter.

    `since` in epoch seconds. `caller` is a number or how it ends. `queue` and `agent` are the
    contact's last ones. `outcome` may be "live" for contacts that go on.
    """

    since: float | None = None
    caller: str | None = None
    queue: str | None = None
    agent: str | None = None
    outcome: str | None = None
    limit: int = 20


LIVE = "live"


async def recent(engine: AsyncEngine, wanted: Wanted) -> list[ContactRecord]:
    """Contacts that are wanted, the latest first. Raises `RecordsUnavailable`."""
    rows = await _all(engine, _filtered(wanted))
    return [ContactRecord(**row) for row in rows]


async def find(engine: AsyncEngine, part: str, limit: int = 6) -> list[ContactRecord]:
    """Contacts whose id begins or ends with `part`, the latest first; an exact id finds its own.

    Ids begin with the time, so it is their end that tells one busy minute's contacts apart.
    """
    begins = contacts.c.id.startswith(part, autoescape=True)
    query = select(contacts).where(begins | contacts.c.id.endswith(part, autoescape=True))
    rows = await _all(engine, query.order_by(contacts.c.started_at.desc()).limit(limit))
    found = [ContactRecord(**row) for row in rows]
    return [record for record in found if record.id == part] or found


async def story(engine: AsyncEngine, contact_id: str) -> list[ContactEvent]:
    """Everything that happened to one contact, in the order it was written down."""
    query = select(contact_events).where(contact_events.c.contact_id == contact_id)
    rows = await _all(engine, query.order_by(contact_events.c.seq))
    return [
        ContactEvent(row["contact_id"], row["at"], row["kind"], row["step"], row["data"])
        for row in rows
    ]


async def served_by(engine: AsyncEngine, ids: Iterable[str], agent: str) -> set[str]:
    """Those of these contacts in which that agent took part. Raises `RecordsUnavailable`."""
    wanted = tuple(ids)
    try:
        async with engine.connect() as connection:
            mine = contacts.c.agent == agent
            last = select(contacts.c.id).where(within(connection, contacts.c.id, wanted), mine)
            answered = (contact_events.c.kind == "answered") & (
                contact_events.c.data["agent"].as_string() == agent
            )
            these = within(connection, contact_events.c.contact_id, wanted)
            once = select(contact_events.c.contact_id).where(these, answered)
            return set((await connection.scalars(last.union(once))).all())
    except (SQLAlchemyError, OSError) as error:
        raise RecordsUnavailable(f"the records cannot be read: {brief(error)}") from error


def _filtered(wanted: Wanted) -> Select[Any]:
    query = select(contacts)
    if wanted.since is not None:
        query = query.where(contacts.c.started_at >= wanted.since)
    if wanted.caller:
        query = query.where(contacts.c.caller.endswith(wanted.caller, autoescape=True))
    if wanted.queue:
        query = query.where(contacts.c.queue == wanted.queue)
    if wanted.agent:
        query = query.where(contacts.c.agent == wanted.agent)
    if wanted.outcome:
        ended = contacts.c.outcome == wanted.outcome
        query = query.where(contacts.c.ended_at.is_(None) if wanted.outcome == LIVE else ended)
    return query.order_by(contacts.c.started_at.desc(), contacts.c.id.desc()).limit(wanted.limit)


async def _all(engine: AsyncEngine, query: Select[Any]) -> Sequence[RowMapping]:
    try:
        async with engine.connect() as connection:
            rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
            return rows
    except (SQLAlchemyError, OSError) as error:
        raise RecordsUnavailable(f"the records cannot be read: {brief(error)}") from error
