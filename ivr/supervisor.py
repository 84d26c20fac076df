"""Keeps Asterisk and the service running beside each other, and ends both when it is told to.

They are two processes on purpose: a service that dies leaves every call standing in Asterisk, and
the next service takes them up. Both run in sessions of their own, so that Ctrl-C reaches only this
process, which then stops the service first and Asterisk last.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import structlog

from ivr.asterisk.process import AsteriskProcess
from ivr.errors import AsteriskUnreachable, IvrError

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds before a process that ended is started again; doubled each time it ends early."""
STEADY = 30.0
"""Seconds after which a process counts as having started well."""
LOOK_AGAIN = 0.05
"""Seconds between looks whether the service listens."""
PR_SET_PDEATHSIG = 1
IN_GOOD_ORDER = 0
"""The exit code of a service that was asked to end, as for a newer release: it starts at once."""
LAST_WORDS = 10.0
"""Seconds the service has to end by itself."""


@contextlib.contextmanager
def only_one(run_dir: Path) -> Iterator[None]:
    """Hold the installation; IvrError when another process looks after it already."""
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (run_dir / "supervisor.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise IvrError(
                f"Tieline runs here already (process {lock.read().strip() or 'unknown'}): stop "
                "that one first, or set TIELINE_HOME and other ports for a second one"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def end_with_parent() -> None:
    """Asked of the kernel in the child: a service whose supervisor was killed ends in good order.

    Its calls stay in Asterisk, which goes on, and meet the next service.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class ServiceProcess:
    """`tieline serve` as a child of its own; its output goes to `log_path`."""

    def __init__(self, log_path: Path) -> None:
        self._log_path = log_path
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start it; it finds its settings the way this process did."""
        self._log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._log_path.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ivr",
                "serve",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_parent,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    async def answers(self, port: int, within: float = 60.0) -> bool:
        """Wait until it listens on that loopback port; False when it ended or took too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self.pid is not None:
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                    except OSError:
                        await asyncio.sleep(LOOK_AGAIN)
                    else:
                        writer.close()
                        return True
        return False

    async def ended(self) -> int:
        """Wait for its end; the exit code."""
        if self._process is None:
            raise IvrError("the service was never started")
        return await self._process.wait()

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        return "\n".join(self._log_path.read_text(errors="replace").splitlines()[-lines:])

    async def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(LAST_WORDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def supervise(
    asterisk: AsteriskProcess, service: ServiceProcess, port: int, ready: Callable[[], None]
) -> None:
    """Run both until SIGINT or SIGTERM, starting again what ends by itself.

    `ready` is called once the service listens on `port`. Raises IvrError when it never does.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    keepers: list[asyncio.Task[Any]] = []
    try:
        if await asterisk.start():
            # A supervisor that was killed left it, and its calls, behind: they go on.
            await asterisk.command("core reload")
        await service.start()
        up, halted = asyncio.create_task(service.answers(port)), asyncio.create_task(stop.wait())
        keepers += [halted]
        await asyncio.wait({up, halted}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            up.cancel()
            return
        if not up.result():
            raise IvrError(f"the service did not come up; its last words:\n{service.last_words()}")
        ready()
        keepers += [
            asyncio.create_task(keep("asterisk", asterisk.ended, asterisk.start)),
            asyncio.create_task(keep("service", service.ended, service.start)),
        ]
        await stop.wait()
    finally:
        for keeper in keepers:
            keeper.cancel()
        for keeper in keepers:
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        await service.stop()
        await asterisk.stop()


async def keep(
    name: str,
    ended: Callable[[], Awaitable[object]],
    start: Callable[[], Awaitable[object]],
) -> None:
    """Start it again whenever it has ended, until cancelled; `ended` gives the exit code."""
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE
    while True:
        began = loop.time()
        steady = await ended() == IN_GOOD_ORDER or loop.time() - began > STEADY
        pause = FIRST_PAUSE if steady else min(pause * 2, LONGEST_PAUSE)
        log.error("ended by itself, starting it again", process=name, in_seconds=pause)
        await asyncio.sleep(pause)
        try:
            await start()
        except (AsteriskUnreachable, OSError) as why:
            log.error("cannot be started", process=name, why=str(why))
