"""What the tests of errands share: servers that misbehave on purpose, and houses made of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acd.records.contact import ContactEvent
from ivr.backends.building import assemble
from ivr.backends.errands import Errands
from ivr.backends.services import Gateway, Service, Services
from ivr.backends.shared import Common
from ivr.backends.sources import Sources
from ivr.flow.errands import Errand, Findings
from ivr.flow.loading.tables import Table, Tables, make_hash

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
KEY = "the key of these tests"
PIN_HASH = make_hash("4321")
ACCOUNTS = Table(
    "accounts",
    "account",
    frozenset({"pin"}),
    {
        "1": {"account": "1", "pin": PIN_HASH, "name": "Mei", "phone": "138 0013 8000"},
        "2": {"account": "2", "pin": PIN_HASH, "name": "Tom", "phone": "+442087654321"},
        "3": {"account": "3", "pin": PIN_HASH, "name": "Ann", "phone": "02087654321"},
        "4": {"account": "4", "pin": PIN_HASH, "name": "Bob", "phone": "+44 (20) 8765 4321"},
    },
)


@dataclass(slots=True)
class Clock:
    """Seconds that pass when told to."""

    at: float = NOW.timestamp()

    def __call__(self) -> float:
        return self.at


@dataclass(slots=True)
class House:
    """Errands over a store, with what they told."""

    errands: Errands
    clock: Clock
    sources: Sources
    story: list[ContactEvent] = field(default_factory=list)

    async def run(self, errand: Errand, contact: str = "c1", **more: Any) -> Findings:
        return await self.errands.run(errand, contact=contact, now=NOW, **more)

    def reload(self, **changes: Any) -> None:
        self.sources = replace(self.sources, services=replace(self.sources.services, **changes))


@asynccontextmanager
async def house(
    folder: Path,
    services: Services | None = None,
    tables: Tables | None = None,
    common: Common | None = None,
) -> AsyncIterator[House]:
    """A house whose store lies in `folder`; two of them may share it, or have a `common` place."""
    clock, story = Clock(), list[ContactEvent]()
    sources = Sources(tables or Tables({"accounts": ACCOUNTS}), services or Services())
    file, tell = folder / "e.sqlite", story.append
    errands = assemble(file, KEY, lambda: built.sources, tell, clock, common=common)
    built = House(errands, clock, sources, story)
    try:
        yield built
    finally:
        await errands.close()


def service(url: str, **more: Any) -> Service:
    """A service that is given little time."""
    return Service(**{"name": "orders", "url": url, "timeout": 2.0, "limit": 5.0, **more})


def offering(*found: Service, **more: Any) -> Services:
    """These services, the one called `gateway` for text messages."""
    gateway = Gateway("gateway", "1000") if any(s.name == "gateway" for s in found) else None
    return Services({each.name: each for each in found}, gateway=gateway, **more)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Wire:
    """A server that says whatever bytes it likes; `heard` are the requests as they came."""

    url: str = ""
    heard: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def wire(talk: Talk) -> AsyncIterator[Wire]:
    """A server on a free port of loopback that reads one request, then talks."""
    found = Wire()
    under_way: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            found.heard.append(await request_of(reader))
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            under_way.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        server.close()
        for task in tuple(under_way):
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await server.wait_closed()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """One request, headers and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)


def says(status: str, body: bytes, *headers: str) -> Talk:
    """One answer, then the end of the connection."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return talk


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


def free_port() -> int:
    """A port nobody listens on."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
