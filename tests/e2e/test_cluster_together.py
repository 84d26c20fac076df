"""Phones at two nodes ring for one caller, and one of them has the call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ivr.demo.phone import Line, LineState
from tests.e2e.cluster import Node, Pair, eventually, hear_each_other

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

HANDS = ("2010", "2011", "2012")
LINE = "4942"


@pytest_asyncio.fixture(loop_scope="session")
async def pair(both: Pair) -> AsyncIterator[Pair]:
    yield both
    await both.between_tests()


async def all_ring(pair: Pair, caller: str) -> tuple[Line, list[Line]]:
    """A caller at the first node, whose one phone rings, and so do the second node's two."""
    places = (pair.one, pair.two, pair.two)
    phones = [await pair.agent(*each) for each in zip(HANDS, places, strict=True)]
    line = await pair.call(caller, pair.one, LINE)
    return line, list(await asyncio.gather(*(each.incoming(20) for each in phones)))


async def is_in(node: Node, state: str, agent: str) -> bool:
    return (await node.state(agent)).startswith(state)


async def test_whoever_is_first_of_two_nodes_has_the_caller(pair: Pair) -> None:
    line, (here, there, also_there) = await all_ring(pair, "+15556101")
    contact = here.headers["X-Tieline-Contact"]
    assert also_there.headers["X-Tieline-Contact"] == contact
    await there.reject()
    for node in pair.nodes:
        await eventually(lambda node=node: is_in(node, "ready", "2011"))
    assert (here.state, also_there.state) == (LineState.RINGING, LineState.RINGING)
    await also_there.answer()
    await here.ended(10)
    await hear_each_other(line, also_there)
    for node in pair.nodes:
        await eventually(lambda node=node: is_in(node, "talking", "2012"))
        await eventually(lambda node=node: is_in(node, "ready", "2010"))
        shown = await node.ask("show", "agents/2010")
        assert "0 no answer, 0 rejected, 0 busy, 0 unreachable" in shown
    await line.hang_up()
    await also_there.ended(10)
    record = await pair.one.record(contact)
    assert (record.outcome, record.agent, record.ended_by) == ("answered", "2012", "caller")
    assert [told["agent"] for told in pair.one.told(contact, "offer_failed")] == ["2011"]
