"""What Asterisk's manager events can mean here; `ivr.asterisk.events` reads them and has all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LegCause = Literal["no_answer", "rejected", "busy", "unreachable", "caller_left"]


@dataclass(frozen=True, slots=True)
class LegStarted:
    """The agent's phone is being called on `channel`; it does not ring yet."""

    leg: str
    channel: str


@dataclass(frozen=True, slots=True)
class LegRinging:
    """The agent's phone rings."""

    leg: str
    channel: str


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """The agent took the call."""

    leg: str
    channel: str


@dataclass(frozen=True, slots=True)
class OutsideAnswered:
    """A number outside took the call of that contact."""

    contact: str


@dataclass(frozen=True, slots=True)
class OutsideStarted:
    """A number outside is being called for that contact, on `channel`."""

    contact: str
    channel: str
    uniqueid: str


@dataclass(frozen=True, slots=True)
class OutsideFailed:
    """A number outside did not take it. The first one has the true cause, `contact` may be ""."""

    contact: str
    uniqueid: str
    cause: LegCause


@dataclass(frozen=True, slots=True)
class LegFailed:
    """The agent did not take it. The first one of a leg has the true cause."""

    leg: str
    cause: LegCause


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The agent's channel is gone; `answered` tells whether it ever talked. `cause` is Q.850."""

    leg: str
    channel: str
    cause: int
    answered: bool


@dataclass(frozen=True, slots=True)
class ChannelGone:
    """The caller's channel is gone. `cause` is Q.850, 0 when Asterisk has none."""

    channel: str
    uniqueid: str
    contact: str
    cause: int


@dataclass(frozen=True, slots=True)
class BlindTransferred:
    """An agent sent the caller on; in AGI this looked like a hang-up."""

    contact: str
    transferee_channel: str
    transferer_leg: str
    extension: str
    context: str


@dataclass(frozen=True, slots=True)
class AttendedTransferred:
    """An agent joined the caller with somebody: `taker_leg` is their offer, "" without one.

    A phone may move either of its two calls onto the other; `taker_channel` is "" when the caller
    was joined with something that is no channel.
    """

    contact: str
    giver_leg: str
    taker_channel: str
    taker_leg: str


@dataclass(frozen=True, slots=True)
class Held:
    """One side put the call on hold; `leg` or `contact` is "", by whose channel it is."""

    channel: str
    leg: str
    contact: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """One side took the call back; may come without a Held before it."""

    channel: str
    leg: str
    contact: str


@dataclass(frozen=True, slots=True)
class OwnCall:
    """A phone is in a call that no offer has made: it dials, or it is rung past the queues."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelEnded:
    """A channel that is neither a caller's nor an agent's leg is gone."""

    channel: str


@dataclass(frozen=True, slots=True)
class PhoneRegistered:
    """A first way to reach this phone is known."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class PhoneGone:
    """The last way to reach this phone is gone."""

    endpoint: str
