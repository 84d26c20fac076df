"""The SQLite journal as a `Store`: the same promises, kept without waiting for anybody.

Appending takes tens of microseconds, so it happens at once, in the event loop's thread; nothing
here ever gives way. `sqlite3.Error` comes through when the disk refuses.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Any

from acd.journal import Entry, Journal, Snapshot, Stream
from acd.live.store import (
    PAGE,
    Append,
    Change,
    Confirm,
    DropLive,
    Keep,
    SaveSnapshot,
    SetLive,
)


class EmbeddedStore:
    """A journal that is open for writing; `close` closes it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._news = asyncio.Event()

    async def write(self, *changes: Change) -> list[int]:
        """See `Store`."""
        if len(changes) == 1:
            numbers = self._do(changes[0])
        else:
            numbers = []
            with self._journal.together():
                for change in changes:
                    numbers += self._do(change)
        self._news.set()
        self._news = asyncio.Event()
        return numbers

    def _do(self, change: Change) -> list[int]:
        journal = self._journal
        match change:
            case Append(stream, at, body):
                return [journal.append(stream, at, body)]
            case SetLive(contact, at, state):
                journal.set_live(contact, at, state)
            case DropLive(contact):
                journal.drop_live(contact)
            case Confirm(seq):
                journal.confirm(seq)
            case Keep(kind, name, at, body):
                journal.keep(kind, name, at, body)
            case SaveSnapshot(seq, at, body):
                journal.save_snapshot(seq, at, body)
        return []

    async def read(self, stream: Stream, after: int = 0, *, wait: float = 0.0) -> list[Entry]:
        """See `StoreReader`; only news from this process end the wait."""
        news = self._news
        found = list(islice(self._journal.read(stream, after), PAGE))
        if found or wait <= 0:
            return found
        try:
            async with asyncio.timeout(wait):
                while not found:
                    await news.wait()
                    news = self._news
                    found = list(islice(self._journal.read(stream, after), PAGE))
        except TimeoutError:
            return []
        return found

    async def last(self, stream: Stream) -> int:
        """See `StoreReader`."""
        return self._journal.last(stream)

    async def snapshot(self) -> Snapshot | None:
        """See `StoreReader`."""
        return self._journal.snapshot()

    async def confirmed(self) -> int:
        """See `StoreReader`."""
        return self._journal.confirmed()

    async def live(self, contact: str) -> dict[str, Any] | None:
        """See `StoreReader`."""
        return self._journal.live(contact)

    async def all_live(self) -> dict[str, dict[str, Any]]:
        """See `StoreReader`."""
        return self._journal.all_live()

    async def kept(self, kind: str) -> dict[str, dict[str, Any]]:
        """See `StoreReader`."""
        return self._journal.kept(kind)

    async def close(self) -> None:
        """See `StoreReader`."""
        self._journal.close()
