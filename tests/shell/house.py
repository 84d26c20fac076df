"""The whole service as it is composed, over a journal on disk and real AGI sockets; only Asterisk
is scripted. A `Caller` is a channel that outlives its sessions, and AMI says what a test has it say.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shlex
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from acd.journal import Journal, Stream
from acd.model import LoggedIn, Ticked
from acd.records.contact import ContactEvent
from acd.views import AgentRow, CallRow
from ivr import app
from ivr.agi.fake import FakeCall, environment
from ivr.asterisk.ami import LiveChannel, Ready
from ivr.asterisk.provision import Tool, Toolchain
from ivr.errors import AsteriskRefused, AsteriskUnreachable
from ivr.live import LiveContact
from ivr.plans import load_plan
from ivr.settings import load_settings
from ivr.speech.cache import PromptCache
from ivr.speech.prompts import PromptBook
from ivr.speech.stub import Hum
from tests.e2e.house import free_ports

PATIENCE = 5.0
START = 1_800_000_000.0

FLOOR = """
pause_reasons: [lunch, break]
queues:
  sales: {title: Sales, number: "4101", ring: 10s, wrap_up: 10s, max_wait: 60s}
  help: {title: Help, number: "4102", ring: 10s, wrap_up: 10s}
agents:
  "1001": {name: Ana, queues: [sales, help]}
  "1002": {name: Bo, queues: [sales, help]}
"""
FLOW = """
flow: line
numbers: ["4900"]
start: greet
steps:
  greet: {menu: "Hi.", "1": wait, "2": message, attempts: 2, otherwise: bye}
  wait: {queue: sales, whisper: "Psst.", otherwise: sorry, next: after}
  sorry: {say: "No.", next: message}
  after: {menu: "Well?", "1": bye, otherwise: bye}
  message: {voicemail: box, say: "Go.", next: bye, otherwise: bye}
  bye: {hangup: "Bye."}
"""
HELD = ("WAIT FOR DIGIT", "EXEC Dial", "GET DATA", "RECORD FILE")
"""Commands that take their time: a test answers them."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class TightJournal(Journal):
    """A journal on a disk that can be full."""

    full = False

    def append(self, stream: Stream, at: float, body: Mapping[str, Any]) -> int:
        self._look()
        return super().append(stream, at, body)

    def set_live(self, contact: str, at: float, state: Mapping[str, Any]) -> None:
        self._look()
        super().set_live(contact, at, state)

    def drop_live(self, contact: str) -> None:
        self._look()
        super().drop_live(contact)

    def _look(self) -> None:
        if TightJournal.full:
            raise sqlite3.OperationalError("database or disk is full")


