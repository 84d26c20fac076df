"""Records in both databases: a test that asks for `url` or `database` runs once in each.

PostgreSQL is the server that the project's own set-up finds or unpacks, started once for a run in a
folder of its own, on loopback, by somebody who is not root (it refuses root).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

import acd.customers.tables
import acd.desk.tables
import acd.people.tables  # noqa: F401 - they declare the tables that are counted
from acd.records import Database, open_records
from acd.records.schema import SCHEMA_VERSION
from acd.records.tables import metadata
from ivr.asterisk.provision import find_tool
from ivr.settings import Settings

NOBODY = "nobody"
TEMPLATE, SHARED = "ready", "shared"
# Making a database for each test costs a second; tests that break one are rare.
WHOLE = f"""
SELECT count(*) = {len(metadata.tables) + 3}
    AND (SELECT version FROM schema_version) = {SCHEMA_VERSION}
FROM information_schema.tables WHERE table_schema = 'public'
"""
EMPTY = """
DO $$ DECLARE each record; held boolean; BEGIN
FOR each IN SELECT tablename AS name FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN ('schema_version', 'alembic_version')
LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', each.name) INTO held;
    IF held THEN EXECUTE format('DELETE FROM %I', each.name); END IF;
END LOOP; END $$
"""
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that runs: `url` of one of its databases."""

    port: int

    def url(self, name: str) -> str:
        return f"postgresql+asyncpg://tieline@127.0.0.1:{self.port}/{name}"

    async def create(self, name: str, template: str = "template0") -> None:
        await self._do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    async def drop(self, name: str) -> None:
        await self._do(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def empty(self) -> None:
        """See that the shared database holds no row, and all tables."""
        if not await self._is_whole():
            await self.drop(SHARED)
            await self.create(SHARED, TEMPLATE)
        await self._do(EMPTY, SHARED)

    async def _is_whole(self) -> bool:
        try:
            return await self._do(WHOLE, SHARED)
        except asyncpg.UndefinedTableError:
            return False

    async def _do(self, statement: str, name: str = "postgres") -> bool:
        """Whether it is so, for a question; True for an order; False where there is no database."""
        try:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=self.port, user="tieline", database=name
            )
        except asyncpg.InvalidCatalogNameError:
            return False
        try:
            return await connection.fetchval(statement) is not False
        finally:
            await connection.close()


def apart(work: Coroutine[object, object, None]) -> None:
    """Run it in a loop of its own, also where one runs already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A server of our own for as long as the block lasts; `durable` as it comes, to be measured."""
    tool = find_tool(Settings(), "postgres")
    assert tool is not None, "no PostgreSQL: run `tieline setup --tests`"
    home = Path(tempfile.mkdtemp(prefix="tieline-postgres-"))
    user: dict[str, object] = {}
    if os.getuid() == 0:
        nobody = pwd.getpwnam(NOBODY)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    try:
        yield from _served(tool.argv_prefix, home, user, () if durable else _FAST)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _served(
    prefix: tuple[str, ...], home: Path, user: dict[str, object], fast: tuple[str, ...]
) -> Iterator[Postgres]:
    data = home / "data"
    *loader, program = prefix
    env = {**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    initdb = _initdb(loader, Path(os.path.realpath(program)), home)
    made = subprocess.run(
        [*initdb, "-D", str(data), "-U", "tieline", "-A", "trust", "-E", "UTF8", "--no-sync"],
        cwd=home,
        env=env,
        capture_output=True,
        check=False,
        **user,  # type: ignore[call-overload]  # user, group, extra_groups
    )
    assert made.returncode == 0, made.stderr.decode()
    port = _free_port()
    options = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *fast]
    arguments = [part for option in options for part in ("-c", option)]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [*prefix, "-D", str(data), *arguments],
            cwd=home,
            env=env,
            stdout=log,
            stderr=log,
            **user,  # type: ignore[call-overload]  # user, group, extra_groups
        )
    try:
        postgres = Postgres(port)
        apart(_ready(postgres, server, home / "log"))
        yield postgres
    finally:
        server.send_signal(signal.SIGINT)  # at once, without waiting for those who are connected
        server.wait(20)


def _initdb(loader: list[str], postgres: Path, home: Path) -> list[str]:
    """initdb runs the `postgres` that lies beside it, by the machine's own loader: where that is
    not the one to use, it finds a script of ours instead."""
    initdb = postgres.with_name("initdb")
    if not loader:
        return [str(initdb)]
    beside = home / "bin"
    beside.mkdir()
    shutil.copy(initdb, beside / "initdb")
    script = beside / "postgres"
    script.write_text(f'#!/bin/sh\nexec {" ".join(loader)} {postgres} "$@"\n')
    script.chmod(0o755)
    beside.chmod(0o755)
    share = postgres.parents[4] / "share" / "postgresql" / postgres.parent.parent.name
    return [*loader, str(beside / "initdb"), "-L", str(share)]


async def _ready(postgres: Postgres, server: subprocess.Popen[bytes], log: Path) -> None:
    async with asyncio.timeout(30):
        while True:
            assert server.poll() is None, log.read_text(errors="replace")
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                await postgres.create(TEMPLATE)
                break
            await asyncio.sleep(0.05)
    engine = await open_records(postgres.url(TEMPLATE))
    await engine.dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The run's own server."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def ready_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables in it, to be copied."""
    file = tmp_path_factory.mktemp("ready") / "records.sqlite"

    async def make() -> None:
        engine = await open_records(f"sqlite+aiosqlite:///{file}")
        await engine.dispose()

    apart(make())
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(
    request: pytest.FixtureRequest, tmp_path: Path, ready_file: Path
) -> AsyncIterator[str]:
    """Empty records of this release, in each kind of database."""
    if request.param == "sqlite":
        file = tmp_path / "data" / "records.sqlite"
        file.parent.mkdir()
        shutil.copy(ready_file, file)
        yield f"sqlite+aiosqlite:///{file}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    await server.empty()
    yield server.url(SHARED)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The same, opened."""
    database = Database(url)
    yield database
    await database.close()
