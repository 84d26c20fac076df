"""Bad sockets for the AGI port, and a stopwatch that tells how late the service is meanwhile."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

HALF = (
    b"agi_network: yes\nagi_network_script: call\nagi_request: agi://x/call\nagi_channel: PJSIP/x\n"
)
WHOLE = HALF + b"agi_uniqueid: u\nagi_context: c\nagi_extension: s\nagi_priority: 1\n"

Writer = asyncio.StreamWriter


async def _says(writer: Writer, what: bytes) -> None:
    writer.write(what)


async def _drips(writer: Writer) -> None:
    for letter in HALF:
        writer.write(bytes([letter]))
        await asyncio.sleep(1)


async def _closes(writer: Writer) -> None:
    writer.close()


BAD: Mapping[str, Callable[[Writer], Awaitable[None]]] = {
    "connects and closes": _closes,
    "says nothing": lambda writer: _says(writer, b""),
    "a header of 1 MB": lambda writer: _says(writer, b"agi_x: " + b"x" * 1_000_000),
    "a million bytes of headers": lambda writer: _says(
        writer, b"".join(b"agi_x%d: y\n" % n for n in range(80_000))
    ),
    "one byte a second": _drips,
    "half an environment": lambda writer: _says(writer, HALF),
    "the same header twice": lambda writer: _says(writer, HALF + HALF),
    "a forged argument": lambda writer: _says(writer, b"agi_arg_1: x\n" + WHOLE + b"\n"),
    "no such route": lambda writer: _says(writer, WHOLE.replace(b"call", b"../x") + b"\n"),
    "garbage": lambda writer: _says(writer, random.Random(1).randbytes(5000)),
    "HTTP": lambda writer: _says(writer, b"GET /call HTTP/1.1\r\nHost: x\r\n\r\n"),
}
"""What a socket does once it is connected."""


async def lifetime(port: int, kind: str) -> float:
    """Seconds until the service closed a socket of this kind."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    acting = asyncio.ensure_future(BAD[kind](writer))
    try:
        async with asyncio.timeout(10):
            while await reader.read(65536):
                pass
    except ConnectionError:
        pass
    finally:
        ended = time.monotonic()
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        writer.close()
    return ended - began


# --- the stopwatch ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lateness:
    """Milliseconds that answers of the service took.

    `worst` as they came; `own` without the time in which the machine ran something else.
    """

    answers: int
    median: float
    worst: float
    own: float


_STOPWATCH = r"""
import json, select, socket, sys, time

def waited(pid):
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[1]) / 1e9

port, pid = int(sys.argv[1]), int(sys.argv[2])
line = socket.create_connection(("127.0.0.1", port))
line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
all_ms, own_ms = [], []
while not select.select([sys.stdin], [], [], 0.005)[0]:
    before = waited(pid) + waited("self")
    began = time.monotonic()
    line.sendall(b"POST /console/text HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    answer = b""
    while not answer.endswith(b"404: Not Found"):
        answer += line.recv(4096)
    took = time.monotonic() - began
    all_ms.append(took * 1000)
    own_ms.append(max(0.0, took - (waited(pid) + waited("self") - before)) * 1000)
print(json.dumps([len(all_ms), sorted(all_ms)[len(all_ms) // 2], max(all_ms), max(own_ms)]))
"""


@asynccontextmanager
async def stopwatch(console_port: int, pid: int, into: list[Lateness]) -> AsyncIterator[None]:
    """Asks the service's console 150 times a second, from a process of its own.

    The question goes through the same event loop as every call, so its answer is as late as they.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _STOPWATCH, str(console_port), str(pid)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield
        told, _ = await process.communicate(b"\n")
        into.append(Lateness(*json.loads(told)))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
