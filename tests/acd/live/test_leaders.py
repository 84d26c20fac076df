"""Who leads: one at a time, whatever happens to processes, wires and clocks."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from acd import model as m
from acd.distributor import steady_clock
from acd.live.lease import Granted, Held
from acd.live.member import LEADER, Member
from acd.live.redis import RedisLease, RedisReader, RedisSender, RedisStore
from acd.live.replica import Replica
from acd.live.store import Append, Fenced, Post, StoreUnreachable, entries
from tests.acd.live.floor import FLOOR, offers, queued
from tests.acd.live.server import Server, Wire

TTL = 0.5
Measured = Callable[[str, str], None]


class Process:
    """One member of the floor, with connections of its own."""

    def __init__(self, url: str, name: str, ttl: float = TTL) -> None:
        self.lease = RedisLease(url, "floor", name, ttl, timeout=0.2)
        self.reader = RedisReader(url, "floor", timeout=0.2)
        self.tokens: list[int] = []

        async def open_store(token: int) -> RedisStore:
            self.tokens.append(token)
            return await RedisStore.open(url, "floor", token, timeout=0.2)

        self.member = Member(self.lease, self.reader, open_store, steady_clock())
        self.task = asyncio.create_task(self.member.run())

    async def leads(self, within: float = 5.0) -> None:
        async with asyncio.timeout(within):
            await self.member.led.wait()

    async def send(self, event: m.Event) -> list[m.Command]:
        assert self.member.sequencer is not None
        return await self.member.sequencer.send(event)

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
        await self.lease.close()
        await self.reader.close()


@pytest.fixture
async def start() -> AsyncIterator[Callable[[str, str], Process]]:
    made: list[Process] = []

    def process(url: str, name: str) -> Process:
        made.append(Process(url, name))
        return made[-1]

    yield process
    for each in made:
        await each.end()


Start = Callable[[str, str], Process]


async def until(so: Callable[[], bool], within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not so():
            await asyncio.sleep(0.002)


async def story(server: Server) -> list[str]:
    reader = RedisReader(server.url, "floor")
    found = [f"{e.body['type']} {e.body.get('call', '')}" async for e in entries(reader, "engine")]
    await reader.close()
    return found


async def test_a_follower_is_warm_and_takes_over_at_once_when_the_leader_resigns(
    server: Server, start: Start, measured: Measured
) -> None:
    a = start(server.url, "a")
    await a.leads()
    await a.send(m.FloorLoaded(0.0, FLOOR))
    b = start(server.url, "b")
    for n in range(300):
        await a.send(queued(steady_clock(), f"a/{n}"))
    await until(lambda: b.member.replica.seq == 301)
    assert b.member.sequencer is None
    before = a.member.replica.engine.snapshot()
    began = time.monotonic()
    a.member.resign()
    await b.leads()
    took = time.monotonic() - began
    measured("hand-over when the leader resigns", f"{took * 1000:.1f} ms")
    assert took < TTL / 2
    assert b.member.replica.engine.snapshot() == before
    await b.send(m.LoggedIn(0.0, "1001"))
    await until(lambda: a.member.replica.seq == b.member.replica.seq)
    assert b.tokens[-1] > a.tokens[-1]


async def test_a_leader_cut_off_is_succeeded_and_can_write_no_more(
    server: Server, wire: Wire, start: Start, measured: Measured
) -> None:
    a = start(wire.url, "a")
    await a.leads()
    await a.send(m.FloorLoaded(0.0, FLOOR))
    b = start(server.url, "b")
    await until(lambda: b.member.replica.seq == 1)
    began = time.monotonic()
    wire.partition()
    assert a.member.sequencer is not None
    unheard = a.member.sequencer.send(m.LoggedIn(0.0, "1001"))
    await b.leads()
    measured("take-over from a leader cut off, lease 0.5 s", f"{time.monotonic() - began:.2f} s")
    await b.send(m.LoggedIn(0.0, "1002"))
    assert not unheard.done()
    assert a.member.replica.seq == 1  # what is not written has not happened there
    wire.heal()
    with pytest.raises(Fenced):
        await unheard
    assert await story(server) == ["FloorLoaded ", "LoggedIn "]
    await until(lambda: a.member.sequencer is None and a.member.replica.seq == 2)
    assert a.member.replica.engine.snapshot() == b.member.replica.engine.snapshot()


async def test_many_leaders_never_write_in_the_same_epoch(server: Server) -> None:
    """Each holder writes on as long as it can; all are made to lose the lease again and again."""
    wrote: list[tuple[int, int]] = []

    async def life(name: str, ends: float) -> None:
        lease = RedisLease(server.url, "floor", name, 0.03)
        while time.monotonic() < ends:
            answer = await lease.acquire()
            if isinstance(answer, Held):
                await asyncio.sleep(answer.seconds)
                continue
            store = await RedisStore.open(server.url, "floor", answer.token)
            with contextlib.suppress(Fenced):
                while time.monotonic() < ends:
                    body = {"token": answer.token}
                    (seq,) = await store.write(Append("engine", 0.0, body))
                    wrote.append((seq, answer.token))
            await store.close()
        await lease.close()

    await asyncio.gather(*(life(f"n{n}", time.monotonic() + 1.5) for n in range(4)))
    reader = RedisReader(server.url, "floor")
    stored = [(e.seq, e.body["token"]) async for e in entries(reader, "engine")]
    await reader.close()
    tokens = [token for _, token in stored]
    assert len(set(tokens)) > 10
    assert tokens == sorted(tokens)  # once a newer one wrote, no older one did
    assert set(wrote) <= set(stored)


FROZEN = textwrap.dedent(
    """
    import asyncio, sys
    from acd.live.redis import RedisLease, RedisStore
    from acd.live.store import Append, Fenced
    async def main(url):
        lease = RedisLease(url, "floor", "frozen", 0.3)
        token = (await lease.acquire()).token
        store = await RedisStore.open(url, "floor", token)
        n = 0
        try:
            while True:
                await store.write(Append("engine", 0.0, {"by": "frozen", "n": n}))
                n += 1
                print(n, flush=True)
                await lease.renew(token)
        except Fenced:
            print("fenced", n, await lease.renew(token), flush=True)
        await store.close()
        await lease.close()
    asyncio.run(main(sys.argv[1]))
    """
)


@pytest.fixture
def frozen(server: Server) -> Iterator[subprocess.Popen[str]]:
    """A leader in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", FROZEN, server.url], stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


