"""Agents at desks, on mobiles, in calls of their own, and with a colleague on a second line."""

from __future__ import annotations

import asyncio
import re

import pytest

from ivr.demo.phone import Line
from ivr.pins import set_pin
from ivr.secrets import Secrets
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.rtp import RtpParty
from tests.e2e.stage import FAR_TONE, far_end

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

BEEP_HZ = 1000
PIN = "482613"


async def caller(phones: Phones, number: str, name: str = "") -> tuple[Line, str]:
    """A caller in the queue `cards`, and their contact."""
    line = await (await phones.caller(number, name)).dial("4900")
    await line.answered()
    contact = await until(lambda: phones.house.contact_of(number), why="the contact begins")
    return line, contact


async def hears_both(one: Line, other: Line) -> None:
    one.hum()
    other.hum()
    await other.hears_tone(one.phone.tone_hz, 10)
    await one.hears_tone(other.phone.tone_hz, 10)


async def talking(phones: Phones, number: str, agent: str) -> tuple[Line, Line, str]:
    """A caller with that agent: both lines, and the contact."""
    phone = await phones.ready(agent)
    line, contact = await caller(phones, number, "Mei Lin")
    ringing = await phone.incoming(10)
    await ringing.answer()
    await hears_both(line, ringing)
    return line, ringing, contact


# --- calls outside -------------------------------------------------------------------------------


async def test_agents_in_a_call_of_their_own_are_offered_nothing_until_it_ends(
    house: House, phones: Phones
) -> None:
    one, other = await phones.ready("2001"), await phones.ready("2002")
    own = await one.dial("2002")
    rings = await other.incoming(10)
    await rings.answer()
    await hears_both(own, rings)
    for agent in ("2001", "2002"):
        await until(lambda agent=agent: house.agent(agent).outside, why=f"{agent} is busy")
    assert house.agent("2001").state == "ready"
    line, _ = await caller(phones, "+8613800007001")
    await until(lambda: [row.state for row in house.calls()] == ["waiting"], why="they wait")
    assert "in a call of their own" in await house.asterisk.command("acd show agents")
    await house.asterisk.command("acd do pause/2002/lunch")
    await own.hang_up()
    first = await one.incoming(10)
    assert first.headers["X-Tieline-Contact"]
    assert not house.agent("2002").outside
    await first.answer()
    await until(lambda: house.agent("2001").state == "talking", why="it is answered")
    assert not house.agent("2001").outside, "a call of the queue is no call outside"
    await first.hang_up()
    await line.ended(15)
    await until(lambda: house.agent("2001").state == "ready", why="wrap-up is over")
    assert not house.agent("2001").outside, "nor is its end"


async def test_a_call_outside_is_noticed_though_it_began_and_ended_unheard(
    house: House, phones: Phones
) -> None:
    one, other = await phones.ready("2001"), await phones.ready("2002")
    await house.kill_service()
    own = await one.dial("2002")
    await other.incoming(10)
    await house.start_service()
    await until(lambda: house.agent("2001").outside, why="it is seen at the next look")
    await house.kill_service()
    await own.hang_up()
    await house.start_service()
    await until(lambda: not house.agent("2001").outside, why="its end is seen, too")
    assert house.agent("2001").state == "ready"


# --- where they are rung -------------------------------------------------------------------------


async def test_an_agent_sits_down_at_a_desk_and_takes_calls_there(
    house: House, phones: Phones
) -> None:
    set_pin(Secrets(house.settings.home), "2011", PIN)
    desk = await phones.agent("5001")
    code = await desk.dial("*41")
    await code.answered()
    await code.hears_sound(5)
    await code.press("2011#")
    await code.press(PIN + "#")
    await code.ended(15)
    row = house.agent("2011")
    assert (row.state, row.phone) == ("ready", "5001")
    await until(lambda: not house.agent("2011").outside, why="the code itself is over")
    line, contact = await caller(phones, "+8613800007002")
    ringing = await desk.incoming(10)
    assert ringing.headers["X-Tieline-Contact"] == contact
    await ringing.answer()
    await hears_both(line, ringing)
    await ringing.hang_up()
    await line.ended(15)
    await phones.dial_code(desk, "*40")
    await until(lambda: house.agent("2011").state == "logged_out", why="they are gone")
    assert house.agent("2011").phone == ""
    assert re.search(r"2011 .*logged out", await house.asterisk.command("acd show agents"))


