"""Hold, a colleague who is asked, and three in a call: who hears whom, on the real Asterisk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.web.house import Browser

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

CALLER, AGENT, COLLEAGUE = 1170, 1700, 1430
"""The voices, in hertz; no note of the music is near them."""
SOON = 10.0


@dataclass
class Talk:
    """A caller and the agent 2001, who talk; each hums in a voice of their own."""

    house: House
    phones: Phones
    desk: Browser
    caller: Line
    agent: Line
    contact: str
    offer: str

    async def does(self, deed: str, **body: str) -> None:
        """The desk does that with the call."""
        more: dict[str, Any] = {"json": body} if body else {}
        answer = await self.desk.ask("POST", f"/api/calls/{self.offer}/{deed}", **more)
        assert answer.status in (200, 204), await answer.text()

    async def tries(self, deed: str) -> None:
        """The same, which may be too late: the desk is told so."""
        answer = await self.desk.ask("POST", f"/api/calls/{self.offer}/{deed}")
        assert answer.status in (200, 204, 404, 409), await answer.text()

    async def stands(self, state: str) -> dict[str, Any]:
        """How the API tells the call, once it is in that state."""
        told: dict[str, Any] = {}
        async with asyncio.timeout(SOON):
            while told.get("state") != state:
                told = await (await self.desk.ask("GET", f"/api/calls/{self.offer}")).json()
                await asyncio.sleep(0.02)
        return told

    async def ask(self) -> Line:
        """2002 is asked, and rings."""
        other = await self.phones.ready("2002")
        await self.does("ask", agent="2002")
        return await other.incoming(SOON)

    async def asked(self) -> Line:
        """2002 is asked, and answers."""
        line = await self.ask()
        assert line.headers["X-Tieline-Contact"] == self.contact
        await line.answer()
        line.hum(COLLEAGUE)
        await self.stands("asked")
        return line

    async def with_agent(self) -> None:
        """The two hear each other."""
        await self.caller.hears_tone(AGENT, SOON)
        await self.agent.hears_tone(CALLER, SOON)

    async def all_three(self, colleague: Line) -> None:
        """Everybody hears the two others."""
        for line, voices in (
            (self.caller, (AGENT, COLLEAGUE)),
            (self.agent, (CALLER, COLLEAGUE)),
            (colleague, (CALLER, AGENT)),
        ):
            for voice in voices:
                await line.hears_tone(voice, SOON)

    async def free_again(self, colleague: str) -> None:
        """Who was asked is out of the talk, and ready."""
        await until(lambda: self.house.agent(colleague).state != "talking", why="they are free")
        await self.house.asterisk.command(f"acd do finish/{colleague}")

    async def nothing_is_left(self) -> None:
        """No channel, no call, no agent at work."""
        await until(lambda: not self.house.calls(), why="no call is left")
        async with asyncio.timeout(SOON):
            while "0 active channels" not in await self.house.asterisk.command(
                "core show channels count"
            ):
                await asyncio.sleep(0.05)
        free = ("ready", "wrap_up", "logged_out")
        await until(
            lambda: all(self.house.agent(each).state in free for each in ("2001", "2002")),
            why="the agents are free",
        )


@pytest_asyncio.fixture(loop_scope="session")
async def talk(house: House, phones: Phones, desk: Browser) -> Talk:
    phone = await phones.ready("2001")
    caller = await (await phones.caller("0013800138000", "Mei Lin")).dial("4900")
    agent = await phone.incoming(SOON)
    await agent.answer()
    await caller.answered()
    caller.hum(CALLER)
    agent.hum(AGENT)
    await caller.hears_tone(AGENT, SOON)
    row = await until(lambda: house.agent("2001") if house.agent("2001").contact else None)
    assert row.contact is not None
    assert row.offer is not None
    return Talk(house, phones, desk, caller, agent, row.contact, row.offer)


async def deaf_to(line: Line, *voices: int) -> None:
    """Whoever it was is not heard any more."""
    async with asyncio.timeout(SOON):
        for voice in voices:
            while True:
                try:
                    await line.hears_tone(voice, 0.5)
                except TimeoutError:
                    break


async def hears_music(line: Line, *voices: int) -> None:
    """Sound, and none of those voices."""
    await deaf_to(line, *voices)
    before = line.heard_seconds
    await until(lambda: line.heard_seconds > before + 0.5, why="there is music")
    for voice in voices:
        with pytest.raises(TimeoutError):
            await line.hears_tone(voice, 0.5)


async def test_a_held_caller_hears_music_and_not_the_agent_until_taken_back(talk: Talk) -> None:
    for _ in range(2):
        await talk.does("hold")
        assert (await talk.stands("held"))["agent"] == "2001"
        await hears_music(talk.caller, AGENT)
        await deaf_to(talk.agent, CALLER)
        assert talk.house.agent("2001").state == "talking"
        await talk.does("take-back")
        await talk.with_agent()
    await talk.does("hold")
    await hears_music(talk.caller, AGENT)
    await talk.caller.hang_up()
    await talk.agent.ended(SOON)
    await talk.nothing_is_left()
    record = await talk.house.record(talk.contact)
    assert (record.outcome, record.ended_by, record.agent) == ("answered", "caller", "2001")
    assert len(talk.house.told(talk.contact, "held")) == 3


async def test_an_agent_who_hangs_up_leaves_the_held_caller_to_the_flow(talk: Talk) -> None:
    await talk.does("hold")
    await hears_music(talk.caller, AGENT)
    await talk.agent.hang_up()
    await until(lambda: "bye" in talk.house.steps(talk.contact), why="the flow goes on")
    await talk.caller.ended(SOON)
    await talk.nothing_is_left()
    assert (await talk.house.record(talk.contact)).outcome == "answered"


async def test_after_a_hold_the_phones_own_buttons_work_as_before(talk: Talk) -> None:
    await talk.does("hold")
    await hears_music(talk.caller, AGENT)
    await talk.does("take-back")
    await talk.with_agent()
    other = await talk.phones.ready("2002")
    await talk.agent.blind_transfer("2002")
    second = await other.incoming(SOON)
    await second.answer()
    second.hum(COLLEAGUE)
    await talk.caller.hears_tone(COLLEAGUE, SOON)
    await second.hears_tone(CALLER, SOON)
    await talk.caller.hang_up()
    await talk.nothing_is_left()


async def test_a_held_caller_is_passed_on_from_the_desk(talk: Talk) -> None:
    await talk.does("hold")
    await hears_music(talk.caller, AGENT)
    other = await talk.phones.ready("2002")
    await talk.does("transfer", agent="2002")
    second = await other.incoming(SOON)
    assert second.headers["X-Tieline-Contact"] == talk.contact
    await talk.agent.ended(SOON)
    await second.answer()
    second.hum(COLLEAGUE)
    await talk.caller.hears_tone(COLLEAGUE, SOON)
    await talk.caller.hang_up()
    await talk.nothing_is_left()


async def test_a_colleague_is_asked_while_the_caller_hears_music_and_then_has_the_caller(
    talk: Talk,
) -> None:
    second = await talk.asked()
    assert "asks" in second.caller_name
    await talk.agent.hears_tone(COLLEAGUE, SOON)
    await second.hears_tone(AGENT, SOON)
    await hears_music(talk.caller, AGENT, COLLEAGUE)
    await deaf_to(second, CALLER)
    assert {talk.house.agent(each).state for each in ("2001", "2002")} == {"talking"}

    await talk.does("take-back")
    await talk.with_agent()
    await second.ended(SOON)
    await talk.free_again("2002")

    second = await talk.asked()
    await second.hears_tone(AGENT, SOON)
    await talk.does("complete")
    await talk.agent.ended(SOON)
    await talk.caller.hears_tone(COLLEAGUE, SOON)
    await second.hears_tone(CALLER, SOON)
    await until(lambda: talk.house.agent("2002").contact == talk.contact, why="it is 2002's")
    (told,) = talk.house.told(talk.contact, "transferred")
    assert (told["by"], told["to"], told["how"]) == ("2001", "2002", "attended")
    await second.hang_up()
    await talk.caller.ended(SOON)
    await talk.nothing_is_left()
    assert (await talk.house.record(talk.contact)).agent == "2002"


async def test_a_colleague_who_does_not_take_it_gives_the_caller_back(talk: Talk) -> None:
    ringing = await talk.ask()
    await hears_music(talk.caller, AGENT)
    await talk.agent.hears_sound(SOON)
    await ringing.reject()
    await talk.with_agent()
    await talk.stands("talking")
    assert talk.house.told(talk.contact, "ask_failed")[0]["agent"] == "2002"
    await talk.agent.hang_up()
    await talk.caller.ended(SOON)
    await talk.nothing_is_left()


async def test_a_caller_who_hangs_up_while_a_colleague_is_asked_ends_it_for_all(
    talk: Talk,
) -> None:
    second = await talk.asked()
    await second.hears_tone(AGENT, SOON)
    await talk.caller.hang_up()
    await talk.agent.ended(SOON)
    await second.ended(SOON)
    await talk.nothing_is_left()


async def test_an_agent_who_hangs_up_while_they_ask_leaves_the_caller_to_the_flow(
    talk: Talk,
) -> None:
    second = await talk.asked()
    await second.hears_tone(AGENT, SOON)
    await hears_music(talk.caller, AGENT, COLLEAGUE)
    await talk.agent.hang_up()
    await second.ended(SOON)
    await until(lambda: "bye" in talk.house.steps(talk.contact), why="the flow goes on")
    await talk.caller.ended(SOON)
    await talk.nothing_is_left()
    record = await talk.house.record(talk.contact)
    assert (record.outcome, record.ended_by, record.agent) == ("answered", "agent", "2001")


@pytest.mark.parametrize("meanwhile", [False, True], ids=["after", "meanwhile"])
@pytest.mark.parametrize(
    "deeds",
    [
        "hold",
        "hold take-back",
        "ask take-back",
        "asked take-back",
        "asked conference",
        "asked conference take-back",
        "asked complete",
    ],
)
async def test_whenever_the_caller_hangs_up_it_ends_for_all(
    talk: Talk, deeds: str, meanwhile: bool
) -> None:
    """At once after the desk's last deed, and while that is being done."""
    *before, last = deeds.split()
    for deed in before:
        if deed == "ask":
            await talk.ask()
        elif deed == "asked":
            await talk.asked()
        else:
            await talk.does(deed)
    if meanwhile:
        await asyncio.gather(talk.tries(last), talk.caller.hang_up())
    else:
        await talk.does(last)
        await talk.caller.hang_up()
    await talk.agent.ended(SOON)
    await talk.nothing_is_left()
    assert (await talk.house.record(talk.contact)).outcome == "answered"


