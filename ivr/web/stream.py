"""`/api/events`: the event stream as a WebSocket.

What the server sends, one JSON object in each message:

    {"type": "hello", "epoch": "1f0c22ab", "seq": 812, "reset": false, "at": 1764000000.0}
    {"type": "agent", "seq": 813, "at": ..., "data": {...}}

`?after=EPOCH-SEQ` resumes. `reset` says that events are missing: read everything anew by the API.
The client has nothing to say here; actions are requests.

A reader that stops reading is found in two ways: its messages pile up, or it does not answer a
ping. Either way it is cut within five seconds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import WSMsgType, web

from ivr.web.hub import Hub, Reader
from ivr.web.roles import ALL, Who
from ivr.web.routes import Call, Query, Route

PING: Final = 2.0
"""Seconds between pings; the answer must come in half of that. Together that is 3 s, so a machine
that is late by a second or two still cuts within five."""
SLOWEST: Final = 3.0
"""Seconds one message may take to leave."""
BUFFER: Final = 64 * 1024
"""Bytes that may wait in this process for one reader."""
LOOK_AGAIN: Final = 30.0
"""Seconds between looks whether the session still stands."""
LONGEST_MESSAGE: Final = 1024

StillThere = Callable[[web.Request], Awaitable[Who | None]]


class After(Query):
    """Where to resume."""

    after: str = ""


class Stream:
    """The route of the event stream; `still_there` asks who the request's secret belongs to."""

    def __init__(self, hub: Hub, clock: Callable[[], float], still_there: StillThere) -> None:
        self._hub, self._clock, self._still_there = hub, clock, still_there

    def routes(self) -> Sequence[Route]:
        """One."""
        return (
            Route(
                "GET",
                "/api/events",
                self._serve,
                roles=ALL,
                summary="The event stream (WebSocket)",
                query=After,
                media="application/json",
                gives=None,
                tag="events",
                about=__doc__ or "",
            ),
        )

    async def _serve(self, call: Call) -> web.StreamResponse:
        request = call.request
        socket = web.WebSocketResponse(
            heartbeat=PING, max_msg_size=LONGEST_MESSAGE, compress=False, timeout=1.0
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:  # gone again already
            return socket
        transport.set_write_buffer_limits(high=BUFFER)
        reader, reset = self._hub.join(call.me, call.query.after)
        hello = {
            "type": "hello",
            "epoch": self._hub.epoch,
            "seq": self._hub.seq,
            "reset": reset,
            "at": round(self._clock(), 3),
        }
        tasks = [
            asyncio.create_task(self._write(socket, reader, json.dumps(hello))),
            asyncio.create_task(self._listen(socket)),
            asyncio.create_task(self._until_ended(request, reader)),
            asyncio.create_task(reader.overrun.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(reader)
            polite = tasks[2].done() and not tasks[0].done()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if polite and not socket.closed:
                await socket.close(code=4401, message=b"the session has ended")
            transport.abort()
        return socket

    async def _write(self, socket: web.WebSocketResponse, reader: Reader, hello: str) -> None:
        """Returns when a message does not leave in time."""
        try:
            await socket.send_str(hello)
            while True:
                event = await reader.get()
                async with asyncio.timeout(SLOWEST):
                    await socket.send_str(event.text)
        except (TimeoutError, ConnectionError):
            return

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        """Returns when the other side is gone, or says what it has no business to say."""
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                return

    async def _until_ended(self, request: web.Request, reader: Reader) -> None:
        while not reader.ended.is_set():
            try:
                async with asyncio.timeout(LOOK_AGAIN):
                    await reader.ended.wait()
            except TimeoutError:
                who = await self._still_there(request)
                if who is None or who.roles != reader.who.roles or who.agent != reader.who.agent:
                    return
