"""What nodes that share a Redis hold in common besides queues and agents: passes, and tries.

Every call is one script, or one look and one script, over one connection. Whoever asks while the
server is away waits a second at the most, and whoever asks soon after that does not wait at all.
The keys are at the top of `acd/live/lua/passes.lua` and `tries.lua`.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, TypeVar

from acd.live.link import TIMEOUT, Argument, Link, script
from acd.live.store import StoreUnreachable
from ivr.backends.attempts import AWAY, Record, admitted, given_back, record_from, record_text
from ivr.backends.courier import Courier
from ivr.backends.services import Lockout
from ivr.backends.shelves import Kind, Pass

T = TypeVar("T")

REST: Final = 2.0
"""Seconds for which a server that did not answer is not asked again."""
SPARE: Final = 60.0
"""Seconds for which a thing is kept beyond its time: the clocks of nodes differ a little."""


class Common:
    """The Redis at `url`, under the name of the domain, for this node; `close` it in the end."""

    def __init__(self, url: str, domain: str, node: str, *, timeout: float = TIMEOUT) -> None:
        self.courier = Courier(url, domain, node)
        self.base = f"tieline:{{{domain}}}:"
        self._link = Link(url, timeout=timeout)
        self._turn = asyncio.Lock()
        self._rests_until = 0.0

    def shelf(self) -> SharedShelf:
        """Where all nodes keep passes."""
        return SharedShelf(self)

    def attempts(self) -> SharedAttempts:
        """Where all nodes count tries."""
        return SharedAttempts(self)

    async def run(self, name: str, key: str, *values: Argument) -> Any:
        """What the script of that name answers. Raises StoreUnreachable, StoreRefused."""
        return await self._ask(lambda: self._link.run(script(name), (key,), values))

    async def look(self, key: str, field: str) -> str:
        """That field of a hash, "" when there is none. Raises as `run` does."""
        return await self._ask(lambda: self._link.ask("HGET", key, field)) or ""

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:  # of many who ask a silent server, one waits for it
            if time.monotonic() < self._rests_until:
                raise StoreUnreachable("the store did not answer a moment ago")
            try:
                return await ask()
            except AWAY:
                self._rests_until = time.monotonic() + REST
                raise

    async def close(self) -> None:
        """Drop the connections."""
        await self.courier.close()
        await self._link.close()


class SharedShelf:
    """`Shelf` for all nodes."""

    def __init__(self, common: Common) -> None:
        self._common = common

    async def keep(self, digest: str, made: Pass, now: float) -> bool:
        """See `Shelf`."""
        about = json.dumps(made.about)  # in ASCII: a service may have told halves of characters
        lives = math.ceil(made.expires - now + SPARE)
        what = (digest, made.kind, made.contact, about, repr(made.expires), repr(now), lives)
        return bool(await self._run("keep", *what))

    async def find(self, digest: str, kind: Kind, now: float, *, take: bool) -> Pass | None:
        """See `Shelf`."""
        found = await self._run("take" if take else "look", digest, kind, repr(now))
        if found is None:
            return None
        contact, about, expires = found
        return Pass(kind, contact, float(expires), json.loads(about))

    async def move(self, before: str, after: str) -> None:
        """See `Shelf`."""
        await self._run("move", before, after)

    async def forget(self, contacts: Collection[str]) -> None:
        """See `Shelf`."""
        await self._run("forget", *contacts)

    async def _run(self, *values: Argument) -> Any:
        return await self._common.run("passes", self._common.base, *values)


class SharedAttempts:
    """`Attempts` for all nodes. A record is changed only if it is still as it was seen."""

    def __init__(self, common: Common) -> None:
        self._common = common

    async def admit(self, subject: str, rules: Lockout, now: float) -> bool:
        """Whether one more try may be made; if so, it is counted as failed."""
        return await self._change(
            subject,
            lambda record: admitted(record, rules, now),
            lambda after: max(after.until, now + rules.within) - now,
        )

    async def give_back(self, subject: str, rules: Lockout, at: float) -> None:
        """The try admitted at that moment could not be compared."""
        await self._change(
            subject,
            lambda record: given_back(record, rules, at),
            lambda after: max(after.until - at, rules.within),
        )

    async def forgive(self, subject: str) -> None:
        """The subject begins anew."""
        await self._change(subject, lambda _: Record(), lambda _: 0.0)

    async def locked(self, subject: str, now: float) -> bool:
        """Whether no try would be admitted."""
        return now < record_from(await self._common.look(self._key(subject), "record")).until

    async def _change(
        self,
        subject: str,
        change: Callable[[Record], Record | None],
        lives: Callable[[Record], float],
    ) -> bool:
        """Whether there was a change to be made; made once, whoever else counts this subject."""
        key = self._key(subject)
        while True:
            before = await self._common.look(key, "record")
            after = change(record_from(before))
            if after is None:
                return False
            text = record_text(after) if after != Record() else ""
            seconds = math.ceil(lives(after) + SPARE)
            if await self._common.run("tries", key, before, text, seconds):
                return True

    def _key(self, subject: str) -> str:
        return f"{self._common.base}tries:{subject}"
