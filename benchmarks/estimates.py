"""How true the announced waits are: `python -m benchmarks estimates`.

Callers of simulated days are told their wait ten seconds after they came, as a flow would tell
them. Of those who were answered it is counted how many waited as long as the band said that they
heard, and how wide it was.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from acd import model as m
from acd.estimate import Announcement
from acd.simulation.arrivals import Poisson
from acd.simulation.draws import Draw, Exponential, Fixed, Lognormal
from acd.simulation.ledger import Fate, Outcome
from acd.simulation.run import Run
from acd.simulation.scenario import Caller, Phones, Scenario, Shift, Stream
from benchmarks.report import Benchmark, Finding

AFTER = 10.0
"""Seconds after which a caller hears the first words."""
WAITS, SEEDS = 200, 8
PROMISED = 0.8
HOURS = 6
SHAPE = (0.7, 0.9, 1.1, 1.15, 1.1, 1.0, 0.95, 0.9, 1.0, 1.05, 0.9, 0.7)
"""How the load of the half hours differs from its average."""


class Heard(NamedTuple):
    """A band of minutes that was said, the mean it stood for, and the wait that came of it."""

    minutes: tuple[int, int]
    expected: float
    waited: float

    @property
    def held(self) -> bool:
        """Whether it was true."""
        return self.minutes[0] * 60 <= self.waited <= self.minutes[1] * 60


class Telling(Run):
    """A day on which callers are told their wait once."""

    def __init__(self, day: Scenario, seed: int) -> None:
        super().__init__(
            day.floor,
            day.callers(seed),
            day.moves(),
            stops=day.ends + 2 * 3600,
            phones=day.phones,
            seed=seed,
        )
        self._told: list[tuple[float, Announcement, Fate]] = []

    def heard(self) -> Iterator[Heard]:
        """What callers heard who were answered; the day is over."""
        for at, said, fate in self._told:
            if fate.outcome is Outcome.ANSWERED and said.minutes is not None:
                yield Heard(said.minutes, said.told.seconds, fate.ended - at)

    def _comes(self, at: float, caller: Caller) -> None:
        super()._comes(at, caller)
        if self.engine.has_call(caller.comes.call):
            self._plan(at + AFTER, self._tell, caller.comes.call)

    def _tell(self, at: float, call: str) -> None:
        said = self.engine.announcement(call, at) if self.engine.has_call(call) else None
        if said is not None and said.minutes is not None:
            self._told.append((at, said, self._open[call][1]))
            self.tell(m.WaitAnnounced(at, call, said.told))


@dataclass(frozen=True, slots=True)
class Floor:
    """A queue under load: agents, how long calls keep them, and how long callers stay."""

    agents: int
    talk: Draw
    load: float
    patience: float | None
    wrap_up: float = 20.0

    def day(self) -> Scenario:
        """Six hours of it, with a peak in the second."""
        handle = self.talk.mean + self.wrap_up
        queue = m.Queue("sales", wrap_up_seconds=self.wrap_up, handle_seconds=handle)
        agents = tuple(m.Agent(str(1001 + n), queues=("sales",)) for n in range(self.agents))
        calls = self.load * self.agents / handle * 1800
        callers = Stream(
            "sales",
            Poisson(0, 1800, tuple(calls * each for each in SHAPE)),
            self.talk,
            None if self.patience is None else Exponential(self.patience),
        )
        ends = HOURS * 3600.0
        shifts = tuple(Shift(agent.id, 0, ends) for agent in agents)
        phones = Phones(answer_after=Fixed(4))
        return Scenario(m.Floor((queue,), agents), (callers,), shifts, ends=ends, phones=phones)

    def waits(self, seed: int, count: int = WAITS) -> list[Heard]:
        """So many waits, of as many days as it takes."""
        days = (1000 * seed + number for number in itertools.count())
        found: list[Heard] = []
        while len(found) < count:
            telling = Telling(self.day(), next(days))
            telling.play()
            found += telling.heard()
        return found[:count]


FLOORS: Mapping[str, Floor] = {
    "2 agents, 5 minutes": Floor(2, Lognormal(300, 200), 0.9, 900),
    "3 agents, 4 minutes": Floor(3, Lognormal(240, 180), 0.95, 600),
    "8 agents, 5 minutes": Floor(8, Lognormal(300, 240), 1.0, 600),
    "30 agents, 4 minutes": Floor(30, Lognormal(240, 200), 1.0, 900),
    "6 agents, 3 minutes, all alike": Floor(6, Lognormal(180, 60), 0.98, 900),
    "4 agents, 10 minutes": Floor(4, Lognormal(600, 400), 0.95, 1200),
    "5 agents, exponential": Floor(5, Exponential(240), 0.95, 600),
    "5 agents, nobody hangs up": Floor(5, Lognormal(240, 180), 0.92, None),
}
"""Talk of realistic lengths, and wrap-up of 20 seconds."""


def share(waits: list[Heard]) -> float:
    """How many of them the band held."""
    return sum(each.held for each in waits) / len(waits)


def measure() -> list[Finding]:
    """One row for each floor: of all seeds, and of the worst one."""
    found = []
    for name, floor in FLOORS.items():
        runs = [floor.waits(seed) for seed in range(SEEDS)]
        waits = [each for run in runs for each in run]
        width = statistics.mean(each.minutes[1] - each.minutes[0] for each in waits)
        wait = statistics.mean(each.waited for each in waits)
        error = statistics.mean(abs(each.waited - each.expected) for each in waits)
        worst = min(map(share, runs))
        figure = (
            f"{share(waits):.0%}, worst {worst:.0%}; band {width:.1f} min wide, "
            f"mean wait {wait:.0f} s, first figure off by {error:.0f} s"
        )
        found.append(Finding(name, figure, f"at least {PROMISED:.0%}", worst >= PROMISED))
    return found


BENCHMARK = Benchmark(
    "estimates",
    "Announced waits",
    f"How many of {WAITS} announced waits the band held, for {SEEDS} seeds.",
    measure,
)
