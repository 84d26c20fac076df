"""One Asterisk of our own: started, asked, adopted again after a restart of the service, stopped.

Asterisk lives in a session of its own and outlives the service: calls go on while the service is
away. Who runs is read from the control socket, never from a pid file that may have gone stale.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import socket
import struct
import tempfile
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.asterisk.provision import Toolchain
from ivr.errors import AsteriskUnreachable, IvrError, ServiceFault

_LONGEST_SOCKET_PATH: Final = 107  # sun_path is 108 bytes with its closing zero (unix(7))
CONTROL_SOCKET: Final = "asterisk.ctl"
_PAUSE: Final = 0.05
_TAIL_LINES: Final = 15


def socket_folder(run_dir: Path) -> Path:
    """The folder for Asterisk's control socket (`astrundir`): `run_dir` itself, unless too deep.

    Then a private folder in XDG_RUNTIME_DIR or the temporary folder, the same one for the same
    `run_dir` every time. Raises `IvrError` when somebody else holds that place.
    """
    if len(os.fsencode(run_dir / CONTROL_SOCKET)) <= _LONGEST_SOCKET_PATH:
        return run_dir
    name = f"tieline-{os.getuid()}-{hashlib.sha256(os.fsencode(run_dir)).hexdigest()[:12]}"
    bases = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]  # noqa: S108 - checked below
    folders = [Path(base) / name for base in bases if base.startswith("/") and Path(base).is_dir()]
    folder = next(
        f for f in folders if len(os.fsencode(f / CONTROL_SOCKET)) <= _LONGEST_SOCKET_PATH
    )
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_mode != 0o040700 or status.st_uid != os.getuid():
        raise IvrError(f"{folder} is not a private folder of yours: remove it and start again")
    return folder


def listener(control_socket: Path) -> int | None:
    """The process that listens on a control socket, by the kernel's word (SO_PEERCRED)."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(control_socket))
        except OSError:
            return None
        size = struct.calcsize("3i")
        peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid: int = struct.unpack("3i", peer)[0]
    return pid


@dataclass(frozen=True, slots=True)
class _Instance:
    """A running Asterisk; `handle` (a pidfd) keeps meaning this process if its pid is reused."""

    pid: int
    handle: int


