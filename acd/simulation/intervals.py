"""How sure a simulated figure is: Student's t, ratios over independent parts, batch means.

A run gives one number; only several independent ones tell how far it may be off. The parts are
either replications (the same day again with other dice) or batches (one long run cut in pieces much
longer than its memory). Figures are ratios of sums, such as answered in time over all calls, so
that a part with more calls weighs more and a part without any does no harm. The interval is that of
the ratio estimator (Law, Simulation Modeling and Analysis, on ratios of expectations).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and how far the true one may be to either side; `half` is None for one part only."""

    value: float
    half: float | None = None

    @property
    def low(self) -> float:
        """The lower end; minus infinity when nothing is known."""
        return self.value - (math.inf if self.half is None else self.half)

    @property
    def high(self) -> float:
        """The upper end; infinity when nothing is known."""
        return self.value + (math.inf if self.half is None else self.half)

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def ratio(above: Sequence[float], below: Sequence[float], level: float = LEVEL) -> Interval | None:
    """The ratio of two sums over independent parts; None when there is nothing to divide by."""
    parts, total = len(above), math.fsum(below)
    if total <= 0:
        return None
    value = math.fsum(above) / total
    if parts < 2:
        return Interval(value)
    squares = math.fsum((a - value * b) ** 2 for a, b in zip(above, below, strict=True))
    error = math.sqrt(squares / (parts - 1) / parts) / (total / parts)
    return Interval(value, student_t(level, parts - 1) * error)


def mean(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """The mean of independent values; None when there are none."""
    return ratio(values, [1.0] * len(values), level)


def batch_means(values: Sequence[float], batches: int = 20, level: float = LEVEL) -> Interval:
    """The mean of a long stationary run, from batches that must outlast its memory by far.

    What is left over at the beginning is dropped. Raises ValueError for fewer values than batches.
    """
    size = len(values) // batches
    if size == 0:
        raise ValueError(f"{len(values)} values cannot be cut into {batches} batches")
    start = len(values) - size * batches
    cuts = range(start, len(values), size)
    means = [math.fsum(values[cut : cut + size]) / size for cut in cuts]
    found = mean(means, level)
    assert found is not None  # noqa: S101 - there is at least one batch
    return found


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value that `share` (0 to 1) of the sorted values do not exceed; None without values."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@cache
def student_t(level: float, freedom: int) -> float:
    """How many standard errors an interval of that level reaches to either side."""
    low, high = 0.0, 1.0
    while _two_sided(high, freedom) < level:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if _two_sided(middle, freedom) < level:
            low = middle
        else:
            high = middle
    return high


def _two_sided(t: float, freedom: int) -> float:
    """P(|T| <= t): the incomplete beta function (Abramowitz and Stegun 26.7.1)."""
    return 1.0 - _beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def _beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by whichever fraction converges quickly."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Its continued fraction (Abramowitz and Stegun 26.5.8), by Lentz's method."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 400):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + step * d)
            c = 1 + step / c
            result *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return result
