"""A scripted Asterisk for tests: one call to an AGI server over a real socket.

It plays by the rules at the top of protocol.py, as far as they concern Asterisk, and keeps a list
of the command lines that it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

Answers = Mapping[str, str | Callable[[str], str]]
"""Reply by the start of a command line, longest first: text, or a function of the whole line."""

ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agi_network": "yes",
        "agi_network_script": "call",
        "agi_request": "agi://127.0.0.1/call",
        "agi_channel": "PJSIP/line-00000001",
        "agi_language": "en",
        "agi_type": "PJSIP",
        "agi_uniqueid": "1700000000.1",
        "agi_version": "22.10.1",
        "agi_callerid": "+4930123456",
        "agi_calleridname": "Alice",
        "agi_callingpres": "0",
        "agi_callingani2": "0",
        "agi_callington": "0",
        "agi_callingtns": "0",
        "agi_dnid": "100",
        "agi_rdnis": "unknown",
        "agi_context": "inbound",
        "agi_extension": "100",
        "agi_priority": "2",
        "agi_enhanced": "0.0",
        "agi_accountcode": "",
        "agi_threadid": "140219274979008",
    }
)

ANSWERS: Final[Answers] = MappingProxyType(
    {
        "CHANNEL STATUS": "200 result=6",
        "GET VARIABLE": "200 result=0",
        "GET DATA": "200 result= (timeout)",
        "HANGUP": "200 result=1",
        "RECORD FILE": "200 result=0 (timeout) endpos=8000",
        "SET VARIABLE": "200 result=1",
        "STREAM FILE": "200 result=0 endpos=8000",
        "VERBOSE": "200 result=1",
    }
)


def environment(*args: str, **headers: str) -> bytes:
    """What Asterisk says first; `headers` by their name without agi_, `args` as of AGI()."""
    block = dict(ENVIRONMENT) | {f"agi_{name}": value for name, value in headers.items()}
    block |= {f"agi_arg_{number}": value for number, value in enumerate(args, 1)}
    return "".join(f"{name}: {value}\n" for name, value in block.items()).encode() + b"\n"


def _answer(answers: Answers, line: str) -> str | Callable[[str], str] | None:
    starts = [start for start in answers if line.startswith(start)]
    return answers[max(starts, key=len)] if starts else None


class FakeCall:
    """One call. `commands` grows as the server speaks; nothing is answered before `play`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.commands: list[str] = []
        self._reader = reader
        self._writer = writer

    @classmethod
    async def dial(cls, host: str, port: int, opening: bytes | None = None) -> FakeCall:
        """Connect and say `opening`, an environment unless told otherwise."""
        call = cls(*await asyncio.open_connection(host, port))
        try:
            await call.say(environment() if opening is None else opening)
        except ConnectionError:
            await call.close()
            raise
        return call

    async def say(self, data: bytes | str) -> None:
        """Send bytes as they are, or one line of text."""
        self._writer.write(data if isinstance(data, bytes) else f"{data}\n".encode())
        await self._writer.drain()

    async def hear(self) -> str | None:
        """The next command line; None once the server has closed."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        if not line.endswith(b"\n"):
            return None
        self.commands.append(line.decode().rstrip("\n"))
        return self.commands[-1]

    async def play(self, answers: Answers = MappingProxyType({})) -> list[str]:
        """Answer every command until the server closes; all the commands it sent."""
        while (line := await self.hear()) is not None:
            answer = _answer(answers, line) or _answer(ANSWERS, line) or "200 result=0"
            await self.say(answer if isinstance(answer, str) else answer(line))
        return self.commands

    async def hang_up(self) -> None:
        """Close as Asterisk does with AGIEXITONHANGUP: a HANGUP line, then the end."""
        await self.say("HANGUP")
        await self.close()

    async def close(self) -> None:
        """Close the socket without a word."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def closed_by_server(self) -> None:
        """Return when the server has closed, whatever it still sent."""
        while await self.hear() is not None:
            pass
