"""Numbers that nobody here dials for a callback, whoever promised it. `tieline do-not-call`.

A number stands in the form in which equal numbers are equal (`ivr.backends.numbers`).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ivr.backends.store import Store, look

SCHEMA = """
CREATE TABLE IF NOT EXISTS do_not_call (
  number TEXT PRIMARY KEY, since REAL NOT NULL, because TEXT NOT NULL
) WITHOUT ROWID
"""
_ADD = "INSERT OR REPLACE INTO do_not_call VALUES (?, ?, ?)"
_LIST = "SELECT * FROM do_not_call ORDER BY number"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A number that is not to be called, since when (epoch seconds), and why, if anybody said."""

    number: str
    since: float
    because: str = ""


class DoNotCall:
    """The list of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def has(self, number: str) -> bool:
        """Whether that number is not to be called."""

        def work(db: sqlite3.Connection) -> bool:
            query = "SELECT 1 FROM do_not_call WHERE number = ?"
            return db.execute(query, (number,)).fetchone() is not None

        return await self._store.run(work)


def refusals_in(path: Path) -> list[Refusal]:
    """The list, read by another process."""
    return [Refusal(**dict(row)) for row in look(path, _LIST)]


def refuse(path: Path, refusal: Refusal) -> None:
    """Put a number on the list, by another process; the file is made when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with closing(sqlite3.connect(path, timeout=5)) as db, db:
        path.chmod(0o600)
        db.execute(SCHEMA)
        db.execute(_ADD, (refusal.number, refusal.since, refusal.because))


def allow(path: Path, number: str) -> bool:
    """Take a number off the list, by another process; False when it was not on it."""
    if number not in {each.number for each in refusals_in(path)}:
        return False
    with closing(sqlite3.connect(path, timeout=5)) as db, db:
        return db.execute("DELETE FROM do_not_call WHERE number = ?", (number,)).rowcount > 0
