"""What two nodes lose when the leader is killed, when both restart, when Redis goes: nobody."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from ivr.demo.line import PhoneError
from ivr.demo.phone import Line, LineState, SoftPhone
from tests.e2e.cluster import Node, Pair, eventually, hear_each_other, joined
from tests.e2e.known import until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LOAD = 16
"""Callers while both services restart, one after the other."""
STEP = 0.5
"""Seconds between two of them."""
TALK = 0.8
"""Seconds each talks."""


@pytest_asyncio.fixture(loop_scope="session")
async def pair(both: Pair) -> AsyncIterator[Pair]:
    yield both
    await both.between_tests()


async def leader(pair: Pair) -> Node:
    """The node that decides."""
    found: list[Node] = []

    async def named() -> bool:
        found[:] = [node for node in pair.nodes if await node.knows(f"{node.name} (this one)")]
        shown = await pair.one.ask("show", "nodes")
        found[:] = [
            node
            for node in pair.nodes
            for line in shown.splitlines()
            if line.startswith(node.name) and "leads" in line
        ]
        return len(found) == 1

    await eventually(named)
    return found[0]


def other(pair: Pair, node: Node) -> Node:
    return pair.two if node is pair.one else pair.one


async def leads_itself(node: Node) -> bool:
    return await node.knows(f"{node.name} (this one)  here   leads")


async def is_succeeded(dead: Node, heir: Node, up: int) -> bool:
    """Whether the other node leads, or the dead one's next service where that was quicker."""
    back = dead.log().count("service is up") > up
    return await leads_itself(heir) or (back and await leads_itself(dead))


async def in_order(node: Node, order: list[str]) -> bool:
    """Whether just these wait, in this order."""
    return await node.waiting() == order


async def take(phone: SoftPhone, within: float = 20) -> Line:
    """The next call of that phone that can be answered: ringing may be taken back meanwhile."""
    async with asyncio.timeout(within):
        while True:
            line = await phone.incoming(within)
            try:
                await line.answer()
            except PhoneError:
                continue
            return line


async def test_callers_keep_their_places_when_the_leader_is_killed(
    pair: Pair, measured: Callable[[str, str], None]
) -> None:
    leads = await leader(pair)
    follows = other(pair, leads)
    talker = await pair.agent("2001", leads)
    line = await pair.call("+15550100", leads)
    talk = await take(talker)
    await hear_each_other(line, talk)
    phone = await pair.agent("2003", follows)
    await follows.ask("do", "pause/2003/break")
    waiters = [await pair.wait(f"+1555010{n}", (leads, follows)[n % 2]) for n in range(1, 5)]
    order = [contact for _, contact in waiters]
    assert await follows.waiting() == order

    up = leads.log().count("service is up")
    await leads.end_service(signal.SIGKILL)
    began = asyncio.get_running_loop().time()
    await eventually(lambda: is_succeeded(leads, follows, up))
    took = asyncio.get_running_loop().time() - began
    measured("a killed leader is succeeded after", f"{took:.1f} s")
    heard = line.heard_seconds
    await until(lambda: line.heard_seconds > heard + 0.5, why="the talk goes on")
    await until(lambda: leads.log().count("service is up") > up, 30, "the service is back")
    await eventually(lambda: in_order(follows, order))
    await follows.ask("do", "ready/2003")
    served = []
    for _ in order:
        taken = await take(phone)
        served.append(taken.headers["X-Tieline-Contact"])
        await asyncio.sleep(0.1)
        await taken.hang_up()
    assert served == order
    assert (line.state, talk.state) == (LineState.TALKING, LineState.TALKING)
    for waiter, _ in waiters:
        await waiter.ended(10)


