r"""Asterisk's manager events as facts: a mapping of header to value in, a frozen fact or None out.

Our words travel on the channels. `TIELINE_CONTACT` is set on the caller's channel, `TIELINE_LEG` on
the agent's (by Dial's `b()`, never inherited from the caller's; `ivr.open_offers` reads it), and
`channelvars` in manager.conf makes Asterisk repeat both in every event: `ChanVariable: NAME=value`,
one line each, the name with a prefix where the event tells of several channels, the value escaped
as in C.

A leg that does not come about is told up to three times: `HangupRequest` (only when the phone ended
it, and only there is the reason kept: 603 is "no answer" by the time of DialEnd), `DialEnd`, and
`Hangup`. They come in this order and each is a fact here; the first LegFailed of a leg is the one
to believe. A phone that cannot be reached at all makes no channel and so no event: only DIALSTATUS
tells. Facts of one channel come in order; those of two may swap, so that a phone may be LegRinging
before it is LegStarted.

A phone's key "decline" sends 603 or 486, by make. 486 from a phone that was ringing is a person's
no, from one that did not ring it is busy.

Causes are Q.850 as Asterisk numbers them (causes.h).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from ivr.asterisk.facts import (
    AttendedTransferred,
    BlindTransferred,
    ChannelEnded,
    ChannelGone,
    Held,
    LegAnswered,
    LegCause,
    LegEnded,
    LegFailed,
    LegRinging,
    LegStarted,
    OutsideAnswered,
    OutsideFailed,
    OutsideStarted,
    OwnCall,
    PhoneGone,
    PhoneRegistered,
    Resumed,
)

Headers = Mapping[str, str | list[str]]

CUSTOMER: Final = "callback-"
AGENT: Final = "agent-"
"""How the unique id of a channel we originate begins: whose it is; the offer follows."""
CONTACT: Final = "TIELINE_CONTACT"
LEG: Final = "TIELINE_LEG"
OURS: Final = "TIELINE_OURS"
"""Set on a phone's channel that carries a call of the distributor's on another node; `UNTAKEN` on
a mobile that was picked up by nobody who wanted the call."""
UNTAKEN: Final = "untaken"


Fact = (
    LegStarted
    | LegRinging
    | LegAnswered
    | OutsideStarted
    | OutsideAnswered
    | OutsideFailed
    | LegFailed
    | LegEnded
    | ChannelGone
    | BlindTransferred
    | AttendedTransferred
    | Held
    | Resumed
    | OwnCall
    | ChannelEnded
    | PhoneRegistered
    | PhoneGone
)


# --- tables -----------------------------------------------------------------------------------

_DIAL_FAILURES: Final[Mapping[str, LegCause]] = MappingProxyType(
    {
        "BUSY": "busy",
        "NOANSWER": "no_answer",
        "CHANUNAVAIL": "unreachable",
        "CONGESTION": "unreachable",
        "INVALIDARGS": "unreachable",
        "DONTCALL": "rejected",
        "TORTURE": "rejected",
        "CANCEL": "caller_left",
    }
)

_RINGING_FAILURES: Final[Mapping[int, LegCause]] = MappingProxyType(
    {17: "rejected", 18: "no_answer", 19: "no_answer", 21: "rejected"}
)
_SILENT_FAILURES: Final[Mapping[int, LegCause]] = MappingProxyType({17: "busy", 21: "rejected"})

_TELLS_NOTHING: Final = frozenset({0, 16, 26})  # none, normal clearing, answered elsewhere

_ESCAPES: Final[Mapping[str, str]] = MappingProxyType(
    {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
)
_ESCAPED: Final = re.compile(r"\\(.)")


# --- reading ----------------------------------------------------------------------------------


def fact(message: Headers) -> Fact | None:
    """What `message` means to us; None for most. Never raises for what Asterisk may write."""
    read = _READERS.get(_text(message, "Event"))
    return None if read is None else read(message)


def variables(message: Headers, prefix: str = "") -> dict[str, str]:
    """The channel variables in an event, unescaped; unset ones are ""."""
    found = message.get(f"{prefix}ChanVariable", [])
    lines: Sequence[str] = [found] if isinstance(found, str) else found
    pairs = (line.partition("=") for line in lines)
    return {name: unescape(value) for name, _, value in pairs}


def unescape(text: str) -> str:
    """Undo what Asterisk does to caller names and variables in events."""
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), text)


def _text(message: Headers, name: str) -> str:
    value = message.get(name, "")
    return value if isinstance(value, str) else value[0]


def _number(message: Headers, name: str) -> int:
    text = _text(message, name)
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0


def _leg(message: Headers, prefix: str = "") -> str:
    return variables(message, prefix).get(LEG, "")


def _new_channel(message: Headers) -> Fact | None:
    """A phone that dials is told as Ring from the first event on, one that is being rung is not."""
    dials = _text(message, "ChannelStateDesc") == "Ring"
    return OwnCall(_text(message, "Channel")) if dials else None


def _dial_begin(message: Headers) -> Fact | None:
    values, channel = variables(message, "Dest"), _text(message, "DestChannel")
    if leg := values.get(LEG, ""):
        return LegStarted(leg, channel)
    if contact := variables(message).get(CONTACT, ""):
        return OutsideStarted(contact, channel, _text(message, "DestUniqueid"))
    return None if values.get(OURS) else OwnCall(channel)


def _new_state(message: Headers) -> Fact | None:
    leg = _leg(message)
    ringing = _text(message, "ChannelStateDesc") == "Ringing"
    return LegRinging(leg, _text(message, "Channel")) if leg and ringing else None


def _dial_end(message: Headers) -> Fact | None:
    leg, status = _leg(message, "Dest"), _text(message, "DialStatus")
    if not leg:
        return _outside_end(message, status)
    if status == "ANSWER":
        return LegAnswered(leg, _text(message, "DestChannel"))
    if _text(message, "Forward"):  # a phone that sends its calls elsewhere does not take this one
        return LegFailed(leg, "rejected")
    if variables(message, "Dest").get(OURS) == UNTAKEN:
        return LegFailed(leg, "no_answer")
    cause = _DIAL_FAILURES.get(status)
    return LegFailed(leg, cause) if cause else None


def _outside_end(message: Headers, status: str) -> Fact | None:
    """Nobody dials a call that was originated: then only the far channel tells its contact."""
    contact = variables(message).get(CONTACT, "")
    if status == "ANSWER":
        return OutsideAnswered(contact) if contact else None
    far = contact or variables(message, "Dest").get(CONTACT, "")
    cause = _DIAL_FAILURES.get(status)
    return OutsideFailed(far, _text(message, "DestUniqueid"), cause) if far and cause else None


def _originated(message: Headers) -> Fact | None:
    """What came of a call that begins here, when there is not even a channel to tell it."""
    identity = _text(message, "Uniqueid")
    if _text(message, "Response") != "Failure":
        return None
    # AST_CONTROL_RINGING: it rang to the end.
    cause: LegCause = "no_answer" if _text(message, "Reason") == "3" else "unreachable"
    ours = identity.startswith((CUSTOMER, AGENT))
    return OutsideFailed("", identity, cause) if ours else None


def _hangup_request(message: Headers) -> Fact | None:
    leg, cause = _leg(message), _number(message, "Cause")
    state = _text(message, "ChannelStateDesc")
    if not leg or state == "Up" or cause in _TELLS_NOTHING:
        return None
    table = _RINGING_FAILURES if state == "Ringing" else _SILENT_FAILURES
    return LegFailed(leg, table.get(cause, "unreachable"))


def _hangup(message: Headers) -> Fact | None:
    channel, cause = _text(message, "Channel"), _number(message, "Cause")
    values = variables(message)
    if leg := values.get(LEG):
        return LegEnded(leg, channel, cause, _text(message, "ChannelStateDesc") == "Up")
    if contact := values.get(CONTACT):
        return ChannelGone(channel, _text(message, "Uniqueid"), contact, cause)
    return ChannelEnded(channel)


def _blind_transfer(message: Headers) -> Fact | None:
    contact = variables(message, "Transferee").get(CONTACT, "")
    leg = _leg(message, "Transferer")
    if _text(message, "Result") != "Success" or not (contact or leg):
        return None
    return BlindTransferred(
        contact,
        _text(message, "TransfereeChannel"),
        leg,
        _text(message, "Extension"),
        _text(message, "Context"),
    )


def _attended_transfer(message: Headers) -> Fact | None:
    giver = _leg(message, "OrigTransferer") or _leg(message, "SecondTransferer")
    sides = ("Transferee", "TransferTarget")
    for caller, taker in (sides, sides[::-1]):
        contact = variables(message, caller).get(CONTACT, "")
        if _text(message, "Result") == "Success" and contact and not _leg(message, caller):
            channel = _text(message, f"{taker}Channel")
            return AttendedTransferred(contact, giver, channel, _leg(message, taker))
    return None


def _hold(message: Headers) -> Fact | None:
    values = variables(message)
    leg, contact = values.get(LEG, ""), values.get(CONTACT, "")
    if not (leg or contact):
        return None
    kind = Held if _text(message, "Event") == "Hold" else Resumed
    return kind(_text(message, "Channel"), leg, contact)


def _peer_status(message: Headers) -> Fact | None:
    """ContactStatus tells of one address of a phone; this, of all it has together."""
    technology, _, endpoint = _text(message, "Peer").partition("/")
    if technology != "PJSIP" or not endpoint:
        return None
    match _text(message, "PeerStatus"):
        case "Reachable":
            return PhoneRegistered(endpoint)
        case "Unreachable":
            return PhoneGone(endpoint)
    return None


_READERS: Final[Mapping[str, Callable[[Headers], Fact | None]]] = MappingProxyType(
    {
        "Newchannel": _new_channel,
        "DialBegin": _dial_begin,
        "Newstate": _new_state,
        "DialEnd": _dial_end,
        "OriginateResponse": _originated,
        "HangupRequest": _hangup_request,
        "Hangup": _hangup,
        "BlindTransfer": _blind_transfer,
        "AttendedTransfer": _attended_transfer,
        "Hold": _hold,
        "Unhold": _hold,
        "PeerStatus": _peer_status,
    }
)

WANTED: Final = frozenset(_READERS)
"""The events that can mean something here; all others need not be sent, nor queued."""
