"""Why a call waits, why an agent gets none, and what would change that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from acd.model import (
    CallbackAsked,
    CallQueued,
    Channel,
    DeviceBusy,
    FloorLoaded,
    Formula,
    Paused,
    QueueLeft,
    Relaxation,
    Strategy,
)
from ivr.operator.wording import Refused
from tests.operator.conftest import FLOOR, House


async def test_a_waiting_call_names_who_is_busy_and_who_cannot(busy_house: House) -> None:
    assert await busy_house.ask("why t5k1") == (
        """\
t5k1-cd1e 王芳 <13900001111> waits 0:14 in billing: everyone there who could take it is busy.
   Place 1 in billing, priority 0, needs mandarin>=5
   Served next by the agents below
   Busy:
      1002 李娜  talking 0:44, Mei Lin <13812345678> (billing)
   Cannot take it:
      1001 Ana Ruiz    mandarin 2, needs 5
      1003 Tom Okafor  not in queue billing; no mandarin"""
    )


async def test_a_wrap_up_shows_its_end_and_how_to_end_it(busy_house: House) -> None:
    busy_house.release("1002")
    busy_house.later(8)
    assert (
        "   Busy:\n      1002 李娜  wrap-up 0:12 left  acd do finish/1002\n"
    ) in await busy_house.ask("why t5k1")


async def test_paused_and_logged_out_agents_come_with_the_cure(house: House) -> None:
    house.login("1002")
    house.bench.send(Paused(house.bench.time, "1002", "lunch"))
    house.queue("a-1", "Mei Lin", "138")
    house.later(5)
    assert await house.ask("why a-1") == (
        """\
