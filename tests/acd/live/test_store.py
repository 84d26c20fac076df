"""What every store promises, whatever is behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.journal import Journal
from acd.live.embedded import EmbeddedStore
from acd.live.memory import House, MemoryStore
from acd.live.redis import RedisStore
from acd.live.store import (
    Append,
    Confirm,
    DropLive,
    Fenced,
    Keep,
    Letter,
    Post,
    SaveSnapshot,
    SetLive,
    SharedStore,
    Store,
    Taken,
    entries,
)


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore(House())
    elif request.param == "sqlite":
        made = EmbeddedStore(Journal(tmp_path / "journal.db"))
    else:
        made = await RedisStore.open(request.getfixturevalue("server").url, "floor", 1)
    yield made
    await made.close()


@pytest.fixture(params=["memory", "redis"])
async def two(request: pytest.FixtureRequest) -> AsyncIterator[tuple[SharedStore, SharedStore]]:
    """The same store in the hands of an older and of a newer token."""
    if request.param == "memory":
        house = House()
        pair: tuple[SharedStore, SharedStore] = (MemoryStore(house, 1), MemoryStore(house, 2))
    else:
        url = request.getfixturevalue("server").url
        pair = await RedisStore.open(url, "floor", 1), await RedisStore.open(url, "floor", 2)
    yield pair
    for each in pair:
        await each.close()


async def fill(store: Store, count: int) -> None:
    await store.write(*(Append("engine", float(n), {"n": n}) for n in range(count)))


async def test_entries_come_back_in_order_with_growing_numbers(store: Store) -> None:
    assert await store.read("engine") == []
    assert await store.last("engine") == 0
    await fill(store, 2500)
    assert await store.write(Append("contact", 1.5, {"name": "王小姐", "nothing": None})) == [1]
    found = [entry async for entry in entries(store, "engine")]
    assert [entry.seq for entry in found] == list(range(1, 2501))
    assert [entry.body["n"] for entry in found] == list(range(2500))
    assert [entry.seq for entry in await store.read("engine", after=2498)] == [2499, 2500]
    (contact,) = await store.read("contact")
    assert (contact.seq, contact.at, contact.body["name"]) == (1, 1.5, "王小姐")
    assert (await store.last("engine"), await store.last("contact")) == (2500, 1)


async def test_one_write_answers_the_numbers_of_its_entries(store: Store) -> None:
    await fill(store, 3)
    numbers = await store.write(
        Append("engine", 1.0, {}),
        SetLive("k1", 1.0, {}),
        Append("contact", 1.0, {}),
        Append("engine", 1.0, {}),
    )
    assert numbers == [4, 1, 5]


async def test_a_time_comes_back_exactly(store: Store) -> None:
    at = 1_763_770_585.123457
    await store.write(Append("engine", at, {}), SaveSnapshot(1, at, {"s": at}))
    (entry,) = await store.read("engine")
    kept = await store.snapshot()
    assert kept is not None
    assert (entry.at, kept.at, kept.body["s"]) == (at, at, at)


async def test_a_burst_of_writers_gets_one_number_each(store: Store) -> None:
    writes = [store.write(Append("engine", 1.0, {"n": n})) for n in range(700)]
    numbers = [number for (number,) in await asyncio.gather(*writes)]
    assert sorted(numbers) == list(range(1, 701))
    found = {entry.seq: entry.body["n"] for entry in await store.read("engine")}
    assert all(found[number] == n for n, number in enumerate(numbers))


async def test_a_writer_who_stops_waiting_disturbs_nobody(store: Store) -> None:
    async def append(n: int) -> list[int]:
        return await store.write(Append("engine", 1.0, {"n": n}))

    tasks = [asyncio.create_task(append(n)) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    found = {entry.seq: entry.body["n"] for entry in await store.read("engine")}
    for n, outcome in enumerate(outcomes):
        if isinstance(outcome, list):
            assert found[outcome[0]] == n
    assert sum(isinstance(outcome, list) for outcome in outcomes) >= 10


async def test_what_json_cannot_carry_is_refused_with_all_that_came_with_it(store: Store) -> None:
    with pytest.raises(ValueError, match="JSON"):
        await store.write(SetLive("k1", 1.0, {}), Append("engine", 1.0, {"x": float("nan")}))
    assert await store.last("engine") == 0
    assert await store.all_live() == {}


async def test_a_snapshot_replaces_the_entries_it_covers_and_numbers_go_on(store: Store) -> None:
    assert await store.snapshot() is None
    await fill(store, 10)
    await store.write(SaveSnapshot(10, 9.0, {"state": 1}))
    assert [entry.seq for entry in await store.read("engine")] == [10]
    assert await store.write(Append("engine", 10.0, {})) == [11]
    kept = await store.snapshot()
    assert kept is not None
    assert (kept.seq, kept.at, kept.body) == (10, 9.0, {"state": 1})
    await store.write(SaveSnapshot(10, 9.5, {"state": 2}))
    assert [entry.seq for entry in await store.read("engine", 10)] == [11]


async def test_contact_entries_stay_until_the_records_have_them(store: Store) -> None:
    await store.write(*(Append("contact", float(n), {"n": n}) for n in range(5)))
    await store.write(SaveSnapshot(0, 1.0, {}))
    assert len(await store.read("contact")) == 5
    await store.write(Confirm(3))
    await store.write(Confirm(2))
    assert await store.confirmed() == 3
    await store.write(SaveSnapshot(0, 2.0, {}))
    assert [entry.seq for entry in await store.read("contact")] == [4, 5]


async def test_live_flows_are_kept_replaced_and_dropped(store: Store) -> None:
    await store.write(SetLive("k1", 1.0, {"step": "greet"}), SetLive("k2", 1.0, {"step": "pay"}))
    await store.write(SetLive("k1", 2.0, {"step": "menu"}), DropLive("k2"), DropLive("k9"))
    assert await store.live("k1") == {"step": "menu"}
    assert await store.live("k2") is None
    assert await store.all_live() == {"k1": {"step": "menu"}}


async def test_kept_things_are_found_by_kind(store: Store) -> None:
    await store.write(
        Keep("switch", "night closing", 1.0, {"on": True}), Keep("mark", "a", 1.0, {})
    )
    await store.write(Keep("switch", "day", 2.0, {"on": False}))
    await store.write(Keep("switch", "day", 3.0, {"on": True}))
    assert await store.kept("switch") == {"day": {"on": True}, "night closing": {"on": True}}
    assert await store.kept("nothing") == {}


async def test_who_waits_for_news_gets_them_at_once(store: Store) -> None:
    await fill(store, 1)
    waiting = asyncio.create_task(store.read("engine", 1, wait=10.0))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    assert await store.live("k1") is None  # a wait holds up no question
    await store.write(Append("engine", 2.0, {"n": "new"}))
    async with asyncio.timeout(2):
        (entry,) = await waiting
    assert (entry.seq, entry.body) == (2, {"n": "new"})


async def test_a_wait_for_nothing_ends(store: Store) -> None:
    async with asyncio.timeout(2):
        assert await store.read("engine", wait=0.05) == []


# --- several writers -----------------------------------------------------------------------------


async def test_an_older_token_writes_no_more_once_a_newer_has(
    two: tuple[SharedStore, SharedStore],
) -> None:
    old, new = two
    assert await new.write(Append("contact", 1.0, {"by": "new"})) == [1]
    changes = (Append("contact", 2.0, {}), SetLive("k", 2.0, {}), Post("a", {}), DropLive("k"))
    for change in changes:
        with pytest.raises(Fenced):
            await old.write(change)
    assert [entry.body for entry in await new.read("contact")] == [{"by": "new"}]
    assert await new.all_live() == {}
    assert await new.letters("a") == []


async def test_letters_stay_until_they_are_taken(two: tuple[SharedStore, SharedStore]) -> None:
    store, _ = two
    for n in range(3):
        await store.write(Post("node-a", {"n": n}), Post("node-b", {"n": -n}))
    letters = await store.letters("node-a")
    assert [each.body["n"] for each in letters] == [0, 1, 2]
    assert [each.place for each in letters] == sorted(each.place for each in letters)
    assert bodies(await store.letters("node-a", letters[0].id)) == [1, 2]
    await store.take("node-a", letters[0].id)
    await store.take("node-a", letters[0].id)
    assert bodies(await store.letters("node-a")) == [1, 2]
    await store.write(Taken("node-a", letters[1].id), Append("engine", 1.0, {}))
    assert bodies(await store.letters("node-a")) == [2]
    assert bodies(await store.letters("node-b")) == [0, -1, -2]
    assert await store.letters("node-c", wait=0.01) == []


async def test_a_question_for_letters_is_not_held_up_by_a_wait_for_some(
    two: tuple[SharedStore, SharedStore],
) -> None:
    store, _ = two
    waiting = asyncio.create_task(store.letters("a", wait=10))
    await asyncio.sleep(0.02)
    async with asyncio.timeout(2):
        assert await store.letters("a") == []
        await store.write(Post("a", {"n": 1}))
        assert bodies(await waiting) == [1]


def bodies(letters: list[Letter]) -> list[int]:
    return [each.body["n"] for each in letters]
