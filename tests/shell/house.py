"""The whole service as it is composed, over a journal on disk and real AGI sockets; only Asterisk
is scripted, and time stands still until a test moves it.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from acd.journal import Journal, Stream
from acd.model import LoggedIn, Ticked
from acd.records.contact import ContactEvent
from acd.views import AgentRow, CallRow
from ivr import app
from ivr.asterisk.living import LiveChannel
from ivr.asterisk.provision import Tool, Toolchain
from ivr.live import LiveContact
from ivr.operator.client import ask
from ivr.settings import load_settings
from ivr.speech import stub
from ivr.speech.cache import PromptCache
from ivr.speech.prompts import PromptBook
from ivr.speech.stub import Hum
from ivr.start import begin
from tests.e2e.house import free_ports, until
from tests.shell.asterisk import Ami, Asterisk, Caller

START = 1_800_000_000.0

FLOOR = """
pause_reasons: [lunch, break]
queues:
  sales:
    {title: Sales, number: "4101", ring: 10s, wrap_up: 10s, max_wait: 60s, leave_when_empty: 1h}
  help: {title: Help, number: "4102", ring: 10s, wrap_up: 10s, leave_when_empty: 1h}
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


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class TightJournal(Journal):
    """A journal on a disk that can be full."""

    full = False
    no_room_for = ""
    """A kind of contact event that does not fit any more."""

    def append(self, stream: Stream, at: float, body: Mapping[str, Any]) -> int:
        self._look(str(body.get("kind")))
        return super().append(stream, at, body)

    def set_live(self, contact: str, at: float, state: Mapping[str, Any]) -> None:
        self._look()
        super().set_live(contact, at, state)

    def drop_live(self, contact: str) -> None:
        self._look()
        super().drop_live(contact)

    def _look(self, kind: str = "live") -> None:
        if TightJournal.full or kind == TightJournal.no_room_for:
            raise sqlite3.OperationalError("database or disk is full")


