"""The words of the distributor: what it is told and what it says.

Everything here is a frozen value. Times are epoch seconds (UTC, float), durations are seconds.
Inputs ("events") say what has happened and carry `at`; outputs ("commands") say what must happen
next. `to_json` and `from_json` carry both through the journal as a dict with a `type` tag.

Rules that go with the words:
- A call's place is one number, `enqueued_at - (priority + weight) * seconds_per_priority`, lowest
  first. All waits grow alike, so the number never changes while the call waits.
- Time passes only through `Ticked`: no other event makes a lease, a wrap-up or a wait run out.
- `by` names the supervisor who did it for the agent; empty means the agent did.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from acd import codec
from acd.floor import Agent as Agent
from acd.floor import Floor as Floor
from acd.floor import Queue as Queue


class AgentState(StrEnum):
    """Where an agent is; the moves between them are the table in `acd.agents`."""

    LOGGED_OUT = "logged_out"
    READY = "ready"
    PAUSED = "paused"
    OFFERED = "offered"
    TALKING = "talking"
    WRAP_UP = "wrap_up"


class Cause(StrEnum):
    """Why an offer came to nothing.

    The first four are the agent's: each has its counter, and so many in a row pause the agent.
    `CALLER_LEFT` also ends the call. `LOST` is nobody's fault (our side broke off, for example in
    a restart): the agent keeps their idle time, the call its place.
    """

    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    CALLER_LEFT = "caller_left"
    LOST = "lost"


class Exit(StrEnum):
    """Why the distributor sends a call back to its flow without an agent."""

    TIMEOUT = "timeout"
    NOBODY = "nobody"
    FULL = "full"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Staffing(StrEnum):
    """What the agents who could take a call are doing; the detail of `Exit.NOBODY`."""

    NOBODY_LOGGED_IN = "nobody_logged_in"
    NOBODY_SKILLED = "nobody_skilled"
    ALL_PAUSED = "all_paused"
    ALL_BUSY = "all_busy"
    READY = "ready"


class Cancel(StrEnum):
    """Why an offer is taken back while the phone may still ring."""

    CALLER_LEFT = "caller_left"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    MOVED = "moved"


# --- events: what has happened -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FloorLoaded:
    """A configuration is in force from now on; states, waits and wrap-ups carry over."""

    at: float
    floor: Floor


@dataclass(frozen=True, slots=True)
class DayStarted:
    """A new working day: the counters of queues and agents begin at zero."""

    at: float


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The agent is here and ready."""

    at: float
    agent: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The agent goes; during work it takes effect when the work ends."""

    at: float
    agent: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Paused:
    """The agent takes a break; during work it takes effect when the work ends."""

    at: float
    agent: str
    reason: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Readied:
    """The agent wants calls: ends a pause or a wrap-up, or calls off what was asked during work."""

    at: float
    agent: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class CallQueued:
    """A call wants an agent with all of `needs` (skill -> least level), or only `agent`.

    `enqueued_at` gives the place and may lie in the past; `max_wait` counts from `at` and replaces
    the queue's. A call id may be queued again once its earlier wait has ended.
    """

    at: float
    call: str
    contact: str
    queue: str
    needs: Mapping[str, int]
    priority: int
    enqueued_at: float
    agent: str | None = None
    max_wait: float | None = None


@dataclass(frozen=True, slots=True)
class CallLeft:
    """The caller is gone: an abandon while waiting, a plain ending when already answered."""

    at: float
    call: str
    reason: str = "hangup"


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The agent took the call."""

    at: float
    offer: str


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The agent did not take the call; it returns to its place (not with `CALLER_LEFT`)."""

    at: float
    offer: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class AgentReleased:
    """The agent has left the answered call: wrap-up begins, whatever the caller does."""

    at: float
    offer: str


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """The agent is done before the wrap-up ran out."""

    at: float
    agent: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """The agent's wrap-up lasts `seconds` longer than it would have."""

    at: float
    agent: str
    seconds: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class CallMoved:
    """A supervisor puts a waiting call in another queue; its enqueue time stays."""

    at: float
    call: str
    queue: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class CallFreed:
    """A waiting call that wanted one agent takes anyone of its queue from now on.

    The agents who did not take it stay left out for their time; its place stays.
    """

    at: float
    call: str


@dataclass(frozen=True, slots=True)
class CallReprioritised:
    """A supervisor gives a waiting call another priority."""

    at: float
    call: str
    priority: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class CallWithdrawn:
    """A supervisor takes a waiting call out: it exits with `withdrawn`."""

    at: float
    call: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class QueueClosed:
    """The queue takes no new calls; those that wait stay and are served."""

    at: float
    queue: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class QueueOpened:
    """The queue takes calls again."""

    at: float
    queue: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time has come to `at`: what is due by then runs out, in the order it is due."""

    at: float


# fmt: off
Event = (
    FloorLoaded | DayStarted | LoggedIn | LoggedOut | Paused | Readied | CallQueued | CallLeft
    | OfferAnswered | OfferFailed | AgentReleased | WrapUpEnded | WrapUpExtended | CallMoved
    | CallFreed | CallReprioritised | CallWithdrawn | QueueClosed | QueueOpened | Ticked
)
# fmt: on


# --- commands: what must happen next -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """Ring `agent` for `call` for `ring_seconds`; without news by `lease_until` it is void."""

    offer: str
    call: str
    contact: str
    queue: str
    agent: str
    ring_seconds: float
    lease_until: float


@dataclass(frozen=True, slots=True)
class CancelOffer:
    """Stop ringing; any later word about this offer is refused."""

    offer: str
    call: str
    agent: str
    reason: Cancel


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """The agent is in `state` since `since`; `reason` says why when paused."""

    agent: str
    state: AgentState
    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class CallExits:
    """The call has left the distributor and goes on in its flow."""

    call: str
    reason: Exit
    detail: str = ""


Command = MakeOffer | CancelOffer | AgentChanged | CallExits

EVENTS: tuple[type[Event], ...] = typing.get_args(Event)
COMMANDS: tuple[type[Command], ...] = typing.get_args(Command)


# --- JSON ----------------------------------------------------------------------------------------

_TAG = "type"
_BY_TAG: dict[str, type[Event] | type[Command]] = {
    cls.__name__: cls for cls in (*EVENTS, *COMMANDS)
}


def to_json(message: Event | Command) -> dict[str, Any]:
    """The message as plain JSON values, with its class name under `type`."""
    return {_TAG: type(message).__name__} | codec.encode(message)


def from_json(data: Mapping[str, Any]) -> Event | Command:
    """The message that `to_json` wrote; fields added since then take their defaults.

    Raises ValueError for an unknown type, an unknown enum value or a missing or unknown field.
    """
    cls = _BY_TAG.get(data.get(_TAG, ""))
    if cls is None:
        raise ValueError(f"{data.get(_TAG)!r} is no message of the distributor")
    fields = {name: value for name, value in data.items() if name != _TAG}
    return typing.cast(Event | Command, codec.decode(cls, fields))
