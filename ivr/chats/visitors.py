"""The browsers of visitors: what is written to them, and what becomes of one that stops reading.

Each conversation may be open in several browsers or tabs of its visitor. A socket that falls
behind is cut; its browser comes back and asks for what came after the last message it has.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from ivr.threads.book import Message, Thread

BEHIND: Final = 200
"""Messages one socket may have waiting."""
MOST_WINDOWS: Final = 10
"""Browsers and tabs that show one conversation."""
SLOWEST: Final = 3.0
"""Seconds one message may take to leave."""


class Socket:
    """One browser's connection. `overrun` is set when it does not keep up."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.overrun = asyncio.Event()
        self._socket = socket
        self._queue: asyncio.Queue[str] = asyncio.Queue(BEHIND)

    def put(self, told: Mapping[str, Any]) -> None:
        """Write this, in its turn."""
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.overrun.set()

    async def write(self) -> None:
        """Write what there is; returns when something does not leave in time."""
        try:
            while True:
                text = await self._queue.get()
                async with asyncio.timeout(SLOWEST):
                    await self._socket.send_str(text)
        except (TimeoutError, ConnectionError):
            return


class Visitors:
    """Who is there, by conversation: the wire of kind `chat`."""

    def __init__(self) -> None:
        self._sockets: defaultdict[str, dict[Socket, None]] = defaultdict(dict)

    def join(self, thread: str, socket: Socket) -> None:
        """This browser shows that conversation; of too many the one that came first goes."""
        mine = self._sockets[thread]
        mine[socket] = None
        if len(mine) > MOST_WINDOWS:
            next(iter(mine)).overrun.set()

    def leave(self, thread: str, socket: Socket) -> bool:
        """It does no longer; whether it was the last one."""
        mine = self._sockets[thread]
        mine.pop(socket, None)
        if not mine:
            del self._sockets[thread]
        return not mine

    def here(self, thread: str) -> bool:
        """Whether some browser shows it."""
        return thread in self._sockets

    def tell(self, thread: str, told: Mapping[str, Any]) -> None:
        """Write this to every browser that shows it."""
        for socket in tuple(self._sockets.get(thread, ())):
            socket.put(told)

    async def deliver(self, thread: Thread, message: Message) -> None:
        """See `Wire`. Who is away reads it when they are back."""
        self.tell(thread.id, {"type": "message", **shown(message)})

    async def typing(self, thread: Thread) -> None:
        """The agent is writing."""
        self.tell(thread.id, {"type": "typing"})

    def changed(self, thread: Thread) -> None:
        """The conversation has gone on to an agent, or back from one."""
        self.tell(thread.id, {"type": "state", **state_of(thread)})


def shown(message: Message) -> dict[str, Any]:
    """A message as a visitor's browser gets it: nothing that is for agents alone."""
    told: dict[str, Any] = {
        "seq": message.seq,
        "id": message.id,
        "at": round(message.at, 3),
        "by": message.by,
        "text": message.text,
        "way": message.way,
    }
    if message.file is not None:
        told["file"] = {name: message.file[name] for name in ("id", "name", "type", "size")}
    return told


def state_of(thread: Thread) -> dict[str, Any]:
    """Where the conversation stands, for its visitor."""
    return {"phase": thread.phase, "parked": thread.parked}
