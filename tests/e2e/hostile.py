"""A SIP phone that sends exactly the bytes it is given, well-formed or not, and keeps what it gets.

It answers what a polite phone answers (BYE, CANCEL, NOTIFY, OPTIONS) and rings on INVITE, so that
it can also be an agent's phone whose ringing is looked at byte by byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
_COMPACT = {b"f": b"from", b"t": b"to", b"m": b"contact", b"v": b"via", b"i": b"call-id"}


@dataclass(frozen=True, slots=True)
class Sip:
    """One SIP message as it came: its lines, nothing interpreted but names of headers."""

    raw: bytes

    @property
    def first_line(self) -> str:
        """The request line or the status line."""
        return self.raw.split(b"\r\n", 1)[0].decode("utf-8", "replace")

    @property
    def status(self) -> int:
        """The status of an answer; 0 for a request."""
        match = re.match(r"SIP/2\.0 (\d{3})", self.first_line)
        return int(match[1]) if match else 0

    @property
    def method(self) -> str:
        """What is asked, or what an answer belongs to."""
        return self.one("CSeq").split()[-1]

    @property
    def names(self) -> list[str]:
        """The names of all headers, in order, in small letters."""
        return [name.decode("utf-8", "replace") for name, _ in self._headers()]

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        wanted = name.lower().encode()
        return [value.decode("utf-8", "replace") for n, value in self._headers() if n == wanted]

    def one(self, name: str) -> str:
        """The first value of a header; "" when there is none."""
        return next(iter(self.all(name)), "")

    def _headers(self) -> list[tuple[bytes, bytes]]:
        head = self.raw.partition(b"\r\n\r\n")[0]
        lines = re.split(rb"[\r\n]+", head)[1:]
        pairs = (line.partition(b":") for line in lines)
        named = ((name.strip().lower(), value.strip()) for name, _, value in pairs)
        return [(_COMPACT.get(name, name), value) for name, value in named]


def sdp(port: int, session: bytes = b"-") -> bytes:
    """An offer, or answer, of mu-law on the loopback."""
    lines = (
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=" + session,
        b"c=IN IP4 127.0.0.1\r\nt=0 0",
        b"m=audio %d RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n" % port,
    )
    return b"\r\n".join(lines)


@dataclass(slots=True)
class Leg:
    """A call that is up, or rings: what is needed to go on with it. `invite` opened it."""

    phone: RawPhone
    invite: Sip
    answer: Sip | None
    local: bytes
    remote: bytes
    target: bytes
    cseq: int = 1

    async def ask(self, method: str, *headers: bytes, body: bytes = b"") -> Sip | None:
        """A request inside the call; its final answer, None when none came."""
        self.cseq += 1
        call_id = self.invite.one("Call-ID").encode()
        return await self.phone.ask(
            method,
            self.target,
            From=self.local,
            To=self.remote,
            call_id=call_id,
            cseq=self.cseq,
            more=headers,
            body=body,
        )

    async def hang_up(self) -> None:
        """BYE."""
        await self.ask("BYE")


@dataclass(slots=True)
class RawPhone(asyncio.DatagramProtocol):
    """One UDP socket. `ringing` takes INVITEs, `heard` everything; `seconds` to wait for answers."""

    exchange: str
    user: str = ""
    password: str = ""
    seconds: float = 3.0
    port: int = 0
    media: int = 0
    heard: list[Sip] = field(default_factory=list)
    ringing: asyncio.Queue[Sip] = field(default_factory=asyncio.Queue)
    _transport: asyncio.DatagramTransport | None = None
    _sound: asyncio.DatagramTransport | None = None
    _answers: dict[tuple[str, str], asyncio.Future[Sip]] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, exchange: str, user: str = "", password: str = ""
    ) -> AsyncIterator[RawPhone]:
        """A phone at `exchange` (`host:port`), on a port of its own."""
        phone = cls(exchange, user, password)
        host, port = exchange.split(":")
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: phone, (LOOPBACK, 0), (host, int(port))
        )
        sound, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, (LOOPBACK, 0))
        phone._transport, phone._sound = transport, sound
        phone.port = transport.get_extra_info("sockname")[1]
        phone.media = sound.get_extra_info("sockname")[1]
        try:
            yield phone
        finally:
            transport.close()
            sound.close()

    # --- asking ----------------------------------------------------------------------------------

    async def ask(
        self,
        method: str,
        target: bytes,
        *,
        From: bytes = b"",
        To: bytes = b"",
        Contact: bytes = b"",
        call_id: bytes = b"",
        cseq: int = 1,
        more: tuple[bytes, ...] = (),
        body: bytes = b"",
        kind: bytes = b"application/sdp",
    ) -> Sip | None:
        """Sends one request, each part as it is; the final answer, None when there is none.

        A challenge is answered when this phone has a password.
        """
        call_id = call_id or secrets.token_hex(8).encode()
        parts = {
            "From": From or b"<sip:%s@%s>;tag=%s" % (self._me(), LOOPBACK.encode(), call_id),
            "To": To or b"<" + target + b">",
            "Contact": Contact or b"<sip:%s@127.0.0.1:%d>" % (self._me(), self.port),
        }
        answer = await self._try(method, target, parts, call_id, cseq, more, body, kind)
        if answer is not None and answer.status == 401 and self.password:
            if method == "INVITE":
                self._ack(answer, target, parts, call_id, cseq)
            proof = self._proof(method, target, answer)
            more = (*more, proof)
            answer = await self._try(method, target, parts, call_id, cseq + 1, more, body, kind)
            cseq += 1
        if answer is not None and method == "INVITE":
            self._ack(answer, target, parts, call_id, cseq)
        return answer

    async def call(self, user: bytes, session: bytes = b"-", **parts: bytes) -> Leg | int:
        """INVITE; the call once it is answered, or the status of the refusal (0: no answer)."""
        target = b"sip:%s@%s" % (user, self.exchange.encode())
        more = tuple(
            b"%s: %s" % (name.replace("_", "-").encode(), value)
            for name, value in parts.items()
            if name not in ("From", "To", "Contact")
        )
        named = {name: parts[name] for name in ("From", "To", "Contact") if name in parts}
        body = sdp(self.media, session)
        call_id = secrets.token_hex(8).encode()
        answer = await self.ask("INVITE", target, call_id=call_id, more=more, body=body, **named)  # type: ignore[arg-type]
        if answer is None or answer.status != 200:
            return answer.status if answer else 0
        self._murmur(answer)
        invite = Sip(b"INVITE\r\nCall-ID: " + call_id + b"\r\n\r\n")
        return Leg(
            self,
            invite,
            answer,
            answer.one("From").encode(),
            answer.one("To").encode(),
            _address(answer),
            cseq=10,
        )

    async def register(self, expires: int = 60, password: str | None = None) -> int:
        """Signs on (0: signs off); the status that came of it."""
        known, self.password = self.password, self.password if password is None else password
        target = b"sip:" + self.exchange.encode()
        mine = b"<sip:%s@%s>" % (self._me(), self.exchange.encode())
        answer = await self.ask(
            "REGISTER", target, From=mine + b";tag=r", To=mine, more=(b"Expires: %d" % expires,)
        )
        self.password = known
        return answer.status if answer else 0

    async def pick_up(self, invite: Sip) -> Leg:
        """Answers a call that rings here."""
        local = invite.one("To").encode() + b";tag=" + secrets.token_hex(4).encode()
        contact = b"Contact: <sip:%s@127.0.0.1:%d>" % (self._me(), self.port)
        typed = b"Content-Type: application/sdp"
        self._reply(invite, b"200 OK", contact, typed, to=local, body=sdp(self.media))
        await asyncio.sleep(0.1)
        return Leg(self, invite, None, local, invite.one("From").encode(), _address(invite), 100)

    def send(self, raw: bytes) -> None:
        """Bytes as they are."""
        assert self._transport is not None
        self._transport.sendto(raw)

    # --- inside ----------------------------------------------------------------------------------

    def _me(self) -> bytes:
        return (self.user or "hostile").encode()

    async def _try(
        self,
        method: str,
        target: bytes,
        parts: Mapping[str, bytes],
        call_id: bytes,
        cseq: int,
        more: tuple[bytes, ...],
        body: bytes,
        kind: bytes,
    ) -> Sip | None:
        key = (call_id.decode(), f"{cseq} {method}")
        waiting = self._answers[key] = asyncio.get_running_loop().create_future()
        lines = [*self._head(method, target, parts, call_id, cseq), *more]
        if body:
            lines.append(b"Content-Type: " + kind)
        lines += [b"Content-Length: %d" % len(body), b"", body]
        self.send(b"\r\n".join(lines))
        try:
            async with asyncio.timeout(self.seconds):
                return await waiting
        except TimeoutError:
            return None
        finally:
            del self._answers[key]

    def _head(
        self, method: str, target: bytes, parts: Mapping[str, bytes], call_id: bytes, cseq: int
    ) -> list[bytes]:
        branch = secrets.token_hex(6).encode()
        return [
            b"%s %s SIP/2.0" % (method.encode(), target),
            b"Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s" % (self.port, branch),
            *(name.encode() + b": " + value for name, value in parts.items()),
            b"Call-ID: " + call_id,
            b"CSeq: %d %s" % (cseq, method.encode()),
            b"Max-Forwards: 70",
        ]

    def _ack(
        self, answer: Sip, target: bytes, parts: Mapping[str, bytes], call_id: bytes, cseq: int
    ) -> None:
        taken = {**parts, "To": answer.one("To").encode()}
        target = _address(answer) if answer.status == 200 else target
        lines = self._head("ACK", target, taken, call_id, cseq)
        if answer.status != 200:
            lines[1] = b"Via: " + answer.one("Via").encode()
        self.send(b"\r\n".join([*lines, b"Content-Length: 0", b"", b""]))

    def _proof(self, method: str, target: bytes, challenge: Sip) -> bytes:
        """The answer to a digest challenge (RFC 2617, without qop where none is offered)."""
        asked = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.one("WWW-Authenticate")))
        uri, realm, nonce = target.decode(), asked["realm"], asked["nonce"]
        first = _md5(f"{self.user}:{realm}:{self.password}")
        second = _md5(f"{method}:{uri}")
        quality, middle = "", nonce
        if "qop" in asked:
            quality, middle = ', qop=auth, nc=00000001, cnonce="c"', f"{nonce}:00000001:c:auth"
        opaque = f', opaque="{asked["opaque"]}"' if "opaque" in asked else ""
        return (
            f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", '
            f'uri="{uri}", response="{_md5(f"{first}:{middle}:{second}")}", algorithm=MD5'
            f"{quality}{opaque}"
        ).encode()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = Sip(data)
        if not data.strip():
            return
        self.heard.append(message)
        if message.status:
            key = (message.one("Call-ID"), message.one("CSeq"))
            waiting = self._answers.get(key)
            if waiting is not None and not waiting.done() and message.status >= 200:
                waiting.set_result(message)
            return
        match message.method:
            case "INVITE":
                self._reply(message, b"180 Ringing")
                self.ringing.put_nowait(message)
            case "CANCEL":
                self._reply(message, b"200 OK")
                self._reply(Sip(data.replace(b"CANCEL", b"INVITE")), b"487 Request Terminated")
            case "ACK":
                pass
            case _:
                self._reply(message, b"200 OK")

    def _murmur(self, answer: Sip) -> None:
        """A little silence: Asterisk waits half a second for the first sound of a call."""
        assert self._sound is not None
        found = re.search(rb"m=audio (\d+)", answer.raw)
        for number in range(3 if found else 0):
            header = struct.pack("!BBHII", 0x80, 0, number, 160 * number, self.media)
            assert found is not None
            self._sound.sendto(header + b"\xff" * 160, (LOOPBACK, int(found[1])))

    def _reply(
        self, request: Sip, status: bytes, *headers: bytes, to: bytes = b"", body: bytes = b""
    ) -> None:
        copied = [
            *(b"Via: " + via.encode() for via in request.all("Via")),
            b"From: " + request.one("From").encode(),
            b"To: " + (to or request.one("To").encode()),
            b"Call-ID: " + request.one("Call-ID").encode(),
            b"CSeq: " + request.one("CSeq").encode(),
        ]
        length = b"Content-Length: %d" % len(body)
        self.send(b"\r\n".join([b"SIP/2.0 " + status, *copied, *headers, length, b"", body]))


def _address(message: Sip) -> bytes:
    match = re.search(r"<([^>]+)>", message.one("Contact"))
    assert match is not None, message.raw
    return match[1].encode()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
