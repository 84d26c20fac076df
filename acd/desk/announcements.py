"""Announcements: what agents are told, and who has read it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.desk.model import Announcement
from acd.desk.tables import announcement_reads, announcements
from acd.records.database import Database
from acd.records.errors import NotFound
from acd.records.text import LONGEST_WORD, one_line, prose


class Announcements:
    """Announcements and their readers. Methods raise `RecordsUnavailable`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def publish(
        self,
        title: str,
        body: str,
        *,
        by: str,
        queues: Collection[str] = (),
        must_read: bool = True,
        until: float | None = None,
    ) -> Announcement:
        """Tell the agents of these queues, or everybody. Raises `Refused`."""
        row = {
            "title": one_line(title, "a title", shortest=1),
            "body": prose(body, "an announcement"),
            "queues": [one_line(queue, "a queue", LONGEST_WORD) for queue in queues],
            "must_read": must_read,
            "at": self._clock(),
            "until": until,
            "by": by,
        }
        async with self._database.writing() as connection:
            made = insert(announcements).values(row).returning(announcements.c.id)
            return await _get(connection, int(await connection.scalar(made) or 0))

    async def withdraw(self, announcement_id: int) -> None:
        """It is shown no more; who read it stays known. Raises `NotFound`."""
        async with self._database.writing() as connection:
            await _get(connection, announcement_id)
            await connection.execute(
                update(announcements)
                .where(announcements.c.id == announcement_id)
                .values(withdrawn_at=self._clock())
            )

    async def current(self) -> list[Announcement]:
        """All that are shown, the latest first."""
        now = self._clock()
        query = select(announcements).where(
            announcements.c.withdrawn_at.is_(None),
            announcements.c.until.is_(None) | (announcements.c.until > now),
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(announcements.c.id.desc()))
            return [_made(row) for row in rows.mappings()]

    async def unread(self, account: str, queues: Collection[str]) -> list[Announcement]:
        """Those an agent of these queues must read and has not, the oldest first."""
        async with self._database.reading() as connection:
            query = select(announcement_reads.c.announcement_id)
            query = query.where(announcement_reads.c.account == account)
            seen = set((await connection.scalars(query)).all())
        concerned = set(queues)
        return [
            each
            for each in reversed(await self.current())
            if each.must_read
            and each.id not in seen
            and (not each.queues or concerned & set(each.queues))
        ]

    async def read(self, announcement_id: int, account: str) -> float:
        """Somebody has read it; when, the first time. Raises `NotFound`."""
        at = self._clock()
        query = select(announcement_reads.c.at).where(
            announcement_reads.c.announcement_id == announcement_id,
            announcement_reads.c.account == account,
        )
        async with self._database.writing() as connection:
            await _get(connection, announcement_id)
            before: float | None = await connection.scalar(query)
            if before is not None:
                return before
            row = {"announcement_id": announcement_id, "account": account, "at": at}
            await connection.execute(insert(announcement_reads).values(row))
        return at

    async def readers(self, announcement_id: int) -> list[tuple[str, float]]:
        """Who has read it and when, in that order. Raises `NotFound`."""
        query = select(announcement_reads.c.account, announcement_reads.c.at)
        query = query.where(announcement_reads.c.announcement_id == announcement_id)
        async with self._database.reading() as connection:
            await _get(connection, announcement_id)
            rows = await connection.execute(query.order_by(announcement_reads.c.at))
            return [(row.account, row.at) for row in rows]


async def _get(connection: AsyncConnection, announcement_id: int) -> Announcement:
    query = select(announcements).where(announcements.c.id == announcement_id)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no announcement {announcement_id}")
    return _made(row)


def _made(row: RowMapping) -> Announcement:
    return Announcement(**{**row, "queues": tuple(row["queues"])})
