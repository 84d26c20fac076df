"""Words about an offer come twice, in any order, late or never: the end is the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations
from pathlib import Path

import pytest

from acd.model import (
    CallMoved,
    CallWithdrawn,
    Cancel,
    CancelOffer,
    Cause,
    Floor,
    FloorLoaded,
    LoggedIn,
    Queue,
)
from acd.offering import LEASE_MARGIN
from tests.shell.bench import ANA, BO, SALES, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as bench:
        yield bench


def orders(*words: str, last: bool = False) -> list[tuple[str, ...]]:
    """Every order of every choice of these words; with `last`, the last of them is always said."""
    chosen = [part for n in range(1, len(words) + 1) for part in combinations(words, n)]
    return [
        order for part in chosen for order in permutations(part) if words[-1] in part or not last
    ]


def spoken(words: tuple[str, ...]) -> str:
    return ", ".join(words)


# --- the agent answers -----------------------------------------------------------------------


@pytest.mark.parametrize("after", orders("goes", "dial ANSWER", "is gone"), ids=spoken)
def test_a_talk_that_is_over_is_told_once_and_followed_by_wrap_up(
    bench: Bench, after: tuple[str, ...]
) -> None:
    for word in ("rings", "answers", *after, "goes"):
        bench.say(word)
    assert bench.agent().state == "wrap_up"
    assert (bench.contact.phase, bench.contact.agent) == ("talking", "1001")
    assert bench.kinds() == ["answered", "agent_left"]
    assert not bench.waits()
    assert bench.legs.standing() == {}


@pytest.mark.parametrize("words", orders("rings", "answers", "is up", last=True), ids=spoken)
def test_an_answer_counts_once_whoever_tells_it(bench: Bench, words: tuple[str, ...]) -> None:
    for word in words:
        bench.say(word)
    row = bench.agent()
    assert (row.state, row.taken) == ("talking", 1)
    assert bench.kinds() == ["answered"]


def test_dial_alone_tells_of_the_whole_talk(bench: Bench) -> None:
    assert bench.legs.settle(bench.contact, bench.offer, "ANSWER")
    assert bench.agent().state == "wrap_up"
    assert bench.kinds() == ["answered", "agent_left"]


def test_the_caller_who_leaves_the_talk_starts_the_wrap_up_and_closes_the_contact(
    bench: Bench,
) -> None:
    for word in ("rings", "answers", "caller", "caller", "goes"):
        bench.say(word)
    assert bench.agent().state == "wrap_up"
    assert bench.kinds() == ["answered", "agent_left", "ended"]
    assert bench.told[-1].data["outcome"] == "answered"


# --- the agent does not ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "status"),
    [("no_answer", "NOANSWER"), ("rejected", "NOANSWER"), ("busy", "BUSY")],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (0, 1), (0, 2), (0,)], ids=str)
def test_a_failure_is_counted_once_with_the_cause_that_came_first(
    bench: Bench, first: str, status: str, order: tuple[int, ...]
) -> None:
    words = (f"fails {first}", "goes", f"dial {status}")
    bench.say("rings")
    for index in order:
        bench.say(words[index])
    row = bench.agent()
    assert (row.state, row.streak, getattr(row, first)) == ("ready", 1, 1)
    assert bench.kinds() == ["offer_failed"]
    assert bench.waits()


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("NOANSWER", "no_answer"),
        ("BUSY", "busy"),
        ("CHANUNAVAIL", "unreachable"),
        ("CONGESTION", "unreachable"),
        ("DONTCALL", "rejected"),
        ("TORTURE", "rejected"),
        ("SOMETHING NEW", "unreachable"),
    ],
)
def test_dial_alone_tells_why_the_agent_did_not_answer(
    bench: Bench, status: str, cause: str
) -> None:
    assert not bench.legs.settle(bench.contact, bench.offer, status)
    assert getattr(bench.agent(), cause) == 1
    assert bench.told[0].data["cause"] == cause
    assert bench.waits()


def test_a_dial_broken_off_on_a_living_channel_is_nobodys_fault(bench: Bench) -> None:
    bench.say("fails caller_left")
    bench.say("dial CANCEL")
    assert (bench.agent().state, bench.agent().streak) == ("ready", 0)
    assert bench.waits()


# --- the caller leaves while it rings --------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("rings", "fails caller_left", "goes", "caller"),
        ("rings", "fails caller_left", "caller", "goes"),
        ("rings", "caller", "fails caller_left", "goes"),
        ("caller", "rings", "fails caller_left", "goes"),
        ("caller", "answers", "goes"),
        ("rings", "caller", "caller"),
    ],
    ids=spoken,
)
def test_a_caller_who_leaves_while_it_rings_costs_no_agent_anything(
    bench: Bench, words: tuple[str, ...]
) -> None:
    for word in words:
        bench.say(word)
    row = bench.agent()
    assert (row.state, row.streak, row.no_answer, row.taken) == ("ready", 0, 0, 0)
    assert bench.kinds() == ["offer_failed", "ended"]
    assert (bench.told[-1].data["outcome"], bench.told[-1].data["by"]) == ("abandoned", "caller")
    assert not bench.waits()
    assert bench.journal.all_live() == {}


def test_a_phone_that_begins_to_ring_for_a_caller_who_is_gone_is_hung_up(bench: Bench) -> None:
    bench.say("caller")
    bench.say("rings")
    assert bench.hung_up == ["PJSIP/1001-1"]


def test_the_caller_leaves_at_the_very_instant_of_the_next_offer(bench: Bench) -> None:
    """An agent fails, the next is offered the call, and the caller goes before anything rings."""
    bench.distributor.send(FloorLoaded(bench.now, Floor((SALES,), (ANA, BO))))
    bench.distributor.send(LoggedIn(bench.now, "1002"))
    bench.say("fails busy")
    assert [each for each in bench.legs.standing() if each != bench.offer]
    bench.say("caller")
    assert bench.legs.standing() == {}
    assert [row.state for row in bench.distributor.engine.agents_view(bench.now)] == ["ready"] * 2


# --- taken back ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [("rings",), ("answers",), ("rings", "goes"), ("answers", "dial ANSWER"), ("dial NOANSWER",)],
    ids=spoken,
)
def test_what_comes_after_a_withdrawal_changes_nothing(
    bench: Bench, words: tuple[str, ...]
) -> None:
    bench.distributor.send(CallWithdrawn(bench.now, "c-1.1", "console"))
    for word in words:
        bench.say(word)
    assert bench.agent().state == "ready"
    assert bench.kinds() == ["offer_failed"]
    assert bench.contact.phase == "waiting"
    assert bench.legs.standing() == {}


def test_a_withdrawal_stops_the_phone_that_rings(bench: Bench) -> None:
    bench.say("rings")
    bench.distributor.send(CallWithdrawn(bench.now, "c-1.1", "console"))
    assert bench.hung_up == ["PJSIP/1001-1"]


def test_an_offer_taken_back_elsewhere_before_the_answer_leaves_the_caller_waiting(
    bench: Bench,
) -> None:
    """Another node's word was first: the domain never had this answer, and looks for an agent."""
    bench.say("rings")
    bench.say("answers")
    bench.legs.on_command(CancelOffer(bench.offer, "c-1.1", "1001", Cancel.FORCED))
    assert bench.hung_up == ["PJSIP/1001-1"]
    bench.say("goes")
    assert not bench.legs.settle(bench.contact, bench.offer, "ANSWER"), "the wait goes on"
    assert (bench.contact.phase, bench.contact.agent) == ("waiting", "")
    assert bench.kinds() == ["answered", "agent_left", "offer_failed"]


