"""Callbacks: a virtual place, never two dials, never more dials than agents, no abandon.

Named after failures reported elsewhere: callbacks starve live callers, jump the line, dial the same
customer twice, or dial more customers than there are agents.
"""

from __future__ import annotations

from typing import Any

import pytest

from acd import model as m
from acd.errors import IllegalEvent
from acd.model import AgentState as S
from acd.model import Callbacks, Cause, First
from tests.acd.desk import Desk

TWO = {"1001": "sales", "1002": "sales"}


def desk(first: First = First.CUSTOMER, agents: Any = None, **rules: Any) -> Desk:
    callbacks = Callbacks(first, 30, 3, 300, 3600)
    queue: dict[str, Any] = {"wrap_up_seconds": 0, "callbacks": callbacks} | rules
    return Desk(m.Queue("sales", **queue), agents=agents or TWO)


def ask(d: Desk, call: str, customer: str = "", **more: Any) -> None:
    """The caller asks for a callback and hangs up."""
    d.do(m.CallbackAsked(d.now, call, customer or f"customer-{call}", **more))
    d.leave(call)


def dials(d: Desk) -> list[str]:
    return [command.call for command in d.all_of(m.DialCustomer)]


def test_a_callback_keeps_its_place_and_is_no_abandon() -> None:
    d = desk()
    d.queue("before", prefers=None)
    d.wait(1)
    d.queue("a")
    d.wait(1)
    d.queue("after")
    ask(d, "a")
    assert d.row().abandoned == 0
    d.restart()
    d.log_in("1001")
    assert d.serve("before") == "1001"
    assert dials(d) == ["a"]
    assert d.rung_for("after") is None
    d.do(m.CustomerAnswered(d.now, "a"))
    assert d.serve("a") == "1001"
    assert d.rung_for("after") == "1001"
    row = d.row()
    assert (row.called_back, row.answered, row.abandoned) == (1, 2, 0)


def test_callbacks_starve_no_live_caller_and_jump_no_line() -> None:
    d = desk(leave_when_empty=None)
    for number in range(4):
        d.queue(f"c{number}")
        d.wait(1)
    ask(d, "c1")
    ask(d, "c3")
    d.log_in("1001")
    order = []
    for _ in range(4):
        call = d.agent("1001").call
        assert call is not None
        order.append(call)
        if call in dials(d):
            d.do(m.CustomerAnswered(d.now, call))
        d.serve(call)
    assert order == ["c0", "c1", "c2", "c3"]


def test_what_is_no_callback_is_refused_as_one() -> None:
    d = desk()
    d.chat("chat")
    d.queue("a")
    with pytest.raises(IllegalEvent, match="no caller on a line"):
        ask(d, "chat")
    with pytest.raises(IllegalEvent, match="whom to call"):
        d.do(m.CallbackAsked(d.now, "a", ""))
    with pytest.raises(IllegalEvent, match="no callback that is still to be made"):
        d.do(m.CallbackHeld(d.now, "a", d.now + 5))
    with pytest.raises(IllegalEvent, match="not waiting"):
        d.do(m.CallbackForbidden(d.now, "gone"))


def test_no_customer_is_dialled_twice() -> None:
    d = desk()
    d.queue("a")
    ask(d, "a", "anna")
    d.queue("b")
    with pytest.raises(IllegalEvent, match="has a callback already: call 'a'"):
        ask(d, "b", "anna")
    with pytest.raises(IllegalEvent, match="is a callback already"):
        ask(d, "a", "other")
    d.log_in("1001", "1002")
    assert dials(d) == ["a"]
    with pytest.raises(IllegalEvent, match="being dialled"):
        d.do(m.OfferAnswered(d.now, d.offer_for("a")))


@pytest.mark.parametrize("first", list(First))
def test_no_more_customers_are_dialled_than_agents_are_kept_free_for_them(first: First) -> None:
    d = desk(first)
    for number in range(5):
        d.queue(f"c{number}")
        ask(d, f"c{number}")
    d.log_in("1001", "1002")
    if first is First.AGENT:
        assert dials(d) == []
        d.answer("1001")
        d.answer("1002")
    assert dials(d) == ["c0", "c1"]
    assert {d.state(agent) for agent in TWO} <= {S.OFFERED, S.TALKING}


