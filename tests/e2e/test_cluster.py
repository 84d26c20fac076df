"""Two nodes serve as one: a phone may be registered at either, a caller may come to either.

The cluster is what `tieline cluster` starts; losses have a file of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

import aiohttp
import pytest
import pytest_asyncio

from acd.people import People
from acd.records import Database
from ivr.demo.phone import LineState, PhoneError
from tests.chats.house import Visitor
from tests.e2e import cluster
from tests.e2e.cluster import Pair, eventually, hear_each_other
from tests.e2e.hostile import RawPhone
from tests.e2e.known import until
from tests.web.house import Browser

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def pair(both: Pair) -> AsyncIterator[Pair]:
    yield both
    await both.between_tests()


async def test_a_caller_reaches_an_agent_at_another_node_who_knows_who_it_is(pair: Pair) -> None:
    agent = await pair.agent("2001", pair.two)
    line = await pair.call("+15550001", pair.one)
    ringing = await agent.incoming(10)
    contact = ringing.headers["X-Tieline-Contact"]
    assert contact.endswith("-n1")
    assert ringing.caller_name == "Cards, +15550001, not verified"
    assert ringing.caller_number == "+15550001"
    context = dict(pair.split("=", 1) for pair in ringing.headers["X-Tieline-Context"].split(";"))
    assert unquote(context["queue"]) == "Cards"
    await ringing.answer()
    await hear_each_other(line, ringing)
    for node in pair.nodes:
        await eventually(lambda node=node: talks(pair, node, "2001"))
    assert "1 caller of another node talks" in await pair.two.ask("show", "drain")
    await line.hang_up()
    await ringing.ended(5)
    record = await pair.one.record(contact)
    assert (record.outcome, record.agent, record.ended_by) == ("answered", "2001", "caller")
    assert contact not in pair.two.contacts(), "a call belongs to one node"


async def talks(pair: Pair, node: cluster.Node, agent: str) -> bool:
    return (await node.state(agent)).startswith("talking")


async def test_who_declines_or_lets_it_ring_at_another_node_is_told_apart(pair: Pair) -> None:
    agent = await pair.agent("2001", pair.two)
    line = await pair.call("+15550002", pair.one)
    declined = await agent.incoming(10)
    contact = declined.headers["X-Tieline-Contact"]
    await declined.reject()
    ignored = await agent.incoming(10)
    assert await ignored.ended(10)
    await until(lambda: len(pair.one.told(contact, "offer_failed")) == 2, why="both are told")
    causes = [told["cause"] for told in pair.one.told(contact, "offer_failed")]
    assert causes == ["rejected", "no_answer"]
    taken = await agent.incoming(10)
    await taken.answer()
    await hear_each_other(line, taken)
    await taken.hang_up()
    await line.ended(10)
    record = await pair.one.record(contact)
    assert (record.outcome, record.ended_by) == ("answered", "agent")


async def test_an_agent_at_another_node_moves_a_caller_on_and_the_contact_goes_along(
    pair: Pair,
) -> None:
    first = await pair.agent("2001", pair.two)
    line = await pair.call("+15550003", pair.one)
    talk = await first.incoming(10)
    contact = talk.headers["X-Tieline-Contact"]
    await talk.answer()
    await hear_each_other(line, talk)
    second = await pair.agent("2002", pair.one)
    await talk.blind_transfer("2002")
    moved = await second.incoming(10)
    assert moved.headers["X-Tieline-Contact"] == contact
    await moved.answer()
    await hear_each_other(line, moved)
    await talk.ended(5)
    assert pair.one.told(contact, "transferred") == [{"by": "2001", "to": "2002"}]
    third = await pair.agent("2003", pair.two)
    await pair.two.ask("do", "pause/2001/break")
    await moved.blind_transfer("4105")
    queued = await third.incoming(10)
    assert queued.caller_name.startswith("Loans, ")
    await queued.answer()
    await hear_each_other(line, queued)
    await line.hang_up()
    record = await pair.one.record(contact)
    assert (record.outcome, record.agent) == ("answered", "2003")


async def test_a_number_no_transfer_leads_to_is_refused_and_the_talk_goes_on(pair: Pair) -> None:
    agent = await pair.agent("2001", pair.two)
    line = await pair.call("+15550004", pair.one)
    talk = await agent.incoming(10)
    await talk.answer()
    await hear_each_other(line, talk)
    with pytest.raises(PhoneError, match="404"):
        await talk.blind_transfer("0612345678")
    assert (talk.state, line.state) == (LineState.TALKING, LineState.TALKING)


async def test_a_colleague_is_reached_at_whichever_node(pair: Pair) -> None:
    here, there = await pair.agent("2001", pair.one), await pair.agent("2002", pair.two)
    asking = await here.dial("2002")
    asked = await there.incoming(10)
    assert asked.caller_name == "Agent 2001"
    await asked.answer()
    await hear_each_other(asking, asked)
    await asking.hang_up()


@pytest.mark.parametrize("at", ["n1", "n2"])
async def test_a_colleague_at_another_node_is_asked_and_takes_the_caller_over(
    pair: Pair, at: str
) -> None:
    """The caller is at n1. Joined by the phone at n1, the colleague's time counts as theirs; joined
    at n2, where no channel of that contact is, the first agent's goes on until the call ends."""
    asking, other = (pair.one, pair.two) if at == "n1" else (pair.two, pair.one)
    first, second = await pair.agent("2001", asking), await pair.agent("2002", other)
    await pair.two.ask("do", "pause/2002/break")
    line = await pair.call(f"+1555002{at[1]}", pair.one)
    talk = await first.incoming(10)
    contact = talk.headers["X-Tieline-Contact"]
    await talk.answer()
    await hear_each_other(line, talk)
    await pair.agent("2002", other)
    asks = await first.dial("2002")
    asked = await second.incoming(10)
    shown = asked.caller_name
    assert shown.startswith("Agent 2001 asks: Cards" if at == "n1" else "Agent 2001"), shown
    await asked.answer()
    await hear_each_other(asks, asked)
    await talk.attended_transfer(asks)
    await hear_each_other(line, asked)
    who = "2002" if at == "n1" else "2001"
    for node in pair.nodes:
        await eventually(lambda node=node: talks(pair, node, who))
    await line.hang_up()
    await asked.ended(10)
    record = await pair.one.record(contact)
    assert (record.outcome, record.agent) == ("answered", who)
    for node in pair.nodes:
        for agent in ("2001", "2002"):
            await eventually(lambda node=node, agent=agent: is_ready(node, agent))


