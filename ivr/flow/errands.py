"""What a flow asks of the house behind it, the same for every medium.

    Identify, Recognise, CheckCode -> Identified        SendCode -> CodeSent
    Http   -> Answer        Lookup -> Row               Sms      -> Sent
    Slots  -> SlotList      Reserve -> Reserved | SlotTaken
    Callback -> CallbackKept or CallbackRefused        Room -> RoomFound
    Invite -> CodeMade      TakeCode -> Joined        SendLink -> Sent

Each may instead give `Failed(why)`. `prompts` are what the caller hears while the answer is on its
way. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ivr.flow.actions import Action, Failed, Prompts, Result, Value
from ivr.flow.fields import Field

Json = Value | list["Json"] | dict[str, "Json"]
"""What a service answers."""

CODE_MARK = "\ue000"
"""Stands in the words of a `SendCode` where the code belongs; the interpreter never knows it."""

LINK_MARK = "\ue003"
"""Stands in the words of a `SendLink` where the link belongs."""

CODE_DIGITS = 6
"""Of a code that leads from a chat to a call; what bounds guessing is in `ivr.backends.passes`."""

LEVELS = ("unknown", "number", "verified", "strong")
"""How sure we are of who is calling; "strong" takes two different proofs."""


@dataclass(frozen=True, slots=True)
class Identify:
    """Compare what the caller gave with a source (a table or a service).

    `secrets` names the given fields to protect. `account` is the field whose value failures are
    counted for.
    """

    source: str
    given: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str] = frozenset()
    account: str = ""
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Recognise:
    """Find the one customer of a table whose `column` holds this telephone number."""

    source: str
    column: str
    number: str
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class SendCode:
    """Send a new one-time code of `length` digits; `text` has CODE_MARK in its place.

    It expires after `expires` seconds and can be used once.
    """

    to: str
    text: str
    length: int = 6
    expires: float = 300.0
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class CheckCode:
    """Compare what the caller keyed with the code sent under that handle."""

    handle: str
    given: str = field(repr=False)
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Http:
    """Ask a service of the house.

    `path` begins with "/" and is URL-encoded already; `query` and `body` are plain. `secrets` are
    added to the body (or, without one, to the query) and appear nowhere else. `timeout` is for one
    attempt; a failed attempt is repeated up to `retries` times where the method allows it.
    """

    service: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Value] | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None
    retries: int = 0
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """The first row of a table or database query whose columns equal `by`."""

    table: str
    by: Mapping[str, str]
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Sms:
    """Send a text message."""

    to: str
    text: str
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Callback:
    """Keep a promise to ring `number` as a call of `queue`; needs as in `Queue`."""

    queue: str
    number: str
    needs: Mapping[str, int] = field(default_factory=dict)
    priority: int = 0
    tell_agent: str = ""
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Slots:
    """The next free times of a calendar service, from `after` on, within `within` seconds."""

    service: str
    after: datetime
    within: float
    limit: int
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Reserve:
    """Take one slot; `given` tells the service who for."""

    service: str
    slot: str
    given: Mapping[str, str] = field(default_factory=dict)
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Room:
    """Is somebody of the queue there for one more contact of that channel, at this moment?"""

    channel: str
    queue: str
    needs: Mapping[str, int] = field(default_factory=dict)
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Invite:
    """Make a code by which whoever writes goes on by telephone; `text` has CODE_MARK in its place.

    It can be used once, within `expires` seconds. The medium says the words.
    """

    text: str
    expires: float = 600.0
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class TakeCode:
    """Go on as the contact whose code this is; in letters, as the one whose link was opened."""

    given: str = field(default="", repr=False)
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a contact when it is taken up on another channel; nothing of it is secret.

    As in `State`: `proven` names the fields that were compared.
    """

    fields: Mapping[str, Value] = field(default_factory=dict)
    level: str = "unknown"
    customer: Mapping[str, Value] = field(default_factory=dict)
    proofs: tuple[str, ...] = ()
    proven: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormField:
    """One line of a form: the field, and what stands beside it."""

    field: Field
    label: str


@dataclass(frozen=True, slots=True)
class SendLink:
    """Send a text message with a link of our own; `text` has LINK_MARK in its place.

    It opens the chat of the site `chat`, where `known` is taken up, or else a form that asks for
    the fields of `form` in `flow`. It can be used once, within `expires` seconds.
    """

    to: str
    text: str
    chat: str = ""
    form: tuple[FormField, ...] = ()
    flow: str = ""
    language: str = ""
    expires: float = 3600.0
    known: Known = field(default_factory=Known)
    prompts: Prompts = ()


Errand = (
    Identify
    | Recognise
    | SendCode
    | CheckCode
    | Http
    | Lookup
    | Sms
    | Callback
    | Slots
    | Reserve
    | Room
    | Invite
    | TakeCode
    | SendLink
)


# --- what comes back -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identified:
    """`level` is one of LEVELS; `facts` tell who it is.

    `locked` means that no further try counts for this account for a while, `expired` that a code
    came too late to be compared. `key` is the column a recognised customer is found by (empty
    elsewhere).
    """

    ok: bool
    level: str = "unknown"
    facts: Mapping[str, Value] = field(default_factory=dict)
    locked: bool = False
    key: str = ""
    expired: bool = False


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A code is on its way; `handle` names it."""

    handle: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A service answered; `body` None when it sent none."""

    status: int
    body: Json = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """What a lookup found; `values` by column."""

    found: bool
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """The message was accepted for sending."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class CallbackKept:
    """The promise is kept under that id; `already`: there was one for this customer before."""

    id: str
    already: bool = False


@dataclass(frozen=True, slots=True)
class CallbackRefused:
    """This number may not be rung; `why` says so."""

    why: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A free time: `start` is ISO 8601 with offset."""

    id: str
    start: str


@dataclass(frozen=True, slots=True)
class SlotList:
    """Free times in order of time; may be empty."""

    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Reserved:
    """The slot is theirs; `reference` is the service's name for it."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class SlotTaken:
    """Somebody else was faster."""


@dataclass(frozen=True, slots=True)
class RoomFound:
    """Whether there is room; else the wait to be expected, None when unknown.

    `seconds` is its mean, `minutes` the band as it is said.
    """

    room: bool
    seconds: float | None = None
    minutes: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class CodeMade:
    """The code, for the medium alone."""

    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """Whether the code was one; `known` is what the contact brings, `contact` its id.

    `elsewhere` is that id where the contact lives at another node: the caller stays another contact
    and goes on with what is known. `locked` as in `Identified`.
    """

    ok: bool
    known: Known = field(default_factory=Known)
    contact: str = ""
    locked: bool = False
    elsewhere: str = ""


Findings = (
    Identified
    | CodeSent
    | Answer
    | Row
    | Sent
    | CallbackKept
    | CallbackRefused
    | SlotList
    | Reserved
    | SlotTaken
    | RoomFound
    | CodeMade
    | Joined
    | Failed
)
"""What an errand can bring back."""

AnyAction = Action | Errand
AnyResult = Result | Findings
