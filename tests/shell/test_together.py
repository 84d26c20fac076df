"""Several phones ring for one offer: one has it, and each word is held against whom it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from acd.model import (
    Agent,
    Cancel,
    Cause,
    Floor,
    LoggedOut,
    PhoneTaken,
    StopRinging,
    Strategy,
)
from acd.views import AgentRow
from tests.shell.bench import SALES, Bench

CREW = ("1001", "1002", "1003")
FLOOR = Floor(
    (replace(SALES, strategy=Strategy.RING_ALL),),
    tuple(Agent(each, "", ("sales",)) for each in CREW),
)


class Together(Bench):
    """Three phones that are rung from one Dial."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, FLOOR)

    def leg(self, agent: str) -> str:
        return f"{self.offer}@{agent}"

    def phone(self, agent: str, word: str) -> None:
        """`rings`, `answers`, `goes`, or why it did not: what AMI says of that phone."""
        match word:
            case "rings":
                self.legs.ringing(self.leg(agent), f"PJSIP/{agent}-1")
            case "answers":
                self.legs.answered(self.leg(agent), f"PJSIP/{agent}-1")
            case "goes":
                self.legs.ended(self.leg(agent))
            case cause:
                self.legs.failed(self.leg(agent), Cause(cause))

    def all_ring(self) -> None:
        for agent in CREW:
            self.phone(agent, "rings")

    def dial(self, status: str, phone: str = "") -> bool:
        """The caller's Dial comes back."""
        return self.legs.settle(self.contact, self.offer, status, phone)

    def row(self, agent: str) -> AgentRow:
        return self.distributor.engine.agent_row(agent, self.now)

    def states(self) -> dict[str, str]:
        return {each: self.row(each).state.value for each in CREW}

    def unblamed(self, *agents: str) -> None:
        """They are ready, and nothing is held against them."""
        for agent in agents:
            row = self.row(agent)
            missed = (row.no_answer, row.rejected, row.busy, row.unreachable, row.streak)
            assert (row.state, missed) == ("ready", (0, 0, 0, 0, 0)), agent

    def failures(self) -> list[tuple[str, str]]:
        """Whom the contact's story names, and why."""
        told = [each.data for each in self.told if each.kind == "offer_failed"]
        return [(str(each["agent"]), str(each["cause"])) for each in told]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Together]:
    with Together(tmp_path) as bench:
        yield bench


# --- one answers -----------------------------------------------------------------------------

STOPS = [("1001", "caller_left"), ("1001", "goes"), ("1003", "caller_left"), ("1003", "goes")]
"""What is said of the others when Dial stops them."""


@pytest.mark.parametrize("at", range(len(STOPS) + 1))
@pytest.mark.parametrize("own_dial", [True, False])
def test_who_answers_has_the_caller_however_the_others_are_said_to_stop(
    bench: Together, at: int, own_dial: bool
) -> None:
    bench.all_ring()
    if not own_dial:
        bench.again()
        bench.all_ring()
    for agent, word in [*STOPS[:at], ("1002", "answers"), *STOPS[at:]]:
        bench.phone(agent, word)
    assert bench.row("1002").state == "talking"
    assert (bench.contact.phase, bench.contact.agent) == ("talking", "1002")
    bench.unblamed("1001", "1003")
    assert bench.kinds() == ["answered"]
    bench.phone("1002", "goes")
    bench.dial("ANSWER", "1002")
    assert bench.row("1002").state == "wrap_up"
    assert bench.kinds() == ["answered", "agent_left"]


def test_dial_alone_tells_who_has_talked(bench: Together) -> None:
    assert bench.dial("ANSWER", "1003")
    assert bench.row("1003").state == "wrap_up"
    bench.unblamed("1001", "1002")


def test_the_one_phone_that_has_not_stopped_is_the_one_that_was_taken(bench: Together) -> None:
    """A Dial that outlasts its ringing was answered, by whom nobody else can tell."""
    bench.all_ring()
    bench.phone("1001", "goes")
    bench.phone("1002", "goes")
    bench.legs.answered(bench.offer)
    assert bench.contact.agent == "1003"


