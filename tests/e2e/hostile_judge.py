"""What must hold whatever was tried, and the short calls it is tried with."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.e2e.conftest import Phones
from tests.e2e.hostile import Leg, RawPhone, Sip
from tests.e2e.hostile_words import OWNED
from tests.e2e.house import House, until


@asynccontextmanager
async def unharmed(house: House) -> AsyncIterator[None]:
    """Nothing falls over, nothing runs, nothing is logged that is our own fault."""
    asterisk, said = house.asterisk.pid, len(house.log())
    yield
    assert house.asterisk.pid == asterisk
    assert not await house.asterisk.ended(0)
    assert not os.path.lexists(OWNED)
    for line in house.log()[said:].splitlines():
        assert "level=error" not in line or "event=agi.no_route" in line, line
        assert "Traceback" not in line, line


async def gone(house: House) -> None:
    """Nobody waits or talks any more."""
    await until(lambda: not house.calls(), why="all calls are over")


async def ring(caller: RawPhone, agent: RawPhone, name: bytes) -> Sip | None:
    """What the agent's phone is sent for a caller of that name; None when the call is refused."""
    leg = await caller.call(b"4900", {"From": name + b" <sip:5551234@127.0.0.1>"})
    if not isinstance(leg, Leg):
        return None
    invite = await agent.rings()
    await leg.hang_up()
    return invite


async def processed_calls(house: House) -> int:
    told = await house.asterisk.command("core show channels count")
    match = re.search(r"(\d+) calls? processed", told)
    assert match is not None, told
    return int(match[1])


async def two_people_talk(phones: Phones) -> None:
    """A caller reaches an agent, who sees who it is; both hear each other."""
    await phones.ready("2001")
    line = await (await phones.caller("+8613812345678", "Mei Lin 李")).dial("4900")
    ringing = await (await phones.agent("2001")).incoming(10)
    assert ringing.caller_name == "Cards, Mei Lin 李, not verified"
    await ringing.answer()
    line.hum()
    ringing.hum()
    await line.hears_tone(ringing.phone.tone_hz, 5)
    await ringing.hears_tone(line.phone.tone_hz, 5)
