"""A whole installation in a temporary folder: the real Asterisk, the service as its own process.

`House` is what the end-to-end tests share. The service is a process so that it can be killed for
real; what it knows is read from its journal and its records, as any other process could.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import sys
import time
from pathlib import Path

from acd.engine import Engine
from acd.journal import Journal
from acd.model import EVENTS, from_json
from acd.views import AgentRow, CallRow
from ivr.asterisk.process import AsteriskProcess
from ivr.asterisk.provision import ensure_asterisk, ensure_tools
from ivr.plans import load_plan
from ivr.resources import flows_dir
from ivr.settings import Settings, load_settings
from ivr.site import build_site, write_configuration, write_sounds
from ivr.speech import sound, wav
from ivr.speech.voices import prompt_book
from tests.e2e.known import Known, until

DAYTIME = "2026-03-02T10:00:00+08:00"
"""A Monday morning in Shanghai: the clinic is open."""


STRAIGHT = """
flow: straight
numbers: ["4900"]
start: wait
steps:
  wait:
    queue: cards
    otherwise: bye
    next: bye
  bye:
    hangup: "Goodbye."
"""
"""No questions: straight into the queue."""

SERVICES = """services:
  steady: {{url: "{there}", timeout: 15s, limit: 20s}}
  late: {{url: "{there}", timeout: 3s}}
  gone: {{url: "{nowhere}"}}
  liar: {{url: "{there}"}}
  sick: {{url: "{there}"}}
  torn: {{url: "{there}"}}
  people: {{url: "{there}/identify", kind: identity}}
"""
"""What the tests' own flows reach beside the shipped services: the house that `tieline demo`
pretends, and a closed port. One name for each way to fail: what fails is left alone for a while."""
FLOWS = Path(__file__).with_name("flows")

CREW = "".join(
    f'  "20{n:02}":\n    name: Agent 20{n:02}\n    queues: [cards]\n    skills: {{english: 5}}\n'
    for n in range(1, 11)
)
"""Ten more agents for one queue, beside those of the shipped floor."""
RING_BACK = """
  ring-back: {wrap_up: 1s, ring: 10s, callback: {ring: 20s, retry: 10s, attempts: 2}}
  agent-first: {wrap_up: 1s, ring: 10s, callback: {first: agent, ring: 8s, retry: 10s}}
  by-night: {callback: {hours: people.night}}
  confirmed: {callback: {confirm: "1", say: "Northgate is calling.", ring: 8s, retry: 10s}}
  book-orders:
    {title: Book orders, wrap_up: 60s, ring: 20s, disposition: required, callback: {ring: 15s}}
  all-hands: {title: All hands, strategy: ring_all, ring: 30s, wrap_up: 1s}

agents:
  "3001": {name: Ines, queues: [ring-back]}
  "3002": {name: Omar, queues: [agent-first]}
  "3003": {name: Pia, queues: [confirmed, by-night]}
  "3004": {name: Iris Amsel, queues: [book-orders]}
  "3005": {name: Abel, queues: [all-hands]}
  "3006": {name: Bela, queues: [all-hands]}
  "3007": {name: Cleo, queues: [all-hands]}
"""
"""Queues that call back, each with an agent of its own; and one that rings all of its three."""

LANTERN = """chats:
  lantern:
    origins: ["{there}"]
    flow: lantern
    title: {{en: Lantern Books, zh: 明灯书店}}
    colour: "#7a4a12"
    languages: [en, zh]
    phone: "4951"
    ask: [name, phone]
"""
"""A chat whose visitors prove who they are, on the page of the same house."""

EVERYWHERE = """\
  "2011": {name: Rosa Roaming, queues: [cards], skills: {english: 5}, phone: none}
  "2012": {name: Milo Mobile, queues: [cards], skills: {english: 5}, mobile: "+493055555501"}
  "2013": {name: Mina Mobile, queues: [cards], skills: {english: 5}, mobile: "+493055555502"}
  "2014": {name: Quin Quick, queues: [cards], skills: {english: 5}, auto_answer: true}
