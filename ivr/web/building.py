"""The web side, put together: every route of the house, and the news that go with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from acd.customers import Audit, Consents, Customers, Links
from acd.desk import Announcements, Dispositions, Knowledge, Tickets
from acd.dispatch import Distributing
from acd.people import BegunSignIns, Identities, People
from acd.records import ContactEvent, Database
from ivr.asterisk.ami import AmiClient
from ivr.backends.errands import Errands
from ivr.callers import Callers
from ivr.channels.dialled_out import DiallingOut
from ivr.chats.building import Letters
from ivr.desk_talk import DeskTalk
from ivr.in_force import InForce
from ivr.legs import Legs
from ivr.live import LiveContacts
from ivr.plans import Plan, Plans
from ivr.reach import Ways
from ivr.settings import Settings
from ivr.threads.threads import Threads
from ivr.web.addresses import Outside
from ivr.web.api.account import Accounts
from ivr.web.api.agents import Agents
from ivr.web.api.bulk import CustomersInBulk
from ivr.web.api.calls import Calls
from ivr.web.api.contacts import ContactFiles
from ivr.web.api.customers import CustomersAsked
from ivr.web.api.desk import DeskAsked, DeskKeeps, Script, ScriptLine
from ivr.web.api.floor import FloorAsked
from ivr.web.api.sign_in import SignIns
from ivr.web.api.tickets import TicketsAsked
from ivr.web.api.timeline import Timelines
from ivr.web.api.users import UsersAsked
from ivr.web.api.waiting import WaitingAsked
from ivr.web.door import PeopleDoor
from ivr.web.feed import Feed
from ivr.web.files import StaticFiles
from ivr.web.house import House
from ivr.web.hub import Hub
from ivr.web.import_jobs import ImportJobs
from ivr.web.oidc.building import provided_by
from ivr.web.openapi import document
from ivr.web.roles import Who
from ivr.web.routes import PUBLIC, Call, Route
from ivr.web.server import WebServer
from ivr.web.stream import Stream

DESK = Path(__file__).with_name("desk")


class Service(Protocol):
    """The parts of the running service that the web side stands on."""

    @property
    def settings(self) -> Settings:
        """What the installation chose."""
        ...

    @property
    def hub(self) -> Hub:
        """Events on their way to browsers."""
        ...

    @property
    def letters(self) -> Letters:
        """Chats and text messages, and the routes to them."""
        ...

    @property
    def threads(self) -> Threads:
        """Conversations in letters."""
        ...

    @property
    def database(self) -> Database:
        """The records."""
        ...

    @property
    def distributor(self) -> Distributing:
        """Who talks to whom."""
        ...

    @property
    def contacts(self) -> LiveContacts:
        """The calls that live."""
        ...

    @property
    def legs(self) -> Legs:
        """The agents' legs."""
        ...

    @property
    def callers(self) -> Callers:
        """Who is on the line."""
        ...

    @property
    def plans(self) -> Plans:
        """What is in force."""
        ...

    @property
    def errands(self) -> Errands:
        """Text messages, among others."""
        ...

    @property
    def ami(self) -> AmiClient:
        """Asterisk."""
        ...

    @property
    def ways(self) -> Ways:
        """How agents' phones are rung."""
        ...

    @property
    def in_force(self) -> InForce:
        """What the plan says."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Epoch seconds."""
        ...

    def tell(self, event: ContactEvent) -> None:
        """Add to a contact's story."""
        ...


def build_web(service: Service) -> Web:
    """The web side of a service, chats and text messages included."""
    dialling_out = DiallingOut(
        service.ami,
        service.ways,
        service.in_force.outside,
        service.tell,
        service.clock,
        node=service.settings.node,
    )
    service.ami.on_event(dialling_out.take)
    talks = DeskTalk(service.callers, service.ami)
    service.legs.on_left = talks.left
    house = House(
        distributor=service.distributor,
        contacts=service.contacts,
        offers=service.legs,
        plan=lambda: service.plans.plan,
        texts=service.errands.texts,
        talks=talks,
        dial=dialling_out.ask,
        written=service.threads.book.get,
        tell=service.tell,
        clock=service.clock,
    )
    web = Web(
        service.settings,
        house,
        service.database,
        hub=service.hub,
        script=script_of(house.plan),
        more=service.letters.routes,
    )
    web.dialling_out = dialling_out
    return web


