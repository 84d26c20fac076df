"""Promised callbacks, kept until they are made.

`state` is "waiting" for a promise that is still to be kept; whoever dials moves it on to "done" or
"given_up". `tieline callbacks` lists them, and says what came of one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ivr.backends.store import Store, look

SCHEMA = """
CREATE TABLE IF NOT EXISTS callbacks (
  id TEXT PRIMARY KEY, contact TEXT NOT NULL, queue TEXT NOT NULL, number TEXT NOT NULL,
  needs TEXT NOT NULL, priority INTEGER NOT NULL, tell_agent TEXT NOT NULL,
  asked_at REAL NOT NULL, state TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS callbacks_state ON callbacks (state, asked_at)
"""
State = Literal["waiting", "done", "given_up"]
_MOVE = "UPDATE callbacks SET state = ? WHERE id = ? AND state = 'waiting'"
_LIST = "SELECT * FROM callbacks WHERE state = 'waiting' OR ? ORDER BY asked_at, id"


@dataclass(frozen=True, slots=True)
class Promise:
    """Somebody will be rung at `number` as a call of `queue`.

    `contact` is the call in which it was asked for, at `asked_at` (epoch seconds); needs, priority
    and `tell_agent` as in `Queue`.
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


class Promises:
    """The promises of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

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
            )
            insert = "INSERT OR IGNORE INTO callbacks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            return db.execute(insert, values).rowcount > 0

        return await self._store.run(work)

    async def move(self, promise_id: str, state: State) -> bool:
        """A waiting promise was kept or given up; False when it was not waiting."""
        return await self._store.run(lambda db: db.execute(_MOVE, (state, promise_id)).rowcount > 0)

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
        return db.execute(_MOVE, (state, promise_id)).rowcount > 0


def _promise(row: sqlite3.Row) -> Promise:
    values = dict(row)
    return Promise(**{**values, "needs": json.loads(values["needs"])})
