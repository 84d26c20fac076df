"""What errands must remember over a restart: one SQLite file, which several services may share.

Failed identifications, one-time codes, text messages and promised callbacks, each in tables of its
own module. Every piece of work is one transaction that takes the write lock at its beginning, so
that what it read still holds when it writes, whoever else is at the file.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BUSY = 5.0
"""Seconds a transaction waits for another service's."""
VERSION = 1


class Store:
    """The file at `path`, made when it does not exist (mode 0600), with the tables of `schemas`.

    It works in a thread of its own. Methods raise sqlite3.Error when the disk refuses.
    """

    def __init__(self, path: Path, schemas: Sequence[str]) -> None:
        self.path, self._schemas = path, tuple(schemas)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._db: sqlite3.Connection | None = None
        self._opened: list[Callable[[sqlite3.Connection], None]] = []

    def on_open(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do this whenever the file is opened, in the transaction that makes its tables."""
        self._opened.append(work)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in one transaction: all of it happens, or nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    async def close(self) -> None:
        """Let what is under way come to its end, then close."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._db is None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Turning a new file to WAL does not wait for somebody else who is doing the same.
            with _alone(self.path.with_name(self.path.name + ".lock")):
                self._db = self._open()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return result

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self.path.chmod(0o600)
        db = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            # What is deleted is overwritten, not only left to be found in the file.
            db.execute("PRAGMA secure_delete = ON")
            db.execute("BEGIN IMMEDIATE")
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found not in {0, VERSION}:
                raise sqlite3.DatabaseError(f"{self.path} was written by another release")
            for statement in (part for schema in self._schemas for part in schema.split(";")):
                db.execute(statement)
            for work in self._opened:
                work(db)
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Nobody else is in here, in any process of this machine."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def look(path: Path, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
    """Rows of the file while a service writes it; none when there is no file."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(query, tuple(values)).fetchall()
