"""Where passes lie until they are taken: in this machine's own store, or where all nodes look.

A pass is known by the digest of its secret. `Either` keeps them where all nodes look for as long as
that answers, and in the machine's own store while it does not: each lies in one place, so it can be
taken once, and one whose place is away is nobody's until that is back. Only where the answer to
"keep this" was lost may it lie in both.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import structlog

from ivr.backends.attempts import AWAY
from ivr.backends.store import Store

log = structlog.get_logger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS passes (
  digest TEXT PRIMARY KEY, kind TEXT NOT NULL, contact TEXT NOT NULL, about TEXT NOT NULL,
  expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passes_contact ON passes (contact);
CREATE INDEX IF NOT EXISTS passes_expires ON passes (expires)
"""

Kind = Literal["code", "chat", "form"]


@dataclass(frozen=True, slots=True)
class Pass:
    """What a secret stands for: the contact, and what is known besides (plain JSON)."""

    kind: Kind
    contact: str
    expires: float
    about: Mapping[str, Any] = field(default_factory=dict)


class Shelf(Protocol):
    """Keeps passes by the digest of their secret; `now` in epoch seconds."""

    async def keep(self, digest: str, made: Pass, now: float) -> bool:
        """Keep it; False when another one has that digest. A contact has one code at a time."""
        ...

    async def find(self, digest: str, kind: Kind, now: float, *, take: bool) -> Pass | None:
        """The pass that is good by now; who takes it is the only one, whoever else is at it."""
        ...

    async def move(self, before: str, after: str) -> None:
        """What was for the contact `before` is for `after` from here on."""
        ...

    async def forget(self, contacts: Collection[str]) -> None:
        """None of what was for these contacts is good any more."""
        ...


class StoredShelf:
    """In this machine's own store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, digest: str, made: Pass, now: float) -> bool:
        """See `Shelf`."""
        row = (digest, made.kind, made.contact, json.dumps(made.about), made.expires)

        def work(db: sqlite3.Connection) -> bool:
            db.execute("DELETE FROM passes WHERE expires <= ?", (now,))
            if made.kind == "code":
                db.execute("DELETE FROM passes WHERE contact = ? AND kind = 'code'", (row[2],))
            added = db.execute("INSERT OR IGNORE INTO passes VALUES (?, ?, ?, ?, ?)", row)
            return added.rowcount == 1

        return await self._store.run(work)

    async def find(self, digest: str, kind: Kind, now: float, *, take: bool) -> Pass | None:
        """See `Shelf`."""

        def work(db: sqlite3.Connection) -> Pass | None:
            query = "SELECT * FROM passes WHERE digest = ? AND kind = ? AND expires > ?"
            row = db.execute(query, (digest, kind, now)).fetchone()
            if row is not None and take:
                db.execute("DELETE FROM passes WHERE digest = ?", (digest,))
            if row is None:
                return None
            return Pass(kind, row["contact"], row["expires"], json.loads(row["about"]))

        return await self._store.run(work)

    async def move(self, before: str, after: str) -> None:
        """See `Shelf`."""
        change = "UPDATE passes SET contact = ? WHERE contact = ?"
        await self._store.run(lambda db: db.execute(change, (after, before)).close())

    async def forget(self, contacts: Collection[str]) -> None:
        """See `Shelf`."""
        these = [(each,) for each in contacts]
        gone = "DELETE FROM passes WHERE contact = ?"
        await self._store.run(lambda db: db.executemany(gone, these).close())


class EitherShelf:
    """`ours` is where all nodes look, `mine` this machine's own."""

    def __init__(self, ours: Shelf, mine: Shelf) -> None:
        self._ours, self._mine = ours, mine

    async def keep(self, digest: str, made: Pass, now: float) -> bool:
        """See `Shelf`."""
        try:
            return await self._ours.keep(digest, made, now)
        except AWAY as why:
            log.warning("a pass is good at this node only", kind=made.kind, why=str(why))
            return await self._mine.keep(digest, made, now)

    async def find(self, digest: str, kind: Kind, now: float, *, take: bool) -> Pass | None:
        """See `Shelf`."""
        try:
            found = await self._ours.find(digest, kind, now, take=take)
        except AWAY as why:
            log.warning("passes of the nodes cannot be looked at", why=str(why))
            found = None
        return found or await self._mine.find(digest, kind, now, take=take)

    async def move(self, before: str, after: str) -> None:
        """See `Shelf`; what cannot be moved leads to a contact that is no more."""
        try:
            await self._ours.move(before, after)
        except AWAY as why:
            log.warning("passes of a contact stay behind", contact=before, why=str(why))
        await self._mine.move(before, after)

    async def forget(self, contacts: Collection[str]) -> None:
        """See `Shelf`; raises what the place of all nodes raises, once its own is done."""
        await self._mine.forget(contacts)
        await self._ours.forget(contacts)
