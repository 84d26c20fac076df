"""What the distributor is told. Every event carries `at`, epoch seconds (UTC).

- Time passes only through `Ticked`: no other event makes a lease, a wrap-up or a wait run out.
- `by` names the supervisor who did it for the agent or the call; empty means it was their doing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acd.agent_events import *
from acd.continuations import *
from acd.floor import Floor
from acd.heard import *
from acd.words import Cause, Channel


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
class CallQueued:
    """A call wants an agent with all of `needs` (skill -> least level), or only `agent`.

    `enqueued_at` gives the place and may lie in the past; `max_wait` counts from `at` and replaces
    the queue's. A call id may be queued again once its earlier wait has ended.

    `prefers` is an agent to be waited for, at most `prefer_seconds` (None: the queue's), before
    anyone may take it. `customer` is whose call it is, as far as that is certain, such as a number
    that the network vouches for: it regains a dropped place and keeps callbacks from being doubled.
    `from_agent` is the agent who makes this call and is never offered it.
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
    channel: Channel = Channel.VOICE
    prefers: str | None = None
    prefer_seconds: float | None = None
    customer: str = ""
    from_agent: str | None = None


@dataclass(frozen=True, slots=True)
class CallLeft:
    """The caller is gone: an abandon while waiting, a plain ending when already answered.

    A callback whose customer is not on the line stays: only that line is gone.
    """

    at: float
    call: str
    reason: str = "hangup"


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The agent took the call: `agent` of several who were rung, "" for whom the offer names."""

    at: float
    offer: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The agent did not take the call; it returns to its place (not with `CALLER_LEFT`).

    Where several are rung, `agent` alone did not and the others ring on, until the last of them has
    failed; "" stands for all of them.
    """

    at: float
    offer: str
    cause: Cause
    agent: str = ""


@dataclass(frozen=True, slots=True)
class AgentReleased:
    """The agent has left the answered call: wrap-up begins, whatever the caller does."""

    at: float
    offer: str


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
    """The queue takes no new calls; those that wait stay and are served.

    `reason`, such as "drain", is told to the calls that are refused.
    """

    at: float
    queue: str
    by: str = ""
    reason: str = ""


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


@dataclass(frozen=True, slots=True)
class ChatRoomSet:
    """The agent takes at most `chats` chats from here on, whatever the floor allows beyond that.

    0 where there is no screen to chat on, None for as many as the floor says. Chats in hand stay.
    """

    at: float
    agent: str
    chats: int | None


# fmt: off
Event = (
    FloorLoaded | DayStarted | LoggedIn | LoggedOut | Paused | Readied | CallQueued | CallLeft
    | OfferAnswered | OfferFailed | AgentReleased | WrapUpEnded | WrapUpExtended | CallMoved
    | CallFreed | CallReprioritised | CallWithdrawn | QueueClosed | QueueOpened | Ticked
    | DeviceBusy | DeviceFree | ChatRoomSet | QueueJoined | QueueLeft | AgentForced
    | DispositionGiven | WaitAnnounced | CallbackAsked | CallbackQueued | CallbackHeld
    | CallbackForbidden | CustomerAnswered | CustomerFailed | CallTransferred
    | ConsultationAsked | ConsultationCompleted | ConsultationFailed | PhoneTaken
    | CallKeyed
)
# fmt: on