def test_customer_first_rings_the_agent_only_when_the_customer_is_there() -> None:
    d = desk()
    d.queue("a")
    ask(d, "a")
    d.log_in("1001")
    assert (d.state("1001"), d.all_of(m.MakeOffer)) == (S.OFFERED, [])
    d.do(m.CustomerAnswered(d.now, "a"))
    (offer,) = d.all_of(m.MakeOffer)
    assert (offer.agent, offer.callback) == ("1001", False)
    d.answer("1001")
    assert d.state("1001") is S.TALKING


def test_a_customer_on_the_line_whose_agent_does_not_answer_is_next_for_another() -> None:
    d = desk()
    d.queue("a")
    ask(d, "a")
    d.log_in("1001", "1002")
    d.do(m.CustomerAnswered(d.now, "a"))
    d.fail("1001")
    assert d.rung_for("a") == "1002"
    assert len(dials(d)) == 1
    d.leave("a")
    assert (d.row().abandoned, d.state("1002")) == (1, S.READY)


def test_agent_first_dials_when_the_agent_has_accepted() -> None:
    d = desk(First.AGENT)
    d.queue("a")
    ask(d, "a")
    d.log_in("1001")
    (offer,) = d.all_of(m.MakeOffer)
    assert offer.callback
    d.answer("1001")
    assert (dials(d), d.state("1001")) == (["a"], S.TALKING)
    d.wait(10)
    d.do(m.CustomerAnswered(d.now, "a"))
    d.wait(60)
    d.release_call("a")
    assert (d.row().called_back, d.agent("1001").talk_seconds) == (1, 60)


@pytest.mark.parametrize("first", list(First))
def test_a_customer_not_reached_is_tried_again_in_the_old_place_and_frees_the_agent(
    first: First,
) -> None:
    d = desk(first, {"1001": "sales"})
    d.queue("a")
    ask(d, "a")
    idle = d.now
    d.log_in("1001")
    for attempt in range(1, 4):
        if first is First.AGENT:
            d.answer("1001")
        assert d.all_of(m.DialCustomer)[-1].attempt == attempt
        d.wait(20)
        d.do(m.CustomerFailed(d.now, "a", Cause.BUSY))
        agent = d.agent("1001")
        assert (agent.state, agent.busy, agent.streak) == (S.READY, 0, 0)
        assert first is First.AGENT or agent.idle_since == idle
        d.wait(299)
        assert len(d.all_of(m.DialCustomer)) == attempt
        d.wait(1)
    assert d.exits() == {"a": ("unreached", "busy")}
    assert d.row().unreached == 1


def test_a_dial_nobody_tells_the_end_of_is_void_after_its_lease() -> None:
    d = desk()
    d.queue("a")
    ask(d, "a")
    d.log_in("1001")
    d.wait(100)
    assert d.state("1001") is S.READY
    with pytest.raises(IllegalEvent, match="not being dialled"):
        d.do(m.CustomerAnswered(d.now, "a"))


def test_our_own_failure_costs_the_customer_no_attempt() -> None:
    d = desk(agents={"1001": "sales"})
    d.queue("a")
    ask(d, "a")
    d.log_in("1001")
    for _ in range(6):
        d.do(m.CustomerFailed(d.now, "a", Cause.LOST))
        d.wait(300)
    assert d.all_of(m.DialCustomer)[-1].attempt == 1


def test_a_callback_expires_and_neither_max_wait_nor_empty_queues_end_it() -> None:
    d = desk(leave_when_empty=5, max_wait=60)
    d.queue("a")
    ask(d, "a")
    d.wait(3599)
    assert d.exits() == {}
    d.wait(1)
    assert d.exits() == {"a": ("expired", "")}


def test_legal_hours_and_do_not_call_are_facts_from_outside() -> None:
    d = desk()
    d.log_in("1001")
    d.queue("busy")
    d.answer("1001")
    d.queue("a")
    ask(d, "a", not_before=d.now + 100)
    d.queue("b")
    d.release_call("busy")
    assert d.rung_for("b") == "1001", "who may not be dialled yet blocks nobody"
    d.serve("b")
    d.wait(100)
    assert dials(d) == ["a"]
    d.do(m.CallbackHeld(d.now, "a", d.now + 50))
    assert d.state("1001") is S.READY
    d.wait(50)
    assert dials(d) == ["a", "a"]
    d.do(m.CallbackForbidden(d.now, "a", "do not call"))
    assert d.exits() == {"a": ("forbidden", "do not call")}
    assert d.state("1001") is S.READY


