"""When calls come: at random around what is expected in each interval, or as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from acd.simulation.draws import Dice


@dataclass(frozen=True, slots=True)
class Poisson:
    """So many calls are expected in each interval of `width` seconds from `begins` on.

    Within an interval they come independently of each other (a Poisson process).
    """

    begins: float
    width: float
    expected: tuple[float, ...]

    def times(self, dice: Dice) -> Iterator[float]:
        """One day's arrivals, in order. The gaps are memoryless: none reaches over an edge."""
        for number, expected in enumerate(self.expected):
            if expected <= 0:
                continue
            rate, at = expected / self.width, self.begins + number * self.width
            end = at + self.width
            while (at := at + dice.expovariate(rate)) < end:
                yield at


@dataclass(frozen=True, slots=True)
class Timetable:
    """Exactly these times, in order."""

    at: tuple[float, ...]

    def times(self, _dice: Dice) -> Iterator[float]:
        """The same every day."""
        return iter(self.at)


Arrivals = Poisson | Timetable
