"""`/widget/talk`: a visitor's conversation over a WebSocket.

The browser begins with

    {"type": "hello", "site": "shop", "token": "...", "chat": "...", "after": 12, "language": "en",
     "form": {"name": "Mei", "phone": "..."}, "identity": "<payload>.<signature>", "page": "/cart"}

and gets `{"type": "welcome", "token", "chat", "messages": [...], "phase"}`. `token` is kept by the
browser and brings it back to the same conversation; `after` is the last message it has of `chat`.
Then

    {"type": "say", "id": "...", "text": "..."}     -> {"type": "kept", "id", "seq"}
    {"type": "typing"}, {"type": "seen", "seq": 12}, {"type": "end"}
    {"type": "ring_me", "number": "..."}            -> {"type": "ringing", "ok": true, "why": ""}

A message is safe once `kept` has come; until then the browser sends it again, under the same id.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiohttp import WSMsgType, web

from ivr.backends.numbers import same_form
from ivr.backends.sites import Site
from ivr.channels.caller_card import plain
from ivr.chats.identity import (
    NotVouched,
    needs_word,
    new_visitor,
    token_of,
    visitor_of,
    visitor_vouched,
    vouched,
)
from ivr.chats.visitors import Socket, Visitors, shown, state_of
from ivr.threads.book import Thread
from ivr.threads.threads import BadMessage, Opening, Threads
from ivr.web.limits import Buckets, Limit

log = structlog.get_logger(__name__)

_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}")
PING: Final = 5.0
HELLO_WITHIN: Final = 10.0
"""Seconds a socket may stay silent before it says who it is."""
LONGEST: Final = 16 * 1024
ONE_LINE: Final = 300
"""What is shorter than this is a name, a number, an id: never more than a line."""
STRANGERS: Final = Limit(per_minute=30, burst=55)
"""Conversations begun from one address."""
TALKATIVE: Final = Limit(per_minute=60, burst=20)
"""Messages of one visitor."""
BUFFER: Final = 64 * 1024

RingMe = Callable[[Thread, str], Awaitable[str]]
"""Have that number rung for the conversation; "" or why it is not."""


@dataclass(frozen=True, slots=True)
class Settling:
    """What a socket needs of the house. `site` finds one by name, `region` reads numbers."""

    threads: Threads
    visitors: Visitors
    site: Callable[[str], Site | None]
    key: str
    region: Callable[[], str | None]
    ring_me: RingMe
    clock: Callable[[], float]


class Talking:
    """Serves visitors' sockets."""

    def __init__(self, house: Settling) -> None:
        self._house = house
        self._buckets = Buckets()

    async def serve(self, request: web.Request, address: str) -> web.StreamResponse:
        """One browser, until it is gone; `address` is where it is."""
        socket = web.WebSocketResponse(
            heartbeat=PING, max_msg_size=LONGEST, compress=False, timeout=1.0
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:  # gone again already
            return socket
        transport.set_write_buffer_limits(high=BUFFER)
        try:
            await self._converse(socket, address)
        finally:
            if not socket.closed:
                await socket.close()
            transport.abort()
        return socket

    # --- hello -----------------------------------------------------------------------------------

    async def _converse(self, socket: web.WebSocketResponse, address: str) -> None:
        try:
            async with asyncio.timeout(HELLO_WITHIN):
                hello = _object(await socket.receive())
        except TimeoutError:
            return
        site = self._house.site(_text(hello, "site", 60))
        if hello.get("type") != "hello" or site is None:
            await socket.send_json({"type": "refused", "why": "there is no chat of that name"})
            return
        try:
            thread, token = self._thread(site, hello, address)
        except (NotVouched, BadMessage) as why:
            await socket.send_json({"type": "refused", "why": str(why)})
            return
        browser = Socket(socket)
        # Nothing is said between this look and the joining, so nothing is missed or told twice.
        after = hello.get("after")
        counts = isinstance(after, int) and not isinstance(after, bool)
        known = int(str(after)) if counts and hello.get("chat") == thread.id else 0
        messages = [shown(each) for each in self._house.threads.book.messages(thread.id, known)]
        welcome = {"type": "welcome", "token": token, "chat": thread.id, **state_of(thread)}
        browser.put({**welcome, "messages": messages})
        self._house.visitors.join(thread.id, browser)
        await self._talk(socket, browser, thread)

    def _thread(self, site: Site, hello: dict[str, Any], address: str) -> tuple[Thread, str]:
        """The visitor's conversation: the one that is open, or one that begins."""
        house, key = self._house, self._house.key
        form = hello.get("form")
        form = form if isinstance(form, dict) else {}
        identity = _text(hello, "identity", 4000)
        if identity:
            known = vouched(identity, site.secret, house.clock())
            visitor = visitor_vouched(known, site.name)
            name, number = known.name, known.phone
        else:
            back = visitor_of(_text(hello, "token", 4000), site.name, key)
            visitor = new_visitor() if back is None or needs_word(back) else back
            name, number = _text(form, "name", 60), _text(form, "phone", 40)
        language = _text(hello, "language", 20).lower().partition("-")[0]
        page, email = _text(hello, "page", 300), _text(form, "email", 200)
        opening = Opening(
            "chat",
            visitor,
            site.name,
            site.flow,
            name=name,
            number=(same_form(number, house.region()) or "") if number else "",
            language=language if language in site.languages else None,
            vouched=bool(identity),
            facts={"page": page, "email": email, "site": site.name},
        )
        if house.threads.book.open_with("chat", visitor, site.name) is None:
            now = asyncio.get_running_loop().time()
            if self._buckets.take(f"new {address}", STRANGERS, now):
                raise BadMessage("too many conversations begin where you are: wait a moment")
        return house.threads.begin(opening), token_of(visitor, site.name, key)

    # --- talk ------------------------------------------------------------------------------------

    async def _talk(self, socket: web.WebSocketResponse, browser: Socket, thread: Thread) -> None:
        house = self._house
        house.threads.visitor_is(thread, here=True)
        tasks = [
            asyncio.create_task(browser.write()),
            asyncio.create_task(self._listen(socket, browser, thread)),
            asyncio.create_task(browser.overrun.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if house.visitors.leave(thread.id, browser):
                house.threads.visitor_is(thread, here=False)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, socket: web.WebSocketResponse, browser: Socket, thread: Thread) -> None:
        async for message in socket:
            told = _object(message)
            if self._buckets.take(thread.id, TALKATIVE, asyncio.get_running_loop().time()):
                why = "you write faster than anybody can read: wait a moment"
                browser.put({"type": "wait", "id": _text(told, "id", 80), "why": why})
                continue
            try:
                await self._heard(told, browser, thread)
            except BadMessage as why:
                browser.put({"type": "refused", "id": _text(told, "id", 80), "why": str(why)})
            except sqlite3.Error as full:
                # Not kept: the browser sends it again.
                log.error("a message could not be kept", contact=thread.id, why=str(full))
                return

    async def _heard(self, told: dict[str, Any], browser: Socket, thread: Thread) -> None:
        threads = self._house.threads
        match told.get("type"):
            case "say":
                name = told.get("id")
                if not isinstance(name, str) or not _ID.fullmatch(name):
                    raise BadMessage("a message has an id of its own")
                message, new = threads.incoming(thread, f"v.{name}", _text(told, "text", 100_000))
                browser.put({"type": "kept", "id": name, "seq": message.seq})
                if new:
                    self._house.visitors.tell(thread.id, {"type": "message", **shown(message)})
            case "typing":
                threads.typing(thread)
            case "seen" if isinstance(told.get("seq"), int):
                threads.marked(thread, told["seq"], "read")
            case "ring_me":
                why = await self._house.ring_me(thread, _text(told, "number", 40))
                browser.put({"type": "ringing", "ok": not why, "why": why})
            case "end":
                threads.end(thread)


def _object(message: Any) -> dict[str, Any]:
    """What a browser sent as an object; anything else is an empty one."""
    if message.type is not WSMsgType.TEXT:
        return {}
    try:
        told = json.loads(message.data)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _text(told: dict[str, Any], name: str, longest: int) -> str:
    """A text a browser sent: on one line where it is short, and without halves of characters."""
    value = told.get(name)
    if not isinstance(value, str):
        return ""
    whole = value[:longest].encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return whole if longest > ONE_LINE else plain(whole, longest)
