"""The engine against exact queueing theory, on a virtual clock.

Erlang C (nobody gives up) and Erlang A (patience is exponential) have exact values. So have six
call types on 90 agents and 120 lines, with one skill each and with all six (after Wallace and
Whitt, Manufacturing & Service Operations Management 7(4), 2005), and one skill each with a shared
waiting room of 30 places (product form). A run of the engine must agree within its own
uncertainty: four standard errors of the means of twenty batches.
"""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import combinations

import pytest

from acd import model as m
from acd.engine import Engine

BATCHES = 20
WARM_UP = 2000


@dataclass(frozen=True)
class World:
    """Calls a second, mean seconds of talk and of patience, and the floor they meet."""

    rate: float
    talk: float
    floor: m.Floor
    types: tuple[str, ...] = ("",)
    patience: float | None = None
    lines: int | None = None


@dataclass
class Fate:
    wait: float = 0.0
    abandoned: bool = False
    blocked: bool = False


class Run:
    """So many calls through the engine; agents answer at once and need no wrap-up."""

    def __init__(self, world: World, calls: int, seed: int) -> None:
        self.world, self.calls, self.dice = world, calls, random.Random(seed)
        self.engine = Engine()
        self.fates = [Fate() for _ in range(calls)]
        self.came: dict[int, float] = {}
        self.in_system = 0
        self.agenda: list[tuple[float, int, str, str]] = []
        self.engine.handle(m.FloorLoaded(0.0, world.floor))
        for agent in world.floor.agents:
            self.engine.handle(m.LoggedIn(0.0, agent.id))
        self.play()

    def plan(self, at: float, what: str, of: str) -> None:
        heappush(self.agenda, (at, len(self.came), what, of))

    def play(self) -> None:
        self.plan(0.0, "come", "0")
        while self.agenda:
            at, _, what, of = heappop(self.agenda)
            if what == "come":
                self.come(at, int(of))
            elif what == "release":
                self.in_system -= 1
                self.obey(self.engine.handle(m.AgentReleased(at, of)), at)
            elif self.engine.has_call(of):
                self.in_system -= 1
                self.fates[int(of)].abandoned = True
                self.fates[int(of)].wait = at - self.came[int(of)]
                self.engine.handle(m.CallLeft(at, of))

    def come(self, at: float, number: int) -> None:
        self.came[number] = at
        if number + 1 < self.calls:
            self.plan(at + self.dice.expovariate(self.world.rate), "come", str(number + 1))
        if self.in_system == self.world.lines:
            self.fates[number].blocked = True
            return
        self.in_system += 1
        kind = self.dice.choice(self.world.types)
        call, needs = str(number), {kind: 1} if kind else {}
        self.obey(self.engine.handle(m.CallQueued(at, call, call, "all", needs, 0, at)), at)
        if self.world.patience and self.engine.has_call(call):
            self.plan(at + self.dice.expovariate(1 / self.world.patience), "give_up", call)

    def obey(self, commands: list[m.Command], at: float) -> None:
        for command in commands:
            if isinstance(command, m.MakeOffer):
                self.engine.handle(m.OfferAnswered(at, command.offer))
                number = int(command.call)
                self.fates[number].wait = at - self.came[number]
                self.plan(at + self.dice.expovariate(1 / self.world.talk), "release", command.offer)
            elif isinstance(command, m.CallExits):
                self.in_system -= 1
                self.fates[int(command.call)].blocked = True


def floor(
    agents: int, skills: list[dict[str, int]] | None = None, places: int | None = None
) -> m.Floor:
    queue = m.Queue("all", wrap_up_seconds=0, max_waiting=places)
    have = skills or [{}]
    return m.Floor(
        (queue,),
        tuple(
            m.Agent(f"{1000 + n}", queues=("all",), skills=have[n % len(have)])
            for n in range(agents)
        ),
    )


def agrees(values: list[float], exact: float) -> bool:
    """Whether the mean of correlated values is `exact` within what batch means allow.

    A run too short to tell (an error of half the value) agrees with nothing.
    """
    size = len(values) // BATCHES
    means = [statistics.fmean(values[i * size : (i + 1) * size]) for i in range(BATCHES)]
    error: float = statistics.stdev(means) / BATCHES**0.5
    return error < 0.5 * exact and abs(statistics.fmean(means) - exact) <= 4 * error


def test_waits_are_those_of_erlang_c() -> None:
    run = Run(World(100 / 3600, 180, floor(8)), 32_000, seed=11)
    fates = run.fates[WARM_UP:]
    assert agrees([float(fate.wait > 0) for fate in fates], 0.167266507)
    assert agrees([fate.wait for fate in fates], 10.0359904)
    assert agrees([float(fate.wait <= 20) for fate in fates], 0.880148311)


def test_waits_and_abandons_are_those_of_erlang_a() -> None:
    run = Run(World(100 / 3600, 180, floor(6), patience=180), 32_000, seed=12)
    fates = run.fates[WARM_UP:]
    assert agrees([float(fate.wait > 0) for fate in fates], 0.384039345)
    assert agrees([float(fate.abandoned) for fate in fates], 0.0986595007)
    assert agrees([fate.wait for fate in fates], 17.7587101)


TYPES = tuple("abcdef")
TWO_EACH = [dict.fromkeys(pair, 1) for pair in combinations(TYPES, 2)]
ONE_EACH = [{kind: 1} for kind in TYPES]
ALL_SIX = [dict.fromkeys(TYPES, 1)]


@pytest.mark.parametrize(
    ("skills", "lines", "places", "blocked", "mean_wait"),
    [
        pytest.param(ONE_EACH, 120, None, 0.0416587, 3.0543244, id="one skill each, 120 lines"),
        pytest.param(ONE_EACH, None, 30, 0.0385835, 2.4554902, id="one skill each, 30 places"),
        pytest.param(ALL_SIX, None, 30, 0.0036431, 0.4500228, id="all six skills, 30 places"),
    ],
)
def test_six_call_types_wait_and_are_blocked_as_theory_says(
    skills: list[dict[str, int]],
    lines: int | None,
    places: int | None,
    blocked: float,
    mean_wait: float,
) -> None:
    world = World(6 * 1.40 / 60, 600, floor(90, skills, places), TYPES, lines=lines)
    run = Run(world, 62_000, seed=13)
    fates = run.fates[WARM_UP:]
    assert agrees([float(fate.blocked) for fate in fates], blocked)
    assert agrees([fate.wait / 60 for fate in fates if not fate.blocked], mean_wait)


def test_two_skills_each_recover_most_of_what_six_would_bring() -> None:
    """Published from simulation, for first come first served and longest idle: about .004, .57."""
    world = World(6 * 1.40 / 60, 600, floor(90, TWO_EACH, 30), TYPES)
    run = Run(world, 62_000, seed=14)
    fates = run.fates[WARM_UP:]
    blocked = statistics.fmean(fate.blocked for fate in fates)
    wait = statistics.fmean(fate.wait / 60 for fate in fates if not fate.blocked)
    assert 0.002 < blocked < 0.008
    assert 0.45 < wait < 0.70
