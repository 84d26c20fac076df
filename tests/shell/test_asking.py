"""A colleague is asked about a caller from a second line, and may take the caller over."""

from __future__ import annotations

from ivr.agi.fake import FakeCall, environment
from tests.e2e.house import until
from tests.shell.asterisk import Caller
from tests.shell.house import House


async def asks(house: House, phone: str, dialled: str) -> FakeCall:
    opening = environment(phone, dialled, network_script="agent/colleague")
    return await FakeCall.dial("127.0.0.1", house.service.agi.port, opening)


async def until_dial(call: FakeCall) -> str:
    """Answers what comes before the Dial; the Dial's line."""
    while (line := await call.hear()) is not None:
        if line.startswith("EXEC Dial"):
            return line
        await call.say("200 result=0")
    raise AssertionError(call.commands)


async def asked(house: House) -> tuple[Caller, FakeCall, str]:
    """1001 talks and asks 1002, whose phone rings: caller, second line, offer."""
    caller = await house.talking()
    house.log_in("1002")
    call = await asks(house, "1001", "1002")
    line = await until_dial(call)
    assert "b(leg-asked^s^1)" in line
    offer = house.agent("1002").offer or ""
    await house.leg_rings(offer, "1002")
    return caller, call, offer


async def test_a_colleague_who_is_ready_is_kept_for_the_question_and_sees_whom_it_is_about(
    house: House,
) -> None:
    caller, call, offer = await asked(house)
    assert house.state("1002") == "offered"
    shown = [line for line in call.commands if "_TIELINE_CALLER_NAME" in line]
    assert "Ana asks: Sales" in shown[0]
    assert f"SET VARIABLE _TIELINE_ABOUT {caller.contact}" in call.commands
    await house.leg_answers(offer)
    assert (house.state("1001"), house.state("1002")) == ("talking", "talking")
    assert house.live(caller).agent == "1001", "the caller is still with the first agent"
    assert house.told(caller.contact, "asked")[0]["agent"] == "1002"
    await call.close()


async def test_an_attended_transfer_hands_the_caller_over_whatever_is_heard_first(
    house: House,
) -> None:
    caller, call, offer = await asked(house)
    await house.leg_answers(offer)
    first = caller.offer
    await house.leg_goes(first)
    assert house.state("1001") == "wrap_up"
    ends = house.agent("1001").wrap_up_until
    await house.ami.tell(
        Event="AttendedTransfer",
        Result="Success",
        OrigTransfererChanVariable=f"TIELINE_LEG={first}",
        TransfereeChanVariable=f"TIELINE_CONTACT={caller.contact}",
        TransferTargetChannel=f"PJSIP/1002-{offer}",
        TransferTargetChanVariable=f"TIELINE_LEG={offer}",
    )
    await call.hang_up()
    assert house.live(caller).agent == "1002"
    assert (house.state("1001"), house.state("1002")) == ("wrap_up", "talking")
    assert house.agent("1001").wrap_up_until == ends
    house.clock.now += 30
    await house.caller_goes(caller)
    assert house.agent("1002").talk_seconds == 30
    assert house.agent("1001").talk_seconds == 0
    assert house.ending(caller.contact)[0] == "answered"


async def test_a_colleague_who_does_not_answer_leaves_the_caller_as_they_were(
    house: House,
) -> None:
    caller, call, offer = await asked(house)
    await house.leg_fails(offer, "NOANSWER")
    await call.say("200 result=0")
    await call.play({"GET VARIABLE": "200 result=1 (NOANSWER)"})
    assert (house.state("1001"), house.state("1002")) == ("talking", "ready")
    assert house.agent("1002").no_answer == 1
    assert house.live(caller).agent == "1001"
    assert [row.state for row in house.calls()] == ["talking"]
    await call.close()


async def test_an_agent_who_hangs_up_while_it_rings_has_asked_nobody(house: House) -> None:
    _, call, _ = await asked(house)
    await call.hang_up()
    await until(lambda: house.state("1002") == "ready", why="1002 is free again")
    assert house.state("1001") == "talking"


async def test_a_caller_who_leaves_does_not_cut_the_colleagues_off(house: House) -> None:
    caller, call, offer = await asked(house)
    await house.leg_answers(offer)
    await house.caller_goes(caller)
    assert (house.state("1001"), house.state("1002")) == ("wrap_up", "talking")
    await house.leg_goes(offer)
    assert house.state("1002") == "wrap_up"
    await call.close()


async def test_a_colleague_who_is_not_ready_is_rung_past_the_queues(house: House) -> None:
    await house.talking()
    call = await asks(house, "1001", "1002")
    assert "PJSIP/1002,30" in await until_dial(call)
    assert house.state("1002") == "logged_out"
    assert [row.state for row in house.calls()] == ["talking"]
    await call.hang_up()


async def test_a_queue_is_asked_only_from_a_call(house: House) -> None:
    call = await asks(house, "1001", "4102")
    commands = await call.play()
    await call.close()
    assert any(line.startswith("STREAM FILE") for line in commands)
    assert not any(line.startswith("EXEC Dial") for line in commands)
    await house.talking()
    house.log_in("1002")
    call = await asks(house, "1001", "4102")
    assert "PJSIP/1002" in await until_dial(call)
    assert house.agent("1002").queue == "help"
    await call.hang_up()
    await until(lambda: house.state("1002") == "ready", why="1002 is free again")
