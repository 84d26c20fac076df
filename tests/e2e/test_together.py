"""Three phones ring for one caller, and one of them has the call."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest

from acd.model import AgentState
from acd.views import AgentRow
from ivr.demo.phone import Line, LineState
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

HANDS = ("3005", "3006", "3007")
LINE = "4942"


async def all_ring(phones: Phones, caller: str) -> tuple[Line, list[Line]]:
    """A caller, and the three phones that ring for them."""
    await asyncio.gather(*(phones.ready(agent) for agent in HANDS))
    line = await (await phones.caller(caller)).dial(LINE)
    racks = [await phones.agent(agent) for agent in HANDS]
    return line, list(await asyncio.gather(*(each.incoming(20) for each in racks)))


def figures(row: AgentRow) -> tuple[int, ...]:
    """What an agent is judged by."""
    return (row.taken, row.no_answer, row.rejected, row.busy, row.unreachable, row.streak)


def judged(house: House) -> dict[str, tuple[int, ...]]:
    return {agent: figures(house.agent(agent)) for agent in HANDS}


async def free(house: House, agents: Sequence[str]) -> None:
    """They are ready again."""
    await until(
        lambda: all(house.agent(each).state == "ready" for each in agents),
        15,
        f"{agents} are ready",
    )


async def have_a_talk(line: Line, agent: Line) -> None:
    """The two hear each other, and the agent ends it."""
    await agent.answer()
    agent.hum()
    await line.hears_tone(agent.phone.tone_hz, 20)
    await agent.hang_up()
    await line.ended(15)


async def test_the_first_of_three_to_answer_has_the_caller_and_the_others_lose_nothing(
    house: House, phones: Phones
) -> None:
    line, (abel, bela, cleo) = await all_ring(phones, "+15556001")
    before = judged(house)
    idle = {each: house.agent(each).idle_since for each in HANDS}
    await bela.answer()
    await asyncio.gather(abel.ended(10), cleo.ended(10))
    bela.hum()
    await line.hears_tone(bela.phone.tone_hz, 20)
    await free(house, ("3005", "3007"))
    assert house.agent("3006").state == "talking"
    await bela.hang_up()
    await line.ended(15)
    contact = bela.headers["X-Tieline-Contact"]
    assert (await house.record(contact)).agent == "3006"
    after = judged(house)
    assert {each: after[each] for each in ("3005", "3007")} == {
        each: before[each] for each in ("3005", "3007")
    }
    assert after["3006"] == (before["3006"][0] + 1, *before["3006"][1:5], 0)
    assert house.agent("3005").idle_since == idle["3005"], "nobody lost a turn by it"
    (offered,), (answered,) = house.told(contact, "offered"), house.told(contact, "answered")
    assert sorted([offered["agent"], *offered["also"]]) == [*HANDS]
    assert answered["agent"] == "3006"
    assert house.told(contact, "offer_failed") == []


async def test_two_who_pick_up_at_the_same_moment_do_not_both_have_the_caller(
    house: House, phones: Phones
) -> None:
    line, ringing = await all_ring(phones, "+15556007")
    before = judged(house)
    await asyncio.gather(*(each.answer() for each in ringing), return_exceptions=True)
    await until(
        lambda: [house.agent(each).state for each in HANDS].count(AgentState.TALKING) == 1,
        20,
        "one of them talks",
    )
    (taker,) = [each for each in HANDS if house.agent(each).state == "talking"]
    others = [each for each in HANDS if each != taker]
    await asyncio.gather(*(each.ended(10) for each in ringing if each.phone.user != taker))
    await free(house, others)
    assert [judged(house)[each] for each in others] == [before[each] for each in others]
    (theirs,) = [each for each in ringing if each.phone.user == taker]
    theirs.hum()
    await line.hears_tone(theirs.phone.tone_hz, 20)
    await line.hang_up()
    assert (await house.record(theirs.headers["X-Tieline-Contact"])).agent == taker


async def test_one_who_declines_leaves_the_others_ringing(house: House, phones: Phones) -> None:
    line, (abel, bela, cleo) = await all_ring(phones, "+15556002")
    before = judged(house)
    await abel.reject()
    await free(house, ("3005",))
    assert (bela.state, cleo.state) == (LineState.RINGING, LineState.RINGING)
    (call,) = house.calls()
    assert sorted((call.agent or "", *call.also)) == ["3006", "3007"]
    shown = re.search(
        r"rings: ([0-9, ]+),", await house.asterisk.command("acd show queues/all-hands")
    )
    assert shown is not None
    assert sorted(shown[1].split(", ")) == ["3006", "3007"]
    await have_a_talk(line, cleo)
    contact = cleo.headers["X-Tieline-Contact"]
    assert [each["agent"] for each in house.told(contact, "offer_failed")] == ["3005"]
    after = judged(house)
    assert after["3005"][2] == before["3005"][2] + 1, "a refusal is counted as one"
    assert after["3006"] == before["3006"]
    assert (await house.record(contact)).agent == "3007"


async def test_a_caller_who_hangs_up_stops_all_phones_and_nobody_is_blamed(
    house: House, phones: Phones
) -> None:
    line, ringing = await all_ring(phones, "+15556003")
    before = judged(house)
    await line.hang_up()
    await asyncio.gather(*(each.ended(10) for each in ringing))
    await free(house, HANDS)
    assert judged(house) == before
    record = await house.record(ringing[0].headers["X-Tieline-Contact"])
    assert (record.outcome, record.ended_by) == ("abandoned", "caller")


async def test_one_who_is_logged_out_stops_ringing_alone(house: House, phones: Phones) -> None:
    line, (abel, bela, cleo) = await all_ring(phones, "+15556004")
    await house.asterisk.command("acd do logout/3006")
    await bela.ended(10)
    assert (abel.state, cleo.state) == (LineState.RINGING, LineState.RINGING)
    await have_a_talk(line, abel)
    assert (await house.record(abel.headers["X-Tieline-Contact"])).agent == "3005"


async def test_a_service_killed_while_three_ring_still_knows_who_answers(
    house: House, phones: Phones
) -> None:
    line, (abel, bela, cleo) = await all_ring(phones, "+15556005")
    (call,) = house.calls()
    before = judged(house)
    await house.kill_service()
    await abel.reject()
    await house.start_service()
    await free(house, ("3005",))
    assert [each.offer for each in house.calls()] == [call.offer]
    await cleo.answer()
    await until(lambda: house.agent("3007").state == "talking", 20, "the agent talks")
    await bela.ended(10)
    await free(house, ("3006",))
    cleo.hum()
    await line.hears_tone(cleo.phone.tone_hz, 20)
    assert {agent: judged(house)[agent] for agent in HANDS[:2]} == {
        agent: before[agent] for agent in HANDS[:2]
    }, "what was not heard is held against nobody"
    await line.hang_up()
    record = await house.record(cleo.headers["X-Tieline-Contact"])
    assert (record.outcome, record.agent, record.ended_by) == ("answered", "3007", "caller")


async def test_a_talk_that_began_while_the_service_was_away_is_the_right_agents(
    house: House, phones: Phones
) -> None:
    line, (abel, bela, cleo) = await all_ring(phones, "+15556006")
    contact = bela.headers["X-Tieline-Contact"]
    await house.kill_service()
    await bela.answer()
    await asyncio.gather(abel.ended(10), cleo.ended(10))
    bela.hum()
    await line.hears_tone(bela.phone.tone_hz, 20)
    await bela.hang_up()
    await bela.ended(10)
    await house.start_service()
    record = await house.record(contact, timeout=30)
    assert (record.outcome, record.agent) == ("answered", "3006")
    await free(house, ("3005", "3007"))
    await line.ended(15)
