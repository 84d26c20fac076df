"""Several nodes and the Redis they share, on one machine: for trying it, and for the tests.

Each node is what `tieline run` makes of a folder of its own, with an address of its own on the
loopback. `cd` into that folder, and every `tieline` command means that node.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import yaml

from ivr.asterisk.provision import Tool
from ivr.errors import IvrError
from ivr.secrets import CLUSTER_KEY, REDIS_PASSWORD
from ivr.settings import LOOPBACK, Settings, load_settings
from ivr.supervisor import end_with_parent

SIP_PORT: Final = 5060
_FIRST_RTP: Final = 14000
_RTP_PORTS: Final = 998
_PATIENCE: Final = 120.0
_LAST_WORDS: Final = 15.0
_LOOK: Final = 0.05

Progress = Callable[[str], None]


class Cluster:
    """`start`, use, `stop`. What the nodes know stays in `folder` and is there the next time."""

    def __init__(
        self,
        folder: Path,
        redis: Tool,
        chosen: Mapping[str, object],
        names: Sequence[str] = ("n1", "n2"),
    ) -> None:
        self.folder = folder
        password, key = _kept(folder / REDIS_PASSWORD), _kept(folder / CLUSTER_KEY)
        ports = free_ports(1 + 4 * len(names))
        self.redis = RedisServer(redis, folder / "redis", ports.pop(), password)
        prompts = folder / "prompts"
        prompts.mkdir(parents=True, exist_ok=True)
        self._claim, block = free_block(len(names))
        addresses = {name: f"{block}.{n}" for n, name in enumerate(names, 1)}
        self.nodes: dict[str, LocalNode] = {}
        for n, name in enumerate(names):
            rtp = _FIRST_RTP + n * (_RTP_PORTS + 2)
            told: dict[str, object] = {
                **chosen,
                "home": "home",
                "bind": addresses[name],
                "sip_port": SIP_PORT,
                "agi_port": ports.pop(),
                "ami_port": ports.pop(),
                "console_port": ports.pop(),
                "web_port": ports.pop(),
                "rtp_start": rtp,
                "rtp_end": rtp + _RTP_PORTS,
                "node": name,
                "redis_url": self.redis.url,
                "nodes": {each: f"{at}:{SIP_PORT}" for each, at in addresses.items()},
            }
            self.nodes[name] = LocalNode(folder / name, told, password, key, prompts)

    async def start(self, progress: Progress) -> None:
        """Everything up and ready for calls; IvrError says what did not come up."""
        progress("Redis")
        await self.redis.start()
        progress(f"nodes {', '.join(self.nodes)}")
        await asyncio.gather(*(node.start() for node in self.nodes.values()))

    async def ended(self) -> str:
        """Wait for the first part that ends by itself; its name."""
        parts = {asyncio.create_task(self.redis.ended()): "Redis"}
        parts |= {asyncio.create_task(each.ended()): name for name, each in self.nodes.items()}
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in parts:
                task.cancel()
        return next(parts[task] for task in done)

    async def stop(self) -> None:
        """Everything down, Redis last."""
        await asyncio.gather(*(node.stop() for node in self.nodes.values()))
        await self.redis.stop()
        self._claim.close()


class _Child:
    """A process that ends with this one."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Its process id; IvrError while it does not run."""
        if self._process is None or self._process.returncode is not None:
            raise IvrError(f"it does not run; its last words:\n{self.last_words()}")
        return self._process.pid

    async def spawn(
        self, command: Sequence[str], environment: Mapping[str, str], cwd: Path, told: bytes = b""
    ) -> None:
        """Start `command` in `cwd`; it reads `told`."""
        with self.output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env=dict(environment),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for this process, which then ends the others
                preexec_fn=end_with_parent,
            )
        if self._process.stdin is not None:
            self._process.stdin.write(told)
            self._process.stdin.close()

    async def answers(self, port: int) -> None:
        """Wait until it listens on that loopback port; IvrError when it ends or takes too long."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while not await _listens(port):
                    self._process_must_run()
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise IvrError(f"it does not come up; its last words:\n{self.last_words()}") from None

    def _process_must_run(self) -> None:
        _ = self.pid

    async def ended(self) -> None:
        """Wait for its end."""
        if self._process is not None:
            await self._process.wait()

    async def end(self) -> None:
        """Ask it to end, and end it when it does not. Repeatable."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            async with asyncio.timeout(_LAST_WORDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def last_words(self, lines: int = 12) -> str:
        """The end of what it printed."""
        with suppress(OSError):
            return "\n".join(self.output.read_text(errors="replace").splitlines()[-lines:])
        return ""


