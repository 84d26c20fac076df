"""Waiting for a person: woken until heard, rung once, out by every exit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acd.model import CallMoved, CallWithdrawn, LoggedOut, Paused, QueueClosed
from ivr.channels.meanwhile import LOOK_AGAIN_MS
from ivr.errors import AsteriskRefused
from ivr.legs import CLAIM_WITHIN
from ivr.speech.engine import SpeechFailed
from tests.e2e.house import until
from tests.shell.house import FLOOR, START, House


async def test_a_waiting_caller_hears_music_and_is_rung_for_as_soon_as_an_agent_is_ready(
    house: House,
) -> None:
    caller = await house.waiting()
    assert "SET MUSIC ON default" in caller.commands[-6:]
    house.log_in("1001")
    line = await caller.comes_to("EXEC Dial")
    assert "PJSIP/1001,10,m(default)gib(leg^s^1)U(whisper)" in line
    assert caller.variables["TIELINE_CALLER_NAME"] == "Sales, +15550100, not verified"
    assert caller.variables["TIELINE_WHISPER"]
    assert caller.offer == house.calls()[0].offer


async def test_a_knock_that_falls_between_two_commands_is_repeated_until_heard(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await house.waiting()
    real, knocks = house.ami.wake, []

    async def wake(channel: str) -> None:
        knocks.append(channel)
        if len(knocks) == 2:
            raise AsteriskRefused("PlayDTMF: no such channel")
        if len(knocks) > 2:
            await real(channel)

    monkeypatch.setattr(house.service.ami, "wake", wake)
    house.log_in("1001")
    await caller.comes_to("EXEC Dial")
    assert len(knocks) == 3


async def test_nobody_knocks_at_a_channel_that_has_been_heard(house: House) -> None:
    caller = await house.waiting()
    house.log_in("1001")
    await caller.comes_to("EXEC Dial")
    assert house.tasks("_rouse") == []


async def test_a_key_pressed_while_waiting_changes_nothing(house: House) -> None:
    caller = await house.waiting()
    await caller.reply("200 result=53")
    await caller.comes_to("WAIT FOR DIGIT")
    assert len(house.told(caller.contact, "queued")) == 1


def test_a_channel_looks_in_time_for_an_offer_it_could_not_be_woken_for() -> None:
    assert LOOK_AGAIN_MS / 1000 < CLAIM_WITHIN


# --- offers that come to nothing -------------------------------------------------------------


async def test_an_offer_withdrawn_before_its_dial_is_never_dialled(house: House) -> None:
    """The knock has been heard, the channel is being prepared, and the supervisor is quicker."""
    caller = await house.waiting()
    call = house.live(caller).call
    house.log_in("1001")
    house.service.distributor.send(CallWithdrawn(house.clock(), call, "console"))
    await caller.comes_to("RECORD FILE")
    assert not [line for line in caller.commands if line.startswith("EXEC Dial")]
    assert house.told(caller.contact, "left_queue")[0]["reason"] == "withdrawn"
    assert house.state("1001") == "ready"


async def test_a_call_moved_while_it_rings_waits_on_in_the_other_queue(house: House) -> None:
    caller = await house.ringing()
    first = caller.offer
    house.service.distributor.send(LoggedOut(house.clock(), "1001"))
    house.service.distributor.send(
        CallMoved(house.clock(), house.live(caller).call, "help", "console")
    )
    await until(lambda: house.ami.hung_up, why="the phone stops ringing")
    await house.leg_goes(first)
    await caller.dial_ends("NOANSWER")
    await caller.comes_to("WAIT FOR DIGIT")
    row = await house.row(queue="help", state="waiting")
    assert row.enqueued_at == START
    assert house.state("1001") == "logged_out"


async def test_an_agent_who_does_not_answer_leaves_the_caller_in_place(house: House) -> None:
    caller = await house.ringing()
    house.clock.now += 10
    await house.leg_fails(caller.offer, "NOANSWER")
    await caller.dial_ends("NOANSWER")
    await caller.comes_to("WAIT FOR DIGIT")
    assert caller.commands[-2].startswith("SET MUSIC ON"), "no silence after the ringing"
    assert [row.enqueued_at for row in house.calls()] == [START]
    assert house.agent("1001").no_answer == 1


async def test_the_next_agent_is_rung_without_another_knock(house: House) -> None:
    caller = await house.ringing()
    house.log_in("1002")
    await house.leg_fails(caller.offer, "BUSY")
    await caller.dial_ends("BUSY")
    assert "PJSIP/1002" in await caller.comes_to("EXEC Dial")


async def test_a_dial_that_asterisk_refuses_counts_as_a_phone_out_of_reach(house: House) -> None:
    house.log_in("1001")
    caller = await house.call()
    await caller.press("1")
    await caller.comes_to("EXEC Dial")
    await caller.reply("200 result=-2")
    await caller.comes_to("WAIT FOR DIGIT")
    assert house.agent("1001").unreachable == 1


async def test_a_caller_who_hangs_up_at_the_instant_of_the_offer_rings_nobody(
    house: House,
) -> None:
    caller = await house.waiting()
    house.log_in("1001")
    assert house.state("1001") == "offered"
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("abandoned", "caller", "hangup")
    assert (house.state("1001"), house.agent("1001").streak) == ("ready", 0)


async def test_an_agent_who_asks_for_a_break_while_it_rings_gets_it_after_the_call(
    house: House,
) -> None:
    caller = await house.ringing()
    house.service.distributor.send(Paused(house.clock(), "1001", "lunch"))
    await house.leg_answers(caller.offer)
    await house.leg_goes(caller.offer)
    await caller.dial_ends("ANSWER")
    await caller.press("1")
    await caller.closed()
    house.later(11)
    assert house.state("1001") == "paused"


# --- exits -----------------------------------------------------------------------------------


def close_the_queue(house: House) -> None:
    house.service.distributor.send(QueueClosed(house.clock(), "sales", "console"))


def wait_too_long(house: House) -> None:
    house.later(61)


def withdraw(house: House) -> None:
    call = house.calls()[0].call
    house.service.distributor.send(CallWithdrawn(house.clock(), call, "console"))


def grow_lonely(house: House) -> None:
    floor = FLOOR.replace("leave_when_empty: 1h", "leave_when_empty: 1s").replace("60s", "1h")
    (house.flows / "floor.yaml").write_text(floor)


@pytest.mark.parametrize(
    ("happens", "outcome", "reason"),
    [(wait_too_long, "timeout", "timeout"), (withdraw, "failed", "withdrawn")],
)
async def test_a_wait_ends_by_its_exit(
    house: House, happens: Callable[[House], None], outcome: str, reason: str
) -> None:
    caller = await house.waiting()
    happens(house)
    await caller.comes_to("RECORD FILE")
    assert house.told(caller.contact, "left_queue") == [{"reason": reason, "detail": ""}]
    assert house.told(caller.contact, "queue_left")[0]["outcome"] == outcome
    assert house.live(caller).phase == "flow"
    assert house.live(caller).exit == ""
    assert house.calls() == []


async def test_a_closed_queue_is_left_at_once(house: House) -> None:
    close_the_queue(house)
    caller = await house.call()
    await caller.press("1")
    await caller.comes_to("RECORD FILE")
    assert house.told(caller.contact, "queue_left")[0]["outcome"] == "closed"


async def test_nobody_there_is_told_with_what_the_agents_are_doing(house: House) -> None:
    grow_lonely(house)
    await house.service.reload()
    caller = await house.waiting()
    house.later(2)
    await caller.comes_to("RECORD FILE")
    (left,) = house.told(caller.contact, "left_queue")
    assert left == {"reason": "nobody", "detail": "nobody_logged_in"}


async def test_a_caller_who_comes_back_to_the_queue_in_the_same_call_keeps_the_place(
    house: House,
) -> None:
    flow = (house.flows / "line.yaml").read_text()
    again = flow.replace("otherwise: sorry", "timeout: wait, otherwise: sorry")
    (house.flows / "line.yaml").write_text(again)
    await house.service.reload()
    caller = await house.waiting()
    first = house.live(caller).call
    house.later(61)
    row = await house.row(enqueued_at=START)
    assert row.call != first, "it is a wait of its own"


# --- what goes wrong -------------------------------------------------------------------------


async def test_a_whisper_that_cannot_be_spoken_costs_nobody_the_call(house: House) -> None:
    flow = (house.flows / "line.yaml").read_text()
    (house.flows / "line.yaml").write_text(flow.replace("Psst.", "Never said before."))
    house.voice.fails = SpeechFailed("no voice")
    await house.service.reload()
    house.log_in("1001")
    caller = await house.call()
    await caller.press("1")
    assert "whisper" not in await caller.comes_to("EXEC Dial")


async def test_music_that_asterisk_refuses_takes_the_exit_and_leaves_no_ghost(
    house: House,
) -> None:
    caller = await house.call()
    caller.answers["SET MUSIC"] = "520 Invalid command syntax."
    await caller.press("1")
    await caller.comes_to("RECORD FILE")
    assert house.told(caller.contact, "queue_left")[0]["outcome"] == "failed"
    assert house.calls() == []


async def test_a_refusal_in_the_middle_of_the_wait_leaves_no_ghost(house: House) -> None:
    caller = await house.waiting()
    await caller.reply("520 Invalid command syntax.")
    await caller.comes_to("RECORD FILE")
    assert house.calls() == []
    assert len(house.told(caller.contact, "left_queue")) == 1, "the wait is counted up to here"
    house.log_in("1001")
    assert house.state("1001") == "ready"


async def test_an_offer_whose_session_broke_before_the_dial_is_rung_when_the_caller_is_back(
    house: House,
) -> None:
    caller = await house.waiting()
    house.log_in("1001")
    await caller.comes_to("EXEC Dial")
    first = caller.offer
    await caller.breaks()
    await caller.enter()
    await caller.comes_to("EXEC Dial")
    assert caller.offer == first
    assert house.agent("1001").streak == 0


async def test_a_session_that_breaks_the_protocol_keeps_the_wait(house: House) -> None:
    caller = await house.waiting()
    await caller.reply("nonsense")
    await caller.enter()
    await caller.comes_to("WAIT FOR DIGIT")
    assert len(house.told(caller.contact, "queued")) == 1


# --- who calls again, and who is waited for ------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "number", "since"),
    [
        ("PJSIP/trunk-carrier-0000000", "+15550100", START),
        ("PJSIP/line-0000000", "+15550100", START + 40),
        ("PJSIP/trunk-carrier-0000000", "anonymous", START + 40),
    ],
)
async def test_who_calls_back_over_a_trunk_after_a_dropped_line_regains_the_place(
    house: House, channel: str, number: str, since: float
) -> None:
    for visit in (1, 2):
        caller = house.asterisk.call("4900", number)
        caller.channel = f"{channel}{visit}"
        await caller.enter()
        await caller.press("1")
        await caller.comes_to("WAIT FOR DIGIT")
        if visit == 1:
            house.clock.now += 40
            await house.caller_goes(caller)
    assert [row.enqueued_at for row in house.calls()] == [since]


@pytest.mark.parametrize(("agent", "rung"), [("1002", "1002"), ("1009", "1001")])
async def test_a_preferred_agent_is_waited_for_and_one_who_left_the_house_is_not(
    house: House, agent: str, rung: str
) -> None:
    """The caller's number is the agent's, which a flow may read."""
    flow = (house.flows / "line.yaml").read_text()
    prefer = 'prefer: "{{ caller }}", prefer_for: 20s, otherwise: sorry'
    (house.flows / "line.yaml").write_text(flow.replace("otherwise: sorry", prefer))
    await house.service.reload()
    house.log_in("1001")
    house.clock.now += 1
    house.log_in("1002")
    caller = house.asterisk.call("4900", agent)
    await caller.enter()
    await caller.press("1")
    assert f"PJSIP/{rung}," in await caller.comes_to("EXEC Dial")
