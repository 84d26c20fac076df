"""All that happened with a customer, over every channel, in one order.

Each source is asked for its latest lines before the cursor, and they are merged: a page costs what
it shows, however long the past is. A cursor names a moment and what was shown of it, so lines of
the same moment are neither lost nor shown twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.customers.model import Item
from acd.customers.rows import locate
from acd.customers.tables import addresses, changes, consents, contact_links, facts, notes
from acd.desk.tables import tickets
from acd.records.contact import Json
from acd.records.database import Database
from acd.records.errors import Refused
from acd.records.tables import contact_events, contacts

OWN_KINDS: Final = ("note", "fact", "consent", "ticket", "change")
"""Kinds of lines that are not events of a contact."""


async def timeline(
    database: Database,
    customer_id: int,
    before: str | None = None,
    limit: int = 50,
    kinds: Collection[str] | None = None,
) -> list[Item]:
    """One page of a customer's past, the latest first; `kinds` names those that are wanted.

    Raises `NotFound`, `Refused` for a cursor that is none, `RecordsUnavailable`.
    """
    at, place = _cursor(before)
    found: list[Item] = []
    async with database.reading() as connection:
        key = await locate(connection, customer_id)
        for source, made in _sources(key, kinds):
            moment, number = source.selected_columns.at, source.selected_columns.cursor_key
            query = source if at is None else source.where(moment <= at)
            rows = await _rows(connection, query.order_by(moment.desc(), number.desc()), limit, at)
            found += [made(row) for row in rows]
    found.sort(key=_order, reverse=True)
    later = [item for item in found if at is None or _order(item) < (at, *place)]
    return later[:limit]


async def _rows(
    connection: AsyncConnection, query: Select[Any], limit: int, at: float | None
) -> list[Any]:
    """The page, and all lines of the cursor's own moment however many they are."""
    rows = list((await connection.execute(query.limit(limit + 1))).all())
    if at is None or not rows or rows[-1].at < at:
        return rows
    return list((await connection.execute(query.limit(10 * limit + 1000))).all())


def _order(item: Item) -> tuple[float, str, str, int]:
    where, contact, number = json.loads(item.cursor)[1:]
    return item.at, where, contact, number


def _cursor(before: str | None) -> tuple[float | None, tuple[str, str, int]]:
    if before is None:
        return None, ("", "", 0)
    try:
        at, where, contact, number = json.loads(before)
        return float(at), (str(where), str(contact), int(number))
    except (ValueError, TypeError):
        raise Refused("this is not the cursor of a timeline's line") from None


def _sources(key: int, kinds: Collection[str] | None) -> Iterator[tuple[Select[Any], Any]]:
    """What to ask, each with the columns `at` and `cursor_key`, and how a row becomes a line."""
    wanted = None if kinds is None else [kind for kind in kinds if kind not in OWN_KINDS]
    if wanted is None or wanted:
        yield _events(key, wanted), _event_item
    for kind, query, made in (
        ("note", _own(notes, key), _note_item),
        ("fact", _own(facts, key), _fact_item),
        ("change", _own(changes, key), _change_item),
        ("consent", _consents(key), _consent_item),
        ("ticket", _tickets(key), _ticket_item),
    ):
        if kinds is None or kind in kinds:
            yield query, made


def _events(key: int, wanted: list[str] | None) -> Select[Any]:
    query = (
        select(contact_events, contact_events.c.seq.label("cursor_key"), contacts.c.channel)
        .join(contact_links, contact_links.c.contact_id == contact_events.c.contact_id)
        .join(contacts, contacts.c.id == contact_events.c.contact_id)
        .where(contact_links.c.customer_id == key)
    )
    return query if wanted is None else query.where(contact_events.c.kind.in_(wanted))


def _own(table: Any, key: int) -> Select[Any]:
    return select(table, table.c.id.label("cursor_key")).where(table.c.customer_id == key)


def _consents(key: int) -> Select[Any]:
    held = select(addresses.c.id).where(
        addresses.c.customer_id == key,
        addresses.c.kind == consents.c.kind,
        addresses.c.value == consents.c.value,
    )
    whose = or_(consents.c.customer_id == key, consents.c.customer_id.is_(None) & held.exists())
    return select(consents, consents.c.id.label("cursor_key")).where(whose)


def _tickets(key: int) -> Select[Any]:
    shown = (tickets.c.id, tickets.c.title, tickets.c.state, tickets.c.contact_id, tickets.c.by)
    query = select(*shown, tickets.c.created_at.label("at"), tickets.c.id.label("cursor_key"))
    return query.where(tickets.c.customer_id == key)


def _line(
    row: Any,
    kind: str,
    data: dict[str, Json],
    *,
    where: str = "",
    contact: str | None = None,
    channel: str = "",
    by: str = "",
) -> Item:
    cursor = json.dumps([row.at, where or kind, contact or "", row.cursor_key])
    return Item(row.at, kind, contact, channel, data, by, cursor)


def _event_item(row: Any) -> Item:
    data = dict(row.data)
    by = str(data.get("by") or data.get("agent") or "")
    return _line(
        row, row.kind, data, where="event", contact=row.contact_id, channel=row.channel, by=by
    )


def _note_item(row: Any) -> Item:
    data: dict[str, Json] = {"note": row.id, "text": row.text}
    return _line(row, "note", data, contact=row.contact_id, by=row.by)


def _fact_item(row: Any) -> Item:
    data = {"kind": row.kind, "key": row.key, "data": row.data}
    return _line(row, "fact", data, by=row.by)


def _change_item(row: Any) -> Item:
    data = {"what": row.what, "detail": row.detail}
    return _line(row, "change", data, by=row.by)


def _consent_item(row: Any) -> Item:
    data = {"address": row.value or None, "given": row.given, "how": row.how}
    return _line(row, "consent", data, channel=row.channel, by=row.by)


def _ticket_item(row: Any) -> Item:
    data = {"ticket": row.id, "title": row.title, "state": row.state}
    return _line(row, "ticket", data, contact=row.contact_id, by=row.by)
