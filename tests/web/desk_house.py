"""The web side on a real distributor, real records and accounts; only Asterisk is pretended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from acd.customers import Consents, Customers
from acd.customers.links import projection
from acd.desk import Announcements, Dispositions, Knowledge
from acd.distributor import Distributor, steady_clock
from acd.journal import Journal
from acd.model import (
    AgentForced,
    AgentReleased,
    AgentState,
    CallLeft,
    CallQueued,
    Channel,
    FloorLoaded,
    LoggedIn,
    OfferAnswered,
)
from acd.people import People
from acd.records import ContactEvent, Database, JournalContacts, RecordsWriter
from ivr.backends.building import build_errands
from ivr.backends.sources import Sources
from ivr.backends.texting import Draft
from ivr.chats.building import Carriers, Letters, build_letters
from ivr.desk_talk import NotNow, State, TalkNow
from ivr.flow.actions import Failed
from ivr.flow.errands import Sent
from ivr.flow.model import Flow
from ivr.live import LiveContact, LiveContacts
from ivr.matters import Matters
from ivr.open_offers import OpenOffer
from ivr.plans import Plan, load_plan
from ivr.resources import flows_dir
from ivr.rounds import flow_clock
from ivr.settings import Settings
from ivr.threads.book import Thread
from ivr.threads.threads import Threads, ThreadServices
from ivr.web.building import Web, script_of
from ivr.web.house import House
from ivr.web.hub import Hub
from ivr.web.limits import Limit
from tests.e2e.known import until

PASSWORD = "correct horse battery"


@dataclass
class Pretended:
    """Phones and messages: what was asked of them."""

    hung_up: list[str] = field(default_factory=list)
    transferred: list[tuple[str, str]] = field(default_factory=list)
    stands: dict[str, TalkNow] = field(default_factory=dict)
    done: list[tuple[str, ...]] = field(default_factory=list)
    texts: list[Draft] = field(default_factory=list)
    dialled: list[tuple[str, str, str]] = field(default_factory=list)
    said: list[tuple[str, str, str]] = field(default_factory=list)
    refuses: str = ""

    async def hang_up(self, offer: OpenOffer) -> None:
        self.hung_up.append(offer.channel)

    async def transfer(self, offer: OpenOffer, target: str) -> None:
        self.transferred.append((offer.channel, target))

    def now(self, offer: OpenOffer) -> TalkNow:
        plain: State = "ringing" if offer.answered_at is None else "talking"
        usual = TalkNow(offer.offer, offer.contact, offer.agent, plain)
        return self.stands.get(offer.offer, usual)

    def of_contact(self, contact: str) -> list[TalkNow]:
        return [each for each in self.stands.values() if each.contact == contact]

    def is_now(self, offer: OpenOffer, state: State, colleague: str = "") -> None:
        """Let the call stand so from now on."""
        self.done.append((state, offer.offer, colleague))
        self.stands[offer.offer] = replace(
            self.now(offer), state=state, colleague=colleague, name=colleague and "Li Na"
        )

    async def hold(self, offer: OpenOffer) -> None:
        self.is_now(offer, "held")

    async def take_back(self, offer: OpenOffer) -> None:
        self.is_now(offer, "talking")

    async def ask(self, offer: OpenOffer, target: str) -> None:
        if target == "1003":
            raise NotNow("Tom is not free just now.")
        self.is_now(offer, "asking", target)

    async def conference(self, offer: OpenOffer) -> None:
        self.is_now(offer, "conference", self.now(offer).colleague)

    async def complete(self, offer: OpenOffer) -> None:
        self.done.append(("complete", offer.offer))

    async def send_message(self, destination: str, sender: str, text: str) -> None:
        self.said.append((destination, sender, text))

    async def dial(self, agent: str, number: str, about: str) -> str:
        self.dialled.append((agent, number, about))
        return "c99999-out"

    async def accept(self, draft: Draft) -> Sent | Failed:
        if self.refuses:
            return Failed(self.refuses)
        self.texts.append(draft)
        return Sent(draft.id)


class DeskHouse:
    """Calls come by `call`, are answered by `answer` and ended by `end`."""

    def __init__(self, folder: Path, **chosen: Any) -> None:
        self.clock = steady_clock()
        self.plan: Plan = load_plan(flows_dir(), flows_dir() / "floor.yaml")
        url = f"sqlite+aiosqlite:///{folder / 'records.sqlite'}"
        self.journal = Journal(folder / "journal.sqlite")
        self.database = Database(url)
        self.records = RecordsWriter(
            url, JournalContacts(self.journal), also=(projection(lambda: "CN"),)
        )
        self.distributor = Distributor(self.journal, self.clock)
        self.contacts = LiveContacts(self.journal, self.tell, self.clock)
        self.outside = Pretended()
        self.settings = Settings(folder=folder, home=folder, **chosen)
        house = House(
            distributor=self.distributor,
            contacts=self.contacts,
            offers=self,
            plan=lambda: self.plan,
            texts=self.outside,
            talks=self.outside,
            dial=self.outside.dial,
            written=self.written,
            tell=self.tell,
            clock=self.clock,
        )
        self.hub = Hub(self.clock)
        self.letters = self._letters()
        self.web = Web(
            self.settings,
            house,
            self.database,
            hub=self.hub,
            script=script_of(lambda: self.plan),
            more=self.letters.routes,
        )
        self.web.server._wanted = 0
        # One browser signs in as often here as a whole call centre does elsewhere.
        often = Limit(per_minute=6000, burst=1000)
        self.web.server.routes = [replace(each, limit=often) for each in self.web.server.routes]
        self.people = People(self.database, self.clock)
        self.customers = Customers(self.database, lambda: "CN", self.clock)
        self.knowledge = Knowledge(self.database, self.clock)
        self.announcements = Announcements(self.database, self.clock)
        self.dispositions = Dispositions(self.database, self.clock)
        self.calls = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web.server.port}"

    def written(self, contact: str) -> Thread | None:
        return self.threads.book.get(contact)

    def _letters(self) -> Letters:
        now = flow_clock(None)
        self.errands = build_errands(self.settings, self.sources, self.tell, self.clock)
        self.threads = Threads(
            ThreadServices(
                self.distributor, self.journal, self, self.errands, self.tell, self.clock, now, dict
            )
        )
        region = lambda: self.plan.services.region  # noqa: E731 - one attribute
        matters = Matters(self.threads.book, self.contacts, region)
        return build_letters(
            Carriers(self.threads, self.errands, self.hub, self.outside, matters),
            self.settings,
            self.sources,
            Consents(self.database, region, self.clock),
            key="k" * 32,
            clock=self.clock,
            now=now,
        )

    def sources(self) -> Sources:
        return Sources(self.plan.library.tables, self.plan.services)

    def by_name(self, name: str) -> Flow | None:
        return self.plan.library.flows.get(name)

    async def flow_of(self, name: str, revision: str) -> Flow | None:
        return self.by_name(name)

    def tell(self, event: ContactEvent) -> None:
        body = {name: getattr(event, name) for name in ("contact", "kind", "step", "data")}
        self.journal.append("contact", event.at, body)
        self.records.wake()
        self.web.feed.on_contact(event)

    def find(self, offer_id: str) -> OpenOffer | None:
        """See `OpenOffers`: the agent's leg, as Asterisk would have told it."""
        offer = self.distributor.engine.offer(offer_id)
        if offer is None:
            return None
        return OpenOffer(
            offer_id, offer.call.call, offer.call.contact, offer.agent, offer.call.queue,
            channels={offer.agent: f"PJSIP/{offer.agent}-0001"}, answered_at=offer.answered_at,
        )  # fmt: skip

    async def user(self, name: str, roles: tuple[str, ...] = ("agent",), **more: Any) -> None:
        await self.people.add(name, PASSWORD, roles=roles, **more)

    def log_in(self, agent: str) -> None:
        self.distributor.send(LoggedIn(self.clock(), agent))

    def call(
        self,
        *,
        caller: str = "+8613800138000",
        name: str = "Mei Lin",
        queue: str = "appointments",
        agent: str | None = None,
        fields: Mapping[str, Any] | None = None,
        channel: Channel = Channel.VOICE,
        level: str = "unknown",
    ) -> str:
        """A caller comes through a flow into a queue; the contact's id."""
        self.calls += 1
        contact = LiveContact(
            id=f"c{self.calls:05}-desk", channel=f"PJSIP/line-{self.calls}",
            uniqueid=f"u{self.calls}",
            caller=caller, caller_name=name, dialled="4001", flow="clinic",
            started_at=self.clock(), phase="waiting", call=f"c{self.calls:05}-desk.1", queue=queue,
            waiting_action={"tell_agent": "wants an appointment"}, position={"level": level},
        )  # fmt: skip
        told = {"channel": "voice", "caller": caller, "caller_name": name, "dialled": "4001"}
        self.contacts.tell(contact, "began", {**told, "flow": "clinic", "language": "en"})
        self.contacts.tell(contact, "pressed", {"key": "1"}, "reasons")
        for key, value in (fields or {"reason": "appointment"}).items():
            self.contacts.tell(contact, "field", {"name": key, "value": value}, "reasons")
        self.contacts.tell(contact, "queued", {"queue": queue, "needs": {}, "priority": 0})
        self.contacts.add(contact)
        now = self.clock()
        self.distributor.send(
            CallQueued(
                at=now, call=contact.call, contact=contact.id, queue=queue, needs={}, priority=0,
                enqueued_at=now, agent=agent, channel=channel,
            )
        )  # fmt: skip
        return contact.id

    def offer_of(self, contact: str) -> str:
        rows = self.distributor.engine.calls_view(self.clock())
        return next((row.offer or "" for row in rows if row.contact == contact), "")

    def answer(self, contact: str) -> None:
        offer = self.offer_of(contact)
        self.distributor.send(OfferAnswered(self.clock(), offer))
        live = self.contacts.get(contact)
        agent = self.distributor.engine.offer(offer)
        assert live is not None
        assert agent is not None
        live.phase, live.agent = "talking", agent.agent
        self.contacts.tell(live, "answered", {"agent": agent.agent, "queue": live.queue})

    def end(self, contact: str) -> None:
        """The talk is over, and the caller goes."""
        offer = self.offer_of(contact)
        self.distributor.send(AgentReleased(self.clock(), offer))
        live = self.contacts.get(contact)
        assert live is not None
        self.contacts.end(live, "answered", "caller")

    async def quiet(self) -> None:
        """Every call is over, every agent logged out, and nothing announced."""
        for told in await self.announcements.current():
            await self.announcements.withdraw(told.id)
        for row in self.distributor.engine.calls_view(self.clock()):
            if row.answered_at is not None:
                self.end(row.contact)
            else:
                self.leave(row.contact)
        for agent in self.distributor.engine.agents_view(self.clock()):
            if agent.state is not AgentState.LOGGED_OUT:
                self.distributor.send(
                    AgentForced(self.clock(), agent.agent, AgentState.LOGGED_OUT, "", "test")
                )

    def leave(self, contact: str) -> None:
        """The caller hangs up while waiting or ringing."""
        live = self.contacts.get(contact)
        assert live is not None
        self.distributor.send(CallLeft(self.clock(), live.call))
        self.contacts.end(live, "abandoned", "caller")


@asynccontextmanager
async def desk_house(folder: Path, **chosen: Any) -> AsyncIterator[DeskHouse]:
    """A house below `folder`; `chosen` are settings of its installation."""
    house = DeskHouse(folder, **chosen)
    house.distributor.recover()
    house.distributor.send(FloorLoaded(house.clock(), house.plan.floor.floor))
    house.distributor.subscribe(house.web.feed.on_command)
    await house.records.start()
    house.distributor.start()
    await house.web.start()
    house.web._outside.url = house.url  # the port was free to choose
    try:
        yield house
    finally:
        await house.web.stop()
        await house.errands.close()
        await house.distributor.stop()
        await house.records.stop()
        await house.database.close()
        house.journal.close()


async def known(house: DeskHouse, contact: str) -> None:
    """The records have this contact."""
    from acd.records import find

    async def there() -> bool:
        return bool(await find(await house.database.engine(), contact))

    async with asyncio.timeout(5):
        while not await there():
            await asyncio.sleep(0.02)


__all__ = ["PASSWORD", "DeskHouse", "desk_house", "known", "until"]
