"""Chats without a browser: a real server on loopback, real threads, and visitors on WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp

from ivr.backends import attempts, shelves
from ivr.backends.attempts import StoredAttempts
from ivr.backends.digests import Digests
from ivr.backends.passes import Passes
from ivr.backends.shelves import StoredShelf
from ivr.backends.sites import Site
from ivr.backends.store import Store
from ivr.chats.desk import ChatDesk
from ivr.chats.files import Files
from ivr.chats.forms import Forms
from ivr.chats.inviting import Inviting
from ivr.chats.talking import Settling, Talking
from ivr.chats.visitors import Visitors
from ivr.chats.widget import Widget
from ivr.flow.actions import Value
from ivr.threads.book import Thread
from ivr.threads.refusals import Why
from ivr.web.addresses import Outside
from ivr.web.hub import Hub
from ivr.web.server import WebServer
from tests.threads.house import House as Threads
from tests.web.house import Browser, FakeDoor

KEY, SECRET = "the key of visitors", "the secret of the shop"
SHOP = Site(
    "shop",
    "site",
    ("https://shop.example",),
    {"en": 'The "Shop" <b>'},
    secret=SECRET,
    types=("image/png", "application/pdf"),
    files=20_000,
    phone="+86 10 6555 1234",
)


@dataclass
class Visitor:
    """A browser's side of the socket, without a browser."""

    socket: aiohttp.ClientWebSocketResponse
    token: str = ""
    chat: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def until(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The next thing of that kind."""
        async with asyncio.timeout(10):
            while True:
                told: dict[str, Any] = await self.socket.receive_json()
                self.heard.append(told)
                if told["type"] == kind and all(told.get(n) == v for n, v in wanted.items()):
                    return told

    async def say(self, text: str, name: str = "") -> dict[str, Any]:
        name = name or f"m{len(self.heard)}"
        await self.socket.send_json({"type": "say", "id": name, "text": text})
        return await self.until("kept", id=name)

    async def links(self) -> dict[str, str]:
        """Where the files of this conversation are."""
        await self.socket.send_json({"type": "links"})
        return dict((await self.until("links"))["links"])

    @property
    def read(self) -> list[str]:
        """Everything this browser shows, in order."""
        shown = [each for told in self.heard for each in told.get("messages", [])]
        shown += [told for told in self.heard if told["type"] == "message"]
        return [each["text"] for each in sorted(shown, key=lambda each: int(each["seq"]))]


@dataclass
class House:
    """One installation with a chat; `restart` is kill -9 and a service on the same address."""

    rooms: Threads
    session: aiohttp.ClientSession
    folder: Path
    rung: list[tuple[str, str]] = field(default_factory=list)
    filled: list[tuple[str, str, dict[str, Value]]] = field(default_factory=list)
    port: int = 0
    shop: Site = SHOP

    async def open(self) -> None:
        await self.rooms.open()
        self.visitors, self.hub = Visitors(), Hub(lambda: self.rooms.time)
        threads = self.rooms.threads
        threads.carried_by("chat", self.visitors)
        self.files = files = Files(self.folder / "files", threads.book)

        async def ring(thread: Thread, number: str) -> Why | None:
            self.rung.append((thread.id, number))
            return None if number.startswith("+86") else Why.NOT_RUNG

        clock = lambda: self.rooms.time  # noqa: E731 - a name for one attribute
        self.store = Store(self.folder / "errands.sqlite", (attempts.SCHEMA, shelves.SCHEMA))
        shelf, tries = StoredShelf(self.store), StoredAttempts(self.store)
        self.passes = Passes(shelf, tries, Digests(KEY), clock)
        settling = Settling(
            threads,
            self.visitors,
            self.site,
            KEY,
            lambda: "CN",
            ring,
            clock,
            lambda secret: self.passes.take("chat", secret),
        )
        self.talking = Talking(settling)
        widget = Widget(threads, self.visitors, self.talking, files, settling)
        inviting = Inviting(threads, self.passes.code, self.site, clock)
        self.desk = ChatDesk(
            threads, self.visitors, self.hub, files, site=self.site, inviting=inviting
        )
        forms = Forms(self.passes, self.fill, lambda: date(2026, 3, 2))
        routes = [*widget.routes(), *self.desk.routes(), *forms.routes()]
        outside = Outside("http://desk.example.org", ())
        self.server = WebServer(routes, FakeDoor(), outside, "127.0.0.1", self.port)
        await self.server.start()
        self.port = self.server.port

    async def close(self) -> None:
        await self.server.stop()
        await self.rooms.close()
        await self.store.close()

    async def restart(self) -> None:
        await self.close()
        await self.open()

    def fill(self, contact: str, flow: str, values: Mapping[str, Value]) -> None:
        self.filled.append((contact, flow, dict(values)))

    def site(self, name: str) -> Site | None:
        return self.shop if name == self.shop.name else None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def agent(self) -> Browser:
        return Browser(self.session, self.url, "agent")

    async def look(self, **hello: Any) -> Visitor:
        """A browser opens the chat."""
        visitor = Visitor(await self.session.ws_connect(f"{self.url}/widget/talk"))
        await visitor.socket.send_json({"type": "hello", "site": "shop", **hello})
        welcome = await visitor.until("welcome")
        visitor.token, visitor.chat = welcome["token"], welcome["chat"]
        return visitor

    async def come(self, **hello: Any) -> Visitor:
        """A browser opens the chat, and its visitor begins, or goes on where they were."""
        visitor = await self.look(**hello)
        if not visitor.chat:
            await visitor.socket.send_json({"type": "begin"})
            visitor.chat = (await visitor.until("welcome"))["chat"]
        return visitor

    def thread(self, visitor: Visitor) -> Thread:
        found = self.rooms.threads.book.get(visitor.chat)
        assert found is not None
        return found

    def told(self, kind: str) -> list[str]:
        return [event.text for event in self.hub._events if event.kind == kind]


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        built = House(Threads(folder), session, folder)
        await built.open()
        try:
            yield built
        finally:
            await built.close()
