"""The line, end to end: a caller, a flow, a queue, an agent's phone, a record."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import unquote

import pytest

from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.sipp import Sipp

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def hear_each_other(caller: Line, agent: Line) -> None:
    caller.hum()
    agent.hum()
    await agent.hears_tone(caller.phone.tone_hz, 10)
    await caller.hears_tone(agent.phone.tone_hz, 10)


async def to_appointments(phones: Phones, number: str, name: str = "") -> Line:
    """A caller who has pressed their way into the clinic's appointments queue."""
    known = set(phones.house.contacts())
    line = await (await phones.caller(number, name)).dial("4001")
    await line.answered()
    await line.hears_sound(5)
    await line.press("1")
    await phones.house.at_step("reasons", known)
    await line.press("1")
    return line


async def test_a_caller_reaches_an_agent_who_knows_who_and_why(
    house: House, phones: Phones
) -> None:
    ana = await phones.ready("1001")
    line = await to_appointments(phones, "+8613812345678", "Mei Lin 李")
    ringing = await ana.incoming(10)
    assert "Appointments" in ringing.caller_name
    assert "Mei Lin 李" in ringing.caller_name
    assert "not verified" in ringing.caller_name
    contact = ringing.headers["X-Tieline-Contact"]
    context = dict(pair.split("=", 1) for pair in ringing.headers["X-Tieline-Context"].split(";"))
    assert unquote(context["who"]) == "Mei Lin 李"
    assert context["reason"] == "appointment"
    await ringing.answer()
    await hear_each_other(line, ringing)
    assert house.agent("1001").state == "talking"
    await ringing.hang_up()
    await line.ended(15)
    await until(lambda: house.agent("1001").state == "wrap_up", why="wrap-up starts")
    record = await house.record(contact)
    assert (record.outcome, record.ended_by) == ("answered", "agent")
    assert (record.queue, record.agent, record.caller) == (
        "appointments",
        "1001",
        "+8613812345678",
    )
    assert record.fields == {"reason": "appointment"}
    assert record.talk_seconds > 0
    kinds = [event.kind for event in house.story(contact)]
    for kind in ("began", "key", "queued", "offered", "answered", "agent_left", "ended"):
        assert kind in kinds


async def test_a_stranger_to_us_rings_hears_presses_waits_and_talks(
    house: House, phones: Phones, sipp: Sipp, measured: Callable[[str, str], None]
) -> None:
    """sipp and baresip, of which we wrote neither, on both ends of one call."""
    ana = await phones.agent("1001")
    async with sipp.call("4001", caller="+8613800001111", name="Wang Fang") as call:
        await call.answered()
        ear = call.media.ear
        first_word = await ear.hears_sound(5)
        assert first_word < 1.0
        measured("INVITE to the first word (limit 1 s)", f"{first_word * 1000:.0f} ms")
        await ear.hears_silence(0.6)
        pressed = time.monotonic() - ear.began
        await call.media.press("1")
        after = await ear.hears_sound(5, after=pressed) - pressed
        assert after < 0.3
        measured("key down to the next prompt (limit 300 ms)", f"{after * 1000:.0f} ms")
        await call.media.press("1")
        await until(lambda: [row.state for row in house.calls()] == ["waiting"], why="they wait")
        heard = ear.heard_seconds
        await until(lambda: ear.heard_seconds > heard + 1, why="music is heard")
        await phones.ready("1001")
        ringing = await ana.incoming(5)
        assert ringing.caller_name.startswith("Appointments, Wang Fang, not verified")
        assert ringing.caller_number == "+8613800001111"
        contact = ringing.headers["X-Tieline-Contact"]
        assert "reason=appointment" in ringing.headers["X-Tieline-Context"]
        await ringing.answer()
        call.media.hum(1300)
        ringing.hum()
        await ringing.hears_tone(1300, 10)
        await ear.hears_tone(ana.tone_hz, 10)
        outcome = await call.hang_up()
    assert (outcome.exit_code, outcome.errors) == (0, "")
    await ringing.ended(5)
    await until(lambda: house.agent("1001").state == "wrap_up", why="wrap-up follows")
    record = await house.record(contact)
    assert (record.outcome, record.ended_by, record.agent) == ("answered", "caller", "1001")
    assert record.wait_seconds > 1
    kinds = [event.kind for event in house.story(contact)]
    assert [kind for kind in kinds if kind in ("queued", "offered", "answered", "ended")] == [
        "queued",
        "offered",
        "answered",
        "ended",
    ]
