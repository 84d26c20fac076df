"""Forgetting: one customer on request, and contacts by their age. Figures keep their rows.

A contact that was forgotten is still a call of that length on that day, with its queue, agent and
outcome; who it was and what was said is gone. What an event may keep is listed here, so whatever
is not known to be harmless goes. A no stays, as the bare address: the next import would otherwise
write to somebody who said stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.customers import audit
from acd.customers.addresses import kind_of
from acd.customers.audit import AuditEntry
from acd.customers.consent import standing
from acd.customers.links import ERASED
from acd.customers.rows import load, locate, locked
from acd.customers.tables import (
    addresses,
    changes,
    consents,
    contact_links,
    customer_words,
    customers,
    erasures,
    facts,
    merges,
    notes,
)
from acd.desk.tables import dispositions, ticket_comments, tickets
from acd.records.database import Database
from acd.records.tables import contact_events, contacts
from acd.records.within import within

AT_ONCE: Final = 500
"""Contacts forgotten in one transaction: calls are written down between two of them."""
_FIGURES = """
agent by calendar cause channel duration flow language level needs next offer ok open outcome phase
position priority queue reason revision seconds skill source talk times to_queue tries verb wait
"""
KEPT: Final = frozenset(_FIGURES.split())
"""What an event of a forgotten contact may keep: never a field's value."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Who was erased (with all that was merged into them), and the contacts that were forgotten.

    `waiting` are contacts that still live; they are forgotten once they have ended. `numbers` were
    theirs: for whoever has to forget them elsewhere, and for nothing else.
    """

    customers: tuple[int, ...]
    contacts: tuple[str, ...]
    waiting: tuple[str, ...]
    numbers: tuple[str, ...] = field(default=(), repr=False)


async def erase(database: Database, customer_id: int, *, by: str, why: str, at: float) -> Erased:
    """Forget a customer in the records. What is kept elsewhere is not reached from here:
    recordings, what is on its way to them, the journal (see `ivr.retention`). Raises `NotFound`.
    """
    async with database.writing() as connection:
        if connection.dialect.name == "sqlite":
            # What is deleted is overwritten, not only left to be found in the file.
            await connection.execute(text("PRAGMA secure_delete = ON"))
        key = await locate(connection, customer_id)
        await locked(connection, key)
        everyone = await _merged_into(connection, key)
        owned = select(contact_links.c.contact_id).where(
            within(connection, contact_links.c.customer_id, everyone)
        )
        ids = list((await connection.scalars(owned)).all())
        over = await _ended(connection, ids)
        numbers = {
            address.value
            for each in (await load(connection, everyone)).values()
            for address in each.addresses
            if address.kind == "phone"
        }
        await forget(connection, over, at)
        await _keep_refusals(connection, everyone, at, by)
        await _forget_tickets(connection, everyone)
        await _drop(connection, everyone)
        waiting = tuple(sorted(set(ids) - set(over)))
        row = {"customer_id": key, "at": at, "by": by, "why": why, "waiting": list(waiting)}
        await connection.execute(insert(erasures).values(row))
        told = {"contacts": len(over), "waiting": len(waiting)}
        entry = AuditEntry(0, at, by, "erased", tuple(everyone), why=why, detail=told)
        await audit.write(connection, entry)
    return Erased(tuple(everyone), tuple(sorted(over)), waiting, tuple(sorted(numbers)))


async def forgotten_since(database: Database, at: float) -> list[str]:
    """Contacts that were forgotten at that moment or later, one by one or by their age."""
    gone = select(contact_links.c.contact_id).where(
        contact_links.c.sure == ERASED, contact_links.c.at >= at
    )
    async with database.reading() as connection:
        return list((await connection.scalars(gone)).all())


async def finish_erasures(database: Database, at: float) -> list[str]:
    """Forget what lived when its customer was erased and has ended since; which contacts."""
    done: list[str] = []
    async with database.writing() as connection:
        rows = (await connection.execute(select(erasures))).all()
        for row in rows:
            over = await _ended(connection, row.waiting)
            if over:
                await forget(connection, over, at)
                left = [contact for contact in row.waiting if contact not in set(over)]
                changed = update(erasures).where(erasures.c.customer_id == row.customer_id)
                await connection.execute(changed.values(waiting=left))
                done += over
    return done


async def forget_old(database: Database, before: float, *, by: str, at: float) -> list[str]:
    """Forget contacts that ended before a moment; which they are. Audited once for all."""
    done: list[str] = []
    old = select(contacts.c.id).where(
        contacts.c.ended_at < before,
        ~select(contact_links.c.contact_id)
        .where(contact_links.c.contact_id == contacts.c.id, contact_links.c.sure == ERASED)
        .exists(),
    )
    while True:
        async with database.writing() as connection:
            ids = list((await connection.scalars(old.limit(AT_ONCE))).all())
            if not ids:
                break
            await forget(connection, ids, at)
            done += ids
    if done:
        async with database.writing() as connection:
            told = {"contacts": len(done), "before": before}
            await audit.write(connection, AuditEntry(0, at, by, "forgotten", detail=told))
    return done


async def forget_audit(database: Database, before: float) -> int:
    """Take away audit entries older than that; how many they were."""
    async with database.writing() as connection:
        return await audit.forget_before(connection, before)


async def forget(connection: AsyncConnection, ids: Sequence[str], at: float) -> None:
    """Leave of these contacts what figures are made of."""
    if not ids:
        return
    await connection.execute(
        update(contacts)
        .where(within(connection, contacts.c.id, ids))
        .values(caller="", caller_name="", fields={}, verified=False)
    )
    story = within(connection, contact_events.c.contact_id, ids)
    columns = (contact_events.c.contact_id, contact_events.c.seq, contact_events.c.data)
    for row in (await connection.execute(select(*columns).where(story))).all():
        kept = {name: value for name, value in row.data.items() if name in KEPT}
        if kept != row.data:
            one = (contact_events.c.contact_id == row.contact_id) & (
                contact_events.c.seq == row.seq
            )
            await connection.execute(update(contact_events).where(one).values(data=kept))
    given = within(connection, dispositions.c.contact_id, ids)
    await connection.execute(update(dispositions).where(given).values(notes=""))
    about = within(connection, notes.c.contact_id, ids)
    await connection.execute(update(notes).where(about).values(contact_id=None))
    await connection.execute(
        delete(contact_links).where(within(connection, contact_links.c.contact_id, ids))
    )
    gone = {"customer_id": None, "sure": ERASED, "kind": "", "value": "", "by": "", "at": at}
    await connection.execute(insert(contact_links), [{"contact_id": key, **gone} for key in ids])


async def _merged_into(connection: AsyncConnection, key: int) -> list[int]:
    """The customer and all that became part of it, at whatever remove."""
    found = [key]
    newest = [key]
    while newest:
        parts = select(customers.c.id).where(within(connection, customers.c.merged_into, newest))
        newest = [each for each in (await connection.scalars(parts)).all() if each not in found]
        found += newest
    return found


async def _ended(connection: AsyncConnection, ids: Sequence[str]) -> list[str]:
    over = select(contacts.c.id).where(
        within(connection, contacts.c.id, ids), contacts.c.ended_at.is_not(None)
    )
    return list((await connection.scalars(over)).all())


async def _keep_refusals(
    connection: AsyncConnection, everyone: Sequence[int], at: float, by: str
) -> None:
    """What stands as a no for all of a channel becomes a no of each address it meant."""
    stand = await standing(connection, everyone)
    known = await load(connection, everyone)
    refused: list[dict[str, Any]] = []
    for key, said in stand.items():
        for each in said:
            if each.given:
                continue
            kind = kind_of(each.channel)
            meant = [a.value for a in known[key].addresses if a.kind == kind]
            for value in meant if each.address is None else [each.address]:
                row = {"channel": each.channel, "kind": kind, "value": value, "given": False}
                refused.append(
                    {**row, "customer_id": None, "at": each.at, "how": each.how, "by": by}
                )
    await connection.execute(
        delete(consents).where(within(connection, consents.c.customer_id, everyone))
    )
    if refused:
        await connection.execute(insert(consents), refused)


async def _forget_tickets(connection: AsyncConnection, everyone: Sequence[int]) -> None:
    owned = within(connection, tickets.c.customer_id, everyone)
    ids = list((await connection.scalars(select(tickets.c.id).where(owned))).all())
    said = within(connection, ticket_comments.c.ticket_id, ids)
    await connection.execute(delete(ticket_comments).where(said))
    empty = {"title": "erased", "body": "", "customer_id": None, "contact_id": None}
    await connection.execute(
        update(tickets).where(within(connection, tickets.c.id, ids)).values(empty)
    )


async def _drop(connection: AsyncConnection, everyone: Sequence[int]) -> None:
    live = within(connection, contact_links.c.customer_id, everyone)
    away = {"customer_id": None, "sure": "", "kind": "", "value": ""}
    await connection.execute(update(contact_links).where(live).values(away))
    for table in (addresses, notes, facts, changes):
        mine = within(connection, table.c.customer_id, everyone)
        await connection.execute(delete(table).where(mine))
    for column in (merges.c.into_id, merges.c.from_id):
        await connection.execute(delete(merges).where(within(connection, column, everyone)))
    await customer_words.forget(connection, everyone)
    await connection.execute(delete(customers).where(within(connection, customers.c.id, everyone)))
