"""What the distributor promises: order, exits, supervision, refusals and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from acd import model as m
from acd.errors import IllegalEvent, UnknownAgent, UnknownQueue
from acd.model import AgentState as S
from acd.model import Cause
from tests.acd.desk import Desk

ONE = {"1001": "sales"}
TWO = {"1001": "sales", "1002": "sales"}


def desk(agents: Mapping[str, Any] | None = None, **rules: Any) -> Desk:
    rules = {"leave_when_empty": None, "leave_when_unskilled": None} | rules
    return Desk(m.Queue("sales", **rules), agents=agents or TWO)


# --- the order of calls and agents ---------------------------------------------------------------


def test_a_step_of_priority_is_worth_its_seconds_and_no_more() -> None:
    d = desk(ONE, seconds_per_priority=60)
    d.queue("patient")
    d.wait(61)
    d.queue("urgent", priority=1)
    d.log_in("1001")
    assert d.rung_for("patient") == "1001"


def test_a_queue_with_weight_comes_before_its_age() -> None:
    d = Desk(
        m.Queue("sales", leave_when_empty=None),
        m.Queue("gold", weight=2),
        agents={"1001": "sales gold"},
    )
    d.queue("plain")
    d.wait(100)
    d.queue("golden", "gold")
    d.log_in("1001")
    assert d.rung_for("golden") == "1001"


def test_the_longest_idle_agent_is_rung_and_a_pause_costs_no_place() -> None:
    d = desk({"1001": "sales", "1002": "sales", "1003": "sales"})
    d.log_in("1002")
    d.wait(1)
    d.log_in("1003", "1001")
    d.do(m.Paused(d.now, "1002", "coffee"))
    d.wait(50)
    d.do(m.Readied(d.now, "1002"))
    d.queue("a")
    d.queue("b")
    d.queue("c")
    assert [d.rung_for(call) for call in "abc"] == ["1002", "1001", "1003"]


def test_a_missing_skill_is_not_level_zero() -> None:
    d = desk({"1001": ("sales", {"english": 4})}, leave_when_empty=None)
    d.log_in("1001")
    d.queue("a", needs={"greek": 0})
    d.queue("b", needs={"english": 5})
    d.queue("c", needs={"english": 4})
    assert [d.rung_for(call) for call in "abc"] == [None, None, "1001"]


def test_a_caller_keeps_the_old_place_after_no_answer() -> None:
    d = desk(TWO)
    d.log_in("1001")
    d.queue("a")
    d.wait(5)
    d.queue("b")
    d.fail("1001")
    assert d.rung_for("b") == "1001"
    d.log_in("1002")
    assert d.rung_for("a") == "1002"


def test_an_offer_lost_by_our_side_is_nobodys_fault() -> None:
    d = desk(TWO)
    d.log_in("1001", "1002")
    idle = d.agent("1001").idle_since
    d.queue("a")
    d.fail("1001", Cause.LOST)
    assert d.rung_for("a") == "1002"
    assert (d.agent("1001").idle_since, d.agent("1001").streak) == (idle, 0)


# --- entry and exits -----------------------------------------------------------------------------


def test_a_full_queue_answers_at_once_unless_an_agent_is_free() -> None:
    d = desk(ONE, max_waiting=1)
    d.queue("a")
    d.queue("b")
    assert d.exits() == {"b": ("full", "")}
    d.leave("a")
    d.log_in("1001")
    d.load(m.Queue("sales", max_waiting=0))
    d.queue("c")
    assert d.rung_for("c") == "1001"


def test_a_closed_queue_takes_nobody_in_and_serves_those_who_wait() -> None:
    d = desk(ONE, leave_when_empty=None)
    d.queue("a")
    d.do(m.QueueClosed(d.now, "sales"))
    d.queue("b")
    assert d.exits() == {"b": ("closed", "")}
    d.log_in("1001")
    assert d.rung_for("a") == "1001"
    d.do(m.QueueOpened(d.now, "sales"))
    d.queue("c")
    assert d.call("c") is not None


def test_with_nobody_logged_in_the_caller_leaves_after_a_grace() -> None:
    d = desk(ONE, leave_when_empty=5)
    d.queue("a")
    d.wait(4)
    assert d.exits() == {}
    d.wait(1)
    assert d.exits() == {"a": ("nobody", "nobody_logged_in")}


def test_with_nobody_skilled_the_reason_is_another() -> None:
    d = desk(ONE, leave_when_unskilled=5)
    d.log_in("1001")
    d.queue("a", needs={"greek": 1})
    call = d.call("a")
    assert call is not None
    assert call.staffing is m.Staffing.NOBODY_SKILLED
    d.wait(5)
    assert d.exits() == {"a": ("nobody", "nobody_skilled")}


def test_the_grace_begins_when_the_last_agent_goes_and_ends_when_one_comes_back() -> None:
    d = desk(TWO, leave_when_empty=5)
    d.log_in("1001", "1002")
    d.do(m.Paused(d.now, "1001", "lunch"))
    d.do(m.Paused(d.now, "1002", "lunch"))
    d.queue("a")
    d.wait(100)
    d.do(m.LoggedOut(d.now, "1001"))
    d.do(m.LoggedOut(d.now, "1002"))
    d.wait(4)
    d.do(m.LoggedIn(d.now, "1001"))
    d.do(m.OfferFailed(d.now, d.offer_of("1001"), Cause.NO_ANSWER))
    d.do(m.LoggedOut(d.now, "1001"))
    d.wait(4)
    assert d.call("a") is not None
    d.wait(1)
    assert d.exits() == {"a": ("nobody", "nobody_logged_in")}


def test_with_all_paused_callers_wait_unless_the_queue_says_otherwise() -> None:
    d = desk(ONE, leave_when_paused=8)
    d.log_in("1001")
    d.do(m.Paused(d.now, "1001", "lunch"))
    d.queue("a")
    d.wait(8)
    assert d.exits() == {"a": ("nobody", "all_paused")}


def test_a_call_waits_no_longer_than_it_may() -> None:
    d = desk(ONE, max_wait=60, leave_when_empty=None)
    d.queue("queues_rule")
    d.queue("own_rule", max_wait=10)
    d.wait(10)
    assert d.exits() == {"own_rule": ("timeout", "")}
    d.wait(50)
    assert d.exits()["queues_rule"] == ("timeout", "")
    assert d.row().timeout == 2


def test_a_call_is_not_timed_out_while_a_phone_rings_for_it() -> None:
    d = desk(ONE, max_wait=10)
    d.log_in("1001")
    d.queue("a")
    d.wait(15)
    assert d.rung_for("a") == "1001"
    d.fail("1001")
    d.wait(0)
    assert d.exits() == {"a": ("timeout", "")}


# --- supervisors ---------------------------------------------------------------------------------


def test_a_moved_call_keeps_its_enqueue_time_and_its_phone_stops_ringing() -> None:
    d = Desk(m.Queue("sales"), m.Queue("service"), agents={"1001": "sales", "1002": "service"})
    d.log_in("1001", "1002")
    d.queue("a")
    enqueued = d.now
    offer = d.offer_of("1001")
    d.wait(2)
    commands = d.do(m.CallMoved(d.now, "a", "service", by="boss"))
    assert m.CancelOffer(offer, "a", "1001", m.Cancel.MOVED) in commands
    assert d.rung_for("a") == "1002"
    call = d.call("a")
    assert call is not None
    assert call.enqueued_at == enqueued
    assert (d.row("sales").moved, d.row("service").calls) == (1, 1)


def test_a_reprioritised_call_overtakes_and_a_withdrawn_one_exits() -> None:
    d = desk(ONE)
    d.queue("a")
    d.wait(1)
    d.queue("b")
    d.do(m.CallReprioritised(d.now, "b", 1))
    d.do(m.CallWithdrawn(d.now, "a"))
    assert d.exits() == {"a": ("withdrawn", "")}
    d.log_in("1001")
    assert d.rung_for("b") == "1001"


def test_a_supervisors_log_out_waits_for_the_end_of_the_call() -> None:
    d = desk(ONE, wrap_up_seconds=0)
    d.log_in("1001")
    d.queue("a")
    d.answer("1001")
    d.do(m.LoggedOut(d.now, "1001", by="boss"))
    assert (d.state("1001"), d.agent("1001").pending) == (S.TALKING, "log_out")
    d.release("1001")
    assert d.state("1001") is S.LOGGED_OUT


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "error", "words"),
    [
        (m.LoggedIn(1.0, "9"), UnknownAgent, "known are: 1001, 1002"),
        (m.QueueClosed(1.0, "gold"), UnknownQueue, "known are: sales"),
        (m.WrapUpEnded(1.0, "1001"), IllegalEvent, "is logged out"),
        (m.CallLeft(1.0, "x"), IllegalEvent, "not waiting"),
        (m.AgentReleased(1.0, "x"), IllegalEvent, "never made"),
        (
            m.FloorLoaded(1.0, m.Floor((m.Queue("a"), m.Queue("a")))),
            IllegalEvent,
            "twice: a",
        ),
        (
            m.FloorLoaded(1.0, m.Floor((), (m.Agent("1", queues=("a",)),))),
            UnknownQueue,
            "'a', which is no queue",
        ),
    ],
)
def test_an_impossible_event_says_why_and_changes_nothing(
    event: m.Event, error: type[Exception], words: str
) -> None:
    d = desk(TWO)
    before = d.engine.snapshot()
    with pytest.raises(error, match=words):
        d.do(event)
    assert d.engine.snapshot() == before


def test_refusals_in_the_middle_of_things_say_why() -> None:
    d = desk(ONE, wrap_up_seconds=30)
    d.log_in("1001")
    d.queue("a")
    with pytest.raises(IllegalEvent, match="waits already"):
        d.queue("a")
    with pytest.raises(IllegalEvent, match="not answered yet"):
        d.release("1001")
    with pytest.raises(IllegalEvent, match="in 'sales' already"):
        d.do(m.CallMoved(d.now, "a", "sales"))
    d.answer("1001")
    d.release("1001")
    with pytest.raises(IllegalEvent, match="more than 0 seconds"):
        d.do(m.WrapUpExtended(d.now, "1001", 0))


# --- figures -------------------------------------------------------------------------------------


def test_service_level_counts_what_ended_and_leaves_out_short_abandons() -> None:
    d = desk(ONE, target_seconds=20, short_abandon_seconds=5, wrap_up_seconds=0)
    assert d.row().service_level is None
    d.queue("quitter")
    d.wait(3)
    d.leave("quitter")
    d.log_in("1001")
    d.queue("in_time")
    d.answer("1001")
    d.queue("late")
    d.wait(30)
    d.release("1001")
    d.answer("1001")
    row = d.row()
    assert (row.answered, row.answered_in_target, row.abandoned_short) == (2, 1, 1)
    assert row.service_level == 0.5
    assert row.average_wait == 15.0
    d.do(m.DayStarted(d.now))
    assert (d.row().answered, d.row().calls, d.agent("1001").taken) == (0, 0, 0)
    assert d.state("1001") is S.TALKING


def test_screens_see_who_does_what() -> None:
    d = desk({"1001": "sales", "1002": "sales", "1003": "sales", "1004": "sales"})
    d.log_in("1001", "1002", "1003")
    d.do(m.Paused(d.now, "1003", "lunch"))
    d.queue("a")
    d.answer("1001")
    d.queue("b")
    d.wait(2)
    d.queue("c")
    d.wait(7)
    row = d.row()
    assert (row.logged_in, row.agents_talking, row.ringing, row.paused, row.ready) == (
        3,
        1,
        1,
        1,
        0,
    )
    assert (row.waiting, row.offered, row.talking, row.longest_wait) == (1, 1, 1, 9)
    waiting = d.call("c")
    assert waiting is not None
    assert (waiting.position, waiting.staffing) == (1, m.Staffing.ALL_BUSY)
    assert (d.agent("1001").call, d.agent("1001").contact) == ("a", "contact-a")
    assert d.agent("1003").reason == "lunch"


def test_a_call_for_one_agent_that_is_freed_goes_to_another_and_not_back_to_who_refused() -> None:
    d = desk(retry_same_agent_after=30)
    d.log_in("1001", "1002")
    d.queue("a", agent="1002")
    assert d.rung_for("a") == "1002"
    d.fail("1002", Cause.REJECTED)
    d.do(m.CallFreed(d.now, "a"))
    assert d.rung_for("a") == "1001"


def test_only_a_waiting_call_can_be_freed() -> None:
    d = desk()
    with pytest.raises(IllegalEvent):
        d.do(m.CallFreed(d.now, "nobody"))


def test_a_caller_who_leaves_by_a_key_is_no_abandon_and_counts_in_no_service_level() -> None:
    d = desk(TWO)
    d.queue("a")
    d.do(m.CallKeyed(d.now, "a", "1"))
    assert d.exits() == {"a": ("keyed", "1")}
    row = d.row()
    assert (row.keyed, row.abandoned, row.withdrawn, row.calls) == (1, 0, 0, 1)
    assert row.service_level is None


def test_a_key_that_comes_when_an_agent_is_reserved_is_too_late() -> None:
    d = desk(TWO)
    d.log_in("1001")
    d.queue("a")
    with pytest.raises(IllegalEvent, match="too late for a key"):
        d.do(m.CallKeyed(d.now, "a", "1"))
    assert d.rung_for("a") == "1001"
