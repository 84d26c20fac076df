"""A real redis-server on loopback, and a wire to it that can be cut in the nastiest places."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ivr.asterisk.toolbox import Tool


class Server:
    """One server with its files in `folder`; `fsync` is `always` or `everysec`.

    `replica_of` is the port of the server it copies.
    """

    def __init__(
        self, tool: Tool, folder: Path, fsync: str = "everysec", replica_of: int = 0
    ) -> None:
        self.folder, self.fsync, self._master = folder, fsync, replica_of
        self.port = free_port()
        self._tool = tool
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {
            "port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "",
            "appendonly": "yes", "appendfsync": self.fsync, "repl-diskless-sync-delay": 0,
        }  # fmt: skip
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        if self._master:
            words += ["--replicaof", f"127.0.0.1 {self._master}"]
        self._process = _started(self._tool, words, b"Ready to accept connections")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)


class Sentinel:
    """One sentinel that watches one server under the name `floor`; its word is enough."""

    def __init__(self, tool: Tool, folder: Path, master: int) -> None:
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "sentinel.conf"
        file.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor floor 127.0.0.1 {master} 1\n"
            "sentinel down-after-milliseconds floor 400\nsentinel failover-timeout floor 2000\n"
        )
        self._process = _started(tool, [str(file), "--sentinel"], b"+monitor")

    @property
    def url(self) -> str:
        return f"sentinel://127.0.0.1:{self.port}/floor"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def _started(tool: Tool, words: Sequence[str], sign: bytes) -> subprocess.Popen[bytes]:
    """The server once it has said that it is up."""
    process = subprocess.Popen(
        [*tool.argv_prefix, *words],
        env=tool.environment(),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.decode())
        if sign in line:
            return process
    raise AssertionError("".join(said))


class Wire:
    """A TCP proxy in front of a server. `lose_every` n: each nth reply is read from the server and
    thrown away with its connection: the command was carried out, and nobody hears of it. `cut`: the
    server cannot be reached, though requests under way may still arrive there. `deaf`: nobody hears
    what the others said, though a node's own beats are written down.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self.lose_every = 0
        self.lost = 0
        self.cut = self.deaf = False
        self._target = target
        self._replies = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def partition(self) -> None:
        """From now on nothing passes, and nobody is told: packets just vanish."""
        self.cut = True

    def heal(self) -> None:
        """Connections that were silent are broken; new ones pass."""
        self.cut = False
        for task in tuple(self._tasks):
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there: asyncio.StreamWriter | None = None
        try:
            back, there = await asyncio.open_connection("127.0.0.1", self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._forth(reader, there))
                both.create_task(self._back(back, writer))
        except* (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for each in (writer, there):
                if each is not None:
                    each.close()
                    with contextlib.suppress(OSError):
                        each.transport.abort()

    async def _forth(self, reader: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self.cut:
                there.write(data)
                await there.drain()
        raise EOFError

    async def _back(self, back: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await back.read(65536):
            if self.cut:
                continue
            if self.deaf and data[:1] == b"%" and b"\r\nserver\r\n" not in data:
                raise EOFError  # a map, and not the one a connection begins with
            # Replies to scripts are arrays; what a connection says on its first breath is not.
            if self.lose_every and data[:1] == b"*":
                self._replies += 1
                if self._replies % self.lose_every == 0:
                    self.lost += 1
                    raise EOFError
            writer.write(data)
            await writer.drain()
        raise EOFError


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
