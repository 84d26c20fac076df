"""The simulator's own parts: dice, arrivals, intervals, and what it makes people do."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from acd import model as m
from acd.service_level import level
from acd.simulation.arrivals import Poisson, Timetable
from acd.simulation.draws import Draw, Exponential, Fixed, Lognormal, Recorded, dice_for
from acd.simulation.intervals import batch_means, mean, percentile, ratio, student_t
from acd.simulation.ledger import Fate, Outcome
from acd.simulation.run import Run, run
from acd.simulation.scenario import Break, Caller, Phones, Scenario, Shift, Stream
from acd.simulation.summary import count, summarise

HOUR = 3600.0


# --- intervals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "freedom", "known"),
    [
        (0.95, 1, 12.7062),
        (0.95, 2, 4.30265),
        (0.95, 9, 2.26216),
        (0.95, 19, 2.09302),
        (0.95, 1000, 1.96234),
        (0.99, 4, 4.60409),
        (0.999, 19, 3.88341),
    ],
)
def test_students_t_is_that_of_the_tables(level: float, freedom: int, known: float) -> None:
    assert student_t(level, freedom) == pytest.approx(known, rel=1e-5)


def test_intervals_of_95_percent_hold_the_truth_nineteen_times_of_twenty() -> None:
    dice = dice_for(1, "coverage")
    tries = [mean([dice.expovariate(1 / 20) for _ in range(40)]) for _ in range(1000)]
    held = sum(each is not None and 20 in each for each in tries)
    assert 910 <= held <= 970


def test_a_ratio_weighs_parts_by_their_size_and_bears_empty_ones() -> None:
    found = ratio([1, 8, 0], [1, 10, 0])
    assert found is not None
    assert found.value == pytest.approx(9 / 11)
    assert ratio([0, 0], [0, 0]) is None


def test_one_part_alone_has_no_interval() -> None:
    found = mean([3.0])
    assert found is not None
    assert (found.value, found.half) == (3.0, None)
    assert 1e9 in found


def test_batches_are_as_many_as_asked_and_the_odd_values_at_the_beginning_go() -> None:
    assert batch_means([1000.0, *[1.0] * 10, *[3.0] * 10], 2).value == 2.0
    with pytest.raises(ValueError, match="3 values cannot be cut into 20 batches"):
        batch_means([1.0] * 3)


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9) == 9
    assert percentile([7], 0.5) == 7
    assert percentile([], 0.5) is None


# --- dice and arrivals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "mean_seconds", "deviation"),
    [
        (Fixed(4), 4, 0),
        (Exponential(120), 120, 120),
        (Lognormal(240, 180), 240, 180),
        (Recorded((10, 20, 60)), 30, statistics.pstdev([10, 20, 60])),
    ],
    ids=str,
)
def test_draws_have_the_mean_and_spread_they_say(
    draw: Draw, mean_seconds: float, deviation: float
) -> None:
    sample = draw.sampler(dice_for(3, "draws"))
    values = [sample() for _ in range(40_000)]
    assert draw.mean == mean_seconds
    assert statistics.fmean(values) == pytest.approx(mean_seconds, rel=0.02)
    assert statistics.pstdev(values) == pytest.approx(deviation, rel=0.04)


def test_as_many_calls_come_in_each_interval_as_are_expected() -> None:
    arrivals = Poisson(8 * HOUR, 1800, (400, 0, 1600))
    days = [list(arrivals.times(dice_for(day, "arrivals"))) for day in range(50)]
    for number, expected in enumerate(arrivals.expected):
        low, high = 8 * HOUR + number * 1800, 8 * HOUR + (number + 1) * 1800
        counts = [sum(low <= at < high for at in day) for day in days]
        assert statistics.fmean(counts) == pytest.approx(expected, rel=0.03)
        assert statistics.pvariance(counts) == pytest.approx(expected, rel=0.5)
    assert all(day == sorted(day) for day in days)


# --- runs -----------------------------------------------------------------------------------------


def floor(agents: int = 2, **rules: Any) -> m.Floor:
    usual: dict[str, Any] = {"wrap_up_seconds": 0.0} | rules
    queue = replace(m.Queue("sales"), **usual)
    everyone = tuple(m.Agent(f"100{n}", queues=("sales",)) for n in range(agents))
    return m.Floor((queue,), everyone, ("lunch",))


def here(floor: m.Floor, ends: float = inf) -> tuple[Shift, ...]:
    return tuple(Shift(agent.id, 0.0, ends) for agent in floor.agents)


def calls(
    *at: float, talk: float = 100, patience: float | None = None, queue: str = "sales"
) -> Stream:
    return Stream(queue, Timetable(at), Fixed(talk), Fixed(patience) if patience else None)


def play(
    stream: Stream,
    on: m.Floor,
    shifts: tuple[Shift, ...] | None = None,
    phones: Phones | None = None,
    lines: int | None = None,
) -> tuple[Run, list[Fate]]:
    scenario = Scenario(
        on, (stream,), here(on) if shifts is None else shifts, 0.0, HOUR, phones or Phones(), lines
    )
    played = run(scenario, 1)
    return played, played.play().fates


def fates_of(*given: Any, **more: Any) -> list[tuple[str, float]]:
    _, fates = play(*given, **more)
    return [(fate.outcome.value, fate.wait) for fate in fates]


def test_callers_are_answered_in_turn_and_hang_up_when_their_patience_is_over() -> None:
    found = fates_of(calls(0, 10, 20, talk=100, patience=85), floor(1))
    assert found == [("answered", 0), ("abandoned", 85), ("answered", 80)]


def test_nobody_hangs_up_who_has_been_answered() -> None:
    assert fates_of(calls(0, talk=500, patience=5), floor(1)) == [("answered", 0)]


def test_wrap_up_keeps_an_agent_for_as_long_as_the_queue_says_or_until_they_are_done() -> None:
    on = floor(1, wrap_up_seconds=30.0)
    stream = calls(0, 1, talk=100)
    assert fates_of(stream, on)[1] == ("answered", 129)
    assert fates_of(replace(stream, wraps=Fixed(10)), on)[1] == ("answered", 109)


def test_a_required_disposition_is_given() -> None:
    on = floor(1, disposition_required=True, wrap_up_seconds=5.0)
    assert fates_of(calls(0, 1, talk=100), on)[1] == ("answered", 104)


def test_a_phone_that_rings_makes_the_caller_wait() -> None:
    phones = Phones(answer_after=Fixed(7))
    assert fates_of(calls(0), floor(1), phones=phones) == [("answered", 7)]


def test_an_agent_who_lets_it_ring_is_paused_and_comes_back() -> None:
    on = floor(1, ring_seconds=10.0, no_answer_limit=2, retry_same_agent_after=20.0)
    phones = Phones(missed=1.0, back_after=60)
    played, fates = play(calls(0, patience=600), on, phones=phones)
    assert fates[0].outcome is Outcome.ABANDONED
    assert played.engine.agents_view(600)[0].no_answer > 2
    assert played.ledger.duty["1000"].on < 600


def test_those_who_are_called_when_a_colleague_lets_it_ring_take_it() -> None:
    on = floor(2, ring_seconds=10.0)
    phones = Phones(missed_by={"1000": 1.0})
    assert fates_of(calls(0), on, phones=phones) == [("answered", 10)]


def test_a_call_that_finds_no_line_is_blocked_and_one_too_many_for_the_queue_is_refused() -> None:
    found = fates_of(calls(0, 1, 2, talk=100), floor(1), lines=2)
    assert [outcome for outcome, _ in found] == ["answered", "answered", "blocked"]
    found = fates_of(calls(0, 1, 2, talk=100), floor(1, max_waiting=1))
    assert [outcome for outcome, _ in found] == ["answered", "answered", "refused"]


def test_agents_come_take_breaks_and_go() -> None:
    on = floor(1, leave_when_empty=5.0)
    lunch = Break(200, 300, "lunch")
    shifts = (Shift("1000", 100, 400, (lunch,)),)
    found = fates_of(calls(0, 150, 250, 500, talk=60), on, shifts)
    assert found == [("sent_on", 5), ("answered", 0), ("answered", 50), ("sent_on", 5)]


def test_a_break_begins_when_the_call_has_ended() -> None:
    on = floor(1)
    shifts = (Shift("1000", 0, HOUR, (Break(50, 150, "lunch"),)),)
    played, _ = play(calls(0, talk=100), on, shifts)
    assert played.ledger.duty["1000"].on == pytest.approx(HOUR - 50)
    assert played.ledger.duty["1000"].busy == pytest.approx(100)


def test_a_chat_is_no_call_and_two_are_held_at_once() -> None:
    on = floor(1)
    stream = replace(calls(0, 1, talk=100), channel=m.Channel.CHAT)
    assert fates_of(stream, on) == [("answered", 0), ("answered", 0)]


def test_the_same_seed_plays_the_same_day_and_another_one_another() -> None:
    on = floor(3)
    stream = Stream("sales", Poisson(0, HOUR, (90,)), Lognormal(100, 80), Exponential(60))
    scenario = Scenario(on, (stream,), here(on), 0, HOUR, Phones(Exponential(4), 0.1))
    first, again, other = (run(scenario, seed).play().fates for seed in (1, 1, 2))
    assert first == again
    assert [fate.at for fate in first] != [fate.at for fate in other]


def test_two_floors_meet_the_same_callers() -> None:
    stream = Stream("sales", Poisson(0, HOUR, (90,)), Lognormal(100, 80), Exponential(60))
    few, many = (Scenario(on, (stream,), here(on), 0, HOUR) for on in (floor(1), floor(9)))
    assert [*few.callers(7)] == [*many.callers(7)]


def test_several_streams_come_in_the_order_of_time() -> None:
    on = floor(2)
    streams = (calls(5, 50), calls(0, 60), calls(30))
    callers = list(Scenario(on, streams, here(on)).callers(1))
    assert [caller.comes.at for caller in callers] == [0, 5, 30, 50, 60]
    assert len({caller.comes.call for caller in callers}) == 5


def test_one_who_is_not_counted_is_work_and_no_figure() -> None:
    on = floor(1)
    comes = m.CallQueued(0, "a", "a", "sales", {}, 0, 0)
    played = Run(on, [Caller(comes, 100, counted=False)], [m.LoggedIn(0, "1000")])
    assert played.play().fates == []
    assert played.ledger.duty["1000"].busy == 100


# --- figures --------------------------------------------------------------------------------------


def busy_day() -> tuple[m.Floor, Scenario]:
    on = floor(3, ring_seconds=8.0, wrap_up_seconds=10.0, max_wait=120.0, max_waiting=3)
    expected = (20.0, 60.0, 40.0, 10.0)
    stream = Stream("sales", Poisson(0, 900, expected), Lognormal(120, 90), Exponential(80))
    phones = Phones(Lognormal(4, 3), 0.05)
    return on, Scenario(on, (stream,), here(on, HOUR), 0, HOUR, phones)


def test_the_counts_are_those_of_the_engine() -> None:
    on, scenario = busy_day()
    played = run(scenario, 5)
    found = count(played.play(), on).queues["sales"]
    row = played.engine.queues_view(2 * HOUR)[0]
    assert (row.calls, row.answered, row.answered_in_target, row.abandoned) == (
        found.offered,
        found.answered,
        found.in_target,
        found.abandoned,
    )
    assert (row.timeout + row.nobody, row.full) == (found.sent_on, found.turned_away)
    assert row.service_level == level(found.figures, on.queues[0].formula)
    assert min(row.timeout, row.full, row.abandoned) > 0, "the day is too quiet to tell"


def test_an_agents_busy_time_is_talk_and_wrap_up() -> None:
    _, scenario = busy_day()
    played = run(scenario, 5)
    duty = played.play().duty
    for row in played.engine.agents_view(2 * HOUR):
        wrap_up = 10.0 * row.taken
        assert duty[row.agent].busy == pytest.approx(row.talk_seconds + wrap_up)


def test_slots_hold_every_call_and_all_duty() -> None:
    on, scenario = busy_day()
    ledger = run(scenario, 5, 900).play()
    figures = count(ledger, on, 4)
    assert sum(slot.offered for slot in figures.slots) == figures.queues["sales"].offered
    within = sum(duty.on for duty in figures.slot_duty)
    beyond = sum(duty.on for slot, duty in ledger.slots.items() if slot >= 4)
    assert within + beyond == pytest.approx(sum(duty.on for duty in ledger.duty.values()))


def test_a_summary_averages_runs_and_tells_how_sure_it_is() -> None:
    on, scenario = busy_day()
    figures = [count(run(scenario, seed, 900).play(), on, 4) for seed in range(12)]
    summary = summarise(figures, on, 900)
    found = summary.queues["sales"]
    offered: Mapping[int, int] = {n: run.queues["sales"].offered for n, run in enumerate(figures)}
    assert found.offered.value == pytest.approx(statistics.fmean(offered.values()))
    assert found.occupancy is not None
    assert 0 < found.occupancy.value < 1
    assert found.percentiles[0.5] is not None
    level_found = found.levels[m.Formula.ALL_ENDED]
    assert level_found is not None
    assert level_found.half
    assert len(summary.slots) == 4
    assert summary.staffed == pytest.approx([3, 3, 3, 3], rel=0.05)