async def test_three_hear_one_another_and_whoever_leaves_leaves_two(talk: Talk) -> None:
    second = await talk.asked()
    await second.hears_tone(AGENT, SOON)
    await talk.does("conference")
    await talk.stands("conference")
    await talk.all_three(second)
    await second.hang_up()
    await talk.with_agent()
    await talk.stands("talking")
    await talk.free_again("2002")

    second = await talk.asked()
    await second.hears_tone(AGENT, SOON)
    await talk.does("conference")
    await talk.caller.hears_tone(COLLEAGUE, SOON)
    await talk.agent.hang_up()
    await deaf_to(talk.caller, AGENT)
    await talk.caller.hears_tone(COLLEAGUE, SOON)
    await second.hears_tone(CALLER, SOON)
    await until(lambda: talk.house.agent("2001").state != "talking", why="2001 is free")
    await talk.caller.hang_up()
    await second.ended(SOON)
    await talk.nothing_is_left()


async def killed_and_back(talk: Talk) -> None:
    """The service dies and comes again, and has the caller as before."""
    times = len(talk.house.told(talk.contact, "resumed"))
    await talk.house.kill_service()
    await talk.house.start_service()
    # A service that was away for long finds its callers listening to words about that.
    await until(
        lambda: len(talk.house.told(talk.contact, "resumed")) > times, 60, "the caller is back"
    )


