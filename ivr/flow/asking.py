"""The steps that ask the caller something, and how they ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.flow.words import NOTHING, NOWHERE, Escalation, Place, Speech, Template


@dataclass(frozen=True, slots=True)
class Asking:
    """How a step asks: times in seconds, tries, and what follows when they are used up.

    `error` is said when the medium fails, before the way out.
    """

    otherwise: str
    wait: float = 6.0
    digit_wait: float = 3.0
    finish: str = "#"
    barge_in: bool = True
    attempts: int = 3
    noinput: Escalation = NOTHING
    nomatch: Escalation = NOTHING
    help: Escalation = NOTHING
    error: Speech = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A named step; `place` is where its name stands in the file."""

    name: str
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class RoomIn:
    """A channel, and the queue in which somebody must have room for one more contact of it."""

    channel: str
    queue: Template


@dataclass(frozen=True, slots=True)
class Option:
    """What one key of a menu does: fields to set, then where to go.

    `label` names it in a few words, from which the sentence is made that offers it, unless `say`
    has one; in writing the label counts alone. `also` are other written answers that mean it.
    Outside the hours of the calendar `hours` it does not exist; one with `room` is offered only
    when there is some at that moment.
    """

    next: str
    sets: Mapping[str, Template] = field(default_factory=dict)
    label: Speech = ()
    say: Speech = ()
    also: tuple[str, ...] = ()
    hours: str | None = None
    place: Place = NOWHERE
    room: RoomIn | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What callers hear, and may press, while they wait for a person.

    The first words come `after` seconds, then all `every` seconds: place and wait as far as they
    are known, and wanted (`position`, `estimate`), one of `say` in turn, and the `options`, whose
    keys lead out of the wait. In writing, all that stays true is said once.
    """

    say: tuple[Speech, ...] = ()
    after: float = 10.0
    every: float = 45.0
    position: bool = True
    estimate: bool = True
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuStep(Step):
    """Speak, then follow one key."""

    say: Speech
    options: Mapping[str, Option]
    asking: Asking


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectStep(Step):
    """Ask for one field.

    With `confirm` it is read back (with generated words when that is empty): 1 keeps it, 2 asks
    again. `valid` is a condition that the new value must meet as well.
    """

    field: str
    say: Speech
    confirm: Speech | None = None
    valid: Template | None = None
    asking: Asking
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyStep(Step):
    """Ask for the fields in `ask`, then compare them with a source (a table or a service).

    `asking.attempts` bounds both the tries for each field and the comparisons. `by_number` is the
    column in which the caller's own number is looked up first; without `ask` that is all. `level`
    None is the natural one. `patience` is said while the answer is on its way.
    """

    source: str
    ask: tuple[str, ...] = ()
    account: str = ""
    by_number: str | None = None
    level: str | None = None
    speeches: Mapping[str, Speech] = field(default_factory=dict)
    wrong: Escalation = NOTHING
    asking: Asking
    patience: Speech = ()
    next: str
    locked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeStep(Step):
    """Send a one-time code to a number, ask for it, compare. Written `identify: code`."""

    to: Template
    text: Speech
    say: Speech
    length: int = 6
    expires: float = 300.0
    level: str | None = None
    wrong: Escalation = NOTHING
    asking: Asking
    patience: Speech = ()
    next: str
    locked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinStep(Step):
    """Ask for the code that a chat or a thread of texts gave, and go on as that contact.

    Fields are filled by `take` (field -> its name there). `level` is the most that what was proven
    there makes of the caller's.
    """

    say: Speech
    take: Mapping[str, str] = field(default_factory=dict)
    level: str = "number"
    wrong: Escalation = NOTHING
    asking: Asking
    patience: Speech = ()
    next: str
    locked: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a survey."""

    field: str
    say: Speech


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyStep(Step):
    """Ask one question after another; what nobody answers is left out."""

    survey: str
    questions: tuple[Question, ...]
    asking: Asking
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookStep(Step):
    """Offer the free times of a calendar service, `offer` at a time, and reserve one.

    The time goes into `into`, the service's name for it into `reference`. `after` is how far from
    the present the first one may be, `within` the last, in seconds. Times outside the calendar
    `during` are not offered. `none` is the way when nothing is free.
    """

    service: str
    into: str
    reference: str | None = None
    after: float = 0.0
    within: float = 7 * 86400.0
    offer: int = 3
    given: Mapping[str, Template] = field(default_factory=dict)
    say: Speech = ()
    hours: str | None = None
    during: str | None = None
    asking: Asking
    patience: Speech = ()
    none: str
    next: str
