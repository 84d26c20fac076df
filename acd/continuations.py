"""Events by which a call goes on in another way: called back, transferred, with a second agent.

Like those of `acd.events`, which has them all, they carry `at`, epoch seconds (UTC).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acd.words import Cause


@dataclass(frozen=True, slots=True)
class CallbackAsked:
    """A waiting call hangs up and is called back when its turn comes; it keeps its place.

    `customer` is who is to be called: nobody is twice. Nothing is dialled before `not_before`, and
    the callback is given up at `expires_at` (None: after the queue's time).
    """

    at: float
    call: str
    customer: str
    not_before: float | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class CallbackQueued:
    """A customer who is not waiting on a line is called back when the turn of `call` comes.

    `enqueued_at` gives the place and may lie in the past; `attempts` were made before. A closed
    queue refuses it, a full one does not: it takes no caller's place. The rest as in `CallQueued`
    and `CallbackAsked`.
    """

    at: float
    call: str
    contact: str
    queue: str
    needs: Mapping[str, int]
    priority: int
    enqueued_at: float
    customer: str
    not_before: float | None = None
    expires_at: float | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class CallbackHeld:
    """The customer must not be dialled before `until`, for example outside legal hours.

    Told instead of dialling it costs no attempt.
    """

    at: float
    call: str
    until: float


@dataclass(frozen=True, slots=True)
class CallbackForbidden:
    """The customer must not be called at all: the callback exits with `forbidden`."""

    at: float
    call: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CustomerAnswered:
    """The customer of a callback is on the line."""

    at: float
    call: str


@dataclass(frozen=True, slots=True)
class CustomerFailed:
    """Dialling the customer of a callback came to nothing."""

    at: float
    call: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class CallTransferred:
    """The agent of an answered call sends it on, as `call`, and leaves it.

    It keeps contact, channel, priority and needs (`strip` drops the needs), and the time it came
    first unless `new_place`.
    """

    at: float
    offer: str
    call: str
    queue: str
    agent: str | None = None
    strip: bool = False
    new_place: bool = False


@dataclass(frozen=True, slots=True)
class ConsultationAsked:
    """The agent of an answered call wants a second agent beside it, by a call of its own, `call`.

    Needs are those of the answered call unless `strip`. The customer's call is left as it is.
    """

    at: float
    offer: str
    call: str
    queue: str
    agent: str | None = None
    strip: bool = False


@dataclass(frozen=True, slots=True)
class ConsultationCompleted:
    """The second agent takes the customer's call over; the first one leaves it."""

    at: float
    call: str


@dataclass(frozen=True, slots=True)
class ConsultationFailed:
    """The consultation is over without a transfer: the first agent and the customer go on."""

    at: float
    call: str
    reason: str = ""
