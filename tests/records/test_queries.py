"""What the call log answers."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.records import RecordsUnavailable, Wanted, find, recent, story
from acd.records.queries import served_by
from acd.records.tables import contacts

from .conftest import T0, Stream, a_call, event, write


@pytest.fixture
async def log(url: str, engine: AsyncEngine) -> AsyncEngine:
    """Three contacts a minute apart; the last one is still talking."""
    early = [
        event("aa1", -120, "began", caller="+15550001"),
        event("aa1", -60, "ended", outcome="abandoned"),
    ]
    live = [event("ab3", 60, "began", caller="5551234"), event("ab3", 70, "answered", agent="1001")]
    await write(url, Stream([*early, *a_call("ab2"), *live]))
    return engine


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ["ab3", "ab2", "aa1"]),
        (Wanted(limit=1), ["ab3"]),
        (Wanted(since=T0), ["ab3", "ab2"]),
        (Wanted(caller="5551234"), ["ab3", "ab2"]),
        (Wanted(caller="0001"), ["aa1"]),
        (Wanted(caller="%"), []),
        (Wanted(queue="billing"), ["ab2"]),
        (Wanted(agent="1001"), ["ab3"]),
        (Wanted(outcome="abandoned"), ["aa1"]),
        (Wanted(outcome="live"), ["ab3"]),
        (Wanted(agent="1002", outcome="abandoned"), []),
    ],
)
async def test_contacts_are_found_by_what_is_asked_latest_first(
    log: AsyncEngine, wanted: Wanted, found: list[str]
) -> None:
    assert [record.id for record in await recent(log, wanted)] == found


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("ab", ["ab3", "ab2"]), ("ab2", ["ab2"]), ("a%", []), ("", ["ab3", "ab2", "aa1"]), ("x", [])],
)
async def test_a_contact_is_found_by_the_beginning_of_its_id(
    log: AsyncEngine, prefix: str, found: list[str]
) -> None:
    assert [record.id for record in await find(log, prefix)] == found


async def test_an_exact_id_is_not_mistaken_for_the_beginning_of_another(
    url: str, engine: AsyncEngine
) -> None:
    await write(url, Stream([event("c1", 0, "began"), event("c12", 1, "began")]))
    assert [record.id for record in await find(engine, "c1")] == ["c1"]


async def test_a_story_comes_back_as_it_happened(log: AsyncEngine) -> None:
    assert await story(log, "ab2") == a_call("ab2")
    assert await story(log, "nobody") == []


async def test_records_that_break_while_open_are_told_in_words(log: AsyncEngine) -> None:
    async with log.begin() as connection:
        await connection.run_sync(contacts.drop)
    with pytest.raises(RecordsUnavailable, match=r"cannot be read: .*contacts"):
        await recent(log, Wanted())


async def test_an_agent_took_part_in_what_they_answered_also_where_another_came_after(
    url: str, engine: AsyncEngine
) -> None:
    moved = [
        event("ac4", 0, "began", caller="5551234"),
        event("ac4", 10, "answered", agent="1001"),
        event("ac4", 20, "answered", agent="1002"),
        event("ac4", 30, "ended", outcome="answered"),
    ]
    asked = [event("ad5", 0, "began", caller="5551234"), event("ad5", 5, "offered", agent="1001")]
    await write(url, Stream([*moved, *asked]))
    assert await served_by(engine, ["ac4", "ad5", "none"], "1001") == {"ac4"}
    assert await served_by(engine, ["ac4", "ad5"], "1002") == {"ac4"}
    assert await served_by(engine, ["ad5"], "1002") == set()
    assert await served_by(engine, [], "1001") == set()
