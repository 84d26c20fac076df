"""A whole installation to measure: its own Asterisk, the service as a process, agents on one port.

Beside the service's numbers the same Asterisk has the same agents in its own `Queue()`: app_queue
is loaded here and nowhere else, by this folder's own configuration. Phones need not register: each
agent's address is written down. They send no sound, so nothing here hangs up for silence.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from acd.engine import Engine
from acd.journal import Journal
from acd.model import EVENTS, from_json
from ivr.asterisk.process import AsteriskProcess
from ivr.asterisk.provision import ensure_asterisk, ensure_tools
from ivr.asterisk.toolbox import Tool
from ivr.operator.client import ask
from ivr.plans import load_plan
from ivr.settings import Settings, load_settings
from ivr.site import build_site, write_configuration, write_sounds
from ivr.speech.voices import prompt_book

FLOW = """\
flow: {queue}
numbers: ["{number}"]
start: wait
steps:
  wait: {{queue: {queue}, otherwise: bye, next: bye}}
  bye: {{hangup: true}}
"""
QUEUE = """\
[{queue}]
strategy = leastrecent
timeout = 20
retry = 1
wrapuptime = 0
ringinuse = no
autofill = yes
joinempty = yes
leavewhenempty = no
announce-frequency = 0
"""
"""One second is the least that `retry` can be."""


@dataclass(frozen=True, slots=True)
class Crew:
    """One queue: what is dialled for the service and for `Queue()`, and who works there."""

    queue: str
    number: str
    asterisk_number: str
    agents: tuple[str, ...]


def crew(queue: str, place: int, agents: int) -> Crew:
    """The queue at this place (1 to 9), with so many agents of its own."""
    names = tuple(f"{place}{n:03}" for n in range(1, agents + 1))
    return Crew(queue, f"490{place}", f"491{place}", names)


class Exchange:
    """One installation. `open` starts it and ends it."""

    def __init__(
        self, folder: Path, crews: Sequence[Crew], phones_port: int, *, music: bool
    ) -> None:
        self.folder, self.crews, self._music = folder, crews, music
        self._phones_port = phones_port
        flows = folder / "flows"
        flows.mkdir()
        for each in crews:
            text = FLOW.format(queue=each.queue, number=each.number)
            (flows / f"{each.queue}.yaml").write_text(text)
        (flows / "floor.yaml").write_text(_floor(crews))
        names = ("sip", "agi", "ami", "console", "web")
        ports = dict(zip(names, _free_ports(len(names)), strict=True))
        self._environment = {
            "TIELINE_HOME": str(folder / "home"),
            "TIELINE_FLOWS": str(flows),
            "TIELINE_RTP_START": "11000",
            "TIELINE_RTP_END": "18999",
            **{f"TIELINE_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        }
        self.settings: Settings = load_settings(env=self._environment, cwd=folder)
        self.address = ("127.0.0.1", self.settings.sip_port)
        self._asterisk: AsteriskProcess
        self._service: asyncio.subprocess.Process
        self._log = folder / "service.log"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, crews: Sequence[Crew], phones_port: int, *, music: bool = True
    ) -> AsyncIterator[Exchange]:
        """A running installation in a temporary folder; without music waiting is silent."""
        with tempfile.TemporaryDirectory() as folder:
            exchange = cls(Path(folder), crews, phones_port, music=music)
            try:
                await exchange._start()
                yield exchange
            finally:
                await exchange._stop()

    async def _start(self) -> None:
        settings = self.settings
        plan = load_plan(settings.flows, settings.floor)
        chain = await asyncio.to_thread(ensure_asterisk, settings, lambda *_: None)
        espeak = self.tool("espeak-ng")
        site = build_site(settings, chain, plan.floor, plan.numbers)
        write_configuration(site)
        self._furnish(site.folders.etc)
        book = await prompt_book(settings, espeak)
        await write_sounds(site, book, lambda *_: None)
        await book.aclose()
        conf = site.folders.etc / "asterisk.conf"
        self._asterisk = AsteriskProcess(chain, conf, settings.log_dir / "asterisk.out")
        await self._asterisk.start(adopt=False)
        with self._log.open("ab") as output:
            self._service = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ivr", "serve"),
                cwd=self.folder,
                env={**os.environ, **self._environment},
                stdout=output,
                stderr=output,
            )
        await until(lambda: "prompts are ready" in self.log(), 180, "the service is up")

    async def _stop(self) -> None:
        if hasattr(self, "_service"):
            self._service.terminate()
            await self._service.wait()
        if hasattr(self, "_asterisk"):
            await self._asterisk.stop()

    def _furnish(self, etc: Path) -> None:
        """`Queue()` beside the service, agents at the phones' port, no end for want of sound."""
        with (etc / "modules.conf").open("a") as modules:
            modules.write("\nload = app_queue.so\n")
        members = {
            each: "".join(f"member = PJSIP/{agent}\n" for agent in each.agents)
            for each in self.crews
        }
        queues = [QUEUE.format(queue=each.queue) + members[each] for each in self.crews]
        (etc / "queues.conf").write_text("[general]\nshared_lastcall = no\n" + "\n".join(queues))
        with (etc / "extensions.conf").open("a") as dialplan:
            dialplan.write("\n[inbound]\n")
            for each in self.crews:
                dialplan.write(
                    f"exten => {each.asterisk_number},1,Answer()\n"
                    f" same => n,Queue({each.queue})\n same => n,Hangup()\n"
                )
        if not self._music:
            (etc / "musiconhold.conf").write_text("")
        sip = etc / "pjsip.conf"
        text = re.sub(r"(?m)^(rtp_timeout|qualify).*$", "", sip.read_text())
        for agent in (agent for each in self.crews for agent in each.agents):
            aor = f"[{agent}]\ntype = aor\n"
            assert aor in text
            contact = f"contact = sip:{agent}@127.0.0.1:{self._phones_port}\n"
            text = text.replace(aor, aor + contact)
        sip.write_text(text)

    # --- what is asked of it ---------------------------------------------------------------------

    def tool(self, name: str) -> Tool:
        """A program of the house."""
        return ensure_tools(self.settings, (name,), lambda *_: None)[name]

    async def log_in(self, agents: Sequence[str]) -> None:
        """The service may ring these agents."""
        for agent in agents:
            await asyncio.to_thread(ask, self.settings, "do", f"login/{agent}")

    async def hang_up_all(self) -> None:
        """Every call is over."""
        await self._asterisk.command("channel request hangup all")
        for _ in range(100):
            if "0 active channels" in await self._asterisk.command("core show channels count"):
                return
            await asyncio.sleep(0.2)
        raise TimeoutError("calls that were hung up are still there")

    def waiting(self) -> int:
        """Calls that wait, by the journal."""
        return sum(row.waiting for row in self._engine().queues_view(time.time()))

    def _engine(self) -> Engine:
        with Journal(self.settings.data_dir / "journal.sqlite", read_only=True) as journal:
            kept = journal.snapshot()
            engine = Engine.restore(kept.body) if kept else Engine()
            for entry in journal.read("engine", kept.seq if kept else 0):
                event = from_json(entry.body)
                assert isinstance(event, EVENTS)
                engine.handle(event)
        return engine

    @property
    def service_pid(self) -> int:
        """The process of the service."""
        return self._service.pid

    def log(self) -> str:
        """What the service has logged."""
        return self._log.read_text() if self._log.exists() else ""

    def worst_lag(self) -> float:
        """The longest delay of the service's event loop that it logged, in ms; 0: none above 50."""
        return max(
            (float(each) for each in re.findall(r"milliseconds=(\d+)", self.log())), default=0
        )


async def until(what: Callable[[], bool], timeout: float, why: str) -> None:
    """Look often; TimeoutError with `why`."""
    deadline = time.monotonic() + timeout
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout:g} s: {why}")
        await asyncio.sleep(0.05)


def _floor(crews: Sequence[Crew]) -> str:
    queues = "".join(
        f"  {each.queue}: {{wrap_up: 0s, leave_when_empty: never}}\n" for each in crews
    )
    agents = "".join(
        f'  "{agent}": {{queues: [{each.queue}]}}\n' for each in crews for agent in each.agents
    )
    return f"queues:\n{queues}agents:\n{agents}"


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