@pytest.mark.parametrize("who", CREW)
def test_a_talk_is_not_cut_because_another_was_thought_to_have_it(
    bench: Together, who: str
) -> None:
    """AMI was away for all of the ringing; now it shows who talks."""
    with bench.legs.dialling(bench.offer, {each: each for each in CREW}):
        bench.all_ring()
        bench.legs.answered(bench.offer)
        bench.legs.reconcile({bench.leg(who): (f"PJSIP/{who}-2", True)})
        assert bench.hung_up == []
        assert bench.legs.standing() == {bench.offer: True}
        for other in CREW:
            if other != who:
                bench.phone(other, "goes")
        assert bench.legs.standing() == {bench.offer: True}
        bench.phone(who, "goes")
    assert bench.dial("ANSWER", who)
    assert bench.kinds() == ["answered", "agent_left"]
    assert sorted(bench.states().values()) == ["ready", "ready", "wrap_up"]


def test_phones_at_desks_and_at_other_nodes_are_those_of_who_sits_there(bench: Together) -> None:
    bench.distributor.send(PhoneTaken(bench.now, "1003", "5001"))
    bench.legs.ringing(f"{bench.offer}@5001", "PJSIP/5001-1")
    bench.legs.ringing(f"{bench.offer}@1002@node-n2", "PJSIP/node-n2-1")
    bench.legs.answered(f"{bench.offer}@5001")
    assert bench.contact.agent == "1003"
    assert bench.hung_up == []


# --- one does not ----------------------------------------------------------------------------


@pytest.mark.parametrize("cause", ["rejected", "busy", "unreachable", "no_answer"])
@pytest.mark.parametrize("who", CREW)
def test_one_who_does_not_take_it_leaves_the_others_ringing(
    bench: Together, who: str, cause: str
) -> None:
    bench.all_ring()
    bench.phone(who, cause)
    bench.phone(who, "goes")
    others = [each for each in CREW if each != who]
    assert (bench.row(who).state, getattr(bench.row(who), cause)) == ("ready", 1)
    assert [bench.states()[each] for each in others] == ["offered", "offered"]
    assert bench.failures() == [(who, cause)]
    bench.phone(others[1], "answers")
    assert bench.contact.agent == others[1]
    bench.unblamed(others[0])


@pytest.mark.parametrize("order", list(permutations(CREW)), ids="-".join)
def test_when_the_last_one_says_no_the_offer_is_over(
    bench: Together, order: tuple[str, ...]
) -> None:
    bench.all_ring()
    for agent in order:
        bench.phone(agent, "rejected")
        bench.phone(agent, "goes")
    assert not bench.dial("BUSY")
    assert [bench.row(each).rejected for each in CREW] == [1, 1, 1]
    assert bench.failures() == [(each, "rejected") for each in order]
    assert bench.waits()
    assert not bench.legs.knows(bench.offer)


@pytest.mark.parametrize("said", range(len(CREW) + 1))
def test_ringing_to_the_end_is_missed_once_by_each_who_rang(bench: Together, said: int) -> None:
    bench.all_ring()
    for agent in CREW[:said]:
        bench.phone(agent, "no_answer")
    bench.dial("NOANSWER")
    for agent in CREW:
        bench.phone(agent, "goes")
    assert [bench.row(each).no_answer for each in CREW] == [1, 1, 1]
    assert bench.waits()


def test_a_phone_that_was_never_there_is_out_of_reach_and_waited_for_no_longer(
    bench: Together,
) -> None:
    bench.phone("1001", "rings")
    bench.phone("1003", "rings")
    bench.now += 7
    bench.legs.give_back_unclaimed()
    assert (bench.row("1002").state, bench.row("1002").unreachable) == ("ready", 1)
    assert [bench.states()[each] for each in ("1001", "1003")] == ["offered", "offered"]


def test_at_the_end_of_the_ringing_it_is_told_too_who_was_never_rung(bench: Together) -> None:
    bench.phone("1001", "rings")
    bench.phone("1003", "rings")
    bench.dial("NOANSWER")
    found = [(bench.row(each).no_answer, bench.row(each).unreachable) for each in CREW]
    assert found == [(1, 0), (0, 1), (1, 0)]


# --- the caller leaves -----------------------------------------------------------------------


@pytest.mark.parametrize("at", range(len(STOPS) + 1))
def test_a_caller_who_leaves_costs_none_of_them_anything(bench: Together, at: int) -> None:
    bench.all_ring()
    for agent, word in STOPS[:at]:
        bench.phone(agent, word)
    bench.legs.caller_left(bench.contact)
    for agent, word in STOPS[at:]:
        bench.phone(agent, word)
    bench.unblamed(*CREW)
    assert bench.kinds() == ["offer_failed", "ended"]
    assert bench.told[0].data["also"] == ["1002", "1003"]
    assert bench.told[-1].data["outcome"] == "abandoned"


