"""Transfers, consultations, dispositions and what supervisors do.

Named after failures reported elsewhere: transfers corrupt talk time, a second ring shows the wrong
caller, an attended transfer resets wrap-up, a call from a chat starts as a stranger.
"""

from __future__ import annotations

from typing import Any

import pytest

from acd import audit
from acd import model as m
from acd.errors import IllegalEvent, UnknownAgent, UnknownQueue
from acd.model import AgentState as S
from tests.acd.desk import Desk

THREE = {"1001": "sales", "1002": "service", "1003": "service"}


def desk(agents: Any = None, **rules: Any) -> Desk:
    queue = {"wrap_up_seconds": 10, "leave_when_empty": None} | rules
    return Desk(
        m.Queue("sales", **queue),
        m.Queue("service", wrap_up_seconds=20, leave_when_unskilled=None, leave_when_empty=None),
        agents=agents or THREE,
    )


def talking(**rules: Any) -> Desk:
    """1001 talks with caller a, who waited 30 seconds and has priority 2."""
    d = desk(**rules)
    d.queue("a", priority=2, needs={})
    d.wait(30)
    d.log_in("1001")
    d.answer("1001")
    return d


# --- transfers -----------------------------------------------------------------------------------


def test_a_transfer_keeps_contact_priority_needs_and_place() -> None:
    agents = {"1001": ("sales", {"loans": 5}), "1002": "service"}
    d = desk(agents)
    d.queue("a", priority=2, needs={"loans": 3}, customer="anna")
    since = d.now
    d.log_in("1001")
    d.answer("1001")
    d.wait(40)
    d.do(m.CallTransferred(d.now, d.offer_of("1001"), "a2", "service"))
    row = d.call("a2")
    assert row is not None
    assert (row.contact, row.priority, dict(row.needs), row.enqueued_at) == (
        "contact-a",
        2,
        {"loans": 3},
        since,
    )
    assert d.state("1001") is S.WRAP_UP


def test_a_transfer_may_strip_the_needs_and_take_a_new_place() -> None:
    d = talking()
    d.log_in("1002")
    event = m.CallTransferred(d.now, d.offer_of("1001"), "a2", "service", strip=True)
    d.do(event)
    assert d.rung_for("a2") == "1002"
    d.answer("1002")
    again = m.CallTransferred(d.now, d.offer_of("1002"), "a3", "sales", new_place=True)
    d.do(again)
    row = d.call("a3")
    assert row is not None
    assert (row.enqueued_at, row.state) == (d.now, "waiting")


def test_each_agents_share_of_talk_time_is_theirs() -> None:
    d = talking()
    d.log_in("1002")
    d.wait(60)
    d.do(m.CallTransferred(d.now, d.offer_of("1001"), "a2", "service"))
    d.wait(5)
    d.answer("1002")
    d.wait(25)
    d.release("1002")
    assert (d.agent("1001").talk_seconds, d.agent("1002").talk_seconds) == (60, 25)


def test_a_transfer_to_a_closed_queue_exits_at_once_with_the_reason() -> None:
    d = talking()
    d.do(m.QueueClosed(d.now, "service", "boss", "drain"))
    d.do(m.CallTransferred(d.now, d.offer_of("1001"), "a2", "service"))
    assert d.exits() == {"a2": ("closed", "drain")}


def test_every_offer_names_the_contact_of_its_call_after_transfers_and_second_rings() -> None:
    d = talking()
    d.log_in("1002", "1003")
    d.do(m.CallTransferred(d.now, d.offer_of("1001"), "a2", "service"))
    d.queue("b", "service")
    d.fail("1002")
    offers = {(o.call, o.contact) for o in d.all_of(m.MakeOffer)}
    assert offers == {("a", "contact-a"), ("a2", "contact-a"), ("b", "contact-b")}


