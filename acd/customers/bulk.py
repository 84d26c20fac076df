"""Many customers at once, as an import brings them. For this package alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.customers.addresses import Address
from acd.customers.consent import STOP, standing
from acd.customers.model import Customer
from acd.customers.rows import (
    Draft,
    add_addresses,
    add_customers,
    load,
    locate,
    log,
    owners,
    reindex,
)
from acd.customers.tables import (
    addresses,
    consents,
    contact_links,
    customer_words,
    customers,
    notes,
)
from acd.records.database import Database
from acd.records.errors import NotFound, Refused
from acd.records.text import tag_list
from acd.records.within import within

SEEN: Final = 0
"""Whose a row is that an earlier row of a dry run would have made."""
_PLAIN: Final = ("name", "segment", "language")


@dataclass(frozen=True, slots=True)
class Row:
    """A good row of a file: its number, what it says, and its cells as they were."""

    number: int
    draft: Draft
    id: int | None
    consents: Mapping[str, bool]
    cells: list[str]

    def reached_by(self) -> list[tuple[str, str]]:
        """Its addresses, as what they are found by."""
        return [(each.kind, each.value) for each in self.draft.addresses]

    def joined(self, other: Row) -> Row:
        """One row with what both have; where they differ, what came later."""
        mine, theirs = self.draft, other.draft
        reached = {(each.kind, each.value): each for each in (*theirs.addresses, *mine.addresses)}
        draft = Draft(
            theirs.name or mine.name,
            theirs.segment or mine.segment,
            theirs.language or mine.language,
            tag_list((*mine.tags, *theirs.tags)),
            tuple(reached.values()),
            "\n".join(dict.fromkeys(note for note in (mine.note, theirs.note) if note)),
        )
        return replace(self, draft=draft, consents={**self.consents, **other.consents})


@dataclass(slots=True)
class Known:
    """Whose the rows of a batch are; below 0, rows of the batch itself, counted from -1."""

    _owners: dict[tuple[str, str], int]
    _ids: Mapping[int, int]
    _new: int = field(default=0)

    @classmethod
    async def of(
        cls,
        connection: AsyncConnection,
        rows: Sequence[Row],
        seen: Iterable[tuple[str, str]] = (),
    ) -> Known:
        """All that the database knows of these rows."""
        held = await owners(connection, [a for row in rows for a in row.draft.addresses])
        ids = {}
        for row in rows:
            if row.id is not None and row.id not in ids:
                try:
                    ids[row.id] = await locate(connection, row.id)
                except NotFound:
                    continue
        return cls({**dict.fromkeys(seen, SEEN), **held}, ids)

    def owner(self, row: Row) -> int | None:
        """Whose this row is, None for nobody's. Raises `Refused` when it cannot be one's alone."""
        found = {self._owners[key] for key in row.reached_by() if key in self._owners}
        if row.id is not None:
            if row.id not in self._ids:
                raise Refused(
                    f"there is no customer {row.id}: leave the number empty for a new one"
                )
            found.add(self._ids[row.id])
        if len(found) > 1:
            known = ", ".join(str(each) for each in sorted(found) if each > 0) or "earlier rows"
            raise Refused(
                f"this is more than one customer ({known}): merge them first, or correct it"
            )
        return next(iter(found), None)

    def remember(self, row: Row) -> Row:
        """A row that makes a customer: what comes after it may be the same."""
        self._new += 1
        self.also(row, -self._new)
        return row

    def also(self, row: Row, owner: int) -> None:
        """The addresses of this row are that owner's, too."""
        self._owners.update(dict.fromkeys(row.reached_by(), owner))


async def count_anew(database: Database) -> None:
    """Let PostgreSQL look at what came in: a plan made for empty tables reads all of a full one."""
    async with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            names = (customers, addresses, consents, contact_links, notes)
            tables = ", ".join((*(table.name for table in names), customer_words.name))
            await connection.execute(text(f"ANALYZE {tables}"))


async def add_new(
    connection: AsyncConnection, rows: Sequence[Row], *, at: float, by: str
) -> tuple[list[int], int]:
    """New customers; their ids, and how many consents a STOP stands against."""
    if not rows:
        return [], 0
    ids = await add_customers(connection, [row.draft for row in rows], at, by, "imported")
    said = {key: row.consents for key, row in zip(ids, rows, strict=True) if row.consents}
    return ids, len((await _say(connection, said, at, by))[1])


