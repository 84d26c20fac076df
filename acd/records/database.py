"""The records' database: opened when it is first needed, one for all that a process asks of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from acd.records.errors import Conflict, RecordsUnavailable, brief
from acd.records.schema import begin_writing, prepare, version_of


async def open_records(url: str, *, create: bool = True) -> AsyncEngine:
    """The database at `url`, its tables made and brought up to date if `create`.

    Raises `RecordsUnavailable` when it cannot be reached, holds no records and may not be given
    any, or is of another release. The caller disposes of the engine.
    """
    engine, file = _engine(url)
    if file and not file.exists():
        if not create:
            raise RecordsUnavailable(
                f"there are no records yet at {file}: they begin with the first call"
            )
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise RecordsUnavailable(f"the records cannot be opened: {brief(error)}") from error
    if file:
        event.listen(engine.sync_engine, "connect", _make_durable)
    try:
        await prepare(engine, create)
        if file:
            file.chmod(0o600)
    except BaseException:
        await engine.dispose()
        raise
    return engine


async def records_version(url: str) -> int | None:
    """The version of the tables at `url`, None when there are none; nothing is made or changed.

    Raises `RecordsUnavailable`.
    """
    engine, file = _engine(url)
    if file and not file.exists():
        return None
    try:
        return await version_of(engine)
    finally:
        await engine.dispose()


def _engine(url: str) -> tuple[AsyncEngine, Path | None]:
    """An engine that is not connected yet, and its file if the database is one."""
    try:
        place = make_url(url)
        # Parameters are people's data: an error that is logged must not tell them.
        engine = create_async_engine(place, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise RecordsUnavailable(f"the records cannot be opened: {brief(error)}") from error
    file = Path(place.database or "") if place.get_backend_name() == "sqlite" else None
    return engine, file


def _make_durable(connection: Any, _: object) -> None:
    """What the journal may drop must be on the disk, not in the disk's cache."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class Database:
    """One engine for many askers. `close` it when the process ends.

    It opens at first use and, after a failure, at the next: a database that is away keeps nothing
    from starting. Every block raises `RecordsUnavailable` for what the database says.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._url, self._create = url, create
        self._opening = asyncio.Lock()
        self._engine: AsyncEngine | None = None

    async def engine(self) -> AsyncEngine:
        """The engine, opened if need be; it belongs to this object. Raises `RecordsUnavailable`."""
        async with self._opening:
            if self._engine is None:
                self._engine = await open_records(self._url, create=self._create)
            return self._engine

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read from."""
        engine = await self.engine()
        try:
            async with engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise RecordsUnavailable(f"the records cannot be read: {brief(error)}") from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: all of the block happens, or, when it raises, nothing of it.

        Raises `Conflict` when somebody else wrote the same at the same moment.
        """
        engine = await self.engine()
        try:
            async with engine.begin() as connection:
                await begin_writing(connection)
                yield connection
        except IntegrityError as error:
            raise Conflict("somebody else changed this at the same moment; try again") from error
        except (SQLAlchemyError, OSError) as error:
            raise RecordsUnavailable(f"the records cannot be written: {brief(error)}") from error

    async def close(self) -> None:
        """Close every connection; the next use opens it again."""
        async with self._opening:
            if self._engine is not None:
                await self._engine.dispose()
                self._engine = None
