from __future__ import annotations
from tests.shell.house import House

async def test_one(house: House) -> None:
    caller = await house.talking()
    assert house.state("1001") == "talking"
    await house.leg_goes(caller.offer)
    await caller.dial_ends("ANSWER")
    await caller.press("1")
    await caller.closed()
    assert house.ending(caller.contact) == ("answered", "flow", "")
async def test_two(house: House) -> None:
    caller = await house.waiting()
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("abandoned", "caller", "hangup")
