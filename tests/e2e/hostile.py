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
from dataclasses import dataclass, field, replace

from tests.e2e.house import House, until

LOOPBACK = "127.0.0.1"
Headers = Mapping[str, bytes]
_COMPACT = {b"f": b"from", b"t": b"to", b"m": b"contact", b"v": b"via", b"i": b"call-id"}
_NONE: Headers = {}


@dataclass(frozen=True, slots=True)
class Sip:
    """One SIP message as it came, its lines split at any line break an attacker might slip in."""

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
        pairs = (line.partition(b":") for line in re.split(rb"[\r\n]+", head)[1:])
        named = ((name.strip().lower(), value.strip()) for name, _, value in pairs)
        return [(_COMPACT.get(name, name), value) for name, value in named]


def sdp(port: int, session: bytes = b"-") -> bytes:
    """An offer, or answer, of mu-law on the loopback; `session` is its name."""
    lines = (
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=" + session,
        b"c=IN IP4 127.0.0.1\r\nt=0 0",
        b"m=audio %d RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n" % port,
    )
    return b"\r\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Request:
    """What goes out: `parts` are headers by name, in order."""

    method: str
    target: bytes
    parts: Headers
    call_id: bytes
    cseq: int
    port: int

    def lines(self, via: bytes = b"") -> list[bytes]:
        """Everything above the body."""
        branch = secrets.token_hex(6).encode()
        method = self.method.encode()
        return [
            b"%s %s SIP/2.0" % (method, self.target),
            b"Via: " + (via or b"SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s" % (self.port, branch)),
            *(name.encode() + b": " + value for name, value in self.parts.items()),
            b"Call-ID: " + self.call_id,
            b"CSeq: %d %s" % (self.cseq, method),
            b"Max-Forwards: 70",
        ]

    def acknowledgement(self, answer: Sip) -> list[bytes]:
        """The ACK of an INVITE's final answer."""
        parts = {"From": self.parts["From"], "To": answer.one("To").encode()}
        refused = answer.status != 200
        target = self.target if refused else _address(answer)
        ack = replace(self, method="ACK", target=target, parts=parts)
        via = answer.one("Via").encode() if refused else b""
        return [*ack.lines(via), b"Content-Length: 0", b"", b""]


@dataclass(slots=True)
class Leg:
    """A call that is up: what is needed to go on with it."""

    phone: RawPhone
    call_id: bytes
    local: bytes
    remote: bytes
    target: bytes
    cseq: int = 10

    async def ask(self, method: str, headers: Headers = _NONE, body: bytes = b"") -> Sip | None:
        """A request inside the call; its final answer, None when none came."""
        self.cseq += 1
        mine = {"From": self.local, "To": self.remote, **headers}
        return await self.phone.ask(
            method, self.target, mine, call_id=self.call_id, cseq=self.cseq, body=body
        )

    async def refer(self, target: bytes) -> int:
        """Asks for the other side to be moved to `target`; the status that came of it."""
        known = len(self.phone.heard)
        headers = {"Refer-To": b"<" + target + b">", "Referred-By": b"<sip:somebody@else>"}
        answer = await self.ask("REFER", headers)
        if answer is None or answer.status != 202:
            return answer.status if answer else 0
        fragments: list[bytes] = []

        def ended() -> bool:
            bodies = (m.raw.partition(b"\r\n\r\n")[2] for m in self.phone.heard[known:])
            fragments[:] = [body for body in bodies if body.startswith(b"SIP/2.0 ")]
            return any(not fragment.startswith(b"SIP/2.0 1") for fragment in fragments)

        await until(ended, 3, f"the REFER to {target!r} ends")
        return int(fragments[-1].split()[1])

    async def hang_up(self) -> None:
        """BYE."""
        await self.ask("BYE")


