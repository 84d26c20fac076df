"""Needs that relax, preferred agents, places regained, and nobody there."""

from __future__ import annotations

from typing import Any

import pytest

from acd import model as m
from acd.errors import UnknownQueue
from acd.model import AgentState as S
from acd.model import Relaxation, Staffing
from tests.acd.desk import Desk

STAY: dict[str, Any] = {"leave_when_empty": None, "leave_when_unskilled": None}


def desk(agents: dict[str, Any], **rules: Any) -> Desk:
    return Desk(m.Queue("sales", **(STAY | rules)), m.Queue("service", **STAY), agents=agents)


# --- relaxation ----------------------------------------------------------------------------------

STEPS = (Relaxation(30, {"loans": 4}), Relaxation(60, drop=("loans",)))
LEVELS = {
    "1001": ("sales", {"loans": 9}),
    "1002": ("sales", {"loans": 4}),
    "1003": ("sales", {}),
}


def test_a_call_asks_for_less_step_by_step_after_its_waits() -> None:
    d = desk(LEVELS, relax=STEPS)
    d.log_in("1001", "1002", "1003")
    d.queue("first", needs={"loans": 8})
    d.answer("1001")
    d.queue("a", needs={"loans": 8})
    d.wait(29.9)
    assert d.rung_for("a") is None
    d.wait(0.1)
    assert d.rung_for("a") == "1002"
    d.answer("1002")
    d.queue("b", needs={"loans": 8})
    d.wait(59)
    assert d.rung_for("b") is None
    d.wait(1)
    assert d.rung_for("b") == "1003"


def test_a_step_is_taken_at_once_when_nobody_logged_in_can_match_the_present_one() -> None:
    d = desk(LEVELS, relax=STEPS)
    d.log_in("1002")
    d.queue("a", needs={"loans": 8})
    assert d.rung_for("a") == "1002"
    d.log_in("1001")
    d.do(m.Paused(d.now, "1001", "lunch"))
    d.queue("b", needs={"loans": 8})
    d.fail("1002", m.Cause.REJECTED)
    d.log_in("1003")
    row = d.call("b")
    assert row is not None
    assert (row.step, row.state) == (0, "waiting"), "who is paused is logged in"
    d.do(m.LoggedOut(d.now, "1001"))
    assert d.rung_for("b") == "1002"


def test_relaxing_costs_no_place_and_jumps_none() -> None:
    d = desk({"1003": ("sales", {})}, relax=(Relaxation(10, drop=(m.ALL_SKILLS,)),))
    d.log_in("1003")
    d.queue("busy")
    d.answer("1003")
    d.queue("older")
    d.wait(1)
    d.queue("choosy", needs={"loans": 3})
    d.wait(1)
    d.queue("younger")
    d.wait(30)
    order = [row.call for row in d.engine.calls_view(d.now) if row.position]
    assert order == ["older", "choosy", "younger"]
    d.release_call("busy")
    for expected in order:
        d.do(m.WrapUpEnded(d.now, "1003"))
        assert d.serve(expected) == "1003"


def test_a_step_may_bring_in_the_agents_of_another_queue() -> None:
    d = desk({"1001": "sales", "1002": "service"}, relax=(Relaxation(20, also=("service",)),))
    d.log_in("1001", "1002")
    d.queue("busy")
    d.answer("1001")
    d.queue("a")
    d.wait(20)
    assert d.rung_for("a") == "1002"


def test_a_step_cannot_widen_to_a_queue_that_is_not_there() -> None:
    with pytest.raises(UnknownQueue, match="widens to 'gone'"):
        desk(LEVELS, relax=(Relaxation(20, also=("gone",)),))


def test_steps_outlive_a_restart_and_a_reload_with_fewer_of_them() -> None:
    d = desk(LEVELS, relax=STEPS)
    d.log_in("1001")
    d.queue("busy", needs={"loans": 8})
    d.answer("1001")
    d.queue("a", needs={"loans": 8})
    d.wait(60)
    d.restart()
    row = d.call("a")
    assert row is not None
    assert row.step == 2
    d.load(m.Queue("sales", relax=STEPS[:1], **STAY), m.Queue("service"))
    row = d.call("a")
    assert row is not None
    assert row.step == 1
    d.log_in("1003")
    assert d.rung_for("a") is None
    d.log_in("1002")
    assert d.rung_for("a") == "1002"


# --- a preferred agent ---------------------------------------------------------------------------

TWO = {"1001": "sales", "1002": "sales"}


def test_a_preferred_agent_is_waited_for_and_then_anyone_takes_it() -> None:
    d = desk(TWO, prefer_seconds=30)
    d.log_in("1001", "1002")
    d.queue("busy")
    d.answer("1001")
    d.queue("a", prefers="1001")
    d.wait(29)
    assert (d.rung_for("a"), d.state("1002")) == (None, S.READY)
    d.wait(1)
    assert d.rung_for("a") == "1002"