async def test_both_services_restart_under_load_and_nobody_is_dropped_or_served_twice(
    pair: Pair, measured: Callable[[str, str], None]
) -> None:
    places = {"2001": pair.one, "2002": pair.one, "2003": pair.two, "2004": pair.two}
    phones = [await pair.agent(agent, node) for agent, node in places.items()]
    served: Counter[str] = Counter()
    most = 0
    stop = asyncio.Event()

    async def work(phone: SoftPhone) -> None:
        nonlocal most
        while not stop.is_set():
            try:
                line = await phone.incoming(0.5)
            except TimeoutError:
                continue
            if line.state is LineState.ENDED:
                continue
            await line.answer()
            most = max(most, len(phone.lines))
            served[line.headers["X-Tieline-Contact"]] += 1
            await asyncio.sleep(TALK)
            await line.hang_up()

    workers = [asyncio.create_task(work(phone)) for phone in phones]
    lines = []

    async def load() -> None:
        for n in range(LOAD):
            lines.append(await pair.call(f"+155502{n:02}", pair.nodes[n % 2]))
            await asyncio.sleep(STEP)

    loading = asyncio.create_task(load())
    for node in pair.nodes:
        await node.restarted(signal.SIGTERM)
    await loading
    for line in lines:
        await line.ended(30)
    stop.set()
    await asyncio.gather(*workers)

    assert most == 1, "no phone had two calls at once"
    contacts = [pair.nodes[n % 2].contact_of(f"+155502{n:02}") for n in range(LOAD)]
    assert served == Counter(contacts), "each was answered once"
    for n, contact in enumerate(contacts):
        record = await pair.nodes[n % 2].record(contact, 10)
        assert record.outcome == "answered", record
    measured("calls while both services restarted, dropped", f"0 of {LOAD}")


async def test_a_killed_redis_comes_back_and_a_caller_of_one_node_reaches_the_other(
    pair: Pair, measured: Callable[[str, str], None]
) -> None:
    agent = await pair.agent("2003", pair.two)
    line = await pair.call("+15550400", pair.one)
    talk = await take(agent)
    await hear_each_other(line, talk)
    waiter, contact = await pair.wait("+15550401", pair.one)
    os.kill(pair.cluster.redis.pid, signal.SIGKILL)
    for node in pair.nodes:
        await eventually(lambda node=node: node.knows("on its own"))
    assert (line.state, talk.state) == (LineState.TALKING, LineState.TALKING)
    await pair.cluster.redis.ended()
    await pair.cluster.redis.start()
    began = asyncio.get_running_loop().time()
    for node in pair.nodes:
        await eventually(lambda node=node: joined(node))
    took = asyncio.get_running_loop().time() - began
    measured("nodes are one again after Redis came back", f"{took:.1f} s")
    await talk.hang_up()
    taken = await take(agent)
    assert taken.headers["X-Tieline-Contact"] == contact
    await hear_each_other(waiter, taken)
    assert len(agent.lines) == 1


async def test_without_redis_each_node_serves_its_own_and_they_join_again(
    pair: Pair,
) -> None:
    here, there = await pair.agent("2001", pair.one), await pair.agent("2003", pair.two)
    across = await pair.call("+15550300", pair.one)
    first = {here: None, there: None}
    talk = await take_either(first)
    await hear_each_other(across, talk)
    free = there if talk.phone is here else here
    pause = free.user
    await pair.one.ask("do", f"pause/{pause}/break")
    waiters = [await pair.wait(f"+1555030{n}", pair.nodes[n % 2]) for n in range(1, 3)]

    pid = pair.cluster.redis.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        for node in pair.nodes:
            await eventually(lambda node=node: node.knows("on its own"))
        heard = across.heard_seconds
        await until(lambda: across.heard_seconds > heard + 0.5, why="the talk goes on")
        newcomers = [await pair.call(f"+1555031{n}", pair.nodes[n % 2]) for n in range(2)]
        await talk.hang_up()
        await across.ended(10)
        own = await pair.two.ask("do", f"ready/{pause}") if free is there else None
        own = await pair.one.ask("do", f"ready/{pause}") if free is here else own
        assert own is not None
        for phone, name in ((here, "n1"), (there, "n2")):
            for _ in range(2):
                taken = await take(phone)
                assert taken.headers["X-Tieline-Contact"].endswith(f"-{name}")
                await asyncio.sleep(0.1)
                await taken.hang_up()
    finally:
        os.kill(pid, signal.SIGCONT)
    for line in (*newcomers, *(line for line, _ in waiters)):
        await line.ended(10)
    for node in pair.nodes:
        await eventually(lambda node=node: joined(node))
    await pair.one.ask("do", "pause/2001/break")
    again = await pair.call("+15550320", pair.one)
    taken = await take(there)
    assert taken.headers["X-Tieline-Contact"].endswith("-n1")
    await hear_each_other(again, taken)


async def take_either(phones: dict[SoftPhone, None]) -> Line:
    """The call of whichever phone rings first, answered."""
    tasks = [asyncio.create_task(take(phone)) for phone in phones]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    return done.pop().result()
