"""The store is away: each node decides about its own, and all is put together again afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from acd import model as m
from acd.live.access import RedisAccess
from acd.live.memory import House
from acd.model import AgentState as S
from tests.acd.live.floor import FLOOR
from tests.acd.live.nodes import Make, NodeAtWork, until
from tests.acd.live.server import Server, Wire


async def two_nodes(start: Make) -> tuple[NodeAtWork, NodeAtWork]:
    """Agent 1001 sits at n1, 1002 at n2; both are ready."""
    a = await start("n1").up()
    await a.send(m.FloorLoaded(a.domain.now(), FLOOR))
    b = await start("n2").up()
    await a.domain.set_place("1001", "n1")
    await b.domain.set_place("1002", "n2")
    await a.send(m.LoggedIn(0.0, "1001"))
    await b.send(m.LoggedIn(0.0, "1002"))
    await until(lambda: a.domain.status().seq == b.domain.status().seq)
    return a, b


def island(*nodes: NodeAtWork) -> Callable[[], bool]:
    return lambda: all(each.domain.status().island for each in nodes)


def together(*nodes: NodeAtWork) -> Callable[[], bool]:
    def so() -> bool:
        states = [each.domain.status() for each in nodes]
        same = len({each.seq for each in states}) == 1
        return same and not any(each.island or each.waiting for each in states)

    return so


async def test_every_node_serves_its_own_with_the_agents_it_has(start: Make, house: House) -> None:
    a, b = await two_nodes(start)
    await a.send(a.queued("k1-n1.1"))  # rings at 1001, at home
    house.down = True
    await until(island(a, b))
    a.domain.send(m.OfferAnswered(a.domain.now(), a.offer_of("k1-n1.1").offer))
    a.domain.send(a.queued("k2-n1.1"))
    commands = b.domain.send(b.queued("k3-n2.1"))
    assert [each.agent for each in commands if isinstance(each, m.MakeOffer)] == ["1002"]
    assert [each.call for each in a.offers()] == ["k1-n1.1"]  # 1002 is out of reach
    assert a.state_of("1001") is S.TALKING
    house.down = False
    await until(together(a, b))
    assert a.state_of("1001") is S.TALKING
    rows = {row.call: row.state for row in a.domain.engine.calls_view(0.0)}
    assert rows["k1-n1.1"] == "talking"
    assert len(rows) == 3
    assert a.domain.engine.snapshot() == b.domain.engine.snapshot()


async def test_a_talk_begun_on_an_island_keeps_its_agent_until_it_ends(
    start: Make, house: House
) -> None:
    a, b = await two_nodes(start)
    house.down = True
    await until(island(a, b))
    (offer,) = [
        each for each in a.domain.send(a.queued("k1-n1.1")) if isinstance(each, m.MakeOffer)
    ]
    a.domain.send(m.OfferAnswered(a.domain.now(), offer.offer))
    house.down = False
    await until(together(a, b))
    assert not a.domain.engine.calls_view(0.0)
    assert b.outside("1001")
    await b.send(b.queued("k2-n2.1"), b.queued("k3-n2.1"))
    assert [each.agent for each in b.offers()] == ["1002"]
    assert not [each for each in a.told if isinstance(each, m.CallExits)]
    await a.send(m.AgentReleased(a.domain.now(), offer.offer))
    await until(lambda: [each.agent for each in b.offers()] == ["1002", "1001"])


async def test_who_waits_keeps_the_place_through_it_all(start: Make, house: House) -> None:
    a, b = await two_nodes(start)
    await a.send(m.Paused(0.0, "1001", "lunch"), m.Paused(0.0, "1002", "lunch"))
    await a.send(a.queued("k1-n1.1"))
    before = a.domain.engine.call("k1-n1.1")
    house.down = True
    await until(island(a, b))
    a.domain.send(a.queued("k2-n1.1"))
    b.domain.send(b.queued("k3-n2.1"))
    came = {call: node.domain.engine.call(call) for node, call in ((a, "k2-n1.1"), (b, "k3-n2.1"))}
    house.down = False
    await until(together(a, b))
    rows = [row for row in a.domain.engine.calls_view(0.0) if row.queue == "sales"]
    assert [row.call for row in rows] == ["k1-n1.1", "k2-n1.1", "k3-n2.1"]
    assert before is not None
    assert rows[0].enqueued_at == before.enqueued_at
    for row in rows[1:]:
        record = came[row.call]
        assert record is not None
        assert row.enqueued_at == record.enqueued_at


async def test_what_was_settled_on_an_island_is_settled(start: Make, house: House) -> None:
    a, b = await two_nodes(start)
    await a.send(a.queued("k1-n1.1"), a.queued("k2-n1.1"))  # they ring at 1001 and 1002
    await a.send(m.OfferAnswered(0.0, a.offer_of("k1-n1.1").offer))
    await a.send(a.queued("k3-n1.1"))
    house.down = True
    await until(island(a, b))
    a.domain.send(m.AgentReleased(a.domain.now(), a.offer_of("k1-n1.1").offer))
    assert a.offers()[-1].call == "k3-n1.1"  # 1001 is free, and here
    a.domain.send(m.OfferFailed(a.domain.now(), a.offers()[-1].offer, m.Cause.CALLER_LEFT))
    a.domain.send(m.Paused(a.domain.now(), "1001", "lunch"))
    b.domain.send(m.LoggedOut(b.domain.now(), "1002"))
    a.domain.send(m.OfferFailed(0.0, a.offer_of("k2-n1.1").offer, m.Cause.CALLER_LEFT))
    house.down = False
    await until(together(a, b))
    assert a.domain.engine.calls_view(0.0) == []
    assert b.state_of("1001") is S.PAUSED
    assert a.state_of("1002") is S.LOGGED_OUT
    assert not [each for each in a.told if isinstance(each, m.CallExits)]


async def test_what_rings_when_the_store_is_back_is_taken_back_and_rung_by_the_domain(
    start: Make, house: House
) -> None:
    a, b = await two_nodes(start)
    house.down = True
    await until(island(a, b))
    a.domain.send(a.queued("k1-n1.1"))
    (alone,) = a.offers()
    house.down = False
    await until(lambda: len(a.offers()) == 2)
    assert [each.offer for each in a.told if isinstance(each, m.CancelOffer)] == [alone.offer]
    assert a.offers()[1].call == "k1-n1.1"
    assert a.offers()[1].offer != alone.offer
    await until(together(a, b))


async def test_a_restart_on_an_island_loses_nothing(start: Make, house: House) -> None:
    a, b = await two_nodes(start)
    await a.send(m.Paused(0.0, "1001", "lunch"), m.Paused(0.0, "1002", "lunch"))
    await a.send(a.queued("k1-n1.1"))
    house.down = True
    await until(island(a, b))
    a.domain.send(a.queued("k2-n1.1"))
    await a.kill()
    again = await start("n1").up()
    assert again.domain.status().island
    assert [row.call for row in again.domain.engine.calls_view(0.0)] == ["k1-n1.1", "k2-n1.1"]
    again.domain.send(m.Readied(again.domain.now(), "1001"))
    assert [each.call for each in again.offers()] == ["k1-n1.1"]
    again.domain.send(m.OfferAnswered(0.0, again.offer_of("k1-n1.1").offer))
    house.down = False
    await until(together(again, b))
    rows = b.domain.engine.calls_view(0.0)
    assert [(row.call, row.state) for row in rows] == [("k2-n1.1", "waiting")]
    assert b.outside("1001")


async def test_a_node_that_starts_without_a_store_serves_its_callers(
    start: Make, house: House
) -> None:
    house.down = True
    a = await start("n1").up()
    assert a.domain.status().island
    a.domain.send(m.FloorLoaded(a.domain.now(), FLOOR))
    await a.domain.set_place("1001", "n1")
    a.domain.send(m.LoggedIn(a.domain.now(), "1001"))
    a.domain.send(a.queued("k1-n1.1"))
    assert [each.agent for each in a.offers()] == ["1001"]
    a.domain.send(m.OfferAnswered(0.0, a.offers()[0].offer))
    house.down = False
    await until(lambda: not a.domain.status().island)
    await a.send(m.FloorLoaded(a.domain.now(), FLOOR))
    assert a.domain.place_of("1001") == "n1"


@pytest.mark.parametrize("deaf", [False, True])
async def test_a_node_cut_off_and_the_rest_never_offer_one_agent_at_once(
    server: Server, wire: Wire, tmp_path: Path, deaf: bool
) -> None:
    """Its agents are the domain's until it has barred them, and its own only after that.

    So it is, too, when all that the node asks for is done, its beats among it, and no reply comes.
    """
    a = NodeAtWork("n1", RedisAccess(server.url, "floor", "n1", lease=0.5, timeout=0.2), tmp_path)
    b = NodeAtWork("n2", RedisAccess(wire.url, "floor", "n2", lease=0.5, timeout=0.2), tmp_path)
    await a.up()
    await a.send(m.FloorLoaded(a.domain.now(), FLOOR))
    await b.up()
    await b.domain.set_place("1001", "n2")
    await b.domain.set_place("1002", "n2")
    await b.send(m.LoggedIn(0.0, "1001"))
    await until(lambda: a.domain.place_of("1001") == "n2")
    assert await a.domain.may_ring("1001")
    if deaf:
        wire.deaf = True
    else:
        wire.partition()
    async with asyncio.timeout(8):
        while not b.domain.status().island:
            barred = a.outside("1001")
            await asyncio.sleep(0.005)
    assert barred
    assert not await a.domain.may_ring("1001")
    await a.send(a.queued("k1-n1.1"))
    b.domain.send(b.queued("k2-n2.1"))
    assert a.offers() == []
    assert [each.agent for each in b.offers()] == ["1001"]
    b.domain.send(m.OfferAnswered(0.0, b.offers()[0].offer))
    b.domain.send(m.LoggedIn(b.domain.now(), "1002"))
    wire.deaf = False
    wire.heal()
    await until(together(a, b))
    await until(lambda: [(each.call, each.agent) for each in a.offers()] == [("k1-n1.1", "1002")])
    assert a.outside("1001")
    assert await a.domain.may_ring("1002")
    await b.send(m.AgentReleased(0.0, b.offers()[0].offer))
    await until(lambda: not a.outside("1001"))
    await a.kill()
    await b.kill()
