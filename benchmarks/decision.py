"""How long one decision of the distributor takes, on a small and on a large floor.

Measures `Engine.handle` (check, decide, commands) without journal and network, in microseconds.
Calls ask for 300 different things: 30 queues with 10 sets of needs each. Agents work for one to
four queues and have eighteen of sixty skills at random levels, so hardly two of them are alike.

    first call   the first time anyone asks for just this: its agents are worked out once
    busy floor   everybody talks and the given number of calls wait
    quiet floor  everybody is ready and nobody waits
    mixed floor  busy, with another strategy in each queue in turn (all but random), three orders,
                 two relaxations each, and the chance of a preferred agent

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

QUEUES, NEEDS_EACH, SKILLS = 30, 10, 60


@dataclass(frozen=True)
class Timing:
    what: str
    agents: int
    waiting: int
    micros: list[float]


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
        strategies = [each for each in Strategy if each is not Strategy.RANDOM]
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
    freed, arrived, answered = list[float](), list[float](), list[float]()
    for _ in range(rounds):
        at = bench.dice.randrange(len(talking))
        talking[at], talking[-1] = talking[-1], talking[at]
        new = offers(bench.timed(AgentReleased(bench.tick(), talking.pop()), freed))
        new += offers(bench.timed(bench.call(), arrived))
        for offer in new:
            bench.timed(OfferAnswered(bench.tick(), offer), answered)
            talking.append(offer)
    return [
        Timing(f"{name}: agent freed, gets the first call", agents, waiting, freed),
        Timing(f"{name}: call comes and waits", agents, waiting, arrived),
        Timing(f"{name}: agent answers", agents, waiting, answered),
        Timing(f"{name}: all three together", agents, waiting, freed + arrived + answered),
    ]


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
        ordered = sorted(timing.micros)
        p99 = ordered[int(len(ordered) * 0.99)]
        write(
            f"{timing.what:42}{timing.agents:>8}{timing.waiting:>9}"
            f"{statistics.median(ordered):>11.1f}{p99:>9.1f}{ordered[-1]:>9.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5000, help="decisions timed (default 5000)")
    parser.add_argument("--seed", type=int, default=1, help="of the dice that make the floor")
    options = parser.parse_args()
    timings: list[Timing] = []
    for agents, waiting in ((1000, 500), (10_000, 5000)):
        timings += busy(agents, waiting, options.rounds, options.seed)
        timings += busy(agents, waiting, options.rounds, options.seed, mixed=True)
        timings += quiet(agents, options.rounds, options.seed)
    show(timings)


if __name__ == "__main__":
    main()
