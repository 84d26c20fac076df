"""Failures reported of other distributors: each is impossible here, and has its test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from acd import model as m
from acd.errors import IllegalEvent, UnknownAgent, UnknownQueue
from acd.model import AgentState as S
from acd.model import Cause
from acd.offering import LEASE_MARGIN
from acd.rules.offers import RETRY_NOT_RUNG
from tests.acd.desk import Desk

ONE = {"1001": "sales"}
TWO = {"1001": "sales", "1002": "sales"}


def desk(agents: Mapping[str, Any] | None = None, **rules: Any) -> Desk:
    rules = {"leave_when_empty": None, "leave_when_unskilled": None} | rules
    return Desk(m.Queue("sales", **rules), agents=agents or TWO)


# --- 1: ghost calls ------------------------------------------------------------------------------


def test_a_caller_who_hangs_up_leaves_no_ghost_offer() -> None:
    d = desk(ONE)
    d.log_in("1001")
    idle = d.agent("1001").idle_since
    d.wait(10)
    d.queue("a")
    offer = d.offer_of("1001")
    commands = d.leave("a")
    assert m.CancelOffer(offer, "a", "1001", m.Cancel.CALLER_LEFT) in commands
    agent = d.agent("1001")
    assert (agent.state, agent.idle_since, agent.no_answer, agent.streak) == (S.READY, idle, 0, 0)
    assert d.call("a") is None
    with pytest.raises(IllegalEvent, match="has ended"):
        d.do(m.OfferAnswered(d.now, offer))


def test_an_agent_who_logs_in_is_not_rung_for_a_caller_who_has_gone() -> None:
    d = desk(ONE)
    d.queue("a")
    d.leave("a")
    d.log_in("1001")
    assert d.state("1001") is S.READY


def test_news_from_the_phone_that_the_caller_left_ends_the_call_too() -> None:
    d = desk()
    d.log_in("1001", "1002")
    d.queue("a")
    d.fail("1001", Cause.CALLER_LEFT)
    assert d.call("a") is None
    assert (d.state("1001"), d.state("1002")) == (S.READY, S.READY)
    assert d.row().abandoned == 1


# --- 2: stuck agents -----------------------------------------------------------------------------


def test_an_agent_is_never_reserved_for_ever_when_the_phone_stays_silent() -> None:
    d = desk(ONE, ring_seconds=20)
    d.log_in("1001")
    d.queue("a")
    offer = d.offer_of("1001")
    assert d.wait(20 + LEASE_MARGIN - 0.1) == []
    commands = d.wait(0.2)
    assert m.CancelOffer(offer, "a", "1001", m.Cancel.EXPIRED) in commands
    assert (d.state("1001"), d.agent("1001").no_answer) == (S.READY, 1)
    call = d.call("a")
    assert call is not None
    assert (call.state, call.position) == ("waiting", 1)


def test_an_agent_whose_caller_is_gone_is_freed_when_the_agent_leaves() -> None:
    d = desk(ONE, wrap_up_seconds=0)
    d.log_in("1001")
    d.queue("a")
    d.answer("1001")
    d.leave("a")
    assert d.state("1001") is S.TALKING
    d.release("1001")
    assert d.state("1001") is S.READY


# --- 3: two at once ------------------------------------------------------------------------------


def test_two_agents_never_answer_the_same_call() -> None:
    d = desk()
    d.log_in("1001", "1002")
    d.queue("a")
    first = d.offer_of("1001")
    assert d.state("1002") is S.READY
    d.wait(20 + LEASE_MARGIN)
    assert d.rung_for("a") == "1002"
    with pytest.raises(IllegalEvent):
        d.do(m.OfferAnswered(d.now, first))
    d.answer("1002")
    with pytest.raises(IllegalEvent, match="answered already"):
        d.answer("1002")


def test_one_agent_never_gets_two_calls_at_the_same_instant() -> None:
    d = desk(ONE)
    d.queue("a")
    d.queue("b")
    d.log_in("1001")
    assert (d.rung_for("a"), d.rung_for("b")) == ("1001", None)
    assert d.row().waiting == 1


# --- 4: wrap-up ----------------------------------------------------------------------------------


def in_wrap_up(**rules: object) -> Desk:
    d = desk(ONE, **({"wrap_up_seconds": 30} | rules))
    d.log_in("1001")
    d.queue("a")
    d.answer("1001")
    d.wait(60)
    d.release("1001")
    return d


def test_wrap_up_starts_when_the_agent_leaves_not_when_the_caller_does() -> None:
    d = desk(ONE, wrap_up_seconds=30)
    d.log_in("1001")
    d.queue("a")
    d.answer("1001")
    d.leave("a")
    d.wait(100)
    d.release("1001")
    d.queue("b")
    d.wait(29)
    assert d.state("1001") is S.WRAP_UP
    d.wait(1)
    assert d.rung_for("b") == "1001"


def test_wrap_up_outlives_a_reload_and_a_restart_to_the_second() -> None:
    d = in_wrap_up()
    d.queue("b")
    d.wait(10)
    d.load(m.Queue("sales", wrap_up_seconds=5), m.Queue("service"))
    d.restart()
    d.wait(19)
    assert d.state("1001") is S.WRAP_UP
    d.wait(1)
    assert d.rung_for("b") == "1001"


def test_a_call_in_another_queue_waits_for_the_wrap_up_of_the_first() -> None:
    d = Desk(
        m.Queue("sales", wrap_up_seconds=30),
        m.Queue("service", wrap_up_seconds=5),
        agents={"1001": "sales service"},
    )
    d.log_in("1001")
    d.queue("a")
    d.answer("1001")
    d.release("1001")
    d.queue("b", "service")
    d.wait(29)
    assert d.rung_for("b") is None
    d.wait(1)
    assert d.rung_for("b") == "1001"


def test_wrap_up_can_be_ended_early_and_extended() -> None:
    d = in_wrap_up()
    d.do(m.WrapUpExtended(d.now, "1001", 15))
    d.wait(44)
    assert d.state("1001") is S.WRAP_UP
    d.do(m.WrapUpEnded(d.now, "1001"))
    assert d.state("1001") is S.READY


def test_the_caller_may_be_queued_again_while_the_first_agent_wraps_up() -> None:
    d = desk(TWO)
    d.log_in("1001", "1002")
    d.queue("a")
    d.answer("1001")
    d.queue("a", enqueued_at=d.now)
    assert d.rung_for("a") == "1002"
    d.release("1001")
    d.answer("1002")
    assert (d.state("1001"), d.state("1002")) == (S.WRAP_UP, S.TALKING)


# --- 5: rung again and again ---------------------------------------------------------------------


def test_an_agent_who_does_not_answer_is_left_out_of_that_call_for_a_while() -> None:
    d = desk(ONE, retry_same_agent_after=30)
    d.log_in("1001")
    d.queue("a")
    d.fail("1001")
    assert (d.rung_for("a"), d.state("1001")) == (None, S.READY)
    d.queue("b")
    assert d.rung_for("b") == "1001"
    d.leave("b")
    d.wait(29)
    assert d.rung_for("a") is None
    d.wait(1)
    assert d.rung_for("a") == "1001"


def test_an_agent_who_never_answers_is_paused_with_the_reason_shown() -> None:
    d = desk(ONE, no_answer_limit=3, retry_same_agent_after=10)
    d.log_in("1001")
    d.queue("a")
    for _ in range(3):
        assert d.rung_for("a") == "1001"
        d.fail("1001")
        d.wait(10)
    agent = d.agent("1001")
    assert (agent.state, agent.reason, agent.no_answer) == (S.PAUSED, "no answer", 3)
    d.do(m.Readied(d.now, "1001"))
    assert d.rung_for("a") == "1001"


def test_a_reject_is_counted_by_itself_and_logs_nobody_out() -> None:
    d = desk(ONE, no_answer_limit=2, retry_same_agent_after=1)
    d.log_in("1001")
    d.queue("a")
    d.fail("1001", Cause.REJECTED)
    assert d.state("1001") is S.READY
    d.wait(1)
    d.fail("1001", Cause.BUSY)
    agent = d.agent("1001")
    assert (agent.state, agent.reason) == (S.PAUSED, "busy")
    assert (agent.no_answer, agent.rejected, agent.busy, agent.unreachable) == (0, 1, 1, 0)


def test_an_answered_call_ends_the_row_of_failures() -> None:
    d = desk(ONE, no_answer_limit=2, retry_same_agent_after=1, wrap_up_seconds=0)
    d.log_in("1001")
    d.queue("a")
    d.fail("1001")
    d.wait(1)
    d.answer("1001")
    d.release("1001")
    d.queue("b")
    d.fail("1001")
    assert (d.state("1001"), d.agent("1001").streak) == (S.READY, 1)


def test_a_pause_asked_while_the_phone_rings_is_not_overwritten_by_no_answer() -> None:
    d = desk(ONE, no_answer_limit=1)
    d.log_in("1001")
    d.queue("a")
    d.do(m.Paused(d.now, "1001", "lunch"))
    d.fail("1001")
    assert (d.state("1001"), d.agent("1001").reason) == (S.PAUSED, "lunch")


# --- 8: blocked calls ----------------------------------------------------------------------------


def test_a_call_nobody_can_serve_blocks_nobody_behind_it() -> None:
    d = desk({"1001": ("sales", {"english": 5})})
    for n in range(7):
        d.queue(f"greek{n}", needs={"greek": 1})
    d.queue("eighth", needs={"english": 5})
    d.queue("ninth")
    d.log_in("1001")
    assert d.rung_for("eighth") == "1001"
    d.answer("1001")
    d.release("1001")
    d.do(m.WrapUpEnded(d.now, "1001"))
    assert d.rung_for("ninth") == "1001"


def test_calls_of_one_kind_are_served_in_the_order_they_came() -> None:
    d = desk(ONE, wrap_up_seconds=0)
    names = [f"c{n}" for n in range(12)]
    for name in names:
        d.queue(name)
        d.wait(0.5)
    d.log_in("1001")
    served = []
    for _ in names:
        served.append(d.agent("1001").call)
        d.answer("1001")
        d.release("1001")
    assert served == names


def test_a_call_only_one_agent_may_take_waits_beside_the_others() -> None:
    d = desk({"1001": "sales", "1002": ""}, leave_when_empty=None)
    d.queue("personal", agent="1002")
    d.queue("any")
    d.log_in("1001")
    assert d.rung_for("any") == "1001"
    d.log_in("1002")
    assert d.rung_for("personal") == "1002"


def test_a_call_that_leaves_an_agent_out_does_not_hide_the_next_from_them() -> None:
    d = desk(ONE)
    d.log_in("1001")
    d.queue("a")
    d.queue("b")
    d.fail("1001")
    assert d.rung_for("b") == "1001"


def test_an_agent_left_out_of_the_oldest_call_goes_on_with_the_next_ones() -> None:
    d = desk(ONE, wrap_up_seconds=0, retry_same_agent_after=30)
    d.log_in("1001")
    for call in ("a", "b", "c"):
        d.queue(call)
    d.fail("1001")
    d.answer("1001")
    d.release("1001")
    assert d.rung_for("c") == "1001"


# --- 11: reload and restart ----------------------------------------------------------------------


def test_a_reload_logs_nobody_out_and_loses_no_caller() -> None:
    d = desk({"1001": "sales", "1002": "sales", "1003": "sales"}, leave_when_empty=None)
    d.log_in("1001", "1002", "1003")
    d.do(m.Paused(d.now, "1002", "lunch"))
    d.queue("talking")
    d.answer("1001")
    d.queue("ringing")
    d.queue("waiting")
    before = d.engine.agents_view(d.now), d.engine.calls_view(d.now)
    d.wait(3)
    d.load(m.Queue("sales", title="New", leave_when_empty=None))
    rows = d.engine.agents_view(d.now - 3), d.engine.calls_view(d.now - 3)
    assert rows == before
    assert d.row().title == "New"


def test_a_restart_keeps_places_and_marks_nobody_abandoned() -> None:
    d = desk(ONE)
    for name in ("a", "b", "c"):
        d.queue(name)
        d.wait(1)
    d.restart()
    d.log_in("1001")
    assert d.rung_for("a") == "1001"
    assert [row.call for row in d.engine.calls_view(d.now)] == ["b", "c", "a"]
    assert d.row().abandoned == 0


def test_a_reload_that_gives_an_agent_the_skill_connects_who_waits() -> None:
    d = desk(ONE)
    d.log_in("1001")
    d.queue("a", needs={"greek": 1})
    d.load(m.Queue("sales"), agents={"1001": ("sales", {"greek": 2})})
    assert d.rung_for("a") == "1001"


def test_a_removed_agent_finishes_the_call_and_is_gone_after_the_wrap_up() -> None:
    d = desk(TWO, wrap_up_seconds=10)
    d.log_in("1001", "1002")
    d.queue("a")
    d.answer("1001")
    d.load(m.Queue("sales", wrap_up_seconds=10), agents={})
    assert [row.agent for row in d.engine.agents_view(d.now)] == ["1001"]
    with pytest.raises(UnknownAgent, match="only finish"):
        d.do(m.Readied(d.now, "1001"))
    d.release("1001")
    d.wait(10)
    assert d.engine.agents_view(d.now) == []


def test_callers_of_a_removed_queue_are_not_dropped_but_nobody_enters_it() -> None:
    d = Desk(m.Queue("sales", leave_when_empty=5), agents=ONE)
    d.queue("a")
    d.load(m.Queue("service"), agents={"1001": "service"})
    assert d.call("a") is not None
    with pytest.raises(UnknownQueue, match="was removed"):
        d.queue("b")
    d.wait(5)
    assert d.exits() == {"a": ("nobody", "nobody_logged_in")}
    assert [row.queue for row in d.engine.queues_view(d.now)] == ["service"]


def test_new_rules_of_order_apply_to_those_who_wait() -> None:
    d = desk(ONE, seconds_per_priority=0)
    d.queue("early")
    d.wait(30)
    d.queue("urgent", priority=1)
    d.load(m.Queue("sales", seconds_per_priority=60))
    d.log_in("1001")
    assert d.row().waiting == 1
    assert d.rung_for("urgent") == "1001"


def test_an_agent_whose_phone_was_away_for_a_moment_is_tried_again_soon() -> None:
    d = desk(ONE, retry_same_agent_after=30)
    d.log_in("1001")
    d.queue("a")
    d.fail("1001", Cause.UNREACHABLE)
    d.wait(RETRY_NOT_RUNG - 0.1)
    assert d.rung_for("a") is None
    d.wait(0.2)
    assert d.rung_for("a") == "1001"
