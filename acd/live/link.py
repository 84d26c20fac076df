"""One connection to Redis, set so that nothing happens twice or waits for ever.

redis-py's client pools connections, repeats commands by itself and shares its settings between
calls that must answer at once and calls that wait for news. A lost reply then runs a command twice,
and a frozen server holds a caller for many times the time-out. So a link is one bare connection:
- one command at a time, each with its own time limit; scripts are never repeated here;
- after any failure, a cancelled call included, the connection is dropped: a late reply can never be
  taken for the answer to something else;
- every failure to get an answer is StoreUnreachable, and means that nothing is known. What a server
  says while it loads its file, is a replica, or has no room counts as such: asking later helps.

`insist` asks again, with growing pauses, what may be asked again. What a URL may be is said in
`acd.live.address`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AuthenticationError,
    ClusterDownError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as ConnectionLost

from acd.live.address import address_of
from acd.live.store import StoreRefused, StoreUnreachable

TIMEOUT = 1.0
"""Seconds a server has to answer, and a connection to be made."""
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.5

_ASK_LATER = (
    OutOfMemoryError,
    ReadOnlyError,
    MasterDownError,
    ClusterDownError,
    TryAgainError,
)
_ASK_LATER_WORDS = ("MISCONF", "NOREPLICAS", "BUSY ", "UNBLOCKED")

Argument = str | int | float


class Script(NamedTuple):
    """A Lua script and the name Redis knows it by."""

    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """The script of that name, read from this package."""
    text = resources.files("acd.live").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class Link:
    """A connection to the server at `url`, made when it is first needed and again after a loss."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self.timeout = timeout
        self._address = address_of(url, timeout)
        self._connection: AbstractConnection | None = None
        self._turn = asyncio.Lock()

    async def ask(self, *command: Argument, wait: float = 0.0) -> Any:
        """What the server answers to a command that may be asked twice; it may take `wait` seconds.

        That a server has closed an idle connection is noticed only now: it is then asked once more.
        """
        async with self._turn:
            idle = self._connection is not None
            try:
                return await self._limited(lambda: self._ask(command), wait)
            except StoreUnreachable as lost:
                cause = lost.__cause__
                dropped = isinstance(cause, ConnectionLost | OSError)
                if not idle or not dropped or isinstance(cause, TimeoutError):
                    raise
                return await self._limited(lambda: self._ask(command), wait)

    async def run(self, which: Script, keys: Sequence[str], values: Sequence[Argument]) -> Any:
        """What a script answers."""
        async with self._turn:
            return await self._limited(lambda: self._run(which, keys, values), 0.0)

    async def close(self) -> None:
        """Drop the connection; it comes back when it is needed."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.disconnect(nowait=True)

    async def _limited(self, ask: Callable[[], Awaitable[Any]], wait: float) -> Any:
        try:
            async with asyncio.timeout(self.timeout + wait):
                return await ask()
        except ResponseError as refused:
            later = isinstance(refused, _ASK_LATER) or str(refused).startswith(_ASK_LATER_WORDS)
            if not later:
                raise StoreRefused(f"the store refuses: {refused}") from refused
            await self.close()  # another server may be the one to ask by now
            raise StoreUnreachable(f"the store cannot answer now: {refused}") from refused
        except AuthenticationError as refused:
            await self.close()
            raise StoreRefused(f"the store refuses user or password: {refused}") from refused
        except (RedisError, OSError, TimeoutError) as lost:
            await self.close()
            why = str(lost) or "no answer in time"
            raise StoreUnreachable(f"the store does not answer: {why}") from lost
        except BaseException:
            await self.close()
            raise

    async def _ask(self, command: Sequence[Argument]) -> Any:
        if self._connection is None:
            self._connection = await self._address.connection()
        await self._connection.send_command(*command)
        return await self._connection.read_response()

    async def _run(self, which: Script, keys: Sequence[str], values: Sequence[Argument]) -> Any:
        try:
            return await self._ask(("EVALSHA", which.sha, len(keys), *keys, *values))
        except NoScriptError:
            return await self._ask(("EVAL", which.text, len(keys), *keys, *values))


async def insist(
    ask: Callable[[], Awaitable[Any]], on_trouble: Callable[[str], None] = lambda _: None
) -> Any:
    """Ask until there is an answer; only for what may be asked twice."""
    pause = 0.0
    while True:
        try:
            answer = await ask()
        except StoreUnreachable as silent:
            on_trouble(str(silent))
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE) or FIRST_PAUSE
        else:
            on_trouble("")
            return answer
