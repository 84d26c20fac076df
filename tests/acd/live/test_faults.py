"""Whatever breaks, nobody is assigned twice and no caller is lost: two nodes under load."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from acd import model as m
from acd.live.access import RedisAccess
from acd.live.link import Link
from ivr.asterisk.toolbox import Tool
from tests.acd.live.nodes import until
from tests.acd.live.phones import Desk, Phones
from tests.acd.live.server import Sentinel, Server, Wire

AGENTS = tuple(f"{n}" for n in range(1000, 1012))
FLOOR = m.Floor(
    (m.Queue("sales", wrap_up_seconds=0, leave_when_empty=None, no_answer_limit=0),),
    tuple(m.Agent(agent, queues=("sales",)) for agent in AGENTS),
)
RING_ALL = replace(
    FLOOR, queues=tuple(replace(each, strategy=m.Strategy.RING_ALL) for each in FLOOR.queues)
)
CALLS = 120
PAUSE = 0.008
LEASE = 0.5

Measured = Callable[[str, str], None]


class Centre:
    """Two nodes, six agents each, and what came of the calls."""

    def __init__(self, a: Desk, b: Desk, phones: Phones) -> None:
        self.a, self.b, self.phones = a, b, phones

    @property
    def leader(self) -> Desk:
        return self.a if self.a.node.domain.status().leads else self.b

    def whole(self) -> bool:
        """Whether both are with each other and with the store."""
        states = [each.node.domain.status() for each in (self.a, self.b)]
        return not any(each.island or each.trouble for each in states)

    async def load(self, fault: Callable[[], object]) -> None:
        """Calls at both; the fault comes when a third of them have come."""
        calls = [asyncio.create_task(each.calls(CALLS, PAUSE)) for each in (self.a, self.b)]
        await asyncio.sleep(CALLS * PAUSE / 3)
        done = fault()
        if isinstance(done, asyncio.Future):
            await done
        await asyncio.gather(*calls)

    async def all_served(self, *nodes: str) -> None:
        expected = {f"k{n}-{node}.1": 1 for node in nodes for n in range(CALLS)}
        served = self.phones.served
        with contextlib.suppress(TimeoutError):
            await until(lambda: expected.keys() <= served.keys(), within=15)
        missing = expected.keys() - served.keys()
        assert not missing, f"{len(missing)} calls lost: {sorted(missing)[:5]}"
        assert {call: count for call, count in served.items() if count > 1} == {}
        assert self.phones.twice == []
        assert self.a.lost + self.b.lost == []


@pytest.fixture
def phones() -> Phones:
    return Phones()


@contextlib.asynccontextmanager
async def centre(
    url: str, phones: Phones, folder: Path, b_url: str = "", floor: m.Floor = FLOOR
) -> AsyncIterator[Centre]:
    ways = {"n1": url, "n2": b_url or url}
    a, b = (
        Desk(node, RedisAccess(way, "floor", node, lease=LEASE, timeout=0.2), folder, phones)
        for node, way in ways.items()
    )
    try:
        await a.up(AGENTS[:6], floor)
        await b.up(AGENTS[6:])
        yield Centre(a, b, phones)
    finally:
        await a.close()
        await b.close()


@pytest.mark.parametrize("floor", [FLOOR, RING_ALL], ids=["one", "all"])
async def test_the_leader_is_killed(
    server: Server, phones: Phones, tmp_path: Path, floor: m.Floor
) -> None:
    """Its own callers are gone with it; the others are served, by all agents who can be reached."""
    async with centre(server.url, phones, tmp_path, floor=floor) as both:
        leader = both.leader
        other = both.b if leader is both.a else both.a
        calls = asyncio.create_task(other.calls(CALLS, PAUSE))
        dying = asyncio.create_task(leader.calls(CALLS // 3, PAUSE))
        await dying
        await leader.close()
        phones.offers = {a: o for a, o in phones.offers.items() if f"-{leader.name}." not in o}
        await calls
        await both.all_served(other.name)
        await until(lambda: not other.node.domain.engine.calls_view(0.0))


@pytest.mark.parametrize("floor", [FLOOR, RING_ALL], ids=["one", "all"])
async def test_the_leader_is_cut_off_from_the_store(
    server: Server, wire: Wire, phones: Phones, tmp_path: Path, floor: m.Floor
) -> None:
    async with centre(wire.url, phones, tmp_path, b_url=server.url, floor=floor) as both:
        await until(lambda: both.leader is both.a)

        def cut() -> None:
            wire.partition()
            asyncio.get_running_loop().call_later(2.0, wire.heal)

        await both.load(cut)
        await both.all_served("n1", "n2")
        await until(lambda: not both.a.node.domain.status().island)


async def test_the_store_is_killed_and_comes_back(
    server: Server, phones: Phones, tmp_path: Path
) -> None:
    async with centre(server.url, phones, tmp_path) as both:

        def kill() -> None:
            server.kill()
            asyncio.get_running_loop().call_later(1.5, server.start)

        await both.load(kill)
        await both.all_served("n1", "n2")


async def test_the_store_freezes_and_thaws(server: Server, phones: Phones, tmp_path: Path) -> None:
    async with centre(server.url, phones, tmp_path) as both:

        def freeze() -> None:
            server.freeze()
            asyncio.get_running_loop().call_later(1.5, server.thaw)

        await both.load(freeze)
        await both.all_served("n1", "n2")


async def test_replies_of_the_store_are_lost(
    wire: Wire, phones: Phones, tmp_path: Path, measured: Measured
) -> None:
    async with centre(wire.url, phones, tmp_path) as both:

        def lose() -> None:
            wire.lose_every = 7

        await both.load(lose)
        await both.all_served("n1", "n2")
        wire.lose_every = 0
        measured("replies lost over 240 calls on two nodes", str(wire.lost))


@pytest.mark.parametrize("floor", [FLOOR, RING_ALL], ids=["one", "all"])
async def test_two_nodes_are_restarted_one_after_the_other(
    server: Server, phones: Phones, tmp_path: Path, floor: m.Floor
) -> None:
    async with centre(server.url, phones, tmp_path, floor=floor) as both:

        async def roll() -> None:
            await both.a.restart()
            await asyncio.sleep(0.1)
            await both.b.restart()

        await both.load(lambda: asyncio.ensure_future(roll()))
        await both.all_served("n1", "n2")


@pytest.fixture
async def watched(server: Server, redis_tool: Tool, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a sentinel that watches `server` and has a replica to put in its place."""
    replica = Server(redis_tool, tmp_path / "replica", replica_of=server.port)
    replica.start()
    sentinel = Sentinel(redis_tool, tmp_path / "sentinel", server.port)
    link = Link(server.url)
    try:
        async with asyncio.timeout(20):
            while "state=online" not in (await link.ask("INFO", "replication")):
                await asyncio.sleep(0.02)
        yield sentinel.url
    finally:
        await link.close()
        sentinel.kill()
        replica.kill()


async def test_sentinel_makes_a_replica_the_master(
    server: Server, watched: str, phones: Phones, tmp_path: Path, measured: Measured
) -> None:
    async with centre(watched, phones, tmp_path) as both:
        began = asyncio.get_running_loop().time()
        link = Link(watched)
        first = (await link.ask("CONFIG", "GET", "port"))["port"]
        await both.load(server.kill)
        await until(both.whole, within=20)
        measured(
            "two nodes together again after a failover by Sentinel",
            f"{asyncio.get_running_loop().time() - began:.1f} s",
        )
        await both.all_served("n1", "n2")
        assert first == str(server.port)
        assert (await link.ask("CONFIG", "GET", "port"))["port"] != first
        await link.close()