class House:
    """One installation; the service can stop, be killed and come back over the same folder."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.flows = folder / "flows"
        self.flows.mkdir()
        (self.flows / "floor.yaml").write_text(FLOOR)
        (self.flows / "line.yaml").write_text(FLOW)
        agi, ami, console, web = free_ports(4)
        self.settings = load_settings(
            env={
                "TIELINE_HOME": str(folder / "home"),
                "TIELINE_FLOWS": str(self.flows),
                "TIELINE_AGI_PORT": str(agi),
                "TIELINE_AMI_PORT": str(ami),
                "TIELINE_CONSOLE_PORT": str(console),
                "TIELINE_WEB_PORT": str(web),
            },
            cwd=folder,
        )
        self.clock, self.voice = Clock(), Hum()
        self.asterisk = Asterisk(agi)
        self.ami = Ami(self.asterisk)
        self.logs: list[EventDict] = []
        self.service: app.Service
        self._cache = cache
        TightJournal.full = False

    # --- life ------------------------------------------------------------------------------------

    async def open(self, uptime: float = 3600.0) -> None:
        """Start the service beside an Asterisk that has run for so long."""
        tool = Tool("asterisk", ("asterisk",), {}, "22.10.1", Path("/"), "test")
        chain = Toolchain(tool, self.folder / "modules", self.folder / "data", ())
        book = PromptBook(self.voice, (), PromptCache(self._cache))
        plan = begin(self.settings)
        self.ami = Ami(self.asterisk)
        self.ami.uptime = uptime
        self.service = app.Service(self.settings, chain, plan, book)
        await self.service.start()

    async def close(self) -> None:
        """Stop it: SIGTERM."""
        await self.service.records.flush()
        await self.service.stop()

    async def kill(self) -> None:
        """kill -9: whatever it still writes at its end, it has not written."""
        await self.service.records.flush()
        data, kept = self.settings.data_dir, self.folder / "kept"
        kept.mkdir()
        for file in (data / "journal.sqlite", data / "journal.sqlite-wal"):
            shutil.copy(file, kept)
        await self.service.stop()
        for file in data.glob("journal.sqlite*"):
            file.unlink()
        for file in kept.iterdir():
            shutil.move(file, data)
        kept.rmdir()

    async def restart(self, *callers: Caller) -> None:
        """Killed and back, and so are the callers, through the dialplan's loop."""
        await self.kill()
        await self.open()
        for caller in callers:
            await caller.enter()

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        TightJournal.full = True
        try:
            yield
        finally:
            TightJournal.full = False

    @contextlib.contextmanager
    def full_disk_from(self, kind: str) -> Iterator[None]:
        """There is room for everything but this kind of event."""
        TightJournal.no_room_for = kind
        try:
            yield
        finally:
            TightJournal.no_room_for = ""

    # --- what happens ----------------------------------------------------------------------------

    async def call(self, dialled: str = "4900", name: str = "") -> Caller:
        """Somebody rings the line."""
        caller = self.asterisk.call(dialled, name=name)
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

    async def console(self, words: str) -> str:
        """What `acd do` answers."""
        return await asyncio.to_thread(ask, self.settings, "do", words)

    async def leg_rings(self, offer: str, agent: str = "1001") -> None:
        channel = f"PJSIP/{agent}-{offer}"
        self.asterisk.legs[offer] = LiveChannel(
            channel, channel, "", "Ringing", "", offer, "", "", 0
        )
        await self.ami.tell(
            Event="DialBegin", DestChannel=channel, DestChanVariable=f"TIELINE_LEG={offer}"
        )

    async def leg_answers(self, offer: str) -> None:
        rang = self.asterisk.legs[offer]
        self.asterisk.legs[offer] = LiveChannel(
            rang.channel, rang.channel, "", "Up", "", offer, "", "", 0
        )
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
        leg = self.asterisk.legs.pop(offer)
        await self.ami.tell(
            Event="Hangup",
            Channel=leg.channel,
            Cause="16",
            ChannelStateDesc=leg.state,
            ChanVariable=[f"TIELINE_LEG={offer}", "TIELINE_CONTACT=x"],
        )

    async def caller_goes(self, caller: Caller) -> None:
        """The caller's channel is gone for good, in both tellings."""
        self.asterisk.callers.remove(caller)
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

    def tasks(self, name: str) -> list[str]:
        """What runs in the background under such a name."""
        return [repr(task) for task in asyncio.all_tasks() if name in repr(task.get_coro())]

    def agent(self, agent: str) -> AgentRow:
        rows = self.service.distributor.engine.agents_view(self.clock())
        return next(row for row in rows if row.agent == agent)

    def state(self, agent: str) -> str:
        return self.agent(agent).state.value

    def calls(self) -> list[CallRow]:
        return self.service.distributor.engine.calls_view(self.clock())

    async def row(self, **wanted: object) -> CallRow:
        """The one call there is, once it looks like that."""

        def found() -> list[CallRow]:
            return [
                row
                for row in self.calls()
                if all(getattr(row, name) == value for name, value in wanted.items())
            ]

        await until(lambda: len(self.calls()) == len(found()) == 1, why=f"{wanted} {self.calls()}")
        return self.calls()[0]

    def live(self, caller: Caller) -> LiveContact:
        found = self.service.contacts.get(caller.contact)
        assert found is not None, f"{caller.contact} has ended"
        return found

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
    patch.setattr(stub, "SECONDS_PER_CHARACTER", 0.002)
    patch.setattr(app, "AmiClient", lambda *_, **__: house.ami)
    patch.setattr(app, "Journal", TightJournal)
    patch.setattr(app, "steady_clock", lambda: house.clock)
    with capture_logs() as house.logs:
        await house.open()
        try:
            yield house
        finally:
            TightJournal.full = False
            await house.close()
            await house.asterisk.close()
