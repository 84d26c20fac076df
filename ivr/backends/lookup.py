"""Lookups: tables beside the flows, and queries of databases.

A query belongs to the administrator; a flow gives values, which are bound and never become part of
the statement. The first row counts. Of its columns only plain values are taken: text, numbers, true
and false; amounts and moments as text.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ivr.backends.answers import Lying
from ivr.backends.services import Database
from ivr.backends.sources import Sources
from ivr.flow.actions import Failed, Value
from ivr.flow.errands import Lookup, Row

log = structlog.get_logger(__name__)

LONGEST_TEXT = 4000
LARGEST_INTEGER = 2**63
AT_ONCE = 4
"""Connections to one database."""
LONGEST = 60.0
"""Seconds after which a query that nobody waits for is given up."""
LAST_WORDS = 2.0
"""Seconds that queries have to end when the service does."""


class Databases:
    """Engines of the databases in use, by their URL.

    A query that nobody waits for any more is let go on to its end: drivers hand back a connection
    only when it is idle, and somebody would have to wait for that.
    """

    def __init__(self) -> None:
        self._engines: dict[str, AsyncEngine] = {}
        self._under_way: set[asyncio.Task[dict[Any, object] | None]] = set()

    async def find(self, errand: Lookup, sources: Sources) -> Row | Failed:
        """The first row. Raises Lying for a row of anything but plain values."""
        database = sources.services.databases.get(errand.table)
        if database is not None:
            return await self._query(database, errand.by)
        if sources.tables.sheet(errand.table) is None:
            return Failed(f"no table or database {errand.table!r}")
        found = await asyncio.to_thread(sources.tables.find, errand.table, errand.by)
        return Row(found=False) if found is None else Row(found=True, values=dict(found))

    async def close(self) -> None:
        """Close every connection; queries under way have a moment to come to their end."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=LAST_WORDS)
        for query in self._under_way:
            query.cancel()
        for engine in self._engines.values():
            await engine.dispose()
        self._engines.clear()

    async def _query(self, database: Database, by: Mapping[str, str]) -> Row | Failed:
        if set(by) != database.parameters:
            wanted = ", ".join(sorted(database.parameters))
            return Failed(f"{database.name} is searched by {wanted}")
        if not database.url:
            return Failed(f"{database.name}: services.yaml names a value for it that is not here")
        query = asyncio.create_task(self._first(database, dict(by)))
        self._under_way.add(query)
        query.add_done_callback(self._done)
        done, _ = await asyncio.wait({query}, timeout=database.timeout)
        if not done:
            why = f"no answer within {database.timeout:g} s"
        elif (error := query.exception()) is None:
            first = query.result()
            return Row(found=False) if first is None else Row(True, _values(first))
        elif isinstance(error, (SQLAlchemyError, OSError, ValueError)):
            # Its text would show the statement with the values in it.
            why = f"it cannot be asked ({type(error).__name__})"
        else:
            raise error
        log.warning("a database failed", database=database.name, why=why)
        return Failed(f"{database.name}: {why}")

    async def _first(self, database: Database, by: dict[str, str]) -> dict[Any, object] | None:
        async with (
            asyncio.timeout(LONGEST),
            self._engine(database).connect() as connection,
            connection.stream(text(database.query), by) as rows,
        ):
            first = await rows.mappings().first()
        return None if first is None else dict(first)

    def _done(self, query: asyncio.Task[dict[Any, object] | None]) -> None:
        self._under_way.discard(query)
        if not query.cancelled():
            query.exception()  # whoever waited for it was told, or has gone

    def _engine(self, database: Database) -> AsyncEngine:
        if database.url not in self._engines:
            self._engines[database.url] = create_async_engine(
                database.url, pool_size=AT_ONCE, max_overflow=0, hide_parameters=True
            )
        return self._engines[database.url]


def _values(row: Mapping[Any, object]) -> dict[str, Value]:
    return {str(name): _value(str(name), value) for name, value in row.items()}


def _value(name: str, value: object) -> Value:
    match value:
        case None | bool():
            return value
        case int() if abs(value) < LARGEST_INTEGER:
            return value
        case float() if math.isfinite(value):
            return value
        case str() if len(value) <= LONGEST_TEXT:
            return value
        case Decimal() if value.is_finite():
            return format(value, "f")
        case datetime() | date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            raise Lying(f"the column {name} holds no plain value")