async def is_ready(node: cluster.Node, agent: str) -> bool:
    return (await node.state(agent)).strip() == "ready"


async def test_a_stranger_rings_no_agent_by_way_of_the_nodes(pair: Pair) -> None:
    await pair.agent("2001", pair.two)
    stranger = await pair.rack.caller("+15550005", "node", pair.two.domain)
    line = await stranger.dial("2001", {"X-Tieline-Contact": "forged", "X-Tieline-Context": "a=b"})
    await line.answered()
    assert pair.two.contacts() == [each for each in pair.two.contacts() if each.endswith("-n2")]
    assert await quiet(pair, "2001")
    await line.hang_up()


async def quiet(pair: Pair, agent: str) -> bool:
    """Whether that phone has no call."""
    phone = await pair.agent(agent, pair.two)
    return not phone.lines


async def test_a_phone_that_moves_to_another_node_is_rung_there(pair: Pair) -> None:
    there = await pair.agent("2004", pair.two)
    assert there.domain == pair.two.domain
    here = await pair.agent("2004", pair.one)
    line = await pair.call("+15550006", pair.two)
    ringing = await here.incoming(10)
    assert ringing.headers["X-Tieline-Contact"].endswith("-n2")
    await ringing.answer()
    await hear_each_other(line, ringing)
    await line.hang_up()


async def test_a_drained_node_sends_new_calls_elsewhere_and_serves_who_is_inside(
    pair: Pair,
) -> None:
    line, contact = await pair.wait("+15550007", pair.one)
    assert await options(pair.one.domain) == 200
    said = await pair.one.ask("do", "drain")
    assert said.startswith("No new calls are taken; 1 caller inside (1 waiting).")
    assert await options(pair.one.domain) == 404
    with pytest.raises(PhoneError, match="503"):
        await pair.call("+15550008", pair.one)
    other = await pair.call("+15550009", pair.two)
    agent = await pair.agent("2001", pair.one)
    talk = await agent.incoming(10)
    assert talk.headers["X-Tieline-Contact"] == contact
    await talk.answer()
    await hear_each_other(line, talk)
    await talk.hang_up()
    await line.ended(10)
    await other.hang_up()
    await eventually(lambda: says(pair.one, "this machine may be stopped"))
    assert (await pair.one.ask("do", "undrain")).startswith("New calls are taken; 0 callers")
    assert await options(pair.one.domain) == 200
    await (await pair.call("+15550010", pair.one)).hang_up()


async def says(node: cluster.Node, words: str) -> bool:
    return words in await node.ask("show", "drain")


async def options(domain: str) -> int:
    """What a SIP dispatcher is answered that asks whether calls are taken."""
    async with RawPhone.open(domain, "dispatcher") as phone:
        answer = await phone.ask("OPTIONS", b"sip:status@" + domain.encode())
    assert answer is not None
    return answer.status


