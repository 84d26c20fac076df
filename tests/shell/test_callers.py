"""Where a call enters: new, back after a silence in each phase, or over a stumble of ours."""

from __future__ import annotations

import re
from dataclasses import replace

from acd.model import Floor, FloorLoaded
from ivr.live import new_contact_id
from ivr.revisions import FILE
from ivr.speech.engine import SpeechFailed
from tests.shell.house import FLOW, START, House

# --- a new caller ----------------------------------------------------------------------------


async def test_a_new_caller_is_a_contact_with_all_that_is_known(house: House) -> None:
    caller = await house.call(name='Mei "Lin"\\')
    await caller.comes_to("GET DATA")
    live = house.live(caller)
    assert (live.phase, live.flow, live.channel) == ("flow", "line", caller.channel)
    (began,) = house.told(caller.contact, "began")
    assert began["caller_name"] == "Mei 'Lin'/"
    assert (began["caller"], began["dialled"], began["flow"]) == ("+15550100", "4900", "line")
    assert re.fullmatch(r"[0-9a-z]+-[0-9a-z]{4}", caller.contact)
    assert caller.variables["TIELINE_AWAY_SINCE"] == ""


async def test_a_number_not_in_service_is_told_so_and_leaves_no_contact(house: House) -> None:
    caller = await house.call("4999")
    await caller.closed()
    assert caller.variables["TIELINE_DONE"] == "yes"
    assert "STREAM FILE" in caller.commands[-2]
    assert len(house.service.contacts) == 0


async def test_a_number_not_in_service_ends_also_when_nothing_can_be_said(house: House) -> None:
    house.voice.fails = SpeechFailed("no voice")
    caller = await house.call("4998")
    await caller.closed()
    assert caller.variables["TIELINE_DONE"] == "yes"


async def test_a_caller_who_leaves_before_the_flow_begins_leaves_nothing_behind(
    house: House,
) -> None:
    caller = house.asterisk.call("4900")
    caller.answers["ANSWER"] = "511 result=-1 Command Not Permitted on a dead channel or intercept"
    await caller.enter()
    await caller.closed()
    assert len(house.service.contacts) == 0


async def test_without_room_for_the_contact_the_dialplan_goes_on_counting(house: House) -> None:
    with house.full_disk():
        caller = await house.call()
        await caller.closed()
    assert "TIELINE_AWAY_SINCE" not in caller.variables, "the way out comes nearer"
    assert len(house.service.contacts) == 0
    await caller.enter()
    await caller.comes_to("GET DATA")
    assert len(house.told(caller.contact, "began")) == 1


# --- one who comes back ----------------------------------------------------------------------


async def test_back_in_the_flow_the_caller_hears_the_same_question(house: House) -> None:
    caller = await house.call()
    await caller.comes_to("GET DATA")
    await house.restart(caller)
    await caller.comes_to("GET DATA")
    assert house.live(caller).position["step"] == "greet"
    assert house.told(caller.contact, "resumed") == [{"after": "flow"}]


async def test_back_in_the_queue_the_caller_keeps_the_wait_that_began(house: House) -> None:
    caller = await house.waiting()
    call = house.live(caller).call
    house.later(20)
    await house.restart(caller)
    await caller.comes_to("WAIT FOR DIGIT")
    (row,) = house.calls()
    assert (row.call, row.enqueued_at) == (call, START)
    house.log_in("1001")
    await caller.comes_to("EXEC Dial")


async def test_an_agent_freed_before_the_caller_is_back_rings_as_soon_as_they_are(
    house: House,
) -> None:
    caller = await house.waiting()
    await house.restart()
    house.log_in("1001")
    offer = house.calls()[0].offer
    await caller.enter()
    await caller.comes_to("EXEC Dial")
    assert caller.offer == offer
    assert house.state("1001") == "offered"


async def test_an_agent_is_given_back_unblamed_when_the_caller_does_not_come(house: House) -> None:
    caller = await house.waiting()
    await house.restart()
    house.log_in("1001")
    assert house.state("1001") == "offered"
    house.clock.now += 5.9
    house.service.legs.give_back_unclaimed()
    assert house.state("1001") == "offered"
    house.clock.now += 0.2
    house.service.legs.give_back_unclaimed()
    row = house.agent("1001")
    assert (row.state, row.no_answer, row.streak) == ("ready", 0, 0)
    assert house.told(caller.contact, "offer_failed")[0]["cause"] == "lost"


async def test_a_wait_that_ran_out_while_the_caller_was_away_takes_its_exit(house: House) -> None:
    caller = await house.waiting()
    await house.restart()
    house.later(70)
    await house.restart(caller)
    await caller.comes_to("RECORD FILE")
    assert house.told(caller.contact, "left_queue")[0]["reason"] == "timeout"
    assert len(house.told(caller.contact, "queued")) == 1, "the wait did not begin anew"


async def test_back_from_a_talk_that_went_on_nothing_is_lost(house: House) -> None:
    caller = await house.talking()
    offer = caller.offer
    await house.restart()
    assert house.state("1001") == "talking"
    house.clock.now += 30
    await house.leg_goes(offer)
    assert house.state("1001") == "wrap_up"
    await caller.enter()
    await caller.comes_to("GET DATA")
    assert house.live(caller).position["step"] == "after"
    assert house.told(caller.contact, "agent_left")[0]["talk"] == 30.0


async def test_a_talk_that_began_unheard_goes_on_and_is_known(house: House) -> None:
    caller = await house.ringing()
    await house.kill()
    await house.leg_answers(caller.offer)
    await house.open()
    assert house.state("1001") == "talking"
    assert house.live(caller).phase == "talking"


