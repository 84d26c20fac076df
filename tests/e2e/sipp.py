"""Calls by sipp, a SIP user agent nobody here wrote: steered, watched and reported.

sipp runs a scenario of `tests/e2e/scenarios` for each call. Its trace of SIP messages comes through
a pipe while the call is going on, so a test waits for what happened and never for a time. The
sound of the call is an `RtpParty`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ivr.asterisk.toolbox import Tool
from ivr.demo.line import PhoneError
from tests.e2e.rtp import RtpParty

SCENARIOS = Path(__file__).with_name("scenarios")
LOOPBACK = "127.0.0.1"
_ASKED = ("INVITE", "REGISTER")
RECORD = re.compile(rb"-{20,} \S+\n\w+ message (sent|received) +\[(\d+)\] bytes:\n\n")


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message on the wire; `at` is `time.monotonic()`."""

    sent: bool
    at: float
    raw: bytes

    @property
    def text(self) -> str:
        """The whole message; bytes that are no UTF-8 show as surrogates."""
        return self.raw.decode("utf-8", "surrogateescape")

    @property
    def first_line(self) -> str:
        """The request line or the status line."""
        return self.text.partition("\r\n")[0]

    @property
    def status(self) -> int | None:
        """The status of an answer; None for a request."""
        match = re.match(r"SIP/2\.0 (\d{3})", self.first_line)
        return int(match[1]) if match else None

    @property
    def method(self) -> str:
        """What is asked, or what an answer belongs to."""
        match = re.search(r"^CSeq:\s*\d+\s+(\w+)", self.text, re.M | re.I)
        return match[1].upper() if match else self.first_line.partition(" ")[0]

    def find(self, pattern: str) -> str:
        """The first group of `pattern` in the message; `AssertionError` shows what there was."""
        match = re.search(pattern, self.text, re.M | re.I)
        assert match is not None, f"no {pattern!r} in:\n{self.text}"
        return match[1]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of sipp ended: its exit code (0: the scenario held) and all it sent and got."""

    exit_code: int
    messages: tuple[Message, ...]
    errors: str
    folder: Path

    @property
    def status(self) -> int | None:
        """The final answer to the INVITE or REGISTER; None when there was none."""
        answers = [m.status or 0 for m in self.messages if not m.sent and m.method in _ASKED]
        return next((status for status in reversed(answers) if status >= 200), None)


@dataclass(slots=True)
class Run:
    """One running sipp. `messages` grows while it runs; `until` waits in it."""

    process: asyncio.subprocess.Process
    folder: Path
    messages: list[Message] = field(default_factory=list)
    began_at: float = field(default_factory=time.monotonic)
    reading: asyncio.Task[None] | None = None
    on_message: Callable[[Message], None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _over: bool = False

    async def until(self, found: Callable[[Message], bool], timeout: float) -> Message:
        """The first message that fits, also one from before.

        `TimeoutError` and, when sipp ended without it, `PhoneError` tell what there was.
        """
        seen = 0
        try:
            async with asyncio.timeout(timeout):
                while True:
                    for message in self.messages[seen:]:
                        if found(message):
                            return message
                    seen = len(self.messages)
                    if self._over:
                        raise PhoneError(f"sipp has ended: {self.story()}")
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {timeout:g} s: {self.story()}") from None

    async def outcome(self, timeout: float = 30.0) -> Outcome:
        """Waits for the end of the scenario."""
        try:
            async with asyncio.timeout(timeout):
                code = await self.process.wait()
        except TimeoutError:
            raise TimeoutError(f"sipp still runs after {timeout:g} s: {self.story()}") from None
        assert self.reading is not None
        await self.reading
        errors = self.folder / "errors.log"
        told = errors.read_text(errors="replace") if errors.exists() else ""
        return Outcome(code, tuple(self.messages), told, self.folder)

    async def close(self) -> None:
        """Ends it, whatever it does."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        await self.process.wait()
        if self.reading is not None:
            await self.reading

    def story(self) -> str:
        """What went over the wire so far, in short."""
        lines = [f"{'->' if m.sent else '<-'} {m.first_line}" for m in self.messages]
        return f"{'; '.join(lines) or 'no message'} ({self.folder})"

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Takes the trace as it comes, and keeps a copy beside the other logs."""
        rest = b""
        with (self.folder / "messages.log").open("wb") as copy:
            while chunk := await stream.read(65536):
                copy.write(chunk)
                rest = self._parse(rest + chunk)
        self._over = True
        self._wake()

    def _parse(self, data: bytes) -> bytes:
        while match := RECORD.search(data):
            end = match.end() + int(match[2])
            if len(data) < end:
                break
            raw = data[match.end() : end]
            message = Message(match[1] == b"sent", time.monotonic(), raw)
            data = data[end:]
            self.messages.append(message)
            if self.on_message is not None:
                self.on_message(message)
        self._wake()
        return data

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _is_final(message: Message) -> bool:
    answers_invite = not message.sent and message.method == "INVITE"
    return answers_invite and (message.status or 0) >= 200


class SippCall:
    """A call placed by sipp: the same verbs as a `Line`. `media` speaks, presses and hears."""

    def __init__(self, run: Run, media: RtpParty) -> None:
        self.run = run
        self.media = media
        run.on_message = self._on_message

    async def invite(self, timeout: float = 10.0) -> Message:
        """The INVITE as it went out."""
        return await self.run.until(lambda message: message.sent, timeout)

    async def answered(self, timeout: float = 10.0) -> float:
        """Waits for the 200; seconds since the INVITE. `PhoneError` when it was refused."""
        answer = await self._answer(timeout)
        return answer.at - self.run.messages[0].at

    async def hang_up(self, timeout: float = 10.0) -> Outcome:
        """Sends BYE once the call is up, and waits for the end of it."""
        answer = await self._answer(timeout)
        # Before its ACK is out, the scenario does not listen for our word.
        await self.run.until(lambda m: m.sent and m.first_line.startswith("ACK "), timeout)
        self._steer(answer)
        return await self.ended(timeout)

    async def ended(self, timeout: float = 30.0) -> Outcome:
        """Waits until the call is over, whoever ends it."""
        outcome = await self.run.outcome(timeout)
        self.media.ear.close()
        return outcome

    @property
    def hung_up_by_peer(self) -> bool:
        """Whether the other side said BYE."""
        return any(not m.sent and m.first_line.startswith("BYE ") for m in self.run.messages)

    async def close(self) -> None:
        """Ends sipp and the sound."""
        await self.run.close()
        await self.media.close()

    async def _answer(self, timeout: float) -> Message:
        answer = await self.run.until(_is_final, timeout)
        if answer.status != 200:
            raise PhoneError(f"the call was refused: {answer.first_line}")
        return answer

    def _on_message(self, message: Message) -> None:
        if len(self.run.messages) == 1:
            self.media.ear.began = message.at
        if _is_final(message) and message.status == 200:
            address = message.find(r"^c=IN IP4 (\S+)")
            self.media.begin((address, int(message.find(r"^m=audio (\d+)"))))

    def _steer(self, answer: Message) -> None:
        """Tells the scenario to hang up: a MESSAGE inside its call, which it never answers."""
        invite = self.run.messages[0]
        port = int(invite.find(r"^Contact:.*:(\d+)>"))
        ours, theirs = answer.find(r"^From:.*;tag=([^;\s]+)"), answer.find(r"^To:.*;tag=([^;\s]+)")
        call_id = invite.find(r"^Call-ID: *(\S+)")
        lines = (
            f"MESSAGE sip:steered@{LOOPBACK}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {LOOPBACK}:9;branch=z9hG4bK-steer",
            f"From: <sip:steer@{LOOPBACK}>;tag={theirs}",
            f"To: <sip:steered@{LOOPBACK}>;tag={ours}",
            f"Call-ID: {call_id}",
            "CSeq: 1 MESSAGE",
            "Content-Length: 0",
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), (LOOPBACK, port))


class Sipp:
    """sipp, ready to ring `exchange` (`host:port`); every run has a sub-folder of `folder`."""

    def __init__(self, tool: Tool, exchange: str, folder: Path) -> None:
        self._tool = tool
        self._exchange = exchange
        self._folder = folder
        self._numbers = count(1)

    @contextlib.asynccontextmanager
    async def call(
        self, number: str, *, caller: str = "+8613812345678", name: str = "Mei Lin"
    ) -> AsyncIterator[SippCall]:
        """A call from outside to `number`; it is ended with the block."""
        keys = {"number": number, "caller": caller, "name": name}
        async with self._placed("caller", keys) as call:
            yield call

    @contextlib.asynccontextmanager
    async def hostile(
        self,
        *,
        uri_user: bytes | str,
        to_user: bytes | str | None = None,
        from_user: bytes | str = "5551234",
        display: bytes | str = '"Mallory"',
    ) -> AsyncIterator[SippCall]:
        """An INVITE made of raw bytes (no NUL): `display` is all that stands before `<sip:`."""
        to_user = uri_user if to_user is None else to_user
        keys = {"uri_user": uri_user, "to_user": to_user, "from_user": from_user}
        async with self._placed("hostile", {**keys, "display": display}) as call:
            yield call

    @contextlib.asynccontextmanager
    async def refusing_phone(self, user: str, password: str, answer: str) -> AsyncIterator[Run]:
        """A registered phone that answers its next call with `answer`, such as `603 Decline`."""
        port = free_port()
        account = {"user": user, "expires": "60"}
        login = ("-au", user, "-ap", password)
        async with self.run("register", account, *login, port=port) as registering:
            outcome = await registering.outcome(5.0)
        assert outcome.exit_code == 0, outcome
        async with self.run("refuse", {}, "-aa", fixed={"answer": answer}, port=port) as phone:
            yield phone

    @contextlib.asynccontextmanager
    async def run(
        self,
        scenario: str,
        keys: Mapping[str, bytes | str],
        *options: str,
        fixed: Mapping[str, str] | None = None,
        port: int = 0,
        timeout: float = 120.0,
    ) -> AsyncIterator[Run]:
        """Runs a scenario once; the values of `keys` stand for `[name]` in it, untouched.

        `fixed` stands for `@name@`, which sipp must know when it reads the scenario. `port` is
        where sipp speaks SIP, by default a free one.
        """
        folder = self._folder / f"{scenario}-{next(self._numbers)}"
        folder.mkdir(parents=True)
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for key, value in (fixed or {}).items():
            text = text.replace(f"@{key}@", value)
        (folder / "scenario.xml").write_text(text)
        values = [part for key, value in keys.items() for part in ("-key", key, value)]
        out, into = os.pipe()
        arguments: list[str | bytes] = [
            *(*self._tool.argv_prefix, self._exchange, "-sf", "scenario.xml"),
            *("-i", LOOPBACK, "-bind_local", "-p", str(port or free_port()), "-ci", LOOPBACK),
            *("-m", "1", "-nostdin"),
            *("-timeout", f"{timeout:g}s", "-timeout_error"),
            *("-trace_msg", "-message_file", f"/dev/fd/{into}"),
            *("-trace_err", "-error_file", "errors.log"),
            *("-trace_screen", "-screen_file", "screen.log"),
            *options,
            *values,
        ]
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                env=self._tool.environment(),
                cwd=folder,
                pass_fds=(into,),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        finally:
            os.close(into)
        stream = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(out, "rb", 0)
        )
        run = Run(process, folder)
        run.reading = asyncio.create_task(run.read(stream))
        try:
            yield run
        finally:
            await run.close()
            pipe.close()

    @contextlib.asynccontextmanager
    async def _placed(
        self, scenario: str, keys: Mapping[str, bytes | str]
    ) -> AsyncIterator[SippCall]:
        media = await RtpParty.open()
        try:
            async with self.run(scenario, {**keys, "media": str(media.port)}) as run:
                yield SippCall(run, media)
        finally:
            await media.close()


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port nobody uses just now on the loopback."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