@dataclass(slots=True)
class RawPhone(asyncio.DatagramProtocol):
    """One UDP socket: `ringing` takes INVITEs, `heard` everything. Waits `seconds` for answers.

    An INVITE to the number `deaf` is not answered at all.
    """

    exchange: str
    user: str = "hostile"
    password: str = ""
    seconds: float = 1.5
    port: int = 0
    deaf: str = ""
    heard: list[Sip] = field(default_factory=list)
    ringing: asyncio.Queue[Sip] = field(default_factory=asyncio.Queue)
    _media: int = 0
    _signals: asyncio.DatagramTransport | None = None
    _sound: asyncio.DatagramTransport | None = None
    _answers: dict[tuple[str, str], asyncio.Future[Sip]] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        exchange: str,
        user: str = "hostile",
        password: str = "",
        at: tuple[str, int] = (LOOPBACK, 0),
    ) -> AsyncIterator[RawPhone]:
        """A phone at `exchange` (`host:port`), on a port of its own unless `at` names one."""
        phone = cls(exchange, user, password)
        host, port = exchange.split(":")
        loop = asyncio.get_running_loop()
        phone._signals, _ = await loop.create_datagram_endpoint(
            lambda: phone, at, (host, int(port))
        )
        phone._sound, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, (LOOPBACK, 0)
        )
        phone.port = phone._signals.get_extra_info("sockname")[1]
        phone._media = phone._sound.get_extra_info("sockname")[1]
        try:
            yield phone
        finally:
            phone._signals.close()
            phone._sound.close()

    # --- asking ----------------------------------------------------------------------------------

    async def ask(
        self,
        method: str,
        target: bytes,
        headers: Headers = _NONE,
        *,
        call_id: bytes = b"",
        cseq: int = 1,
        body: bytes = b"",
    ) -> Sip | None:
        """Sends one request; the final answer, None when there is none.

        `headers` may replace From, To and Contact. A challenge is answered when this phone has a
        password.
        """
        call_id = call_id or secrets.token_hex(8).encode()
        me = self.user.encode()
        parts = {
            "From": b"<sip:%s@127.0.0.1>;tag=%s" % (me, call_id),
            "To": b"<" + target + b">",
            "Contact": b"<sip:%s@127.0.0.1:%d>" % (me, self.port),
            "Content-Type": b"application/sdp",
            **headers,
        }
        request = _Request(method, target, parts, call_id, cseq, self.port)
        answer = await self._try(request, body)
        if answer is not None and answer.status == 401 and self.password:
            proof = self._proof(method, target, answer)
            request = replace(request, parts={**parts, "Authorization": proof}, cseq=cseq + 1)
            answer = await self._try(request, body)
        return answer

    async def call(self, user: bytes, headers: Headers = _NONE, session: bytes = b"-") -> Leg | int:
        """INVITE; the call once it is answered, or the status of the refusal (0: no answer)."""
        target = b"sip:%s@%s" % (user, self.exchange.encode())
        call_id = secrets.token_hex(8).encode()
        named = {"From": b"<sip:%s@127.0.0.1>" % self.user.encode(), **headers}
        named["From"] += b";tag=" + call_id
        body = sdp(self._media, session)
        answer = await self.ask("INVITE", target, named, call_id=call_id, body=body)
        if answer is None or answer.status != 200:
            return answer.status if answer else 0
        self._murmur(answer)
        return Leg(self, call_id, named["From"], answer.one("To").encode(), _address(answer))

    async def up(self, user: bytes, headers: Headers = _NONE, session: bytes = b"-") -> Leg:
        """A call that must be answered."""
        leg = await self.call(user, headers, session)
        assert isinstance(leg, Leg), (user, headers, leg)
        return leg

    async def register(self, expires: int = 60) -> int:
        """Signs on (0: signs off); the status that came of it."""
        mine = b"<sip:%s@%s>" % (self.user.encode(), self.exchange.encode())
        headers = {"From": mine + b";tag=r", "To": mine, "Expires": b"%d" % expires}
        answer = await self.ask("REGISTER", b"sip:" + self.exchange.encode(), headers)
        return answer.status if answer else 0

    async def rings(self, timeout: float = 5.0) -> Sip:
        """The next call for this phone, as its INVITE."""
        async with asyncio.timeout(timeout):
            return await self.ringing.get()

    async def pick_up(self, invite: Sip, media: int = 0) -> Leg:
        """Answers a call that rings here; its sound goes to that port, or nowhere."""
        local = self.answer(invite, b"200 OK", body=sdp(media or self._media))
        call_id = invite.one("Call-ID").encode()
        return Leg(self, call_id, local, invite.one("From").encode(), _address(invite))

    def answer(self, invite: Sip, status: bytes, contact: bytes = b"", body: bytes = b"") -> bytes:
        """Any answer to a call that rings; what stands in its To."""
        local = invite.one("To").encode() + b";tag=" + secrets.token_hex(4).encode()
        contact = contact or b"<sip:%s@127.0.0.1:%d>" % (self.user.encode(), self.port)
        typed = (b"Content-Type: application/sdp",) if body else ()
        self._reply(invite, status, b"Contact: " + contact, *typed, to=local, body=body)
        return local

    # --- inside ----------------------------------------------------------------------------------

    def _send(self, lines: list[bytes]) -> None:
        assert self._signals is not None
        self._signals.sendto(b"\r\n".join(lines))

    async def _try(self, request: _Request, body: bytes) -> Sip | None:
        key = (request.call_id.decode(), f"{request.cseq} {request.method}")
        waiting: asyncio.Future[Sip] = asyncio.get_running_loop().create_future()
        self._answers[key] = waiting
        self._send([*request.lines(), b"Content-Length: %d" % len(body), b"", body])
        try:
            async with asyncio.timeout(self.seconds):
                answer = await waiting
        except TimeoutError:
            return None
        finally:
            del self._answers[key]
        if request.method == "INVITE":
            self._send(request.acknowledgement(answer))
        return answer

    def _proof(self, method: str, target: bytes, challenge: Sip) -> bytes:
        """The answer to a digest challenge (RFC 2617)."""
        asked = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.one("WWW-Authenticate")))
        uri, realm, nonce = target.decode(), asked["realm"], asked["nonce"]
        first = _md5(f"{self.user}:{realm}:{self.password}")
        whole = _md5(f"{first}:{nonce}:00000001:c:auth:{_md5(f'{method}:{uri}')}")
        return (
            f'Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{whole}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c", '
            f'opaque="{asked["opaque"]}"'
        ).encode()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not data.strip():
            return
        message = Sip(data)
        self.heard.append(message)
        if message.status:
            waiting = self._answers.get((message.one("Call-ID"), message.one("CSeq")))
            if waiting is not None and not waiting.done() and message.status >= 200:
                waiting.set_result(message)
            return
        match message.method:
            case "INVITE" if self.deaf and self.deaf in message.first_line:
                pass
            case "INVITE":
                self._reply(message, b"180 Ringing")
                self.ringing.put_nowait(message)
            case "CANCEL":
                self._reply(message, b"200 OK")
                invite = Sip(data.replace(b"CANCEL", b"INVITE"))
                self._reply(invite, b"487 Request Terminated")
            case "ACK":
                pass
            case _:
                self._reply(message, b"200 OK")

    def _murmur(self, answer: Sip) -> None:
        """A little silence: Asterisk waits half a second for the first sound of a call."""
        port = re.search(rb"m=audio (\d+)", answer.raw)
        assert port is not None
        assert self._sound is not None
        for number in range(3):
            header = struct.pack("!BBHII", 0x80, 0, number, 160 * number, self._media)
            self._sound.sendto(header + b"\xff" * 160, (LOOPBACK, int(port[1])))

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
        self._send([b"SIP/2.0 " + status, *copied, *headers, length, b"", body])


@asynccontextmanager
async def raw_agent(house: House, extension: str) -> AsyncIterator[RawPhone]:
    """The phone of that agent, registered and taking calls; logged out again afterwards."""
    password = house.password(extension)
    async with RawPhone.open(house.domain, extension, password) as phone:
        assert await phone.register() == 200
        await dial_code(phone, b"*41")
        await dial_code(phone, b"*42")
        assert house.agent(extension).state in ("ready", "offered")
        try:
            yield phone
        finally:
            for code in (b"*44", b"*40"):
                await dial_code(phone, code)
            await until(lambda: house.agent(extension).state == "logged_out")
            await phone.register(0)


async def dial_code(phone: RawPhone, code: bytes) -> None:
    """Dial a feature code; what it does is done before it is answered."""
    await (await phone.up(code)).hang_up()


def _address(message: Sip) -> bytes:
    match = re.search(r"<([^>]+)>", message.one("Contact"))
    assert match is not None, message.raw
    return match[1].encode()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
