"""One house and one rack of phones for all end-to-end tests: a new caller costs a second, a new
Asterisk two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ivr.asterisk.provision import ensure_tools
from ivr.demo.phone import PhoneRack, SoftPhone
from tests.e2e.house import House, until
from tests.e2e.sipp import Sipp


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


class Phones:
    """Agents' phones and callers for one house."""

    def __init__(self, house: House, rack: PhoneRack) -> None:
        self.house, self.rack = house, rack
        self._agents: dict[str, SoftPhone] = {}
        self._callers: list[SoftPhone] = []

    async def agent(self, extension: str) -> SoftPhone:
        """The registered phone of that agent, with nothing on it."""
        if extension not in self._agents:
            phone = await self.rack.phone(
                extension, self.house.password(extension), self.house.domain
            )
            await phone.register()
            self._agents[extension] = phone
        return self._agents[extension]

    async def ready(self, extension: str) -> SoftPhone:
        """The agent has dialled the codes that make them ready for calls."""
        phone = await self.agent(extension)
        await self.dial_code(phone, "*41")
        await self.dial_code(phone, "*42")
        assert self.house.agent(extension).state in ("ready", "offered")
        return phone

    async def dial_code(self, phone: SoftPhone, code: str) -> float:
        """Dial a feature code, listen to the end; seconds of sound that were heard."""
        line = await phone.dial(code)
        await line.ended(15)
        return line.ear.heard_seconds

    async def log_out_all(self) -> None:
        """Nobody is left on the floor."""
        busy = [row for row in self.house.engine().agents_view(0) if row.state != "logged_out"]
        await asyncio.gather(*(self._log_out(row.agent) for row in busy))

    async def _log_out(self, extension: str) -> None:
        phone = await self.agent(extension)
        if self.house.agent(extension).state == "wrap_up":
            await self.dial_code(phone, "*44")
        await self.dial_code(phone, "*40")
        await until(lambda: self.house.agent(extension).state == "logged_out")

    async def caller(self, number: str, name: str = "") -> SoftPhone:
        """A caller on the line."""
        phone = await self.rack.caller(number, name, self.house.domain)
        self._callers.append(phone)
        return phone

    async def put_away(self) -> None:
        """All lines hung up, all agents logged out and gone."""
        for phone in (*self._agents.values(), *self._callers):
            for line in tuple(phone.lines):
                await line.hang_up()
        await until(lambda: not self.house.calls(), 15, "all calls are over")
        await self.log_out_all()
        for phone in self._agents.values():
            await phone.unregister()


@pytest_asyncio.fixture(loop_scope="session")
async def phones(house: House, rack: PhoneRack) -> AsyncIterator[Phones]:
    phones = Phones(house, rack)
    yield phones
    await phones.put_away()