async def update_known(
    connection: AsyncConnection,
    rows: Sequence[tuple[int, Row]],
    *,
    at: float,
    by: str,
    dry_run: bool,
) -> tuple[list[int], int]:
    """Customers who are there already get what the rows say; the ids of those who changed, and how
    many consents a STOP stands against."""
    whole: dict[int, Row] = {}
    for key, row in rows:
        if key != SEEN:
            whole[key] = whole[key].joined(row) if key in whole else row
    before = await load(connection, whole)
    written = await _notes_of(connection, [key for key, row in whole.items() if row.draft.note])
    changes = {
        key: change
        for key, row in whole.items()
        if (change := _change(before[key], row.draft, written.get(key, set()))).is_any
    }
    if not dry_run:
        await _apply(connection, before, changes, at, by)
    said = {key: row.consents for key, row in whole.items() if row.consents}
    told, kept_out = await _say(connection, said, at, by, dry_run=dry_run)
    return list({*changes, *told}), len(kept_out)


@dataclass(frozen=True, slots=True)
class _Change:
    values: dict[str, Any]
    addresses: tuple[Address, ...]
    note: str

    @property
    def is_any(self) -> bool:
        return bool(self.values or self.addresses or self.note)


def _change(before: Customer, draft: Draft, written: set[str]) -> _Change:
    """What a row says that is not so yet. What it leaves empty stays."""
    values: dict[str, Any] = {}
    for name in _PLAIN:
        new = getattr(draft, name)
        if new and new != getattr(before, name):
            values[name] = new
    tags = tag_list((*before.tags, *draft.tags))
    if tags != before.tags:
        values["tags"] = list(tags)
    held = {(each.kind, each.value) for each in before.addresses}
    new_ones = tuple(each for each in draft.addresses if (each.kind, each.value) not in held)
    return _Change(values, new_ones, "" if draft.note in written else draft.note)


async def _apply(
    connection: AsyncConnection,
    before: Mapping[int, Customer],
    changes: Mapping[int, _Change],
    at: float,
    by: str,
) -> None:
    if not changes:
        return
    rows, told = [], []
    for key, change in changes.items():
        was = before[key]
        row = {name: getattr(was, name) for name in _PLAIN} | {"tags": list(was.tags)}
        rows.append({"key": key, **row, **change.values})
        detail: dict[str, Any] = {name: [row[name], new] for name, new in change.values.items()}
        if change.addresses:
            detail["addresses"] = [f"{each.kind} {each.value}" for each in change.addresses]
        told.append((key, "imported", detail))
    names = ("name", "segment", "language", "tags")
    statement = (
        update(customers)
        .where(customers.c.id == bindparam("key"))
        .values({name: bindparam(name) for name in names})
        .values(updated_at=at, version=customers.c.version + 1)
    )
    await connection.execute(statement, rows)
    await add_addresses(connection, {key: each.addresses for key, each in changes.items()}, by)
    new_notes = [
        {"customer_id": key, "at": at, "by": by, "text": change.note, "contact_id": None}
        for key, change in changes.items()
        if change.note
    ]
    if new_notes:
        await connection.execute(insert(notes), new_notes)
    await log(connection, told, at, by)
    await reindex(connection, changes)


async def _notes_of(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    query = select(notes.c.customer_id, notes.c.text)
    rows = await connection.execute(query.where(within(connection, notes.c.customer_id, ids)))
    for key, written in rows:
        found.setdefault(key, set()).add(written)
    return found


async def _say(
    connection: AsyncConnection,
    said: Mapping[int, Mapping[str, bool]],
    at: float,
    by: str,
    *,
    dry_run: bool = False,
) -> tuple[set[int], list[tuple[int, str]]]:
    """Consents for all of a channel: who said something that was not so yet, and what a STOP
    stands against."""
    stand = await standing(connection, list(said))
    rows: list[dict[str, Any]] = []
    kept_out: list[tuple[int, str]] = []
    for key, channels in said.items():
        for channel, given in channels.items():
            own = [each for each in stand.get(key, ()) if each.channel == channel]
            if given and any(each.how == STOP and not each.given for each in own):
                kept_out.append((key, channel))
            elif not any(each.address is None and each.given == given for each in own):
                row = {"customer_id": key, "channel": channel, "kind": "", "value": "", "at": at}
                rows.append({**row, "given": given, "how": "import", "by": by})
    if rows and not dry_run:
        await connection.execute(insert(consents), rows)
    return {row["customer_id"] for row in rows}, kept_out
