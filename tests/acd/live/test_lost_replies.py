"""The server did it, and nobody heard: a thousand times, nothing lost and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from acd.live.redis import RedisReader, RedisSender, RedisStore
from acd.live.store import Append, Fenced, Post, entries
from tests.acd.live.server import Server, Wire

Measured = Callable[[str, str], None]


async def test_a_thousand_appends_over_a_losing_wire_are_each_there_once(
    server: Server, wire: Wire, measured: Measured
) -> None:
    store = await RedisStore.open(wire.url, "floor", 1)
    wire.lose_every = 3

    async def append(n: int) -> int:
        (seq,) = await store.write(Append("engine", float(n), {"n": n}))
        return seq

    numbers: dict[int, int] = {}
    for start in range(0, 1000, 10):
        batch = range(start, start + 10)
        # Every other one alone, so that there are many requests to lose the reply of.
        if start % 20:
            numbers |= zip(batch, await asyncio.gather(*map(append, batch)), strict=True)
        else:
            for n in batch:
                numbers[n] = await append(n)
    assert wire.lost > 150
    measured("replies lost over 1,000 appends", str(wire.lost))
    reader = RedisReader(server.url, "floor")
    found = {entry.body["n"]: entry.seq async for entry in entries(reader, "engine")}
    assert found == numbers
    assert sorted(numbers.values()) == list(range(1, 1001))
    await reader.close()
    await store.close()


async def test_a_thousand_letters_over_a_losing_wire_arrive_once_and_in_order(
    server: Server, wire: Wire
) -> None:
    sender = RedisSender(wire.url, "floor")
    wire.lose_every = 2
    for start in range(0, 1000, 4):
        await asyncio.gather(
            *(sender.post(Post("leader", {"n": n})) for n in range(start, start + 4))
        )
    assert wire.lost > 100
    reader = RedisReader(server.url, "floor")
    assert [each.body["n"] for each in await reader.letters("leader")] == list(range(1000))
    await reader.close()
    await sender.close()


async def test_an_old_copy_of_a_request_that_arrives_late_changes_nothing(server: Server) -> None:
    """A frozen server may work off what we gave up on, after what we sent instead."""
    store = await RedisStore.open(server.url, "floor", 1)
    twin = await RedisStore.open(server.url, "floor", 1)
    await store.write(Append("contact", 1.0, {"n": 1}))
    await store.write(Append("contact", 2.0, {"n": 2}))
    with pytest.raises(Fenced, match="stale"):
        await twin.write(Append("contact", 1.0, {"n": "late copy of the first"}))
    assert [entry.body["n"] for entry in await store.read("contact")] == [1, 2]
    await store.close()
    await twin.close()
