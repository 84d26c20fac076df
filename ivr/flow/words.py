"""What the pieces of a flow are made of: places in files, templates, and words to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a file; line and column count from 1."""

    file: str
    line: int
    column: int


NOWHERE = Place("", 0, 0)


class Template(Protocol):
    """Words with fields in them, or a condition over fields."""

    @property
    def source(self) -> str:
        """What the designer wrote."""

    @property
    def place(self) -> Place:
        """Where they wrote it."""

    @property
    def names(self) -> frozenset[str]:
        """The fields and facts it reads."""

    def render(self, values: Mapping[str, object]) -> str:
        """The words, of bounded length; a name without a value renders as nothing."""

    def holds(self, values: Mapping[str, object]) -> bool:
        """Whether the condition is true; a name without a value is false."""


@dataclass(frozen=True, slots=True)
class Words:
    """One thing to say, by language. With `every`, all languages are spoken one after another.

    `written` is what media with letters show instead; empty means the same words. `barge_in` None
    leaves it to the step.
    """

    texts: Mapping[str, Template]
    sound: str | None = None
    every: bool = False
    written: Mapping[str, Template] = field(default_factory=dict)
    barge_in: bool | None = None
    place: Place = NOWHERE


Speech = tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Escalation:
    """What is said on the first, second, ... failed try; the last one serves for all that follow.

    With `instead`, it stands for the question; without, the question is said again after it.
    """

    speeches: tuple[Speech, ...] = ()
    instead: bool = False

    def at(self, failures: int) -> Speech:
        """The words for the n-th failure, counted from 1; () when there are none."""
        return self.speeches[min(failures, len(self.speeches)) - 1] if self.speeches else ()


NOTHING = Escalation()
