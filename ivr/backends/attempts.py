"""Failed identifications, counted for each account over calls and services until it is locked.

A try is counted before it is compared, so that tries at the same moment cannot outnumber the limit;
the one that was right takes the count back. Accounts that do not exist are counted the same way,
so a lock tells nobody whether an account exists. What is kept of an account is a keyed digest.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from acd.live.store import StoreRefused, StoreUnreachable
from ivr.backends.services import Lockout
from ivr.backends.store import Store

log = structlog.get_logger(__name__)

AWAY = (StoreUnreachable, StoreRefused)
"""What is raised by a place that does not answer, or not as it should."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS attempts (
  subject TEXT PRIMARY KEY, tries TEXT NOT NULL, until REAL NOT NULL, stale REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS attempts_stale ON attempts (stale)
"""


class Attempts(Protocol):
    """Counts tries by subject (a digest); `now` in epoch seconds."""

    async def admit(self, subject: str, rules: Lockout, now: float) -> bool:
        """Whether one more try may be made; if so, it is counted as failed."""
        ...

    async def give_back(self, subject: str, rules: Lockout, at: float) -> None:
        """The try admitted at that moment could not be compared: it does not count."""
        ...

    async def forgive(self, subject: str) -> None:
        """A try was right: the subject begins anew."""
        ...

    async def locked(self, subject: str, now: float) -> bool:
        """Whether no try would be admitted."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """The tries of one subject, and until when it is locked (0 when it is not)."""

    tries: tuple[float, ...] = ()
    until: float = 0.0


def admitted(record: Record, rules: Lockout, now: float) -> Record | None:
    """The record with one more try; None when the subject is locked.

    A lock that ends later than any could was set before the clock was put back: it is over.
    """
    if record.until > now + 2 * rules.lasts:
        record = Record()
    if now < record.until:
        return None
    recent = (at for at in record.tries if abs(now - at) < rules.within and at >= record.until)
    tries = (*recent, now)
    full = len(tries) >= rules.failures
    return Record(tries, now + rules.lasts if full else record.until)


def given_back(record: Record, rules: Lockout, at: float) -> Record:
    """The record without the try of that moment, and without the lock that it caused."""
    if at not in record.tries:
        return record
    tries = list(record.tries)
    tries.remove(at)
    until = 0.0 if len(tries) < rules.failures else record.until
    return replace(record, tries=tuple(tries), until=until)


def record_text(record: Record) -> str:
    """As text; `record_from` reads it back."""
    return json.dumps([record.tries, record.until])


def record_from(text: str) -> Record:
    """Back from `record_text`; "" is one without tries."""
    tries, until = json.loads(text) if text else ((), 0.0)
    return Record(tuple(tries), until)


class MemoryAttempts:
    """For one process, until it ends."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    async def admit(self, subject: str, rules: Lockout, now: float) -> bool:
        """Whether one more try may be made; if so, it is counted as failed."""
        record = admitted(self._records.get(subject, Record()), rules, now)
        if record is not None:
            self._records[subject] = record
        return record is not None

    async def give_back(self, subject: str, rules: Lockout, at: float) -> None:
        """The try admitted at that moment could not be compared."""
        record = self._records.get(subject, Record())
        self._records[subject] = given_back(record, rules, at)

    async def forgive(self, subject: str) -> None:
        """The subject begins anew."""
        self._records.pop(subject, None)

    async def locked(self, subject: str, now: float) -> bool:
        """Whether no try would be admitted."""
        return now < self._records.get(subject, Record()).until


class StoredAttempts:
    """In a store, for every service that shares it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def admit(self, subject: str, rules: Lockout, now: float) -> bool:
        """Whether one more try may be made; if so, it is counted as failed."""

        def work(db: sqlite3.Connection) -> bool:
            db.execute("DELETE FROM attempts WHERE stale < ?", (now,))
            record = admitted(_read(db, subject), rules, now)
            if record is not None:
                _write(db, subject, record, max(record.until, now + rules.within))
            return record is not None

        return await self._store.run(work)

    async def give_back(self, subject: str, rules: Lockout, at: float) -> None:
        """The try admitted at that moment could not be compared."""

        def work(db: sqlite3.Connection) -> None:
            record = given_back(_read(db, subject), rules, at)
            _write(db, subject, record, max(record.until, at + rules.within))

        await self._store.run(work)

    async def forgive(self, subject: str) -> None:
        """The subject begins anew."""
        await self._store.run(
            lambda db: db.execute("DELETE FROM attempts WHERE subject = ?", (subject,)).close()
        )

    async def locked(self, subject: str, now: float) -> bool:
        """Whether no try would be admitted."""
        return now < (await self._store.run(lambda db: _read(db, subject))).until


class EitherAttempts:
    """Counted for all nodes by `ours`; by `mine`, of this machine, while that is away."""

    def __init__(self, ours: Attempts, mine: Attempts) -> None:
        self._ours, self._mine = ours, mine

    async def admit(self, subject: str, rules: Lockout, now: float) -> bool:
        """Whether one more try may be made; if so, it is counted as failed."""
        try:
            return await self._ours.admit(subject, rules, now)
        except AWAY as why:
            log.warning("tries are counted at this node only", why=str(why))
            return await self._mine.admit(subject, rules, now)

    async def give_back(self, subject: str, rules: Lockout, at: float) -> None:
        """The try admitted at that moment could not be compared, wherever it was counted."""
        with suppress(*AWAY):  # it stays counted
            await self._ours.give_back(subject, rules, at)
        await self._mine.give_back(subject, rules, at)

    async def forgive(self, subject: str) -> None:
        """The subject begins anew."""
        with suppress(*AWAY):  # it stays counted
            await self._ours.forgive(subject)
        await self._mine.forgive(subject)

    async def locked(self, subject: str, now: float) -> bool:
        """Whether no try would be admitted."""
        try:
            return await self._ours.locked(subject, now)
        except AWAY:
            return await self._mine.locked(subject, now)


def _read(db: sqlite3.Connection, subject: str) -> Record:
    found = db.execute("SELECT tries, until FROM attempts WHERE subject = ?", (subject,)).fetchone()
    return Record() if found is None else Record(tuple(json.loads(found["tries"])), found["until"])


def _write(db: sqlite3.Connection, subject: str, record: Record, stale: float) -> None:
    values = (subject, json.dumps(record.tries), record.until, stale)
    db.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", values)
