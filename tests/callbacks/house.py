"""Callbacks over the real distributor, journal and store of errands; only Asterisk is pretended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from acd.distributor import Distributor
from acd.journal import Journal
from acd.model import Agent, Callbacks, First, Floor, FloorLoaded, LoggedIn, Queue, Ticked
from acd.records.contact import ContactEvent
from acd.views import AgentRow, CallRow
from ivr.asterisk.fence import Value
from ivr.asterisk.living import LiveChannel
from ivr.backends import callbacks, do_not_call
from ivr.backends.callbacks import Promise, Promises
from ivr.backends.do_not_call import DoNotCall
from ivr.backends.store import Store
from ivr.callbacks.book import Book
from ivr.callbacks.dialling import Dialler
from ivr.callbacks.services import CallbackServices
from ivr.channels.caller_card import CallerCard
from ivr.errors import AsteriskUnreachable
from ivr.floor.calling import Calling
from ivr.legs import Legs
from ivr.live import LiveContact, LiveContacts
from ivr.open_offers import open_offers
from ivr.reach import own_phone
from ivr.threads.book import Thread

START = 1_800_000_000.0


class Ami:
    """Notes what is originated; `lost` is how the next answers are lost."""

    def __init__(self) -> None:
        self.connected, self.lost = True, False
        self.dialled: list[dict[str, Value]] = []

    async def action(self, name: str, /, *, timeout: float | None = None, **fields: Value) -> Any:
        self.dialled.append({"Action": name, **fields})
        if self.lost:
            raise AsteriskUnreachable("the answer was lost")


class House:
    """`again` is the next service over the same folder."""

    def __init__(self, folder: Path, first: First = First.CUSTOMER, agents: int = 2) -> None:
        self.folder, self.now, self.ami = folder, START, Ami()
        self.hung_up: list[str] = []
        self.told: list[ContactEvent] = []
        self.doubts = 0
        self.threads: dict[str, Thread] = {}
        self.opens_at, self.trunk, self.listed = 0.0, True, True
        rules = Callbacks(first, 30, 3, 300, 3600)
        names = [f"100{n}" for n in range(1, agents + 1)]
        self.floor = Floor(
            (Queue("sales", wrap_up_seconds=0, leave_when_empty=None, callbacks=rules),),
            tuple(Agent(name, "", ("sales",)) for name in names),
        )
        self._open()
        self.distributor.send(FloorLoaded(self.now, self.floor))

    def _open(self) -> None:
        self.journal = Journal(self.folder / "journal.sqlite")
        self.store = Store(self.folder / "errands", (callbacks.SCHEMA, do_not_call.SCHEMA))
        self.distributor = Distributor(self.journal, self.clock)
        self.contacts = LiveContacts(self.journal, self.told.append, self.clock)
        self.contacts.recover()
        self.distributor.recover()
        self.legs = Legs(self.distributor, self.contacts, self, self.clock)
        rows = self.distributor.engine.calls_view(self.now)
        self.legs.recover(open_offers(rows, self.distributor.owns))
        self.promises = Promises(self.store)
        self._tasks: set[asyncio.Task[None]] = set()
        house = CallbackServices(
            distributor=self.distributor,
            contacts=self.contacts,
            legs=self.legs,
            promises=self.promises,
            refused=DoNotCall(self.store),
            asterisk=self.ami,
            reach=own_phone,
            dials=lambda: self.trunk,
            outside=self.outside,
            written=self.threads.get,
            opens=lambda queue: self.opens_at,
            calling=lambda queue: Calling(),
            card=lambda *_: CallerCard("Callback sales", ""),
            clock=self.clock,
            hang_up=self.hung_up.append,
            background=self._background,
        )
        self.book = Book(house)
        self.dialler = Dialler(house, self.book)
        self.dialler.on_doubt = self._doubt
        self.distributor.subscribe(self.legs.on_command)
        self.distributor.subscribe(self.dialler.on_command)

    def outside(self, number: str, caller: str) -> str | None:
        """A number may be dialled that is listed, or the customer's own."""
        return f"PJSIP/{number}@trunk-t" if self.listed or number == caller else None

    def _doubt(self) -> None:
        self.doubts += 1

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(work))

    async def settled(self) -> None:
        """Until nothing is under way any more."""
        while self._tasks:
            tasks, self._tasks = self._tasks, set()
            await asyncio.gather(*tasks)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.store.close()
        self.journal.close()

    async def again(self) -> None:
        """The service was killed, and is back."""
        await self.close()
        self._open()
        await self.book.start()
        await self.settled()

    def clock(self) -> float:
        return self.now

    def hang_up_soon(self, channel: str) -> None:
        self.hung_up.append(channel)

    # --- what happens ----------------------------------------------------------------------------

    def caller(self, name: str) -> LiveContact:
        """Somebody on the line."""
        contact = LiveContact(
            name, f"PJSIP/{name}", f"u-{name}", "+49301", "", "4900", "line", self.now
        )
        contact.position = {
            "flow": "line",
            "revision": "",
            "step": "",
            "facts": {"caller": "+49301"},
            "language": "en",
        }
        self.contacts.add(contact)
        return contact

    async def promise(self, name: str, number: str = "", **more: Any) -> str | None:
        """The flow keeps a promise."""
        number = number or f"+49{abs(hash(name)) % 10**8}"
        made = Promise(
            f"p-{name}", name, "sales", number, asked_at=self.now, since=self.now, customer=number
        )
        await self.promises.keep(made)
        failed = await self.book.put_in(made)
        await self.settled()
        return failed

    async def asks(self, name: str, number: str = "") -> LiveContact:
        """A caller is promised a call and hangs up."""
        contact = self.caller(name)
        assert await self.promise(name, number) is None
        self.legs.caller_left(contact)
        await self.settled()
        return contact

    async def log_in(self, *agents: str) -> None:
        for agent in agents:
            self.distributor.send(LoggedIn(self.now, agent))
        await self.settled()

    async def later(self, seconds: float) -> None:
        self.now += seconds
        self.distributor.send(Ticked(self.now))
        await self.settled()

    def channel(self, uniqueid: str, state: str = "Ringing", leg: str = "") -> LiveChannel:
        return LiveChannel(f"PJSIP/{uniqueid}", uniqueid, "", state, "", leg, "", "", 0)

    # --- what is so ------------------------------------------------------------------------------

    def dials(self) -> list[str]:
        """The unique ids of the calls that were begun, in order."""
        return [str(each["ChannelId"]) for each in self.ami.dialled]

    def calls(self) -> list[CallRow]:
        return self.distributor.engine.calls_view(self.now)

    def agent(self, agent: str) -> AgentRow:
        rows = self.distributor.engine.agents_view(self.now)
        return next(row for row in rows if row.agent == agent)

    def kinds(self, contact: str) -> list[str]:
        return [each.kind for each in self.told if each.contact == contact]
