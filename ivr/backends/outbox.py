"""Text messages on their way out; what was accepted is sent, over restarts and bad gateways.

A message is in the store before anybody is told that it was accepted. A sender hands it to the
gateway and tries again, less and less often, until the gateway takes it, refuses it, or gives up
after `PATIENCE`. Processes that share the store share the work: each message is claimed by one, and
what a process had claimed that is no more is claimed by the next who looks. A gateway that had
taken it knows it by its id.

One-time codes are masked in the kept copy. What has to be sent instead is held in memory only, so a
code that was not sent before a restart never is: the caller asks for another one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ivr.backends.owners import is_gone, this_process
from ivr.backends.store import Store, look

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
  id TEXT PRIMARY KEY, contact TEXT NOT NULL, number TEXT NOT NULL, body TEXT NOT NULL,
  parts INTEGER NOT NULL, masked INTEGER NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,
  made REAL NOT NULL, changed REAL NOT NULL, tries INTEGER NOT NULL, due REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state, due);
CREATE INDEX IF NOT EXISTS outbox_number ON outbox (number, made);
CREATE TABLE IF NOT EXISTS outbox_way (
  id TEXT PRIMARY KEY, sender TEXT NOT NULL, receipt TEXT NOT NULL, way TEXT NOT NULL,
  said REAL NOT NULL, earliest REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_receipt ON outbox_way (receipt);
CREATE TABLE IF NOT EXISTS outbox_claim (id TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID
"""
"""`outbox_way` has what not every provider knows of a message: the number it goes out from, the
provider's own id of it, how far it says that it has come, and before when it must not be sent.
`outbox_claim` has the processes that are sending a message just now, by `ivr.backends.owners`."""
PATIENCE = 24 * 3600.0
"""Seconds after which a message says nothing useful any more."""
KEPT = 30 * 86400.0
"""Seconds a message stays listed after it was sent or given up."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 900.0
CLAIM = 120.0
"""Seconds in which a message is nobody else's while the process lives that has claimed it; longer
than any gateway may take."""

PER_HOUR = 20
"""Messages that one number gets in an hour: a flow that goes round must not empty a purse."""

Way = Literal["", "sent", "delivered", "undelivered", "read"]
_FURTHER: Mapping[Way, int] = {"": 0, "sent": 1, "undelivered": 2, "delivered": 3, "read": 4}
State = Literal["queued", "sent", "failed"]
Kept = Literal["kept", "known", "too many"]
_CHANGE = "UPDATE outbox SET state = ?, why = ?, tries = ?, due = ?, changed = ? WHERE id = ?"
_CLAIM = "INSERT OR REPLACE INTO outbox_claim VALUES (?, ?)"
_DUE = (
    "UPDATE outbox SET due = ? WHERE state = 'queued' "
    "AND id IN (SELECT id FROM outbox_claim WHERE owner = ?)"
)
_ALL = (
    "SELECT outbox.*, sender, receipt, way, earliest FROM outbox LEFT JOIN outbox_way USING (id) "
)
_NEXT = (
    f"{_ALL} WHERE state = 'queued' AND (due <= :now OR due > :now + :far) "
    "AND ifnull(earliest, 0) <= :now ORDER BY due, id LIMIT 1"
)
FAR = 2 * LONGEST_PAUSE
"""Nothing is due so late: the clock was put back meanwhile."""
_LIST = f"{_ALL} WHERE state = 'queued' OR ? ORDER BY made, id"


@dataclass(frozen=True, slots=True)
class Message:
    """One text message; times in epoch seconds.

    `body` is the kept copy, with `masked` not the words that are sent. `parts` is what a gateway
    charges for. `due` is when it is tried next. `sender` is the number it goes out from, "" for the
    gateway's usual one; `receipt` is the provider's id of it and `way` how far it came, as told.
    It goes out from `earliest` on.
    """

    id: str
    contact: str
    number: str
    body: str = field(repr=False)
    parts: int
    masked: bool
    state: State
    why: str
    made: float
    changed: float
    tries: int
    due: float
    sender: str = ""
    receipt: str = ""
    way: Way = ""
    earliest: float = 0.0


class Outbox:
    """The messages of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, message: Message, *, claimed: bool = False) -> Kept:
        """Accept a message: "known" when it was accepted before under its id.

        One that is `claimed` from the beginning is for this process to send until it is due.
        """

        def work(db: sqlite3.Connection) -> Kept:
            if db.execute("SELECT 1 FROM outbox WHERE id = ?", (message.id,)).fetchone():
                return "known"
            # Not those of a clock that was put back meanwhile.
            recent = "SELECT count(*) FROM outbox WHERE number = ? AND made BETWEEN ? AND ?"
            hour = (message.made - 3600.0, message.made + 3600.0)
            if db.execute(recent, (message.number, *hour)).fetchone()[0] >= PER_HOUR:
                return "too many"
            values = [getattr(message, name) for name in _COLUMNS]
            db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            way = (message.id, message.sender, "", "", message.made, message.earliest)
            db.execute("INSERT INTO outbox_way VALUES (?, ?, ?, ?, ?, ?)", way)
            if claimed:
                db.execute(_CLAIM, (message.id, this_process()))
            return "kept"

        return await self._store.run(work)

    async def claim(self, now: float) -> Message | None:
        """The next message that is due, for one sender of this process for `CLAIM` seconds."""

        def work(db: sqlite3.Connection) -> Message | None:
            _give_back(db, now)
            row = db.execute(_NEXT, {"now": now, "far": FAR}).fetchone()
            if row is None:
                return None
            db.execute("UPDATE outbox SET due = ? WHERE id = ?", (now + CLAIM, row["id"]))
            db.execute(_CLAIM, (row["id"], this_process()))
            return _message(row)

        return await self._store.run(work)

    async def sent(self, message: Message, now: float) -> None:
        """The gateway took it."""
        await self._change(message, "sent", "", now)

    async def receipt(self, message: Message, receipt: str) -> None:
        """The provider calls it so."""
        known = "UPDATE outbox_way SET receipt = ? WHERE id = ?"
        await self._store.run(lambda db: db.execute(known, (receipt, message.id)).close())

    async def came(self, name: str, way: Way, now: float) -> Message | None:
        """The message of that id, or of that receipt, has come so far; None when that is no news.

        What is told out of order, or twice, changes nothing.
        """

        def work(db: sqlite3.Connection) -> Message | None:
            which = f"{_ALL} WHERE id = ?1 OR (receipt = ?1 AND ?1 <> '')"
            row = db.execute(which, (name,)).fetchone()
            if row is None or _FURTHER[way] <= _FURTHER[row["way"] or ""]:
                return None
            said = "UPDATE outbox_way SET way = ?, said = ? WHERE id = ?"
            db.execute(said, (way, now, row["id"]))
            return replace(_message(row), way=way)

        return await self._store.run(work)

    async def failed(self, message: Message, why: str, now: float) -> None:
        """It will never be sent."""
        await self._change(message, "failed", why, now)

    async def postpone(self, message: Message, why: str, now: float) -> bool:
        """Try again later; False when that makes no sense any more."""
        if now - message.made > PATIENCE:
            await self.failed(message, why, now)
            return False
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(message.tries, 20))
        await self._change(message, "queued", why, now, now + pause)
        return True

    async def tidy(self, now: float) -> None:
        """Delete what has been sent or given up for long."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM outbox WHERE state <> 'queued' AND changed < ?", (now - KEPT,))
            for table in ("outbox_way", "outbox_claim"):
                db.execute(f"DELETE FROM {table} WHERE id NOT IN (SELECT id FROM outbox)")  # noqa: S608 - two fixed names

        await self._store.run(work)

    async def next_due(self) -> float | None:
        """When the next message is due; None when none is queued."""
        least = (
            "SELECT min(max(due, ifnull(earliest, 0))) FROM outbox LEFT JOIN outbox_way USING (id) "
            "WHERE state = 'queued'"
        )
        found: float | None = await self._store.run(lambda db: db.execute(least).fetchone()[0])
        return found

    async def messages(self) -> list[Message]:
        """Every message, the oldest first."""
        rows = await self._store.run(lambda db: db.execute(_LIST, (True,)).fetchall())
        return [_message(row) for row in rows]

    async def _change(
        self, message: Message, state: State, why: str, now: float, due: float = 0.0
    ) -> None:
        values = (state, why, message.tries + 1, due, now, message.id)

        def work(db: sqlite3.Connection) -> None:
            db.execute(_CHANGE, values)
            db.execute("DELETE FROM outbox_claim WHERE id = ?", (message.id,))

        await self._store.run(work)


def _give_back(db: sqlite3.Connection, now: float) -> None:
    """What was claimed by processes that are no more is due."""
    for (owner,) in db.execute("SELECT DISTINCT owner FROM outbox_claim").fetchall():
        if is_gone(owner):
            db.execute(_DUE, (now, owner))
            db.execute("DELETE FROM outbox_claim WHERE owner = ?", (owner,))


def messages_in(path: Path, *, everything: bool = False) -> list[Message]:
    """Queued messages, read by another process; with `everything`, all of them."""
    return [_message(row) for row in look(path, _LIST, (everything,))]


def _message(row: sqlite3.Row) -> Message:
    values = {name: value for name, value in dict(row).items() if value is not None}
    return Message(**{**values, "masked": bool(values["masked"])})


_COLUMNS = tuple(
    name
    for name in Message.__dataclass_fields__
    if name not in {"sender", "receipt", "way", "earliest"}
)
