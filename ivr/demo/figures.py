"""What the demo measures, always from a phone's side, and how it is summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(slots=True)
class Figures:
    """Everything measured so far; all in seconds. `answered` are contacts.

    `first_words`: from dialling to the first sound. `next_words`: from the end of a key to the
    next sound. `found`: from the last key to the ringing of an agent's phone. `roused`: from an
    agent's dialling of the code for ready to the ringing of the same phone, a caller waiting.
    `handed_on`: from an agent's transfer to the ringing of the next phone. `bot`: from a message to
    the bot's answer. `rung_back`: from the click to the ringing of the visitor's phone.
    """

    calls: int = 0
    answered: set[str] = field(default_factory=set)
    first_words: list[float] = field(default_factory=list)
    next_words: list[float] = field(default_factory=list)
    found: list[float] = field(default_factory=list)
    roused: list[float] = field(default_factory=list)
    handed_on: list[float] = field(default_factory=list)
    bot: list[float] = field(default_factory=list)
    rung_back: list[float] = field(default_factory=list)
    callers_heard: float = 0.0
    agents_heard: float = 0.0

    def rows(self) -> list[tuple[str, str]]:
        """The summary: what was measured, and what came out; nothing for what was not."""
        answered = "all" if len(self.answered) == self.calls else str(len(self.answered))
        told = [("calls", f"{self.calls}, {answered} answered by a person")]
        for what, seconds in (
            ("dialling → first word", self.first_words),
            ("key → next words", self.next_words),
            ("last key → phone rings", self.found),
            ("transfer → next phone rings", self.handed_on),
            ("agent ready → phone rings", self.roused),
            ("message → bot's answer", self.bot),
            ("click → visitor's phone rings", self.rung_back),
        ):
            if seconds:
                told.append((what, spread(seconds)))
        heard = f"{self.callers_heard:.1f} s by callers, {self.agents_heard:.1f} s by agents"
        return [*told, ("sound heard in RTP", heard)]


def milliseconds(seconds: float) -> str:
    """`84 ms`; from ten seconds on in seconds, and never with more digits than were measured."""
    return f"{seconds * 1000:,.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def spread(seconds: Sequence[float]) -> str:
    """The median, and the worst of several."""
    middle = milliseconds(median(seconds))
    if len(seconds) == 1:
        return middle
    return f"median {middle}, worst {milliseconds(max(seconds))} of {len(seconds)}"
