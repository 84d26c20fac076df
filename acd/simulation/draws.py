"""How long things last, drawn at random. Every draw takes its dice as an argument; seconds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

Dice = random.Random
Sampler = Callable[[], float]


def dice_for(seed: int, *purpose: object) -> Dice:
    """Dice of their own for one purpose, the same for the same seed and purpose.

    So what one part of a run draws never depends on how often another part has drawn: two floors
    with the same seed meet the same callers.
    """
    return Dice("/".join(map(str, (seed, *purpose))))


def seed_of(seed: int, run: int) -> int:
    """The seed of one run of many; runs of neighbouring seeds have none in common."""
    return seed * 1_000_000 + run


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    seconds: float

    @property
    def mean(self) -> float:
        """Seconds, on average."""
        return self.seconds

    def sampler(self, _dice: Dice) -> Sampler:
        """What draws one after the other."""
        return lambda: self.seconds


@dataclass(frozen=True, slots=True)
class Exponential:
    """Memoryless, with that mean: what queueing theory assumes."""

    mean: float

    def sampler(self, dice: Dice) -> Sampler:
        """What draws one after the other."""
        draw, rate = dice.expovariate, 1 / self.mean
        return lambda: draw(rate)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Skewed to the right with that mean and standard deviation: what talk times look like."""

    mean: float
    deviation: float

    def sampler(self, dice: Dice) -> Sampler:
        """What draws one after the other."""
        variance = math.log1p((self.deviation / self.mean) ** 2)
        middle, spread, draw = math.log(self.mean) - variance / 2, math.sqrt(variance), dice.gauss
        return lambda: math.exp(draw(middle, spread))


@dataclass(frozen=True, slots=True)
class Recorded:
    """One of the values that were seen, each as likely as the others; there is at least one."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Seconds, on average."""
        return math.fsum(self.values) / len(self.values)

    def sampler(self, dice: Dice) -> Sampler:
        """What draws one after the other."""
        choose, values = dice.choice, self.values
        return lambda: choose(values)


Draw = Fixed | Exponential | Lognormal | Recorded
