"""One capacity over several channels.

Named after failures reported elsewhere: a chat backlog is skipped, one agent gets all chats, limits
are ignored, chats starve calls.
"""

from __future__ import annotations

from typing import Any

import pytest

from acd import model as m
from acd.model import AgentState as S
from acd.model import HeldChats
from tests.acd.desk import Desk

TWO = {"1001": "sales", "1002": "sales"}
BOTH = {"1001": "sales service"}


def desk(agents: Any = None, **rules: Any) -> Desk:
    queues = (m.Queue("sales", wrap_up_seconds=0), m.Queue("service", wrap_up_seconds=0))
    return Desk(*queues, agents=agents or TWO, **rules)


def open_chats(d: Desk, *calls: str) -> None:
    for call in calls:
        d.chat(call)
        d.answer_call(call)


def test_an_agent_holds_three_chats_and_no_more() -> None:
    d = desk({"1001": "sales"})
    d.log_in("1001")
    open_chats(d, "a", "b", "c")
    d.chat("d")
    assert d.rung_for("d") is None
    assert len(d.agent("1001").chats) == 3
    d.release_call("b")
    assert d.rung_for("d") == "1001"


def test_one_agent_does_not_get_all_the_chats() -> None:
    d = desk()
    d.log_in("1001")
    d.wait(100)
    d.log_in("1002")
    open_chats(d, "a", "b", "c", "d")
    assert (len(d.agent("1001").chats), len(d.agent("1002").chats)) == (2, 2)


def test_a_chat_backlog_is_served_in_order_when_an_agent_comes() -> None:
    d = desk({"1001": "sales"})
    for call in "abcd":
        d.chat(call)
        d.wait(0.5)
    d.log_in("1001")
    assert [d.rung_for(call) for call in "abcd"] == ["1001", "1001", "1001", None]


def test_chats_never_starve_a_waiting_call() -> None:
    d = desk({"1001": "sales"})
    for call in "abcdef":
        d.chat(call)
    d.queue("call")
    d.log_in("1001")
    assert d.rung_for("call") == "1001"
    assert all(d.rung_for(chat) is None for chat in "abcdef"), "a call is exclusive"
    d.serve("call")
    assert [d.rung_for(chat) for chat in "abcd"] == ["1001", "1001", "1001", None]
    d.queue("second")
    assert d.rung_for("second") == "1001"


def test_a_call_goes_to_the_agent_whose_chats_it_disturbs_least() -> None:
    d = desk()
    d.log_in("1001")
    open_chats(d, "a")
    d.wait(50)
    d.log_in("1002")
    d.queue("call")
    assert d.rung_for("call") == "1002"


@pytest.mark.parametrize("how", list(HeldChats))
def test_chats_of_an_agent_who_takes_a_call_are_kept_parked_or_returned(how: HeldChats) -> None:
    d = desk(BOTH, held_chats=how)
    d.log_in("1001")
    open_chats(d, "chat")
    since = d.now
    d.wait(30)
    d.queue("call", "service")
    d.answer_call("call")
    row = d.call("chat")
    assert row is not None
    if how is HeldChats.KEEP:
        assert row.state == "talking"
        assert not d.all_of(m.ChatParked)
    elif how is HeldChats.PARK:
        offer = d.agent("1001").chats[0]
        assert d.all_of(m.ChatParked) == [m.ChatParked(offer, "chat", "1001")]
    else:
        assert (row.state, row.enqueued_at, d.agent("1001").chats) == ("waiting", since, ())
    d.restart()
    d.chat("more")
    assert d.rung_for("more") is None
    d.release_call("call")
    if how is HeldChats.PARK:
        assert [resumed.call for resumed in d.all_of(m.ChatResumed)] == ["chat"]
    if how is HeldChats.RETURN:
        assert d.rung_for("chat") == "1001"
    assert d.rung_for("more") == "1001"


def test_a_pause_lets_chats_be_finished_and_a_log_out_waits_for_the_last() -> None:
    d = desk({"1001": "sales"})
    d.log_in("1001")
    open_chats(d, "a", "b")
    d.do(m.LoggedOut(d.now, "1001"))
    assert (d.state("1001"), d.agent("1001").pending) == (S.PAUSED, "log_out")
    d.chat("c")
    assert d.rung_for("c") is None
    d.restart()
    d.release_call("a")
    d.release_call("b")
    assert d.state("1001") is S.LOGGED_OUT


def test_a_break_or_ready_calls_off_the_log_out_that_waits_for_chats() -> None:
    d = desk({"1001": "sales"})
    d.log_in("1001")
    open_chats(d, "a")
    d.do(m.LoggedOut(d.now, "1001"))
    d.do(m.Paused(d.now, "1001", "lunch"))
    d.release_call("a")
    assert (d.state("1001"), d.agent("1001").reason) == (S.PAUSED, "lunch")
    d.do(m.Readied(d.now, "1001"))
    open_chats(d, "b")
    d.do(m.LoggedOut(d.now, "1001"))
    d.do(m.Readied(d.now, "1001"))
    d.release_call("b")
    assert d.state("1001") is S.READY


def test_an_agent_removed_from_the_floor_finishes_their_chats() -> None:
    d = desk()
    d.log_in("1001")
    open_chats(d, "a")
    d.load(m.Queue("sales"), agents={"1002": "sales"})
    assert "1001" in {row.agent for row in d.engine.agents_view(d.now)}
    d.release_call("a")
    assert {row.agent for row in d.engine.agents_view(d.now)} == {"1002"}


def test_a_chat_left_ringing_goes_to_another_and_counts_as_missed() -> None:
    d = desk(TWO)
    d.log_in("1001", "1002")
    d.chat("a")
    d.do(m.OfferFailed(d.now, d.offer_for("a"), m.Cause.NO_ANSWER))
    assert d.rung_for("a") == "1002"
    agent = d.agent("1001")
    assert (agent.state, agent.chats, agent.no_answer) == (S.READY, (), 1)
    d.leave("a")
    assert d.agent("1002").chats == ()


def test_an_agent_with_no_room_for_chats_takes_calls_only() -> None:
    floor = m.Floor((m.Queue("sales"),), (m.Agent("1001", queues=("sales",), chats=0),))
    d = desk()
    d.do(m.FloorLoaded(d.now, floor))
    d.log_in("1001")
    d.chat("a")
    d.queue("b")
    assert (d.rung_for("a"), d.rung_for("b")) == (None, "1001")


def test_a_chat_is_sent_on_like_a_call_when_nobody_is_there() -> None:
    d = desk()
    d.chat("a")
    d.wait(5)
    assert d.exits() == {"a": ("nobody", "nobody_logged_in")}


def test_an_agent_without_a_screen_is_offered_no_chat_until_there_is_one() -> None:
    d = desk({"1001": "sales"})
    d.do(m.ChatRoomSet(d.now, "1001", 0))
    d.log_in("1001")
    d.chat("a")
    assert d.rung_for("a") is None
    d.restart()
    d.do(m.ChatRoomSet(d.now, "1001", None))
    assert d.rung_for("a") == "1001"


def test_a_screen_that_closes_leaves_the_chats_in_hand_and_brings_no_more() -> None:
    d = desk({"1001": "sales"})
    d.log_in("1001")
    open_chats(d, "a")
    d.do(m.ChatRoomSet(d.now, "1001", 0))
    d.chat("b")
    assert d.rung_for("b") is None
    assert len(d.agent("1001").chats) == 1
