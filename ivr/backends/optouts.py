"""Who wants no text messages: a STOP holds until the same number says START.

It is asked at the moment a message is accepted, and once more when it goes out. It does not depend
on any database but the one that messages wait in, so it holds whatever else is away.
"""

from __future__ import annotations

import sqlite3

from ivr.backends.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS optouts (
  number TEXT PRIMARY KEY, out INTEGER NOT NULL, at REAL NOT NULL, how TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS arrived (id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID
"""
REMEMBERED = 7 * 86_400.0
"""Seconds for which a provider's message is known by its id; none is sent again for so long."""


class OptOuts:
    """Numbers in their international form."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def say(self, number: str, out: bool, now: float, how: str) -> None:
        """They said STOP (`out`) or START; `how` is their word, or who said it for them."""
        row = (number, int(out), now, how)
        insert = "INSERT OR REPLACE INTO optouts VALUES (?, ?, ?, ?)"
        await self._store.run(lambda db: db.execute(insert, row).close())

    async def out(self, number: str) -> bool:
        """Whether this number wants no messages."""
        find = "SELECT out FROM optouts WHERE number = ?"
        row = await self._store.run(lambda db: db.execute(find, (number,)).fetchone())
        return row is not None and bool(row[0])


class Arrived:
    """Messages of providers that were taken, by the id that the provider gave them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def before(self, name: str) -> bool:
        """Whether it was taken already."""
        find = "SELECT 1 FROM arrived WHERE id = ?"
        return bool(await self._store.run(lambda db: db.execute(find, (name,)).fetchone()))

    async def note(self, name: str, now: float) -> None:
        """It was taken."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR IGNORE INTO arrived VALUES (?, ?)", (name, now))
            db.execute("DELETE FROM arrived WHERE at < ?", (now - REMEMBERED,))

        await self._store.run(work)
