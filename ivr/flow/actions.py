"""What passes between the interpreter and a medium (telephone, text, chat, SMS).

The interpreter asks for one action at a time; the medium performs it and gives back one result.
What a conversation does, each medium in its own way:

    Say       -> Said
    Ask       -> Keys | Written | NoKeys
    Queue     -> QueueLeft
    Transfer  -> TransferLeft
    Voicemail -> Recorded | NotRecorded
    Record    -> Recorded | NotRecorded
    Hangup    -> nothing: the flow is over

Any of them may instead give `Failed(why)` when it could not be done; the flow then takes its way
out for failures. What is asked of the house behind the flow is in `ivr.flow.errands`. All times are
seconds. What a caller keyed is hidden from `repr`, because it may be a secret and a `repr` ends up
in logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Value = str | int | float | bool | None
"""What a field of a flow can hold."""
EventValue = str | int | float | bool | list[str] | None
"""What an event can tell."""

MASK = "•••"
"""Stands for every secret in events; it tells neither value nor length."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Words ready to be spoken in one language.

    `sound` names a recording, `<sounds>/<language>/<sound>.wav`, played instead when it exists.
    Without `barge_in`, keys wait until it was heard to its end.
    """

    text: str
    language: str
    sound: str | None = None
    barge_in: bool = True


Prompts = tuple[Prompt, ...]


# --- actions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """Speak, without listening."""

    prompts: Prompts


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be answered: the key for it, and its words where it has any."""

    key: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Speak, then wait for keys; a menu is an `Ask` of length 1.

    `timeout` runs from the end of the prompts to the first key, `digit_timeout` between keys.
    `finish_key` ends the entry and is not part of it; "" means there is none. Each key in
    `instant` ends the entry at once and *is* part of it (a medium may leave this out: the same
    keys then arrive after `digit_timeout`). With `secret`, the medium must not log the keys.
    An empty entry (only the finish key) is `NoKeys`. A key from `letters` counts inside an entry
    as a digit does (`*` as the point of an amount).

    `choices` and `expects` (a field's type, "menu" or "confirm") are for media that take words.
    """

    prompts: Prompts
    length_min: int = 1
    length_max: int = 1
    finish_key: str = "#"
    timeout: float = 6.0
    digit_timeout: float = 3.0
    barge_in: bool = True
    secret: bool = False
    instant: str = ""
    letters: str = ""
    expects: str = "menu"
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """A way to another channel, told only when somebody of `queue` has room there at that moment.

    `prompts` offer the key of `choice`, which counts once it was told.
    """

    choice: Choice
    channel: str
    queue: str
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What is heard during a wait: times as in `ivr.flow.asking.Waiting`, words ready to be said.

    `say` are said in turn; `offers` tell the `keys` that lead out of the wait. `answers` are pairs
    of words and the key they mean, for media with letters. `advice` are further keys.
    """

    language: str
    say: tuple[Prompts, ...] = ()
    after: float = 10.0
    every: float = 45.0
    position: bool = True
    estimate: bool = True
    keys: tuple[Choice, ...] = ()
    offers: Prompts = ()
    answers: tuple[tuple[str, str], ...] = ()
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """Find a person: skills -> minimum level, higher `priority` first.

    `tell_agent` is for the agent's screen, `whisper` for the agent's ear before the call is
    joined. `agent` is the only one who may take it, `prefers` one to be waited for first, at most
    `prefer_seconds` (None: as the queue says). `max_wait` None leaves it to the queue. Without
    `waiting` there is music only.
    """

    queue: str
    needs: Mapping[str, int]
    priority: int = 0
    tell_agent: str = ""
    whisper: Prompt | None = None
    agent: str | None = None
    max_wait: float | None = None
    prefers: str | None = None
    prefer_seconds: float | None = None
    waiting: Meanwhile | None = None

    @property
    def prompts(self) -> Prompts:
        """The first words of the wait, as far as they are known before it."""
        if self.waiting is None:
            return ()
        return (*(self.waiting.say[0] if self.waiting.say else ()), *self.waiting.offers)


@dataclass(frozen=True, slots=True)
class Voicemail:
    """Speak, sound a tone, record for at most `max_seconds`."""

    mailbox: str
    prompts: Prompts
    max_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Record:
    """Speak, sound a tone, record under `name` with the contact, until silence or a finish key."""

    name: str
    prompts: Prompts
    max_seconds: float = 120.0
    finish_key: str = "#"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect with one agent (as a call of `queue`) or, when `outside`, with a number.

    It rings for at most `ring` seconds. `prompts` are said before.
    """

    to: str
    outside: bool
    queue: str = ""
    ring: float = 25.0
    tell_agent: str = ""
    whisper: Prompt | None = None
    prompts: Prompts = ()


@dataclass(frozen=True, slots=True)
class Hangup:
    """Speak, then end the call. Nothing follows."""

    prompts: Prompts = ()


Action = Say | Ask | Queue | Transfer | Voicemail | Record | Hangup


# --- results ---------------------------------------------------------------------------------

Outcome = Literal["answered", "timeout", "nobody", "full", "closed", "failed", "key"]
OUTCOMES: tuple[Outcome, ...] = ("answered", "timeout", "nobody", "full", "closed", "failed")
"""How every wait may end; by a "key" (the detail) only one that has some."""
NOBODY: Mapping[str, str] = {
    "empty": "nobody_logged_in",
    "unskilled": "nobody_skilled",
    "paused": "all_paused",
    "busy": "all_busy",
}
"""The kinds of "nobody" that a flow can tell apart, and the detail that comes with each."""


@dataclass(frozen=True, slots=True)
class Said:
    """The prompts were spoken to their end."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the caller keyed, without the finish key."""

    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote, on a medium that has letters."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoKeys:
    """The caller keyed nothing in time."""


@dataclass(frozen=True, slots=True)
class QueueLeft:
    """How the wait ended; after "answered" the conversation is over and the caller still there."""

    outcome: Outcome
    detail: str = ""


TransferOutcome = Literal["answered", "busy", "no_answer", "failed"]
TRANSFER_OUTCOMES: tuple[TransferOutcome, ...] = ("answered", "busy", "no_answer", "failed")


@dataclass(frozen=True, slots=True)
class TransferLeft:
    """How the transfer ended; after "answered" the conversation is over, the caller still there."""

    outcome: TransferOutcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message was left: where it lies and how long it is."""

    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """The caller left no message."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be done; `why` is for the record, not for the caller."""

    why: str


Result = Said | Keys | Written | NoKeys | QueueLeft | TransferLeft | Recorded | NotRecorded | Failed


# --- timeline --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the contact's timeline. `kind` is listed in docs/flow-language.md."""

    at: datetime
    kind: str
    step: str
    data: Mapping[str, EventValue] = field(default_factory=dict)
