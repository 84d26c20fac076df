"""The webhook at which a provider of text messages posts: signed, or refused.

One address takes both languages; which one is spoken is the administrator's word, not the sender's.
A message is answered with 200 once it is safe, also when it was taken before; 403 tells a wrong
signature from everything else, so that a provider's console shows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from ivr.backends.answers import Lying, read_json
from ivr.backends.building import HOOK
from ivr.backends.gateway import Gateway
from ivr.backends.providers import (
    Incoming,
    Receipt,
    Unreadable,
    Unsigned,
    check_json,
    check_twilio,
    json_message,
    twilio_message,
)
from ivr.backends.sources import Sources
from ivr.backends.texting import Texts
from ivr.texts.receiving import NoSuchNumber, Receiving
from ivr.threads.refusals import BadMessage
from ivr.web.gate import read_at_most
from ivr.web.limits import POSTS
from ivr.web.problems import Problem
from ivr.web.routes import PUBLIC, Call, Raw, Route

log = structlog.get_logger(__name__)

FORM: Final = "application/x-www-form-urlencoded"
MOST: Final = 64 * 1024
MOST_FIELDS: Final = 200
NOTHING_TO_SAY: Final = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""To Twilio: no message in answer; ours go their own way."""


class Hooks:
    """The routes of providers. `address` is how they reach us, such as `https://desk.example`."""

    def __init__(
        self,
        receiving: Receiving,
        texts: Texts,
        sources: Callable[[], Sources],
        address: str,
        clock: Callable[[], float],
    ) -> None:
        self._receiving, self._texts, self._sources = receiving, texts, sources
        self._address, self._clock = address, clock

    def routes(self) -> Sequence[Route]:
        """What the web server serves."""
        return (
            Route(
                "POST",
                HOOK,
                self._posted,
                roles=PUBLIC,
                summary="A provider's text message, or how far one of ours has come",
                takes=Raw((FORM, "application/json")),
                limit=POSTS,
                most=MOST,
                media="text/xml",
                tag="providers",
            ),
        )

    async def _posted(self, call: Call) -> web.Response:
        gateway = self._sources().services.gateway
        if gateway is None or not gateway.secret:
            raise Problem(403, "No secret is set up for what providers post: `sms: secret`.")
        body = await read_at_most(call.request, MOST)
        try:
            found = self._read(gateway, call.request, body)
        except Unsigned as why:
            log.warning("a provider's post is refused", address=call.address, why=str(why))
            raise Problem(403, f"This post is not signed as it should be: {why}.") from None
        except Unreadable as why:
            raise Problem(400, f"This post cannot be read: {why}.") from None
        await self._take(found)
        if gateway.speaks == "twilio":
            return web.Response(text=NOTHING_TO_SAY, content_type="text/xml")
        return web.json_response({"taken": True})

    def _read(
        self, gateway: Gateway, request: web.Request, body: bytes
    ) -> Incoming | Receipt | None:
        if gateway.speaks == "twilio":
            fields = _fields(body)
            signature = request.headers.get("X-Twilio-Signature", "")
            check_twilio(gateway.secret, self._address + request.raw_path, fields, signature)
            return twilio_message(fields)
        signature = request.headers.get("X-Tieline-Signature", "")
        check_json(gateway.secret, body, signature, self._clock())
        try:
            return json_message(read_json(body))
        except (Lying, json.JSONDecodeError) as why:
            raise Unreadable(str(why)) from None

    async def _take(self, found: Incoming | Receipt | None) -> None:
        if isinstance(found, Receipt):
            await self._texts.came(found)
        elif found is not None:
            try:
                await self._receiving.take(found)
            except NoSuchNumber as why:
                raise Problem(404, f"{why}.") from None
            except BadMessage as why:
                raise Problem(400, f"This message is not taken: {why}.") from None


def _fields(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, those without a value too; raises Unreadable."""
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except (ValueError, UnicodeError):
        raise Unreadable("send a form, as application/x-www-form-urlencoded") from None
