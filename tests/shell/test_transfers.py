"""An agent moves a caller on: the same contact in front of another queue or agent."""

from __future__ import annotations

from acd.model import CallWithdrawn
from tests.shell.asterisk import Caller
from tests.shell.house import START, House


async def moved(house: House, target: str) -> Caller:
    """A caller whom 1001 has moved on; the agent's phone has hung up."""
    caller = await house.talking()
    first = caller.offer
    await caller.leaves()
    assert house.live(caller).phase == "talking", "a hang-up in AGI may be a transfer"
    await house.leg_goes(first)
    await caller.enter(target)
    return caller


async def test_a_transfer_to_a_queue_keeps_contact_and_place_in_no_other(house: House) -> None:
    caller = await moved(house, "4102")
    await caller.comes_to("WAIT FOR DIGIT")
    (row,) = house.calls()
    assert (row.queue, row.contact, row.wants) == ("help", caller.contact, None)
    assert house.told(caller.contact, "transferred") == [{"by": "1001", "to": "4102"}]
    assert house.state("1001") == "wrap_up"
    assert caller.variables["TIELINE_TARGET"] == ""
    assert house.told(caller.contact, "resumed") == []


async def test_a_transfer_to_an_agent_rings_that_agent_and_falls_back_to_the_queue(
    house: House,
) -> None:
    house.log_in("1002")
    caller = await moved(house, "1002")
    assert "PJSIP/1002" in await caller.comes_to("EXEC Dial")
    await house.leg_rings(caller.offer, "1002")
    await house.leg_fails(caller.offer, "BUSY")
    await caller.dial_ends("BUSY")
    await caller.comes_to("WAIT FOR DIGIT")
    (row,) = house.calls()
    assert (row.queue, row.wants, row.enqueued_at) == ("sales", None, START)
    house.later(10)
    assert "PJSIP/1001" in await caller.comes_to("EXEC Dial")


async def test_a_transfer_to_an_agent_who_never_comes_ends_in_the_queue(house: House) -> None:
    caller = await moved(house, "1002")
    await caller.comes_to("WAIT FOR DIGIT")
    assert house.calls()[0].wants == "1002"
    house.later(26)
    row = await house.row(queue="sales", wants=None, state="offered")
    assert (row.agent, row.enqueued_at) == ("1001", START)


async def test_a_transfer_is_carried_on_after_a_restart_to_its_fallback(house: House) -> None:
    caller = await moved(house, "1002")
    await caller.comes_to("WAIT FOR DIGIT")
    house.later(3)
    await house.restart(caller)
    await caller.comes_to("WAIT FOR DIGIT")
    house.service.distributor.send(CallWithdrawn(house.clock(), house.live(caller).call, "console"))
    row = await house.row(queue="sales", wants=None, state="waiting")
    assert row.enqueued_at == START


async def test_a_transfer_to_an_unknown_number_comes_back_to_the_queue(house: House) -> None:
    caller = await moved(house, "7777")
    await caller.comes_to("WAIT FOR DIGIT")
    assert [(row.queue, row.wants) for row in house.calls()] == [("sales", None)]


async def test_a_second_transfer_does_not_inherit_the_patience_of_the_first(house: House) -> None:
    house.log_in("1002")
    caller = await moved(house, "1002")
    await caller.comes_to("EXEC Dial")
    await house.leg_rings(caller.offer, "1002")
    await house.leg_answers(caller.offer)
    second = caller.offer
    await caller.leaves()
    await house.leg_goes(second)
    await caller.enter(target="4102")
    await caller.comes_to("WAIT FOR DIGIT")
    assert [told["by"] for told in house.told(caller.contact, "transferred")] == ["1001", "1002"]
    house.later(40)
    assert [(row.queue, row.state) for row in house.calls()] != []
    assert house.live(caller).phase == "waiting"


async def test_a_transfer_made_while_the_service_was_down_arrives(house: House) -> None:
    caller = await house.talking()
    first = caller.offer
    await house.kill()
    del house.asterisk.legs[first]
    caller.variables["TIELINE_TARGET"] = "4102"
    await house.open()
    assert house.state("1001") == "wrap_up"
    await caller.enter()
    await caller.comes_to("WAIT FOR DIGIT")
    assert [row.queue for row in house.calls()] == ["help"]
    assert house.told(caller.contact, "transferred") == [{"by": "1001", "to": "4102"}]


async def test_a_service_killed_in_the_middle_of_a_transfer_does_not_forget_it(
    house: House,
) -> None:
    caller = await moved(house, "4102")
    await caller.comes_to("WAIT FOR DIGIT")
    await house.restart(caller)
    await caller.comes_to("WAIT FOR DIGIT")
    assert [row.queue for row in house.calls()] == ["help"]
    assert len(house.told(caller.contact, "transferred")) == 1


async def test_a_caller_who_leaves_after_a_transfer_leaves_no_ghost_behind(house: House) -> None:
    """The first agent's phone is slow to hang up: that offer must not hide the second wait."""
    caller = await house.talking()
    await caller.leaves()
    await caller.enter(target="4102")
    await caller.comes_to("WAIT FOR DIGIT")
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("abandoned", "caller", "hangup")
    assert house.state("1001") == "wrap_up"


async def test_the_old_session_cannot_end_a_contact_that_a_new_one_carries(house: House) -> None:
    caller = await house.talking()
    live = house.live(caller)
    live.visits += 1
    live.phase = "waiting"
    await caller.leaves()
    assert house.service.contacts.get(caller.contact) is live
