"""Carries the journal's contact events into the records, each exactly once.

A batch of events, the rows they change and the number of the last one are written in a single
transaction, and only after it is the journal told that it may forget them. Killed before the
commit, nothing happened and the batch is read again; killed after it, the stored number says where
to go on. While the database is away the journal keeps everything, the service works on, and the
writer tries again at growing intervals.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any

import structlog
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.errors import AcdError
from acd.records.contact import ContactEvent, ContactRecord, fold
from acd.records.database import open_records
from acd.records.errors import RecordsUnavailable, brief
from acd.records.stream import ContactStream
from acd.records.tables import contact_events, contacts, projection

JOINED = "joined"
"""Of a contact: `from` is the one that has become part of it."""
BATCH = 500
LINGER_SECONDS = 0.05  # events come in clusters: one commit for each cluster, not for each event
FIRST_RETRY_SECONDS = 0.25
LONGEST_RETRY_SECONDS = 30.0
PARTING_SECONDS = 3.0

Also = Callable[[AsyncConnection, Sequence[ContactEvent]], Awaitable[None]]

log = structlog.get_logger(__name__)


class RecordsWriter:
    """The only one who writes this stream into the records at `url` (SQLAlchemy, asynchronous
    driver). Other nodes may write theirs there: a contact is in one stream.

    What is in `also` makes more of the same events, in the same transaction.

    `start` and `stop` its task; `wake` it when the journal has news; `flush` to be sure that all is
    written. It opens the database itself, so that one that is away keeps no service from starting.
    `trouble` is why it is behind, or "".
    """

    def __init__(
        self,
        url: str,
        stream: ContactStream,
        *,
        also: Sequence[Also] = (),
        batch: int = BATCH,
        linger: float = LINGER_SECONDS,
        first_retry: float = FIRST_RETRY_SECONDS,
    ) -> None:
        self.trouble = ""
        self._url, self._stream = url, stream
        self._also = also
        self._batch, self._linger, self._first_retry = batch, linger, first_retry
        self._newest_at_start: int | None = stream.last()
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()
        self._engine: AsyncEngine | None = None
        self._last: int | None = None
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """The journal has new events; to be called in the event loop's thread. Costs nothing."""
        self._news.set()

    async def start(self) -> None:
        """Begin to write, first of all what an earlier service left behind."""
        self._task = asyncio.create_task(self._run(), name="records")

    async def stop(self) -> None:
        """Write what is left if the database allows, and end; the journal keeps the rest."""
        if self._task:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PARTING_SECONDS), self._turn:
                    # Between two batches: a transaction cut in the middle keeps the file locked.
                    self._task.cancel()
            self._task.cancel()
            await asyncio.wait([self._task])
        with contextlib.suppress(RecordsUnavailable, TimeoutError):
            async with asyncio.timeout(PARTING_SECONDS):
                await self.flush()
        if self._engine:
            await self._engine.dispose()
            self._engine, self._last = None, None

    async def flush(self) -> None:
        """Return when all the journal has now is in the records; raises `RecordsUnavailable`."""
        async with self._turn:
            try:
                while await self._write_batch() == self._batch:
                    pass
            except (SQLAlchemyError, AcdError, sqlite3.Error, OSError) as error:
                self._last = None
                self.trouble = brief(error)
                raise RecordsUnavailable(f"the records are behind: {self.trouble}") from error
            self.trouble = ""

    async def _run(self) -> None:
        retry = self._first_retry
        while True:
            self._news.clear()
            try:
                await self.flush()
            except RecordsUnavailable as why:
                log.warning("records behind", why=str(why), retry_in=retry)
                await asyncio.sleep(retry)
                retry = min(2 * retry, LONGEST_RETRY_SECONDS)
                continue
            retry = self._first_retry
            await self._news.wait()
            await asyncio.sleep(self._linger)

    async def _write_batch(self) -> int:
        if self._engine is None:
            self._engine = await open_records(self._url)
        if self._last is None:
            self._last = await self._where_to_begin(self._engine)
            self._stream.confirm(self._last)
        events = self._stream.read_after(self._last, self._batch)
        if events:
            async with self._engine.begin() as connection:
                await self._move_mark(connection, self._last, events[-1][0])
                told = [event for _, event in events]
                await _store(connection, told)
                for project in self._also:
                    await project(connection, told)
            self._last = events[-1][0]
            self._stream.confirm(self._last)
        return len(events)

    async def _where_to_begin(self, engine: AsyncEngine) -> int:
        """The stored mark, unless the journal is a younger one than it was made for."""
        async with engine.begin() as connection:
            query = select(projection.c.last_seq).where(projection.c.name == self._stream.name)
            stored: int | None = await connection.scalar(query)
            if stored is None:
                stored = self._stream.confirmed()
                mark = {"name": self._stream.name, "last_seq": stored}
                await connection.execute(insert(projection).values(mark))
            newest, self._newest_at_start = self._newest_at_start, None
            if newest is None or stored <= newest:
                return stored
            # A power failure took the journal's tail, or the journal was replaced by an empty one
            # (which was never confirmed anything). Either way new events get numbers we have seen.
            begin = newest if self._stream.confirmed() else 0
            log.warning("the journal went back", records_at=stored, journal_at=newest)
            await self._move_mark(connection, stored, begin)
            return begin

    async def _move_mark(self, connection: AsyncConnection, last: int, to: int) -> None:
        """Before anything else: two writers by mistake cannot both move it from the same place."""
        mine = (projection.c.name == self._stream.name) & (projection.c.last_seq == last)
        moved = await connection.execute(update(projection).where(mine).values(last_seq=to))
        if moved.rowcount != 1:
            raise RecordsUnavailable("another process writes these records too")