a-1 Mei Lin <138> waits 0:05 in billing: everyone who could take it is paused.
   Place 1 in billing, priority 0, needs any agent of the queue
   Served next by the agents below
   Not there:
      1001 Ana Ruiz  logged out 0:05      acd do login/1001
      1002 李娜      paused (lunch) 0:05  acd do ready/1002
   Cannot take it:
      1003 Tom Okafor  not in queue billing"""
    )


async def test_nobody_skilled_differs_from_nobody_there(house: House) -> None:
    house.queue("a-1", "Mei Lin", "138", mandarin=5)
    assert "nobody who could take it is logged in" in await house.ask("why a-1")
    house.login("1001")
    assert "none with what it needs" in await house.ask("why a-1")


async def test_an_agent_who_did_not_answer_is_named_as_left_out(house: House) -> None:
    house.login("1001")
    house.queue("a-1", "Mei Lin", "138")
    house.miss("1001")
    answer = await house.ask("why a-1")
    assert "the ready agents did not answer it a moment ago" in answer
    assert "   Left out for a while: did not answer it:\n      1001 Ana Ruiz  ready\n" in answer
    assert "left out for a while: did not answer it" in await house.ask("why 1001")


async def test_calls_that_go_first_are_named_across_queues(busy_house: House) -> None:
    busy_house.queue("t5k3-gh3g", "Kim", "7", "cards", mandarin=5)
    busy_house.later(1)
    busy_house.queue("t5k4-ij4h", "Lu", "8", "billing", mandarin=9)
    answer = await busy_house.ask("why t5k4")
    assert (
        "   Before it, for the same agents: t5k1-cd1e (billing, 0:15, prio 0); "
        "t5k3-gh3g (cards, 0:01, prio 0)\n"
    ) in answer


async def test_a_call_for_one_agent_says_so(house: House) -> None:
    house.login("1002")
    contact = house.caller("a-1", "Mei Lin", "138")
    contact.phase, contact.queue = "waiting", "billing"
    at = house.bench.time
    house.bench.send(CallQueued(at, "a-1.1", "a-1", "billing", {}, 0, at, agent="1001"))
    answer = await house.ask("why a-1")
    assert "wants only 1001 Ana Ruiz" in answer
    assert "1002 李娜        it wants only 1001 Ana Ruiz" in answer


async def test_a_call_that_rings_or_talks_does_not_wait(busy_house: House) -> None:
    assert await busy_house.ask("why t5k2") == (
        "t5k2-ef2f unknown caller waits 0:04 in billing; 1001 Ana Ruiz is being rung for 0:04."
    )
    assert await busy_house.ask("why t5k0") == (
        "t5k0-ab0d Mei Lin <13812345678> does not wait: it talks with 1002 李娜 for 0:44 (billing)."
    )


async def test_a_caller_in_the_flow_waits_for_nobody(house: House) -> None:
    house.caller("a-1", "Bo", "555")
    assert await house.ask("why a-1") == "a-1 Bo <555> waits for no agent: it is in the flow."


async def test_an_agent_without_calls_learns_why(house: House) -> None:
    assert (await house.ask("why 1001")).splitlines() == [
        "1001 Ana Ruiz is logged out for 0:00. To change it: acd do login/1001",
        "   Works for billing; skills: english 9, mandarin 2",
    ]
    house.login("1002")
    house.later(5)
    house.login("1001")
    house.later(5)
    assert (await house.ask("why 1001")).splitlines() == [
        "1001 Ana Ruiz is ready (idle 0:05): no call waits.",
        "   Works for billing; skills: english 9, mandarin 2",
        "   Next in billing: 1002 李娜, idle longer (0:10)",
    ]
    house.bench.send(Paused(house.bench.time, "1001", "lunch"))
    assert (await house.ask("why 1001")).splitlines()[0] == (
        "1001 Ana Ruiz is paused (lunch) for 0:00. To change it: acd do ready/1001"
    )


async def test_each_waiting_call_says_what_keeps_this_agent_from_it(busy_house: House) -> None:
    busy_house.login("1003")
    assert (await busy_house.ask("why 1003")).splitlines() == [
        "1003 Tom Okafor is ready, but no waiting call is for this agent.",
        "   Works for cards; skills: english 10",
        "   Waiting calls:",
        "      t5k1-cd1e  billing  0:14  not in queue billing; no mandarin",
    ]
    assert (await busy_house.ask("why 1002")).splitlines()[-1] == (
        "      t5k1-cd1e  billing  0:14  fits"
    )
    assert (await busy_house.ask("why 1001")).splitlines()[0] == (
        "1001 Ana Ruiz is being rung for 0:04: unknown caller (billing)."
    )


async def test_long_lists_are_cut_and_counted(house: House) -> None:
    for number in range(20):
        house.queue(f"c{number:02}-x", "Kim", "7", "cards")
    house.login("1001")
    assert (await house.ask("why 1001")).endswith("      and 8 more calls")
    assert "c00-x (cards, 0:00, prio 0)" in await house.ask("why c19")
    assert " and 16 more" in await house.ask("why c19")


async def test_why_nobody_and_why_nothing_are_refused_with_the_way(house: House) -> None:
    with pytest.raises(Refused, match="Usage: acd why CALL"):
        await house.ask("why ")
    with pytest.raises(Refused, match='No agent and no call "zzz"'):
        await house.ask("why zzz")


# --- rules that a queue may have -----------------------------------------------------------------


def with_rules(house: House, **rules: Any) -> None:
    """Billing with other rules than usual."""
    queues = (replace(FLOOR.queues[0], **rules), FLOOR.queues[1])
    house.bench.send(FloorLoaded(house.bench.time, replace(FLOOR, queues=queues)))


async def test_the_step_in_force_and_the_next_one_are_told(house: House) -> None:
    steps = (Relaxation(30, {"mandarin": 2}), Relaxation(90, also=("cards",)))
    with_rules(house, relax=steps)
    house.login("1002")
    house.queue("b-1", "Bo", "555")
    house.answer("1002")
    house.queue("a-1", "Mei Lin", "138", mandarin=5)
    house.later(10)
    answer = await house.ask("why a-1")
    assert "needs mandarin>=5\n   In 0:20 it takes step 1 of 2\n" in answer
    assert "1001 Ana Ruiz    mandarin 2, needs 5" in answer
    assert "may take it from step 1 on" in answer
    house.tick(80)
    answer = await house.ask("why a-1")
    assert (
        "needs mandarin>=2\n   Step 2 of 2: it first asked for mandarin>=5; agents of cards too\n"
    ) in answer


async def test_a_preferred_agent_a_callback_and_the_expected_wait_are_told(house: House) -> None:
    with_rules(house, handle_seconds=120)
    house.login("1002")
    house.queue("b-1", "Bo", "555")
    house.answer("1002")
    house.login("1001")
    now = house.bench.time
    house.caller("a-1", "Mei Lin", "138")
    house.bench.send(
        CallQueued(now, "a-1.1", "a-1", "billing", {}, 0, now, prefers="1002", prefer_seconds=20)
    )
    answer = await house.ask("why a-1")
    assert "it waits for 1002 李娜, 0:20 more at most" in answer
    assert "Expected wait from now: about 0 to 2 minutes" in answer
    assert "1001 Ana Ruiz    it waits for 1002 李娜" in answer
    house.bench.send(CallbackAsked(now, "a-1.1", "mei", now + 300))
    assert "a callback that may be dialled in 5:00" in await house.ask("why a-1")
    house.tick(300)
    assert "the customer is being called back for 1001 Ana Ruiz" in await house.ask("why a-1")


async def test_an_agent_on_a_call_of_their_own_or_out_of_a_queue_learns_so(house: House) -> None:
    house.login("1001")
    house.bench.send(DeviceBusy(house.bench.time, "1001"))
    assert "is in a call of their own, and gets no offers" in await house.ask("why 1001")
    house.queue("a-1", "Mei Lin", "138")
    assert "      1001 Ana Ruiz  in a call of their own" in await house.ask("why a-1")
    house.bench.send(QueueLeft(house.bench.time, "1001", "billing"))
    answer = await house.ask("why 1001")
    assert "Works for billing (has left billing for now)" in answer
    assert "has left queue billing for now" in answer


async def test_who_goes_first_is_told_with_the_strategy(house: House) -> None:
    with_rules(house, strategy=Strategy.HIGHEST_LEVEL)
    house.login("1002", "1001")
    assert "Next in billing: 1001 Ana Ruiz, by highest level" in await house.ask("why 1002")


async def test_chats_in_hand_and_a_disposition_owed_are_told(house: House) -> None:
    with_rules(house, disposition_required=True)
    house.login("1002")
    now = house.bench.time
    house.caller("c-1", "Kim", "7")
    house.bench.send(CallQueued(now, "c-1.1", "c-1", "billing", {}, 0, now, channel=Channel.CHAT))
    assert "   Holds 1 of at most 3 chats" in await house.ask("why 1002")
    house.queue("b-1", "Bo", "555")
    house.answer("1002")
    house.release("1002")
    house.queue("a-1", "Mei Lin", "138")
    assert "1 chat, owes a disposition" in await house.ask("why a-1")


async def test_each_formula_stands_with_its_queues(house: House) -> None:
    with_rules(house, formula=Formula.ANSWERED)
    answer = await house.ask("show queues")
    assert "SL of billing = answered within the target / answered\n" in answer
    assert "SL of cards = answered within the target / (answered + abandoned" in answer
