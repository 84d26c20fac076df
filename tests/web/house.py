"""A small house for the web side's tests: people who need no password, and a server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from ivr.web.addresses import Outside
from ivr.web.gate import HEADER, Deed
from ivr.web.roles import Role, Who
from ivr.web.routes import Route
from ivr.web.server import WebServer

PEOPLE = {
    role.value: Who(role.value, role.value.title(), frozenset({role}), "1001", str(number))
    for number, role in enumerate(Role, 1)
}
NOBODY = Who("plain", "Plain", frozenset(), "", "99")


@dataclass
class FakeDoor:
    """Secrets are names; what is noted is kept."""

    people: dict[str, Who] = field(default_factory=lambda: {**PEOPLE, "plain": NOBODY})
    machines: dict[str, Who] = field(default_factory=dict)
    noted: list[tuple[str, Deed]] = field(default_factory=list)

    async def by_session(self, secret: str) -> Who | None:
        return self.people.get(secret)

    async def by_token(self, secret: str) -> Who | None:
        return self.machines.get(secret)

    async def note(self, who: Who | None, deed: Deed) -> None:
        self.noted.append((who.user if who else "", deed))


@dataclass
class Browser:
    """Asks as a page of the server would; `secret` is the session."""

    session: aiohttp.ClientSession
    url: str
    secret: str = ""

    async def ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> aiohttp.ClientResponse:
        told = {"Origin": self.url, HEADER: "1", **(headers or {})}
        if self.secret:
            told["Cookie"] = f"tieline={self.secret}"
        told = {name: value for name, value in told.items() if value}
        return await self.session.request(method, self.url + path, headers=told, **more)

    def as_(self, secret: str) -> Browser:
        return Browser(self.session, self.url, secret)


@asynccontextmanager
async def serving(
    routes: Iterable[Route],
    door: FakeDoor | None = None,
    url: str = "http://desk.example.org",
    proxies: tuple[str, ...] = (),
) -> AsyncIterator[Browser]:
    """A server with those routes, and a browser that nobody has signed in with."""
    server = WebServer(routes, door or FakeDoor(), Outside(url, proxies), "127.0.0.1", 0)
    await server.start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield Browser(session, f"http://127.0.0.1:{server.port}")
    finally:
        await server.stop()
