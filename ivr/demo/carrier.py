"""The other end of the trunk: a carrier with one customer, whose telephone is registered there.

The phone registers at the carrier, not at Tieline. Whatever number of the outside Tieline dials
over the trunk, that phone rings. Between the two the carrier passes SIP on as it comes, and only
writes the phone's own address into what Tieline asks for; sound goes from one to the other.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PORT: Final = 5060
"""Where Tieline looks for a trunk: settings name no port."""

Address = tuple[str, int]

_TARGET: Final = re.compile(rb"\A([A-Z]+) sips?:[^ ]+ SIP/2\.0")
_REGISTRAR: Final = b"carrier"
_COPIED: Final = (b"via", b"from", b"to", b"call-id", b"cseq", b"contact", b"expires")
_SHORT: Final = {b"v": b"via", b"f": b"from", b"t": b"to", b"i": b"call-id", b"m": b"contact"}


class Carrier(asyncio.DatagramProtocol):
    """One UDP socket; `exchange` is where Tieline listens for SIP."""

    def __init__(self, exchange: Address) -> None:
        self._exchange = exchange
        self._phone: Address | None = None
        self._contact = b""
        self._socket: asyncio.DatagramTransport

    @classmethod
    @asynccontextmanager
    async def at(cls, host: str, exchange: Address, port: int = PORT) -> AsyncIterator[Carrier]:
        """Carry between the exchange and a phone; raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        transport, carrier = await loop.create_datagram_endpoint(
            lambda: cls(exchange), local_addr=(host, port)
        )
        carrier._socket = transport
        try:
            yield carrier
        finally:
            transport.close()

    def datagram_received(self, data: bytes, source: Address) -> None:
        """See `asyncio.DatagramProtocol`."""
        if source == self._exchange:
            if self._phone is not None:
                self._socket.sendto(self._for_the_phone(data), self._phone)
        elif data.startswith(b"REGISTER "):
            self._register(data, source)
        elif source == self._phone:
            self._socket.sendto(data, self._exchange)

    def _for_the_phone(self, data: bytes) -> bytes:
        """A request asks for the number that was dialled; the phone knows itself by another."""
        match = _TARGET.match(data)
        if match is None:
            return data
        return b"%s %s SIP/2.0%s" % (match[1], self._contact, data[match.end() :])

    def _register(self, data: bytes, source: Address) -> None:
        """RFC 3261, section 10.3, for a house with one phone that everybody knows."""
        lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        copied = [line for line in lines if _name(line) in _COPIED]
        found = (re.search(rb"<([^>]+)>", each) for each in copied if _name(each) == b"contact")
        contact = next((match[1] for match in found if match), b"")
        if contact:
            self._phone, self._contact = source, contact
        tagged = (line + b";tag=" + _REGISTRAR if _name(line) == b"to" else line for line in copied)
        answer = (b"SIP/2.0 200 OK", *tagged, b"Content-Length: 0", b"", b"")
        self._socket.sendto(b"\r\n".join(answer), source)


def _name(line: bytes) -> bytes:
    name = line.partition(b":")[0].strip().lower()
    return _SHORT.get(name, name)
