"""What supervisors do about agents: force, queues, phones, results; and what the story says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.model import AgentForced, FloorLoaded, Queue
from ivr.floor.phones import Phones
from ivr.operator.wording import Refused
from tests.operator.conftest import FLOOR, House

PHONES = Phones(
    desks={"5001": "Window"},
    mobiles={"1001": "+8613800138000", "1002": "+1"},
    roaming=frozenset({"1003"}),
)


@pytest.fixture
def floor(house: House) -> House:
    house.phones = PHONES
    house.dialled.add("1001")
    return house


async def test_a_forced_state_holds_at_once_and_names_who_did_it(house: House) -> None:
    house.login("1001")
    answer = await house.operator.answer("do:lisa", "force/1001/paused/lunch")
    assert "paused (lunch)" in answer
    event = house.bench.sent[-1]
    assert isinstance(event, AgentForced)
    assert event.by == "lisa"
    assert "ready" in await house.ask("do force/1001/ready")
    assert "logged out" in await house.ask("do force/1001/out")


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ("force/1001/asleep", 'Did you mean|"asleep" is no state'),
        ("force/1001/paused/tea", "No pause reason"),
        ("force/1001", "Usage: acd do force/AGENT/STATE/REASON"),
        ("join/1001/cards", "does not work for cards, but for: billing"),
        ("leave/1001/nowhere", "nowhere"),
        ("phone/1001/5009", "5009"),
        ("phone/1001/5001", "acd do login/1001/5001"),
        ("login/1003", "no phone of their own; name one: acd do login/1003/5001"),
        ("force/1003/ready", "no phone of their own"),
        ("login/1002/mobile", "may not be dialled"),
        ("login/1003/mobile", "no mobile"),
        ("disposition/1001/sold", "no call to give a disposition for"),
    ],
)
async def test_what_cannot_be_says_what_is_right(floor: House, words: str, cure: str) -> None:
    with pytest.raises(Refused, match=cure):
        await floor.ask("do " + words)


async def test_an_agent_leaves_and_joins_one_queue_and_screens_show_it(house: House) -> None:
    house.login("1002")
    assert "has left cards" in await house.ask("do leave/1002/cards")
    assert "has left cards" in await house.ask("do leave/1002/cards")
    assert "billing, (cards)" in await house.ask("show agents")
    assert "has left this queue" in await house.ask("show queues/cards")
    assert "has left" not in await house.ask("show queues/billing")
    assert "has left" not in await house.ask("do join/1002/cards")


async def test_an_agent_is_put_at_a_desk_a_mobile_and_their_own_phone(floor: House) -> None:
    assert "rung at phone 5001" in await floor.ask("do login/1001/5001")
    with pytest.raises(Refused, match="1001 is logged in at phone 5001"):
        await floor.ask("do login/1003/5001")
    assert "PJSIP/5001" in await floor.ask("show agents")
    assert "rung at their mobile" in await floor.ask("do phone/1001/mobile")
    assert "mobile" in await floor.ask("show agents")
    assert "rung" not in await floor.ask("do phone/1001/own")
    assert "rung at phone 5001" in await floor.ask("do login/1003/5001")


async def test_a_phone_that_is_gone_is_told_while_its_agent_is_there(house: House) -> None:
    house.phones_gone.add("1001")
    assert "phone gone" not in await house.ask("show agents")
    house.login("1001")
    assert "ready, phone gone" in await house.ask("show agents")
    assert "is not registered" in await house.ask("why 1001")


async def test_the_result_of_a_call_comes_from_a_supervisor_too(house: House) -> None:
    house.dispositions = ("sold", "call-again")
    queues = (Queue("billing", disposition_required=True), Queue("cards"))
    house.bench.send(FloorLoaded(house.bench.time, replace(FLOOR, queues=queues)))
    house.login("1001")
    contact = house.caller("t5k0-ab0d", "Mei Lin", "138").id
    house.queue(contact, "Mei Lin", "138")
    house.answer("1001")
    house.release("1001")
    assert "owes a disposition" in await house.ask("show agents")
    with pytest.raises(Refused, match='No disposition "soled"'):
        await house.ask("do disposition/1001/soled")
    assert "owes" not in await house.operator.answer("do:lisa", "disposition/1001/sold")
    told = {"agent": "1001", "disposition": "sold", "by": "lisa"}
    assert house.told == [(contact, "disposition", told)]


async def test_what_operators_do_with_a_call_is_in_its_story(house: House) -> None:
    contact = "t5k0-ab0d"
    house.queue(contact, "Mei Lin", "138")
    await house.operator.answer("do:lisa", f"move/{contact}/cards")
    await house.ask(f"do priority/{contact}/5")
    await house.ask(f"do withdraw/{contact}")
    assert house.told == [
        (contact, "moved", {"from": "billing", "to": "cards", "by": "lisa"}),
        (contact, "reprioritised", {"from": 0, "to": 5, "by": "console"}),
        (contact, "withdrawn", {"from": "cards", "by": "console"}),
    ]
