"""`/widget/talk`: a visitor's conversation over a WebSocket.

The browser begins with

    {"type": "hello", "site": "shop", "token": "...", "chat": "...", "after": 12, "language": "en",
     "form": {"name": "Mei", "phone": "..."}, "identity": "<payload>.<signature>", "page": "/cart",
     "pass": "..."}

and gets `{"type": "welcome", "token", "chat", "messages": [...], "phase"}`. `token` is kept by the
browser and brings it back to the same conversation; `after` is the last message it has of `chat`;
`pass` is the secret of a link that a text message had, and begins at once. Who has none open gets
`"chat": ""`, `"phase": "new"` and in `greeting` what the flow would say first: nothing is begun by
looking. Then

    {"type": "say", "id": "...", "text": "..."}     -> {"type": "kept", "id", "seq"}
    {"type": "typing"}, {"type": "seen", "seq": 12}, {"type": "end"}
    {"type": "ring_me", "number": "..."}            -> {"type": "ringing", "ok": true, "why": ""}
    {"type": "links"}                               -> {"type": "links", "links": {file: address}}
    {"type": "begin"}

The first `say` or `ring_me` begins a conversation, and so does `begin` (the form was sent): another
`welcome` comes, with its id. A message is safe once `kept` has come; until then the browser sends
it again, under the same id. What is not taken is told as `{"type": "wait"}` (to be sent again) or
`{"type": "refused"}`, with `why` (`ivr.threads.refusals`), its `values`, and a `detail` in English.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from aiohttp import WSMsgType, web

from acd.people.places import place_of
from ivr.backends.numbers import same_form
from ivr.backends.shelves import Pass
from ivr.backends.sites import Site
from ivr.channels.caller_card import plain
from ivr.chats.identity import (
    Identity,
    Lapsed,
    NotVouched,
    file_key,
    needs_word,
    new_visitor,
    token_of,
    visitor_of,
    visitor_vouched,
    vouched,
)
from ivr.chats.lobby import Lobby, Seat
from ivr.chats.visitors import Socket, Visitors, shown, state_of
from ivr.threads.book import Thread
from ivr.threads.refusals import BadMessage, Why
from ivr.threads.threads import Opening, Threads
from ivr.web.limits import Buckets, Limit
from ivr.web.problems import Problem

log = structlog.get_logger(__name__)

_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}")
PING: Final = 2.6
"""Seconds between pings; the answer must come in half of that: together 3.9 s. A telephone far from
its antenna is slower than a desk."""
HELLO_WITHIN: Final = 10.0
"""Seconds a socket may stay silent before it says who it is."""
LONGEST: Final = 16 * 1024
ONE_LINE: Final = 300
"""What is shorter than this is a name, a number, an id: never more than a line."""
STRANGERS: Final = Limit(per_minute=30, burst=55)
"""Conversations begun at one place."""
MOST_SOCKETS: Final = 300
"""Sockets open at one place: each is a file of this process, and calls need some, too."""
TALKATIVE: Final = Limit(per_minute=60, burst=20)
"""Messages of one visitor."""
SIGNS: Final = frozenset({"typing", "seen", "links"})
RESTLESS: Final = Limit(per_minute=240, burst=80)
"""What their browser tells besides, by itself: it takes no message's place."""
BUFFER: Final = 64 * 1024
LAPSED: Final = 4401
"""The close code when the site's word for its visitor is over: with a fresh one they may go on."""
LOOK: Final = 5.0
"""Seconds between looks whether it is, at most: clocks are set."""

Opened = Callable[[str], Awaitable[Pass | None]]
"""What the secret of a link stands for; it is good once."""
RingMe = Callable[[Thread, str], Awaitable[Why | None]]
"""Have that number rung for the conversation; None, or why it is not."""


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
    opened: Opened


class TooMany(BadMessage):
    """Nothing is wrong with it, but it is too much at once: it may be sent again."""


