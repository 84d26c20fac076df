"""The file that errands remember in: shared by services, true after each transaction."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from ivr.backends.building import SCHEMAS
from ivr.backends.outbox import messages_in
from ivr.backends.store import VERSION, Store

SCHEMA = "CREATE TABLE IF NOT EXISTS counts (n INTEGER)"


async def test_what_was_read_still_holds_when_it_is_written(tmp_path: Path) -> None:
    here, there = (Store(tmp_path / "e.sqlite", [SCHEMA]) for _ in range(2))
    reading, interrupted = threading.Event(), threading.Event()

    def slowly(db: sqlite3.Connection) -> None:
        count = db.execute("SELECT count(*) FROM counts").fetchone()[0]
        reading.set()
        interrupted.wait(0.2)
        db.execute("INSERT INTO counts VALUES (?)", (count + 1,))

    def meanwhile(db: sqlite3.Connection) -> None:
        count = db.execute("SELECT count(*) FROM counts").fetchone()[0]
        interrupted.set()
        db.execute("INSERT INTO counts VALUES (?)", (count + 1,))

    first = asyncio.create_task(here.run(slowly))
    await asyncio.to_thread(reading.wait, 5.0)
    await there.run(meanwhile)
    await first
    rows = await here.run(lambda db: db.execute("SELECT n FROM counts ORDER BY n").fetchall())
    assert [row["n"] for row in rows] == [1, 2]
    await here.close()
    await there.close()


async def test_work_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path / "e.sqlite", [SCHEMA])

    def fails(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO counts VALUES (1)")
        raise KeyError("half way")

    with pytest.raises(KeyError, match="half way"):
        await store.run(fails)
    assert await store.run(lambda db: db.execute("SELECT * FROM counts").fetchall()) == []
    await store.close()


async def test_services_that_start_at_once_share_a_new_file(tmp_path: Path) -> None:
    for n in range(20):
        stores = [Store(tmp_path / f"{n}.sqlite", SCHEMAS) for _ in range(4)]
        counts = [each.run(lambda db: db.execute("SELECT 1").fetchone()[0]) for each in stores]
        assert await asyncio.gather(*counts) == [1] * 4
        await asyncio.gather(*(each.close() for each in stores))


async def test_a_file_of_another_release_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "e.sqlite", SCHEMAS)
    await store.run(lambda db: db.execute(f"PRAGMA user_version = {VERSION + 1}").close())
    await store.close()
    store = Store(tmp_path / "e.sqlite", SCHEMAS)
    with pytest.raises(Exception, match="written by another release"):
        await store.run(lambda db: db.execute("SELECT 1").close())
    await store.close()
    assert messages_in(tmp_path / "e.sqlite") == []