def test_a_preferred_agent_who_becomes_free_in_time_gets_the_call() -> None:
    d = desk(TWO, wrap_up_seconds=0)
    d.log_in("1001", "1002")
    d.queue("busy")
    d.answer("1001")
    d.queue("a", prefers="1001", prefer_seconds=10)
    d.wait(5)
    d.release_call("busy")
    assert d.rung_for("a") == "1001"


def test_a_preferred_agent_who_is_logged_out_is_skipped_at_once() -> None:
    d = desk(TWO)
    d.log_in("1002")
    d.queue("a", prefers="1001")
    assert d.rung_for("a") == "1002"
    d.answer("1002")
    d.log_in("1001")
    d.queue("busy")
    d.answer("1001")
    d.queue("b", prefers="1001")
    d.release_call("a")
    d.do(m.WrapUpEnded(d.now, "1002"))
    assert d.rung_for("b") is None
    d.do(m.LoggedOut(d.now, "1001"))
    d.release_call("busy")
    d.wait(20)
    assert d.rung_for("b") == "1002"


def test_a_preferred_agent_who_does_not_answer_frees_the_call_at_once() -> None:
    d = desk(TWO)
    d.log_in("1001", "1002")
    d.queue("a", prefers="1001")
    d.fail("1001")
    assert d.rung_for("a") == "1002"


def test_nobody_leaves_for_want_of_agents_while_a_preferred_one_is_waited_for() -> None:
    d = desk(TWO, leave_when_paused=2, prefer_seconds=30)
    d.log_in("1001")
    d.do(m.Paused(d.now, "1001", "lunch"))
    d.queue("a", prefers="1001")
    d.wait(29)
    assert d.exits() == {}
    d.wait(3)
    assert d.exits() == {"a": ("nobody", "all_paused")}


# --- the caller's own agent, calls outside, queues left ------------------------------------------


def test_an_agent_who_calls_their_own_queue_is_never_offered_that_very_call() -> None:
    d = desk(TWO, leave_when_unskilled=5)
    d.log_in("1001")
    d.queue("own", from_agent="1001")
    assert d.state("1001") is S.READY
    d.wait(5)
    assert d.exits()["own"][0] == "nobody"
    d.queue("again", from_agent="1001")
    d.log_in("1002")
    assert d.rung_for("again") == "1002"


def test_an_agent_in_a_call_outside_gets_no_offers_until_it_ends() -> None:
    d = desk(TWO)
    d.log_in("1001")
    d.do(m.DeviceBusy(d.now, "1001"))
    d.queue("a")
    row = d.call("a")
    assert row is not None
    assert (row.state, row.staffing) == ("waiting", Staffing.ALL_BUSY)
    d.restart()
    d.do(m.DeviceFree(d.now, "1001"))
    assert d.rung_for("a") == "1001"


def test_an_agent_may_leave_one_of_their_queues_and_come_back() -> None:
    d = desk({"1001": "sales service"})
    d.log_in("1001")
    d.do(m.QueueLeft(d.now, "1001", "sales", by="boss"))
    d.queue("a")
    d.queue("b", "service")
    assert (d.rung_for("a"), d.rung_for("b")) == (None, "1001")
    assert d.agent("1001").out_of == ("sales",)
    d.leave("b")
    d.restart()
    d.load(m.Queue("sales", **STAY), m.Queue("service"))
    assert d.rung_for("a") is None
    d.do(m.QueueJoined(d.now, "1001", "sales"))
    assert d.rung_for("a") == "1001"


# --- nobody there: four answers ------------------------------------------------------------------


def staffed(agents: str) -> Desk:
    """1001 can take the call, 1002 is of the queue but cannot."""
    d = Desk(m.Queue("sales"), agents={"1001": ("sales", {"loans": 5}), "1002": ("sales", {})})
    for step in agents.split():
        who, _, what = step.partition(":")
        d.log_in(who)
        if what == "paused":
            d.do(m.Paused(d.now, who, "lunch"))
        if what == "busy":
            d.queue(f"busy{who}", agent=who)
            d.answer(who)
    return d


FOUR = [
    ("", "empty", Staffing.NOBODY_LOGGED_IN),
    ("1002", "unskilled", Staffing.NOBODY_SKILLED),
    ("1001:paused 1002", "paused", Staffing.ALL_PAUSED),
    ("1001:busy 1002", "busy", Staffing.ALL_BUSY),
]
GRACES = [f"leave_when_{name}" for _, name, _ in FOUR]