def test_a_call_that_begins_in_a_chat_keeps_its_contact() -> None:
    d = desk()
    d.log_in("1001")
    d.chat("chat")
    d.answer_call("chat")
    d.do(m.CallTransferred(d.now, d.offer_for("chat"), "more", "service"))
    row = d.call("more")
    assert row is not None
    assert (row.contact, row.channel) == ("contact-chat", m.Channel.CHAT)


# --- consultations -------------------------------------------------------------------------------


def consult(d: Desk, agent: str | None = None) -> str:
    offer = d.offer_of("1001")
    d.do(m.ConsultationAsked(d.now, offer, "ask", "service", agent))
    return offer


def test_a_failed_consultation_leaves_the_call_as_it_was() -> None:
    d = talking()
    d.log_in("1002")
    before = d.agent("1001")
    offer = consult(d)
    made = d.all_of(m.MakeOffer)[-1]
    assert (made.agent, made.contact, made.consults) == ("1002", "contact-a", offer)
    d.answer("1002")
    d.do(m.ConsultationFailed(d.now, "ask"))
    assert d.agent("1001") == before
    assert d.state("1002") is S.WRAP_UP
    assert d.row("service").calls == 0


def test_a_consultation_nobody_takes_is_called_off_and_its_phone_stops() -> None:
    d = talking()
    d.log_in("1002")
    consult(d)
    d.do(m.ConsultationFailed(d.now, "ask", "changed my mind"))
    assert (d.state("1002"), d.state("1001")) == (S.READY, S.TALKING)
    assert d.exits() == {"ask": ("withdrawn", "changed my mind")}


def test_a_completed_consultation_hands_the_customer_over() -> None:
    d = talking()
    d.log_in("1002")
    d.wait(50)
    consult(d)
    d.wait(2)
    d.answer("1002")
    d.wait(8)
    d.restart()
    d.do(m.ConsultationCompleted(d.now, "ask"))
    assert (d.state("1001"), d.state("1002")) == (S.WRAP_UP, S.TALKING)
    assert d.agent("1001").talk_seconds == 60
    d.wait(20)
    d.release("1002")
    assert d.agent("1002").talk_seconds == 28


def test_an_attended_transfer_does_not_reset_the_wrap_up() -> None:
    d = talking()
    d.log_in("1002")
    consult(d)
    d.answer("1002")
    d.do(m.ConsultationCompleted(d.now, "ask"))
    ends = d.agent("1001").wrap_up_until
    assert ends == d.now + 10
    d.wait(3)
    d.release("1002")
    assert d.agent("1001").wrap_up_until == ends
    d.wait(7)
    assert d.state("1001") is S.READY


def test_nobody_is_rung_for_an_agent_who_has_left_the_customer() -> None:
    d = talking()
    d.log_in("1002")
    consult(d)
    d.release("1001")
    assert d.state("1002") is S.READY
    assert d.exits() == {"ask": ("withdrawn", "agent left")}


def test_what_cannot_be_consulted_or_transferred_says_why() -> None:
    d = talking()
    d.log_in("1002")
    offer = consult(d)
    with pytest.raises(IllegalEvent, match="has a consultation already: call 'ask'"):
        d.do(m.ConsultationAsked(d.now, offer, "ask2", "service"))
    with pytest.raises(IllegalEvent, match="exists already"):
        d.do(m.CallTransferred(d.now, offer, "ask", "service"))
    with pytest.raises(UnknownQueue):
        d.do(m.CallTransferred(d.now, offer, "x", "nowhere"))
    with pytest.raises(IllegalEvent, match="never made"):
        d.do(m.CallTransferred(d.now, "x-1", "x", "service"))
    with pytest.raises(IllegalEvent, match="no consultation that was answered"):
        d.do(m.ConsultationCompleted(d.now, "ask"))
    with pytest.raises(IllegalEvent, match="is no consultation"):
        d.do(m.ConsultationFailed(d.now, "a"))
    d.answer("1002")
    with pytest.raises(IllegalEvent, match="is a consultation itself"):
        d.do(m.ConsultationAsked(d.now, d.offer_of("1002"), "deep", "service"))


# --- dispositions --------------------------------------------------------------------------------


