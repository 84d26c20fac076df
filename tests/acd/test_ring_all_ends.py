"""All phones ring for one caller, and something else happens: to the caller, to an agent, to us."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acd import model as m
from acd.engine import Engine
from acd.model import AgentState as S
from acd.model import Cancel, Cause, Strategy
from tests.acd.desk import Desk
from tests.acd.ring_all import RULES, THREE, desk, missed_nothing, one_fails, rung, takes, turns

# --- the caller, supervisors, reloads ------------------------------------------------------------


def by_leaving(d: Desk) -> m.Event:
    return m.CallLeft(d.now, "a")


def by_the_phones_word(d: Desk) -> m.Event:
    return m.OfferFailed(d.now, d.offer_for("a"), Cause.CALLER_LEFT, "1002")


@pytest.mark.parametrize("how", [by_leaving, by_the_phones_word])
def test_a_caller_who_hangs_up_stops_every_phone_and_nobody_is_blamed(
    how: Callable[[Desk], m.Event],
) -> None:
    d = desk()
    idle = {agent: d.agent(agent).idle_since for agent in THREE}
    d.queue("a")
    d.wait(10)
    d.do(how(d))
    assert d.call("a") is None
    assert d.row().abandoned == 1
    for agent, since in idle.items():
        row = d.agent(agent)
        assert (row.state, row.offer, row.idle_since) == (S.READY, None, since)
        assert missed_nothing(row)
        assert turns(d, agent) == {}


def test_a_call_that_is_moved_stops_every_phone_with_one_word() -> None:
    d = desk()
    d.queue("a")
    offer = d.offer_for("a")
    d.do(m.CallMoved(d.now, "a", "service"))
    assert d.all_of(m.CancelOffer) == [m.CancelOffer(offer, "a", "1001", Cancel.MOVED)]
    assert [d.state(agent) for agent in THREE] == [S.READY] * 3


def logs_out(d: Desk) -> None:
    d.do(m.LoggedOut(d.now, "1001"))


def is_forced_out(d: Desk) -> None:
    d.do(m.AgentForced(d.now, "1001", S.LOGGED_OUT, "", "boss"))


def is_paused(d: Desk) -> None:
    d.do(m.AgentForced(d.now, "1001", S.PAUSED, "meeting", "boss"))


def is_removed(d: Desk) -> None:
    d.load(m.Queue("sales", **RULES), agents={"1002": "sales", "1003": "sales"})


@pytest.mark.parametrize("how", [logs_out, is_forced_out, is_paused, is_removed])
def test_one_who_is_taken_out_falls_silent_alone_and_has_missed_nothing(
    how: Callable[[Desk], None],
) -> None:
    d = desk()
    d.queue("a")
    offer = d.offer_for("a")
    how(d)
    (stop,) = d.all_of(m.StopRinging)
    assert (stop.offer, stop.call, stop.agent) == (offer, "a", "1001")
    assert not d.all_of(m.CancelOffer)
    assert rung(d, "a") == ["1002", "1003"]
    there = {row.agent: row for row in d.engine.agents_view(d.now)}
    gone = there.get("1001")
    assert gone is None or (missed_nothing(gone) and gone.state in {S.LOGGED_OUT, S.PAUSED})
    takes(d, "1003")
    assert d.state("1002") is S.READY


def test_the_last_who_is_rung_logs_out_when_it_is_over_as_anyone_does() -> None:
    d = desk()
    d.queue("a")
    for agent in THREE:
        d.do(m.LoggedOut(d.now, agent))
    assert [d.state(agent) for agent in THREE] == [S.LOGGED_OUT, S.LOGGED_OUT, S.OFFERED]
    takes(d, "1003")
    d.release("1003")
    d.wait(20)
    assert d.state("1003") is S.LOGGED_OUT


def test_a_reload_that_changes_the_strategy_lets_it_ring_on() -> None:
    d = desk()
    d.queue("a")
    d.load(m.Queue("sales", leave_when_empty=None), m.Queue("service"))
    assert rung(d, "a") == [*THREE]
    takes(d, "1002")
    d.queue("b")
    assert rung(d, "b") == ["1001"]
    d.load(m.Queue("sales", **RULES), m.Queue("service"))
    d.leave("b")
    d.queue("c")
    assert rung(d, "c") == ["1001", "1003"]


def test_a_restart_in_the_middle_changes_nothing() -> None:
    d = desk()
    d.queue("a")
    one_fails(d, "1001")
    d.restart()
    assert rung(d, "a") == ["1002", "1003"]
    takes(d, "1003")
    d.restart()
    assert [d.state(agent) for agent in THREE] == [S.READY, S.READY, S.TALKING]


# --- what was written down before ----------------------------------------------------------------


def test_words_and_snapshots_without_the_further_agents_are_read() -> None:
    d = desk({"1001": "sales"})
    d.queue("a")
    snapshot = d.engine.snapshot()
    del snapshot["state"]["offers"][d.offer_for("a")]["also"]
    d.engine = Engine.restore(snapshot)
    assert rung(d, "a") == ["1001"]
    answered = m.from_json({"type": "OfferAnswered", "at": d.now, "offer": d.offer_for("a")})
    assert answered == m.OfferAnswered(d.now, d.offer_for("a"), "")
    failed = {"type": "OfferFailed", "at": d.now, "offer": "a-1", "cause": "busy"}
    assert m.from_json(failed) == m.OfferFailed(d.now, "a-1", Cause.BUSY, "")


# --- what is told of it --------------------------------------------------------------------------


def test_who_is_rung_learns_who_else_is() -> None:
    d = desk()
    assert d.engine.explain_agent("1002").goes_first == {}, "nobody is rung before another"
    d.queue("a")
    assert d.engine.explain_agent("1002").beside == ("1001", "1003")
    assert d.engine.explain_call("a", d.now) is None
    takes(d, "1003")
    assert d.engine.explain_agent("1002").beside == ()


def test_who_comes_after_the_twentieth_learns_who_goes_first() -> None:
    d = desk({f"{n}": "sales" for n in range(1000, 1021)})
    explained = d.engine.explain_agent("1020")
    assert explained.goes_first == {"sales": ("1000", Strategy.RING_ALL)}
    assert d.engine.explain_agent("1019").goes_first == {}
