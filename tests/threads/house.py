"""A house for threads without a network: a real journal, a real distributor, a real flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acd import model as m
from acd.distributor import Distributor
from acd.journal import Journal
from acd.records.contact import ContactEvent
from ivr.flow.errands import Errand, Findings, Identified
from ivr.flow.model import Flow
from ivr.threads.book import Message, Thread
from ivr.threads.threads import Opening, Threads, ThreadServices
from tests.flow.flows import flow_of

FLOW = flow_of("""
flow: site
collects:
  pin: {type: digits, length: 4, secret: true, say: "Your PIN."}
start: menu
steps:
  menu:
    menu: "How can we help?"
    "1": {label: A person, next: talk}
    "2": {label: My account, next: who}
    otherwise: bye
  who: {identify: people, ask: [pin], next: talk, otherwise: bye}
  talk:
    queue: sales
    next: thanks
    otherwise: sorry
    waiting: {keys: {"1": {label: leave a message, next: menu}}}
  thanks: {say: "Thank you.", next: bye}
  sorry: {say: "Nobody is here.", next: bye}
  bye: {hangup: "Goodbye."}
""")
FLOOR = m.Floor(
    (
        m.Queue("sales", wrap_up_seconds=0, leave_when_empty=None, leave_when_unskilled=None),
        m.Queue("care", wrap_up_seconds=0, leave_when_empty=None, leave_when_unskilled=None),
    ),
    (
        m.Agent("1001", queues=("sales", "care"), chats=3),
        m.Agent("1002", queues=("care",), chats=3),
    ),
)


@dataclass
class House:
    """The threads of one service over one journal; `restart` is kill -9 and a new service."""

    folder: Path
    time: float = 1000.0
    sent: list[tuple[str, int, str]] = field(default_factory=list)
    shown: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    story: list[ContactEvent] = field(default_factory=list)
    journal: Journal = field(init=False)
    distributor: Distributor = field(init=False)
    threads: Threads = field(init=False)

    async def open(self) -> None:
        self.journal = Journal(self.folder / "journal.sqlite")
        self.distributor = Distributor(self.journal, lambda: self.time)
        self.distributor.recover()
        self.distributor.send(m.FloorLoaded(self.time, FLOOR))
        self.threads = Threads(
            ThreadServices(
                self.distributor,
                self.journal,
                self,
                self,
                self.story.append,
                lambda: self.time,
                lambda: datetime.fromtimestamp(self.time, UTC),
                dict,
            )
        )
        self.threads.screens = self
        self.threads.carried_by("chat", self)
        self.threads.recover()
        await self.threads.start()
        calls, offers = self.threads.people.standing()
        self.distributor.reconcile(calls, offers)

    async def close(self) -> None:
        await self.threads.stop()
        self.journal.close()

    async def restart(self) -> None:
        await self.close()
        await self.open()

    # --- what people do ---

    def visitor(self, name: str = "v1", **more: Any) -> Thread:
        return self.threads.begin(Opening("chat", name, "shop.example", "site", **more))

    async def write(self, thread: Thread, *texts: str) -> list[str]:
        """Sends messages under ids of their own; what came back."""
        before = len(self.sent)
        for text in texts:
            self.threads.incoming(thread, f"c{len(self.said(thread))}", text)
        await self.threads.settled(thread)
        return [text for _, _, text in self.sent[before:]]

    async def waiting(self, name: str = "v1") -> Thread:
        """A visitor who has asked for a person."""
        thread = self.visitor(name)
        await self.write(thread, "1")
        return thread

    async def talking(self, name: str = "v1", agent: str = "1001") -> Thread:
        thread = await self.waiting(name)
        self.threads.people.accept(agent, self.offer_to(agent))
        return thread

    def log_in(self, agent: str) -> None:
        self.distributor.send(m.LoggedIn(self.time, agent))

    def offer_to(self, agent: str) -> str:
        return str(self.threads.people.offers_to(agent)[-1]["offer"])

    def said(self, thread: Thread) -> list[tuple[str, str]]:
        return [(each.by, each.text) for each in self.threads.book.messages(thread.id)]

    def kinds(self, thread: Thread) -> list[str]:
        return [event.kind for event in self.story if event.contact == thread.id]

    # --- flows, errands, the wire, the screens ---

    def by_name(self, name: str) -> Flow | None:
        return FLOW if name == FLOW.name else None

    async def flow_of(self, name: str, revision: str) -> Flow | None:
        return FLOW if (name, revision) == (FLOW.name, FLOW.revision) else None

    async def run(self, errand: Errand, **_: Any) -> Findings:
        return Identified(True, "verified", {"name": "Mei"})

    async def deliver(self, thread: Thread, message: Message) -> None:
        self.sent.append((thread.id, message.seq, message.text))

    def tell(self, agent: str, kind: str, data: Mapping[str, Any]) -> None:
        self.shown.append((agent, kind, dict(data)))
