"""How long one decision of the distributor takes, on a small and on a large floor.

Measures `Engine.handle` (check, decide, commands) without journal and network, in microseconds.
Calls ask for 300 different things: 30 queues with 10 sets of needs each. Agents work for one to
four queues and have eighteen of sixty skills at random levels, so hardly two of them are alike.

    first call   the first time anyone asks for just this: its agents are worked out once
    busy floor   everybody talks and the given number of calls wait
    quiet floor  everybody is ready and nobody waits
    mixed floor  busy, with another strategy in each queue in turn (all but the two that look
                 at more than one agent: random and ring all), three orders,
                 two relaxations each, and the chance of a preferred agent

An agent who is freed gets a call in most cases and finds none in the others; the two are apart, as
the second is cheaper and more frequent on a small floor.

The floor is kept out of Python's garbage collector (gc.freeze), as a service should do once its
configuration is loaded: else some event now and then takes 10 to 100 ms to walk a large floor.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from acd.engine import Engine
from acd.model import (
    ALL_SKILLS,
    Agent,
    AgentReleased,
    CallQueued,
    Command,
    Event,
    Floor,
    FloorLoaded,
    LoggedIn,
    MakeOffer,
    OfferAnswered,
    Order,
    Queue,
    Relaxation,
    Strategy,
)
from benchmarks.report import Benchmark, Finding, at_most

QUEUES, NEEDS_EACH, SKILLS = 30, 10, 60
SMALL, LARGE = (1000, 500), (10_000, 5000)
FIRST_CALL, ALL = "agent freed, gets the first call", "all decisions together"
LOOK_AT_MANY = frozenset({Strategy.RANDOM, Strategy.RING_ALL})
MEDIAN_MICROS, P99_MICROS, GROWTH = 20.0, 150.0, 2.0


@dataclass(frozen=True)
class Timing:
    what: str
    agents: int
    waiting: int
    micros: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.micros)

    @property
    def p99(self) -> float:
        return sorted(self.micros)[int(len(self.micros) * 0.99)]


class Bench:
    """One floor driven at one event a millisecond of its own time."""

    def __init__(self, agents: int, seed: int, *, mixed: bool = False) -> None:
        self.mixed = mixed
        self.dice = random.Random(seed)
        self.engine = Engine()
        self.now = 1_000_000.0
        self.calls = 0
        self.agents = agents
        self.wishes = [self._wish(f"q{i % QUEUES}") for i in range(QUEUES * NEEDS_EACH)]
        queues = tuple(self._queue(i) for i in range(QUEUES))
        everyone = tuple(self._agent(f"{10_000 + i}") for i in range(agents))
        self.do(FloorLoaded(self.tick(), Floor(queues, everyone)))
        for agent in everyone:
            self.do(LoggedIn(self.tick(), agent.id))
        gc.collect()
        gc.freeze()

    def _queue(self, number: int) -> Queue:
        plain = Queue(f"q{number}", wrap_up_seconds=0)
        if not self.mixed:
            return plain
        strategies = [each for each in Strategy if each not in LOOK_AT_MANY]
        return replace(
            plain,
            strategy=strategies[number % len(strategies)],
            order=list(Order)[number % len(Order)],
            relax=(
                Relaxation(30, {f"s{skill}": 3 for skill in range(SKILLS)}),
                Relaxation(60, drop=(ALL_SKILLS,), also=(f"q{(number + 1) % QUEUES}",)),
            ),
        )

    def _wish(self, queue: str) -> tuple[str, dict[str, int]]:
        skills = self.dice.sample(range(SKILLS), self.dice.randint(0, 2))
        return queue, {f"s{skill}": self.dice.randint(1, 8) for skill in skills}

    def _agent(self, name: str) -> Agent:
        queues = self.dice.sample(range(QUEUES), self.dice.randint(1, 4))
        skills = {f"s{s}": self.dice.randint(1, 10) for s in self.dice.sample(range(SKILLS), 18)}
        return Agent(name, name, tuple(f"q{q}" for q in queues), skills)

    def tick(self) -> float:
        self.now += 0.001
        return self.now

    def do(self, event: Event) -> list[Command]:
        commands = self.engine.handle(event)
        self.engine.next_deadline()
        return commands

    def timed(self, event: Event, into: list[float]) -> list[Command]:
        begin = time.perf_counter_ns()
        commands = self.engine.handle(event)
        self.engine.next_deadline()
        into.append((time.perf_counter_ns() - begin) / 1000)
        return commands

    def call(self, wish: tuple[str, dict[str, int]] | None = None) -> CallQueued:
        self.calls += 1
        queue, needs = wish or self.dice.choice(self.wishes)
        at = self.tick()
        name = f"c{self.calls}"
        if not self.mixed:
            return CallQueued(at, name, name, queue, needs, 0, at)
        liked = f"{10_000 + self.dice.randrange(self.agents)}" if self.calls % 5 == 0 else None
        priority = self.dice.choice((0, 0, 0, 1, 2))
        return CallQueued(at, name, name, queue, needs, priority, at, prefers=liked)


def offers(commands: list[Command]) -> list[str]:
    return [command.offer for command in commands if isinstance(command, MakeOffer)]


def fill(bench: Bench, waiting: int) -> list[str]:
    """Let calls come until so many wait; returns the offers of those who talk."""
    talking: list[str] = []
    while len(bench.engine.calls_view(bench.now)) - len(talking) < waiting:
        for _ in range(200):
            for offer in offers(bench.do(bench.call())):
                bench.do(OfferAnswered(bench.tick(), offer))
                talking.append(offer)
    return talking


def busy(agents: int, waiting: int, rounds: int, seed: int, *, mixed: bool = False) -> list[Timing]:
    bench = Bench(agents, seed, mixed=mixed)
    name = "mixed" if mixed else "busy"
    talking = fill(bench, waiting)
    served, idle, arrived, answered = list[float](), list[float](), list[float](), list[float]()
    for _ in range(rounds):
        at = bench.dice.randrange(len(talking))
        talking[at], talking[-1] = talking[-1], talking[at]
        freed: list[float] = []
        new = offers(bench.timed(AgentReleased(bench.tick(), talking.pop()), freed))
        (served if new else idle).extend(freed)
        new += offers(bench.timed(bench.call(), arrived))
        for offer in new:
            bench.timed(OfferAnswered(bench.tick(), offer), answered)
            talking.append(offer)
    everything = served + idle + arrived + answered
    timings = [
        Timing(f"{name}: {FIRST_CALL}", agents, waiting, served),
        Timing(f"{name}: agent freed, none fits", agents, waiting, idle),
        Timing(f"{name}: call comes and waits", agents, waiting, arrived),
        Timing(f"{name}: agent answers", agents, waiting, answered),
        Timing(f"{name}: {ALL}", agents, waiting, everything),
    ]
    return [each for each in timings if each.micros]


def quiet(agents: int, rounds: int, seed: int) -> list[Timing]:
    bench = Bench(agents, seed)
    first, arrived, freed = list[float](), list[float](), list[float]()
    for wish in bench.wishes:
        for offer in offers(bench.timed(bench.call(wish), first)):
            bench.do(OfferAnswered(bench.tick(), offer))
            bench.do(AgentReleased(bench.tick(), offer))
    for _ in range(rounds):
        for offer in offers(bench.timed(bench.call(), arrived)):
            bench.do(OfferAnswered(bench.tick(), offer))
            bench.timed(AgentReleased(bench.tick(), offer), freed)
    return [
        Timing("quiet: first call of its kind", agents, 0, first),
        Timing("quiet: call comes, longest idle is rung", agents, 0, arrived),
        Timing("quiet: agent freed, nobody waits", agents, 0, freed),
    ]


def show(timings: list[Timing], write: Callable[[str], None] = print) -> None:
    write(f"{'decision':42}{'agents':>8}{'waiting':>9}{'median us':>11}{'p99 us':>9}{'max us':>9}")
    for timing in timings:
        write(
            f"{timing.what:42}{timing.agents:>8}{timing.waiting:>9}"
            f"{timing.median:>11.1f}{timing.p99:>9.1f}{max(timing.micros):>9.0f}"
        )


def measure(rounds: int, seed: int) -> list[Timing]:
    """Every figure, told as it is known."""
    timings: list[Timing] = []
    for agents, waiting in (SMALL, LARGE):
        part = busy(agents, waiting, rounds, seed)
        part += busy(agents, waiting, rounds, seed, mixed=True)
        part += quiet(agents, rounds, seed)
        show(part)
        timings += part
    return timings


def findings(timings: list[Timing]) -> list[Finding]:
    """What was promised of the large floor, and how it compares with the small one."""
    found = []
    for what in (f"busy: {FIRST_CALL}", f"busy: {ALL}", f"mixed: {FIRST_CALL}", f"mixed: {ALL}"):
        small, large = (each for each in timings if each.what == what)
        found += [
            at_most(f"{what}, median", large.median, MEDIAN_MICROS, "µs"),
            at_most(f"{what}, 99th percentile", large.p99, P99_MICROS, "µs"),
            at_most(f"{what}, median of 1,000 x 500", large.median / small.median, GROWTH, "x"),
        ]
    return found


def run() -> list[Finding]:
    """As `make bench` does."""
    return findings(measure(5000, 1))


BENCHMARK = Benchmark(
    "decision",
    "Decisions of the distributor",
    "`Engine.handle`: check, decide, commands; no journal, no network. 10,000 agents, 5,000\n"
    "waiting calls, 60 skills, 300 different needs; `mixed` with every strategy, order and\n"
    "relaxations.",
    run,
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5000, help="decisions timed (default 5000)")
    parser.add_argument("--seed", type=int, default=1, help="of the dice that make the floor")
    options = parser.parse_args()
    measure(options.rounds, options.seed)


if __name__ == "__main__":
    main()
