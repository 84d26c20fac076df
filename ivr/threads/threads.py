"""Chats and SMS: every conversation in letters of this service. Read `Threads` first.

Whoever carries the letters (a browser's socket, a provider's webhook, a phone's SIP MESSAGE) calls
`begin`, `incoming` and `end`, and is called back through the `Wire` of its kind. Agents call
`agent_says` and the methods of `people`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from unicodedata import category

import structlog

from acd.dispatch import Distributing
from acd.records.contact import ContactEvent, Json
from ivr.backends.desk import Desk
from ivr.channels.manners import End
from ivr.flow.actions import QueueLeft
from ivr.flow.calendar import Switches
from ivr.flow.model import Flow
from ivr.flow.running.state import Facts, FlowStuck
from ivr.live import new_contact_id
from ivr.threads.book import Book, Keeper, Kind, Message, Thread, Way
from ivr.threads.greeting import greeting
from ivr.threads.hosting import MANNERS, Host, House, Wire
from ivr.threads.people import NoScreens, People, Screens
from ivr.threads.refusals import BadMessage, Why

log = structlog.get_logger(__name__)

LOOK = 1.0
"""Seconds between looks for what is due: silence, and offers that ring too long."""
MOST = 2000
"""Messages of one conversation."""
LONGEST = 4000
"""Characters of one message that comes in."""
_NO_TEXT = frozenset({"Cc", "Cs", "Cn", "Co"})


class Flows(Protocol):
    """The flows in force, and those that live threads began with."""

    def by_name(self, name: str) -> Flow | None:
        """The flow of that name."""
        ...

    async def flow_of(self, name: str, revision: str) -> Flow | None:
        """The flow of that name with just that text, also when another is in force."""
        ...


@dataclass(frozen=True, slots=True)
class ThreadServices:
    """What threads need from the house."""

    distributor: Distributing
    keeper: Keeper
    flows: Flows
    desk: Desk
    tell: Callable[[ContactEvent], None]
    clock: Callable[[], float]
    now: Callable[[], datetime]
    switches: Callable[[], Switches]
    node: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A conversation that begins; fields as in `Thread`, `facts` from the site or the provider."""

    kind: Kind
    address: str
    line: str
    flow: str
    name: str = ""
    number: str = ""
    language: str | None = None
    vouched: bool = False
    facts: Mapping[str, Json] | None = None
    contact: str = ""

    @property
    def sure_number(self) -> str:
        """As in `Thread`."""
        return self.number if self.vouched or self.kind == "sms" else ""