async def test_a_talk_that_began_and_ended_unheard_is_not_followed_by_the_queue(
    house: House,
) -> None:
    caller = await house.ringing()
    await house.kill()
    del house.asterisk.legs[caller.offer]
    caller.variables["DIALSTATUS"] = "ANSWER"
    await house.open()
    await caller.enter()
    await caller.comes_to("GET DATA")
    assert house.live(caller).position["step"] == "after"
    assert house.calls() == []
    assert house.told(caller.contact, "answered")[0]["agent"] == "1001"
    await caller.press("1")
    await caller.closed()
    assert house.ending(caller.contact)[0] == "answered"


async def test_an_older_talk_is_not_taken_for_an_answer_to_a_later_offer(house: House) -> None:
    caller = await house.talking()
    await caller.leaves()
    await house.leg_goes(caller.offer)
    await caller.enter(target="4102")
    await caller.comes_to("WAIT FOR DIGIT")
    assert caller.variables["DIALSTATUS"] == ""
    await house.restart(caller)
    await caller.comes_to("WAIT FOR DIGIT")
    assert [row.queue for row in house.calls()] == ["help"]


async def test_a_live_call_finishes_the_flow_it_began_with_over_a_restart(house: House) -> None:
    caller = await house.call()
    await caller.press("2")
    await caller.comes_to("RECORD FILE")
    began = house.live(caller).position["revision"]
    (house.flows / "line.yaml").write_text(FLOW.replace("message", "letter"))
    await house.restart(caller)
    assert house.service.plans.plan.flow_revisions["line"] != began
    await caller.comes_to("RECORD FILE")
    position = house.live(caller).position
    assert (position["step"], position["revision"]) == ("message", began)
    other = await house.call()
    await other.press("2")
    await other.comes_to("RECORD FILE")
    assert house.live(other).position["step"] == "letter"


async def test_a_live_call_finishes_a_flow_that_was_removed(house: House) -> None:
    caller = await house.waiting()
    (house.flows / "line.yaml").write_text(FLOW.replace("line", "other").replace("4900", "4901"))
    await house.restart(caller)
    await caller.comes_to("WAIT FOR DIGIT")
    assert [row.queue for row in house.calls()] == ["sales"]
    assert house.service.plans.by_name("line") is None


def forget_revisions(house: House) -> None:
    """Somebody has moved the kept revisions away."""
    (house.settings.data_dir / FILE).unlink()


async def test_a_flow_that_is_gone_ends_the_contact_and_its_wait(house: House) -> None:
    caller = await house.waiting()
    (house.flows / "line.yaml").write_text(FLOW.replace("line", "other").replace("4900", "4901"))
    forget_revisions(house)
    await house.restart(caller)
    await caller.closed()
    assert house.ending(caller.contact) == ("lost", "service", "flow removed")
    assert caller.variables["TIELINE_DONE"] == "yes"


async def test_a_step_that_is_gone_leads_back_to_the_beginning(house: House) -> None:
    caller = await house.call()
    await caller.press("2")
    await caller.comes_to("RECORD FILE")
    changed = FLOW.replace("message", "letter").replace("greet", "hello")
    (house.flows / "line.yaml").write_text(changed)
    forget_revisions(house)
    await house.restart(caller)
    await caller.comes_to("GET DATA")
    assert house.live(caller).position["step"] == "hello"


async def test_a_queue_that_is_gone_serves_who_waits_and_takes_nobody_else(house: House) -> None:
    caller = await house.waiting()
    await house.restart()
    floor = house.service.plans.plan.floor.floor
    without = tuple(queue for queue in floor.queues if queue.name != "sales")
    agents = tuple(replace(each, queues=("help",)) for each in floor.agents)
    house.service.distributor.send(FloorLoaded(house.clock(), Floor(without, agents)))
    await caller.enter()
    await caller.comes_to("WAIT FOR DIGIT")
    other = await house.call()
    await other.press("1")
    await other.comes_to("RECORD FILE")
    assert "UnknownQueue" not in str(house.told(other.contact, "queue_left"))
    assert house.told(other.contact, "queue_left")[0]["outcome"] == "failed"


# --- stumbles --------------------------------------------------------------------------------


async def test_our_fault_three_times_leads_to_the_dialplans_way_out(house: House) -> None:
    caller = await house.waiting()
    house.live(caller).position = {"nonsense": True}
    for times in (1, 2, 3):
        await caller.breaks()
        await caller.enter()
        await caller.closed()
        assert house.live(caller).stumbles == times
    await caller.enter()
    await caller.closed()
    assert caller.variables["TIELINE_AWAY_SINCE"] == "1"
    house.log_in("1001")
    assert house.calls() == [], "nobody is rung for a caller who hears the way out"
    assert house.state("1001") == "ready"


async def test_who_stays_on_the_line_after_the_way_out_is_tried_again_in_the_old_place(
    house: House,
) -> None:
    caller = await house.waiting()
    house.live(caller).stumbles = 3
    await caller.breaks()
    await caller.enter()
    await caller.closed()
    house.clock.now += 20
    await caller.enter()
    await caller.comes_to("WAIT FOR DIGIT")
    assert [row.enqueued_at for row in house.calls()] == [START]
    assert caller.variables["TIELINE_AWAY_SINCE"] == ""


async def test_a_full_disk_costs_the_caller_no_place(house: House) -> None:
    caller = await house.waiting()
    with house.full_disk():
        await caller.breaks()
        await caller.enter()
        await caller.closed()
    await caller.enter()
    await caller.comes_to("WAIT FOR DIGIT")
    assert [row.enqueued_at for row in house.calls()] == [START]


def test_contact_ids_sort_by_time() -> None:
    ids = [new_contact_id(START + day * 86_400) for day in range(50)]
    assert ids == sorted(ids)