# --- one is let go ---------------------------------------------------------------------------


def test_one_who_logs_out_stops_ringing_and_the_others_ring_on(bench: Together) -> None:
    bench.all_ring()
    bench.distributor.send(LoggedOut(bench.now, "1002"))
    assert bench.hung_up == ["PJSIP/1002-1"]
    bench.phone("1002", "goes")
    assert bench.states() == {"1001": "offered", "1002": "logged_out", "1003": "offered"}


def test_a_phone_that_begins_to_ring_after_it_was_let_go_is_hung_up(bench: Together) -> None:
    bench.distributor.send(LoggedOut(bench.now, "1002"))
    bench.all_ring()
    assert bench.hung_up == ["PJSIP/1002-1"]


def test_one_who_picks_up_at_the_instant_of_being_let_go_does_not_have_the_caller(
    bench: Together,
) -> None:
    bench.all_ring()
    bench.distributor.send(LoggedOut(bench.now, "1002"))
    bench.phone("1002", "answers")
    assert set(bench.hung_up) == {"PJSIP/1002-1"}
    assert not bench.dial("ANSWER", "1002")
    bench.unblamed("1001", "1003")
    assert bench.waits()


def test_who_was_let_go_elsewhere_before_the_answer_loses_the_caller_again(
    bench: Together,
) -> None:
    """Another node's word was first: the domain never had this answer."""
    bench.all_ring()
    bench.phone("1002", "answers")
    bench.legs.on_command(StopRinging(bench.offer, "c-1.1", "1002", Cancel.WITHDRAWN))
    assert bench.hung_up == ["PJSIP/1002-1"]
    assert bench.legs.standing() == {}
    assert not bench.dial("ANSWER", "1002"), "the wait goes on"
    assert (bench.contact.phase, bench.contact.agent) == ("waiting", "")


def test_an_offer_taken_back_stops_every_phone(bench: Together) -> None:
    bench.all_ring()
    bench.tick(10 + 31)
    assert sorted(bench.hung_up) == [f"PJSIP/{each}-1" for each in CREW]


# --- after a silence -------------------------------------------------------------------------


def look(bench: Together, *ring: str) -> None:
    """What Asterisk shows: the phones that ring."""
    bench.legs.reconcile({bench.leg(each): (f"PJSIP/{each}-1", False) for each in ring})


def test_a_later_service_finds_all_three_ringing(bench: Together) -> None:
    bench.again()
    look(bench, *CREW)
    assert set(bench.states().values()) == {"offered"}
    bench.phone("1003", "answers")
    assert bench.contact.agent == "1003"
    bench.unblamed("1001", "1002")


@pytest.mark.parametrize("who", CREW)
def test_a_later_service_asks_the_channel_who_has_answered(bench: Together, who: str) -> None:
    bench.again()
    bench.legs.reconcile({bench.leg(who): (f"PJSIP/{who}-1", True)})
    assert bench.contact.agent == who
    assert bench.row(who).state == "talking"
    bench.unblamed(*(each for each in CREW if each != who))


def test_who_is_not_rung_any_more_when_the_next_service_looks_is_free(bench: Together) -> None:
    bench.again()
    look(bench, "1001", "1003")
    bench.unblamed("1002")
    look(bench)
    bench.unblamed(*CREW)
    assert bench.waits()


def test_while_its_own_dial_runs_asterisks_silence_about_one_phone_means_nothing(
    bench: Together,
) -> None:
    with bench.legs.dialling(bench.offer, {each: each for each in CREW}):
        look(bench, "1001")
        assert set(bench.states().values()) == {"offered"}


def test_a_talk_that_nobody_heard_of_is_of_whose_phone_the_caller_was_joined_with(
    bench: Together,
) -> None:
    bench.contact.offer, bench.contact.rung = bench.offer, "1001"
    bench.contact.rung_too = ["1002", "1003"]
    bench.again()
    bench.legs.spoke_unheard(bench.contact, "1003")
    assert bench.contact.agent == "1003"
    bench.unblamed("1001", "1002")


def test_so_it_is_when_the_distributor_has_given_the_offer_up(bench: Together) -> None:
    bench.contact.offer, bench.contact.rung = bench.offer, "1001"
    bench.contact.rung_too = ["1002", "1003"]
    bench.tick(10 + 31)
    bench.legs.spoke_unheard(bench.contact, "1002")
    assert bench.contact.agent == "1002"