class Threads:
    """All conversations in letters: `recover`, `start`, then `stop`."""

    def __init__(self, services: ThreadServices) -> None:
        self._services = services
        self.book = Book(services.keeper, services.tell, services.clock)
        self.people = People(self.book, services.distributor, self, self._left, services.clock)
        self.screens: Screens = NoScreens()
        self.consent: Callable[[Thread, bool], Awaitable[None]] = _nobody_asks
        self._wires: dict[Kind, Wire] = {}
        self._hosts: dict[str, Host] = {}
        self._rounds: asyncio.Task[None] | None = None
        self._house = House(
            self.book,
            services.desk,
            self,
            self.people,
            services.now,
            services.switches,
            self._consented,
            self._gone,
        )

    @property
    def distributor(self) -> Distributing:
        """Who decides which agent has which conversation."""
        return self._services.distributor

    # --- life ------------------------------------------------------------------------------------

    def carried_by(self, kind: Kind, wire: Wire) -> None:
        """Messages of that kind go out over this wire."""
        self._wires[kind] = wire

    def recover(self) -> int:
        """Load what the last service left behind; how many threads are open."""
        return self.book.recover()

    async def start(self) -> None:
        """Carry every thread on. The distributor must have recovered."""
        for thread in self.book:
            await self._take_up(thread)
        distributor = self._services.distributor
        self.people.recover(distributor.engine.calls_view(self._services.clock()))
        distributor.subscribe(self.people.on_command)
        self._rounds = asyncio.create_task(self._go_round(), name="threads")

    async def stop(self) -> None:
        """Break off; every thread stays where it is."""
        if self._rounds is not None:
            self._rounds.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._rounds
        for host in self._hosts.values():
            host.stop()

    async def _take_up(self, thread: Thread) -> Host | None:
        services = self._services
        revision = str((thread.stands.get("state") or {}).get("revision", ""))
        flow = await services.flows.flow_of(thread.flow, revision)
        flow = flow or services.flows.by_name(thread.flow)
        if flow is None:
            log.error("the flow of a thread is gone", contact=thread.id, flow=thread.flow)
            self.book.end(thread, "failed", "service")
            return None
        host = Host(self._house, thread, flow)
        self._hosts[thread.id] = host
        host.restore()
        return host

    async def _go_round(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            self.people.tick()
            now = self._services.now()
            for host in tuple(self._hosts.values()):
                due = host.talk.due
                if due is not None and due <= now:
                    host.tick()
            self.book.forget_old()

    # --- what comes in ---------------------------------------------------------------------------

    def greeting(self, opening: Opening) -> list[str]:
        """What the flow would say first; nothing is begun. Raises BadMessage as `begin` does."""
        flow = self._flow_of(opening)
        services, manners = self._services, MANNERS[opening.kind]
        facts = Facts(opening.sure_number, opening.line)
        now, switches = services.now(), services.switches()
        try:
            return greeting(flow, manners, facts, opening.language, now=now, switches=switches)
        except FlowStuck:
            return []  # it is told, and logged, when somebody writes

    def _flow_of(self, opening: Opening) -> Flow:
        flow = self._services.flows.by_name(opening.flow)
        if flow is None:
            raise BadMessage(f"there is no flow named {opening.flow!r}", Why.UNAVAILABLE)
        return flow

    def begin(self, opening: Opening) -> Thread:
        """Begin a conversation, or find the one that is open with that address on that line.

        Raises BadMessage when no such flow is in force.
        """
        found = self.book.open_with(opening.kind, opening.address, opening.line)
        if found is not None:
            return found
        services, flow = self._services, self._flow_of(opening)
        began = services.clock()
        thread = Thread(
            opening.contact or new_contact_id(began, services.node),
            opening.kind,
            opening.address,
            opening.line,
            flow.name,
            began,
            language=opening.language or "",
            name=opening.name,
            number=opening.number,
            vouched=opening.vouched,
            facts={**(opening.facts or {})},
        )
        self.book.begin(thread, {"revision": flow.revision, "number": opening.number})
        if before := thread.facts.get("continues"):
            self.book.tell(thread, "continues", {"contact": before})
        host = Host(self._house, thread, flow)
        self._hosts[thread.id] = host
        host.begin(Facts(thread.sure_number, opening.line), opening.language)
        return thread

    def incoming(
        self,
        thread: Thread,
        message_id: str,
        text: str,
        file: Mapping[str, Json] | None = None,
        *,
        heard: bool = True,
    ) -> tuple[Message, bool]:
        """A message of the other side: it is kept when this returns; whether it is new.

        The flow hears it unless it is no answer to anything (`heard`) or only a file.
        Raises BadMessage for one that is too long, empty, or no text; sqlite3.Error when it cannot
        be kept, and then it was not taken.
        """
        text = _clean(text)
        if not text.strip() and file is None:
            raise BadMessage("a message has at least one character", Why.EMPTY)
        host = self._hosts.get(thread.id)
        if thread.over or host is None:
            raise BadMessage("this conversation is over: begin another one", Why.OVER)
        if thread.seq >= MOST:
            raise BadMessage("this conversation has become too long: begin another one", Why.FULL)
        kept, heard = host.written(text), heard and bool(text.strip())
        message, new = self.book.write(
            thread, "customer", kept, message_id=message_id, file=file, unheard=heard
        )
        if new:
            if heard:
                host.hear(message.seq, text)
            if thread.agent:
                self.screens.tell(thread.agent, "chat_message", _shown(thread, message))
        return message, new

    def typing(self, thread: Thread) -> None:
        """They are writing."""
        if thread.agent:
            self.screens.tell(thread.agent, "chat_typing", {"contact": thread.id})

    def visitor_is(self, thread: Thread, *, here: bool) -> None:
        """They have the conversation in front of them, or do no longer."""
        if thread.agent:
            self.screens.tell(thread.agent, "chat_visitor", {"contact": thread.id, "here": here})

    def marked(self, thread: Thread, seq: int, way: Way) -> None:
        """Our message `seq`, and all before it, came so far; only `seq` itself has failed."""
        for message in self.book.messages(thread.id)[: max(0, seq)]:
            mine = message.by != "customer" and (way != "failed" or message.seq == seq)
            if mine and self.book.mark(thread, message.seq, way) and thread.agent:
                told: dict[str, Json] = {"contact": thread.id, "seq": message.seq, "way": way}
                self.screens.tell(thread.agent, "chat_way", told)

    def end(self, thread: Thread, how: End = "completed", by: str = "customer") -> None:
        """The other side has left for good."""
        if thread.over:
            return
        self.people.gone(thread)
        host = self._hosts.pop(thread.id, None)
        self.book.end(thread, how, by)
        if host is not None:
            host.stop()

    # --- what agents write -----------------------------------------------------------------------

    async def agent_says(
        self,
        agent: str,
        thread_id: str,
        message_id: str,
        text: str,
        file: Mapping[str, Json] | None = None,
    ) -> Message:
        """The agent writes; kept once under its id, then sent. Raises NotYours, BadMessage."""
        thread = self.people.talking(agent, thread_id)
        text = _clean(text)
        if not text.strip() and file is None:
            raise BadMessage("a message has at least one character", Why.EMPTY)
        message, new = self.book.write(
            thread, "agent", text, message_id=message_id, agent=agent, file=file
        )
        if new:
            await self.deliver(thread, message)
            self.screens.tell(agent, "chat_message", _shown(thread, message))
        return message

    async def house_says(self, thread: Thread, text: str, kept: str) -> Message:
        """The house writes what is kept otherwise; the kept copy."""
        message, _ = self.book.write(thread, "house", kept)
        await self.deliver(thread, self.book.unmask(thread, message, text))
        return message

    async def agent_types(self, agent: str, thread_id: str) -> None:
        """The agent is writing."""
        thread = self.people.talking(agent, thread_id)
        wire = self._wires.get(thread.kind)
        if wire is not None and hasattr(wire, "typing"):
            await wire.typing(thread)

    # --- glue ------------------------------------------------------------------------------------

    async def deliver(self, thread: Thread, message: Message) -> None:
        """Pass a message on over the wire of its kind; agents see the copy that is kept."""
        if thread.agent and message.by in {"bot", "house"}:
            kept = self.book.messages(thread.id, message.seq - 1)[0]
            self.screens.tell(thread.agent, "chat_message", _shown(thread, kept))
        wire = self._wires.get(thread.kind)
        if wire is not None:
            await wire.deliver(thread, message)

    def tell(self, agent: str, kind: str, data: Mapping[str, Json]) -> None:
        """Put something on an agent's screens."""
        self.screens.tell(agent, kind, data)

    async def settled(self, thread: Thread) -> None:
        """Wait until the flow has heard everything there is."""
        host = self._hosts.get(thread.id)
        if host is not None:
            await host.rest()

    def _left(self, thread: Thread, result: QueueLeft) -> None:
        host = self._hosts.get(thread.id)
        if host is not None:
            host.left(result)

    async def _consented(self, thread: Thread, given: bool) -> None:
        self.book.tell(thread, "consent", {"given": given, "address": thread.address})
        await self.consent(thread, given)

    def _gone(self, thread: Thread, how: End) -> None:
        """The flow has come to its end."""
        self.people.gone(thread)
        self.book.end(thread, how, "customer" if how in {"silent", "stopped"} else "flow")
        self._hosts.pop(thread.id, None)


async def _nobody_asks(_thread: Thread, _given: bool) -> None:
    return None


def _shown(thread: Thread, message: Message) -> dict[str, Json]:
    return {
        "contact": thread.id,
        "seq": message.seq,
        "at": message.at,
        "by": message.by,
        "agent": message.agent,
        "text": message.text,
        "way": message.way,
        "file": {**message.file} if message.file else None,
    }


def _clean(text: str) -> str:
    """The text without halves of characters and controls; raises BadMessage when it is too long."""
    if len(text) > LONGEST:
        raise BadMessage(f"a message has at most {LONGEST} characters", Why.LONG, most=LONGEST)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return "".join(each for each in whole if each in "\n\t" or category(each) not in _NO_TEXT)
