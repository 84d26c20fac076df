"""Customers as rows: read, written, logged, and found by their words. For this package alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.customers.addresses import Address
from acd.customers.model import Customer
from acd.customers.numbers import spellings
from acd.customers.tables import (
    addresses,
    changes,
    consents,
    contact_links,
    customer_words,
    customers,
    facts,
    notes,
)
from acd.records.contact import Json
from acd.records.errors import Conflict, NotFound
from acd.records.within import within
from acd.records.words import words

MOST_ADDRESSES: Final = 50
SHORTEST_END: Final = 3
"""Digits that are enough to look for in a number."""
NOTES_SEARCHED: Final = 50
"""The latest notes, and as many facts, that a customer is found by."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A customer who is not there yet; everything in its normal form."""

    name: str = ""
    segment: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    note: str = ""


# --- reading --------------------------------------------------------------------------------------


async def load(connection: AsyncConnection, ids: Iterable[int]) -> dict[int, Customer]:
    """The customers of these ids, merged ones too, in the order given."""
    wanted = list(dict.fromkeys(ids))
    found: dict[int, Any] = {}
    reached: dict[int, list[Address]] = {}
    query = select(customers).where(within(connection, customers.c.id, wanted))
    for row in (await connection.execute(query)).mappings():
        found[row["id"]] = row
    query = select(addresses).where(within(connection, addresses.c.customer_id, wanted))
    for row in (await connection.execute(query.order_by(addresses.c.id))).mappings():
        address = Address(row["kind"], row["value"], row["label"])
        reached.setdefault(row["customer_id"], []).append(address)
    return {key: customer(found[key], reached.get(key, ())) for key in wanted if key in found}


def customer(row: Mapping[str, Any], reached: Sequence[Address]) -> Customer:
    """A row of `customers` with its addresses."""
    return Customer(**{**row, "tags": tuple(row["tags"])}, addresses=tuple(reached))


async def candidates(connection: AsyncConnection, ids: Sequence[int]) -> list[Any]:
    """What a search looks at of each of these customers."""
    looked_at = (customers.c.name, customers.c.segment, customers.c.tags, customers.c.updated_at)
    query = select(customers.c.id, *looked_at).where(within(connection, customers.c.id, ids))
    return list((await connection.execute(query)).all())


async def locate(connection: AsyncConnection, customer_id: int) -> int:
    """The id of the customer, or of the one it was merged into. Raises `NotFound`."""
    seen = set()
    key = customer_id
    while key not in seen and 0 < key < 2**63:
        seen.add(key)
        query = select(customers.c.merged_into).where(customers.c.id == key)
        row = (await connection.execute(query)).first()
        if row is None:
            break
        if row[0] is None:
            return key
        key = row[0]
    raise NotFound(f"there is no customer {customer_id}")


async def locked(
    connection: AsyncConnection, customer_id: int, version: int | None = None
) -> Customer:
    """The customer as it is, kept from others until the transaction ends.

    Raises `NotFound`, and `Conflict` when it is not of that version any more.
    """
    key = await locate(connection, customer_id)
    # SQLite keeps everybody from writing meanwhile, and reads past this.
    query = select(customers.c.version).where(customers.c.id == key).with_for_update()
    now = await connection.scalar(query)
    if version is not None and now != version:
        raise Conflict(f"customer {key} was changed meanwhile: look at it again")
    return (await load(connection, [key]))[key]


async def owners(
    connection: AsyncConnection, wanted: Iterable[Address]
) -> dict[tuple[str, str], int]:
    """Whose these addresses are, by kind and value; those of nobody are left out."""
    found = {}
    query = select(addresses.c.kind, addresses.c.value, addresses.c.customer_id)
    for which in held(connection, addresses, {(each.kind, each.value) for each in wanted}):
        for kind, value, owner in await connection.execute(query.where(which)):
            found[kind, value] = owner
    return found


def held(
    connection: AsyncConnection, table: Table, keys: Iterable[tuple[str, str]]
) -> Iterator[ColumnElement[bool]]:
    """Conditions that together hold for the rows of these kinds and values, index by index."""
    by_kind: dict[str, list[str]] = {}
    for kind, value in keys:
        by_kind.setdefault(kind, []).append(value)
    for kind, values in by_kind.items():
        yield (table.c.kind == kind) & within(connection, table.c.value, values)


# --- writing --------------------------------------------------------------------------------------


async def add_customers(
    connection: AsyncConnection, drafts: Sequence[Draft], at: float, by: str, how: str
) -> list[int]:
    """New customers, their ids in the order given; their addresses must be nobody's."""
    plain = [
        {
            "name": draft.name,
            "segment": draft.segment,
            "language": draft.language,
            "tags": list(draft.tags),
            "created_at": at,
            "updated_at": at,
            "version": 1,
            "merged_into": None,
        }
        for draft in drafts
    ]
    made = insert(customers).returning(customers.c.id, sort_by_parameter_order=True)
    ids = list((await connection.scalars(made, plain)).all())
    pairs = list(zip(ids, drafts, strict=True))
    await add_addresses(connection, {key: draft.addresses for key, draft in pairs}, by)
    await log(connection, [(key, how, {}) for key in ids], at, by)
    written = [
        {"customer_id": key, "at": at, "by": by, "text": draft.note, "contact_id": None}
        for key, draft in pairs
        if draft.note
    ]
    if written:
        await connection.execute(insert(notes), written)
    found_by = {
        key: draft_words(draft.name, draft.addresses, draft.tags, draft.segment, (draft.note,))
        for key, draft in pairs
    }
    await customer_words.add(connection, found_by)
    return ids


