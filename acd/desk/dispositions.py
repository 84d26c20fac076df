"""Dispositions: what came of a contact, as the agent says.

Which codes there are belongs to a queue, and those of the queue "" to every queue that has none of
its own. Whether one must be given is the queue's `disposition: required` in `floor.yaml`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.desk.model import Code, Given
from acd.desk.tables import disposition_codes, dispositions
from acd.records.database import Database
from acd.records.errors import Refused
from acd.records.text import LONGEST_WORD, one_line, prose


class Dispositions:
    """Codes, and those that were given. Methods raise `RecordsUnavailable`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def define(self, queue: str, codes: Sequence[Code]) -> None:
        """The codes of a queue (or of all, for ""), in place of those it had. Raises `Refused`."""
        name = one_line(queue, "a queue", LONGEST_WORD)
        rows = [
            {
                "queue": name,
                "code": one_line(each.code, "a code", LONGEST_WORD, shortest=1),
                "title": one_line(each.title, "a title") or each.code,
                "place": place,
            }
            for place, each in enumerate(codes)
        ]
        if len({row["code"] for row in rows}) < len(rows):
            raise Refused("each code stands once")
        async with self._database.writing() as connection:
            gone = delete(disposition_codes).where(disposition_codes.c.queue == name)
            await connection.execute(gone)
            if rows:
                await connection.execute(insert(disposition_codes), rows)

    async def codes(self, queue: str) -> list[Code]:
        """What an agent of this queue may choose from, in order."""
        async with self._database.reading() as connection:
            return await _codes(connection, queue)

    async def give(
        self, contact: str, queue: str, code: str, *, notes: str = "", agent: str, by: str
    ) -> Given:
        """What came of a contact. Raises `Refused` for a code that is not the queue's."""
        kept, at = prose(notes, "the notes", shortest=0), self._clock()
        async with self._database.writing() as connection:
            known = [each.code for each in await _codes(connection, queue)]
            if code not in known:
                told = ", ".join(known) or "none, define some first"
                raise Refused(f"{code!r} is no disposition of {queue}: {told}")
            row = {
                "contact_id": contact,
                "queue": queue,
                "code": code,
                "notes": kept,
                "agent": agent,
                "by": by,
                "at": at,
            }
            made = insert(dispositions).values(row).returning(dispositions.c.id)
            key = int(await connection.scalar(made) or 0)
        return Given(key, contact, queue, code, kept, agent, by, at)

    async def given(self, contact: str) -> list[Given]:
        """What was given to a contact, the first first."""
        query = select(dispositions).where(dispositions.c.contact_id == contact)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(dispositions.c.id))).all()
        return [
            Given(r.id, r.contact_id, r.queue, r.code, r.notes, r.agent, r.by, r.at) for r in rows
        ]


async def _codes(connection: AsyncConnection, queue: str) -> list[Code]:
    for name in dict.fromkeys((queue, "")):
        query = select(disposition_codes.c.code, disposition_codes.c.title)
        query = query.where(disposition_codes.c.queue == name).order_by(disposition_codes.c.place)
        found = [Code(row.code, row.title) for row in await connection.execute(query)]
        if found:
            return found
    return []
