"""What the AGI tests share: a server with one handler, and the fake calls to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ivr.agi.fake import FakeCall
from ivr.agi.server import AgiServer
from ivr.agi.session import AgiSession

PATIENCE = 5.0


@contextlib.asynccontextmanager
async def serving(
    handler: Callable[[AgiSession], Awaitable[None]], **options: Any
) -> AsyncIterator[AgiServer]:
    server = AgiServer({"call": handler}, port=0, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def one_session() -> AsyncIterator[tuple[AgiSession, FakeCall]]:
    """A session and the Asterisk at its other end, both in the hands of the test."""
    arrived: asyncio.Future[AgiSession] = asyncio.get_running_loop().create_future()
    finished = asyncio.Event()

    async def handler(session: AgiSession) -> None:
        arrived.set_result(session)
        await finished.wait()

    async with serving(handler) as server:
        call = await FakeCall.dial(server.host, server.port)
        try:
            async with asyncio.timeout(PATIENCE):
                yield await arrived, call
        finally:
            finished.set()
            await call.close()