class Talking:
    """Serves visitors' sockets."""

    def __init__(self, house: Settling) -> None:
        self._house = house
        self._buckets, self._lobby = Buckets(), Lobby()
        self._open: Counter[str] = Counter()

    async def serve(self, request: web.Request, address: str) -> web.StreamResponse:
        """One browser, until it is gone; `address` is where it is.

        Raises Problem 429 for one more than may be open at its place.
        """
        place = place_of(address)
        if self._open[place] >= MOST_SOCKETS:
            raise Problem(429, "Too many chats are open where you are.")
        self._open[place] += 1
        try:
            return await self._serve(request, place)
        finally:
            self._open[place] -= 1
            if not self._open[place]:
                del self._open[place]

    async def _serve(self, request: web.Request, place: str) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            heartbeat=PING, max_msg_size=LONGEST, compress=False, timeout=1.0
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:  # gone again already
            return socket
        transport.set_write_buffer_limits(high=BUFFER)
        try:
            await self._converse(socket, place)
        finally:
            if not socket.closed:
                await socket.close()
            transport.abort()
        return socket

    # --- hello -----------------------------------------------------------------------------------

    async def _converse(self, socket: web.WebSocketResponse, place: str) -> None:
        try:
            async with asyncio.timeout(HELLO_WITHIN):
                hello = _object(await socket.receive())
        except TimeoutError:
            return
        site = self._house.site(_text(hello, "site", 60))
        if hello.get("type") != "hello" or site is None:
            nowhere = BadMessage("there is no chat of that name", Why.UNAVAILABLE)
            await socket.send_json({"type": "refused", **nowhere.told()})
            return
        house, now = self._house, self._house.clock()
        try:
            known = self._vouched(site, hello, now)
            opening = await self._by_link(self._opening(site, hello, known, now), hello)
            token = token_of(opening.address, site.name, house.key, now)
            until = None if known is None else known.until
            seat = Seat(Socket(socket), opening, token, place, until)
            thread = house.threads.book.open_with("chat", opening.address, site.name)
            if thread is None and opening.contact:
                thread = house.threads.begin(opening)
            greeting = house.threads.greeting(opening) if thread is None else []
        except Lapsed:
            await socket.close(code=LAPSED)
            return
        except (NotVouched, BadMessage) as why:
            bad = why if isinstance(why, BadMessage) else BadMessage(str(why), Why.UNAVAILABLE)
            await socket.send_json({"type": "refused", **bad.told()})
            return
        if thread is None:
            self._lobby.enter(seat)
            nothing = {"chat": "", "phase": "new", "parked": False, "messages": []}
            seat.browser.put({"type": "welcome", "token": token, **nothing, "greeting": greeting})
        else:
            after = hello.get("after")
            counts = isinstance(after, int) and hello.get("chat") == thread.id
            self._sit(seat, thread, int(str(after)) if counts and after is not True else 0)
        await self._talk(socket, seat)

    def _vouched(self, site: Site, hello: dict[str, Any], now: float) -> Identity | None:
        """Whom the site says that they are; None when it says nothing. Raises NotVouched."""
        word = _text(hello, "identity", 4000)
        return vouched(word, site.secret, now) if word else None

    def _opening(
        self, site: Site, hello: dict[str, Any], known: Identity | None, now: float
    ) -> Opening:
        """Who they are, and what would begin."""
        house, key = self._house, self._house.key
        form = hello.get("form")
        form = form if isinstance(form, dict) else {}
        if known is not None:
            visitor = visitor_vouched(known, site.name)
            name, number = known.name, known.phone
        else:
            back = visitor_of(_text(hello, "token", 4000), site.name, key, now)
            visitor = new_visitor() if back is None or needs_word(back) else back
            name, number = _text(form, "name", 60), _text(form, "phone", 40)
        language = _text(hello, "language", 20).lower().partition("-")[0]
        spoken = {each.partition("-")[0] for each in site.languages}
        page, email = _text(hello, "page", 300), _text(form, "email", 200)
        return Opening(
            "chat",
            visitor,
            site.name,
            site.flow,
            name=name,
            number=(same_form(number, house.region()) or "") if number else "",
            language=language if language in spoken else None,
            vouched=known is not None,
            facts={"page": page, "email": email, "site": site.name},
        )

    def _sit(self, seat: Seat, thread: Thread, known: int = 0) -> None:
        """This browser shows that conversation, of which it has the first `known` messages.

        Nothing is said between the look and the joining, so nothing is missed or told twice.
        """
        house, seat.thread = self._house, thread
        self._lobby.leave(seat)
        book = house.threads.book
        messages = [shown(book.as_sent(thread, each)) for each in book.messages(thread.id, known)]
        welcome = {"type": "welcome", "token": seat.token, "chat": thread.id, **state_of(thread)}
        seat.browser.put({**welcome, "messages": messages})
        house.visitors.join(thread.id, seat.browser)
        house.threads.visitor_is(thread, here=True)

    async def _begun(self, seat: Seat) -> Thread:
        """The conversation that this browser shows, begun if there is none.

        What the flow says first is said before anything is heard. Raises BadMessage, TooMany.
        """
        threads, opening = self._house.threads, seat.opening
        if seat.thread is None:
            if threads.book.open_with("chat", opening.address, opening.line) is None:
                now = asyncio.get_running_loop().time()
                if self._buckets.take(f"new {seat.place}", STRANGERS, now):
                    raise TooMany(
                        "too many conversations begin where you are: wait a moment", Why.CROWDED
                    )
            thread = threads.begin(opening)
            for each in self._lobby.of(opening):  # this one, and their other windows
                self._sit(each, thread)
            await threads.settled(thread)
            return thread
        return seat.thread

    async def _by_link(self, opening: Opening, hello: dict[str, Any]) -> Opening:
        """Who comes by the link of a text message goes on as the contact that it was sent to."""
        secret = _text(hello, "pass", 100)
        found = await self._house.opened(secret) if secret and not opening.vouched else None
        if found is None or found.about["site"] != opening.line:
            return opening
        there = self._house.threads.book.get(found.contact)
        if there is None:
            facts = {**(opening.facts or {}), "known": found.about["known"]}
            facts |= {"continues": c} if (c := found.about.get("continues")) else {}
            return replace(opening, address=new_visitor(), contact=found.contact, facts=facts)
        mine = there.kind == "chat" and there.line == opening.line
        if not mine or needs_word(there.address):
            return opening
        return replace(opening, address=there.address)

    # --- talk ------------------------------------------------------------------------------------

    async def _talk(self, socket: web.WebSocketResponse, seat: Seat) -> None:
        house, browser = self._house, seat.browser
        tasks = [
            asyncio.create_task(browser.write()),
            asyncio.create_task(self._listen(socket, seat)),
            asyncio.create_task(browser.overrun.wait()),
        ]
        if seat.until is not None:
            tasks.append(asyncio.create_task(self._lapse(seat)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._lobby.leave(seat)
            if seat.thread is not None and house.visitors.leave(seat.thread.id, browser):
                house.threads.visitor_is(seat.thread, here=False)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if seat.lapsed(house.clock()):
            await socket.close(code=LAPSED)

    async def _lapse(self, seat: Seat) -> None:
        """Return when the site's word for this visitor is over."""
        while True:
            now = self._house.clock()
            if seat.until is None or seat.until <= now:
                return
            await asyncio.sleep(min(LOOK, seat.until - now))

    async def _listen(self, socket: web.WebSocketResponse, seat: Seat) -> None:
        async for message in socket:
            told = _object(message)
            name = _text(told, "id", 80)
            now = asyncio.get_running_loop().time()
            if seat.lapsed(self._house.clock()):
                return
            address, is_sign = seat.opening.address, _text(told, "type", 20) in SIGNS
            key, limit = (f"signs {address}", RESTLESS) if is_sign else (address, TALKATIVE)
            if self._buckets.take(key, limit, now):
                fast = TooMany("you write faster than anybody can read: wait a moment", Why.FAST)
                seat.browser.put({"type": "wait", "id": name, **fast.told()})
                continue
            try:
                await self._heard(told, seat)
            except TooMany as why:
                seat.browser.put({"type": "wait", "id": name, **why.told()})
            except BadMessage as why:
                seat.browser.put({"type": "refused", "id": name, **why.told()})
            except sqlite3.Error as full:
                # Not kept: the browser sends it again.
                contact = seat.thread.id if seat.thread is not None else ""
                log.error("a message could not be kept", contact=contact, why=str(full))
                return

    async def _heard(self, told: dict[str, Any], seat: Seat) -> None:
        threads, thread = self._house.threads, seat.thread
        match told.get("type"):
            case "say":
                await self._say(told, seat)
            case "begin":
                await self._begun(seat)
            case "ring_me":
                asked = await self._begun(seat)
                why = await self._house.ring_me(asked, _text(told, "number", 40))
                seat.browser.put({"type": "ringing", "ok": why is None, "why": why or ""})
            case "typing" if thread is not None:
                threads.typing(thread)
            case "seen" if thread is not None and isinstance(told.get("seq"), int):
                threads.marked(thread, told["seq"], "read")
            case "links" if thread is not None:
                seat.browser.put({"type": "links", "links": self._links(thread)})
            case "end" if thread is not None:
                threads.end(thread)

    async def _say(self, told: dict[str, Any], seat: Seat) -> None:
        name, text = told.get("id"), _text(told, "text", 100_000)
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise BadMessage("a message has an id of its own")
        if not text.strip():
            raise BadMessage("a message has at least one character", Why.EMPTY)
        thread = await self._begun(seat)
        message, new = self._house.threads.incoming(thread, f"v.{name}", text)
        seat.browser.put({"type": "kept", "id": name, "seq": message.seq})
        if new:
            self._house.visitors.tell(thread.id, {"type": "message", **shown(message)})

    def _links(self, thread: Thread) -> dict[str, str]:
        """Where each file of the conversation is, for some minutes."""
        house, links = self._house, dict[str, str]()
        for message in house.threads.book.messages(thread.id):
            if message.file is not None:
                file = str(message.file["id"])
                key = file_key(thread.id, file, house.key, house.clock())
                links[file] = f"/widget/chats/{thread.id}/files/{file}?key={key}"
        return links


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
