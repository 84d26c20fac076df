"""One call's conversation with Asterisk: every command an `await`, every ending an exception.

`CallerHungUp`: the channel, or the session with it, is gone. `AsteriskRefused`: the call goes on
but this was not done. `AsteriskUnreachable`: no answer in time; the session is closed.
`ServiceFault`: our mistake, nothing was sent.

AGI says -1 both for "the caller hung up" and for "I cannot", such as a missing sound file. The two
must not be confused, so after a -1 the session asks for the channel's state: Asterisk reports a
hang-up before it reads another command, so that answer tells which it was.

One command at a time, and a coroutine that is cancelled while it waits for one leaves the answer
on its way: the session closes at once, and the dialplan carries the caller on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

import structlog

from ivr.agi.environment import AgiEnvironment
from ivr.agi.protocol import (
    AgiConnection,
    Broken,
    Closed,
    Event,
    Hangup,
    Reply,
)
from ivr.errors import AsteriskRefused, AsteriskUnreachable, CallerHungUp, ServiceFault

QUICK: Final = 10.0
"""Seconds within which Asterisk answers a command that waits for nobody."""

_KEYS: Final = re.compile(r"[0-9*#A-D]*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\(.*\))?")
_WORD: Final = re.compile(r"[A-Za-z0-9_-]+")
_CLOSING: Final = {")": "(", "]": "["}
_MOST_DIGITS: Final = 255  # Asterisk's own buffer holds 1,024 and is not checked against a request


class Ended(Enum):
    """Why a recording stopped."""

    KEY = "key"
    TIME = "time"
    HANGUP = "hangup"


@dataclass(frozen=True, slots=True)
class Recording:
    """`samples` at the file's rate (8,000 a second for wav); `key` is "" unless one ended it.

    Time and silence end alike. After HANGUP the file is whole and no further command will work.
    """

    ended: Ended
    key: str
    samples: int


class AgiSession:
    """The call on one FastAGI connection.

    `env` tells who calls. `hung_up` is set once nothing more can be said: the channel hung up,
    Asterisk closed, or the session was closed here.
    `channel_left` is true only when Asterisk said that the channel hung up or moved on: a socket
    that merely broke leaves the question open. `log` carries the call; add to it with `bind`.
    """

    def __init__(
        self,
        connection: AgiConnection,
        env: AgiEnvironment,
        transport: asyncio.Transport,
    ) -> None:
        self.env = env
        self.hung_up = asyncio.Event()
        self.channel_left = False
        self.on_question: Callable[[], None] = _nobody_waits
        """Told when keys begin to count as the answer to a question."""
        self.log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__).bind(
            channel=env.channel, uniqueid=env.uniqueid
        )
        self._connection = connection
        self._transport = transport
        self._waiter: asyncio.Future[Reply] | None = None

    def bind(self, **facts: str) -> None:
        """Add facts (such as `contact=`) to every log line of this call."""
        self.log = self.log.bind(**facts)

    def close(self) -> None:
        """End the session; the dialplan goes on after AGI(). A waiting command is abandoned."""
        self._end(CallerHungUp("the session was closed"))
        self._transport.abort()

    def feed(self, events: Iterable[Event]) -> None:
        """What the connection has read; called by the server."""
        for event in events:
            match event:
                case Reply():
                    self._answer(event)
                case Hangup():
                    self.channel_left = True
                    self.hung_up.set()
                case Closed():
                    self._end(CallerHungUp("Asterisk closed the session"))
                case Broken(reason):
                    self.log.error("agi.broken", reason=reason)
                    self._end(AsteriskRefused(f"Asterisk broke the AGI protocol: {reason}"))
                    self._transport.abort()
                case AgiEnvironment():
                    raise ServiceFault("a second environment reached the session")

    def _answer(self, reply: Reply) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(reply)

    def _end(self, error: Exception) -> None:
        self.hung_up.set()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    # -- commands

    async def command(self, verb: str, *args: str | int, timeout: float | None = None) -> Reply:
        """Send one command, return its reply, whatever it says. `timeout` in seconds.

        Raises CallerHungUp, AsteriskUnreachable (and closes) after `timeout`, ServiceFault for
        an illegal argument or a second command while one waits.
        """
        if self.hung_up.is_set():
            raise CallerHungUp(f"{verb} came after the session's end")
        line = self._connection.send_command(verb, *args)
        waiter: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiter = waiter
        self._transport.write(line)
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except TimeoutError:
            raise AsteriskUnreachable(f"no answer to {verb} within {timeout} s") from None
        finally:
            self._waiter = None
            if waiter.cancelled():
                self.close()
            else:
                waiter.exception()  # seen: a cancelled coroutine has no use for it

    async def answer(self) -> None:
        """Answer the channel; harmless when it is answered already."""
        await self._do("ANSWER", timeout=QUICK)

    async def hangup(self) -> None:
        """Hang the caller up. Commands after it raise CallerHungUp."""
        await self._do("HANGUP", timeout=QUICK)

    async def get_variable(self, name: str) -> str | None:
        """A channel variable or function such as CHANNEL(state); None when it is not set."""
        reply = await self._do("GET VARIABLE", _variable(name), timeout=QUICK)
        return reply.data if reply.result == 1 else None

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable, or write a function such as CALLERID(name)."""
        await self._do("SET VARIABLE", _variable(name), value, timeout=QUICK)

    async def stream_file(self, path: str, escape_digits: str = "") -> str:
        """Play a sound file (no extension); the key of `escape_digits` that ended it, or ""."""
        reply = await self._do("STREAM FILE", path, _keys(escape_digits))
        return _key(reply)

    async def get_data(self, path: str, timeout_ms: int, max_digits: int) -> tuple[str, bool]:
        """Play a file ("" for none) and collect keys: (digits without the final #, timed out).

        Any key ends the playing. `timeout_ms` is the longest wait for each key.
        """
        if not 1 <= max_digits <= _MOST_DIGITS or timeout_ms < 1:
            raise ServiceFault(f"GET DATA of {max_digits} digits within {timeout_ms} ms")
        reply = await self._do("GET DATA", path, timeout_ms, max_digits)
        return str(reply.result), reply.data == "timeout"

    async def wait_for_digit(self, timeout_ms: int) -> str:
        """The next key, or "" after `timeout_ms` (-1 waits for ever). Music goes on meanwhile."""
        limit = None if timeout_ms < 0 else timeout_ms / 1000 + QUICK
        return _key(await self._do("WAIT FOR DIGIT", timeout_ms, timeout=limit))

    async def record_file(
        self,
        path: str,
        *,
        max_ms: int,
        escape_digits: str = "#",
        file_format: str = "wav",
        beep: bool = True,
        silence_seconds: int = 0,
    ) -> Recording:
        """Record into `path`.`file_format` until a key, `max_ms`, silence, or the caller leaves."""
        args: list[str | int] = [path, file_format, _keys(escape_digits), max_ms]
        args += ["BEEP"] * beep + [f"s={silence_seconds}"] * (silence_seconds > 0)
        reply = await self._send("RECORD FILE", *args)
        if reply.data in {"hangup", "waitfor"}:
            return Recording(Ended.HANGUP, "", reply.endpos or 0)
        if reply.result == -1 or reply.data == "writefile":
            await self._explain("RECORD FILE", path)
        # Without a key the result is a left-over, such as the milliseconds that remained.
        key = _key(reply) if reply.data in {"dtmf", "randomerror"} else ""
        return Recording(Ended.KEY if key else Ended.TIME, key, reply.endpos or 0)

    async def set_music(self, on: bool, music_class: str = "default") -> None:
        """Music for this caller, on or off, in the background of what follows."""
        if on and not _WORD.fullmatch(music_class):
            raise ServiceFault(f"not a music class: {music_class!r}")
        await self._do("SET MUSIC", *(("ON", music_class) if on else ("OFF",)), timeout=QUICK)

    async def exec(self, app: str, *args: str, timeout: float | None = None) -> int:
        """Run a dialplan application; its result, of which -1 only when the caller is still here.

        `args` are joined by commas, so none may hold a comma outside parentheses, a quote or a
        backslash: text from outside goes through variables instead.
        """
        if not _WORD.fullmatch(app):
            raise ServiceFault(f"not an application: {app!r}")
        arguments = ",".join(_application_argument(text) for text in args)
        reply = await self._send("EXEC", app, *([arguments] if args else []), timeout=timeout)
        if reply.result == -2:
            raise AsteriskRefused(f"Asterisk has no application {app}")
        if reply.result == -1:
            await self._check_alive()
        return _number(reply)

    async def channel_status(self) -> int:
        """The channel's state as Asterisk counts it; 6 is answered."""
        return _number(await self._do("CHANNEL STATUS", timeout=QUICK))

    async def verbose(self, message: str, level: int = 1) -> None:
        """Write a line on Asterisk's console."""
        await self._do("VERBOSE", message, level, timeout=QUICK)

    # -- answers

    async def _send(self, verb: str, *args: str | int, timeout: float | None = None) -> Reply:
        """A reply whose code is 200."""
        reply = await self.command(verb, *args, timeout=timeout)
        if reply.code == 511:
            self.hung_up.set()
            raise CallerHungUp(f"the caller hung up before {verb}")
        if reply.code != 200:
            raise AsteriskRefused(f"{verb} was refused: {reply.code} {reply.data}")
        return reply

    async def _do(self, verb: str, *args: str | int, timeout: float | None = None) -> Reply:
        """A reply whose code is 200 and whose result is not -1."""
        reply = await self._send(verb, *args, timeout=timeout)
        if reply.result == -1:
            await self._explain(verb, *args)
        return reply

    async def _explain(self, verb: str, *args: str | int) -> None:
        await self._check_alive()
        raise AsteriskRefused(f"{verb} {' '.join(map(str, args))} failed; is the file there?")

    async def _check_alive(self) -> None:
        """Raises CallerHungUp when the -1 before this was a hang-up."""
        await self._send("CHANNEL STATUS", timeout=QUICK)
        if self.hung_up.is_set():
            raise CallerHungUp("the caller hung up")


