"""Every event reaches the records exactly once, whatever dies and whenever."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog.testing
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.journal import Journal
from acd.records import (
    ContactEvent,
    JournalContacts,
    RecordsUnavailable,
    RecordsWriter,
    Wanted,
    fold,
    open_records,
    recent,
    story,
)
from acd.records.tables import contact_events, projection, schema_version

from .conftest import Stream, a_call, event, write


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


async def assert_holds_exactly(engine: AsyncEngine, events: list[ContactEvent]) -> None:
    contacts = list(dict.fromkeys(each.contact for each in events))
    for contact in contacts:
        own = [each for each in events if each.contact == contact]
        expected = None
        for each in own:
            expected = fold(expected, each)
        assert await story(engine, contact) == own
        assert [row for row in await recent(engine, Wanted()) if row.id == contact] == [expected]
    async with engine.connect() as connection:
        count = await connection.scalar(select(func.count()).select_from(contact_events))
    assert count == len(events)


@pytest.mark.parametrize("batch", [1, 3, 500])
async def test_rows_and_stories_hold_every_event_in_order(
    url: str, engine: AsyncEngine, batch: int
) -> None:
    # Two calls at the same time: their events take turns.
    stream = Stream(
        [each for pair in zip(a_call("c1"), a_call("c2"), strict=True) for each in pair]
    )
    await write(url, stream, batch)
    await assert_holds_exactly(engine, stream.events)
    assert stream.confirmed() == len(stream.events)


async def test_a_writer_that_comes_back_goes_on_where_it_was(url: str, engine: AsyncEngine) -> None:
    stream = Stream(a_call("c1")[:9])
    await write(url, stream)
    stream.events += [*a_call("c1")[9:], *a_call("c2")]
    await write(url, stream)
    await assert_holds_exactly(engine, stream.events)


async def test_nodes_write_their_stories_into_the_same_records(
    url: str, engine: AsyncEngine
) -> None:
    one = Stream(a_call("c1-n1")[:9], "contacts@n1")
    two = Stream(a_call("c1-n2"), "contacts@n2")
    first, second = RecordsWriter(url, one), RecordsWriter(url, two)
    await asyncio.gather(first.flush(), second.flush())
    one.events += a_call("c1-n1")[9:]
    two.events += a_call("c2-n2")
    await asyncio.gather(first.flush(), second.flush())
    await first.stop()
    await second.stop()
    await write(url, one)  # after a restart
    await assert_holds_exactly(engine, [*one.events, *two.events])


async def test_a_journal_that_gets_another_name_is_not_written_twice(
    url: str, engine: AsyncEngine
) -> None:
    stream = Stream(a_call("c1"))
    await write(url, stream)
    stream.name = "contacts@n1"
    stream.events += a_call("c2-n1")
    await write(url, stream)
    await assert_holds_exactly(engine, stream.events)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from acd.journal import Journal
from acd.records import JournalContacts, RecordsWriter

moment, count, home = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])

def die(*told):
    global count
    if moment.isupper() and not told[2].upper().startswith(moment):
        return
    count -= 1
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)

class Dying(JournalContacts):
    def confirm(self, seq):
        if moment == "before confirm" and seq:
            die()
        super().confirm(seq)

if moment == "before commit":
    event.listen(Engine, "commit", die)
if moment.isupper():
    event.listen(Engine, "before_cursor_execute", die)

async def main():
    url = f"sqlite+aiosqlite:///{home}/records.sqlite"
    writer = RecordsWriter(url, Dying(Journal(home / "j")), batch=4)
    await writer.flush()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        ("before commit", 4),
        ("UPDATE PROJECTION", 2),
        ("INSERT INTO CONTACT_EVENTS", 3),
        ("UPDATE CONTACTS", 2),
        ("before confirm", 1),
        ("before confirm", 4),
    ],
)
async def test_a_killed_writer_neither_loses_nor_repeats_anything(
    tmp_path: Path, moment: str, count: int
) -> None:
    events = [*a_call("c1"), *a_call("c2")]
    with Journal(tmp_path / "j") as journal:
        for each in events:
            append(journal, each)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, moment, str(count), str(tmp_path)], timeout=20, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    with Journal(tmp_path / "j") as journal:
        assert journal.confirmed() < len(events)
        writer = RecordsWriter(
            f"sqlite+aiosqlite:///{tmp_path}/records.sqlite", JournalContacts(journal)
        )
        await writer.flush()
        await writer.stop()
        assert journal.confirmed() == len(events)
    engine = await open_records(f"sqlite+aiosqlite:///{tmp_path}/records.sqlite")
    await assert_holds_exactly(engine, events)
    await engine.dispose()


def append(journal: Journal, each: ContactEvent) -> None:
    body = {"contact": each.contact, "kind": each.kind, "step": each.step, "data": dict(each.data)}
    journal.append("contact", each.at, body)


async def test_news_is_written_when_it_comes(url: str, engine: AsyncEngine) -> None:
    stream = Stream(a_call("c1"))
    writer = RecordsWriter(url, stream, linger=0)
    await writer.start()
    await eventually(lambda: stream.confirmed() == len(a_call()))
    stream.events += a_call("c2")
    writer.wake()
    await eventually(lambda: stream.confirmed() == len(stream.events))
    await writer.stop()
    await assert_holds_exactly(engine, stream.events)


async def test_stopping_writes_what_is_left(url: str, engine: AsyncEngine) -> None:
    stream = Stream()
    writer = RecordsWriter(url, stream)
    await writer.start()
    stream.events += a_call("c1")
    await writer.stop()
    await assert_holds_exactly(engine, stream.events)


async def test_a_database_that_is_away_loses_nothing_and_stops_no_one(tmp_path: Path) -> None:
    away = tmp_path / "mount"
    away.write_text("not a folder yet")
    stream = Stream(a_call("c1"))
    writer = RecordsWriter(
        f"sqlite+aiosqlite:///{away}/records.sqlite", stream, linger=0, first_retry=0.01
    )
    await writer.start()
    await eventually(lambda: bool(writer.trouble))
    with pytest.raises(RecordsUnavailable, match="the records are behind"):
        await writer.flush()
    assert stream.marks == []
    stream.events += a_call("c2")
    away.unlink()
    await eventually(lambda: stream.confirmed() == len(stream.events))
    assert writer.trouble == ""
    await writer.stop()
    engine = await open_records(f"sqlite+aiosqlite:///{away}/records.sqlite")
    await assert_holds_exactly(engine, stream.events)
    await engine.dispose()


async def test_a_journal_that_cannot_be_read_stops_no_one(url: str) -> None:
    class Damaged(Stream):
        def read_after(self, seq: int, limit: int) -> list[tuple[int, ContactEvent]]:
            raise OSError(5, "Input/output error")

    writer = RecordsWriter(url, Damaged())
    with pytest.raises(RecordsUnavailable, match="Input/output error"):
        await writer.flush()
    await writer.stop()


async def test_a_second_writer_is_refused_and_repeats_nothing(
    url: str, engine: AsyncEngine
) -> None:
    stream = Stream(a_call("c1")[:5])
    first, second = RecordsWriter(url, stream), RecordsWriter(url, stream)
    await first.flush()
    await second.flush()
    stream.events += a_call("c1")[5:]
    await first.flush()
    with pytest.raises(RecordsUnavailable, match="another process writes these records too"):
        await second.flush()
    await second.flush()  # it has looked again, and there is nothing left to do
    await assert_holds_exactly(engine, stream.events)
    await first.stop()
    await second.stop()


async def test_a_new_journal_is_read_from_its_beginning(url: str, engine: AsyncEngine) -> None:
    old, new = Stream(a_call("c1")), Stream(a_call("c2")[:3])
    await write(url, old)
    with structlog.testing.capture_logs() as logs:
        await write(url, new)
    assert [line["event"] for line in logs] == ["the journal went back"]
    await assert_holds_exactly(engine, [*old.events, *new.events])


async def test_a_journal_that_lost_its_tail_loses_no_new_event(
    url: str, engine: AsyncEngine
) -> None:
    before = a_call("c1")
    stream = Stream(before[:9])
    await write(url, stream)
    del stream.events[6:]
    writer = RecordsWriter(url, stream)
    stream.events += [
        event("c1", 50, "resumed", after="flow"),
        event("c1", 60, "ended", outcome="x"),
    ]
    await writer.flush()
    await writer.stop()
    await assert_holds_exactly(engine, [*before[:9], *stream.events[6:]])


async def test_records_of_another_release_are_not_touched(url: str, engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(update(schema_version).values(version=99))
    writer = RecordsWriter(url, Stream(a_call()))
    with pytest.raises(RecordsUnavailable, match="of version 99 and this release reads"):
        await writer.flush()
    await writer.stop()
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(projection)) == 0


async def test_the_records_are_for_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "r.sqlite"
    await (await open_records(f"sqlite+aiosqlite:///{file}")).dispose()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("nonsense", "the records cannot be opened"),
        ("nosuch+driver://x/y", "the records cannot be opened"),
        (
            "postgresql+asyncpg://nobody:secret@127.0.0.1:1/x",
            "cannot be read: .*Connect call failed",
        ),
    ],
)
async def test_an_address_that_leads_nowhere_is_told_in_words(address: str, why: str) -> None:
    with pytest.raises(RecordsUnavailable, match=why) as told:
        await open_records(address)
    assert "secret" not in str(told.value)


async def test_looking_does_not_make_a_database(tmp_path: Path) -> None:
    with pytest.raises(RecordsUnavailable, match="there are no records yet at"):
        await open_records(f"sqlite+aiosqlite:///{tmp_path / 'r.sqlite'}", create=False)
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_no_database_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "r.sqlite").write_text("a shopping list, and certainly no database" * 100)
    with pytest.raises(RecordsUnavailable, match="cannot be read: file is not a database"):
        await open_records(f"sqlite+aiosqlite:///{tmp_path / 'r.sqlite'}")


async def test_a_database_of_another_kind_holds_no_records(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "r.sqlite").close()
    with pytest.raises(RecordsUnavailable, match=r"holds no records: .* `tieline records upgrade`"):
        await open_records(f"sqlite+aiosqlite:///{tmp_path / 'r.sqlite'}", create=False)


@pytest.mark.parametrize("batch", [1, 3, 500])
async def test_a_contact_that_becomes_another_leaves_its_whole_story_to_it(
    url: str, engine: AsyncEngine, batch: int
) -> None:
    events = [
        event("chat", 0, "began", channel="chat", caller="v-1"),
        event("chat", 1, "field", name="order", value="1001"),
        event("chat", 2, "ended", outcome="completed"),
        event("call", 3, "began", channel="voice", caller="4711"),
        event("call", 4, "step", verb="join"),
        event("chat", 5, "joined", **{"from": "call"}),
        event("chat", 6, "queued", queue="sales"),
        event("other", 7, "joined", **{"from": "nobody"}),
    ]
    await write(url, Stream(events), batch)
    told = await story(engine, "chat")
    assert [each.kind for each in told] == [
        *("began", "field", "ended", "began", "step", "joined", "queued"),
    ]
    assert await story(engine, "call") == []
    rows = {row.id: row for row in await recent(engine, Wanted())}
    assert set(rows) == {"chat", "other"}
    record = rows["chat"]
    assert (record.caller, record.channel, record.fields) == ("4711", "voice", {"order": "1001"})
    assert (record.outcome, record.events, record.waiting_since) == (None, 7, events[6].at)
