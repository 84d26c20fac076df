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
from tests.e2e.stage import FAR_TONE, FarEnd, at_menu, far_end

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
