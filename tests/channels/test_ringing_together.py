"""A queue that rings all: one Dial for several phones, and whose call it is in the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from acd.model import MOBILE, LoggedIn, LoggedOut, PhoneTaken
from ivr.operator.client import ask
from ivr.web.hub import Audience
from tests.e2e.house import until
from tests.shell.asterisk import Caller
from tests.shell.house import House

FLOOR = """
queues:
  sales: {title: Sales, strategy: ring_all, ring: 10s, wrap_up: 10s, leave_when_empty: 1h}
  help: {title: Help, number: "4102", ring: 10s, wrap_up: 10s, leave_when_empty: 1h}
phones:
  "5001": {name: Window desk}
agents:
  "1001": {name: Ana, queues: [sales]}
  "1002": {name: Bo, queues: [sales], auto_answer: true}
  "1003": {name: Cy, queues: [sales], mobile: "+8613800138000"}
"""
SERVICES = "region: CN\noutside: ['+86138*']\n"
CREW = ("1001", "1002", "1003")


@pytest.fixture
async def floor(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    (house.flows / "floor.yaml").write_text(FLOOR)
    (house.flows / "services.yaml").write_text(SERVICES)
    await house.service.reload()
    monkeypatch.setattr(house.service.in_force, "_trunk", lambda: "carrier")
    return house


async def ringing(house: House, *agents: str) -> tuple[Caller, str]:
    """A caller for whom these are rung, and the Dial that does it."""
    for agent in agents:
        house.log_in(agent)
    caller = await house.call()
    await caller.press("1")
    return caller, await caller.comes_to("EXEC Dial")


def leg(caller: Caller, phone: str) -> str:
    return f"{caller.offer}@{phone}"


def on_mobile(house: House, agent: str) -> None:
    house.service.distributor.send(LoggedIn(house.clock(), agent, phone=MOBILE))


async def test_all_are_rung_from_the_callers_own_channel(floor: House) -> None:
    """A phone that answers by itself would always be first: here it rings like the others."""
    caller, dial = await ringing(floor, *CREW)
    phones = "PJSIP/1001&PJSIP/1002&PJSIP/1003"
    assert f"{phones},10,m(default)gib(leg-together^s^1)U(whisper)" in dial
    (offered,) = floor.told(caller.contact, "offered")
    assert (offered["agent"], offered["also"]) == ("1001", ["1002", "1003"])


async def test_a_phone_that_rings_alone_is_rung_as_in_any_queue(floor: House) -> None:
    caller, dial = await ringing(floor, "1002")
    assert "PJSIP/1002,10,m(default)gib(leg-answering^s^1)U(beep)" in dial
    assert "also" not in floor.told(caller.contact, "offered")[0]


async def test_who_sits_at_a_desk_is_rung_there(floor: House) -> None:
    floor.log_in("1003")
    floor.service.distributor.send(PhoneTaken(floor.clock(), "1003", "5001"))
    caller, dial = await ringing(floor, "1001")
    assert "PJSIP/5001" in dial
    await floor.leg_rings(leg(caller, "5001"), "5001")
    await floor.leg_answers(leg(caller, "5001"))
    assert floor.live(caller).agent == "1003"


async def test_a_mobile_is_not_rung_beside_phones_and_its_agent_is_free_for_others(
    floor: House,
) -> None:
    on_mobile(floor, "1003")
    _, dial = await ringing(floor, "1001", "1002")
    assert "PJSIP/1001&PJSIP/1002," in dial
    row = floor.agent("1003")
    assert (row.state, row.streak, row.unreachable) == ("ready", 0, 0)


async def test_where_only_mobiles_are_there_one_of_them_rings(floor: House) -> None:
    on_mobile(floor, "1003")
    _, dial = await ringing(floor)
    assert "PJSIP/+8613800138000@trunk-carrier," in dial
    assert "b(leg-mobile^s^1)U(confirm)" in dial


async def test_who_logs_out_before_the_dial_is_not_rung(floor: House) -> None:
    for agent in CREW:
        floor.log_in(agent)
    caller = await floor.call()
    caller.held = (*caller.held, "SET VARIABLE _TIELINE_OFFER")
    await caller.press("1")
    await caller.comes_to("SET VARIABLE _TIELINE_OFFER")
    floor.service.distributor.send(LoggedOut(floor.clock(), "1002"))
    caller.variables["TIELINE_OFFER"] = floor.calls()[0].offer or ""
    await caller.reply("200 result=1")
    await caller.comes_to("EXEC Dial")
    await floor.leg_rings(leg(caller, "1002"), "1002")
    await until(lambda: floor.ami.hung_up, why="the phone is hung up")
    assert floor.ami.hung_up == [f"PJSIP/1002-{leg(caller, '1002')}"]


async def test_without_ami_dial_alone_tells_who_has_talked(floor: House) -> None:
    caller, _ = await ringing(floor, *CREW)
    floor.ami.connected = False
    caller.variables["DIALEDPEERNUMBER"] = "1003@node-n2"
    await caller.dial_ends("ANSWER")
    await caller.comes_to("GET DATA")
    assert [floor.state(each) for each in CREW] == ["ready", "ready", "wrap_up"]
    assert floor.told(caller.contact, "answered")[0]["agent"] == "1003"


async def test_a_talk_that_a_restarted_service_never_heard_of_is_the_right_agents(
    floor: House,
) -> None:
    caller, _ = await ringing(floor, *CREW)
    await floor.kill()
    caller.variables |= {"DIALSTATUS": "ANSWER", "DIALEDPEERNUMBER": "1002"}
    await floor.open()
    await caller.enter()
    await caller.comes_to("GET DATA")
    assert floor.told(caller.contact, "answered")[-1]["agent"] == "1002"
    assert floor.live(caller).agent == "1002"


async def test_who_moves_the_caller_on_unheard_is_named_by_the_channel(floor: House) -> None:
    caller, _ = await ringing(floor, *CREW)
    floor.ami.connected = False
    await caller.leaves()
    caller.variables["DIALEDPEERNUMBER"] = "1002"
    await caller.enter(target="4102")
    await caller.comes_to("WAIT FOR DIGIT")
    assert floor.told(caller.contact, "transferred") == [{"by": "1002", "to": "4102"}]


async def test_the_console_says_where_it_rings(floor: House) -> None:
    caller, _ = await ringing(floor, *CREW)
    for words in ("queues/sales", "calls", f"calls/{caller.contact}"):
        shown = await asyncio.to_thread(ask, floor.settings, "show", words)
        assert "1001, 1002, 1003" in shown
    why = await asyncio.to_thread(ask, floor.settings, "why", caller.contact)
    assert "it rings at 1001, 1002, 1003 for 0:00" in why


async def test_one_who_declines_and_one_who_takes_it(floor: House) -> None:
    caller, _ = await ringing(floor, *CREW)
    for agent in CREW:
        await floor.leg_rings(leg(caller, agent), agent)
    await floor.leg_fails(leg(caller, "1001"), "BUSY")
    assert floor.agent("1001").busy == 1
    await floor.leg_answers(leg(caller, "1003"))
    await until(lambda: floor.state("1003") == "talking", why="they talk")
    assert floor.state("1002") == "ready"


async def test_the_screen_of_each_shows_the_caller_and_goes_quiet_when_a_colleague_has_them(
    floor: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, list[tuple[str, dict[str, Any]]]] = {each: [] for each in CREW}

    def publish(kind: str, data: dict[str, Any], audience: Audience) -> None:
        for agent in audience.agents:
            told[agent].append((kind, data))

    monkeypatch.setattr(floor.service.hub, "publish", publish)
    caller, _ = await ringing(floor, *CREW)
    for agent in CREW:
        (shown,) = [data for kind, data in told[agent] if kind == "offer"]
        assert (shown["offer"], shown["ringing"], shown["caller"]) == (
            caller.offer,
            True,
            "+15550100",
        )
    await floor.leg_rings(leg(caller, "1002"), "1002")
    await floor.leg_answers(leg(caller, "1002"))
    rows = {agent: [data for kind, data in told[agent] if kind == "agent"][-1] for agent in CREW}
    assert [(rows[each]["state"], rows[each]["offer"]) for each in CREW] == [
        ("ready", None),
        ("talking", caller.offer),
        ("ready", None),
    ]