def test_an_agent_who_leaves_an_accepted_callback_gives_it_back() -> None:
    d = desk(First.AGENT)
    d.log_in("1001")
    d.queue("a")
    ask(d, "a")
    d.answer("1001")
    d.release("1001")
    assert d.state("1001") is S.READY
    d.log_in("1002")
    assert d.rung_for("a") == "1002"


def test_callbacks_take_no_place_from_callers_and_count_in_no_service_level() -> None:
    d = desk(max_waiting=1)
    d.queue("a")
    ask(d, "a")
    d.queue("b")
    assert d.exits() == {}
    assert (d.row().callbacks, d.row().waiting) == (1, 2)
    d.leave("b")
    d.log_in("1001")
    d.do(m.CustomerAnswered(d.now, "a"))
    d.serve("a")
    assert d.row().service_level is None


def test_a_moved_callback_is_still_the_only_one_of_its_customer() -> None:
    d = Desk(m.Queue("sales"), m.Queue("service"), agents={"1001": "service"})
    d.queue("a")
    ask(d, "a", "anna")
    d.do(m.CallMoved(d.now, "a", "service", by="boss"))
    d.queue("b")
    with pytest.raises(IllegalEvent, match="has a callback already"):
        ask(d, "b", "anna")
    d.log_in("1001")
    assert dials(d) == ["a"]


# --- a customer who is not waiting on a line ------------------------------------------------------


def promise(d: Desk, call: str, customer: str = "", **more: Any) -> list[m.Command]:
    """Somebody who waits on no line is to be called."""
    at = more.pop("enqueued_at", d.now)
    whom = customer or f"customer-{call}"
    return d.do(m.CallbackQueued(d.now, call, f"c-{call}", "sales", {}, 0, at, whom, **more))


def test_a_promised_callback_has_the_place_of_the_time_it_came_and_is_rung_for_by_nobody() -> None:
    d = desk(leave_when_empty=None)
    d.queue("before")
    d.wait(10)
    d.queue("after")
    promise(d, "a", enqueued_at=d.now - 5)
    d.log_in("1001")
    assert (d.serve("before"), dials(d), d.rung_for("after")) == ("1001", ["a"], None)
    assert [offer.call for offer in d.all_of(m.MakeOffer)] == ["before"]


def test_a_full_queue_takes_a_callback_and_a_closed_one_does_not() -> None:
    d = desk(max_waiting=1)
    d.queue("a")
    assert promise(d, "b") == []
    d.do(m.QueueClosed(d.now, "sales", reason="drain"))
    promise(d, "c")
    assert d.exits() == {"c": ("closed", "drain")}


def test_no_customer_has_a_second_promise_in_any_queue() -> None:
    d = desk()
    promise(d, "a", "anna")
    with pytest.raises(IllegalEvent, match="has a callback already: call 'a'"):
        promise(d, "b", "anna")
    with pytest.raises(IllegalEvent, match="exists already"):
        promise(d, "a", "other")
    assert d.engine.callback_of("anna") == "a"


def test_who_is_held_instead_of_dialled_has_lost_no_attempt() -> None:
    d = desk()
    promise(d, "a")
    d.log_in("1001")
    for _ in range(5):
        d.do(m.CallbackHeld(d.now, "a", d.now + 60))
        d.wait(60)
    assert [each.attempt for each in d.all_of(m.DialCustomer)] == [1] * 6


def test_attempts_that_were_made_before_count() -> None:
    d = desk()
    promise(d, "a", attempts=2)
    d.log_in("1001")
    assert d.all_of(m.DialCustomer)[-1].attempt == 3
    d.do(m.CustomerFailed(d.now, "a", Cause.NO_ANSWER))
    assert d.exits() == {"a": ("unreached", "no_answer")}


def test_the_rows_tell_what_a_callback_waits_for() -> None:
    d = desk()
    promise(d, "a", "anna", not_before=d.now + 60)
    (row,) = d.engine.calls_view(d.now)
    assert (row.virtual, row.customer, row.attempts) == (True, "anna", 0)
    assert (row.not_before, row.expires_at) == (d.now + 60, d.now + 3600)
