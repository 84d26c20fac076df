"""Where an agent's calls ring: one phone at a time, and nobody else's."""

from __future__ import annotations

import pytest

from acd import model as m
from acd.errors import IllegalEvent
from acd.model import AgentState as S
from tests.acd.desk import Desk
from tests.acd.test_transfers import consult, talking


def desk() -> Desk:
    return Desk(m.Queue("sales"), agents={"1001": "sales", "1002": "sales"})


def at(d: Desk, agent: str) -> str:
    return d.agent(agent).phone


def test_a_desk_belongs_to_who_logged_in_there_until_they_log_out() -> None:
    d = desk()
    d.do(m.LoggedIn(d.now, "1001", phone="5001"))
    with pytest.raises(IllegalEvent, match="agent 1001 is logged in at phone 5001"):
        d.do(m.LoggedIn(d.now, "1002", phone="5001"))
    d.restart()
    assert (at(d, "1001"), d.state("1002")) == ("5001", S.LOGGED_OUT)
    d.do(m.LoggedOut(d.now, "1001"))
    d.do(m.LoggedIn(d.now, "1002", phone="5001"))
    assert (at(d, "1001"), at(d, "1002")) == ("", "5001")


def test_a_desk_is_kept_until_the_work_of_who_logs_out_is_over() -> None:
    d = desk()
    d.do(m.LoggedIn(d.now, "1001", phone="5001"))
    d.queue("a")
    d.answer("1001")
    d.do(m.LoggedOut(d.now, "1001"))
    with pytest.raises(IllegalEvent, match="logged in at phone 5001"):
        d.do(m.LoggedIn(d.now, "1002", phone="5001"))
    d.release("1001")
    d.do(m.WrapUpEnded(d.now, "1001"))
    assert at(d, "1001") == ""


def test_calls_follow_to_a_mobile_and_back_and_two_may_have_one_each() -> None:
    d = desk()
    d.log_in("1001", "1002")
    d.do(m.PhoneTaken(d.now, "1001", m.MOBILE))
    d.do(m.PhoneTaken(d.now, "1002", m.MOBILE))
    assert (at(d, "1001"), at(d, "1002")) == ("mobile", "mobile")
    d.do(m.PhoneTaken(d.now, "1001", ""))
    assert (at(d, "1001"), at(d, "1002")) == ("", "mobile")


def test_who_is_logged_out_takes_calls_nowhere() -> None:
    d = desk()
    with pytest.raises(IllegalEvent, match="logged out"):
        d.do(m.PhoneTaken(d.now, "1001", m.MOBILE))


def test_a_transfer_that_is_heard_of_after_the_hang_up_still_hands_the_customer_over() -> None:
    d = talking()
    d.log_in("1002")
    consult(d)
    d.wait(10)
    d.answer("1002")
    d.wait(8)
    d.release("1001")
    ends = d.agent("1001").wrap_up_until
    d.do(m.ConsultationCompleted(d.now, "ask"))
    assert (d.state("1001"), d.state("1002")) == (S.WRAP_UP, S.TALKING)
    assert d.agent("1001").wrap_up_until == ends
    assert d.agent("1001").talk_seconds == 18
