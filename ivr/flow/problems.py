"""Mistakes in files that people write: collected with their places, and with what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from ivr.errors import ConfigError, Problem
from ivr.flow.words import Place

MAX_PROBLEMS = 500
MAX_GUESSES = 50

_ALSO_CALLED = {
    **dict.fromkeys(("goto", "then", "to", "target", "on_success"), ("next",)),
    **dict.fromkeys(("else", "default", "fallback", "on_error", "on_failure"), ("otherwise",)),
    **dict.fromkeys(("play", "speak", "prompt", "announce", "message"), ("say", "text")),
    **dict.fromkeys(("gather", "input", "ask", "question"), ("collect", "field")),
    **dict.fromkeys(("dial", "bridge", "connect", "call"), ("transfer", "run")),
    **dict.fromkeys(("if", "switch", "when", "condition"), ("branch", "if", "valid")),
    **dict.fromkeys(("request", "api", "webhook", "url"), ("http", "get")),
    **dict.fromkeys(("end", "exit", "goodbye", "disconnect"), ("hangup",)),
    **dict.fromkeys(("retries", "tries", "max_attempts"), ("attempts",)),
    "timeout": ("wait",),
}
"""What other systems call our keys."""


@dataclass(slots=True)
class Problems:
    """Collects every mistake; the same mistake at the same place is told once.

    A file of rubbish has thousands: after `MAX_PROBLEMS` they are only counted, and after
    `MAX_GUESSES` nobody looks for what was meant. `notes` are no mistakes, but good to know.
    """

    found: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    _seen: set[tuple[Place, str]] = field(default_factory=set)
    _more: int = 0
    _guesses: int = 0

    @property
    def count(self) -> int:
        """How many there are so far."""
        return len(self.found) + self._more

    def add(self, place: Place, message: str, cure: str = "") -> None:
        """One mistake at a place, and what would be right."""
        if len(self.found) >= MAX_PROBLEMS:
            self._more += 1
        elif (place, message) not in self._seen:
            self._seen.add((place, message))
            self.found.append(Problem(place.file, place.line, place.column, message, cure))

    def note(self, place: Place, message: str, cure: str = "") -> None:
        """Something that is no mistake, but that its designer may not have meant."""
        if len(self.notes) < MAX_PROBLEMS and (place, message) not in self._seen:
            self._seen.add((place, message))
            self.notes.append(Problem(place.file, place.line, place.column, message, cure))

    def unknown(self, place: Place, what: str, name: str, known: Collection[str]) -> None:
        """A name nobody knows; proposes the nearest known one, else lists them when few."""
        self.add(place, f"unknown {what} {quote(name)}", self.guess(name, known))

    def guess(self, name: str, known: Collection[str]) -> str:
        """`suggest`, as long as it makes sense to."""
        self._guesses += 1
        return suggest(name, known) if self._guesses <= MAX_GUESSES else ""

    def all(self) -> list[Problem]:
        """In the order of file and line; the last one tells how many were left out."""
        found = sorted(self.found, key=lambda each: (each.file, each.line, each.column))
        if self._more:
            last = found[-1]
            found.append(replace(last, message=f"and {self._more} more mistakes", cure=""))
        return found

    def raise_if_any(self) -> None:
        """Raises ConfigError with all of them."""
        if self.found:
            raise ConfigError(self.all())


def quote(text: str, limit: int = 40) -> str:
    """The text as it is shown in a message: quoted, on one line, not endless."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return f'"{shown}"'.replace("\n", " ")


def suggest(name: str, known: Collection[str]) -> str:
    """ "did you mean ...?", or the list of what is known when it is short, or nothing."""
    names = sorted(known)
    near = difflib.get_close_matches(name[:60], names[:500], n=1, cutoff=0.6)
    near = near or [other for other in _ALSO_CALLED.get(name, ()) if other in known]
    if near:
        return f"did you mean {quote(near[0])}?"
    if not names:
        return "none is defined"
    return f"known: {', '.join(names)}" if len(names) <= 12 else ""


def meant(cure: str, known: Collection[str]) -> str | None:
    """The name that a suggestion proposes."""
    name = cure.removeprefix('did you mean "').removesuffix('"?')
    return name if name != cure and name in known else None
