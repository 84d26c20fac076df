"""Everyone who fits is rung at once, and it stays one offer: the first to answer has the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from acd import model as m
from acd.errors import IllegalEvent
from acd.model import AgentState as S
from acd.model import Cancel, Cause
from acd.offering import LEASE_MARGIN, RING_TOGETHER
from acd.rules.offers import RETRY_NOT_RUNG
from tests.acd.ring_all import THREE, desk, missed_nothing, one_fails, rung, takes, turns

# --- whom it rings -------------------------------------------------------------------------------


def test_everyone_who_fits_is_rung_at_once_by_one_offer_idle_longest_first() -> None:
    agents = {
        "1001": ("sales", {"loans": 5}),
        "1002": ("sales", {"loans": 9}),
        "1003": ("sales", {}),
        "1004": ("service", {"loans": 9}),
        "1005": ("sales", {"loans": 3}),
    }
    d = desk(agents)
    d.do(m.Paused(d.now, "1005", "lunch"))
    commands = d.queue("a", needs={"loans": 3})
    (offer,) = [each for each in commands if isinstance(each, m.MakeOffer)]
    assert (offer.agent, offer.also) == ("1001", ("1002",))
    assert commands[-1] == offer, "all are reserved before the first phone rings"
    assert {agent: d.state(agent) for agent in agents} == {
        "1001": S.OFFERED,
        "1002": S.OFFERED,
        "1003": S.READY,
        "1004": S.READY,
        "1005": S.PAUSED,
    }
    assert d.offer_of("1001") == d.offer_of("1002") == offer.offer
    assert d.agent("1002").call == "a"


def test_at_most_twenty_phones_ring_at_once() -> None:
    d = desk({f"{n}": "sales" for n in range(1000, 1030)})
    d.queue("a")
    assert rung(d, "a") == [f"{n}" for n in range(1000, 1000 + RING_TOGETHER)]
    d.queue("b")
    assert rung(d, "b") == [f"{n}" for n in range(1020, 1030)]


def test_a_second_waiting_caller_gets_an_agent_of_their_own() -> None:
    d = desk()
    d.queue("a")
    d.queue("b")
    assert rung(d, "b") == [], "all phones ring for who came first"
    d.queue("c")
    takes(d, "1002")
    assert rung(d, "b") == ["1001"]
    assert rung(d, "c") == ["1003"]


def test_who_is_left_when_every_caller_has_an_agent_is_rung_for_the_first_of_them() -> None:
    d = desk({**THREE, "1004": "sales"})
    for call in ("a", "b", "c"):
        d.queue(call)
    takes(d, "1001")
    assert rung(d, "b") == ["1002", "1004"]
    assert rung(d, "c") == ["1003"]


def test_a_waiting_chat_comes_before_a_second_phone_for_one_caller() -> None:
    d = desk({"1001": "sales", "1002": "sales"})
    d.queue("a")
    d.chat("letter")
    takes(d, "1002")
    assert d.rung_for("letter") == "1001"
    d.queue("b")
    assert rung(d, "b") == ["1001"], "who holds a chat may be rung for a call"


def test_who_becomes_ready_while_it_rings_is_rung_for_the_next_caller() -> None:
    d = desk(there=False)
    d.log_in("1001", "1002")
    d.queue("a")
    d.log_in("1003")
    assert d.state("1003") is S.READY
    d.queue("b")
    assert rung(d, "b") == ["1003"]
    assert rung(d, "a") == ["1001", "1002"]


@pytest.mark.parametrize("one", [{"agent": "1002"}, {"prefers": "1002"}])
def test_a_caller_who_wants_one_agent_disturbs_no_other(one: dict[str, Any]) -> None:
    d = desk()
    d.queue("a", **one)
    assert rung(d, "a") == ["1002"]
    assert d.state("1001") is d.state("1003") is S.READY


def test_a_preference_that_ends_lets_all_be_rung() -> None:
    d = desk(retry_same_agent_after=5)
    d.queue("a", prefers="1002")
    one_fails(d, "1002")
    assert rung(d, "a") == ["1001", "1003"]


def test_a_chat_rings_at_one_agent() -> None:
    d = desk()
    d.chat("letter")
    assert rung(d, "letter") == ["1001"]


def test_a_question_to_a_colleague_rings_at_one() -> None:
    d = desk()
    d.queue("a")
    takes(d, "1001")
    d.do(m.ConsultationAsked(d.now, d.offer_of("1001"), "a.c", "sales"))
    assert rung(d, "a.c") == ["1002"]


def test_a_callback_keeps_one_agent_free_and_rings_all_when_the_customer_is_on_the_line() -> None:
    d = desk(callbacks=m.Callbacks(m.First.CUSTOMER))
    d.do(m.CallbackQueued(d.now, "back", "k", "sales", {}, 0, d.now, "anna"))
    assert [d.state(agent) for agent in THREE] == [S.OFFERED, S.READY, S.READY]
    d.do(m.CustomerAnswered(d.now, "back"))
    assert rung(d, "back") == ["1001", "1002", "1003"]
    takes(d, "1003")
    assert [d.state(agent) for agent in THREE] == [S.READY, S.READY, S.TALKING]


def test_a_callback_that_an_agent_takes_first_rings_at_one() -> None:
    d = desk(callbacks=m.Callbacks(m.First.AGENT))
    d.do(m.CallbackQueued(d.now, "back", "k", "sales", {}, 0, d.now, "anna"))
    assert rung(d, "back") == ["1001"]


# --- the first to answer -------------------------------------------------------------------------


@pytest.mark.parametrize("first", [*THREE])
def test_the_first_to_answer_has_the_caller_and_the_others_are_idle_as_before(first: str) -> None:
    d = desk()
    before = {agent: d.agent(agent) for agent in THREE}
    d.queue("a")
    d.wait(5)
    commands = takes(d, first)
    row = d.call("a")
    assert row is not None
    assert (row.state, row.agent, row.also) == ("talking", first, ())
    assert not [each for each in commands if isinstance(each, m.CancelOffer | m.StopRinging)]
    for agent in THREE.keys() - {first}:
        now = d.agent(agent)
        assert (now.state, now.offer, now.idle_since) == (S.READY, None, before[agent].idle_since)
        assert missed_nothing(now)
        assert turns(d, agent) == {}
        assert m.AgentChanged(agent, S.READY, "", d.now) in commands
    assert turns(d, first) == {"sales": 1}
    assert d.row().answered == 1


def test_an_answer_that_names_nobody_is_that_of_the_one_whom_the_offer_names() -> None:
    d = desk()
    d.queue("a")
    d.answer_call("a")
    assert [d.state(agent) for agent in THREE] == [S.TALKING, S.READY, S.READY]


def test_whoever_answers_second_is_refused() -> None:
    d = desk()
    d.queue("a")
    offer = d.offer_for("a")
    takes(d, "1003")
    for agent in THREE:
        with pytest.raises(IllegalEvent, match="answered already"):
            d.do(m.OfferAnswered(d.now, offer, agent))
    assert d.state("1003") is S.TALKING


@pytest.mark.parametrize(
    "event", [m.OfferAnswered, lambda *of: m.OfferFailed(*of[:2], Cause.BUSY, of[2])]
)
def test_a_word_of_somebody_whom_the_offer_does_not_ring_is_refused(
    event: Callable[..., m.Event],
) -> None:
    d = desk()
    d.queue("a", agent="1002")
    with pytest.raises(IllegalEvent, match="does not ring agent 1001; it rings: 1002"):
        d.do(event(d.now, d.offer_for("a"), "1001"))


def test_what_was_asked_while_it_rang_is_done_when_a_colleague_answers() -> None:
    d = desk()
    d.queue("a")
    d.do(m.Paused(d.now, "1003", "lunch"))
    assert rung(d, "a") == [*THREE], "it may be them who have picked up"
    takes(d, "1001")
    assert d.state("1003") is S.PAUSED
    assert d.agent("1003").reason == "lunch"


# --- one phone of several ------------------------------------------------------------------------


def test_one_agents_decline_leaves_the_others_ringing() -> None:
    d = desk(retry_same_agent_after=30)
    d.queue("a")
    offer = d.offer_for("a")
    d.wait(3)
    commands = one_fails(d, "1002")
    assert commands == [m.AgentChanged("1002", S.READY, "", d.now)]
    assert rung(d, "a") == ["1001", "1003"]
    row = d.agent("1002")
    assert (row.rejected, row.streak, row.offer, row.idle_since) == (1, 1, None, d.now)
    d.queue("b")
    assert rung(d, "b") == ["1002"], "free for any other caller"
    takes(d, "1003")
    assert d.offer_of("1003") == offer
    assert missed_nothing(d.agent("1001"))


def test_when_the_named_agent_declines_the_next_is_named() -> None:
    d = desk()
    d.queue("a")
    one_fails(d, "1001")
    assert rung(d, "a") == ["1002", "1003"]
    d.answer_call("a")
    assert d.state("1002") is S.TALKING


def test_the_last_ones_failure_returns_the_caller_to_the_place() -> None:
    d = desk(retry_same_agent_after=30)
    d.queue("a", enqueued_at=d.now - 60)
    before = d.call("a")
    for agent, cause in zip(THREE, (Cause.BUSY, Cause.REJECTED, Cause.NO_ANSWER), strict=True):
        assert rung(d, "a")
        one_fails(d, agent, cause)
    row = d.call("a")
    assert before is not None
    assert row is not None
    assert (row.state, row.enqueued_at, row.left_out) == ("waiting", before.enqueued_at, (*THREE,))
    assert [d.agent(agent).streak for agent in THREE] == [1, 1, 1]
    d.wait(30)
    assert rung(d, "a") == [*THREE]


def test_who_rang_to_the_end_has_missed_it_each_of_them() -> None:
    d = desk(no_answer_limit=1)
    d.queue("a")
    d.wait(20)
    d.do(m.OfferFailed(d.now, d.offer_for("a"), Cause.NO_ANSWER))
    for agent in THREE:
        row = d.agent(agent)
        assert (row.no_answer, row.state, row.reason) == (1, S.PAUSED, "no answer")
        assert turns(d, agent)
    assert d.state("1001") is S.PAUSED


def test_without_news_the_lease_ends_it_for_all() -> None:
    d = desk(retry_same_agent_after=1000)
    d.queue("a")
    offer = d.offer_for("a")
    commands = d.wait(20 + LEASE_MARGIN)
    cancels = [each for each in commands if isinstance(each, m.CancelOffer)]
    assert cancels == [m.CancelOffer(offer, "a", "1001", Cancel.EXPIRED)]
    assert [d.agent(agent).no_answer for agent in THREE] == [1, 1, 1]
    assert [d.state(agent) for agent in THREE] == [S.READY] * 3
    assert d.call("a").state == "waiting"  # type: ignore[union-attr] # it still waits


def test_what_our_own_side_lost_blames_nobody() -> None:
    d = desk()
    d.queue("a")
    one_fails(d, "1002", Cause.LOST)
    assert rung(d, "a") == ["1001", "1003"]
    d.do(m.OfferFailed(d.now, d.offer_for("a"), Cause.LOST))
    assert all(missed_nothing(d.agent(agent)) for agent in THREE)
    d.wait(RETRY_NOT_RUNG)
    assert rung(d, "a") == [*THREE]


def test_who_comes_while_all_phones_ring_finds_a_queue_without_room_full() -> None:
    d = desk(max_waiting=0)
    d.queue("a")
    d.queue("b")
    assert d.exits() == {"b": ("full", "")}
    takes(d, "1001")
    d.queue("c")
    assert rung(d, "c") == ["1002", "1003"]
