"""A provider of text messages on loopback, and the phones behind it: for tests and the demo.

It speaks the part of Twilio's interface that Tieline uses:

    POST /2010-04-01/Accounts/{account}/Messages.json     To, From, Body, StatusCallback
    POST /phones/{number}                                 {"to", "text"}: that phone writes to us
    GET  /phones/{number}                                 what that phone has got and written

A message is taken once under its Idempotency-Key. Receipts and messages are posted as Twilio posts
them, signed for the exact address, again and again until somebody answers 200.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from ivr.backends.answers import read_json
from ivr.backends.providers import twilio_signature
from ivr.settings import LOOPBACK

TRIES = 5
PAUSE = 0.2
"""Seconds between two posts of what was not taken."""


@dataclass(frozen=True, slots=True)
class Carried:
    """One message over the provider; `ours` says that it came from us."""

    sid: str
    sender: str
    to: str
    text: str
    ours: bool


@dataclass(slots=True)
class Provider:
    """`token` signs what is posted to `webhook`. `twice` posts everything two times."""

    token: str
    webhook: str = ""
    twice: bool = False
    carried: list[Carried] = field(default_factory=list)
    answers: list[tuple[str, int]] = field(default_factory=list)
    """What was posted and answered: the kind (`message`, or a receipt's status), and the status."""
    url: str = ""
    _keys: dict[str, str] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None

    async def start(self, port: int = 0) -> None:
        """Serve on loopback; `url` is where."""
        app = web.Application(client_max_size=64 * 1024)
        app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", self._send)
        app.router.add_post("/phones/{number}", self._writes)
        app.router.add_get("/phones/{number}", self._shows)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, port)
        await site.start()
        host, bound = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{bound}"

    async def stop(self) -> None:
        """End it."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def phone(self, number: str) -> list[str]:
        """What that phone has got from us, in order."""
        return [each.text for each in self.carried if each.ours and each.to == number]

    async def write(self, sender: str, to: str, text: str, sid: str = "") -> int:
        """A phone writes to us; the status of our answer."""
        message = Carried(sid or _sid(), sender, to, text, ours=False)
        self.carried.append(message)
        fields = {"MessageSid": message.sid, "SmsSid": message.sid, "SmsStatus": "received"}
        fields |= {"From": sender, "To": to, "Body": text, "NumMedia": "0"}
        return await self._post("message", self.webhook, fields)

    async def told(self) -> None:
        """Wait until every receipt was posted."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what is asked of it ---------------------------------------------------------------------

    async def _send(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if not {"To", "From", "Body"} <= set(form):
            told = {"code": 21602, "message": "To, From and Body are required."}
            return web.json_response(told, status=400)
        key = request.headers.get("Idempotency-Key", "")
        sid = self._keys.get(key)
        if sid is None:
            sid = self._keys[key or secrets.token_hex(8)] = _sid()
            self.carried.append(Carried(sid, form["From"], form["To"], form["Body"], ours=True))
            if form.get("StatusCallback"):
                self._soon(self._report(form["StatusCallback"], sid, form))
        return web.json_response({"sid": sid, "status": "queued"}, status=201)

    async def _writes(self, request: web.Request) -> web.Response:
        try:
            asked = read_json(await request.read())
        except (ValueError, json.JSONDecodeError):
            asked = None
        if not isinstance(asked, dict) or not {"to", "text"} <= set(asked):
            return web.json_response({"error": 'send {"to", "text"}'}, status=400)
        number = request.match_info["number"]
        status = await self.write(number, str(asked["to"]), str(asked["text"]))
        return web.json_response({"answered": status})

    async def _shows(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        mine = [each for each in self.carried if number in {each.sender, each.to}]
        return web.json_response(
            [{"from": each.sender, "to": each.to, "text": each.text} for each in mine]
        )

    # --- what it posts ---------------------------------------------------------------------------

    async def _report(self, url: str, sid: str, form: dict[str, str]) -> None:
        for status in ("queued", "sent", "delivered"):
            fields = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status}
            fields |= {"To": form["To"], "From": form["From"], "AccountSid": "AC0"}
            await self._post(status, url, fields)

    async def _post(self, kind: str, url: str, fields: dict[str, str]) -> int:
        status = 0
        for _ in range(2 if self.twice else 1):
            status = await self._until_taken(kind, url, fields)
        return status

    async def _until_taken(self, kind: str, url: str, fields: dict[str, str]) -> int:
        signed = {"X-Twilio-Signature": twilio_signature(self.token, url, list(fields.items()))}
        status = 0
        for _ in range(TRIES):
            try:
                async with self._open().post(url, data=fields, headers=signed) as answer:
                    status = answer.status
            except aiohttp.ClientError:
                status = 0
            self.answers.append((kind, status))
            if 0 < status < 500:
                break
            await asyncio.sleep(PAUSE)
        return status

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    def _soon(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _sid() -> str:
    return "SM" + secrets.token_hex(16)
