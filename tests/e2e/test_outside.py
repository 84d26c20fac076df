"""A caller is put through to a number outside: every ending of it, over a real trunk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from ivr.demo.phone import Line, LineState
from tests.e2e.conftest import Phones
from tests.e2e.hostile import Leg, RawPhone, Sip
from tests.e2e.house import House, until
from tests.e2e.rtp import RtpParty
from tests.e2e.test_backends import at_menu

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

FAR_TONE = 1750
NOT_OURS = "1234567890"
"""+49 1234567890 is on nobody's list."""


@dataclass(slots=True)
class FarEnd:
    """The other side of the trunk, by the numbers that ring there."""

    phone: RawPhone
    invites: dict[str, Sip] = field(default_factory=dict)

    async def rings(self, number: str, timeout: float = 15.0) -> Sip:
        """The INVITE to that number."""
        wanted = f"INVITE sip:+49{number}@"
        try:
            async with asyncio.timeout(timeout):
                while (invite := self._invite(wanted)) is None:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            heard = [message.first_line for message in self.phone.heard]
            raise AssertionError(f"+49{number} does not ring; {heard}") from None
        return invite

    def was_told(self, invite: Sip, method: str) -> bool:
        """Whether that request has come for the call."""
        call = invite.one("Call-ID")
        heard = (each for each in self.phone.heard if each.one("Call-ID") == call)
        return any(each.first_line.startswith(method + " ") for each in heard)

    def _invite(self, wanted: str) -> Sip | None:
        heard = self.phone.heard
        return next((each for each in heard if each.first_line.startswith(wanted)), None)


@asynccontextmanager
async def far_end(house: House) -> AsyncIterator[FarEnd]:
    async with RawPhone.open(house.domain, "carrier", at=(house.trunk, 5060)) as phone:
        yield FarEnd(phone)


async def dials(phones: Phones, caller: str, number: str) -> tuple[Line, str]:
    """A caller who wants to be put through; the line and the contact."""
    line, contact = await at_menu(phones, caller, "4932", "which")
    await line.press(number)
    return line, contact


async def joined(far: FarEnd, invite: Sip, party: RtpParty, line: Line) -> Leg:
    """The far end answers, and both hear each other."""
    leg = await far.phone.pick_up(invite, party.port)
    port = re.search(rb"m=audio (\d+)", invite.raw)
    assert port is not None
    party.begin(("127.0.0.1", int(port[1])))
    party.hum(FAR_TONE)
    line.hum()
    await line.hears_tone(FAR_TONE, 10)
    await party.ear.hears_tone(line.phone.tone_hz, 10)
    return leg


async def ends_with(house: House, contact: str, *expected: str) -> tuple[str, ...]:
    """Outcome, by whom, and the number reached; and the steps from the transfer on."""
    record = await house.record(contact, 10)
    steps = house.steps(contact)
    assert tuple(steps[steps.index("out") :]) == ("out", *expected), steps
    reached = [str(told["number"]) for told in house.told(contact, "put_through")]
    return record.outcome or "", record.ended_by, *reached


async def test_the_far_end_hangs_up_and_the_flow_goes_on(house: House, phones: Phones) -> None:
    party = await RtpParty.open()
    async with far_end(house) as far:
        line, contact = await dials(phones, "+8613800003201", "3011111111")
        invite = await far.rings("3011111111")
        text = invite.raw.decode()
        assert "<sip:+8613800003201@" in invite.one("From"), "the caller's own number is shown"
        assert "X-Tieline" not in text, "nothing of ours goes outside"
        assert contact not in text
        leg = await joined(far, invite, party, line)
        assert house.told(contact, "put_through") == [{"number": "+493011111111"}]
        await leg.hang_up()
        await until(lambda: "after" in house.steps(contact), why="the flow goes on")
        await line.press("1")
        await line.ended(15)
    await party.close()
    ending = await ends_with(house, contact, "after", "bye")
    assert ending == ("transferred", "flow", "+493011111111")
    assert house.told(contact, "transfer_left")[0]["outcome"] == "answered"


async def test_the_caller_hangs_up_in_the_talk_outside(house: House, phones: Phones) -> None:
    party = await RtpParty.open()
    async with far_end(house) as far:
        line, contact = await dials(phones, "+8613800003202", "3022222222")
        invite = await far.rings("3022222222")
        await joined(far, invite, party, line)
        await line.hang_up()
        await until(lambda: far.was_told(invite, "BYE"), why="the far end is hung up")
    await party.close()
    assert await ends_with(house, contact) == ("transferred", "caller", "+493022222222")