async def test_a_leader_frozen_while_another_took_over_is_fenced_when_it_thaws(
    server: Server, frozen: subprocess.Popen[str]
) -> None:
    assert frozen.stdout is not None
    while int(frozen.stdout.readline()) < 100:
        pass
    frozen.send_signal(signal.SIGSTOP)
    lease = RedisLease(server.url, "floor", "b", 5)
    while not isinstance(answer := await lease.acquire(), Granted):
        await lease.turn(answer.seconds)
    store = await RedisStore.open(server.url, "floor", answer.token)
    (first,) = await store.write(Append("engine", 0.0, {"by": "b"}))
    frozen.send_signal(signal.SIGCONT)
    said = await asyncio.to_thread(frozen.stdout.read)
    _, wrote, renewed = said.splitlines()[-1].split()
    assert (said.splitlines()[-1].split()[0], renewed) == ("fenced", "False")
    found = [entry async for entry in entries(store, "engine")]
    assert [e.body["by"] for e in found] == ["frozen"] * (first - 1) + ["b"]
    assert int(wrote) in {first - 1, first - 2}
    await store.close()
    await lease.close()


async def follow(replica: Replica, reader: RedisReader) -> None:
    while True:
        with contextlib.suppress(StoreUnreachable):
            await replica.follow(reader, wait=1)


async def test_a_thousand_assignments_over_a_losing_wire_ring_each_phone_once(
    server: Server, wire: Wire, start: Start, measured: Measured
) -> None:
    """From a node's letter to the command another works out, with leaders changing on the way."""
    calls = [f"x/{n}" for n in range(1000)]
    agents = tuple(m.Agent(f"{n}", queues=("sales",)) for n in range(1000, 2000))
    floor = m.Floor(FLOOR.queues, agents)
    a, b = start(wire.url, "a"), start(wire.url, "b")
    node = Replica()
    rung: list[str] = []
    node.on_entry = lambda applied: rung.extend(offers([applied.commands]))
    reader = RedisReader(wire.url, "floor", timeout=0.2)
    following = asyncio.create_task(follow(node, reader))
    sender = RedisSender(wire.url, "floor", timeout=0.2)
    clock = steady_clock()
    await sender.post(Post(LEADER, m.to_json(m.FloorLoaded(clock(), floor))))
    await sender.post(*(Post(LEADER, m.to_json(m.LoggedIn(clock(), each.id))) for each in agents))
    wire.lose_every = 5
    for index, call in enumerate(calls):
        await sender.post(Post(LEADER, m.to_json(queued(clock, call))))
        if index in {300, 600}:
            (leader,) = [each for each in (a, b) if each.member.sequencer is not None] or [a]
            leader.member.resign()
    await until(lambda: len(rung) >= 1000, within=30)
    wire.lose_every = 0
    measured("replies lost over 1,000 assignments", str(wire.lost))
    assert sorted(rung) == sorted(calls)
    assert rung == calls
    assert wire.lost > 50
    assert len(a.tokens) + len(b.tokens) > 1
    (leader,) = [each for each in (a, b) if each.member.sequencer is not None]
    await until(lambda: leader.member.replica.seq >= node.seq)  # its own reply may be late
    rows = leader.member.replica.engine.calls_view(clock())
    assert sorted(row.call for row in rows) == sorted(calls)
    assert len({row.agent for row in rows}) == 1000
    following.cancel()
    await asyncio.wait([following])
    await sender.close()
    await reader.close()


async def test_the_floor_outlives_a_server_that_was_killed(server: Server, start: Start) -> None:
    a = start(server.url, "a")
    await a.leads()
    await a.send(m.FloorLoaded(0.0, FLOOR))
    await a.send(m.LoggedIn(0.0, "1001"))
    server.kill()
    assert a.member.sequencer is not None
    late = a.member.sequencer.send(queued(steady_clock(), "x/1"))
    await asyncio.sleep(0.1)
    assert not late.done()
    server.start()
    commands = await late
    assert [each.call for each in commands if isinstance(each, m.MakeOffer)] == ["x/1"]
