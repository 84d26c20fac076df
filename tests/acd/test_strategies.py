"""Which agent is rung: every strategy, and what begins idle time anew."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from acd import model as m
from acd.strategies import OCCUPANCY_WINDOW, occupancy_key, occupied
from tests.acd.desk import Desk

THREE = {"1001": "sales", "1002": "sales", "1003": "sales"}


def desk(strategy: m.Strategy, agents: Any = None, **rules: Any) -> Desk:
    queue: dict[str, Any] = {"wrap_up_seconds": 0, "strategy": strategy} | rules
    return Desk(m.Queue("sales", **queue), agents=agents or THREE)


def served(d: Desk, calls: int, gap: float = 10) -> list[str]:
    """Who takes so many calls, one after the other."""
    found = []
    for number in range(calls):
        d.wait(gap)
        d.queue(f"c{number}")
        found.append(d.serve(f"c{number}"))
    return found


def test_round_robin_goes_round_and_who_was_away_has_not_lost_the_turn() -> None:
    d = desk(m.Strategy.ROUND_ROBIN)
    d.log_in("1001", "1002", "1003")
    assert served(d, 4) == ["1001", "1002", "1003", "1001"]
    d.do(m.Paused(d.now, "1002", "lunch"))
    assert served(d, 2) == ["1003", "1001"]
    d.do(m.Readied(d.now, "1002"))
    assert served(d, 2) == ["1002", "1003"]


def test_round_robin_counts_turns_for_each_queue_by_itself() -> None:
    rules: dict[str, Any] = {"wrap_up_seconds": 0, "strategy": m.Strategy.ROUND_ROBIN}
    d = Desk(
        m.Queue("sales", **rules),
        m.Queue("service", **rules),
        agents={"1001": "sales service", "1002": "sales service"},
    )
    d.log_in("1001", "1002")
    d.queue("a")
    assert d.serve("a") == "1001"
    d.queue("b", "service")
    assert d.serve("b") == "1001" or d.agent("1002").taken == 1
    d.queue("c")
    assert d.serve("c") == "1002"


def test_an_offer_taken_back_costs_no_turn_and_one_left_ringing_does() -> None:
    d = desk(m.Strategy.ROUND_ROBIN, retry_same_agent_after=0)
    d.log_in("1001", "1002")
    d.queue("gone")
    d.leave("gone")
    d.queue("a")
    assert d.rung_for("a") == "1001"
    d.fail("1001")
    assert d.rung_for("a") == "1002"


def test_fewest_calls_counts_from_the_start_of_the_day() -> None:
    d = desk(m.Strategy.FEWEST_CALLS)
    d.log_in("1001")
    served(d, 3)
    d.log_in("1002")
    assert served(d, 4) == ["1002", "1002", "1002", "1001"]
    d.do(m.DayStarted(d.now))
    d.queue("x")
    assert d.rung_for("x") == "1002"


def test_the_highest_level_in_what_is_asked_goes_first_and_equals_by_idle_time() -> None:
    agents = {
        "1001": ("sales", {"loans": 5, "english": 9}),
        "1002": ("sales", {"loans": 8, "english": 4}),
        "1003": ("sales", {"loans": 5}),
    }
    d = desk(m.Strategy.HIGHEST_LEVEL, agents)
    d.log_in("1003")
    d.wait(1)
    d.log_in("1001", "1002")
    d.queue("a", needs={"loans": 3})
    d.queue("b", needs={"loans": 3})
    assert (d.rung_for("a"), d.rung_for("b")) == ("1002", "1003")


def test_the_least_occupied_of_late_goes_first_whatever_the_number_of_calls() -> None:
    d = desk(m.Strategy.LEAST_OCCUPIED)
    d.log_in("1001", "1002")
    d.queue("long")
    d.answer("1001")
    d.wait(900)
    d.release_call("long")
    for number in range(3):
        d.queue(f"short{number}")
        assert d.serve(f"short{number}") == "1002"
    d.queue("next")
    assert d.rung_for("next") == "1002"


def test_idle_agents_keep_their_order_of_occupancy_as_time_goes_by() -> None:
    dice = random.Random(3)
    for _ in range(200):
        shares = [(dice.random(), dice.uniform(0, 7200)) for _ in range(4)]
        now = 8000.0
        decayed = [occupied(share, at, now, now) for share, at in shares]
        keys = [occupancy_key(share, at) for share, at in shares]
        assert sorted(range(4), key=keys.__getitem__) == sorted(range(4), key=decayed.__getitem__)
    assert occupied(0.0, 0.0, 0.0, 20 * OCCUPANCY_WINDOW) == pytest.approx(1.0)


def test_a_random_choice_is_fair_and_a_replay_draws_the_same() -> None:
    first, again = desk(m.Strategy.RANDOM), desk(m.Strategy.RANDOM)
    for d in (first, again):
        d.log_in("1001", "1002", "1003")
    chosen = served(first, 900, gap=0)
    again.restart()
    assert served(again, 900, gap=0) == chosen
    assert all(240 < times < 360 for times in Counter(chosen).values())


def test_a_floor_with_another_seed_draws_other_lots() -> None:
    d, other = desk(m.Strategy.RANDOM), desk(m.Strategy.RANDOM)
    other.load(m.Queue("sales", wrap_up_seconds=0, strategy=m.Strategy.RANDOM), seed=1)
    for each in (d, other):
        each.log_in("1001", "1002", "1003")
    assert served(d, 30, gap=0) != served(other, 30, gap=0)


@pytest.mark.parametrize("strategy", list(m.Strategy))
def test_whatever_the_strategy_only_agents_who_fit_are_rung(strategy: m.Strategy) -> None:
    d = desk(strategy, {"1001": ("sales", {"loans": 2}), "1002": ("sales", {"loans": 7})})
    d.log_in("1001", "1002")
    for number in range(5):
        d.queue(f"c{number}", needs={"loans": 5})
        assert d.serve(f"c{number}") == "1002"


def test_neither_a_pause_nor_an_outbound_call_resets_idle_time_unless_the_floor_says_so() -> None:
    d = desk(m.Strategy.LONGEST_IDLE)
    d.log_in("1001")
    since = d.agent("1001").idle_since
    d.wait(60)
    for events in ((m.DeviceBusy, m.DeviceFree), (m.Paused, m.Readied)):
        for event in events:
            reason = ("lunch",) if event is m.Paused else ()
            d.do(event(d.now, "1001", *reason))  # type: ignore[arg-type] # a pause has a reason
        assert d.agent("1001").idle_since == since
    d.load(m.Queue("sales"), reset_idle_on=(m.Reset.UNPAUSE, m.Reset.OUTBOUND))
    d.do(m.DeviceBusy(d.now, "1001"))
    d.do(m.DeviceFree(d.now, "1001"))
    assert d.agent("1001").idle_since == d.now
    d.wait(5)
    d.do(m.Paused(d.now, "1001", "lunch"))
    d.do(m.Readied(d.now, "1001"))
    assert d.agent("1001").idle_since == d.now
