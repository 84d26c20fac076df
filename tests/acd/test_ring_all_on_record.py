"""Ringing all in simulated days, on record, and after a restart."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from math import inf

import pytest

from acd import model as m
from acd.dispatch import Squaring
from acd.model import AgentState as S
from acd.model import Cause, Strategy
from acd.simulation.arrivals import Poisson
from acd.simulation.draws import Exponential, Fixed
from acd.simulation.ledger import Outcome
from acd.simulation.replay import fit, replay
from acd.simulation.run import Run
from acd.simulation.scenario import Phones, Scenario, Shift, Stream
from tests.acd.desk import START, Desk
from tests.acd.test_recording import Logged, read_back

HOUR = 3600.0
THREE = ("1001", "1002", "1003")


def a_floor(strategy: Strategy) -> m.Floor:
    queue = m.Queue("sales", wrap_up_seconds=0, ring_seconds=100, strategy=strategy)
    return m.Floor((queue,), tuple(m.Agent(agent, queues=("sales",)) for agent in THREE))


def a_day(strategy: Strategy, phones: Phones, calls: float = 8) -> Logged:
    """Hardly ever two callers at once, so that waiting is nothing but ringing."""
    on = a_floor(strategy)
    streams = (Stream("sales", Poisson(0, HOUR, (calls,) * 40), Fixed(1)),)
    shifts = tuple(Shift(agent, 0, inf) for agent in THREE)
    day = Scenario(on, streams, shifts, 0, 40 * HOUR, phones)
    stops = 41 * HOUR
    played = Logged(on, day.callers(5), day.moves(), stops=stops, phones=phones, seed=5, width=HOUR)
    played.play()
    return played


def waits(run: Run) -> list[float]:
    return [fate.wait for fate in run.ledger.fates if fate.outcome is Outcome.ANSWERED]


def test_the_quickest_of_several_answers() -> None:
    """Of three exponential times the least takes a third as long, whoever is the quickest."""
    phones = Phones(Exponential(9))
    alone, together = (
        a_day(strategy, phones) for strategy in (Strategy.LONGEST_IDLE, Strategy.RING_ALL)
    )
    assert statistics.fmean(waits(alone)) == pytest.approx(9, rel=0.2)
    assert statistics.fmean(waits(together)) == pytest.approx(3, rel=0.2)
    answered = [fate.agent for fate in together.ledger.fates]
    assert min(answered.count(agent) for agent in THREE) > len(answered) / 5
    assert all(row.no_answer == 0 for row in together.engine.agents_view(0.0))


def test_a_phone_nobody_answers_keeps_no_caller_waiting() -> None:
    played = a_day(Strategy.RING_ALL, Phones(Fixed(2), missed_by={"1001": 1.0}))
    assert {fate.agent for fate in played.ledger.fates} == {"1002", "1003"}
    assert max(waits(played)) < 10


def test_what_rang_together_is_read_back_and_rings_as_long_again() -> None:
    played = a_day(Strategy.RING_ALL, Phones(Exponential(9)))
    found = read_back(played.log, 0, 41 * HOUR)
    assert found.ledger.fates == played.ledger.fates
    assert sum(call.together for call in found.calls) > 0.9 * len(found.calls)
    assert min(found.offers[agent] for agent in THREE) > 0.9 * len(found.calls)
    assert not found.missed
    again = replay(fit(found, a_floor(Strategy.RING_ALL)), 1, HOUR)
    again.play()
    assert statistics.fmean(waits(again)) == pytest.approx(statistics.fmean(waits(played)), rel=0.1)


def test_misses_of_each_phone_are_counted() -> None:
    d = Desk(
        m.Queue("sales", strategy=Strategy.RING_ALL, retry_same_agent_after=0),
        agents=dict.fromkeys(THREE, "sales"),
    )
    at, floor = START, d.engine.floor
    offer, queued = "a-1", m.CallQueued(at, "a", "a", "sales", {}, 0, at)
    events: list[m.Event] = [
        m.FloorLoaded(at, floor),
        *(m.LoggedIn(at, agent) for agent in THREE),
        queued,
        m.OfferFailed(at + 1, offer, Cause.REJECTED, "1001"),
        m.LoggedOut(at + 2, "1002"),
        m.OfferFailed(at + 20, offer, Cause.NO_ANSWER),
        m.OfferFailed(at + 26, "a-2", Cause.LOST, "1001"),
        m.Ticked(at + 71),
    ]
    found = read_back(events, at, at + 2000)
    assert found.missed == {"1001": 1, "1003": 2}, "the lease of the second ended for 1003 alone"
    assert found.offers == {"1001": 3, "1002": 1, "1003": 3}, "it has begun to ring once more"


# --- after a restart -----------------------------------------------------------------------------


def squared(offers: Mapping[str, bool], *before: m.Event) -> Desk:
    """Three phones rang for the call when the service went away; this is what is found."""
    d = Desk(m.Queue("sales", strategy=Strategy.RING_ALL), agents=dict.fromkeys(THREE, "sales"))
    d.log_in(*THREE)
    d.queue("a")
    d.restart()
    for event in before:
        d.do(event)
    Squaring(d.engine, d.now, d.do, lambda contact: True).square({"a"}, offers)
    return d


def test_nobody_is_taken_for_the_one_who_talks() -> None:
    d = squared({"a-1": True})
    assert [d.state(agent) for agent in THREE] == [S.OFFERED] * 3
    d = squared({"a-1": True}, m.OfferAnswered(START, "a-1", "1003"))
    assert [d.state(agent) for agent in THREE] == [S.READY, S.READY, S.TALKING]


def test_what_rings_after_a_restart_rings_on_at_all_phones_that_are_left() -> None:
    d = squared({"a-1": False}, m.OfferFailed(START, "a-1", Cause.LOST, "1001"))
    assert [d.state(agent) for agent in THREE] == [S.READY, S.OFFERED, S.OFFERED]
    assert d.agent("1001").streak == 0


def test_an_offer_none_of_whose_phones_is_there_is_lost_without_blame() -> None:
    d = squared({})
    assert [d.state(agent) for agent in THREE] == [S.READY] * 3
    assert [d.agent(agent).streak for agent in THREE] == [0, 0, 0]
    row = d.call("a")
    assert row is not None
    assert row.state == "waiting"
