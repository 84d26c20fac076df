"""What is not heard, or not written down, is found out: no caller lost, no agent stuck."""

from __future__ import annotations

import asyncio

import pytest

from acd.model import CallQueued, CallWithdrawn
from ivr import squaring
from ivr.asterisk.living import LiveChannel
from ivr.channels import waiting
from ivr.errors import AsteriskUnreachable
from tests.e2e.house import until
from tests.shell.house import FLOOR, House


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squaring, "TRY_AGAIN", 0.01)


# --- AMI is down -----------------------------------------------------------------------------


async def test_without_ami_a_caller_who_hangs_up_in_the_flow_has_left(house: House) -> None:
    caller = await house.call()
    await caller.comes_to("GET DATA")
    house.ami.connected = False
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("left", "caller", "hangup")


async def test_without_ami_a_caller_who_hangs_up_waiting_is_abandoned_at_once(house: House) -> None:
    caller = await house.waiting()
    house.ami.connected = False
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("abandoned", "caller", "hangup")


async def test_without_ami_a_waiting_channel_looks_by_itself(house: House) -> None:
    caller = await house.waiting()
    house.ami.connected = False
    house.log_in("1001")
    await caller.comes_to("WAIT FOR DIGIT")
    await caller.reply("200 result=0")
    await caller.comes_to("EXEC Dial")
    refusals = [log for log in house.logs if "cannot be woken" in log["event"]]
    assert len(refusals) <= 1, "one line for each wait, not ten a second"


async def test_an_answer_that_nobody_heard_is_known_when_ami_is_back(house: House) -> None:
    caller = await house.ringing()
    house.ami.connected = False
    await house.leg_answers(caller.offer)
    assert house.state("1001") == "offered"
    await house.ami.is_back()
    assert house.state("1001") == "talking"
    assert house.live(caller).phase == "talking"