class AsteriskProcess:
    """The Asterisk that belongs to one `asterisk.conf`.

    `log_path` takes what it prints before its own loggers work. Use from one event loop.
    """

    def __init__(self, toolchain: Toolchain, conf_file: Path, log_path: Path) -> None:
        self._toolchain = toolchain
        self._conf = conf_file
        self._log = log_path
        self._instance: _Instance | None = None
        self._told_before: dict[Path, int] = {}

    @property
    def pid(self) -> int | None:
        """The process id while it is started or adopted."""
        return self._instance.pid if self._instance else None

    async def start(self, *, adopt: bool = True, timeout: float = 60.0) -> bool:
        """Returns once Asterisk has fully booted; True when it was running already.

        With `adopt` a running instance is kept, its calls with it (its configuration may be an
        older one: `command("core reload")`). Without, or when it does not answer, it is stopped
        first. Raises `AsteriskUnreachable`, the last lines of the log in its text.
        """
        self._instance = self._running()
        if self._instance is not None:
            if adopt and await self._boots(min(timeout, 10.0)):
                return True
            await self.stop()
        self._instance = self._spawn()
        if await self._boots(timeout):
            return False
        ended = await self.ended(within=0)
        await self.stop(grace=1.0)
        why = "ended while it started" if ended else f"was not ready after {timeout:g} seconds"
        raise AsteriskUnreachable(f"Asterisk {why}.\n{self._told()}")

    async def command(self, text: str, timeout: float = 10.0) -> str:
        """Runs one console command and returns what it prints.

        Raises `AsteriskUnreachable` when nobody answers, `ServiceFault` for control characters.
        """
        if not text.isprintable():
            raise ServiceFault(f"a console command is one printable line, not {text!r}")
        arguments = [*self._toolchain.command, "-C", str(self._conf), "-rx", text]
        asked = await asyncio.create_subprocess_exec(
            *arguments,
            env={**os.environ, **self._toolchain.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(timeout):
                printed, _ = await asked.communicate()
        except TimeoutError:
            raise AsteriskUnreachable(f"Asterisk gave no answer to `{text}`") from None
        finally:
            if asked.returncode is None:
                with suppress(ProcessLookupError):
                    asked.kill()
                await asked.wait()
        answer = printed.decode(errors="replace")
        if asked.returncode:
            raise AsteriskUnreachable(f"Asterisk's console does not answer: {answer.strip()}")
        return answer

    async def ended(self, within: float | None = None) -> bool:
        """Waits until Asterisk is gone, at most `within` seconds; whether it is gone."""
        if self._instance is None:
            return True
        gone = await _exited(self._instance.handle, within)
        if gone:
            _reap(self._instance.pid)
        return gone

    async def stop(self, grace: float = 10.0) -> None:
        """Ends Asterisk and every call in it; it is killed after `grace` seconds. Repeatable."""
        instance = self._instance or self._running()
        if instance is None:
            return
        self._instance = instance
        _signal(instance, signal.SIGTERM)
        if not await self.ended(within=grace):
            _signal(instance, signal.SIGKILL)
            await self.ended()
        self.release()

    def release(self) -> None:
        """Lets go without ending Asterisk: a later `start` adopts it."""
        if self._instance is not None:
            os.close(self._instance.handle)
            self._instance = None

    async def _boots(self, within: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not await self._answers():
                    if await self.ended(within=_PAUSE):
                        return False
                return True
        return False

    async def _answers(self) -> bool:
        if not self._socket().exists():
            return False
        try:
            return "fully booted" in await self.command("core waitfullybooted", timeout=60.0)
        except AsteriskUnreachable:
            return False

    def _spawn(self) -> _Instance:
        # Not subprocess.Popen: that object would warn, or reap, when the service lets go.
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._told_before = {log: log.stat().st_size for log in self._logs() if log.is_file()}
        arguments = [*self._toolchain.command, "-f", "-n", "-C", str(self._conf)]
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            pid = os.posix_spawn(
                arguments[0],
                arguments,
                {**os.environ, **self._toolchain.env},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(self._log), append, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,  # Ctrl-C in the terminal reaches the service, which then decides
            )
        except OSError as why:
            raise AsteriskUnreachable(f"Asterisk cannot be started: {why}") from None
        return _Instance(pid, os.pidfd_open(pid))

    def _running(self) -> _Instance | None:
        pid = listener(self._socket())
        try:
            return _Instance(pid, os.pidfd_open(pid)) if pid else None
        except ProcessLookupError:
            return None

    def _socket(self) -> Path:
        return self._directory("astrundir") / CONTROL_SOCKET

    def _directory(self, name: str) -> Path:
        text = self._conf.read_text(encoding="utf-8")
        match = re.search(rf"^\s*{name}\s*=>?\s*([^;\n]*[^;\s])", text, re.MULTILINE)
        if match is None:
            raise ServiceFault(f"{self._conf} does not set {name}")
        return Path(match[1])

    def _logs(self) -> tuple[Path, Path]:
        return self._log, self._directory("astlogdir") / "messages.log"

    def _told(self) -> str:
        """The last lines written since this start."""
        told = []
        for log in self._logs():
            if log.is_file():
                with log.open("rb") as stream:
                    stream.seek(self._told_before.get(log, 0))
                    tail = b"".join(deque(stream, _TAIL_LINES)).decode(errors="replace")
                told.append(f"{log}:\n{tail.rstrip()}")
        return "\n".join(told)


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):  # an adopted one is not our child
        os.waitpid(pid, os.WNOHANG)


def _signal(instance: _Instance, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(instance.handle, number)


async def _exited(handle: int, within: float | None) -> bool:
    """Whether the process behind a pidfd ends in time (a pidfd turns readable when it does)."""
    loop = asyncio.get_running_loop()
    exited = asyncio.Event()
    own = os.dup(handle)  # a loop takes one reader for each descriptor; waiters may be several
    loop.add_reader(own, exited.set)
    try:
        async with asyncio.timeout(within):
            await exited.wait()
    except TimeoutError:
        return exited.is_set()
    finally:
        loop.remove_reader(own)
        os.close(own)
    return True