def test_a_call_moved_while_it_rings_is_not_taken_for_answered(bench: Bench) -> None:
    """The agent answers and is hung up in the same instant: the caller goes on waiting."""
    bench.distributor.send(FloorLoaded(bench.now, Floor((SALES, Queue("help")), (ANA,))))
    bench.say("rings")
    bench.distributor.send(CallMoved(bench.now, "c-1.1", "help", "console"))
    bench.say("answers")
    assert not bench.legs.settle(bench.contact, bench.offer, "ANSWER")
    assert bench.waits()


def test_a_lease_that_runs_out_ends_the_ringing(bench: Bench) -> None:
    bench.say("rings")
    bench.tick(10 + LEASE_MARGIN + 1)
    assert bench.hung_up == ["PJSIP/1001-1"]
    assert (bench.agent().state, bench.agent().no_answer) == ("ready", 1)
    bench.say("answers")
    assert bench.agent().state == "ready"


# --- nobody stands at the call ---------------------------------------------------------------


def test_an_offer_that_no_session_takes_up_is_given_back_unblamed(bench: Bench) -> None:
    bench.now += 7
    bench.legs.give_back_unclaimed()
    assert (bench.agent().state, bench.agent().streak) == ("ready", 0)
    assert bench.waits()


@pytest.mark.parametrize("word", ["rings", "is up"])
def test_an_offer_that_rings_or_talks_is_not_given_back(bench: Bench, word: str) -> None:
    bench.say(word)
    bench.now += 7
    bench.legs.give_back_unclaimed()
    assert bench.offer in bench.legs.standing()