class RedisServer:
    """A redis-server on the loopback that writes everything down."""

    def __init__(self, tool: Tool, folder: Path, port: int, password: str) -> None:
        self.folder, self.port = folder, port
        self.url = f"redis://{LOOPBACK}:{port}/0"
        self._tool, self._password = tool, password
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._child = _Child(folder / "redis.log")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    async def start(self) -> None:
        """Returns when it answers."""
        options = {
            "port": self.port,
            "bind": LOOPBACK,
            "dir": self.folder,
            "requirepass": self._password,
            "save": '""',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
        }
        # By its standard input: the password is neither in a file nor among the arguments.
        told = "".join(f"{name} {value}\n" for name, value in options.items())
        command = [*self._tool.argv_prefix, "-"]
        environment = self._tool.environment()
        await self._child.spawn(command, environment, self.folder, told.encode())
        await self._child.answers(self.port)

    async def ended(self) -> None:
        """Wait for its end."""
        await self._child.ended()

    async def stop(self) -> None:
        """End it; what was written stays."""
        await self._child.end()


class LocalNode:
    """One node: its folder, settings, and `tieline run`."""

    def __init__(
        self, folder: Path, told: Mapping[str, object], password: str, key: str, prompts: Path
    ) -> None:
        self.folder = folder
        home = folder / "home"
        (home / "data").mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):  # what one has spoken, all may play
            (home / "data" / "prompts").symlink_to(prompts)
        _private(home / REDIS_PASSWORD, password)
        _private(home / CLUSTER_KEY, key)
        (folder / "tieline.yaml").write_text(yaml.safe_dump(dict(told), sort_keys=False))
        self.settings: Settings = load_settings(env={}, cwd=folder)
        kept = os.environ.items()
        self.environment = {name: value for name, value in kept if not name.startswith("TIELINE_")}
        self._child = _Child(folder / "run.log")

    @property
    def domain(self) -> str:
        """Where phones register, and callers ring."""
        return f"{self.settings.bind}:{self.settings.sip_port}"

    @property
    def pid(self) -> int:
        """The process id of `tieline run`; its children are the service and Asterisk."""
        return self._child.pid

    @property
    def service_log(self) -> Path:
        """What the service logs."""
        return self.settings.log_dir / "service.log"

    async def start(self) -> None:
        """Returns when calls are taken."""
        command = [sys.executable, "-m", "ivr", "run"]
        await self._child.spawn(command, self.environment, self.folder)
        await self._child.answers(self.settings.console_port)

    async def ended(self) -> None:
        """Wait for the end of `tieline run`."""
        await self._child.ended()

    async def stop(self) -> None:
        """End its service and its Asterisk, and every call in it."""
        await self._child.end()


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on; held together, so that all differ."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in held]


def free_block(count: int) -> tuple[socket.socket, str]:
    """The first three numbers of loopback addresses, 1 to `count`, whose SIP port is free.

    No other cluster on this machine takes them before the socket that comes with them is closed:
    SIP ports are taken only later, when Asterisk starts.
    """
    for block in range(11, 250):
        prefix = f"127.0.{block}"
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with suppress(OSError):  # which says that another has claimed it
            claim.bind(f"\0tieline {prefix}")
            if all(_is_free(f"{prefix}.{n}") for n in range(1, count + 1)):
                return claim, prefix
        claim.close()
    raise IvrError(f"port {SIP_PORT} is taken on every loopback address that was tried")


def _is_free(address: str) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, SIP_PORT))
            except OSError:
                return False
    return True


def _kept(file: Path) -> str:
    """A text made at random, the same each time."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _private(file, secrets.token_urlsafe(32))
    return file.read_text()


def _private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
