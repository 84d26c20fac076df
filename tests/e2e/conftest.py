"""One house and one rack of phones for all end-to-end tests: a new caller costs a second, a new
Asterisk two."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from acd.people import People
from acd.records import Database
from ivr.asterisk.provision import ensure_tools
from ivr.demo.backends import Backends
from ivr.demo.phone import PhoneRack, SoftPhone
from tests.e2e.cluster import Pair, begin
from tests.e2e.house import House, until
from tests.e2e.sipp import Sipp
from tests.web.house import Browser

DESK_PASSWORD = "correct horse battery"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rack() -> AsyncIterator[PhoneRack]:
    async with PhoneRack() as rack:
        yield rack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    try:
        await house.start()
        yield house
    finally:
        await house.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sipp(house: House, tmp_path_factory: pytest.TempPathFactory) -> Sipp:
    tool = ensure_tools(house.settings, ("sipp",), lambda *_: None)["sipp"]
    return Sipp(tool, house.domain, tmp_path_factory.mktemp("sipp"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def backends(house: House) -> AsyncIterator[Backends]:
    """What the flows of the house ask."""
    backends = Backends()
    async with backends.serving(house.backends_port):
        yield backends


class Phones:
    """Agents' phones and callers for one house. A phone stays registered once it is used."""

    def __init__(self, house: House, rack: PhoneRack) -> None:
        self.house, self.rack = house, rack
        self._agents: dict[str, SoftPhone] = {}
        self._callers: list[SoftPhone] = []

    async def agent(self, extension: str) -> SoftPhone:
        """The registered phone of that agent."""
        if extension not in self._agents:
            password = self.house.password(extension)
            self._agents[extension] = await self.rack.phone(extension, password, self.house.domain)
        return self._agents[extension]

    async def ready(self, extension: str) -> SoftPhone:
        """The agent is ready for calls, by a supervisor's word: it is quicker than dialling."""
        phone = await self.agent(extension)
        if self.house.agent(extension).state == "logged_out":
            await self._do("login", extension)
        elif self.house.agent(extension).state != "ready":
            await self._do("ready", extension)
        assert self.house.agent(extension).state in ("ready", "offered")
        return phone

    async def _do(self, action: str, extension: str) -> None:
        await self.house.asterisk.command(f"acd do {action}/{extension}")

    async def dial_code(self, phone: SoftPhone, code: str) -> float:
        """Dial a feature code, listen to the end; seconds of sound that were heard."""
        line = await phone.dial(code)
        await line.ended(15)
        return line.ear.heard_seconds

    async def caller(self, number: str, name: str = "") -> SoftPhone:
        """A caller on the line."""
        phone = await self.rack.caller(number, name, self.house.domain)
        self._callers.append(phone)
        return phone

    async def between_tests(self) -> None:
        """All lines hung up, all agents logged out."""
        for phone in (*self._agents.values(), *self._callers):
            for line in tuple(phone.lines):
                await line.hang_up()
        self._callers.clear()
        for row in self.house.calls():
            if row.virtual:  # a callback that a test has asked for, and nobody is to make
                await self._do("withdraw", row.contact)
        await until(lambda: not self.house.calls(), 15, "all calls are over")
        for row in self.house.engine().agents_view(0):
            if row.state == "wrap_up":
                await self._do("finish", row.agent)
            if row.state != "logged_out":
                await self._do("logout", row.agent)
        await until(lambda: not self._at_work(), why="all agents are logged out")

    def _at_work(self) -> list[str]:
        rows = self.house.engine().agents_view(0)
        return [row.agent for row in rows if row.state != "logged_out"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def all_phones(house: House, rack: PhoneRack) -> Phones:
    return Phones(house, rack)


@pytest_asyncio.fixture(loop_scope="session")
async def phones(all_phones: Phones) -> AsyncIterator[Phones]:
    yield all_phones
    await all_phones.between_tests()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def both(rack: PhoneRack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Two nodes that share a Redis."""
    async with begin(tmp_path_factory.mktemp("nodes"), rack) as pair:
        yield pair


@pytest_asyncio.fixture(loop_scope="session")
async def desk(house: House) -> AsyncIterator[Browser]:
    """Signed in as the agent 2001."""
    database = Database(house.settings.records_url)
    people = People(database)
    if not any(each.name == "ana" for each in await people.all()):
        await people.add("ana", DESK_PASSWORD, extension="2001")
    secret, _ = await people.sign_in("ana", DESK_PASSWORD)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Browser(session, f"http://127.0.0.1:{house.settings.web_port}", secret)
    await database.close()
