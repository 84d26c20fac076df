"""Text messages as SIP MESSAGE (RFC 3428): from a trunk or a phone on the line, and back over it.

Asterisk's dialplan hands over what came, each part as base64: `from`, `to` and the body. What goes
out is given to Asterisk's manager; that it was given to the network is all that is known then.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Callable
from typing import Protocol

import structlog

from ivr.agi.session import AgiSession
from ivr.backends.providers import Incoming, Outgoing
from ivr.errors import AsteriskRefused, AsteriskUnreachable
from ivr.texts.receiving import NoSuchNumber, Receiving
from ivr.threads.refusals import BadMessage

log = structlog.get_logger(__name__)

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
"""A display name in quotes, in which a sender may write anything."""
_USER = re.compile(r"(?:[^<>]*<)?sips?:(\+?[0-9]{2,15})@[^<>\s]*>?")
_DIALLED = re.compile(r"(?:pj)?sips?:(?:sip:)?(\+?[0-9]{2,15})@")


class Manager(Protocol):
    """The one thing this module asks of AMI."""

    async def send_message(self, destination: str, sender: str, text: str) -> None:
        """A SIP MESSAGE; raises AsteriskRefused, AsteriskUnreachable."""
        ...


class SipTexts:
    """Takes in what the dialplan hands over, and sends.

    `way` gives a number's address on the trunk, such as `pjsip:trunk-carrier/sip:+86...@192.0.2.1`,
    None when it may not be reached.
    """

    def __init__(
        self, receiving: Receiving, manager: Manager, way: Callable[[str], str | None]
    ) -> None:
        self._receiving, self._manager, self._way = receiving, manager, way

    async def enter(self, agi: AgiSession) -> None:
        """The AGI route `message`."""
        parts = [_decoded(each) for each in (*agi.env.args, "", "", "")[:3]]
        sender, to = sender_of(parts[0]), _DIALLED.match(parts[1])
        if sender is None or to is None:
            log.warning("a SIP message is between no numbers", channel=agi.env.channel)
            return
        # RFC 3428 has no id of a message beyond its transaction, which Asterisk has seen to.
        message = Incoming(f"sip.{secrets.token_hex(12)}", sender, to[1], parts[2])
        try:
            await self._receiving.take(message)
        except (NoSuchNumber, BadMessage) as why:
            log.warning("a SIP message is not taken", sender=sender, why=str(why))

    async def send(self, message: Outgoing) -> str:
        """Send one; "" or why it was not sent."""
        way = self._way(message.to)
        if way is None:
            return "no trunk leads to this number"
        try:
            await self._manager.send_message(way, f"sip:{message.sender}@tieline", message.text)
        except (AsteriskRefused, AsteriskUnreachable) as why:
            return f"Asterisk did not take it: {why}"
        return ""


def sender_of(told: str) -> str | None:
    """The number in the address of a From, whatever its display name says; None for no number."""
    found = _USER.fullmatch(_QUOTED.sub("", told).strip())
    return found[1] if found is not None else None


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