@asynccontextmanager
async def supervising(node: cluster.Node) -> AsyncIterator[Browser]:
    """A supervisor's browser at that node."""
    database = Database(node.settings.records_url)
    people = People(database)
    await people.add("boss", "correct horse battery", roles=("supervisor",))
    secret, _ = await people.sign_in("boss", "correct horse battery")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Browser(session, f"http://127.0.0.1:{node.settings.web_port}", secret)
    await database.close()


async def test_a_caller_is_held_for_agents_at_another_node_who_then_hand_them_over(
    pair: Pair,
) -> None:
    agent = await pair.agent("2001", pair.two)
    line = await pair.call("+15550011", pair.one)
    talk = await agent.incoming(10)
    await talk.answer()
    await hear_each_other(line, talk)
    colleague = await pair.agent("2002", pair.two)
    async with supervising(pair.one) as boss:
        row = (await (await boss.ask("GET", "/api/agents/2001")).json())["row"]
        at = f"/api/calls/{row['offer']}"
        assert (await boss.ask("POST", f"{at}/hold")).status == 200
        await talk.hears_silence(0.5, 10)
        assert (await boss.ask("POST", f"{at}/take-back")).status == 200
        await hear_each_other(line, talk)
        asked = await boss.ask("POST", f"{at}/ask", json={"agent": "2002"})
        assert asked.status == 200, await asked.text()
        second = await colleague.incoming(10)
        assert second.headers["X-Tieline-Contact"] == row["contact"]
        await second.answer()
        await hear_each_other(talk, second)
        await eventually(lambda: talks(pair, pair.one, "2002"))
        assert (await boss.ask("POST", f"{at}/complete")).status == 204
        await talk.ended(10)
        await hear_each_other(line, second)
    await line.hang_up()
    await second.ended(10)
    assert (await pair.one.record(row["contact"])).agent == "2002"


async def test_a_supervisor_at_one_node_moves_and_takes_out_a_caller_of_the_other(
    pair: Pair,
) -> None:
    await pair.agent("2001", pair.two)
    await pair.two.ask("do", "pause/2001/break")
    line, contact = await pair.wait("+15550014", pair.one)
    async with supervising(pair.two) as boss:
        (call,) = await (await boss.ask("GET", "/api/floor/calls?queue=cards")).json()
        at = f"/api/floor/calls/{call['call']}"
        moved = await boss.ask("POST", f"{at}/move", json={"queue": "loans"})
        assert (moved.status, (await moved.json())["queue"]) == (200, "loans")
        assert (await boss.ask("POST", f"{at}/withdraw")).status == 204
    await line.ended(10)
    assert (await pair.one.record(contact)).queue == "loans"
    assert pair.one.told(contact, "moved") == [{"from": "cards", "to": "loans", "by": "boss"}]
    assert pair.one.told(contact, "withdrawn") == [{"from": "loans", "by": "boss"}]
    assert contact not in pair.two.contacts(), "a call belongs to one node"


async def code_of_a_chat(node: cluster.Node, order: str) -> tuple[str, str]:
    """Somebody chats at that node until they have a code; their contact, and the code."""
    url = f"http://127.0.0.1:{node.settings.web_port}/widget/talk"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        visitor = Visitor(socket)
        await socket.send_json({"type": "hello", "site": "shop"})
        await visitor.until("welcome")
        await socket.send_json({"type": "begin"})
        chat = (await visitor.until("welcome"))["chat"]
        await visitor.say(order)
        while not any("Ring 4941" in each for each in visitor.read):
            await visitor.until("message")
    said = next(each for each in visitor.read if "Ring 4941" in each)
    return chat, said.partition("key ")[2][:6]


async def test_a_code_of_a_chat_at_one_node_is_good_at_the_other_and_once(pair: Pair) -> None:
    agent = await pair.agent("2001", pair.one)
    chat, code = await code_of_a_chat(pair.one, "1001")
    line = await pair.call("+15550012", pair.two, "4941")
    await line.hears_sound(5)
    await line.press(code)
    ringing = await agent.incoming(20)
    contact = ringing.headers["X-Tieline-Contact"]
    assert contact.endswith("-n2"), "a call belongs to the node it came to"
    assert "order 1001" in unquote(ringing.headers["X-Tieline-Context"])
    assert pair.two.told(contact, "continues") == [{"contact": chat}]
    again = await pair.call("+15550013", pair.one, "4941")
    late = await until(lambda: pair.one.contact_of("+15550013"), why="the contact begins")
    await again.hears_sound(5)
    await again.press(code)
    await until(lambda: bool(pair.one.told(late, "code_taken")), why="it is told")
    assert pair.one.told(late, "code_taken")[0]["ok"] is False
