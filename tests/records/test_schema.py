"""The tables of every release become this one's, with every row, under a lock."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import acd.customers.tables
import acd.desk.tables
import acd.people.tables
from acd.records import (
    Database,
    RecordsUnavailable,
    Wanted,
    open_records,
    recent,
    records_version,
    story,
)
from acd.records.schema import SCHEMA_VERSION
from acd.records.tables import metadata
from tests.databases import Postgres

VERSION_1 = (
    "CREATE TABLE contacts (id VARCHAR NOT NULL PRIMARY KEY, started_at DOUBLE PRECISION NOT NULL, "
    "channel VARCHAR NOT NULL, caller VARCHAR NOT NULL, caller_name VARCHAR NOT NULL, "
    "dialled VARCHAR NOT NULL, flow VARCHAR NOT NULL, revision VARCHAR NOT NULL, "
    "language VARCHAR NOT NULL, queue VARCHAR NOT NULL, agent VARCHAR NOT NULL, "
    "verified BOOLEAN NOT NULL, outcome VARCHAR, ended_by VARCHAR NOT NULL, "
    "reason VARCHAR NOT NULL, answered_at DOUBLE PRECISION, ended_at DOUBLE PRECISION, "
    "waiting_since DOUBLE PRECISION, talking_since DOUBLE PRECISION, "
    "wait_seconds DOUBLE PRECISION NOT NULL, talk_seconds DOUBLE PRECISION NOT NULL, "
    "events INTEGER NOT NULL, fields JSON NOT NULL)",
    "CREATE INDEX contacts_by_start ON contacts (started_at)",
    "CREATE INDEX contacts_by_caller ON contacts (caller, started_at)",
    "CREATE INDEX contacts_by_queue ON contacts (queue, started_at)",
    "CREATE INDEX contacts_by_agent ON contacts (agent, started_at)",
    "CREATE TABLE contact_events (contact_id VARCHAR NOT NULL, seq INTEGER NOT NULL, "
    "at DOUBLE PRECISION NOT NULL, kind VARCHAR NOT NULL, step VARCHAR NOT NULL, "
    "data JSON NOT NULL, PRIMARY KEY (contact_id, seq))",
    "CREATE TABLE projection (name VARCHAR NOT NULL PRIMARY KEY, last_seq BIGINT NOT NULL)",
    "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY)",
    "INSERT INTO schema_version VALUES (1)",
    "INSERT INTO projection VALUES ('contacts', 41)",
    "INSERT INTO contact_events VALUES ('c1', 1, 10, 'began', '', '{\"caller\": \"13800138000\"}')",
)
ONE_CONTACT = (
    "INSERT INTO contacts VALUES ('c1', 10, 'voice', '13800138000', '', '4001', 'clinic', 'r1', "
    "'en', '', '', false, 'completed', '', '', NULL, 20, NULL, NULL, 0, 0, 1, '{}')"
)


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'r.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"e{uuid.uuid4().hex}"
    await server.create(name)
    yield server.url(name)
    await server.drop(name)


async def as_version_1(url: str) -> None:
    """What the first release left behind."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for statement in (*VERSION_1, ONE_CONTACT):
            await connection.execute(text(statement.replace(":", "\\:")))
    await engine.dispose()


async def test_records_of_the_first_release_are_brought_up_to_date_with_every_row(
    empty: str,
) -> None:
    await as_version_1(empty)
    assert await records_version(empty) == 1
    with pytest.raises(RecordsUnavailable, match=r"of version 1 .* run `tieline records upgrade`"):
        await open_records(empty, create=False)
    engine = await open_records(empty)
    assert await records_version(empty) == SCHEMA_VERSION
    (contact,) = await recent(engine, Wanted())
    assert (contact.caller, contact.outcome) == ("13800138000", "completed")
    assert [each.kind for each in await story(engine, "c1")] == ["began"]
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT last_seq FROM projection")) == 41
        link = (await connection.execute(text("SELECT kind, value, at FROM contact_links"))).one()
    assert tuple(link) == ("phone", "13800138000", 10.0)
    await engine.dispose()


async def test_the_migrations_make_exactly_the_tables_that_are_declared(url: str) -> None:
    assert {
        acd.customers.tables.customers,
        acd.desk.tables.tickets,
        acd.people.tables.accounts,
    } <= (set(metadata.tables.values()))

    def difference(connection: Connection) -> list[object]:
        options = {"include_object": ours, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(difference) == []
    await engine.dispose()


def ours(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
    """The tables of words are made by hand: each database keeps them in its own way."""
    return not (kind == "table" and reflected and "_words" in (name or ""))


def test_the_version_is_that_of_the_last_migration() -> None:
    folder = Path(sys.modules["acd.records"].__file__ or "").parent / "migrations"
    scripts = ScriptDirectory(str(folder))
    assert scripts.get_heads() == [f"{SCHEMA_VERSION:04}"]


async def test_records_of_a_newer_release_are_left_alone(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE schema_version SET version = 99"))
    await engine.dispose()
    with pytest.raises(RecordsUnavailable, match=r"version 99 .* run the release that wrote them"):
        await open_records(url)
    assert await records_version(url) == 99


async def test_many_who_start_at_once_upgrade_once(empty: str) -> None:
    await as_version_1(empty)
    engines = await asyncio.gather(*(open_records(empty) for _ in range(6)))
    assert len(await recent(engines[0], Wanted())) == 1
    for engine in engines:
        await engine.dispose()


DYING = """
import asyncio, os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from acd.records import open_records

def die(*told):
    if "CREATE TABLE accounts" in told[2]:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", die)
asyncio.run(open_records(sys.argv[1]))
"""


async def test_an_upgrade_that_was_killed_changed_nothing_and_is_done_anew(empty: str) -> None:
    await as_version_1(empty)
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", DYING, empty], timeout=30, check=False
    )
    assert killed.returncode == -9
    assert await records_version(empty) == 1
    engine = await open_records(empty)
    assert len(await recent(engine, Wanted())) == 1
    await engine.dispose()


async def test_looking_at_the_version_makes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "none.sqlite"
    assert await records_version(f"sqlite+aiosqlite:///{file}") is None
    assert not file.exists()


async def test_a_block_that_fails_has_written_nothing(
    database: Database, engine: AsyncEngine
) -> None:
    async def fail() -> None:
        async with database.writing() as connection:
            await connection.execute(text("UPDATE schema_version SET version = 98"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.reading() as connection:
        version = await connection.scalar(text("SELECT version FROM schema_version"))
    assert version == SCHEMA_VERSION


async def test_a_database_that_comes_back_is_opened_at_the_next_use(
    tmp_path: Path, ready_file: Path
) -> None:
    file = tmp_path / "r.sqlite"
    file.write_text("not a database yet " * 200)
    database = Database(f"sqlite+aiosqlite:///{file}")
    with pytest.raises(RecordsUnavailable):
        async with database.reading():
            pass
    shutil.copy(ready_file, file)
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM contacts")) == 0
    await database.close()
    assert sqlite3.connect(file).execute("PRAGMA journal_mode").fetchone() == ("wal",)
