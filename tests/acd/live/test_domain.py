"""A node among others, as its shell sees it: one floor, whoever leads, whoever is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from acd import model as m
from acd.dispatch import Distributing
from acd.distributor import Distributor
from acd.errors import IllegalEvent, UnknownAgent
from acd.journal import Journal
from acd.live.access import Access, MemoryAccess, RedisAccess
from acd.live.domain import DomainDistributor
from acd.live.memory import House
from acd.model import AgentState as S
from tests.acd.live.floor import FLOOR
from tests.acd.live.nodes import NodeAtWork, until

Start = Callable[[str], "asyncio.Future[NodeAtWork]"]


@pytest.fixture(params=["memory", "redis"])
def access(request: pytest.FixtureRequest) -> Callable[[str], Access]:
    if request.param == "memory":
        houses: list[House] = []

        def in_memory(node: str) -> Access:
            houses[:] = houses or [House()]
            return MemoryAccess(houses[0], node, lease=0.5)

        return in_memory
    url = request.getfixturevalue("server").url
    return lambda node: RedisAccess(url, "floor", node, lease=0.5, timeout=0.2)


@pytest.fixture
async def start(
    access: Callable[[str], Access], tmp_path: Path
) -> AsyncIterator[Callable[[str], NodeAtWork]]:
    made: list[NodeAtWork] = []

    def node(name: str) -> NodeAtWork:
        made.append(NodeAtWork(name, access(name), tmp_path))
        return made[-1]

    yield node
    for each in made:
        await each.kill()


Make = Callable[[str], NodeAtWork]


async def two_nodes(start: Make) -> tuple[NodeAtWork, NodeAtWork]:
    a = await start("n1").up()
    await a.send(m.FloorLoaded(a.domain.now(), FLOOR))
    b = await start("n2").up()
    await until(lambda: a.domain.leads)
    return a, b


def test_one_machine_and_one_of_many_look_alike(tmp_path: Path) -> None:
    def takes(distributor: Distributing) -> bool:
        return distributor.owns("k1-n1")

    with Journal(tmp_path / "j") as journal:
        assert takes(Distributor(journal))
        nowhere = RedisAccess("redis://127.0.0.1:1/0", "floor", "n1")
        assert takes(DomainDistributor("n1", journal, nowhere))


@pytest.mark.parametrize("name", ["", "n-1", "n.1", "n 1"])
def test_a_node_whose_name_would_be_taken_for_something_else_is_refused(
    name: str, tmp_path: Path
) -> None:
    with Journal(tmp_path / "j") as journal, pytest.raises(ValueError, match="letters and digits"):
        DomainDistributor(name, journal, RedisAccess("redis://127.0.0.1:1/0", "floor", "n1"))


async def test_the_phone_of_one_node_rings_for_the_caller_of_another(start: Make) -> None:
    a, b = await two_nodes(start)
    await b.send(m.LoggedIn(b.domain.now(), "1001"))
    await a.send(a.queued("k1-n1.1"))
    await b.send(b.queued("k2-n2.1"))
    offer = a.offer_of("k1-n1.1")
    assert offer.agent == "1001"
    await a.send(m.OfferAnswered(a.domain.now(), offer.offer))
    await until(lambda: b.state_of("1001") is S.TALKING)
    await a.send(m.AgentReleased(a.domain.now(), offer.offer))
    await until(lambda: [each.call for each in b.offers()] == ["k2-n2.1"])
    assert [each.call for each in a.offers()] == ["k1-n1.1"]
    changes = [each.state for each in b.told if isinstance(each, m.AgentChanged)]
    assert changes == [S.READY, S.OFFERED, S.TALKING, S.READY, S.OFFERED]


async def test_what_a_supervisor_does_at_one_node_is_heard_at_all_and_done_where_the_call_is(
    start: Make,
) -> None:
    a, b = await two_nodes(start)
    call, now = "k1-n1.1", a.domain.now()
    await a.send(a.queued(call))
    await until(lambda: b.domain.engine.has_call(call))
    with a.domain.watch(call) as box:
        await b.send(m.CallReprioritised(now, call, 5, "boss"), m.CallWithdrawn(now, call, "boss"))
        async with asyncio.timeout(10):
            assert await box.get() == m.CallExits(call, m.Exit.WITHDRAWN)
    steered = [each for each in a.told if isinstance(each, m.CallSteered)]
    assert [(each.what, each.by, each.to_priority) for each in steered] == [
        (m.Steer.REPRIORITISED, "boss", 5),
        (m.Steer.WITHDRAWN, "boss", 5),
    ]
    assert [each for each in b.told if isinstance(each, m.CallSteered)] == steered
    assert not [each for each in b.told if isinstance(each, m.CallExits)]
    assert a.domain.owns(call)
    assert not b.domain.owns(call)


async def test_a_mailbox_gets_what_is_decided_elsewhere(start: Make) -> None:
    _, b = await two_nodes(start)
    assert not b.domain.leads
    with b.domain.watch("k1-n2.1") as box:
        await b.send(b.queued("k1-n2.1"))
        assert box.get_nowait() is None
        b.domain.send(m.LoggedIn(b.domain.now(), "1001"))
        async with asyncio.timeout(2):
            assert isinstance(await box.get(), m.MakeOffer)


async def test_what_is_surely_impossible_is_refused_at_once(start: Make) -> None:
    a, b = await two_nodes(start)
    with pytest.raises(IllegalEvent):
        b.domain.send(m.CallLeft(0.0, "nobody-n2.1"))
    with pytest.raises(UnknownAgent):
        b.domain.send(m.LoggedIn(0.0, "9"))
    assert len(b.domain._outbox) == 0
    await b.send(m.LoggedIn(0.0, "1001"))
    await until(lambda: a.state_of("1001") is S.READY)


async def test_what_hangs_on_words_still_on_their_way_is_judged_in_its_turn(start: Make) -> None:
    a, b = await two_nodes(start)
    now = b.domain.now()
    await b.send(
        m.LoggedIn(now, "1001"),
        m.Paused(now, "1001", "lunch"),
        b.queued("k1-n2.1"),
        m.CallReprioritised(now, "k1-n2.1", 5),
        m.CallLeft(now, "k1-n2.1"),
        m.CallLeft(now, "k1-n2.1"),  # impossible by then, and only the stream knows
    )
    assert b.state_of("1001") is S.PAUSED
    assert not b.domain.engine.has_call("k1-n2.1")
    await until(lambda: a.domain.status().seq == b.domain.status().seq)
    assert a.domain.engine.snapshot() == b.domain.engine.snapshot()


async def test_each_word_counts_once_though_leaders_change_under_it(start: Make) -> None:
    a, b = await two_nodes(start)
    calls = [f"k{n}-n{1 + n % 2}.1" for n in range(300)]
    for index, call in enumerate(calls):
        node = a if call.endswith("n1.1") else b
        node.domain.send(node.queued(call))
        if index in {100, 200}:
            leader = a if a.domain.leads else b
            leader.domain._session.member.resign()  # type: ignore[union-attr] # it has joined
            await asyncio.sleep(0.03)
    await a.domain.settled()
    await b.domain.settled()
    await until(lambda: a.domain.status().seq == b.domain.status().seq)
    for node in (a, b):
        rows = node.domain.engine.calls_view(0.0)
        assert sorted(row.call for row in rows) == sorted(calls)
        (queue,) = node.domain.engine.queues_view(0.0)
        assert queue.calls == len(calls)


async def test_where_a_phone_is_all_nodes_know(start: Make) -> None:
    a, b = await two_nodes(start)
    await b.domain.set_place("1001", "n2")
    assert b.domain.place_of("1001") == "n2"
    await until(lambda: a.domain.place_of("1001") == "n2")
    await a.domain.set_place("1001", "n1")
    await until(lambda: b.domain.place_of("1001") == "n1")
    await a.domain.set_place("1001", None)
    assert a.domain.place_of("1001") is None
    assert a.domain.status().places == {}


async def test_a_node_that_misses_a_phone_late_takes_it_from_nobody(start: Make) -> None:
    a, b = await two_nodes(start)
    await b.domain.set_place("1001", "n2")
    await until(lambda: a.domain.place_of("1001") == "n2")
    await a.domain.set_place("1001", "n1")
    await b.domain.set_place("1001", None)
    assert b.domain.place_of("1001") == "n1"
    await until(lambda: a.domain.status().seq == b.domain.status().seq)
    assert a.domain.place_of("1001") == "n1"


async def test_reconciling_judges_only_what_is_ones_own(start: Make) -> None:
    a, b = await two_nodes(start)
    await a.send(m.LoggedIn(0.0, "1001"), a.queued("k1-n1.1"), a.queued("k2-n1.1"))
    await b.send(b.queued("k3-n2.1"))
    b.domain.reconcile(calls=(), offers={})
    await b.domain.settled()
    assert {row.call for row in b.domain.engine.calls_view(0.0)} == {"k1-n1.1", "k2-n1.1"}
    a.domain.reconcile(calls={"k2-n1.1"}, offers={})
    await a.domain.settled()
    assert {row.call for row in a.domain.engine.calls_view(0.0)} == {"k2-n1.1"}


async def test_a_node_that_comes_later_stands_where_the_others_do(start: Make) -> None:
    a, b = await two_nodes(start)
    await a.send(m.LoggedIn(0.0, "1001"), a.queued("k1-n1.1"))
    await b.domain.set_place("1002", "n2")
    c = await start("n3").up()
    assert c.domain.engine.snapshot() == a.domain.engine.snapshot()
    assert c.domain.place_of("1002") == "n2"
    assert c.told == []
    await until(lambda: c.domain.status().leader == "n1")
    status = c.domain.status()
    assert (status.leader, status.leads, status.island, status.trouble) == ("n1", False, False, "")
    assert {each.node: each.condition for each in status.nodes} == {
        "n1": "here",
        "n2": "here",
        "n3": "here",
    }


# --- nodes that are gone -------------------------------------------------------------------------


async def test_the_callers_of_a_dead_node_are_gone_and_its_agents_free(start: Make) -> None:
    a, b = await two_nodes(start)
    await a.send(m.LoggedIn(0.0, "1001"), m.LoggedIn(0.0, "1002"))
    await b.send(b.queued("k1-n2.1"), b.queued("k2-n2.1"), b.queued("k3-n2.1"))
    await b.send(m.OfferAnswered(b.domain.now(), b.offer_of("k1-n2.1").offer))
    await b.kill()
    await until(lambda: not a.domain.engine.calls_view(0.0))
    assert [a.state_of(agent) for agent in ("1001", "1002")] == [S.READY, S.READY]
    rows = a.domain.engine.agents_view(0.0)
    assert [row.no_answer + row.unreachable for row in rows] == [0, 0]
    (queue,) = a.domain.engine.queues_view(0.0)
    assert (queue.answered, queue.abandoned) == (1, 2)


async def test_agents_of_a_silent_node_are_not_offered_until_it_is_back(
    start: Make, tmp_path: Path, access: Callable[[str], Access]
) -> None:
    a, b = await two_nodes(start)
    await b.domain.set_place("1001", "n2")
    await b.send(m.LoggedIn(0.0, "1001"))
    await b.kill()
    await until(lambda: a.outside("1001"))
    await a.send(a.queued("k1-n1.1"))
    assert a.offers() == []
    again = await start("n2").up()
    await until(lambda: [each.call for each in a.offers()] == ["k1-n1.1"])
    await until(lambda: not again.outside("1001"))


@pytest.mark.parametrize("desk", ["", "5001"])
async def test_agents_of_a_dead_node_are_offered_again_where_their_phones_come_back(
    start: Make, desk: str
) -> None:
    """Also who was in a call of their own there: nobody is left to say that it is over."""
    a, b = await two_nodes(start)
    for phone in (desk or "1001", "1002"):
        await b.domain.set_place(phone, "n2")
    await b.send(m.LoggedIn(0.0, "1001", phone=desk), m.LoggedIn(0.0, "1002"))
    await b.send(m.DeviceBusy(0.0, "1002"))
    await b.kill()
    await until(lambda: a.outside("1001"))
    await a.send(a.queued("k1-n1.1"), a.queued("k2-n1.1"))
    assert a.offers() == []
    for phone in (desk or "1001", "1002"):
        await a.domain.set_place(phone, "n1")
    assert {each.agent for each in a.offers()} == {"1001", "1002"}


async def test_a_callback_of_a_dead_node_is_made_by_the_leaders(start: Make) -> None:
    a, b = await two_nodes(start)
    await b.send(b.queued("k1-n2.1"))
    await b.domain.share("k1-n2", {"number": "+8610123"})
    await b.send(m.CallbackAsked(b.domain.now(), "k1-n2.1", "+8610123"))
    await b.kill()
    await until(lambda: a.domain.owns("k1-n2"))
    await a.send(m.LoggedIn(0.0, "1001"))
    (dial,) = [each for each in a.told if isinstance(each, m.DialCustomer)]
    assert (dial.call, dial.agent) == ("k1-n2.1", "1001")
    assert a.domain.shared("k1-n2") == {"number": "+8610123"}
    await a.send(m.CallbackForbidden(a.domain.now(), "k1-n2.1"))
    await a.domain.share("k9-n1", {})
    assert a.domain.shared("k1-n2") is None


async def test_the_leaders_death_costs_a_lease_and_nothing_else(start: Make) -> None:
    a, b = await two_nodes(start)
    await b.send(b.queued("k1-n2.1"))
    await a.kill()
    await b.send(b.queued("k2-n2.1"), m.LoggedIn(0.0, "1001"))
    assert b.domain.leads
    assert [each.call for each in b.offers()] == ["k1-n2.1"]
    assert b.domain.engine.has_call("k2-n2.1")


async def test_a_node_that_stops_leaves_nothing_unsaid(start: Make) -> None:
    a, b = await two_nodes(start)
    a.domain.send(a.queued("k1-n1.1"))
    await a.domain.stop()
    await until(lambda: b.domain.leads, within=2)
    assert b.domain.engine.has_call("k1-n1.1")
