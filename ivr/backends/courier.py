"""Forms that were filled in at one node for a contact of another, carried there by letter.

A letter lies in the Redis that the nodes share until its node has read it, so a node that is away
has it when it is back. One that died while it read reads again: the same answers, once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final

import structlog

from acd.live.redis import RedisReader, RedisSender
from acd.live.store import Post, StoreClosed, StoreRefused
from ivr.backends.attempts import AWAY
from ivr.backends.passing import Fill

log = structlog.get_logger(__name__)

WAIT: Final = 20.0
"""Seconds for which news is waited at a time."""
REST: Final = 1.0
"""Seconds between questions to a server that does not answer."""


class Courier:
    """Of the node of that name. `send` at any time; `start`, then `close`."""

    def __init__(self, url: str, domain: str, node: str) -> None:
        self._reader, self._sender = RedisReader(url, domain), RedisSender(url, domain)
        self._address = _address(node)
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, contact: str, flow: str, values: Mapping[str, Any]) -> None:
        """Let the contact's node have these; waits in the background for as long as it must."""
        body = {"contact": contact, "flow": flow, "values": dict(values)}
        letter = Post(_address(contact.rpartition("-")[2]), body)
        self._in_background(self._post(letter))

    def start(self, fill: Fill) -> None:
        """From here on what comes is filled in."""
        self._in_background(self._read(fill))

    async def close(self) -> None:
        """Stop; letters that have not gone out by now are lost."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.close()
        await self._reader.close()

    async def _post(self, letter: Post) -> None:
        try:
            await self._sender.post(letter)
        except (StoreRefused, StoreClosed) as why:
            log.error("a form did not reach its node", to=letter.to, why=str(why))

    async def _read(self, fill: Fill) -> None:
        seen = "0"
        while True:
            try:
                letters = await self._reader.letters(self._address, seen, wait=WAIT, whole=False)
                for each in letters:
                    self._fill_in(fill, each.body)
                    seen = each.id
                if letters:
                    await self._reader.take(self._address, seen)
            except AWAY:
                await asyncio.sleep(REST)

    def _fill_in(self, fill: Fill, body: Mapping[str, Any]) -> None:
        try:
            fill(body["contact"], body["flow"], body["values"])
        except Exception:
            # One letter that cannot be read must not hold up those behind it.
            log.exception("a form of another node could not be filled in")

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _address(node: str) -> str:
    return f"forms@{node}"