def test_an_offer_a_session_is_about_to_ring_is_not_given_back(bench: Bench) -> None:
    with bench.legs.dialling(bench.offer):
        bench.now += 7
        bench.legs.give_back_unclaimed()
        assert bench.legs.is_open(bench.offer)
        assert bench.legs.may_be_answered(bench.contact)
        assert bench.legs.unrung(bench.contact) is None


def test_an_offer_nobody_has_heard_of_can_be_taken_up_later(bench: Bench) -> None:
    made = bench.legs.unrung(bench.contact)
    assert made is not None
    assert (made.offer, made.agent, made.ring_seconds) == (bench.offer, "1001", 10)


# --- after a silence -------------------------------------------------------------------------


@pytest.mark.parametrize("answered", [False, True])
def test_a_leg_that_vanished_with_the_last_service_frees_the_agent(
    bench: Bench, answered: bool
) -> None:
    if answered:
        bench.say("answers")
    bench.again()
    bench.say("is gone")
    row = bench.agent()
    assert (row.state, row.streak) == ("wrap_up" if answered else "ready", 0)
    assert bench.legs.standing() == {}


def test_a_leg_that_rings_since_the_last_service_still_counts(bench: Bench) -> None:
    bench.again()
    bench.legs.reconcile({bench.offer: ("PJSIP/1001-1", False)})
    bench.say("answers")
    assert bench.agent().state == "talking"


def test_while_dial_runs_asterisks_silence_about_the_leg_means_nothing(bench: Bench) -> None:
    """The list may have been made before Dial made its channel; Dial will tell how it went."""
    with bench.legs.dialling(bench.offer):
        bench.say("is gone")
        assert bench.legs.is_open(bench.offer)
    bench.say("is gone")
    assert not bench.legs.is_open(bench.offer)


def test_an_offer_made_while_asterisk_was_asked_is_not_missing_from_its_answer(
    bench: Bench,
) -> None:
    bench.say("answers")
    bench.legs.reconcile({}, suspects=frozenset())
    assert bench.agent().state == "talking"


def test_a_phone_that_rings_for_nobody_is_hung_up_and_a_talk_is_left_alone(bench: Bench) -> None:
    legs = {"other-1": ("PJSIP/1002-1", False), "other-2": ("PJSIP/1003-1", True)}
    bench.legs.reconcile(legs)
    assert bench.hung_up == ["PJSIP/1002-1"]


def test_words_about_an_offer_that_never_was_change_nothing(bench: Bench) -> None:
    legs = bench.legs
    legs.answered("x")
    legs.failed("x", Cause.BUSY)
    legs.ended("x")
    assert not legs.settle(bench.contact, "x", "BUSY")
    assert bench.agent().state == "offered"
