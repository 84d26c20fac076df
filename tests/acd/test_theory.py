"""The simulator, and with it the engine, against exact queueing theory.

Erlang C (nobody gives up) and Erlang A (patience is exponential) have exact values. So have six
call types on 90 agents and 120 lines, with one skill each and with all six (after Wallace and
Whitt, Manufacturing & Service Operations Management 7(4), 2005); with two skills each there is only
what others have simulated. Each figure comes with the interval that the run itself gives it.

Of intervals of 95 % one in twenty is wrong, by design. So each figure must lie in its interval of
99.9 %, which fifty figures together miss in one case of twenty, and of all figures no more may lie
outside the one of 95 % than chance allows. Both are sharp: no interval may be wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from math import inf
from typing import NamedTuple

import pytest

from acd import model as m
from acd.simulation.arrivals import Poisson
from acd.simulation.draws import Exponential
from acd.simulation.intervals import batch_means
from acd.simulation.ledger import Fate, Outcome
from acd.simulation.run import run
from acd.simulation.scenario import Scenario, Shift, Stream

SURE = 0.999
FEWEST_INSIDE = 40
"""Of the 46 figures: with 95 % for each, fewer come by chance once in a hundred times."""

# The runs are long against the memory of each queue, and all on one worker, who remembers them.
pytestmark = pytest.mark.xdist_group("theory")


class Row(NamedTuple):
    """A queue with exact values: calls an hour, seconds, agents; and how long a run it needs."""

    rate: float
    talk: float
    agents: int
    patience: float | None
    waits: float
    abandons: float
    mean_wait: float
    within_20: float
    calls: int = 20_000
    batches: int = 20


ERLANG_C = {
    1: Row(100, 180, 6, None, 0.58751645, 0, 105.752961, 0.474267181, 50_000),
    2: Row(100, 180, 8, None, 0.167266507, 0, 10.0359904, 0.880148311, 30_000),
    3: Row(360, 240, 26, None, 0.59668243, 0, 71.6018916, 0.494919227, 60_000),
    4: Row(360, 240, 30, None, 0.172862055, 0, 6.91448222, 0.895153863, 40_000),
    5: Row(1200, 180, 65, None, 0.420072293, 0, 15.1226025, 0.758982085, 80_000),
    6: Row(5000, 240, 340, None, 0.619082185, 0, 22.2869587, 0.644799478, 200_000, 10),
}
ERLANG_A = {
    7: Row(100, 180, 6, 180, 0.384039345, 0.0986595007, 17.7587101, 0.702551177),
    8: Row(360, 240, 24, 240, 0.527150279, 0.0811515025, 19.4763606, 0.624523252),
    9: Row(360, 240, 26, 120, 0.313705744, 0.0584685426, 7.01622511, 0.823468624),
    10: Row(600, 300, 50, 300, 0.518808315, 0.0563250063, 16.8975019, 0.656519483, 30_000),
    11: Row(2880, 60, 50, 120, 0.467774069, 0.0309122492, 3.7094699, 0.943018955, 40_000),
    12: Row(5000, 240, 340, 120, 0.305486465, 0.0164652693, 1.97583232, 0.977467132, 40_000),
}
ROWS = ERLANG_C | ERLANG_A


class Figure(NamedTuple):
    """What a run measured of one thing, batch by batch, and the exact value."""

    what: str
    exact: float
    values: Sequence[float]
    batches: int

    def agrees(self, level: float) -> bool:
        """Whether the exact value lies in the run's own interval of that level."""
        return self.exact in batch_means(self.values, self.batches, level)

    def is_sharp(self, most: float) -> bool:
        """Whether the interval of 95 % reaches no further than that share of the value."""
        half = batch_means(self.values, self.batches).half
        return half is not None and half <= most * self.exact

    def __str__(self) -> str:
        found = batch_means(self.values, self.batches)
        return f"{self.what}: {found.value:.5g} ± {found.half:.2g}, exactly {self.exact:.5g}"


def floor(agents: int, skills: Sequence[str] = ("",)) -> m.Floor:
    """One queue, no wrap-up; agents have the skills in turn, each letter a skill."""
    everyone = tuple(
        m.Agent(f"{1000 + n}", queues=("all",), skills=dict.fromkeys(skills[n % len(skills)], 1))
        for n in range(agents)
    )
    return m.Floor((m.Queue("all", wrap_up_seconds=0),), everyone)


