"""The sound of a call as bare RTP: one UDP socket that sends PCMU and keys, and hears.

sipp can play a file but cannot tell what it received, and its key tones need raw sockets, so the
tests give sipp's calls this socket instead: its port goes into the session description.
"""

from __future__ import annotations

import asyncio
import struct
import time
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ivr.demo.ear import FRAME, FRAME_SECONDS, Ear, tone

HEADER = struct.Struct("!BBHII")
PCMU = 0
EVENTS = 101
"""The payload type the scenarios offer for telephone-event."""
KEYS_BY_EVENT = "0123456789*#ABCD"
KEY_FRAMES = 5  # 100 ms
LAST_PACKETS = 3  # the end of an event is sent three times (RFC 4733, section 2.5.1.4)
VOLUME = 10  # dB below the reference
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


def key_slots(key: str) -> Iterator[Slot]:
    """One pressed key, slot by slot, with the gap that follows it."""
    event = KEYS_BY_EVENT.index(key)
    for number in range(1, KEY_FRAMES + LAST_PACKETS):
        end = 0x80 if number >= KEY_FRAMES else 0
        length = min(number, KEY_FRAMES) * FRAME
        yield Slot(struct.pack("!BBH", event, end | VOLUME, length), event=True, first=number == 1)
    for _ in range(KEY_FRAMES):
        yield Slot(SILENCE)


@dataclass(frozen=True, slots=True)
class Slot:
    """What goes out in one 20 ms: sound, or a report of the key held down."""

    payload: bytes
    event: bool = False
    first: bool = False


class RtpParty(asyncio.DatagramProtocol):
    """One end of a stream of sound: `ear` hears, `packets` counts, `keys` collects what came in."""

    def __init__(self) -> None:
        self.ear = Ear()
        self.packets = 0
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._sending: asyncio.Task[None] | None = None
        self._slots: deque[Slot] = deque()
        self._sent = asyncio.Event()
        self._humming = b""
        self._sequence = self._timestamp = self._key_began = 0
        self._last_key: int | None = None

    @classmethod
    async def open(cls) -> RtpParty:
        """A party with a port of its own on the loopback."""
        loop = asyncio.get_running_loop()
        transport, party = await loop.create_datagram_endpoint(cls, ("127.0.0.1", 0))
        party._transport = transport
        party.port = transport.get_extra_info("sockname")[1]
        return party

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < HEADER.size or data[0] >> 6 != 2:
            return
        _, kind, _, timestamp, _ = HEADER.unpack_from(data)
        payload = data[HEADER.size + 4 * (data[0] & 0x0F) :]
        self.packets += 1
        if kind & 0x7F == PCMU:
            self.ear.feed(array("h", (DECODED[code] for code in payload)).tobytes())
        elif kind & 0x7F == EVENTS and payload[1] & 0x80 and timestamp != self._last_key:
            self._last_key = timestamp
            self.keys.put_nowait(KEYS_BY_EVENT[payload[0]])

    def begin(self, remote: tuple[str, int]) -> None:
        """Sends to `remote` from now on: what was asked for, else silence. Asked again: nothing."""
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(remote))

    async def speak(self, sound: bytes | float, seconds: float = 1.0) -> None:
        """Says samples or a tone, as `Line.speak` does; returns when it has been sent."""
        coded = ulaw(sound if isinstance(sound, bytes) else tone(sound, seconds))
        frames = [coded[at : at + FRAME] for at in range(0, len(coded), FRAME)]
        await self._say(Slot(frame.ljust(FRAME, b"\xff")) for frame in frames)

    async def press(self, keys: str) -> None:
        """Presses keys as RFC 4733 events of 100 ms, 100 ms apart; returns after the last."""
        await self._say(slot for key in keys for slot in key_slots(key))

    async def key(self, timeout: float = 10.0) -> str:
        """The next key the other side pressed."""
        async with asyncio.timeout(timeout):
            return await self.keys.get()

    def hum(self, frequency: int) -> None:
        """A steady tone whenever nothing else is to be said; 0 ends it."""
        self._humming = ulaw(tone(frequency, 1.0)) if frequency else b""

    async def close(self) -> None:
        """Sends and hears nothing more."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
        self.ear.close()
        self._sent.set()

    async def _say(self, slots: Iterable[Slot]) -> None:
        self._slots.extend(slots)
        self._sent.clear()
        await self._sent.wait()

    async def _send(self, remote: tuple[str, int]) -> None:
        due = time.monotonic()
        while True:
            slot = self._next()
            if slot.first:
                self._key_began = self._timestamp
            kind = EVENTS if slot.event else PCMU
            header = HEADER.pack(
                0x80,
                kind | (0x80 if slot.first else 0),
                self._sequence,
                self._key_began if slot.event else self._timestamp,
                id(self) & 0xFFFFFFFF,
            )
            assert self._transport is not None
            self._transport.sendto(header + slot.payload, remote)
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
            due += FRAME_SECONDS
            await asyncio.sleep(due - time.monotonic())

    def _next(self) -> Slot:
        if self._slots:
            return self._slots.popleft()
        self._sent.set()
        if not self._humming:
            return Slot(SILENCE)
        at = self._timestamp % len(self._humming)
        return Slot(self._humming[at : at + FRAME])