@pytest.mark.parametrize(("agents", "name", "staffing"), FOUR)
def test_nobody_there_has_four_answers_each_with_its_grace(
    agents: str, name: str, staffing: Staffing
) -> None:
    d = staffed(agents)
    rules: dict[str, Any] = dict.fromkeys(GRACES) | {f"leave_when_{name}": 7}
    d.load(m.Queue("sales", **rules))
    d.queue("a", needs={"loans": 3})
    d.wait(6.9)
    assert d.exits() == {}
    d.wait(0.1)
    assert d.exits() == {"a": ("nobody", staffing.value)}


@pytest.mark.parametrize(("agents", "name", "staffing"), FOUR)
def test_a_call_that_finds_it_so_at_entry_may_be_turned_away_sooner(
    agents: str, name: str, staffing: Staffing
) -> None:
    d = staffed(agents)
    rules: dict[str, Any] = {f"turn_away_when_{name}": 0, f"leave_when_{name}": 100}
    d.load(m.Queue("sales", **rules))
    d.queue("a", needs={"loans": 3})
    d.wait(0)
    assert d.exits() == {"a": ("nobody", staffing.value)}


def test_what_becomes_so_while_waiting_has_the_longer_grace() -> None:
    d = Desk(
        m.Queue("sales", turn_away_when_paused=0, leave_when_paused=40),
        agents={"1001": "sales"},
    )
    d.log_in("1001")
    d.queue("busy")
    d.answer("1001")
    d.queue("a")
    d.wait(10)
    d.do(m.Paused(d.now, "1001", "lunch"))
    d.release_call("busy")
    d.wait(20)
    assert d.state("1001") is S.PAUSED
    d.wait(39)
    assert d.exits() == {}
    d.wait(1)
    assert d.exits() == {"a": ("nobody", "all_paused")}


def test_the_first_of_a_queue_to_log_in_turns_nobody_there_into_nobody_skilled() -> None:
    d = Desk(
        m.Queue("sales", leave_when_empty=5, leave_when_unskilled=60),
        agents={"1002": ("sales", {})},
    )
    d.queue("a", needs={"loans": 3})
    d.wait(4)
    d.log_in("1002")
    d.wait(59)
    assert d.exits() == {}
    d.wait(1)
    assert d.exits() == {"a": ("nobody", "nobody_skilled")}


# --- a caller whose line dropped -----------------------------------------------------------------


def test_a_caller_whose_line_dropped_regains_the_place() -> None:
    d = desk(TWO, regain_seconds=60)
    d.queue("first", customer="anna", priority=1)
    since = d.now
    d.wait(100)
    d.queue("other")
    d.leave("first")
    d.wait(59)
    d.queue("back", customer="anna")
    row = d.call("back")
    assert row is not None
    assert (row.position, row.enqueued_at, row.priority) == (1, since, 1)
    assert d.row().regained == 1


@pytest.mark.parametrize("change", ["late", "other queue", "unknown", "other customer", "twice"])
def test_a_place_is_regained_once_in_time_in_the_same_queue_by_the_same_customer(
    change: str,
) -> None:
    d = desk(TWO, regain_seconds=60)
    d.queue("first", customer="" if change == "unknown" else "anna")
    d.wait(100)
    d.leave("first")
    d.wait(61 if change == "late" else 5)
    if change == "twice":
        d.queue("second", customer="anna")
    queue = "service" if change == "other queue" else "sales"
    customer = {"unknown": "", "other customer": "bo"}.get(change, "anna")
    d.queue("back", queue, customer=customer)
    row = d.call("back")
    assert row is not None
    assert row.enqueued_at == d.now


# --- order ---------------------------------------------------------------------------------------


def test_tiers_are_strict_only_where_a_queue_asks_for_them() -> None:
    d = Desk(
        m.Queue("sales", order=m.Order.TIERS, **STAY),
        m.Queue("service", **STAY),
        agents={"1001": "sales service"},
    )
    d.queue("ages", "service")
    d.wait(5000)
    d.queue("plain")
    d.queue("gold", priority=1)
    d.queue("last", priority=-1)
    d.queue("urgent", "service", priority=1)
    d.log_in("1001")
    order = []
    for _ in range(5):
        call = d.agent("1001").call
        assert call is not None
        order.append(call)
        d.serve(call)
        d.do(m.WrapUpEnded(d.now, "1001"))
    assert order == ["gold", "ages", "urgent", "plain", "last"]


def test_order_by_target_serves_who_has_least_time_left_and_gives_no_late_call_up() -> None:
    d = Desk(
        m.Queue("sales", order=m.Order.TARGET, target_seconds=20, **STAY),
        m.Queue("service", order=m.Order.TARGET, target_seconds=120, **STAY),
        agents={"1001": "sales service"},
    )
    d.queue("slow", "service")
    d.wait(50)
    d.queue("fast")
    d.wait(60)
    d.queue("late")
    d.log_in("1001")
    assert d.rung_for("fast") == "1001"
    d.serve("fast")
    d.do(m.WrapUpEnded(d.now, "1001"))
    assert d.rung_for("slow") == "1001"