async def _store(connection: AsyncConnection, events: Sequence[ContactEvent]) -> None:
    """The rows and the stories; a contact that has become another one leaves its own to that."""
    begin = 0
    for place, event in enumerate(events):
        gone = str(event.data.get("from") or "") if event.kind == JOINED else ""
        if gone and gone != event.contact:
            await _store_plain(connection, events[begin:place])
            await _take_over(connection, gone, event.contact)
            begin = place
    await _store_plain(connection, events[begin:])


async def _take_over(connection: AsyncConnection, gone: str, into: str) -> None:
    """The story of `gone` goes on the end of that of `into`, and `gone` is no more."""
    theirs = contact_events.c.contact_id == gone
    rows = await connection.execute(
        select(contact_events).where(theirs).order_by(contact_events.c.seq)
    )
    told = ("at", "kind", "step", "data")
    story = [ContactEvent(into, *(row[name] for name in told)) for row in rows.mappings().all()]
    await connection.execute(delete(contact_events).where(theirs))
    await connection.execute(delete(contacts).where(contacts.c.id == gone))
    await _store_plain(connection, story)


async def _store_plain(connection: AsyncConnection, events: Sequence[ContactEvent]) -> None:
    if not events:
        return
    before = await _load(connection, {event.contact for event in events})
    after = dict(before)
    story = []
    for event in events:
        record = after[event.contact] = fold(after.get(event.contact), event)
        story.append(_event_row(record.events, event))
    new = [asdict(record) for key, record in after.items() if key not in before]
    changed = [asdict(record) for key, record in after.items() if key in before]
    if new:
        await connection.execute(insert(contacts), new)
    if changed:
        statement = update(contacts).where(contacts.c.id == bindparam("key"))
        await connection.execute(statement, [{"key": row.pop("id"), **row} for row in changed])
    await connection.execute(insert(contact_events), story)


async def _load(connection: AsyncConnection, ids: set[str]) -> dict[str, ContactRecord]:
    rows = await connection.execute(select(contacts).where(contacts.c.id.in_(sorted(ids))))
    return {row["id"]: ContactRecord(**row) for row in rows.mappings()}


def _event_row(seq: int, event: ContactEvent) -> dict[str, Any]:
    return {
        "contact_id": event.contact,
        "seq": seq,
        "at": event.at,
        "kind": event.kind,
        "step": event.step,
        "data": dict(event.data),
    }
