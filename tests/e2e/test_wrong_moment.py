"""The service dies, or a caller hangs up, in the middle of something: nothing twice or lost."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ivr.backends.building import store_file
from ivr.backends.outbox import messages_in
from ivr.demo.backends import Backends
from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.rtp import RtpParty
from tests.e2e.stage import (
    FAR_TONE,
    at_menu,
    chooses,
    dials,
    ends_with,
    far_end,
    joined,
    left,
    tieline,
)

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

AGENT = "2001"
PEOPLE = "4933"


@pytest_asyncio.fixture(loop_scope="session")
async def slow(backends: Backends) -> AsyncIterator[Backends]:
    """A house whose slow answers take two seconds."""
    before, backends.slowness = backends.slowness, 2.0
    yield backends
    backends.slowness = before
    backends.pretended.clear()


async def takes_a_visit(phones: Phones, backends: Backends, number: str) -> tuple[Line, str]:
    """A caller who has chosen a time; the practice takes its own."""
    house = phones.house
    line, contact = await chooses(phones, number, PEOPLE, "6", "slot")
    await until(lambda: house.told(contact, "slots"), why="free times are found")
    backends.pretended.append("slow")
    await line.press("1")
    await until(lambda: not backends.pretended, why="the practice is asked")
    return line, contact


async def test_who_hangs_up_while_something_is_done_has_it_once(
    house: House, phones: Phones, slow: Backends
) -> None:
    taken, cancelled = len(slow.taken), set(slow.cancelled)
    line, contact = await takes_a_visit(phones, slow, "+8613800003504")
    other, posted = await at_menu(phones, "+8613800003506", "4931")
    await other.press("0")
    await until(lambda: "late-post" in house.steps(posted), why="it is asked for")
    await asyncio.gather(line.hang_up(), other.hang_up())
    await until(lambda: len(slow.taken) == taken + 1, why="what was begun is done")
    await until(lambda: slow.cancelled - cancelled == {"1002"}, why="and so is the other")
    for each in (contact, posted):
        record = await house.record(each)
        assert (record.outcome, record.ended_by) == ("left", "caller")


async def test_a_service_killed_at_every_wrong_moment_does_nothing_twice_and_loses_nothing(
    house: House, phones: Phones, slow: Backends
) -> None:
    """In talks inside and outside, while it rings outside, in a recording, in errands."""
    taken, sent = len(slow.taken), len(slow.messages)
    agent = await phones.ready(AGENT)
    parties = [await RtpParty.open(), await RtpParty.open()]
    async with far_end(house) as far:
        (talks, outside), (dialling, rung), (asks, inside), (speaks, memo) = await asyncio.gather(
            dials(phones, "+8613800003206", "3066666666"),
            dials(phones, "+8613800003207", "3077777777"),
            chooses(phones, "+8613800003306", PEOPLE, "1", "agent"),
            chooses(phones, "+8613800003413", PEOPLE, "2", "memo"),
        )
        ringing = await agent.incoming(10)
        await ringing.answer()
        ringing.hum()
        await asks.hears_tone(agent.tone_hz, 10)
        leg = await joined(far, await far.rings("3066666666"), parties[0], talks)
        late = await far.rings("3077777777")
        file = house.settings.data_dir / "messages" / f"{memo}.complaint.wav"
        await until(file.exists, why="the tone has been")
        speaks.hum()
        books, visit = await takes_a_visit(phones, slow, "+8613800003505")
        slow.pretended.append("slow")
        writes, text = await chooses(phones, "+8613800003502", PEOPLE, "4", "text")
        await until(lambda: not slow.pretended, why="the gateway is asked")

        await house.kill_service()
        await joined(far, late, parties[1], dialling)
        await ringing.hang_up()
        await house.start_service()

        await talks.hears_tone(FAR_TONE, 5)
        await until(lambda: house.told(rung, "put_through"), why="Asterisk tells of it")
        await leg.hang_up()
        await until(lambda: "after" in house.steps(outside), why="the flow goes on")
        await dialling.hang_up()
        await until(lambda: far.was_told(late, "BYE"), why="the far end is hung up")
        await until(lambda: "rate" in house.steps(inside), why="the survey follows the talk")
        speaks.hush()
        await speaks.press("#")
        await asyncio.gather(*(line.ended(25) for line in (speaks, books, writes)))
        await asyncio.gather(*(line.hang_up() for line in (talks, asks)))
    for party in parties:
        await party.close()

    ending = await ends_with(house, outside, "after")
    assert ending == ("transferred", "caller", "+493066666666")
    assert await ends_with(house, rung) == ("transferred", "caller", "+493077777777")
    assert left(house, inside)[0] == "answered"
    assert (await house.record(inside)).outcome == "answered"
    (kept,) = house.told(memo, "recording")
    with wave.open(str(house.settings.data_dir / "messages" / str(kept["path"]))) as sound:
        assert sound.getnframes() / sound.getframerate() >= 2
    assert len(house.told(visit, "booked")) == 1
    assert len(slow.taken) == taken + 1, "one visit, not two"
    # One that was at the gateway as the service died is claimed by the next at its start.
    await until(lambda: _outbox(house, text) == ["sent", "sent"], why="both are sent")
    assert _texts(slow, sent) == ["And again.", "Thank you for ringing us."], "each of them once"
    assert "+8613800003502" in await tieline(house, "outbox", "--all")
    for contact in (outside, rung, inside, memo, visit, text):
        assert not house.told(contact, "stumbled")


def _outbox(house: House, contact: str) -> list[str]:
    """How the messages of that contact stand."""
    found = messages_in(store_file(house.settings), everything=True)
    return [each.state for each in found if each.contact == contact]


def _texts(backends: Backends, known: int) -> list[str]:
    """What the gateway was given since, in alphabetical order."""
    return sorted(str(each["text"]) for each in backends.messages[known:])