async def test_a_dial_that_outlasts_its_ringing_was_answered_whatever_ami_says(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SURELY_ANSWERED", -9.95)
    house.ami.connected = False
    house.log_in("1001")
    caller = await house.call()
    await caller.press("1")
    await caller.comes_to("EXEC Dial")
    await until(lambda: house.state("1001") == "talking", why="Dial is still out")
    await caller.dial_ends("ANSWER")
    await caller.comes_to("GET DATA")
    assert house.state("1001") == "wrap_up"


async def test_who_leaves_a_ringing_phone_unheard_is_judged_when_asterisk_can_be_asked(
    house: House,
) -> None:
    caller = await house.ringing()
    house.ami.connected = False
    del house.asterisk.legs[caller.offer]
    await house.caller_goes(caller)
    assert house.service.contacts.get(caller.contact) is not None
    await house.ami.is_back()
    assert house.ending(caller.contact) == ("abandoned", "caller", "left unheard")
    assert (house.state("1001"), house.agent("1001").streak) == ("ready", 0)


async def test_a_transfer_out_of_a_talk_nobody_heard_of_keeps_the_contact(house: House) -> None:
    caller = await house.ringing()
    first = caller.offer
    house.ami.connected = False
    await house.leg_answers(first)
    await caller.leaves()
    del house.asterisk.legs[first]
    await caller.enter(target="4102")
    await caller.comes_to("WAIT FOR DIGIT")
    assert [row.queue for row in house.calls() if row.state == "waiting"] == ["help"]
    assert house.told(caller.contact, "transferred") == [{"by": "1001", "to": "4102"}]
    await house.ami.is_back()
    assert house.state("1001") == "wrap_up"
    assert [row.queue for row in house.calls()] == ["help"]


async def test_a_talk_that_ended_unheard_ends_by_dial(house: House) -> None:
    caller = await house.talking()
    house.ami.connected = False
    await house.leg_goes(caller.offer)
    assert house.state("1001") == "talking"
    await caller.dial_ends("ANSWER")
    await caller.press("1")
    await caller.closed()
    assert house.state("1001") == "wrap_up"
    assert house.ending(caller.contact) == ("answered", "flow", "")


async def test_a_caller_who_left_the_talk_unheard_is_closed_when_ami_is_back(house: House) -> None:
    caller = await house.talking()
    house.ami.connected = False
    await house.leg_goes(caller.offer)
    await house.caller_goes(caller)
    assert house.live(caller).phase == "talking"
    await house.ami.is_back()
    assert house.ending(caller.contact) == ("answered", "caller", "left unheard")
    assert house.state("1001") == "wrap_up"


async def test_a_withdrawal_nobody_could_carry_out_is_carried_out_later(house: House) -> None:
    caller = await house.ringing()
    rang = house.asterisk.legs[caller.offer].channel
    house.ami.connected = False
    house.service.distributor.send(CallWithdrawn(house.clock(), house.live(caller).call, "console"))
    await asyncio.sleep(0)  # the first try runs, and fails
    assert house.ami.hung_up == []
    await house.ami.is_back()
    await until(lambda: house.ami.hung_up == [rang], why="the ghost is hung up")


async def test_a_look_at_asterisk_that_failed_is_repeated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await house.waiting()
    tries: list[None] = []
    real = house.ami.channels

    async def channels() -> tuple[LiveChannel, ...]:
        tries.append(None)
        if len(tries) < 3:
            raise AsteriskUnreachable("Status: no answer within 5 s")
        return await real()

    monkeypatch.setattr(house.ami, "channels", channels)
    house.asterisk.callers.remove(caller)
    await caller.breaks()
    await house.ami.is_back()
    await until(lambda: house.service.contacts.get(caller.contact) is None, why="it worked")
    assert house.ending(caller.contact)[2] == "left unheard"


async def test_who_comes_while_asterisk_is_asked_is_not_judged_by_its_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = []

    async def channels() -> tuple[LiveChannel, ...]:
        met.append(await house.ringing())
        await house.leg_answers(met[0].offer)
        return ()

    monkeypatch.setattr(house.ami, "channels", channels)
    await house.ami.is_back()
    assert house.live(met[0]).phase == "talking"
    assert house.state("1001") == "talking"


async def test_lost_events_are_no_restart(house: House) -> None:
    """What AMI tells when its queue overflowed repeats the uptime of the login, hours old."""
    await house.ami.is_back()
    caller = await house.waiting()
    house.clock.now += 7200
    house.asterisk.callers.remove(caller)
    await caller.breaks()
    house.ami.uptime = 5.0
    await house.ami.is_back(overflowed=True)
    assert house.ending(caller.contact) == ("abandoned", "caller", "left unheard")


# --- Asterisk restarts -----------------------------------------------------------------------


@pytest.mark.parametrize("service_too", [False, True])
async def test_a_restarted_asterisk_closes_every_contact_and_frees_every_agent(
    house: House, service_too: bool
) -> None:
    talks = await house.talking()
    waits = await house.waiting()
    house.asterisk.legs.clear()
    house.asterisk.callers.clear()
    house.clock.now += 60
    if service_too:
        await house.kill()
        await house.open(uptime=1.0)
    else:
        await talks.breaks()
        await waits.breaks()
        await house.ami.is_back(restarted=True)
    assert house.ending(talks.contact) == ("answered", "asterisk", "asterisk restarted")
    assert house.ending(waits.contact) == ("lost", "asterisk", "asterisk restarted")
    assert house.state("1001") == "wrap_up"
    assert house.calls() == []


async def test_a_broken_socket_alone_settles_nothing(house: House) -> None:
    caller = await house.waiting()
    await caller.breaks()
    assert house.live(caller).phase == "waiting"
    await caller.enter()
    await caller.comes_to("WAIT FOR DIGIT")
    assert len(house.told(caller.contact, "queued")) == 1


# --- the disk is full ------------------------------------------------------------------------


async def test_a_caller_who_left_while_the_disk_was_full_is_rung_for_by_nobody(
    house: House,
) -> None:
    caller = await house.waiting()
    with house.full_disk():
        await house.caller_goes(caller)
        assert house.live(caller).phase == "waiting"
    await until(lambda: house.service.contacts.get(caller.contact) is None, why="there is room")
    assert house.ending(caller.contact) == ("abandoned", "caller", "left unheard")
    house.log_in("1001")
    assert house.state("1001") == "ready"


async def test_an_agent_whose_talk_ended_while_the_disk_was_full_is_not_stuck(
    house: House,
) -> None:
    caller = await house.talking()
    with house.full_disk():
        await house.leg_goes(caller.offer)
        assert house.state("1001") == "talking"
    await until(lambda: house.state("1001") == "wrap_up", why="there is room")
    assert house.told(caller.contact, "agent_left")


async def test_an_answer_while_the_disk_was_full_is_known_later(house: House) -> None:
    caller = await house.ringing()
    with house.full_disk():
        await house.leg_answers(caller.offer)
    await until(lambda: house.state("1001") == "talking", why="there is room")


async def test_no_handler_of_ami_dies_of_a_full_disk(house: House) -> None:
    first, second = await house.waiting(), await house.waiting()
    with house.full_disk():
        await house.caller_goes(first)
    await house.caller_goes(second)
    assert house.ending(second.contact)[0] == "abandoned"


# --- a reload that Asterisk has not heard ----------------------------------------------------


async def test_a_reload_while_ami_is_down_reaches_asterisk_later(house: House) -> None:
    (house.flows / "floor.yaml").write_text(FLOOR + '  "1003": {name: Cy, queues: [sales]}\n')
    house.ami.connected = False
    with pytest.raises(AsteriskUnreachable):
        await house.service.reload()
    assert house.state("1003") == "logged_out", "the floor itself is in force"
    await house.ami.is_back()
    assert "dialplan reload" in house.ami.commands
    house.ami.commands.clear()
    await house.service.reload()
    assert house.ami.commands == [], "nothing has changed since"


# --- who ended it ----------------------------------------------------------------------------


async def test_an_operator_who_hangs_a_caller_up_is_told_in_the_record(house: House) -> None:
    caller = await house.waiting()
    await house.console(f"hangup/{caller.contact}")
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("abandoned", "console", "hangup")


async def test_a_call_that_no_contact_knows_of_is_rung_for_by_nobody(house: House) -> None:
    """Killed between the distributor's line in the journal and the contact's own."""
    now = house.clock()
    house.service.distributor.send(CallQueued(now, "x.1", "x", "sales", {}, 0, now))
    house.log_in("1001")
    assert house.state("1001") == "offered"
    await house.kill()
    await house.open()
    assert house.calls() == []
    assert (house.state("1001"), house.agent("1001").streak) == ("ready", 0)