"""
DESK = 'phones:\n  "5001": {name: Window desk}\n\n'
"""Agents who are not at a phone of their own, or whose phone answers by itself."""


TONES = {900: 10.0, 1500: 2.0, 1900: 1.0}
"""Recordings that flows may play for words (`sound: tone-900`): hertz, and seconds."""


def _tones(folder: Path) -> Path:
    (folder / "en").mkdir(parents=True)
    for hertz, seconds in TONES.items():
        wav.write(folder / "en" / f"tone-{hertz}.wav", sound.tone((hertz,), seconds, -14.0))
    return folder


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, for UDP and TCP alike."""
    sockets = []
    for _ in range(count):
        tcp = socket.socket()
        tcp.bind(("127.0.0.1", 0))
        sockets.append(tcp)
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class House(Known):
    """One installation; `rtp_start` keeps its sound clear of others on the machine."""

    def __init__(self, folder: Path, rtp_start: int = 31000, **environment: str) -> None:
        self.folder = folder
        self.flows = folder / "flows"
        shutil.copytree(flows_dir(), self.flows)
        (self.flows / "straight.yaml").write_text(STRAIGHT)
        for file in FLOWS.iterdir():
            shutil.copy(file, self.flows)
        floor = self.flows / "floor.yaml"
        before, cards, after = floor.read_text().partition("  cards:\n")
        after = after.replace("wrap_up: 20s", "wrap_up: 1s", 1)
        text = before + cards + after.replace("\nagents:\n", RING_BACK, 1) + CREW
        # Agents stand last: tests add one by writing below them.
        floor.write_text(text.replace("queues:\n", DESK + "queues:\n", 1) + EVERYWHERE)
        sip, agi, ami, console, web, self.backends_port, nowhere = free_ports(7)
        there = f"http://127.0.0.1:{self.backends_port}"
        own = SERVICES.format(there=there, nowhere=f"http://127.0.0.1:{nowhere}")
        services = self.flows / "services.yaml"
        shipped = re.sub(r"http://127\.0\.0\.1:\d+", there, services.read_text())
        shipped = shipped.replace("chats:\n", LANTERN.format(there=there), 1)
        services.write_text(shipped.replace("services:\n", own, 1))
        # An address of its own on this machine, so that the port can be the one of SIP.
        self.trunk = f"127.{sip >> 8}.{sip & 0xFF}.2"
        (folder / "tieline.yaml").write_text(f"trunks: {{carrier: [{self.trunk}]}}\n")
        self.environment = {
            "TIELINE_HOME": str(folder / "home"),
            "TIELINE_FLOWS": str(self.flows),
            "TIELINE_SOUNDS": str(_tones(folder / "sounds")),
            "TIELINE_SIP_PORT": str(sip),
            "TIELINE_AGI_PORT": str(agi),
            "TIELINE_AMI_PORT": str(ami),
            "TIELINE_CONSOLE_PORT": str(console),
            "TIELINE_WEB_PORT": str(web),
            "TIELINE_WEB_URL": f"http://127.0.0.1:{web}",
            "TIELINE_RTP_START": str(rtp_start),
            "TIELINE_RTP_END": str(rtp_start + 998),
            "TIELINE_REHEARSE_AT": DAYTIME,
            "TIELINE_PATIENCE_BEFORE_FALLBACK": "8",
            **environment,
        }
        self.settings: Settings = load_settings(env=self.environment, cwd=folder)
        self.domain = f"127.0.0.1:{sip}"
        self.asterisk: AsteriskProcess
        self._service: asyncio.subprocess.Process | None = None
        self._output = folder / "service.log"

    # --- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Everything up and ready for calls."""
        settings = self.settings
        plan = load_plan(settings.flows, settings.floor)
        chain = ensure_asterisk(settings, lambda *_: None)
        tools = ensure_tools(settings, ("espeak-ng",), lambda *_: None)
        site = build_site(settings, chain, plan.floor, plan.numbers)
        write_configuration(site)
        book = await prompt_book(settings, tools["espeak-ng"])
        await write_sounds(site, book, lambda *_: None)
        await book.aclose()
        conf = site.folders.etc / "asterisk.conf"
        self.asterisk = AsteriskProcess(chain, conf, settings.log_dir / "asterisk.out")
        await self.asterisk.start(adopt=False)
        await self.start_service()
        # Three hundred sentences, spoken one after the other, on whatever else this machine does.
        await until(lambda: "prompts are ready" in self.log(), 240, "all fixed words are spoken")

    async def stop(self) -> None:
        """Everything down."""
        await self.stop_service()
        await self.asterisk.stop()

    async def start_service(self) -> None:
        """The service as a process; returns when it answers calls."""
        heard = self.log().count("service is up")
        with self._output.open("ab") as output:
            self._service = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "ivr", "serve"),
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=output,
            )
        process = self._service
        await until(
            lambda: self.log().count("service is up") > heard or process.returncode is not None,
            30,
            "the service comes up",
        )
        assert process.returncode is None, self.log()[-3000:]

    async def stop_service(self) -> None:
        """Ask it to end."""
        if self._service is not None and self._service.returncode is None:
            self._service.terminate()
            await self._service.wait()

    async def kill_service(self) -> None:
        """kill -9."""
        assert self._service is not None
        self._service.kill()
        await self._service.wait()

    def log(self) -> str:
        """What the service has logged."""
        return self._output.read_text() if self._output.exists() else ""

    # --- what is known ---------------------------------------------------------------------------

    def engine(self) -> Engine:
        """The distributor's state, rebuilt from the journal."""
        with Journal(self.settings.data_dir / "journal.sqlite", read_only=True) as journal:
            kept = journal.snapshot()
            engine = Engine.restore(kept.body) if kept else Engine()
            for entry in journal.read("engine", kept.seq if kept else 0):
                event = from_json(entry.body)
                assert isinstance(event, EVENTS)
                engine.handle(event)
        return engine

    def agent(self, agent: str) -> AgentRow:
        """One agent, now."""
        rows = self.engine().agents_view(time.time())
        return next(row for row in rows if row.agent == agent)

    def calls(self) -> list[CallRow]:
        """All calls the distributor knows."""
        return self.engine().calls_view(time.time())
