"""A live call survives the death of anything but its own Asterisk, and even then is closed well."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from ivr.demo.phone import Line, LineState
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

OUTAGE = 3.0
"""Seconds between the death of the service and the start of the next."""

TALKING, WAITING = 10, 20
CREW = [f"20{n:02}" for n in range(1, TALKING + 1)]


async def call(phones: Phones, number: str, dialled: str = "4900") -> Line:
    line = await (await phones.caller(number)).dial(dialled)
    await line.answered()
    return line


async def answer_next(phones: Phones, agent: str) -> Line:
    try:
        line = await (await phones.agent(agent)).incoming(20)
    except TimeoutError as silent:
        house = phones.house
        stories = [house.story(contact) for contact in house.contacts()[-2:]]
        raise AssertionError(f"{silent}: {house.agent(agent)}, {stories}") from None
    await line.answer()
    return line


def waiting(house: House) -> list[str]:
    return [row.contact for row in house.calls() if row.state == "waiting"]


async def test_a_killed_service_drops_nobody_and_keeps_the_order(
    house: House, phones: Phones
) -> None:
    await asyncio.gather(*(phones.ready(agent) for agent in CREW))
    talkers = [await call(phones, f"+1555010{n:02}") for n in range(TALKING)]
    agents = await asyncio.gather(*(answer_next(phones, agent) for agent in CREW))
    waiters = []
    for n in range(WAITING):
        waiters.append(await call(phones, f"+1555020{n:02}"))
        await until(lambda: len(waiting(house)) == len(waiters), why="the caller waits")
    order = waiting(house)

    await house.kill_service()
    await asyncio.sleep(OUTAGE)
    await house.start_service()

    for line in (*talkers, *agents, *waiters):
        assert line.state is LineState.TALKING, line
    for line in agents:
        line.hum()
    heard = [line.heard_seconds for line in talkers]
    await until(
        lambda: all(
            line.heard_seconds > before + 0.5 for line, before in zip(talkers, heard, strict=True)
        ),
        why="every talk goes on",
    )
    assert waiting(house) == order

    served: list[str] = []

    async def work(agent: str, line: Line) -> None:
        """Finish the first call, then take the next two."""
        await line.hang_up()
        for _ in range(WAITING // TALKING):
            line = await answer_next(phones, agent)
            served.append(line.headers["X-Tieline-Contact"])
            line.hum()
            await asyncio.sleep(0.3)
            await line.hang_up()

    await asyncio.gather(*(work(agent, line) for agent, line in zip(CREW, agents, strict=True)))
    assert sorted(served) == sorted(order), "every waiting caller was answered, once"
    assert set(served[:TALKING]) == set(order[:TALKING]), "the first ten were served first"
    for line in waiters:
        await line.ended(15)
    for contact in order:
        assert (await house.record(contact)).outcome == "answered"


async def test_killed_while_a_phone_rings_the_caller_keeps_the_place(
    house: House, phones: Phones
) -> None:
    agent = await phones.ready("2001")
    line = await call(phones, "+15550301")
    ringing = await agent.incoming(10)
    offer = house.calls()[0].offer

    await house.kill_service()
    await asyncio.sleep(OUTAGE)
    await house.start_service()

    assert ringing.state is LineState.RINGING
    assert [row.offer for row in house.calls()] == [offer]
    await ringing.answer()
    await until(lambda: house.agent("2001").state == "talking", why="the agent talks")
    assert len(agent.lines) == 1, "the phone rang once for this offer"
    ringing.hum()
    await line.hears_tone(agent.tone_hz, 5)
    await line.hang_up()
    record = await house.record(ringing.headers["X-Tieline-Contact"])
    assert (record.outcome, record.agent, record.ended_by) == ("answered", "2001", "caller")


async def test_with_the_service_down_for_good_a_caller_hears_words_and_leaves_a_message(
    house: House, phones: Phones
) -> None:
    known = set(house.contacts())
    await house.kill_service()
    try:
        line = await call(phones, "+15550401", "4001")
        assert await line.hears_sound(3) < 3, "music at once, not silence"
        await asyncio.sleep(house.settings.patience_before_fallback + 2)
        await line.press("1")
        await asyncio.sleep(7)
        await line.speak(seconds=3)
        await line.press("#")
        await line.ended(30)
    finally:
        await house.start_service()
    fresh = await until(lambda: set(house.contacts()) - known, 60, "the message is taken in")
    record = await house.record(fresh.pop(), timeout=10)
    assert (record.outcome, record.caller) == ("voicemail", "+15550401")


async def test_a_restarted_asterisk_leaves_no_agent_stuck_and_serves_new_calls(
    house: House, phones: Phones
) -> None:
    first, second = await phones.ready("2001"), await phones.ready("2002")
    await call(phones, "+15550501")
    talking = await answer_next(phones, "2001")
    await house.asterisk.command("acd do pause/2002/break")
    await call(phones, "+15550502")
    await until(lambda: len(waiting(house)) == 1, why="the second caller waits")
    lost = [talking.headers["X-Tieline-Contact"], *waiting(house)]

    assert house.asterisk.pid is not None
    os.kill(house.asterisk.pid, signal.SIGKILL)
    assert await house.asterisk.ended(5)
    await house.asterisk.start()
    back = time.monotonic()

    outcomes = [(await house.record(contact, timeout=10)) for contact in lost]
    assert [record.outcome for record in outcomes] == ["answered", "lost"]
    assert {record.reason for record in outcomes} == {"asterisk restarted"}
    await until(lambda: house.agent("2001").state in ("wrap_up", "ready"), why="2001 is free")
    for phone in (first, second):
        for line in tuple(phone.lines):
            await line.hang_up()
    line = await call(phones, "+15550503")
    answered = await answer_next(phones, "2001")
    assert time.monotonic() - back < 10
    answered.hum()
    await line.hears_tone(first.tone_hz, 5)
