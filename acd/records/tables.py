"""The call log's tables, in types that SQLite and PostgreSQL share.

    contacts        one row for each contact, as `ContactRecord`
    contact_events  its story: every event as it happened, numbered from 1 for each contact
    projection      how far into the journal the two above have come; written in their transaction
    schema_version  one row: which release's tables these are

Times are epoch seconds (UTC) as double precision, the unit of the whole distributor.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    event,
    insert,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from acd.errors import AcdError

SCHEMA_VERSION = 1


class RecordsUnavailable(AcdError):
    """The records cannot be read or written just now; the journal keeps what is new."""


metadata = MetaData()

contacts = Table(
    "contacts",
    metadata,
    Column("id", String, primary_key=True),
    Column("started_at", Double, nullable=False),
    Column("channel", String, nullable=False),
    Column("caller", String, nullable=False),
    Column("caller_name", String, nullable=False),
    Column("dialled", String, nullable=False),
    Column("flow", String, nullable=False),
    Column("revision", String, nullable=False),
    Column("language", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("outcome", String),
    Column("ended_by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("answered_at", Double),
    Column("ended_at", Double),
    Column("waiting_since", Double),
    Column("talking_since", Double),
    Column("wait_seconds", Double, nullable=False),
    Column("talk_seconds", Double, nullable=False),
    Column("events", Integer, nullable=False),
    Column("fields", JSON, nullable=False),
    Index("contacts_by_start", "started_at"),
    Index("contacts_by_caller", "caller", "started_at"),
    Index("contacts_by_queue", "queue", "started_at"),
    Index("contacts_by_agent", "agent", "started_at"),
)

contact_events = Table(
    "contact_events",
    metadata,
    Column("contact_id", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("kind", String, nullable=False),
    Column("step", String, nullable=False),
    Column("data", JSON, nullable=False),
)

projection = Table(
    "projection",
    metadata,
    Column("name", String, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
)

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))


async def open_records(url: str, *, create: bool = True) -> AsyncEngine:
    """The database at `url`, its tables made if `create`.

    Raises `RecordsUnavailable` when it cannot be reached, holds no records and may not be given
    any, or was written by another release. The caller disposes of the engine.
    """
    try:
        place = make_url(url)
        file = Path(place.database or "") if place.get_backend_name() == "sqlite" else None
        if file and not create and not file.exists():
            raise RecordsUnavailable(
                f"there are no records yet at {file}: they begin with the first call"
            )
        if file and create:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = create_async_engine(place)
    except (ArgumentError, NoSuchModuleError, ImportError, OSError) as error:
        raise RecordsUnavailable(f"the records cannot be opened: {brief(error)}") from error
    if file:
        event.listen(engine.sync_engine, "connect", _make_durable)
    try:
        await _check_schema(engine, create)
        if file:
            file.chmod(0o600)
    except BaseException:
        await engine.dispose()
        raise
    return engine


async def _check_schema(engine: AsyncEngine, create: bool) -> None:
    try:
        async with engine.begin() as connection:
            if create and engine.dialect.name == "sqlite":
                # Its driver begins a transaction for data only: tables come all at once, or none.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            if create:
                await connection.run_sync(metadata.create_all)
            version = await _version(connection, create)
    except (SQLAlchemyError, OSError) as error:
        place = engine.url.render_as_string(hide_password=True)
        raise RecordsUnavailable(
            f"the records at {place} cannot be read: {brief(error)}"
        ) from error
    if version != SCHEMA_VERSION:
        raise RecordsUnavailable(
            f"the records are of version {version} and this release reads {SCHEMA_VERSION}: "
            "run the release that wrote them, or name another database in records_url"
        )


async def _version(connection: AsyncConnection, create: bool) -> int | None:
    found: int | None = await connection.scalar(select(schema_version.c.version))
    if found is None and create:
        await connection.execute(insert(schema_version).values(version=SCHEMA_VERSION))
        return SCHEMA_VERSION
    return found


def _make_durable(connection: Any, _: object) -> None:
    """What the journal may drop must be on the disk, not in the disk's cache."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def brief(error: BaseException) -> str:
    """The database's own words, without the statement and the links SQLAlchemy adds."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]