class House:
    """One installation; the service can stop, be killed and come back over the same folder."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.flows = folder / "flows"
        self.flows.mkdir()
        (self.flows / "floor.yaml").write_text(FLOOR)
        (self.flows / "line.yaml").write_text(FLOW)
        agi, ami, console = free_ports(3)
        self.settings = load_settings(
            env={
                "TIELINE_HOME": str(folder / "home"),
                "TIELINE_FLOWS": str(self.flows),
                "TIELINE_AGI_PORT": str(agi),
                "TIELINE_AMI_PORT": str(ami),
                "TIELINE_CONSOLE_PORT": str(console),
            },
            cwd=folder,
        )
        self.clock, self.voice = Clock(), Hum()
        self.callers: list[Caller] = []
        self.legs: dict[str, LiveChannel] = {}
        self.ami = Ami(self)
        self.service: app.Service
        self._cache = cache
        self._numbers = itertools.count(1)
        TightJournal.full = False

    # --- life ------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the service."""
        tool = Tool("asterisk", ("asterisk",), {}, "22.10.1", Path("/"), "test")
        chain = Toolchain(tool, self.folder / "modules", self.folder / "data", ())
        book = PromptBook(self.voice, (), PromptCache(self._cache))
        plan = load_plan(self.settings.flows, self.settings.floor)
        self.ami = Ami(self)
        self.service = app.Service(self.settings, chain, plan, book)
        await self.service.start()

    async def close(self) -> None:
        """Stop it: SIGTERM."""
        await self.service.stop()

    async def kill(self) -> None:
        """kill -9: whatever it still writes at its end, it has not written."""
        data, kept = self.settings.data_dir, self.folder / "kept"
        kept.mkdir()
        for file in data.glob("journal.sqlite*"):
            shutil.copy(file, kept)
        await self.service.stop()
        for file in data.glob("journal.sqlite*"):
            file.unlink()
        for file in kept.iterdir():
            if not file.name.endswith("-shm"):
                shutil.move(file, data)
        kept.rmdir() if not list(kept.iterdir()) else shutil.rmtree(kept)

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        TightJournal.full = True
        try:
            yield
        finally:
            TightJournal.full = False

    # --- what happens ----------------------------------------------------------------------------

    async def call(self, dialled: str = "4900", callerid: str = "+15550100", name: str = "") -> Caller:
        """Somebody rings the line."""
        caller = Caller(self, next(self._numbers), dialled, callerid, name)
        self.callers.append(caller)
        await caller.enter()
        return caller

    async def waiting(self) -> Caller:
        """A caller who waits for a person in sales."""
        caller = await self.call()
        await caller.press("1")
        await caller.comes_to("WAIT FOR DIGIT")
        return caller

    async def ringing(self, agent: str = "1001") -> Caller:
        """A caller from whose channel that agent's phone is rung."""
        self.log_in(agent)
        caller = await self.call()
        await caller.press("1")
        await caller.comes_to("EXEC Dial")
        await self.leg_rings(caller.offer, agent)
        return caller

    async def talking(self, agent: str = "1001") -> Caller:
        """A caller in a conversation with that agent."""
        caller = await self.ringing(agent)
        await self.leg_answers(caller.offer)
        return caller

    def log_in(self, agent: str) -> None:
        self.service.distributor.send(LoggedIn(self.clock(), agent))

    def later(self, seconds: float) -> None:
        """Let time pass, and what is due run out."""
        self.clock.now += seconds
        self.service.distributor.send(Ticked(self.clock()))

    async def leg_rings(self, offer: str, agent: str = "1001") -> None:
        channel = f"PJSIP/{agent}-{offer}"
        self.legs[offer] = LiveChannel(channel, channel, "", "Ringing", "", offer, "", "", 0)
        await self.ami.tell(
            Event="DialBegin", DestChannel=channel, DestChanVariable=f"TIELINE_LEG={offer}"
        )

    async def leg_answers(self, offer: str) -> None:
        rang = self.legs[offer]
        self.legs[offer] = LiveChannel(rang.channel, rang.channel, "", "Up", "", offer, "", "", 0)
        await self.ami.tell(
            Event="DialEnd",
            DialStatus="ANSWER",
            DestChannel=rang.channel,
            DestChanVariable=f"TIELINE_LEG={offer}",
        )

    async def leg_fails(self, offer: str, status: str) -> None:
        """The phone did not take it; its channel goes as well."""
        await self.ami.tell(
            Event="DialEnd", DialStatus=status, DestChanVariable=f"TIELINE_LEG={offer}"
        )
        await self.leg_goes(offer)

    async def leg_goes(self, offer: str) -> None:
        leg = self.legs.pop(offer)
        await self.ami.tell(
            Event="Hangup",
            Channel=leg.channel,
            Cause="16",
            ChannelStateDesc=leg.state,
            ChanVariable=[f"TIELINE_LEG={offer}", "TIELINE_CONTACT=x"],
        )

    async def caller_goes(self, caller: Caller) -> None:
        """The caller's channel is gone for good, in both tellings."""
        self.callers.remove(caller)
        await caller.leaves()
        await self.gone_by_ami(caller)

    async def gone_by_ami(self, caller: Caller) -> None:
        await self.ami.tell(
            Event="Hangup",
            Channel=caller.channel,
            Uniqueid=caller.uniqueid,
            Cause="16",
            ChanVariable=f"TIELINE_CONTACT={caller.variables.get('TIELINE_CONTACT', '')}",
        )

    # --- what is so ------------------------------------------------------------------------------

    def agent(self, agent: str) -> AgentRow:
        rows = self.service.distributor.engine.agents_view(self.clock())
        return next(row for row in rows if row.agent == agent)

    def state(self, agent: str) -> str:
        return self.agent(agent).state.value

    def calls(self) -> list[CallRow]:
        return self.service.distributor.engine.calls_view(self.clock())

    def story(self, contact: str) -> list[ContactEvent]:
        return [
            ContactEvent(contact, entry.at, *(entry.body[p] for p in ("kind", "step", "data")))
            for entry in self.service.journal.read("contact")
            if entry.body["contact"] == contact
        ]

    def told(self, contact: str, kind: str) -> list[Mapping[str, Any]]:
        """The data of every event of that kind."""
        return [event.data for event in self.story(contact) if event.kind == kind]

    def ending(self, contact: str) -> tuple[str, str, str]:
        """Outcome, who ended it, why; it was closed once, and nothing of it is left."""
        (ended,) = self.told(contact, "ended")
        assert self.service.contacts.get(contact) is None
        assert contact not in self.service.journal.all_live()
        assert contact not in [row.contact for row in self.calls()]
        return ended["outcome"], ended["by"], ended["reason"]


@contextlib.asynccontextmanager
async def house_in(folder: Path, cache: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    house = House(folder, cache)
    patch.setattr(app, "AmiClient", lambda *_, **__: house.ami)
    patch.setattr(app, "Journal", TightJournal)
    patch.setattr(app, "steady_clock", lambda: house.clock)
    await house.open()
    try:
        yield house
    finally:
        TightJournal.full = False
        await house.close()
