"""The line, end to end: a caller, a flow, a queue, an agent's phone, a record."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

import pytest

from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def hear_each_other(caller: Line, agent: Line) -> None:
    caller.hum()
    agent.hum()
    await agent.hears_tone(caller.phone.tone_hz, 10)
    await caller.hears_tone(agent.phone.tone_hz, 10)


async def to_appointments(phones: Phones, number: str, name: str = "") -> Line:
    """A caller who has pressed their way into the clinic's appointments queue."""
    line = await (await phones.caller(number, name)).dial("4001")
    await line.answered()
    await line.hears_sound(5)
    await line.press("1")
    await asyncio.sleep(0.3)
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
