"""A flow as data: what the loader builds and the interpreter runs. Nothing here changes.

A flow is a graph of named steps. Each step does one thing (its verb) and names its ways out:
`next` where it worked, `otherwise` where it did not, more where the verb has more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ivr.flow.actions import Outcome, Value
from ivr.flow.calendar import Calendar

REPEAT = "repeat"
"""The flow-wide key target that says the question again."""


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


# --- fields ----------------------------------------------------------------------------------

FieldType = Literal["digits", "number", "choice", "phone", "text", "yesno"]
PHONE_DIGITS = (3, 15)
"""E.164 allows 15 digits; internal numbers are shorter than national ones."""


@dataclass(frozen=True, slots=True)
class Field:
    """A typed entry of the flow's contract. Lengths count keys; `low`/`high` bound a number."""

    name: str
    type: FieldType
    secret: bool = False
    length_min: int = 1
    length_max: int = 20
    low: int | None = None
    high: int | None = None
    of: tuple[str, ...] = ()
    say: tuple[Words, ...] = ()
    place: Place = NOWHERE

    def from_keys(self, keys: str) -> Value:
        """The value these keys mean, or None when they are not a valid entry.

        A choice is keyed by position (1 is the first), yes by 1 and no by 2.
        """
        if not (keys.isascii() and keys.isdigit()):
            return None
        if self.type == "choice":
            position = int(keys) if len(keys) == 1 else 0
            return self.of[position - 1] if 1 <= position <= len(self.of) else None
        if self.type == "yesno":
            return {"1": True, "2": False}.get(keys)
        return self.from_text(keys)

    def from_text(self, text: str) -> Value:
        """The value this text means, or None: how `set` and other channels fill a field."""
        match self.type:
            case "choice":
                return text if text in self.of else None
            case "yesno":
                return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower())
            case "number":
                return self._number(text)
            case "text":
                return text if len(text) <= self.length_max else None
            case "phone":
                digits = text.removeprefix("+")
                return text if self._is_entry(digits) else None
            case _:
                return text if self._is_entry(text) else None

    def _number(self, text: str) -> int | None:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= self.length_max):
            return None
        value = int(text)
        too_low = self.low is not None and value < self.low
        too_high = self.high is not None and value > self.high
        return None if too_low or too_high else value

    def _is_entry(self, text: str) -> bool:
        fits = self.length_min <= len(text) <= self.length_max
        return fits and text.isascii() and text.isdigit()


# --- words -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """One thing to say, by language. With `every`, all languages are spoken one after another."""

    texts: Mapping[str, Template]
    sound: str | None = None
    every: bool = False
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


@dataclass(frozen=True, slots=True)
class Asking:
    """How a step asks: times in seconds, tries, and what follows when they are used up."""

    otherwise: str
    wait: float = 6.0
    digit_wait: float = 3.0
    finish: str = "#"
    barge_in: bool = True
    attempts: int = 3
    noinput: Escalation = Escalation()
    nomatch: Escalation = Escalation()


# --- steps -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A named step; `place` is where its name stands in the file."""

    name: str
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class SayStep(Step):
    """Speak, then go on."""

    say: Speech
    next: str


@dataclass(frozen=True, slots=True)
class Option:
    """What one key of a menu does: fields to set, then where to go."""

    next: str
    sets: Mapping[str, Template] = field(default_factory=dict)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuStep(Step):
    """Speak, then follow one key."""

    say: Speech
    options: Mapping[str, Option]
    asking: Asking


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectStep(Step):
    """Ask for one field. With `confirm`, it is read back: 1 keeps it, 2 asks again."""

    field: str
    say: Speech
    confirm: Speech = ()
    asking: Asking
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyStep(Step):
    """Ask for the fields in `ask`, then compare them with a table.

    `asking.attempts` bounds both the tries for each field and the comparisons.
    """

    table: str
    ask: tuple[str, ...]
    speeches: Mapping[str, Speech]
    wrong: Escalation = Escalation()
    asking: Asking
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursStep(Step):
    """Go by a calendar."""

    calendar: str
    open: str
    closed: str


@dataclass(frozen=True, slots=True)
class Case:
    """One condition of a branch."""

    condition: Template
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchStep(Step):
    """Go by the first condition that holds."""

    cases: tuple[Case, ...]
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStep(Step):
    """Give fields a value; `language` switches the language."""

    sets: Mapping[str, Template]
    next: str


@dataclass(frozen=True, slots=True)
class Need:
    """A skill (its name may come from a field) and the level it must reach."""

    skill: Template
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStep(Step):
    """Hand the caller to a person. `exits` has a step for every outcome but "answered".

    `next` None ends the call after the conversation.
    """

    queue: Template
    needs: tuple[Need, ...] = ()
    priority: Template | None = None
    tell_agent: Template | None = None
    whisper: Speech = ()
    agent: Template | None = None
    max_wait: float | None = None
    exits: Mapping[Outcome, str]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailStep(Step):
    """Record a message; `otherwise` when none was left or recording failed."""

    mailbox: str
    say: Speech
    max_seconds: float
    next: str
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangupStep(Step):
    """Say goodbye and end the call."""

    say: Speech = ()


AnyStep = (
    SayStep
    | MenuStep
    | CollectStep
    | IdentifyStep
    | HoursStep
    | BranchStep
    | SetStep
    | QueueStep
    | VoicemailStep
    | HangupStep
)


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the flow; every queue step then needs `skill` at `level`, unless it says so."""

    code: str
    skill: str | None = None
    level: int = 1


@dataclass(frozen=True, slots=True)
class Flow:
    """One conversation; `about` says in a line what it is for.

    `revision` changes whenever its file does; `path` is that file.
    """

    name: str
    revision: str
    path: str
    start: str
    steps: Mapping[str, AnyStep]
    numbers: tuple[str, ...] = ()
    languages: tuple[Language, ...] = (Language("en"),)
    fields: Mapping[str, Field] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    about: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    place: Place = NOWHERE

    def language(self, code: str) -> Language:
        """The language of that code, the flow's first one when it has no such language."""
        return next((each for each in self.languages if each.code == code), self.languages[0])
