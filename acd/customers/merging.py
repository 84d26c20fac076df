"""Two customers who are one, and the way back.

A merge moves everything that belongs to one customer to the other and writes down what it moved, by
id. The merged row stays, points to where it went, and keeps its own name and tags. To unmerge is to
move exactly those things back; what was added since stays with the customer it was added to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.customers.model import Customer, Merge
from acd.customers.rows import load, locate, locked, log, reindex, touched
from acd.customers.tables import (
    addresses,
    consents,
    contact_links,
    customers,
    facts,
    merges,
    notes,
)
from acd.desk.tables import tickets
from acd.records.errors import Conflict, NotFound, Refused
from acd.records.text import tag_list
from acd.records.within import within

_MOVED: Final[tuple[tuple[Table, str], ...]] = (
    (addresses, "id"),
    (notes, "id"),
    (facts, "id"),
    (consents, "id"),
    (contact_links, "contact_id"),
    (tickets, "id"),
)
"""What belongs to a customer, and what each row of it is called by."""


async def merge(connection: AsyncConnection, into: int, other: int, by: str, at: float) -> Customer:
    """See `Customers.merge`. The lower id is locked first, so that two merges cannot lock up."""
    into, other = await locate(connection, into), await locate(connection, other)
    if into == other:
        raise Refused(f"customer {into} cannot be merged with itself")
    for key in sorted((into, other)):
        await locked(connection, key)
    both = await load(connection, (into, other))
    if any(key not in both or both[key].merged_into is not None for key in (into, other)):
        # Who waited for a lock may find that the other way round was quicker: that would be a ring.
        raise Conflict("these customers were merged by somebody else meanwhile: look again")
    moved: dict[str, Any] = {}
    for table, name in _MOVED:
        moved[table.name] = await _move(connection, table, name, other, into)
    filled = _filled(both[into], both[other])
    moved["filled"] = filled
    await connection.execute(
        insert(merges).values(into_id=into, from_id=other, at=at, by=by, moved=moved, undone_by="")
    )
    await connection.execute(
        update(customers).where(customers.c.id == other).values(merged_into=into)
    )
    await touched(connection, into, at, **{name: new for name, (_, new) in filled.items()})
    await reindex(connection, [other])
    told = [(into, "merged", {"other": other}), (other, "merged into", {"into": into})]
    await log(connection, told, at, by)
    return (await load(connection, [into]))[into]


async def unmerge(connection: AsyncConnection, other: int, by: str, at: float) -> Customer:
    """See `Customers.unmerge`."""
    query = select(merges).where(merges.c.from_id == other, merges.c.undone_at.is_(None))
    row = (await connection.execute(query.order_by(merges.c.id.desc()).limit(1))).first()
    if row is None:
        raise NotFound(f"customer {other} is not merged into another")
    into = (await load(connection, [row.into_id])).get(row.into_id)
    if into is None:
        raise NotFound(f"customer {row.into_id}, which {other} was merged into, is gone")
    if into.merged_into is not None:
        raise Refused(
            f"customer {into.id} was itself merged into {into.merged_into}: unmerge {into.id} first"
        )
    await locked(connection, into.id)
    for table, name in _MOVED:
        back = _Back(table, name, into.id, other)
        await back.move(connection, row.moved.get(table.name, []))
    await connection.execute(
        update(merges).where(merges.c.id == row.id).values(undone_at=at, undone_by=by)
    )
    await connection.execute(
        update(customers).where(customers.c.id == other).values(merged_into=None)
    )
    await touched(connection, into.id, at, **_as_before(into, row.moved.get("filled", {})))
    await touched(connection, other, at)
    told = [(into.id, "unmerged", {"other": other}), (other, "unmerged", {"into": into.id})]
    await log(connection, told, at, by)
    return (await load(connection, [other]))[other]


async def merges_of(connection: AsyncConnection, customer_id: int) -> list[Merge]:
    """See `Customers.merges`."""
    query = select(merges).where(merges.c.into_id == customer_id).order_by(merges.c.id.desc())
    rows = (await connection.execute(query)).all()
    return [Merge(row.into_id, row.from_id, row.at, row.by, row.undone_at) for row in rows]


async def _move(
    connection: AsyncConnection, table: Table, name: str, source: int, into: int
) -> list[Any]:
    owner, key = table.c.customer_id, table.c[name]
    found = select(key).where(owner == source)
    if table is facts:
        # The same key at both: a fact is told once, and the one that is there already stays.
        there = select(facts.c.key).where(facts.c.customer_id == into, facts.c.key != "")
        found = found.where(facts.c.key.not_in(there))
    ids = list((await connection.scalars(found.order_by(key))).all())
    moved = update(table).where(within(connection, key, ids)).values(customer_id=into)
    await connection.execute(moved)
    return ids


@dataclass(frozen=True, slots=True)
class _Back:
    """Rows of one table, by that name, from who holds them to whose they were."""

    table: Table
    name: str
    holder: int
    to: int

    async def move(self, connection: AsyncConnection, ids: list[Any]) -> None:
        """Only what is still there: what was given to somebody else since is theirs."""
        still = self.table.c.customer_id == self.holder
        theirs = within(connection, self.table.c[self.name], ids)
        changed = update(self.table).where(theirs, still).values(customer_id=self.to)
        await connection.execute(changed)


def _filled(into: Customer, other: Customer) -> dict[str, tuple[Any, Any]]:
    """What the customer lacks and the other has: what it was, and what it becomes."""
    filled: dict[str, tuple[Any, Any]] = {}
    for name in ("name", "segment", "language"):
        mine, theirs = getattr(into, name), getattr(other, name)
        if not mine and theirs:
            filled[name] = (mine, theirs)
    tags = list(tag_list((*into.tags, *other.tags)))
    if tags != list(into.tags):
        filled["tags"] = (list(into.tags), tags)
    return filled


def _as_before(into: Customer, filled: dict[str, list[Any]]) -> dict[str, Any]:
    """What the merge filled in goes again, unless somebody changed it since."""
    back: dict[str, Any] = {}
    for name, (before, after) in filled.items():
        if name == "tags":
            came = {tag.casefold() for tag in after} - {tag.casefold() for tag in before}
            back["tags"] = [tag for tag in into.tags if tag.casefold() not in came]
        elif getattr(into, name) == after:
            back[name] = before
    return back