async def add_addresses(
    connection: AsyncConnection, reached: Mapping[int, Sequence[Address]], by: str
) -> None:
    """More addresses; contacts that came by them and are nobody's become their customer's."""
    new = [(key, each) for key, many in reached.items() for each in many]
    if not new:
        return
    rows = [
        {"customer_id": key, "kind": each.kind, "value": each.value, "label": each.label}
        for key, each in new
    ]
    await connection.execute(insert(addresses), rows)
    owner = {
        (each.kind, spelling): key
        for key, each in new
        for spelling in (spellings(each.value) if each.kind == "phone" else (each.value,))
    }
    for table, key in ((contact_links, "contact_id"), (consents, "id")):
        # What a stranger left behind by this address: contacts, and a STOP.
        query = select(table.c[key], table.c.kind, table.c.value)
        for which in held(connection, table, owner):
            nobodys = query.where(which, table.c.customer_id.is_(None))
            for row in (await connection.execute(nobodys)).all():
                values: dict[str, Any] = {"customer_id": owner[row.kind, row.value]}
                if table is contact_links:
                    values |= {"sure": "recognised", "by": by}
                changed = update(table).where(table.c[key] == row[0]).values(values)
                await connection.execute(changed)


async def log(
    connection: AsyncConnection,
    told: Sequence[tuple[int, str, Mapping[str, Json]]],
    at: float,
    by: str,
) -> None:
    """Write down changes: customer, what, detail."""
    rows = [
        {"customer_id": key, "at": at, "by": by, "what": what, "detail": dict(detail)}
        for key, what, detail in told
    ]
    if rows:
        await connection.execute(insert(changes), rows)


async def touched(connection: AsyncConnection, key: int, at: float, **values: Any) -> None:
    """The row with new values, one version on; and the words it is found by."""
    await connection.execute(
        update(customers)
        .where(customers.c.id == key)
        .values(**values, updated_at=at, version=customers.c.version + 1)
    )
    await reindex(connection, [key])


async def reindex(connection: AsyncConnection, ids: Iterable[int]) -> None:
    """Find these customers by what they are now; merged ones not at all."""
    known = await load(connection, ids)
    kept = {key: each for key, each in known.items() if each.merged_into is None}
    written = await _written(connection, list(kept))
    await customer_words.drop(connection, known)
    await customer_words.add(
        connection,
        {
            key: draft_words(
                each.name, each.addresses, each.tags, each.segment, written.get(key, ())
            )
            for key, each in kept.items()
        },
    )


async def _written(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[str]]:
    """The latest notes and facts of each, as text."""
    found: dict[int, list[str]] = {}
    for table, columns in ((notes, (notes.c.text,)), (facts, (facts.c.kind, facts.c.data))):
        counted: Counter[int] = Counter()
        query = select(table.c.customer_id, *columns).order_by(table.c.at.desc())
        # An import brings many who have few notes; one customer may have very many.
        most = NOTES_SEARCHED if len(ids) == 1 else None
        query = query.where(within(connection, table.c.customer_id, ids)).limit(most)
        for key, *values in await connection.execute(query):
            counted[key] += 1
            if counted[key] <= NOTES_SEARCHED:
                found.setdefault(key, []).append(_as_text(values))
    return found


def _as_text(values: Sequence[Any]) -> str:
    if len(values) == 1:
        return str(values[0])
    kind, data = values
    plain = (str(value) for value in data.values() if isinstance(value, str | int))
    return " ".join((kind, *plain))


def draft_words(
    name: str,
    reached: Sequence[Address],
    tags: Sequence[str],
    segment: str,
    written: Sequence[str],
) -> dict[str, list[str]]:
    """The words a customer is found by, by column of `customer_words`."""
    return {
        "name": words(name),
        "address": [word for each in reached for word in address_words(each)],
        "label": words(" ".join((*tags, segment))),
        "text": words("\n".join(written)),
    }


def address_words(address: Address) -> list[str]:
    """A number by each of its ends, so that any part of it is the beginning of one."""
    if address.kind != "phone":
        return words(address.value)
    digits = address.value.lstrip("+")
    return [digits[start:] for start in range(max(1, len(digits) - SHORTEST_END + 1))]


async def count(connection: AsyncConnection) -> int:
    """How many customers there are, merged ones aside."""
    query = select(func.count()).select_from(customers).where(customers.c.merged_into.is_(None))
    return await connection.scalar(query) or 0
