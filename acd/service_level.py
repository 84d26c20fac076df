"""Service level by the three formulas in use. Which one belongs beside every figure.

Callers who were refused at the entry, called back, moved, taken out by a supervisor, or who left by
a key are in none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from acd.words import Formula

SPELLED: Mapping[Formula, str] = {
    Formula.WITHOUT_SHORT: "answered within {target} / (answered + abandoned + timed out"
    " + nobody there - abandoned within {short})",
    Formula.ALL_ENDED: "answered within {target} / (answered + abandoned + timed out"
    " + nobody there)",
    Formula.ANSWERED: "answered within {target} / answered",
}
"""Each formula in words, with its two times to be filled in."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of calls that waited on the line and ended."""

    answered: int
    in_target: int
    abandoned: int = 0
    abandoned_short: int = 0
    sent_on: int = 0


def ended(figures: Figures, formula: Formula) -> int:
    """What the formula divides by."""
    if formula is Formula.ANSWERED:
        return figures.answered
    calls = figures.answered + figures.abandoned + figures.sent_on
    return calls - figures.abandoned_short if formula is Formula.WITHOUT_SHORT else calls


def level(figures: Figures, formula: Formula) -> float | None:
    """The service level, 0 to 1; None while there is nothing to divide by."""
    calls = ended(figures, formula)
    return figures.in_target / calls if calls > 0 else None


def spelled(formula: Formula, target: float, short: float) -> str:
    """The formula as it is printed beside a figure, with its two times in seconds."""
    return SPELLED[formula].format(target=f"{target:g} s", short=f"{short:g} s")


def figures(waits: Iterable[tuple[float, bool]], target: float, short: float) -> Figures:
    """Figures of calls on record: for each the seconds it waited and whether it was answered."""
    answered = in_target = abandoned = abandoned_short = 0
    for waited, was_answered in waits:
        if was_answered:
            answered += 1
            in_target += waited <= target
        else:
            abandoned += 1
            abandoned_short += waited < short
    return Figures(answered, in_target, abandoned, abandoned_short)
