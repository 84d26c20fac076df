"""Customers: who they are, what is written about them, and how they are found.

A stranger's call makes no customer. Most strangers call once, and a row that knows nothing but a
number is in everybody's way: it is found in place of people, kept, and must be erased. The contact
itself is kept with the number it came from, so once somebody creates a customer with that number,
all the earlier contacts are theirs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.customers import merging
from acd.customers.addresses import Address, form_of, normal
from acd.customers.model import Change, Customer, Fact, Merge, Note
from acd.customers.rows import (
    MOST_ADDRESSES,
    Draft,
    add_addresses,
    add_customers,
    candidates,
    load,
    locate,
    locked,
    log,
    owners,
    reindex,
    touched,
)
from acd.customers.search import CANDIDATES, EVERYBODY, Query
from acd.customers.tables import addresses, changes, customer_words, customers, facts, notes
from acd.records.contact import Json
from acd.records.database import Database
from acd.records.errors import Conflict, NotFound, Refused
from acd.records.text import LONGEST_WORD, one_line, prose, tag_list

LARGEST_FACT: Final = 16_384
"""Bytes of JSON in one fact."""


class Customers:
    """All that is asked of customers and told about them.

    `region` is where numbers without a country are at home (such as `CN`), asked each time. Every
    method raises `RecordsUnavailable` when the database is away.
    """

    def __init__(
        self,
        database: Database,
        region: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._region, self._clock = database, region, clock

    # --- who -------------------------------------------------------------------------------------

    async def create(
        self,
        *,
        name: str = "",
        segment: str = "",
        language: str = "",
        tags: Iterable[str] = (),
        addresses: Iterable[Address] = (),
        by: str,
    ) -> Customer:
        """A new customer. Raises `Refused`, and `Conflict` when an address is somebody's."""
        draft = Draft(
            one_line(name, "a name"),
            one_line(segment, "a segment", LONGEST_WORD),
            one_line(language, "a language", LONGEST_WORD),
            tag_list(tags),
            self.normal(addresses),
        )
        if not draft.name and not draft.addresses:
            raise Refused("a customer has a name or an address")
        async with self._database.writing() as connection:
            await _must_be_free(connection, draft.addresses)
            (key,) = await add_customers(connection, [draft], self._clock(), by, "created")
            return (await load(connection, [key]))[key]

    def normal(self, given: Iterable[Address]) -> tuple[Address, ...]:
        """Addresses in the form in which they are kept, each once. Raises `Refused`."""
        found: dict[tuple[str, str], Address] = {}
        for each in given:
            value = normal(each.kind, each.value, self._region())
            label = one_line(each.label, "a label", LONGEST_WORD)
            found.setdefault((each.kind, value), Address(each.kind, value, label))
        if len(found) > MOST_ADDRESSES:
            raise Refused(f"{len(found)} addresses: {MOST_ADDRESSES} are the most")
        return tuple(found.values())

    async def get(self, customer_id: int) -> Customer:
        """The customer; for a merged one, who it was merged into. Raises `NotFound`."""
        async with self._database.reading() as connection:
            key = await locate(connection, customer_id)
            return (await load(connection, [key]))[key]

    async def by_address(self, kind: str, value: str) -> Customer | None:
        """Whose address this is, in any spelling; None when it is nobody's, or no address."""
        form = form_of(kind, value, self._region())
        if form is None:
            return None
        async with self._database.reading() as connection:
            query = select(addresses.c.customer_id)
            query = query.where(addresses.c.kind == kind, addresses.c.value == form)
            key = await connection.scalar(query)
            return None if key is None else (await load(connection, [key]))[key]

    async def find(
        self,
        text: str = "",
        *,
        name: str = "",
        number: str = "",
        email: str = "",
        tag: str = "",
        segment: str = "",
        limit: int = 50,
    ) -> list[Customer]:
        """Customers that fit all that is given, the best first.

        Words are looked for by their beginnings, numbers by any three digits in a row or more; a
        tag and a segment are whole. With nothing given, those who changed last.
        """
        query = Query(text, name, number, email, tag, segment)
        async with self._database.reading() as connection:
            if query.is_empty:
                return await _latest(connection, limit)
            wanted = query.terms(self._region())
            most = EVERYBODY if query.tag or query.segment else CANDIDATES
            hits = await customer_words.latest(connection, wanted, most)
            best = query.best(await candidates(connection, hits), limit)
            return list((await load(connection, best)).values())

    async def edit(
        self,
        customer_id: int,
        *,
        by: str,
        version: int | None = None,
        name: str | None = None,
        segment: str | None = None,
        language: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> Customer:
        """Change what is given; None stays. Raises `NotFound`, `Refused`, and `Conflict` when the
        customer is not of that version any more."""
        given: dict[str, Any] = {}
        if name is not None:
            given["name"] = one_line(name, "a name")
        if segment is not None:
            given["segment"] = one_line(segment, "a segment", LONGEST_WORD)
        if language is not None:
            given["language"] = one_line(language, "a language", LONGEST_WORD)
        if tags is not None:
            given["tags"] = list(tag_list(tags))
        async with self._database.writing() as connection:
            before = await locked(connection, customer_id, version)
            return await self._changed(connection, before, given, by)

    async def tag(self, customer_id: int, tags: Iterable[str], by: str) -> Customer:
        """Add tags. Raises `NotFound`, `Refused`."""
        async with self._database.writing() as connection:
            before = await locked(connection, customer_id)
            return await self._changed(
                connection, before, {"tags": list(tag_list((*before.tags, *tags)))}, by
            )

    async def untag(self, customer_id: int, tags: Iterable[str], by: str) -> Customer:
        """Take tags away. Raises `NotFound`."""
        gone = {each.casefold() for each in tag_list(tags)}
        async with self._database.writing() as connection:
            before = await locked(connection, customer_id)
            kept = [tag for tag in before.tags if tag.casefold() not in gone]
            return await self._changed(connection, before, {"tags": kept}, by)

    async def _changed(
        self, connection: AsyncConnection, before: Customer, given: Mapping[str, Any], by: str
    ) -> Customer:
        was: dict[str, Any] = {name: getattr(before, name) for name in given}
        was = {name: list(value) if name == "tags" else value for name, value in was.items()}
        new = {name: value for name, value in given.items() if value != was[name]}
        if not new:
            return before
        at = self._clock()
        await touched(connection, before.id, at, **new)
        detail = {name: [was[name], value] for name, value in new.items()}
        await log(connection, [(before.id, "edited", detail)], at, by)
        return (await load(connection, [before.id]))[before.id]

    # --- addresses -------------------------------------------------------------------------------

    async def add_address(self, customer_id: int, address: Address, by: str) -> Customer:
        """One address more. Raises `NotFound`, `Refused`, and `Conflict` when it is another's."""
        (wanted,) = self.normal([address])
        async with self._database.writing() as connection:
            before = await locked(connection, customer_id)
            if any((a.kind, a.value) == (wanted.kind, wanted.value) for a in before.addresses):
                return before
            if len(before.addresses) >= MOST_ADDRESSES:
                raise Refused(f"a customer has at most {MOST_ADDRESSES} addresses")
            await _must_be_free(connection, [wanted])
            await add_addresses(connection, {before.id: [wanted]}, by)
            return await self._readdressed(connection, before, "address added", wanted, by)

    async def remove_address(self, customer_id: int, address: Address, by: str) -> Customer:
        """One address less. Raises `NotFound` when the customer has no such address."""
        (wanted,) = self.normal([address])
        async with self._database.writing() as connection:
            before = await locked(connection, customer_id)
            gone = await connection.execute(
                delete(addresses).where(
                    addresses.c.customer_id == before.id,
                    addresses.c.kind == wanted.kind,
                    addresses.c.value == wanted.value,
                )
            )
            if not gone.rowcount:
                raise NotFound(f"customer {before.id} has no {wanted.kind} {wanted.value}")
            return await self._readdressed(connection, before, "address removed", wanted, by)

    async def _readdressed(
        self,
        connection: AsyncConnection,
        before: Customer,
        what: str,
        address: Address,
        by: str,
    ) -> Customer:
        at = self._clock()
        await touched(connection, before.id, at)
        detail: dict[str, Json] = {"kind": address.kind, "value": address.value}
        await log(connection, [(before.id, what, detail)], at, by)
        return (await load(connection, [before.id]))[before.id]

    # --- notes and facts -------------------------------------------------------------------------

    async def note(self, customer_id: int, text: str, by: str, contact: str | None = None) -> Note:
        """Write something about a customer. Raises `NotFound`, `Refused`."""
        kept = prose(text, "a note")
        at = self._clock()
        async with self._database.writing() as connection:
            key = (await locked(connection, customer_id)).id
            row = {"customer_id": key, "at": at, "by": by, "text": kept, "contact_id": contact}
            made = await connection.scalar(insert(notes).values(row).returning(notes.c.id))
            await reindex(connection, [key])
        return Note(made or 0, key, at, by, kept, contact)

    async def notes(self, customer_id: int, limit: int = 50) -> list[Note]:
        """What was written, the latest first. Raises `NotFound`."""
        async with self._database.reading() as connection:
            key = await locate(connection, customer_id)
            query = select(notes).where(notes.c.customer_id == key)
            query = query.order_by(notes.c.at.desc(), notes.c.id.desc()).limit(limit)
            rows = (await connection.execute(query)).all()
        return [Note(r.id, r.customer_id, r.at, r.by, r.text, r.contact_id) for r in rows]

    async def delete_note(self, note_id: int, by: str) -> None:
        """Take a note away; that there was one stays written down. Raises `NotFound`."""
        async with self._database.writing() as connection:
            gone = delete(notes).where(notes.c.id == note_id).returning(notes.c.customer_id)
            key = await connection.scalar(gone)
            if key is None:
                raise NotFound(f"there is no note {note_id}")
            await reindex(connection, [key])
            await log(connection, [(key, "note deleted", {"note": note_id})], self._clock(), by)

    async def add_fact(
        self,
        customer_id: int,
        kind: str,
        data: Mapping[str, Json],
        *,
        at: float | None = None,
        key: str = "",
        by: str,
    ) -> Fact:
        """Keep what another system knows. The same `key` again takes the old one's place.

        Raises `NotFound`, `Refused`.
        """
        kind = one_line(kind, "a kind", LONGEST_WORD)
        if not kind:
            raise Refused("a fact has a kind, such as purchase")
        try:
            size = len(json.dumps(data, allow_nan=False).encode())
        except (TypeError, ValueError):
            raise Refused("the data of a fact is a JSON object") from None
        if size > LARGEST_FACT:
            raise Refused(f"the data of a fact has {size:,} bytes: {LARGEST_FACT:,} are the most")
        values = {
            "kind": kind,
            "at": self._clock() if at is None else at,
            "key": one_line(key, "a key"),
            "data": json.loads(json.dumps(data).replace("\\u0000", "")),
            "by": by,
        }
        async with self._database.writing() as connection:
            owner = (await locked(connection, customer_id)).id
            made = await _put_fact(connection, owner, values)
            await reindex(connection, [owner])
        return Fact(id=made, customer=owner, **values)

    async def facts(
        self, customer_id: int, kind: str | None = None, limit: int = 100
    ) -> list[Fact]:
        """What other systems told, the latest first. Raises `NotFound`."""
        async with self._database.reading() as connection:
            key = await locate(connection, customer_id)
            query = select(facts).where(facts.c.customer_id == key)
            if kind is not None:
                query = query.where(facts.c.kind == kind)
            query = query.order_by(facts.c.at.desc(), facts.c.id.desc()).limit(limit)
            rows = (await connection.execute(query)).all()
        return [Fact(r.id, r.customer_id, r.kind, r.at, r.key, r.data, r.by) for r in rows]

    # --- what became of them ---------------------------------------------------------------------

    async def history(self, customer_id: int, limit: int = 100) -> list[Change]:
        """Who changed what, the latest first. Raises `NotFound`."""
        async with self._database.reading() as connection:
            key = await locate(connection, customer_id)
            query = select(changes).where(changes.c.customer_id == key)
            query = query.order_by(changes.c.at.desc(), changes.c.id.desc()).limit(limit)
            rows = (await connection.execute(query)).all()
        return [Change(r.id, r.customer_id, r.at, r.by, r.what, r.detail) for r in rows]

    async def merge(self, into: int, other: int, by: str) -> Customer:
        """`other` becomes part of `into`, with all it has. Raises `NotFound`, `Refused`."""
        async with self._database.writing() as connection:
            return await merging.merge(connection, into, other, by, self._clock())

    async def unmerge(self, other: int, by: str) -> Customer:
        """`other` is a customer of its own again, with what it had.

        What came since stays where it is. Raises `NotFound`, `Refused`.
        """
        async with self._database.writing() as connection:
            return await merging.unmerge(connection, other, by, self._clock())

    async def merges(self, customer_id: int) -> list[Merge]:
        """What was merged into this customer, the latest first. Raises `NotFound`."""
        async with self._database.reading() as connection:
            return await merging.merges_of(connection, await locate(connection, customer_id))


async def _latest(connection: AsyncConnection, limit: int) -> list[Customer]:
    query = select(customers.c.id).where(customers.c.merged_into.is_(None))
    ids = await connection.scalars(query.order_by(customers.c.id.desc()).limit(limit))
    return list((await load(connection, ids.all())).values())


async def _must_be_free(connection: AsyncConnection, wanted: Sequence[Address]) -> None:
    for (kind, value), owner in (await owners(connection, wanted)).items():
        raise Conflict(f"{kind} {value} belongs to customer {owner}: take it there, or merge them")


async def _put_fact(connection: AsyncConnection, owner: int, values: Mapping[str, Any]) -> int:
    if values["key"]:
        same = (facts.c.customer_id == owner, facts.c.key == values["key"])
        replaced = update(facts).where(*same).values(**values).returning(facts.c.id)
        if (known := await connection.scalar(replaced)) is not None:
            return int(known)
    made = insert(facts).values(customer_id=owner, **values).returning(facts.c.id)
    return int(await connection.scalar(made) or 0)
