"""An offer to several agents whose phones are at several nodes, some of which go away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from acd import model as m
from acd.engine import Engine
from acd.live.homecoming import Return, leave
from acd.live.jump import missed
from acd.live.matter import about
from acd.live.memory import House
from acd.model import AgentState as S
from acd.model import Cancel, Cause, Strategy
from tests.acd.live.nodes import Make, NodeAtWork, until

AGENTS = ("1001", "1002", "1003")
HERE = frozenset({"1001", "1003"})
QUEUE = m.Queue(
    "sales",
    wrap_up_seconds=0,
    leave_when_empty=None,
    strategy=Strategy.RING_ALL,
    retry_same_agent_after=60,
)
FLOOR = m.Floor((QUEUE,), tuple(m.Agent(agent, queues=("sales",)) for agent in AGENTS))
OFFER = "k1-n1.1-1"


# --- pictures ------------------------------------------------------------------------------------


def ringing() -> Engine:
    """All three are rung for a caller of n1."""
    engine = Engine()
    engine.handle(m.FloorLoaded(0, FLOOR))
    for agent in AGENTS:
        engine.handle(m.LoggedIn(0, agent))
    engine.handle(m.CallQueued(1, "k1-n1.1", "k1-n1", "sales", {}, 0, 1))
    return engine


def copy(engine: Engine) -> Engine:
    return Engine.restore(engine.snapshot())


def states(engine: Engine) -> list[S]:
    return [row.state for row in engine.agents_view(0)]


def ours(contact: str) -> bool:
    return "-n1" in contact


def stopped(commands: Iterator[m.Command] | list[m.Command]) -> list[str]:
    return [each.agent for each in commands if isinstance(each, m.StopRinging)]


def test_whoever_was_not_told_learns_which_phones_ring_no_more() -> None:
    before, after = ringing(), ringing()
    after.handle(m.OfferFailed(2, OFFER, Cause.REJECTED, "1001"))
    after.handle(m.LoggedOut(3, "1003"))
    told = list(missed(before, after, ours))
    assert stopped(told) == ["1001", "1003"]
    assert not [each for each in told if isinstance(each, m.CancelOffer | m.MakeOffer)]


def test_whoever_was_not_told_stops_all_phones_of_an_offer_that_is_gone() -> None:
    before, after = ringing(), ringing()
    after.handle(m.CallLeft(2, "k1-n1.1"))
    told = list(missed(before, after, ours))
    assert m.CancelOffer(OFFER, "k1-n1.1", "1001", Cancel.WITHDRAWN) in told
    assert stopped(told) == []


def test_whoever_was_not_told_rings_all_phones_of_a_new_offer() -> None:
    (offer,) = [each for each in missed(Engine(), ringing(), ours) if isinstance(each, m.MakeOffer)]
    assert (offer.agent, offer.also, offer.ring_seconds) == ("1001", ("1002", "1003"), 20)


def test_phones_fall_silent_without_a_word_when_one_was_answered() -> None:
    before, after = ringing(), ringing()
    after.handle(m.OfferAnswered(2, OFFER, "1002"))
    assert not [
        each for each in missed(before, after, ours) if not isinstance(each, m.AgentChanged)
    ]


def test_a_word_about_an_offer_is_about_each_of_its_agents() -> None:
    assert about(m.OfferAnswered(2, OFFER), ringing()) >= {OFFER, "k1-n1.1", *AGENTS}


# --- islands, by their pictures ------------------------------------------------------------------


def an_island() -> Engine:
    """What n1 has of it; 1002 sits elsewhere."""
    island = ringing()
    for event in list(leave(island, ours, HERE.__contains__, 2, set())):
        island.handle(event)
    return island


def back(island: Engine, domain: Engine, served: set[str] | None = None) -> Return:
    """Both pictures put together; the domain has done what it was told."""
    way = Return(island, domain, ours, HERE.__contains__, 5, served or set(), set()).work_out()
    for event in way.events:
        domain.handle(event)
    return way


def test_agents_here_who_are_rung_for_another_nodes_caller_are_all_barred() -> None:
    island, barred = ringing(), set[str]()
    for event in list(leave(island, lambda _: False, HERE.__contains__, 2, barred)):
        island.handle(event)
    assert barred == HERE
    assert island.calls_view(2) == []
    assert all(row.outside for row in island.agents_view(2))


def test_what_rings_at_fewer_phones_after_an_island_does_so_for_all() -> None:
    island, domain = an_island(), ringing()
    island.handle(m.OfferFailed(3, OFFER, Cause.REJECTED, "1001"))
    way = back(island, domain)
    assert way.cancels == []
    assert states(domain) == [S.READY, S.OFFERED, S.OFFERED]


def test_who_left_the_offer_meanwhile_is_rung_no_more_by_who_comes_back() -> None:
    island, domain = an_island(), ringing()
    domain.handle(m.LoggedOut(3, "1002"))
    way = back(island, domain)
    assert stopped([*way.cancels]) == ["1002"]
    assert states(domain) == [S.OFFERED, S.LOGGED_OUT, S.OFFERED]


@pytest.mark.parametrize("first", AGENTS)
def test_who_answered_on_an_island_has_the_caller_afterwards(first: str) -> None:
    island, domain = an_island(), ringing()
    island.handle(m.OfferAnswered(3, OFFER, first))
    way = back(island, domain, {"k1-n1.1"})
    assert way.talks == {}
    assert states(domain) == [S.TALKING if agent == first else S.READY for agent in AGENTS]


def test_who_answered_on_an_island_and_was_let_go_by_the_others_is_busy_until_they_are_done() -> (
    None
):
    island, domain = an_island(), ringing()
    island.handle(m.OfferAnswered(3, OFFER, "1003"))
    domain.handle(m.AgentForced(3, "1003", S.PAUSED, "meeting", "boss"))
    way = back(island, domain, {"k1-n1.1"})
    assert way.talks == {OFFER: "1003"}
    assert domain.calls_view(5) == []
    rows = {row.agent: row for row in domain.agents_view(5)}
    assert rows["1003"].outside
    assert rows["1001"].state is rows["1002"].state is S.READY


# --- nodes ---------------------------------------------------------------------------------------


async def two_nodes(start: Make) -> tuple[NodeAtWork, NodeAtWork]:
    """1002 sits at n2, the others at n1; a caller of n1 rings at all of them."""
    a = await start("n1").up()
    await a.send(m.FloorLoaded(a.domain.now(), FLOOR))
    b = await start("n2").up()
    for agent in AGENTS:
        node = a if agent in HERE else b
        await node.domain.set_place(agent, node.name)
        await node.send(m.LoggedIn(node.domain.now(), agent))
    await a.send(a.queued("k1-n1.1"))
    await until(lambda: b.state_of("1002") is S.OFFERED)
    return a, b


async def test_phones_of_several_nodes_ring_for_one_caller_whom_one_of_them_gets(
    start: Make,
) -> None:
    a, b = await two_nodes(start)
    (offer,) = a.offers()
    assert (offer.agent, offer.also) == ("1001", ("1002", "1003"))
    assert b.offers() == [], "the node of the caller rings them all"
    await a.send(m.OfferAnswered(a.domain.now(), offer.offer, "1002"))
    await until(lambda: b.state_of("1002") is S.TALKING)
    for node in (a, b):
        assert [node.state_of(agent) for agent in sorted(HERE)] == [S.READY, S.READY]


async def test_a_caller_who_is_lost_with_the_node_leaves_no_phone_ringing(start: Make) -> None:
    a, b = await two_nodes(start)
    await until(lambda: a.domain.leads or b.domain.leads)
    await a.kill()
    await until(lambda: b.state_of("1002") is S.READY)
    assert b.domain.engine.calls_view(0.0) == []
    await b.send(b.queued("k2-n2.1"))
    assert [(each.agent, each.also) for each in b.offers()] == [("1002", ())]


async def test_each_node_alone_and_together_again_has_one_agent_for_the_caller(
    start: Make, house: House
) -> None:
    a, b = await two_nodes(start)
    (offer,) = a.offers()
    house.down = True
    await until(lambda: a.domain.status().island and b.domain.status().island)
    assert b.outside("1002"), "it rings there for another node's caller"
    a.domain.send(m.OfferFailed(a.domain.now(), offer.offer, Cause.REJECTED, "1001"))
    a.domain.send(m.OfferAnswered(a.domain.now(), offer.offer, "1002"))
    house.down = False
    await until(lambda: all(not n.domain.status().island for n in (a, b)))
    await until(lambda: b.state_of("1002") is S.TALKING)
    await until(lambda: a.domain.engine.snapshot() == b.domain.engine.snapshot())
    assert [a.state_of(agent) for agent in sorted(HERE)] == [S.READY, S.READY]
    assert [each.offer for each in a.offers()] == [offer.offer]
