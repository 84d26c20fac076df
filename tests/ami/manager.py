"""A scripted Asterisk manager on a real socket, with the faults a real one can have."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from ivr.asterisk.ami import AmiClient, Ready

PATIENCE = 5.0
CHALLENGE = "848707389"

Action = dict[str, list[str]]
"""One action as Asterisk reads it: header to values, in order."""


def parse_action(raw: bytes) -> Action:
    action: Action = {}
    for line in raw.decode().split("\r\n"):
        name, _, value = line.partition(": ")
        action.setdefault(name, []).append(value)
    return action


class FakeManager:
    """Logs clients in, answers Ping, records the rest. Tests change its behaviour as they go."""

    def __init__(self, secret: str = "s3cret") -> None:
        self.secret = secret
        self.uptime = 100
        self.boots = True
        self.silent = False
        self.port = 0
        self.logins = 0
        self.tries: list[float] = []
        self.actions: list[Action] = []
        self.answers: dict[str, Callable[[Action], bytes | None]] = {}
        self.arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self.drop()
        await self._server.wait_closed()

    async def drop(self) -> None:
        """Close every connection, as a restart of Asterisk does."""
        for writer in list(self._writers):
            writer.transport.abort()
        async with asyncio.timeout(PATIENCE):
            while self._writers:
                await asyncio.sleep(0)

    async def send(self, raw: bytes | str) -> None:
        data = raw if isinstance(raw, bytes) else raw.replace("\n", "\r\n").encode()
        for writer in self._writers:
            writer.write(data)
            await writer.drain()

    async def event(self, name: str, **headers: str) -> None:
        lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        await self.send(f"Event: {name}\r\nPrivilege: call,all\r\n{lines}\r\n".encode())

    async def action(self, name: str, count: int = 1) -> Action:
        """Wait for the `count`th action of a name."""
        async with asyncio.timeout(PATIENCE), self.arrived:
            await self.arrived.wait_for(lambda: len(self.seen(name)) >= count)
            return self.seen(name)[count - 1]

    def seen(self, name: str) -> list[Action]:
        return [action for action in self.actions if action["Action"] == [name]]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.tries.append(asyncio.get_running_loop().time())
        try:
            writer.write(b"Asterisk Call Manager/11.0.0\r\n")
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                await self._take(parse_action(raw[:-4]), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _take(self, action: Action, writer: asyncio.StreamWriter) -> None:
        async with self.arrived:
            self.actions.append(action)
            self.arrived.notify_all()
        if self.silent:
            return
        answer = self._answer(action)
        if answer is not None:
            head = f"Response: Success\r\nActionID: {action['ActionID'][0]}\r\n".encode()
            writer.write(answer.replace(b"OK", head, 1))

    def _answer(self, action: Action) -> bytes | None:
        name = action["Action"][0]
        if name in self.answers:
            return self.answers[name](action)
        if name == "Challenge":
            return f"OKChallenge: {CHALLENGE}\r\n\r\n".encode()
        if name == "Login":
            return self._login(action)
        return b"OKMessage: done\r\n\r\n"

    def _login(self, action: Action) -> bytes:
        key = hashlib.md5(f"{CHALLENGE}{self.secret}".encode()).hexdigest()
        if action["Key"] != [key]:
            return error(action, "Authentication failed")
        self.logins += 1
        accepted = b"OKMessage: Authentication accepted\r\n\r\n"
        booted = f"Event: FullyBooted\r\nUptime: {self.uptime}\r\nLastReload: 7\r\n\r\n"
        return accepted + (booted.encode() if self.boots else b"")


def error(action: Action, message: str) -> bytes:
    identity = action["ActionID"][0]
    return f"Response: Error\r\nActionID: {identity}\r\nMessage: {message}\r\n\r\n".encode()


def listed(action: Action, *events: str) -> bytes:
    """A list as Asterisk sends it: response, events, complete."""
    identity = f"ActionID: {action['ActionID'][0]}\r\n"
    name = action["Action"][0]
    parts = ["OKEventList: start\r\n\r\n"]
    parts += [f"Event: {event}\r\n{identity}\r\n" for event in events]
    parts.append(f"Event: {name}Complete\r\n{identity}EventList: Complete\r\n\r\n")
    return "".join(parts).encode()


@contextlib.asynccontextmanager
async def managed(
    manager: FakeManager | None = None, *, wait: bool = True, **options: Any
) -> AsyncIterator[tuple[FakeManager, AmiClient]]:
    """A manager and a client of it, logged in unless told otherwise."""
    manager = manager or FakeManager()
    await manager.start()
    client = AmiClient("127.0.0.1", manager.port, "tieline", "s3cret", **options)
    told = asyncio.Event()

    async def tell(ready: Ready) -> None:
        told.set()

    client.on_ready(tell)
    try:
        await client.start()
        if wait:
            await client.wait_ready(PATIENCE)
            await told.wait()
        yield manager, client
    finally:
        await client.close()
        await manager.stop()
