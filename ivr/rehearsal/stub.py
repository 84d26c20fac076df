"""A local server in place of every service: it answers each call as that call's scenario says.

`http://127.0.0.1:<port>/<key>/<service>/...`. What nothing was told of answers as a pretended
house does: text messages are taken, a calendar offers working hours, the rest is a 404.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from ivr.backends.booking import working_hours
from ivr.backends.pretences import Pretence, Pretences
from ivr.flow.errands import Json
from ivr.settings import LOOPBACK

GATEWAY: Final = "rehearsal-sms"
"""The service that takes text messages."""
SLOW: Final = 40.0
"""Seconds that are too long for every service."""


class Stub:
    """The server; `answer` tells what a call's services answer."""

    def __init__(self) -> None:
        self._pretences: dict[str, dict[str, tuple[Pretence, ...]]] = {}
        self._told: dict[tuple[str, str], int] = {}
        self._messages: dict[str, list[tuple[str, str]]] = {}
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application()
        app.router.add_route("*", "/{key}/{service}{rest:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://{LOOPBACK}:{port}"

    async def stop(self) -> None:
        """Answer nobody any more."""
        if self._runner is not None:
            await self._runner.cleanup()

    def answer(self, key: str, pretences: Pretences) -> None:
        """From here on the services of this call answer so; the others as before."""
        self._pretences.setdefault(key, {}).update(pretences)
        for name in pretences:
            self._told.pop((key, name), None)

    def messages(self, key: str) -> list[tuple[str, str]]:
        """The text messages of this call: number and words."""
        return self._messages.setdefault(key, [])

    # --- serving ---------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        key, service = request.match_info["key"], request.match_info["service"]
        if service == GATEWAY:
            told = await request.json()
            self.messages(key).append((str(told["to"]), str(told["text"])))
            return web.json_response({})
        pretence = self._next(key, service, request.method.lower())
        match pretence:
            case None:
                return _usual(request, request.match_info["rest"])
            case Pretence(trouble="slow"):
                await asyncio.sleep(SLOW)
            case Pretence(trouble="lying"):
                return web.Response(text="<html>not what you asked for</html>")
        if pretence.trouble is not None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        return web.json_response(pretence.body, status=pretence.status)

    def _next(self, key: str, service: str, verb: str) -> Pretence | None:
        """The next answer; the last one serves for all that follow."""
        known = self._pretences.get(key, {})
        for name in (f"{service}.{verb}", service):
            if answers := known.get(name):
                at = self._told.get((key, name), 0)
                self._told[key, name] = at + 1
                return answers[min(at, len(answers) - 1)]
        return None


def _usual(request: web.Request, rest: str) -> web.StreamResponse:
    if rest == "/slots":
        return web.json_response(_slots(request.query))
    if rest.endswith("/reservation"):
        return web.json_response({"reference": "R-1"}, status=201)
    return web.json_response({}, status=404)


def _slots(query: Mapping[str, Any]) -> Json:
    after, until = (datetime.fromisoformat(query[name]) for name in ("after", "until"))
    return working_hours(after, until, int(query["limit"]))
