"""How providers of text messages speak: what we post to them, and what they sign for us.

- `json`: our own small contract, signed as `X-Tieline-Signature: t=<epoch seconds>,v1=<hex>`, the
  HMAC-SHA256 of `<t>.<body>` under the shared secret.
- `twilio`: forms, signed as Twilio does (https://www.twilio.com/docs/usage/security): HMAC-SHA1,
  base64, of the exact public URL followed by every field's name and value in the order of names.

Pure functions; secrets are compared in constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ivr.backends.http import Request
from ivr.backends.outbox import Way
from ivr.backends.speeches import Speech
from ivr.flow.errands import Json

FRESH: Final = 300.0
"""Seconds a signed body of ours is good for: an old one is a replay."""

_TWILIO_WAYS: Final[Mapping[str, Way]] = {
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "undelivered",
    "failed": "undelivered",
    "read": "read",
}
_JSON_WAYS: Final[Mapping[str, Way]] = {
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "undelivered",
    "read": "read",
}


class Unsigned(Exception):
    """The signature is missing, wrong or old."""


class Unreadable(Exception):
    """What came is not what the provider should send; the text says what should."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way out; `report` is the URL that hears of its delivery, or ""."""

    id: str
    to: str
    sender: str
    text: str
    report: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message that came in, under the provider's id."""

    id: str
    sender: str
    to: str
    text: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a message has come: `id` is ours, or the provider's."""

    id: str
    way: Way


def request(speech: Speech, message: Outgoing) -> Request:
    """What is posted to the provider; the same message is the same request."""
    key = {"Idempotency-Key": message.id}
    if speech == "twilio":
        form = {"To": message.to, "From": message.sender, "Body": message.text}
        form |= {"StatusCallback": message.report} if message.report else {}
        return Request("POST", form=form, headers=key)
    body: dict[str, Json] = {"id": message.id, "to": message.to, "from": message.sender}
    return Request("POST", body={**body, "text": message.text}, headers=key)


def receipt_of(speech: Speech, answer: Json) -> str:
    """The provider's id of the message it took, "" when it told none."""
    name = "sid" if speech == "twilio" else "id"
    found = answer.get(name) if isinstance(answer, dict) else None
    return found if isinstance(found, str) and len(found) <= 100 else ""


# --- signatures ----------------------------------------------------------------------------------


def twilio_signature(secret: str, url: str, fields: Sequence[tuple[str, str]]) -> str:
    """What Twilio puts into `X-Twilio-Signature` for a POST of that form to that URL."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(
        hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    ).decode()


def check_twilio(secret: str, url: str, fields: Sequence[tuple[str, str]], signature: str) -> None:
    """Raises Unsigned unless the form was signed for exactly this URL."""
    if not hmac.compare_digest(twilio_signature(secret, url, fields), _ascii(signature)):
        raise Unsigned("the signature does not match")


def json_signature(secret: str, body: bytes, at: int) -> str:
    """Our own header for a body sent at that epoch second."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def check_json(secret: str, body: bytes, signature: str, now: float) -> None:
    """Raises Unsigned unless this body was signed within the last minutes."""
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    at = parts.get("t", "")
    if not at.isascii() or not at.isdigit() or len(at) > 12:
        raise Unsigned("the signature has no time")
    if not hmac.compare_digest(json_signature(secret, body, int(at)), _ascii(signature)):
        raise Unsigned("the signature does not match")
    if abs(now - int(at)) > FRESH:
        raise Unsigned("the signature is too old, or the clocks disagree")


def _ascii(text: str) -> str:
    """`compare_digest` takes no other letters; what has any matches nothing."""
    return text if text.isascii() else ""


# --- what comes in -------------------------------------------------------------------------------


def twilio_message(fields: Sequence[tuple[str, str]]) -> Incoming | Receipt | None:
    """A message or a receipt; None for what means nothing here, such as a receipt for "queued"."""
    form = dict(fields)
    name = form.get("MessageSid") or form.get("SmsSid") or ""
    if not name:
        raise Unreadable("a MessageSid is missing")
    status = form.get("MessageStatus") or form.get("SmsStatus") or ""
    if "Body" in form and status in {"", "received", "receiving"}:
        return Incoming(name, form.get("From", ""), form.get("To", ""), form["Body"])
    way = _TWILIO_WAYS.get(status)
    return None if way is None else Receipt(name, way)


def json_message(body: Json) -> Incoming | Receipt | None:
    """`{"id", "from", "to", "text"}` is a message, `{"id", "status"}` a receipt."""
    if not isinstance(body, dict):
        raise Unreadable('send {"id", "from", "to", "text"} or {"id", "status"}')
    given = {key: value for key, value in body.items() if isinstance(value, str)}
    name = given.get("id", "")
    if not name or len(name) > 100:
        raise Unreadable('"id" has 1 to 100 characters')
    if "status" in given:
        way = _JSON_WAYS.get(given["status"])
        return None if way is None else Receipt(name, way)
    if not {"from", "to", "text"} <= set(given):
        raise Unreadable('a message has "from", "to" and "text"')
    return Incoming(name, given["from"], given["to"], given["text"])
