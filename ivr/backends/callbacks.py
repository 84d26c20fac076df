"""Promised callbacks, kept until they are made.

`state` is "waiting" for a promise that is still to be kept; whoever dials moves it on to "done" or
"given_up". `tieline callbacks` lists them, and says what came of one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from ivr.backends.store import Store, look

SCHEMA = """
CREATE TABLE IF NOT EXISTS callbacks (
  id TEXT PRIMARY KEY, contact TEXT NOT NULL, queue TEXT NOT NULL, number TEXT NOT NULL,
  needs TEXT NOT NULL, priority INTEGER NOT NULL, tell_agent TEXT NOT NULL,
  asked_at REAL NOT NULL, state TEXT NOT NULL, since REAL NOT NULL DEFAULT 0,
  customer TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 0,
  why TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS callbacks_state ON callbacks (state, asked_at)
"""
COLUMNS = {
    "since": "REAL NOT NULL DEFAULT 0",
    "customer": "TEXT NOT NULL DEFAULT ''",
    "tries": "INTEGER NOT NULL DEFAULT 0",
    "why": "TEXT NOT NULL DEFAULT ''",
}
"""What a file of an older release lacks."""
State = Literal["waiting", "done", "given_up"]
_KEEP = """INSERT OR IGNORE INTO callbacks
  (id, contact, queue, number, needs, priority, tell_agent, asked_at, state, since, customer)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_MOVE = "UPDATE callbacks SET state = ?, why = ? WHERE id = ? AND state = 'waiting'"
_TRIED = "UPDATE callbacks SET tries = ? WHERE id = ?"
_OF = "SELECT * FROM callbacks WHERE customer = ? AND state = 'waiting' ORDER BY asked_at LIMIT 1"
_LIST = "SELECT * FROM callbacks WHERE state = 'waiting' OR ? ORDER BY asked_at, id"


@dataclass(frozen=True, slots=True)
class Promise:
    """Somebody will be rung at `number` as a call of `queue`.

    `contact` is the call in which it was asked for, at `asked_at`; its place is that of `since`
    (both epoch seconds). Needs, priority and `tell_agent` as in `Queue`. `customer` is the number
    in the form in which equal numbers are equal. `tries` were made; `why` it was given up.
    """

    id: str
    contact: str
    queue: str
    number: str
    needs: Mapping[str, int] = field(default_factory=dict)
    priority: int = 0
    tell_agent: str = ""
    asked_at: float = 0.0
    state: State = "waiting"
    since: float = 0.0
    customer: str = ""
    tries: int = 0
    why: str = ""


class Keeper(Protocol):
    """Has promises dialled when their turn comes."""

    def place(self, contact: str, queue: str) -> float | None:
        """Since when this contact has waited for that queue already (epoch seconds), if it has."""
        ...

    async def put_in(self, promise: Promise) -> str | None:
        """Let the promise wait for its turn; None, or why that cannot be."""
        ...


class Promises:
    """The promises of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.on_open(_grown)

    async def keep(self, promise: Promise) -> bool:
        """Keep a promise; False when it is kept already under that id."""

        def work(db: sqlite3.Connection) -> bool:
            values = (
                promise.id,
                promise.contact,
                promise.queue,
                promise.number,
                json.dumps(dict(promise.needs), ensure_ascii=False),
                promise.priority,
                promise.tell_agent,
                promise.asked_at,
                promise.state,
                promise.since or promise.asked_at,
                promise.customer,
            )
            return db.execute(_KEEP, values).rowcount > 0

        return await self._store.run(work)

    async def move(self, promise_id: str, state: State, why: str = "") -> bool:
        """A waiting promise was kept or given up; False when it was not waiting."""
        values = (state, why, promise_id)
        return await self._store.run(lambda db: db.execute(_MOVE, values).rowcount > 0)

    async def tried(self, promise_id: str, tries: int) -> None:
        """The customer was dialled so many times by now."""
        await self._store.run(lambda db: db.execute(_TRIED, (tries, promise_id)))

    async def of(self, customer: str) -> Promise | None:
        """The promise to this customer that is still to be kept."""
        rows = await self._store.run(lambda db: db.execute(_OF, (customer,)).fetchall())
        return _promise(rows[0]) if rows else None

    async def settled(self, promises: Collection[str]) -> dict[str, State]:
        """Of these promises those that wait no more, and what came of them."""

        def work(db: sqlite3.Connection) -> dict[str, State]:
            query = "SELECT state FROM callbacks WHERE id = ? AND state != 'waiting'"
            found = {each: db.execute(query, (each,)).fetchone() for each in promises}
            return {each: row["state"] for each, row in found.items() if row is not None}

        return await self._store.run(work) if promises else {}

    async def waiting(self) -> list[Promise]:
        """Promises still to be kept, the oldest first."""
        rows = await self._store.run(lambda db: db.execute(_LIST, (False,)).fetchall())
        return [_promise(row) for row in rows]


def promises_in(path: Path, *, everything: bool = False) -> list[Promise]:
    """The same, read by another process; with `everything`, those that were kept too."""
    return [_promise(row) for row in look(path, _LIST, (everything,))]


def moved(path: Path, promise_id: str, state: State) -> bool:
    """`Promises.move`, by another process."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=5)) as db, db:
        _grown(db)
        return db.execute(_MOVE, (state, "by hand", promise_id)).rowcount > 0


def _grown(db: sqlite3.Connection) -> None:
    """Give a table of an older release the columns it lacks."""
    there = {row[1] for row in db.execute("PRAGMA table_info(callbacks)")}
    for name, kind in COLUMNS.items():
        if name not in there:
            db.execute(f"ALTER TABLE callbacks ADD COLUMN {name} {kind}")


def _promise(row: sqlite3.Row) -> Promise:
    values = dict(row)
    return Promise(**{**values, "needs": json.loads(values["needs"])})