# --- arguments and results --------------------------------------------------------------------


def _nobody_waits() -> None:
    """Only a rehearsal wants to know."""


def _variable(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ServiceFault(f"not a variable: {name!r}")
    return name


def _keys(digits: str) -> str:
    if not _KEYS.fullmatch(digits):
        raise ServiceFault(f"not keys of a phone: {digits!r}")
    return digits


def _number(reply: Reply) -> int:
    if not isinstance(reply.result, int):
        raise AsteriskRefused(f"a number was due, Asterisk said {reply.result!r}")
    return reply.result


def _key(reply: Reply) -> str:
    """The key, "" for none: SIP INFO lets a caller press what no phone has, such as "+" or "a"."""
    code = _number(reply)
    key = chr(code).upper() if 0 < code < 128 else ""
    return key if _KEYS.fullmatch(key) else ""


def _application_argument(text: str) -> str:
    """Asterisk splits at a comma outside quotes, parentheses and brackets; so none may be there."""
    depth = {"(": 0, "[": 0}
    for character in text:
        if character in depth:
            depth[character] += 1
        elif character in _CLOSING:
            depth[_CLOSING[character]] -= 1
        separates = character == "," and not any(depth.values())
        if separates or character in '"\\' or min(depth.values()) < 0:
            raise ServiceFault(f"{character!r} in an application's argument: {text[:80]!r}")
    if any(depth.values()):
        raise ServiceFault(f"something stays open in an application's argument: {text[:80]!r}")
    return text
