"""Text messages end to end without Asterisk: the provider's emulator, our webhook, real threads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from ivr.backends.building import HOOK, assemble
from ivr.backends.errands import Errands
from ivr.backends.gateway import Gateway
from ivr.backends.services import Service, Services
from ivr.backends.sources import Sources
from ivr.demo.provider import Provider
from ivr.flow.loading.tables import Tables
from ivr.texts.hooks import Hooks
from ivr.texts.receiving import Receiving, Told
from ivr.web.addresses import Outside
from ivr.web.server import WebServer
from tests.threads.house import House as Threads
from tests.web.house import FakeDoor

TOKEN = "a token of the provider's"
OURS, THEIRS = "+862112345678", "+8613800138000"


@dataclass
class House:
    """One installation and one provider on loopback."""

    rooms: Threads
    errands: Errands
    receiving: Receiving
    provider: Provider
    session: aiohttp.ClientSession
    sources: Sources
    address: str
    consents: list[Told]

    async def text(self, *texts: str) -> list[str]:
        """Somebody writes; everything their phone has got after it."""
        for text in texts:
            await self.provider.write(THEIRS, OURS, text)
            await self.settled()
        return self.provider.phone(THEIRS)

    async def settled(self) -> None:
        thread = self.rooms.threads.book.open_with("sms", THEIRS, OURS)
        if thread is not None:
            await self.rooms.threads.settled(thread)
        await self.errands.sent_all(5.0)
        await self.provider.told()

    async def post(
        self, body: str, *, content: str = "application/x-www-form-urlencoded", **headers: str
    ) -> int:
        told = {"Content-Type": content} | {n.replace("_", "-"): v for n, v in headers.items()}
        url = self.address + HOOK
        async with self.session.post(url, data=body.encode(), headers=told) as answer:
            return answer.status

    def reload(self, **changes: Any) -> None:
        gateway = self.sources.services.gateway
        assert gateway is not None
        services = replace(self.sources.services, gateway=replace(gateway, **changes))
        self.sources = replace(self.sources, services=services)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    rooms, provider = Threads(folder), Provider(TOKEN)
    await rooms.open()
    await provider.start()
    url = f"{provider.url}/2010-04-01/Accounts/AC0/Messages.json"
    gateway = Gateway("gateway", OURS, speaks="twilio", secret=TOKEN, numbers={OURS: "site"})
    services = Services({"gateway": Service("gateway", url)}, gateway=gateway, region="CN")
    sources = Sources(Tables({}), services)
    probe = await _free_port()
    address = f"http://127.0.0.1:{probe}"
    errands = assemble(
        folder / "e.sqlite",
        "key",
        lambda: built.sources,
        rooms.story.append,
        lambda: rooms.time,
        report=address + HOOK,
    )
    receiving = Receiving(
        rooms.threads, errands.texts, errands.arrived, lambda: built.sources, lambda: rooms.time
    )
    hooks = Hooks(receiving, errands.texts, lambda: built.sources, address, lambda: rooms.time)
    server = WebServer(hooks.routes(), FakeDoor(), Outside(address, ()), "127.0.0.1", probe)
    async with aiohttp.ClientSession() as session:
        built = House(rooms, errands, receiving, provider, session, sources, address, [])

        async def hears(told: Told) -> None:
            built.consents.append(told)

        receiving.consent = hears
        provider.webhook = address + HOOK
        await server.start()
        await errands.start()
        try:
            yield built
        finally:
            await server.stop()
            await errands.close()
            await provider.stop()
            await rooms.close()


async def _free_port() -> int:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    await runner.cleanup()
    return port