def script_of(plan: Callable[[], Plan]) -> Script:
    """The guidance in force."""

    def script(
        queue: str, reason: str, fields: Mapping[str, Any], language: str
    ) -> tuple[ScriptLine, ...]:
        said = plan().guidance.lines(queue, reason, fields, language)
        return tuple(ScriptLine(stage, words) for stage, words in said)

    return script


class Web:
    """The server with everything of the house on it: `start`, then `stop`.

    `feed` hears what the distributor decides and what contacts meet; `hub` takes what is to be told
    to browsers.
    """

    def __init__(
        self,
        settings: Settings,
        house: House,
        database: Database,
        *,
        hub: Hub,
        script: Script,
        more: Iterable[Route] = (),
    ) -> None:
        self.hub, self.house = hub, house
        self.feed = Feed(self.hub, house)
        region = _region(house)
        people, audit = People(database, house.clock), Audit(database, house.clock)
        self._outside = Outside(settings.web_address, settings.web_proxies)
        door = PeopleDoor(people, audit)
        customers = CustomersAsked(
            database,
            Customers(database, region, house.clock),
            Links(database, region, house.clock),
            Consents(database, region, house.clock),
        )
        files = ContactFiles(house, database.engine, customers)
        customers.sees = files.told
        keeps = DeskKeeps(
            Knowledge(database, house.clock),
            Announcements(database, house.clock),
            Dispositions(database, house.clock),
        )
        imports = settings.data_dir / "imports"
        self._imports = ImportJobs(database, self.hub, imports, house.clock)
        stream = Stream(self.hub, house.clock, self._still_there)
        parts = (
            Accounts(people, self.hub),
            self._sign_ins(settings, people, database, house.clock),
            Agents(house, self.hub),
            Calls(house, files),
            files,
            CustomersInBulk(database, house, self._imports, settings.data_dir / "exports"),
            customers,
            Timelines(database, files.discretion),
            TicketsAsked(Tickets(database, house.clock), self.hub, house.clock),
            DeskAsked(keeps, house, files, self.hub, script),
            UsersAsked(people, audit, self.hub),
            FloorAsked(house, self.document),
            WaitingAsked(house),
            stream,
            StaticFiles("/desk/", DESK),
        )
        routes = [*_FRONT, *(route for part in parts for route in part.routes()), *more]
        self.server = WebServer(routes, door, self._outside, settings.web_bind, settings.web_port)
        self.dialling_out: DiallingOut
        self._running: asyncio.Task[None] | None = None

    def _sign_ins(
        self, settings: Settings, people: People, database: Database, clock: Callable[[], float]
    ) -> SignIns:
        identities, begun = Identities(database, clock), BegunSignIns(database, clock)
        provided = provided_by(settings, people, identities, clock)
        return SignIns(
            people, identities, begun, outside=self._outside, hub=self.hub, provided=provided
        )

    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return document(self.server.routes, version("tieline"), self._outside.url)

    async def _still_there(self, request: web.Request) -> Who | None:
        return await self.server.gate.who(request)

    async def start(self) -> None:
        """Listen, and tell the news."""
        await self.server.start()
        self._running = asyncio.create_task(self.feed.run(), name="web feed")

    async def stop(self) -> None:
        """Stop listening. Repeatable."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
        await self.server.stop()
        await self._imports.close()


def _region(house: House) -> Any:
    return lambda: house.plan().services.region


async def _to_the_desk(call: Call) -> web.Response:
    return web.Response(status=302, headers={"Location": "/desk/"})


_FRONT = [
    Route("GET", path, _to_the_desk, roles=PUBLIC, summary="The way to the desk",
          media="text/html", tag="pages")
    for path in ("/", "/desk")
]  # fmt: skip
