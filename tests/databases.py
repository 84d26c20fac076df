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
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from acd.records import Database, open_records
from ivr.asterisk.provision import find_tool
from ivr.settings import Settings

NOBODY = "nobody"
TEMPLATE = "ready"
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

    async def _do(self, statement: str) -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=self.port, user="tieline", database="postgres"
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def apart(work: Coroutine[object, object, None]) -> None:
    """Run it in a loop of its own, also where one runs already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server of our own for as long as the block lasts."""
    tool = find_tool(Settings(), "postgres")
    assert tool is not None, "no PostgreSQL: run `tieline setup --tests`"
    home = Path(tempfile.mkdtemp(prefix="tieline-postgres-"))
    user: dict[str, object] = {}
    if os.getuid() == 0:
        nobody = pwd.getpwnam(NOBODY)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    try:
        yield from _served(tool.argv_prefix, home, user)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _served(prefix: tuple[str, ...], home: Path, user: dict[str, object]) -> Iterator[Postgres]:
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
    options = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *_FAST]
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
    name = f"t{uuid.uuid4().hex}"
    await server.create(name, TEMPLATE)
    yield server.url(name)
    await server.drop(name)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The same, opened."""
    database = Database(url)
    yield database
    await database.close()