def test_wrap_up_lasts_until_there_is_a_disposition_where_one_is_required() -> None:
    d = talking(disposition_required=True)
    d.release("1001")
    with pytest.raises(IllegalEvent, match="owes a disposition"):
        d.do(m.WrapUpEnded(d.now, "1001"))
    with pytest.raises(IllegalEvent, match="owes a disposition"):
        d.do(m.Readied(d.now, "1001"))
    d.wait(60)
    d.restart()
    assert (d.state("1001"), d.agent("1001").disposition_due) == (S.WRAP_UP, True)
    d.do(m.DispositionGiven(d.now, "1001", "sold"))
    assert d.state("1001") is S.READY


def test_a_disposition_given_early_ends_nothing_early() -> None:
    d = talking(disposition_required=True)
    d.do(m.DispositionGiven(d.now, "1001", "sold"))
    d.release("1001")
    d.wait(9)
    assert d.state("1001") is S.WRAP_UP
    d.wait(1)
    assert d.state("1001") is S.READY
    with pytest.raises(IllegalEvent, match="has no call"):
        d.do(m.DispositionGiven(d.now, "1001", "sold"))


# --- supervisors ---------------------------------------------------------------------------------


def forced(d: Desk, state: S, reason: str = "") -> list[m.Command]:
    return d.do(m.AgentForced(d.now, "1001", state, reason, "boss"))


def test_a_forced_agent_whose_phone_rings_gives_the_call_back_to_its_place() -> None:
    d = desk({"1001": "sales", "1004": "sales"})
    d.log_in("1001")
    d.queue("a")
    commands = forced(d, S.PAUSED, "meeting")
    assert isinstance(commands[0], m.CancelOffer)
    agent = d.agent("1001")
    assert (agent.state, agent.reason, agent.streak) == (S.PAUSED, "meeting", 0)
    d.log_in("1004")
    assert d.rung_for("a") == "1004"


def test_a_forced_agent_finishes_the_conversation_first() -> None:
    d = talking()
    forced(d, S.LOGGED_OUT)
    assert d.state("1001") is S.TALKING
    d.release("1001")
    forced(d, S.LOGGED_OUT)
    assert d.state("1001") is S.LOGGED_OUT
    forced(d, S.READY)
    assert d.state("1001") is S.READY


def test_force_ends_a_wrap_up_that_owes_a_disposition() -> None:
    d = talking(disposition_required=True)
    d.release("1001")
    forced(d, S.READY)
    assert (d.state("1001"), d.agent("1001").disposition_due) == (S.READY, False)


def test_what_nobody_can_be_forced_to_is_refused() -> None:
    d = desk()
    with pytest.raises(IllegalEvent, match="possible: logged out, paused, ready"):
        forced(d, S.TALKING)
    with pytest.raises(IllegalEvent, match="logged out and cannot be paused"):
        forced(d, S.PAUSED)
    with pytest.raises(UnknownAgent):
        d.do(m.AgentForced(d.now, "9", S.READY, "", "boss"))
    with pytest.raises(UnknownQueue, match="their queues: sales"):
        d.do(m.QueueLeft(d.now, "1001", "service"))
    with pytest.raises(IllegalEvent, match="already"):
        d.do(m.QueueJoined(d.now, "1001", "sales"))


def test_what_a_supervisor_does_is_a_deed_with_a_name() -> None:
    assert audit.deed(m.CallReprioritised(5.0, "a", 3, "boss")) == audit.Deed(
        5.0, "boss", "CallReprioritised", call="a", details=(("priority", "3"),)
    )
    assert audit.deed(m.AgentForced(5.0, "1001", S.PAUSED, "lunch", "boss")) == audit.Deed(
        5.0,
        "boss",
        "AgentForced",
        agent="1001",
        details=(("state", "paused"), ("reason", "lunch")),
    )
    assert audit.deed(m.LoggedIn(5.0, "1001")) is None
    assert audit.deed(m.Ticked(5.0)) is None
