"""SIP phones on one UDP port, next to silent: agents who pick up at once, callers who wait.

Small on purpose: what is measured is when a message came in, so nothing stands between the socket
and the clock. Loopback loses nothing while the socket is read; an INVITE that is sent again gets
the same answer again.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

LOOPBACK = "127.0.0.1"
BUFFER = 4 << 20
RESEND = 0.5
"""Seconds until a request that got no answer at all is sent once more (T1, RFC 3261 17.1.1.2)."""
SPOKEN = 5
"""Packets of sound that a caller sends, 20 ms each."""

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


@dataclass(slots=True, eq=False)
class Leg:
    """One call at one of our phones. `user` is the phone, `other` who calls or is called.

    `rang_at` is when its INVITE came or went, `time.monotonic()`. `local` and `remote` are the From
    and To of what this side sends.
    """

    call_id: str
    user: str
    other: str
    rang_at: float
    local: str
    remote: str = ""
    target: str = ""
    cseq: int = 1
    incoming: bool = False
    up: bool = False
    over: bool = False
    answer: bytes = b""
    heard: set[str] = field(default_factory=set)


class Phones(asyncio.DatagramProtocol):
    """All phones. `on_ring` is called when an agent's INVITE came, `on_end` when a leg is over."""

    def __init__(self, exchange: tuple[str, int]) -> None:
        self.exchange = exchange
        self.port = 0
        self.legs: dict[str, Leg] = {}
        self.on_ring: Callable[[Leg], None] = lambda _leg: None
        self.on_end: Callable[[Leg], None] = lambda _leg: None
        self.refused: list[str] = []
        self._numbers = count(1)
        self._wire: asyncio.DatagramTransport
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def open(self, port: int) -> None:
        """Listen; the sound goes to a socket that nobody reads."""
        self._sink.bind((LOOPBACK, 0))
        loop = asyncio.get_running_loop()
        self._wire, _ = await loop.create_datagram_endpoint(lambda: self, (LOOPBACK, port))
        self.port = port
        raw = self._wire.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)

    def close(self) -> None:
        """Listen no more."""
        self._wire.close()
        self._sink.close()

    # --- what a phone does -----------------------------------------------------------------------

    def call(self, caller: str, number: str) -> Leg:
        """Dial a number."""
        name = f"{next(self._numbers)}-{caller}"
        host, port = self.exchange
        local = f"<sip:{caller}@{LOOPBACK}:{self.port}>;tag=c{name}"
        target = f"sip:{number}@{host}:{port}"
        leg = Leg(name, caller, number, time.monotonic(), local, f"<{target}>", target)
        self.legs[name] = leg
        self._ask(leg, "INVITE", self._sdp())
        asyncio.get_running_loop().call_later(RESEND, self._again, leg, "INVITE", self._sdp())
        return leg

    def hang_up(self, leg: Leg) -> None:
        """End a call that is up, or one that was dialled."""
        if leg.over:
            return
        if leg.up or leg.incoming:
            leg.cseq += 1
            self._ask(leg, "BYE")
            asyncio.get_running_loop().call_later(RESEND, self._again, leg, "BYE", "")
            self._finish(leg)
        else:
            self._ask(leg, "CANCEL")

    def _again(self, leg: Leg, method: str, body: str) -> None:
        if method not in leg.heard and not (method == "INVITE" and leg.over):
            self._ask(leg, method, body)

    def _finish(self, leg: Leg) -> None:
        if not leg.over:
            leg.over = True
            self.on_end(leg)
            asyncio.get_running_loop().call_later(5.0, self.legs.pop, leg.call_id, None)

    # --- the wire --------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """One message."""
        at = time.monotonic()
        text = data.decode(errors="replace")
        if text.startswith("SIP/2.0 "):
            self._answered(text)
        else:
            self._asked(text, at)

    def _asked(self, text: str, at: float) -> None:
        method = text.partition(" ")[0]
        leg = self.legs.get(_header(text, "Call-ID"))
        if method == "ACK":
            return
        if method == "INVITE":
            if leg is None:
                leg = self._incoming(text, at)
                self._reply(text, leg.local, self._sdp(), leg)
                self.on_ring(leg)
            else:
                self._reply(text, leg.local, self._sdp(), leg)
            return
        self._reply(text, "", "")
        if method in ("BYE", "CANCEL") and leg is not None:
            self._finish(leg)

    def _incoming(self, text: str, at: float) -> Leg:
        to, caller = _header(text, "To"), _header(text, "From")
        user = text[len("INVITE sip:") :].partition("@")[0]
        number = re.search(r"sip:([^@>]+)@", caller)
        name = _header(text, "Call-ID")
        leg = Leg(name, user, number[1] if number else "", at, f"{to};tag=a{next(self._numbers)}")
        leg.remote, leg.target, leg.incoming = caller, _target(text), True
        self.legs[name] = leg
        return leg

    def _answered(self, text: str) -> None:
        leg = self.legs.get(_header(text, "Call-ID"))
        if leg is None:
            return
        status, method = int(text[8:11]), _header(text, "CSeq").partition(" ")[2]
        leg.heard.add(method)
        if method != "INVITE" or status < 200:
            return
        leg.remote = _header(text, "To")
        if status < 300:
            leg.target = _target(text)
        self._ask(leg, "ACK")
        if status < 300:
            if not leg.up:
                self._speak(text, SPOKEN)
            leg.up = True
        else:
            if status != 487:
                self.refused.append(text.partition("\r\n")[0])
            self._finish(leg)

    def _speak(self, text: str, left: int) -> None:
        """A tenth of a second of silence: Asterisk's `Answer` waits half a second for sound."""
        port = re.search(r"(?m)^m=audio (\d+)", text)
        if port is None or self._wire.is_closing():
            return
        number = SPOKEN - left
        head = struct.pack("!BBHII", 0x80, 0, number, number * 160, 1)
        self._sink.sendto(head + b"\xff" * 160, (LOOPBACK, int(port[1])))
        if left > 1:
            asyncio.get_running_loop().call_later(0.02, self._speak, text, left - 1)

    def _ask(self, leg: Leg, method: str, body: str = "") -> None:
        number = 1 if method in ("ACK", "CANCEL") else leg.cseq
        kind = "Content-Type: application/sdp\r\n" if body else ""
        branch = f"z9hG4bK{leg.call_id}-{number}" + ("-ack" if method == "ACK" else "")
        self._send(
            f"{method} {leg.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {LOOPBACK}:{self.port};branch={branch}\r\n"
            f"From: {leg.local}\r\nTo: {leg.remote}\r\nCall-ID: {leg.call_id}\r\n"
            f"CSeq: {number} {method}\r\nContact: <sip:{leg.user}@{LOOPBACK}:{self.port}>\r\n"
            f"Max-Forwards: 70\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _reply(self, text: str, to: str, body: str, leg: Leg | None = None) -> None:
        copied = "".join(f"Via: {via}\r\n" for via in re.findall(r"(?mi)^Via: *(.*?)\r?$", text))
        kind = "Content-Type: application/sdp\r\n" if body else ""
        contact = f"Contact: <sip:{leg.user}@{LOOPBACK}:{self.port}>\r\n" if leg else ""
        self._send(
            f"SIP/2.0 200 OK\r\n{copied}From: {_header(text, 'From')}\r\n"
            f"To: {to or _header(text, 'To')}\r\nCall-ID: {_header(text, 'Call-ID')}\r\n"
            f"CSeq: {_header(text, 'CSeq')}\r\n{contact}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _send(self, text: str) -> None:
        if not self._wire.is_closing():
            self._wire.sendto(text.encode(), self.exchange)

    def _sdp(self) -> str:
        return SDP.format(port=self._sink.getsockname()[1])


def _header(text: str, name: str) -> str:
    match = re.search(rf"(?mi)^{name}: *(.*?)\r?$", text)
    return match[1] if match else ""


def _target(text: str) -> str:
    match = re.search(r"<([^>]+)>", _header(text, "Contact"))
    return match[1] if match else ""
