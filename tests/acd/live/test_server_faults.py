"""The server dies, freezes, forgets: what was answered is there, what waits goes on by itself."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from acd import model as m
from acd.distributor import steady_clock
from acd.live.lease import Granted
from acd.live.link import Link
from acd.live.redis import Keys, RedisLease, RedisPulse, RedisSender, RedisStore
from acd.live.replica import Replica
from acd.live.store import (
    Append,
    Confirm,
    DropLive,
    Keep,
    Post,
    SaveSnapshot,
    SetLive,
    StoreClosed,
    StoreRefused,
    StoreUnreachable,
    Taken,
    WentBack,
    entries,
)
from tests.acd.live.floor import FLOOR, leading, queued
from tests.acd.live.server import Server


async def keep_appending(store: RedisStore, answered: dict[int, int], count: int) -> None:
    for n in range(count):
        (seq,) = await store.write(Append("engine", float(n), {"n": n}))
        answered[seq] = n


async def in_trouble(store: RedisStore) -> None:
    async with asyncio.timeout(5):
        while not store.trouble:
            await asyncio.sleep(0.01)


async def test_what_was_answered_is_there_after_the_server_was_killed(either: Server) -> None:
    store = await RedisStore.open(either.url, "floor", 1)
    answered: dict[int, int] = {}
    writing = asyncio.create_task(keep_appending(store, answered, 1000))
    for at_least in (100, 400, 700):
        while len(answered) < at_least:
            await asyncio.sleep(0.001)
        either.kill()
        await asyncio.sleep(0.05)
        either.start()
    await writing
    found = {entry.seq: entry.body["n"] async for entry in entries(store, "engine")}
    assert found == answered
    assert list(found.values()) == list(range(1000))
    await store.close()


async def test_a_write_waits_out_a_frozen_server_and_happens_once(server: Server) -> None:
    store = await RedisStore.open(server.url, "floor", 1, timeout=0.1)
    await store.write(Append("engine", 0.0, {"n": 0}))
    server.freeze()
    writing = asyncio.create_task(store.write(Append("engine", 1.0, {"n": 1})))
    await in_trouble(store)
    assert "does not answer" in store.trouble
    began = time.monotonic()
    with pytest.raises(StoreUnreachable):
        await store.last("engine")
    assert time.monotonic() - began < 0.5  # a question is never held for longer than its limit
    await asyncio.sleep(0.5)  # several copies are on their way by now
    server.thaw()
    assert await writing == [2]
    assert not store.trouble
    await store.write(Append("engine", 2.0, {"n": 2}))
    assert [entry.body["n"] for entry in await store.read("engine")] == [0, 1, 2]
    await store.close()


async def test_closing_ends_what_still_waits(server: Server) -> None:
    store = await RedisStore.open(server.url, "floor", 1, timeout=0.1)
    server.kill()
    writing = asyncio.create_task(store.write(Append("engine", 1.0, {})))
    await in_trouble(store)
    await store.close()
    with pytest.raises(StoreClosed):
        await writing
    with pytest.raises(StoreClosed):
        await store.write(Append("engine", 1.0, {}))


async def test_a_server_that_has_no_room_is_asked_again(server: Server) -> None:
    store = await RedisStore.open(server.url, "floor", 1)
    link = Link(server.url)
    await link.ask("CONFIG", "SET", "maxmemory", "1")
    writing = asyncio.create_task(store.write(Append("engine", 1.0, {"n": 1})))
    await in_trouble(store)
    assert "cannot answer now" in store.trouble
    await link.ask("CONFIG", "SET", "maxmemory", "0")
    assert await writing == [1]
    await link.close()
    await store.close()


async def test_a_server_that_lost_its_tail_is_noticed_and_made_whole(server: Server) -> None:
    store = await RedisStore.open(server.url, "floor", 1)
    for n in range(5):
        await store.write(Append("engine", float(n), {"n": n}))
    link, keys = Link(server.url), Keys("floor")
    await link.ask("XTRIM", keys.stream("engine"), "MAXLEN", 0)
    await link.ask("HSET", keys.meta, "engine", 3, "n", 3)
    with pytest.raises(WentBack, match="ends at 3, and 5 was written"):
        await store.write(Append("engine", 5.0, {"n": 5}))
    numbers = await store.write(SaveSnapshot(5, 5.0, {"whole": True}), Append("engine", 6.0, {}))
    assert numbers == [6]
    assert await store.write(Append("engine", 7.0, {})) == [7]
    await link.close()
    await store.close()


async def test_an_empty_server_in_the_old_ones_place_is_made_whole(server: Server) -> None:
    store = await RedisStore.open(server.url, "floor", 7)
    await store.write(Append("engine", 1.0, {}))
    link = Link(server.url)
    await link.ask("FLUSHALL")
    await link.ask("SCRIPT", "FLUSH")
    with pytest.raises(WentBack):
        await store.write(Append("engine", 2.0, {}))
    numbers = await store.write(SaveSnapshot(1, 2.0, {}), Append("engine", 2.0, {}))
    assert numbers == [2]
    await link.close()
    await store.close()


async def test_a_wrong_password_is_said_at_once_and_not_asked_for_ever(server: Server) -> None:
    link = Link(server.url)
    await link.ask("CONFIG", "SET", "requirepass", "sesame")
    wrong = server.url.replace("//", "//:guess@")
    async with asyncio.timeout(2):
        with pytest.raises(StoreRefused, match="user or password"):
            await RedisStore.open(wrong, "floor", 1)
        right = await RedisStore.open(server.url.replace("//", "//:sesame@"), "floor", 1)
    assert await right.write(Append("engine", 1.0, {})) == [1]
    await right.close()
    await link.close()


async def test_a_leader_makes_whole_a_server_that_lost_its_tail_in_a_power_failure(
    server: Server,
) -> None:
    """The file ends in the middle of an entry; phones have rung for what it held."""
    clock = steady_clock()
    store = await RedisStore.open(server.url, "floor", 1)
    async with leading(store, clock) as leader:
        await leader.send(m.FloorLoaded(clock(), FLOOR))
        await leader.send(m.LoggedIn(clock(), "1001"))
        for n in range(50):
            await leader.send(queued(clock, f"x/{n}"))
        await leader.send(m.LoggedIn(clock(), "1002"))
        server.kill()
        (file,) = server.folder.glob("appendonlydir/*.incr.aof")
        file.write_bytes(file.read_bytes()[:-5000])
        server.start()
        assert await store.last("engine") < leader.replica.seq
        await leader.send(m.CallLeft(clock(), "x/40"))
        follower = Replica()
        await follower.restore(store)
        assert follower.engine.snapshot() == leader.replica.engine.snapshot()
    await store.close()


async def test_a_user_with_the_rights_the_manual_names_can_do_everything(server: Server) -> None:
    manual = (Path(__file__).parents[3] / "docs" / "many-nodes.md").read_text(encoding="utf-8")
    named = re.search(r"`(EVAL [A-Z \n]+)`", manual)
    assert named is not None
    rights = [f"+{command.lower()}" for command in named[1].split()]
    link = Link(server.url)
    await link.ask("ACL", "SETUSER", "tieline", "on", ">sesame", "~tieline:*", *rights)
    url = server.url.replace("//", "//tieline:sesame@")
    lease, sender = RedisLease(url, "floor", "a", 5), RedisSender(url, "floor")
    pulse = RedisPulse(url, "floor", "a")
    assert await pulse.beat({"leads": True}) == {"a": {"leads": True, "n": 1, "answered": 0}}
    granted = await lease.acquire()
    assert isinstance(granted, Granted)
    await lease.turn(0.01)
    await lease.turn(0.01)
    store = await RedisStore.open(url, "floor", granted.token)
    await store.write(
        Append("engine", 1.0, {}),
        Append("contact", 1.0, {}),
        SetLive("k", 1.0, {}),
        DropLive("k"),
        Keep("switch", "day", 1.0, {}),
        Post("a", {}),
        SaveSnapshot(1, 1.0, {}),
        Confirm(1),
    )
    await sender.post(Post("a", {}))
    letters = await store.letters("a")
    await store.take("a", letters[0].id)
    await store.write(Taken("a", letters[1].id))
    assert await store.letters("a", wait=0.01) == []
    assert await store.last("engine") == 1
    assert await store.kept("switch") == {"day": {}}
    assert await store.all_live() == {}
    assert await store.live("k") is None
    assert await store.snapshot() is not None
    assert await lease.renew(granted.token)
    await lease.release(granted.token)
    for each in (lease, sender, pulse, store, link):
        await each.close()