async def test_nobody_is_put_through_and_every_reason_has_its_way(
    house: House, phones: Phones
) -> None:
    """Busy, silence, a refusal, a diversion, a number that is not ours, a caller who gives up."""
    numbers = [f"30333333{n:02}" for n in range(5)]
    async with far_end(house) as far:
        calls = [dials(phones, f"+86138000033{n:02}", number) for n, number in enumerate(numbers)]
        busy, silent, gone, diverts, leaves = await asyncio.gather(*calls)
        never, not_ours = await dials(phones, "+8613800003390", NOT_OURS)
        invites = await asyncio.gather(*(far.rings(number) for number in numbers))
        await busy[0].hears_sound(3)
        far.phone.answer(invites[0], b"486 Busy Here")
        far.phone.answer(invites[2], b"404 Not Found")
        ours = b"<sip:4900@%s>" % house.domain.encode()
        far.phone.answer(invites[3], b"302 Moved Temporarily", contact=ours)
        await leaves[0].hang_up()
        await until(lambda: far.was_told(invites[4], "CANCEL"), why="the ringing stops")
        for line in (busy[0], silent[0], gone[0], diverts[0], never):
            await line.ended(20)
        assert NOT_OURS not in "".join(each.first_line for each in far.phone.heard)
    assert await ends_with(house, busy[1], "engaged", "bye") == ("completed", "flow")
    assert await ends_with(house, silent[1], "nobody", "bye") == ("completed", "flow")
    assert await ends_with(house, gone[1], "broken", "bye") == ("completed", "flow")
    outcome = await ends_with(house, diverts[1], "engaged", "bye")
    assert outcome == ("completed", "flow"), "the far end sends our callers nowhere"
    assert await ends_with(house, leaves[1]) == ("left", "caller")
    assert await ends_with(house, not_ours, "broken", "bye") == ("completed", "flow")
    told = [event.kind for event in house.story(diverts[1])]
    assert "queued" not in told


async def test_a_trunk_that_is_away_costs_the_caller_the_ringing_and_no_more(
    house: House, phones: Phones
) -> None:
    line, contact = await dials(phones, "+8613800003204", "3044444444")
    await line.ended(20)
    assert await ends_with(house, contact, "nobody", "bye") == ("completed", "flow")
    assert line.ear.longest_pause() < 4.5, "ringing, as everywhere in North America"


async def test_the_far_end_commands_nothing(house: House, phones: Phones) -> None:
    """No transfer by REFER, no key that Asterisk would obey."""
    party = await RtpParty.open()
    async with far_end(house) as far:
        line, contact = await dials(phones, "+8613800003205", "3055555555")
        invite = await far.rings("3055555555")
        leg = await joined(far, invite, party, line)
        for target in (b"sip:4900@" + house.domain.encode(), b"sip:1001@" + house.domain.encode()):
            assert await leg.refer(target) in (403, 405, 501, 603), target
        await party.press("#1*1*2*0*##700")
        await line.press("*1#1*0")
        await line.hears_tone(FAR_TONE, 5)
        assert line.state is LineState.TALKING
        assert house.steps(contact)[-1] == "out"
        assert house.calls() == []
        await leg.hang_up()
        await until(lambda: "after" in house.steps(contact), why="the flow goes on")
        await line.hang_up()
    await party.close()
    assert await ends_with(house, contact, "after") == (
        "transferred",
        "caller",
        "+493055555555",
    )


async def test_a_service_killed_during_the_talk_outside_finds_the_caller_again(
    house: House, phones: Phones
) -> None:
    """One is answered before it dies, one while it is away; both go on where the talk led."""
    parties = [await RtpParty.open(), await RtpParty.open()]
    async with far_end(house) as far:
        (line, contact), (other, while_away) = await asyncio.gather(
            dials(phones, "+8613800003206", "3066666666"),
            dials(phones, "+8613800003207", "3077777777"),
        )
        invite, second = await far.rings("3066666666"), await far.rings("3077777777")
        leg = await joined(far, invite, parties[0], line)
        await house.kill_service()
        late = await joined(far, second, parties[1], other)
        await house.start_service()
        await line.hears_tone(FAR_TONE, 5)
        await until(lambda: house.told(while_away, "put_through"), why="Asterisk tells of it")
        await leg.hang_up()
        await until(lambda: "after" in house.steps(contact), why="the flow goes on")
        await line.press("1")
        await line.ended(15)
        await other.hang_up()
        await until(lambda: far.was_told(second, "BYE"), why="the far end is hung up")
        assert late is not None
    for party in parties:
        await party.close()
    ending = await ends_with(house, contact, "after", "bye")
    assert ending == ("transferred", "flow", "+493066666666")
    assert await ends_with(house, while_away) == ("transferred", "caller", "+493077777777")
