"""Callbacks over two nodes, and a node that is gone from one moment to the next."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ivr.backends.callbacks import promises_in
from tests.e2e.cluster import Node, Pair, eventually, hear_each_other, joined
from tests.e2e.hostile import RawPhone
from tests.e2e.known import until
from tests.e2e.stage import FAR_TONE, FarEnd
from tests.e2e.test_callbacks import customer, dials
from tests.e2e.test_cluster_losses import take

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def pair(both: Pair) -> AsyncIterator[Pair]:
    yield both
    await both.between_tests()


@pytest_asyncio.fixture(loop_scope="session")
async def far(pair: Pair) -> AsyncIterator[FarEnd]:
    async with RawPhone.open(pair.one.domain, "carrier", at=(pair.trunk, 5060)) as phone:
        yield FarEnd(phone)


async def asks(pair: Pair, number: str, node: Node) -> str:
    """A caller of that node is promised a call, and hangs up; the contact."""
    line = await pair.call(f"+49{number}", node, "4940")
    await line.ended(20)
    return node.contact_of(f"+49{number}")


def promised(node: Node, contact: str) -> tuple[str, str]:
    """What became of the promise, as that node has written it down."""
    found = promises_in(node.settings.data_dir / "errands.sqlite", everything=True)
    return next((each.state, each.why) for each in found if each.contact == contact)


async def test_a_customer_of_one_node_is_called_back_by_an_agent_at_the_other(
    pair: Pair, far: FarEnd
) -> None:
    contact = await asks(pair, "3070000101", pair.one)
    agent = await pair.agent("2009", pair.two)
    invite = await far.rings("3070000101")
    async with customer(far, invite) as (leg, party):
        ringing = await agent.incoming(15)
        assert ringing.headers["X-Tieline-Contact"] == contact
        await ringing.answer()
        ringing.hum()
        await ringing.hears_tone(FAR_TONE, 10)
        await party.ear.hears_tone(agent.tone_hz, 10)
        await leg.hang_up()
    record = await pair.one.record(contact)
    assert (record.outcome, record.agent, record.queue) == ("answered", "2009", "back")
    await until(lambda: promised(pair.one, contact)[0] == "done", why="the promise is kept")
    assert len(dials(far, "3070000101")) == 1


async def test_a_whole_node_is_gone_and_the_other_goes_on_with_all_that_can_go_on(
    pair: Pair, far: FarEnd
) -> None:
    """Its callers are cut off; who talked with them is free, who talked with its agents is not left
    in silence; its agents come back at the other node, which also calls back whom it owed a call.
    """
    here, there = await pair.agent("2001", pair.one), await pair.agent("2003", pair.two)
    await pair.two.ask("do", "pause/2001/break")
    across = await pair.call("+15550500", pair.one)
    theirs = await take(there)
    await hear_each_other(across, theirs)
    await pair.agent("2001", pair.one)
    lost = await pair.call("+15550501", pair.two)
    mine = await take(here)
    await hear_each_other(lost, mine)
    _, gone = await pair.wait("+15550502", pair.two)
    waiter, waits = await pair.wait("+15550503", pair.one)
    owed = await asks(pair, "3070000102", pair.two)

    await pair.two.die()
    await across.ended(40)
    await mine.ended(40)
    taken = await take(here)
    assert taken.headers["X-Tieline-Contact"] == waits, f"and not {gone}, who is gone"
    await hear_each_other(waiter, taken)
    await theirs.hang_up()
    moved = await pair.agent("2003", pair.one, known_to=(pair.one,))
    late = await pair.call("+15550504", pair.one)
    await hear_each_other(late, await take(moved))

    helper = await pair.agent("2009", pair.one, known_to=(pair.one,))
    invite = await far.rings("3070000102")
    async with customer(far, invite) as (leg, _):
        ringing = await helper.incoming(15)
        assert ringing.headers["X-Tieline-Contact"] == owed
        await ringing.answer()
        await ringing.hears_tone(FAR_TONE, 10)
        await leg.hang_up()
    await until(lambda: promised(pair.one, owed)[0] == "done", why="the promise is kept")

    await pair.two.local.start()
    await eventually(lambda: joined(pair.two), 60)
    await until(lambda: promised(pair.two, owed)[0] == "given_up", why="it is not made twice")
    assert promised(pair.two, owed)[1] == "withdrawn another node calls back"
    assert len(dials(far, "3070000102")) == 1
    record = await pair.two.record(gone, 15)
    assert record.outcome in {"abandoned", "lost"}, record