async def test_a_killed_service_leaves_everybody_where_they_are(talk: Talk) -> None:
    second = await talk.asked()
    await second.hears_tone(AGENT, SOON)
    await asyncio.gather(killed_and_back(talk), hears_music(talk.caller, AGENT, COLLEAGUE))
    await talk.stands("asked")
    await talk.agent.hears_tone(COLLEAGUE, SOON)
    await second.hears_tone(AGENT, SOON)
    await hears_music(talk.caller, AGENT, COLLEAGUE)
    await second.hang_up()
    await talk.with_agent()
    await talk.does("hold")
    await hears_music(talk.caller, AGENT)
    await killed_and_back(talk)
    await talk.stands("held")
    await hears_music(talk.caller, AGENT)
    await talk.does("take-back")
    await talk.with_agent()
    await talk.caller.hang_up()
    await talk.agent.ended(SOON)
    await talk.nothing_is_left()


async def test_a_killed_service_finds_a_conference_as_it_was_and_nobody_in_it_whose_caller_left(
    talk: Talk,
) -> None:
    second = await talk.asked()
    await second.hears_tone(AGENT, SOON)
    await talk.does("conference")
    await talk.all_three(second)
    await talk.house.kill_service()
    await talk.all_three(second)
    await talk.house.start_service()
    assert (await talk.stands("conference"))["colleague"] == "2002"
    await talk.all_three(second)
    await talk.does("take-back")
    await second.ended(SOON)
    await talk.with_agent()
    await deaf_to(talk.caller, COLLEAGUE)
    await talk.free_again("2002")

    second = await talk.asked()
    await second.hears_tone(AGENT, SOON)
    await talk.does("conference")
    await talk.all_three(second)
    await talk.house.kill_service()
    await talk.caller.hang_up()
    await talk.house.start_service()
    await talk.agent.ended(SOON)
    await second.ended(SOON)
    await talk.nothing_is_left()
    assert (await talk.house.record(talk.contact)).outcome == "answered"


async def test_the_stream_tells_both_desks_how_the_call_stands(talk: Talk) -> None:
    origin = {"Origin": talk.desk.url, "Cookie": f"tieline={talk.desk.secret}"}
    stream = await talk.desk.session.ws_connect(f"{talk.desk.url}/api/events", headers=origin)
    assert (await stream.receive_json())["type"] == "hello"

    async def told(state: str) -> dict[str, Any]:
        while True:
            event = await stream.receive_json(timeout=SOON)
            if event["type"] == "call" and event["data"]["state"] == state:
                data: dict[str, Any] = event["data"]
                return data

    second = await talk.ask()
    await told("asking")
    await second.answer()
    data = await told("asked")
    assert (data["offer"], data["contact"], data["colleague"]) == (talk.offer, talk.contact, "2002")
    await talk.does("conference")
    await told("conference")
    await talk.does("take-back")
    await told("talking")
    await stream.close()
    await talk.caller.hang_up()
    await talk.nothing_is_left()
