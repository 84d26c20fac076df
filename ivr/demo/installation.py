"""An installation of Tieline that plays are given on: in a folder of its own, on free ports.

It is started as `tieline run` starts one: Asterisk and the service, each a process of its own.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from acd.journal import Journal
from ivr.asterisk.process import AsteriskProcess, socket_folder
from ivr.asterisk.provision import Tool, Toolchain, ensure_tools
from ivr.errors import IvrError
from ivr.plans import Plan, load_plan
from ivr.secrets import Secrets
from ivr.settings import LOOPBACK, Settings
from ivr.site import build_site, write_configuration
from ivr.speech.music import generate_music
from ivr.speech.phrases import phrase
from ivr.speech.prompts import PromptBook
from ivr.speech.script import fixed_batches

CODES: Final = {
    "*41": "agent-logged-in",
    "*42": "agent-ready",
    "*43": "agent-paused",
    "*44": "wrap-up-ended",
}
"""The feature codes that agents dial, and the phrase that answers each."""

_PATIENCE = 30.0
_LAST_WORDS = 5.0
_LOOK: Final = 0.05

Speaking = Callable[[Settings, Tool], Awaitable[PromptBook]]
"""Makes the prompt book of an installation."""


class Installation:
    """A Tieline in `settings.folder`, which is gone after `stop`.

    `environment` is all that it, and commands that are to find it, are told of their settings.
    """

    def __init__(
        self, settings: Settings, toolchain: Toolchain, environment: Mapping[str, str]
    ) -> None:
        self.settings, self.toolchain, self.environment = settings, toolchain, environment
        self.plan: Plan = load_plan(settings.flows, settings.floor)
        rehearsed = settings.rehearse_at
        self._ahead = rehearsed - datetime.now(UTC) if rehearsed is not None else timedelta()
        self._asterisk = AsteriskProcess(
            toolchain, settings.run_dir / "etc" / "asterisk.conf", settings.log_dir / "asterisk.out"
        )
        self._service: asyncio.subprocess.Process | None = None

    @property
    def domain(self) -> str:
        """Where phones register, and callers ring."""
        return f"{LOOPBACK}:{self.settings.sip_port}"

    @property
    def service_log(self) -> Path:
        """What the service prints."""
        return self.settings.log_dir / "service.log"

    def password(self, agent: str) -> str:
        """The SIP password of an agent's phone."""
        return Secrets(self.settings.home).agent_password(agent)

    def journal(self) -> Journal:
        """The service's journal, to look at."""
        return Journal(self.settings.data_dir / "journal.sqlite", read_only=True)

    def flow_time(self) -> datetime:
        """The time as its flows see it."""
        return datetime.now(UTC) + self._ahead

    async def tieline(self, *words: str, columns: int) -> str:
        """What `tieline <words>` prints, in colour; raises IvrError with its own complaint."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "ivr", *words),
            cwd=self.settings.folder,
            env={**self.environment, "COLUMNS": str(columns), "FORCE_COLOR": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            printed, _ = await process.communicate()
        except asyncio.CancelledError:
            await _end(process)
            raise
        text = printed.decode(errors="replace").rstrip()
        if process.returncode:
            raise IvrError(f"`tieline {' '.join(words)}` failed: {text or process.returncode}")
        return text

    # --- begin and end ---------------------------------------------------------------------------

    async def begin(self, speaking: Speaking, patience: float) -> None:
        """Start Asterisk and the service; returns when both are ready for calls.

        The service speaks its flows ahead; a first caller who comes sooner than it is done with
        that hears the words a little later. Up to `patience` seconds are given to it.
        """
        settings = self.settings
        site = build_site(settings, self.toolchain, self.plan.floor, self.plan.numbers)
        write_configuration(site)
        generate_music(site.folders.music)  # before Asterisk starts, which looks for it only then
        tools = ensure_tools(self.settings, ("espeak-ng",), _silent)
        book = await speaking(self.settings, tools["espeak-ng"])
        phrases = asyncio.create_task(
            book.prepare((phrase(name, "en"),) for name in CODES.values())
        )
        try:
            await self._asterisk.start(adopt=False)
            await self._start_service()
            await phrases
            await self._words_are_ready(book, patience)
        finally:
            phrases.cancel()
            await book.aclose()

    async def _words_are_ready(self, book: PromptBook, patience: float) -> None:
        missing = fixed_batches(self.plan.library.flows.values())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while True:
                    missing = [each for each in missing if book.cached(each) is None]
                    if not missing:
                        return
                    await asyncio.sleep(_LOOK)

    async def _start_service(self) -> None:
        self.service_log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.service_log.open("ab") as output:
            process = self._service = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "ivr", "serve"),
                cwd=self.settings.folder,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends the service
            )
        try:
            async with asyncio.timeout(_PATIENCE):
                while not await _answers(self.settings.agi_port):
                    if process.returncode is not None:
                        raise IvrError(f"the service ended while it started:\n{self.last_words()}")
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise IvrError(f"the service does not come up:\n{self.last_words()}") from None

    def last_words(self, lines: int = 8) -> str:
        """The end of the service's log."""
        with suppress(OSError):
            told = self.service_log.read_text(errors="replace").splitlines()
            return "\n".join(told[-lines:])
        return ""

    async def stop(self, *, keep: bool = False) -> None:
        """End what `begin` started; `keep` leaves the folder with its logs behind."""
        if self._service is not None:
            await _end(self._service)
        if (self.settings.run_dir / "etc" / "asterisk.conf").is_file():
            await self._asterisk.stop(grace=_LAST_WORDS)
        if not keep:
            shutil.rmtree(self.settings.folder, ignore_errors=True)
            with suppress(IvrError, OSError):  # a deep folder's socket lies in one of its own
                shutil.rmtree(socket_folder(self.settings.run_dir), ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on; held together, so that all differ."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in held]


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_LAST_WORDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _silent(_stage: str, _done: float | None) -> None:
    """Programs were fetched before: nothing is left to show."""
