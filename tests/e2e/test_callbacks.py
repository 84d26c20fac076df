"""Callbacks over the real telephone: the caller hangs up, the customer's phone rings, they talk."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.e2e.conftest import Phones
from tests.e2e.hostile import Leg, Sip
from tests.e2e.house import House, until
from tests.e2e.rtp import RtpParty
from tests.e2e.stage import FAR_TONE, FarEnd, at_menu, far_end, tieline

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def far(house: House) -> AsyncIterator[FarEnd]:
    async with far_end(house) as far:
        yield far


async def asks(phones: Phones, number: str, key: str) -> str:
    """A caller is promised a call, and hangs up; the contact."""
    line, contact = await at_menu(phones, number, "4940")
    await line.press(key)
    await line.ended(20)
    return contact


@asynccontextmanager
async def customer(far: FarEnd, invite: Sip) -> AsyncIterator[tuple[Leg, RtpParty]]:
    """The customer takes the call, and hums."""
    party = await RtpParty.open()
    leg = await far.phone.pick_up(invite, party.port)
    port = re.search(rb"m=audio (\d+)", invite.raw)
    assert port is not None
    party.begin(("127.0.0.1", int(port[1])))
    party.hum(FAR_TONE)
    try:
        yield leg, party
    finally:
        await party.close()


def dials(far: FarEnd, number: str) -> list[Sip]:
    """One INVITE for each time that number was dialled."""
    wanted = f"INVITE sip:+49{number}@"
    invites = [each for each in far.phone.heard if each.first_line.startswith(wanted)]
    return list({each.one("Call-ID"): each for each in invites}.values())


async def test_a_caller_who_does_not_wait_is_called_back_in_the_old_place(
    house: House, phones: Phones, far: FarEnd
) -> None:
    contact = await asks(phones, "+493070000001", "1")
    (row,) = [row for row in house.calls() if row.contact == contact]
    assert (row.virtual, row.queue) == (True, "ring-back")
    (queued,) = house.told(contact, "queued")
    story = house.story(contact)
    first = next(event.at for event in story if event.kind == "queued")
    assert abs(row.enqueued_at - first) < 0.5, (queued, row)
    agent = await phones.ready("3001")
    invite = await far.rings("3070000001")
    assert not agent.lines
    async with customer(far, invite) as (leg, party):
        ringing = await agent.incoming(15)
        assert ringing.caller_name.startswith("Callback ring-back")
        assert ringing.headers["X-Tieline-Contact"] == contact
        await ringing.answer()
        ringing.hum()
        await ringing.hears_tone(FAR_TONE, 10)
        await party.ear.hears_tone(agent.tone_hz, 10)
        await leg.hang_up()
    record = await house.record(contact)
    assert (record.outcome, record.agent, record.queue) == ("answered", "3001", "ring-back")
    kinds = [event.kind for event in house.story(contact)]
    wanted = ("callback_asked", "line_ended", "callback_dialled", "callback_answered", "answered")
    assert [kind for kind in kinds if kind in wanted] == list(wanted)
    assert kinds.count("ended") == 1
    await until(lambda: house.agent("3001").state in ("wrap_up", "ready"), why="the talk is over")


async def test_an_agent_who_is_rung_first_takes_it_and_the_customer_is_dialled(
    house: House, phones: Phones, far: FarEnd
) -> None:
    contact = await asks(phones, "+493070000002", "3")
    agent = await phones.ready("3002")
    ringing = await agent.incoming(15)
    assert ringing.caller_name.startswith("Callback agent-first")
    assert ringing.headers["X-Tieline-Contact"] == contact
    assert not dials(far, "3070000002")
    await ringing.answer()
    invite = await far.rings("3070000002")
    assert house.agent("3002").state == "talking"
    async with customer(far, invite) as (leg, party):
        ringing.hum()
        await ringing.hears_tone(FAR_TONE, 10)
        await party.ear.hears_tone(agent.tone_hz, 10)
        await leg.hang_up()
    record = await house.record(contact)
    assert (record.outcome, record.agent) == ("answered", "3002")
    await until(lambda: house.agent("3002").state in ("wrap_up", "ready"), why="the talk is over")


async def test_a_busy_customer_is_tried_again_and_the_agent_is_free_meanwhile(
    house: House, phones: Phones, far: FarEnd
) -> None:
    contact = await asks(phones, "+493070000003", "2")
    agent = await phones.ready("3001")
    far.phone.answer(await far.rings("3070000003"), b"486 Busy Here")
    await until(lambda: house.told(contact, "callback_unreached"), why="the try is told")
    assert house.told(contact, "callback_unreached") == [{"cause": "busy"}]
    assert house.agent("3001").state == "ready"
    await until(lambda: len(dials(far, "3070000003")) == 2, 20, "it is tried again")
    async with customer(far, dials(far, "3070000003")[1]) as (_, party):
        ringing = await agent.incoming(15)
        await ringing.answer()
        ringing.hum()
        await party.ear.hears_tone(agent.tone_hz, 10)
        await ringing.hang_up()
    record = await house.record(contact)
    assert (record.outcome, record.ended_by) == ("answered", "agent")


async def test_who_is_dialled_when_the_service_dies_is_dialled_once_and_is_served(
    house: House, phones: Phones, far: FarEnd
) -> None:
    contact = await asks(phones, "+493070000004", "2")
    agent = await phones.ready("3001")
    invite = await far.rings("3070000004")
    await house.kill_service()
    await house.start_service()
    assert house.agent("3001").state == "offered"
    async with customer(far, invite) as (leg, party):
        ringing = await agent.incoming(15)
        await ringing.answer()
        ringing.hum()
        await party.ear.hears_tone(agent.tone_hz, 10)
        await leg.hang_up()
    assert (await house.record(contact)).outcome == "answered"
    assert len(dials(far, "3070000004")) == 1


async def test_nobody_is_dialled_against_the_list_or_the_hours_and_a_machine_takes_no_agent(
    house: House, phones: Phones, far: FarEnd
) -> None:
    listed = await asks(phones, "+493070000005", "2")
    await tieline(house, "do-not-call", "--add", "+49 30 70000005", "--because", "wrote to us")
    by_night = await asks(phones, "+493070000006", "4")
    machine = await asks(phones, "+493070000007", "5")
    again = await asks(phones, "+493070000007", "5")
    assert house.steps(again)[-2:] == ["known", "bye"], "one callback for one customer"
    await phones.ready("3001")
    pia = await phones.ready("3003")
    async with customer(far, await far.rings("3070000007")):
        await until(lambda: house.told(machine, "callback_unreached"), 25, "no key is pressed")
        assert not pia.lines
    assert (await house.record(listed)).outcome == "forbidden"
    (held,) = [row for row in house.calls() if row.contact == by_night]
    assert held.not_before is not None
    assert held.not_before - held.enqueued_at > 3600
    shown = await tieline(house, "callbacks")
    for number in ("+493070000006", "+493070000007"):
        (line,) = [line for line in shown.splitlines() if number in line]
        await tieline(house, "callbacks", "--give-up", line.split()[2])
    assert (await house.record(by_night)).outcome == "withdrawn"
    assert (await house.record(machine)).outcome == "withdrawn"
    assert not dials(far, "3070000005")
    assert not dials(far, "3070000006")
