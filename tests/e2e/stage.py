"""What scenes on the line share: the house, its phones, the far end of its trunk."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ivr.demo.backends import Backends
from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.hostile import Leg, RawPhone, Sip
from tests.e2e.house import House, until
from tests.e2e.rtp import RtpParty

FAR_TONE = 1750
DEAF = "3044444444"
"""+49 3044444444: for this number the other side of the trunk is away."""


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
        phone.deaf = DEAF
        yield FarEnd(phone)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where scenes play, all at once."""

    house: House
    phones: Phones
    backends: Backends
    far: FarEnd
    measured: Callable[[str, str], None]


Scene = Callable[[Stage], Coroutine[Any, Any, None]]


async def at_menu(
    phones: Phones, number: str, dialled: str, step: str = "choose"
) -> tuple[Line, str]:
    """A caller who hears the first menu, and their contact."""
    house, last = phones.house, phones.house.contact_of(number)
    line = await (await phones.caller(number)).dial(dialled)
    await line.answered()
    await until(lambda: house.contact_of(number) != last, why="the contact begins")
    contact = house.contact_of(number)
    await until(lambda: step in house.steps(contact), why=f"{step} comes")
    await until(lambda: line.heard_seconds > 0.3, why="words are heard")
    return line, contact


async def chooses(
    phones: Phones, number: str, dialled: str, key: str, step: str
) -> tuple[Line, str]:
    """A caller who has pressed their way to that step."""
    line, contact = await at_menu(phones, number, dialled)
    await line.press(key)
    await until(lambda: step in phones.house.steps(contact), why=f"{step} comes")
    return line, contact


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


async def tieline(house: House, *words: str) -> str:
    """What the command prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ivr", *words),
        cwd=house.folder,
        env={**os.environ, **house.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return out.decode()


def left(house: House, contact: str) -> tuple[str, str]:
    """How the transfer ended."""
    (told,) = house.told(contact, "transfer_left")
    return str(told["outcome"]), str(told["detail"])
