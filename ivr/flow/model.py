"""A flow as data: what the loader builds and the interpreter runs. Nothing here changes.

A flow is a graph of named steps. Each step does one thing (its verb) and names its ways out:
`next` where it worked, `otherwise` where it did not, more where the verb has more. The name of a
step's class is its verb: `SayStep` is `say`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from ivr.flow.actions import TransferOutcome
from ivr.flow.asking import (
    BookStep,
    CodeStep,
    CollectStep,
    IdentifyStep,
    JoinStep,
    MenuStep,
    Option,
    RoomIn,
    Step,
    SurveyStep,
    Waiting,
)
from ivr.flow.calendar import Calendar
from ivr.flow.fields import Field
from ivr.flow.words import NOWHERE, Place, Speech, Template

REPEAT, HELP, BACK = "repeat", "help", "back"
"""Targets of flow-wide keys that are no steps: the question again, its help, the one before."""
KEY_TARGETS = (REPEAT, HELP, BACK)

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class SayStep(Step):
    """Speak, then go on."""

    say: Speech
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


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpStep(Step):
    """Ask a service; take fields out of its answer (field -> dotted path), all or none.

    `statuses` are ways out by status ("404", "4xx"); of two that fit, the exact one counts.
    `next` is for 2xx.
    """

    service: str
    method: str
    path: Template
    query: Mapping[str, Template] = field(default_factory=dict)
    body: Mapping[str, Template] | None = None
    secrets: tuple[str, ...] = ()
    timeout: float | None = None
    retries: int = 0
    take: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)
    patience: Speech = ()
    next: str
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupStep(Step):
    """Find a row by its columns; take fields out of it (field -> column), all or none."""

    table: str
    by: Mapping[str, Template]
    take: Mapping[str, str] = field(default_factory=dict)
    patience: Speech = ()
    next: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class Need:
    """A skill (its name may come from a field) and the level it must reach."""

    skill: Template
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStep(Step):
    """Hand the caller to a person.

    `exits` has a step for every outcome but "answered", and may have one for each kind of "nobody"
    (`ivr.flow.actions.NOBODY`). `next` None ends the call after the conversation. Outside the hours
    of the calendar `hours` the outcome is "closed" at once. `agent` alone may take it; `prefer` is
    waited for first, `prefer_for` seconds at most (None: as long as the queue says).
    """

    queue: Template
    needs: tuple[Need, ...] = ()
    priority: Template | None = None
    tell_agent: Template | None = None
    whisper: Speech = ()
    agent: Template | None = None
    prefer: Template | None = None
    prefer_for: float | None = None
    max_wait: float | None = None
    hours: str | None = None
    waiting: Waiting | None = None
    exits: Mapping[str, str]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStep(Step):
    """Connect with one agent (as a call of `queue`), or with an outside number.

    `exits` has a step for every outcome but "answered"; `next` as in `QueueStep`.
    """

    to: Template
    outside: bool
    queue: Template | None = None
    ring: float = 25.0
    tell_agent: Template | None = None
    whisper: Speech = ()
    say: Speech = ()
    hours: str | None = None
    exits: Mapping[TransferOutcome, str]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackStep(Step):
    """Promise to ring back; `otherwise` when the promise cannot be kept.

    `already`: this customer is to be called back as it is. `refused`: the number may not be rung.
    """

    queue: Template
    number: Template
    needs: tuple[Need, ...] = ()
    priority: Template | None = None
    tell_agent: Template | None = None
    hours: str | None = None
    patience: Speech = ()
    next: str
    already: str
    refused: str
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomStep(Step):
    """Ask whether somebody has room for one more contact: now, or for a call `within` seconds."""

    room: RoomIn
    needs: tuple[Need, ...] = ()
    within: float | None = None
    next: str
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteStep(Step):
    """Give whoever writes a code by which they go on by telephone, `expires` seconds long."""

    say: Speech
    expires: float = 600.0
    next: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class Link:
    """What a link in a text message opens, once: the chat of a site, or a form of some fields."""

    chat: str = ""
    form: tuple[str, ...] = ()
    expires: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsStep(Step):
    """Send a text message in the caller's language; with `link` it holds one of our own."""

    to: Template
    text: Speech
    link: Link | None = None
    patience: Speech = ()
    next: str
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailStep(Step):
    """Record a message; `otherwise` when none was left or recording failed."""

    mailbox: str
    say: Speech
    max_seconds: float
    next: str
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStep(Step):
    """Record something that stays with the contact under `recording`."""

    recording: str
    say: Speech
    max_seconds: float
    finish: str = "#"
    next: str
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep(Step):
    """Run another flow: its fields <- `given`, then ours <- its fields by `keep`."""

    flow: str
    given: Mapping[str, Template] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    next: str
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnStep(Step):
    """End a flow that another one runs: `next` there when `ok`, else `otherwise`."""

    ok: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HangupStep(Step):
    """Say goodbye and end the call."""

    say: Speech = ()


AnyStep = (
    SayStep
    | MenuStep
    | CollectStep
    | IdentifyStep
    | CodeStep
    | JoinStep
    | HoursStep
    | BranchStep
    | SetStep
    | HttpStep
    | LookupStep
    | QueueStep
    | TransferStep
    | CallbackStep
    | RoomStep
    | InviteStep
    | SmsStep
    | VoicemailStep
    | RecordStep
    | SurveyStep
    | BookStep
    | RunStep
    | ReturnStep
    | HangupStep
)


def options_of(step: Step) -> Mapping[str, Option]:
    """The step's own keys: those of a menu, or those that lead out of a wait."""
    match step:
        case MenuStep():
            return step.options
        case QueueStep(waiting=Waiting(options=options)):
            return options
        case _:
            return {}


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the flow; every queue step then needs `skill` at `level`, unless it says so."""

    code: str
    skill: str | None = None
    level: int = 1


@dataclass(frozen=True, slots=True)
class Flow:
    """One conversation; `about` says in a line what it is for.

    `revision` changes whenever its file, or that of a flow it runs, does; `path` is that file.
    `subflows` are the flows it runs, by name. `takes` and `gives` are its arguments and results.
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
    zone: ZoneInfo = UTC
    subflows: Mapping[str, Flow] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    place: Place = NOWHERE

    def language(self, code: str) -> Language:
        """The language of that code, the flow's first one when it has no such language."""
        return next((each for each in self.languages if each.code == code), self.languages[0])
