"""One holder at a time, by the store's own clock; a newer token shuts out every older one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from acd.live.lease import Granted, Held, Lease
from acd.live.link import Link
from acd.live.memory import House, MemoryLease
from acd.live.redis import Keys, RedisLease, RedisStore
from acd.live.store import Append, Fenced
from tests.acd.live.server import Server, Wire

TTL = 0.4

Make = Callable[[str], Lease]


@pytest.fixture(params=["memory", "redis"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    if request.param == "memory":
        house = House()
        yield lambda name: MemoryLease(house, name, TTL)
        return
    url, made = request.getfixturevalue("server").url, list[RedisLease]()

    def lease(name: str) -> Lease:
        made.append(RedisLease(url, "floor", name, TTL))
        return made[-1]

    yield lease
    for each in made:
        await each.close()


async def granted(lease: Lease) -> int:
    answer = await lease.acquire()
    assert isinstance(answer, Granted), answer
    return answer.token


async def test_one_holds_it_and_the_other_is_told_who_and_for_how_long(make: Make) -> None:
    a, b = make("a"), make("b")
    await granted(a)
    for each in (a, b):
        answer = await each.acquire()
        assert isinstance(answer, Held)
        assert answer.holder.startswith("a")
        assert 0 < answer.seconds <= TTL


async def test_a_lease_that_runs_out_goes_to_the_next_under_a_higher_token(make: Make) -> None:
    a, b = make("a"), make("b")
    first = await granted(a)
    await b.turn(0)
    while isinstance(held := await b.acquire(), Held):
        await b.turn(held.seconds)
    assert held.token > first
    assert not await a.renew(first)
    await a.release(first)  # what is another's stays theirs
    assert isinstance(await a.acquire(), Held)


async def test_a_lease_renewed_in_time_is_never_lost(make: Make) -> None:
    a, b = make("a"), make("b")
    token = await granted(a)
    until = time.monotonic() + 3 * TTL
    while time.monotonic() < until:
        assert await a.renew(token)
        assert isinstance(await b.acquire(), Held)
        await asyncio.sleep(TTL / 5)


async def test_running_out_alone_takes_it_from_nobody(make: Make) -> None:
    a = make("a")
    token = await granted(a)
    await asyncio.sleep(1.2 * TTL)
    assert await a.renew(token)
    assert isinstance(await make("b").acquire(), Held)


async def test_a_release_wakes_who_waits_at_once(make: Make) -> None:
    a, b = make("a"), make("b")
    token = await granted(a)
    await b.turn(0)
    assert isinstance(await b.acquire(), Held)
    waiting = asyncio.create_task(b.turn(30))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await a.release(token)
    await waiting
    assert await granted(b) > token
    assert time.monotonic() - began < 0.2


async def test_of_many_who_ask_at_once_one_is_granted(make: Make) -> None:
    for _ in range(5):
        leases = [make(f"n{n}") for n in range(10)]
        answers = await asyncio.gather(*(each.acquire() for each in leases))
        (winner,) = [n for n, answer in enumerate(answers) if isinstance(answer, Granted)]
        answer = answers[winner]
        assert isinstance(answer, Granted)
        await leases[winner].release(answer.token)


# --- against the real server ---------------------------------------------------------------------


async def test_a_grant_whose_reply_was_lost_is_repaired_by_asking_again(
    server: Server, wire: Wire
) -> None:
    lease, other = RedisLease(wire.url, "floor", "a", 5), RedisLease(server.url, "floor", "b", 5)
    wire.lose_every = 1
    with pytest.raises(Exception, match="does not answer"):
        await lease.acquire()
    wire.lose_every = 0
    assert isinstance(await other.acquire(), Held)
    assert isinstance(await lease.acquire(), Granted)
    await lease.close()
    await other.close()


async def test_the_clocks_of_the_nodes_decide_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = (RedisLease(server.url, "floor", name, 0.3) for name in "ab")
    first = await granted(a)
    store = await RedisStore.open(server.url, "floor", first)
    with monkeypatch.context() as jump:
        jump.setattr(time, "time", lambda: 0.0)
        assert isinstance(await b.acquire(), Held)
        jump.setattr(time, "time", lambda: 1e12)
        assert isinstance(await b.acquire(), Held)
        await asyncio.sleep(0.4)
        jump.setattr(time, "time", lambda: 0.0)
        second = await granted(b)
        assert second > first
        with pytest.raises(Fenced):
            await store.write(Append("engine", 0.0, {}))
        assert not await a.renew(first)
    assert await store.last("engine") == 0
    await store.close()
    await a.close()
    await b.close()


async def test_tokens_grow_though_the_server_lost_the_last_grants(server: Server) -> None:
    a = RedisLease(server.url, "floor", "a", 5)
    first = await granted(a)
    link = Link(server.url)
    await link.ask("FLUSHALL")
    b = RedisLease(server.url, "floor", "b", 5)
    assert await granted(b) > first
    for each in (a, b, link):
        await each.close()


async def test_a_server_whose_clock_was_set_back_does_not_make_a_lease_eternal(
    server: Server,
) -> None:
    a, b = (RedisLease(server.url, "floor", name, 0.2) for name in "ab")
    first = await granted(a)
    link = Link(server.url)
    in_an_hour = round((time.time() + 3600) * 1e6)
    await link.ask("HSET", Keys("floor").lease, "until", in_an_hour)
    held = await b.acquire()
    assert isinstance(held, Held)
    assert held.seconds <= 0.2
    await asyncio.sleep(0.25)
    assert await granted(b) > first
    for each in (a, b, link):
        await each.close()


async def test_who_does_not_know_the_newest_entry_may_not_write(server: Server) -> None:
    """Should a lost grant let an older leader write on, the newer one finds out and stands down."""
    old, new = [await RedisStore.open(server.url, "floor", token) for token in (1, 2)]
    await old.write(Append("engine", 1.0, {"by": "old"}))
    with pytest.raises(Fenced):
        await new.write(Append("engine", 2.0, {"by": "new"}))
    assert [entry.body["by"] for entry in await new.read("engine")] == ["old"]
    await old.close()
    await new.close()