def settled(scenario: Scenario, seed: int, warm_up: int) -> list[Fate]:
    """What became of the calls of one long run, without those of its beginning."""
    return run(scenario, seed).play().fates[warm_up:]


def always(floor: m.Floor) -> tuple[Shift, ...]:
    return tuple(Shift(agent.id, 0, inf) for agent in floor.agents)


@cache
def erlang(number: int) -> list[Figure]:
    """The figures of a row; each row has dice of its own."""
    row = ROWS[number]
    one = floor(row.agents)
    arrivals = Poisson(0, row.calls / row.rate * 3600, (row.calls,))
    patience = Exponential(row.patience) if row.patience else None
    stream = Stream("all", arrivals, Exponential(row.talk), patience)
    fates = settled(Scenario(one, (stream,), always(one)), number, row.calls // 10)
    answered = [fate.outcome is Outcome.ANSWERED for fate in fates]
    on_time = [fate.wait <= 20 and well for fate, well in zip(fates, answered, strict=True)]
    found = [
        Figure("share that waits", row.waits, [fate.wait > 0 for fate in fates], row.batches),
        Figure("mean wait", row.mean_wait, [fate.wait for fate in fates], row.batches),
        Figure("answered within 20 s", row.within_20, on_time, row.batches),
    ]
    if row.patience:
        gave_up = [not well for well in answered]
        found.append(Figure("share that hangs up", row.abandons, gave_up, row.batches))
    return found


TYPES = "abcdef"
SKILLS = {
    "one": (list(TYPES), 0.0416587, 3.0543244),
    "two": (["".join(pair) for pair in combinations(TYPES, 2)], 0.004, 0.57),
    "six": ([TYPES], 0.0036431, 0.4500228),
}


@cache
def skilled(which: str) -> list[Figure]:
    """Six types at 1.40 calls a minute each, ten minutes of talk, 90 agents, 120 lines."""
    skills, blocked, mean_wait = SKILLS[which]
    many = floor(90, skills)
    seconds = 120_000 / (6 * 1.40) * 60
    streams = tuple(
        Stream("all", Poisson(0, seconds, (20_000,)), Exponential(600), None, {kind: 1})
        for kind in TYPES
    )
    fates = settled(Scenario(many, streams, always(many), lines=120), len(which), 4000)
    is_blocked = [fate.outcome is Outcome.BLOCKED for fate in fates]
    waits = [fate.wait / 60 for fate in fates if fate.outcome is not Outcome.BLOCKED]
    return [
        Figure("share blocked", blocked, is_blocked, 12),
        Figure("mean wait in minutes", mean_wait, waits, 12),
    ]


def disagreeing(figures: Sequence[Figure], level: float) -> list[str]:
    return [str(figure) for figure in figures if not figure.agrees(level)]


@pytest.mark.parametrize("number", ERLANG_C)
def test_waits_and_service_levels_are_those_of_erlang_c(number: int) -> None:
    assert disagreeing(erlang(number), SURE) == []


@pytest.mark.parametrize("number", ERLANG_A)
def test_waits_service_levels_and_abandons_are_those_of_erlang_a(number: int) -> None:
    assert disagreeing(erlang(number), SURE) == []


@pytest.mark.parametrize("which", SKILLS)
def test_pooled_skills_are_blocked_and_wait_as_in_the_literature(which: str) -> None:
    assert disagreeing(skilled(which), SURE) == []


def test_two_skills_for_each_agent_recover_most_of_what_one_skill_costs() -> None:
    """Nine tenths of the way from one skill to all, in blocking as in waits."""
    one, two, six = ([sum(f.values) / len(f.values) for f in skilled(w)] for w in SKILLS)
    for alone, paired, pooled in zip(one, two, six, strict=True):
        assert alone - paired > 0.9 * (alone - pooled)


def all_exact() -> list[Figure]:
    figures = [figure for number in ROWS for figure in erlang(number)]
    return figures + skilled("one") + skilled("six")


def test_no_more_figures_lie_outside_their_intervals_than_chance_allows() -> None:
    figures = all_exact()
    outside = disagreeing(figures, 0.95)
    assert len(figures) == 46
    assert len(figures) - len(outside) >= FEWEST_INSIDE, outside


def test_no_interval_is_so_wide_that_it_would_contain_anything() -> None:
    assert [str(each) for each in all_exact() if not each.is_sharp(0.7)] == []