async def test_a_mobile_takes_a_call_only_by_the_key_1(house: House, phones: Phones) -> None:
    async with far_end(house) as far:
        assert "mobile" in await house.asterisk.command("acd do login/2012/mobile")
        line, contact = await caller(phones, "+8613800007003")
        box, person = await RtpParty.open(), await RtpParty.open()
        mailbox = await far.rings("3055555501")
        await far.phone.pick_up(mailbox, box.port)
        box.begin(far_port(mailbox.raw))
        box.hum(FAR_TONE)
        await box.ear.hears_sound(5)
        await house.asterisk.command("acd do login/2013/mobile")
        invite = await far.rings("3055555502", 30)
        assert house.agent("2012").no_answer == 1, "a mailbox is nobody"
        assert not house.told(contact, "answered")
        await far.phone.pick_up(invite, person.port)
        person.begin(far_port(invite.raw))
        await person.ear.hears_sound(5)
        await person.press("1")
        await until(lambda: house.told(contact, "answered"), why="the call is taken")
        person.hum(FAR_TONE)
        await line.hears_tone(FAR_TONE, 10)
        assert house.agent("2013").state == "talking"
        assert "X-Tieline" not in invite.raw.decode(), "a carrier learns nothing of the caller"
        await line.hang_up()
        await until(lambda: far.was_told(invite, "BYE"), why="the mobile is hung up")
        await box.close()
        await person.close()


def far_port(invite: bytes) -> tuple[str, int]:
    port = re.search(rb"m=audio (\d+)", invite)
    assert port is not None
    return "127.0.0.1", int(port[1])


async def test_a_phone_that_answers_by_itself_is_told_so_and_beeps(
    house: House, phones: Phones
) -> None:
    phone = await phones.ready("2014")
    line, _ = await caller(phones, "+8613800007004")
    ringing = await phone.incoming(10)
    assert "alert-autoanswer" in ringing.headers["Alert-Info"]
    await ringing.answer()
    await ringing.hears_tone(BEEP_HZ, 5)
    await hears_both(line, ringing)
    await line.hang_up()
    await ringing.ended(15)


# --- a colleague on a second line ----------------------------------------------------------------


async def test_who_was_asked_takes_the_caller_over_and_each_has_their_own_time(
    house: House, phones: Phones
) -> None:
    """An attended transfer resets no wrap-up, corrupts no talk time and shows no wrong caller."""
    line, first, contact = await talking(phones, "+8613800007005", "2001")
    second = await phones.ready("2002")
    asks = await first.phone.dial("2002")
    ringing = await second.incoming(10)
    assert ringing.caller_name.startswith("Agent 2001 asks: Cards, Mei Lin")
    assert ringing.headers["X-Tieline-Contact"] == contact
    await ringing.answer()
    await hears_both(asks, ringing)
    assert (house.agent("2001").state, house.agent("2002").state) == ("talking", "talking")
    await first.attended_transfer(asks)
    await hears_both(line, ringing)
    await until(lambda: house.agent("2001").state == "ready", why="wrap-up runs out")
    assert house.agent("2002").state == "talking"
    talked = house.agent("2001").talk_seconds
    await ringing.hang_up()
    await line.ended(15)
    await until(lambda: house.agent("2002").state in ("wrap_up", "ready"), why="2002 is done")
    assert house.agent("2001").talk_seconds == talked
    assert house.agent("2002").talk_seconds > 0
    record = await house.record(contact)
    assert (record.outcome, record.queue, record.agent) == ("answered", "cards", "2002")
    assert record.talk_seconds > talked
    (told,) = house.told(contact, "transferred")
    assert (told["by"], told["to"], told["how"]) == ("2001", "2002", "attended")


async def test_a_question_that_nobody_answers_leaves_the_caller_where_they_were(
    house: House, phones: Phones
) -> None:
    line, first, contact = await talking(phones, "+8613800007006", "2001")
    second = await phones.ready("2002")
    asks = await first.phone.dial("2002")
    await (await second.incoming(10)).reject()
    await asks.ended(15)
    assert house.agent("2001").state == "talking"
    await hears_both(line, first)
    assert not house.told(contact, "transferred")
    await asyncio.gather(first.hang_up(), line.ended(15))


async def test_a_colleague_who_is_logged_out_is_asked_by_phone_and_may_take_over(
    house: House, phones: Phones
) -> None:
    line, first, contact = await talking(phones, "+8613800007007", "2001")
    other = await phones.agent("2003")
    asks = await first.phone.dial("2003")
    ringing = await other.incoming(10)
    await ringing.answer()
    await hears_both(asks, ringing)
    await first.attended_transfer(asks)
    await hears_both(line, ringing)
    await until(lambda: house.agent("2001").state == "ready", why="wrap-up runs out")
    await line.hang_up()
    await ringing.ended(15)
    record = await house.record(contact)
    assert (record.outcome, record.agent) == ("answered", "2003")


async def test_codes_dialled_during_a_call_harm_nothing(house: House, phones: Phones) -> None:
    line, first, _ = await talking(phones, "+8613800007008", "2001")
    assert await phones.dial_code(first.phone, "*40") > 0.4
    assert house.agent("2001").state == "talking"
    assert await phones.dial_code(first.phone, "*461") > 0.4
    assert house.agent("2001").out_of == ("cards",)
    await hears_both(line, first)
    assert await phones.dial_code(first.phone, "*461") > 0.4
    await asyncio.gather(first.hang_up(), line.ended(15))
    await until(lambda: house.agent("2001").state == "logged_out", why="they went home")
