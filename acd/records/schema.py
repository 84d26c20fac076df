"""The tables from one release to the next: which version they are of, and how they get to ours.

`schema_version` holds one row, the number of the last migration in `migrations/versions` that ran.
Alembic runs those that are missing, all in one transaction and under a lock: of two processes that
start at once the second waits and finds the work done, and one that dies has changed nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.records.errors import RecordsUnavailable, brief
from acd.records.tables import schema_version

SCHEMA_VERSION: Final = 5
"""The number of the last migration; a test holds it to the files."""
UPGRADE_COMMAND: Final = "tieline records upgrade"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x7469656C696E65
"""PostgreSQL's advisory locks are numbers: this one is `tieline` in ASCII."""


async def version_of(engine: AsyncEngine) -> int | None:
    """The version of the tables there; None when there are none. Raises `RecordsUnavailable`."""
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_version)
    except (SQLAlchemyError, OSError) as error:
        raise _unreadable(engine, error) from error


async def prepare(engine: AsyncEngine, create: bool) -> None:
    """See that the tables are of this release: made and brought up to date if `create`.

    Raises `RecordsUnavailable`: they are newer, or they are older or missing and may not be made.
    """
    found = await version_of(engine)
    if found == SCHEMA_VERSION:
        return
    if found is not None and found > SCHEMA_VERSION:
        raise _newer(engine, found)
    if not create:
        raise _not_ready(engine, found)
    try:
        async with engine.begin() as connection:
            await begin_writing(connection)
            if connection.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            found = await connection.run_sync(_version)
            if found is not None and found > SCHEMA_VERSION:
                raise _newer(engine, found)
            if found != SCHEMA_VERSION:
                await connection.run_sync(_upgrade)
    except (SQLAlchemyError, OSError) as error:
        raise _unreadable(engine, error) from error


async def begin_writing(connection: AsyncConnection) -> None:
    """Make what follows one transaction that reads what it writes.

    SQLite's driver begins one at the first change only, and not for tables: what was read before
    could be somebody else's by then.
    """
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql("BEGIN IMMEDIATE")


def _version(connection: Connection) -> int | None:
    if not inspect(connection).has_table(schema_version.name):
        return None
    found: int | None = connection.scalar(select(schema_version.c.version))
    return found


def _upgrade(connection: Connection) -> None:
    # Alembic takes longer to import than most commands to run, and is needed once a release.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")
    connection.execute(update(schema_version).values(version=SCHEMA_VERSION))


def _place(engine: AsyncEngine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _unreadable(engine: AsyncEngine, error: BaseException) -> RecordsUnavailable:
    return RecordsUnavailable(f"the records at {_place(engine)} cannot be read: {brief(error)}")


def _newer(engine: AsyncEngine, found: int) -> RecordsUnavailable:
    return RecordsUnavailable(
        f"the records at {_place(engine)} are of version {found} and this release reads "
        f"{SCHEMA_VERSION}: run the release that wrote them, or name another database in "
        "records_url"
    )


def _not_ready(engine: AsyncEngine, found: int | None) -> RecordsUnavailable:
    if found is None:
        return RecordsUnavailable(
            f"the database at {_place(engine)} holds no records: they begin with the first start "
            f"of the service, or with `{UPGRADE_COMMAND}`"
        )
    return RecordsUnavailable(
        f"the records at {_place(engine)} are of version {found} and this release reads "
        f"{SCHEMA_VERSION}: make a copy, then start the service or run `{UPGRADE_COMMAND}`"
    )
