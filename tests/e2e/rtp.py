"""The sound of a call as bare RTP: one UDP socket that sends PCMU and keys, and hears.

sipp can play a file but cannot tell what it received, and its key tones need raw sockets, so the
tests give sipp's calls this socket instead: its port goes into the session description.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from array import array
from collections import deque

from ivr.demo.ear import FRAME, FRAME_SECONDS, Ear, tone

KEYS = "0123456789*#ABCD"
KEY_FRAMES = 5  # 100 ms, then as long a gap
EVENTS = 101  # the payload type the scenarios offer for telephone-event
LAST_PACKETS = 3  # the end of an event is sent three times (RFC 4733, section 2.5.1.4)
SILENCE = b"\xff" * FRAME


def _decoded(code: int) -> int:
    code = ~code & 0xFF
    size = ((((code & 0x0F) << 3) + 132) << ((code & 0x70) >> 4)) - 132
    return -size if code & 0x80 else size


DECODED = [_decoded(code) for code in range(256)]


def _encoded(sample: int) -> int:
    size = min(abs(sample), 32635) + 132
    segment = size.bit_length() - 8
    return ~((0x80 if sample < 0 else 0) | segment << 4 | (size >> (segment + 3)) & 0x0F) & 0xFF


def ulaw(pcm: bytes) -> bytes:
    """16-bit samples in this machine's byte order as G.711 mu-law."""
    return bytes(_encoded(sample) for sample in array("h", pcm))


class RtpParty(asyncio.DatagramProtocol):
    """One end of a stream of sound. `packets` counts what came in, `keys` the keys among it."""

    def __init__(self) -> None:
        self.ear = Ear()
        self.packets = 0
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._sending: asyncio.Task[None] | None = None
        self._frames: deque[tuple[bytes, asyncio.Event | None]] = deque()
        self._key: tuple[int, int, asyncio.Event] | None = None
        self._humming = b""
        self._sequence = self._timestamp = self._key_began = 0
        self._last_key = -1

    @classmethod
    async def open(cls) -> RtpParty:
        """A party with a port of its own on the loopback."""
        loop = asyncio.get_running_loop()
        transport, party = await loop.create_datagram_endpoint(cls, ("127.0.0.1", 0))
        party.port = transport.get_extra_info("sockname")[1]
        return party
