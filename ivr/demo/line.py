"""One call of one soft phone: what a person does with a handset, and what is heard in it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, Final, Protocol
from urllib.parse import unquote

from baresip import (
    AudioNotActive,
    AudioRestarted,
    BaresipError,
    Call,
    DigitEvent,
    Event,
    StackEvent,
    StaleHandleError,
    TransferFailed,
)

from ivr.demo.ear import FRAME_SECONDS, RATE, Ear, tone
from ivr.errors import IvrError

_AHEAD: Final = 0.4  # seconds of sound handed over before they are due
_PAUSE: Final = 0.1  # seconds between two helpings of it
_BYTES_A_SECOND: Final = 2 * RATE
_READ_AT_MOST: Final = 2 * RATE
_GAP_MS: Final = 100
_REFRESH_TRIES: Final = 20
_GOODBYE: Final = 2.0  # seconds: baresip reports the end of a call without asking the far side
_ADDRESS: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*))\s*<sips?:(?:([^@>;]*)@)?', re.S)
_ENDS: Final = {
    "Connection reset by peer [104]": "the other side hung up",  # its words for a BYE or CANCEL
    "Rejected by user": "hung up here",
    "Call transfered": "transferred",
}


class PhoneError(IvrError):
    """A phone could not do what was asked of it; the text says which and why."""


class LineState(Enum):
    """Where a call is in its life, as the phone sees it."""

    DIALLING = "dialling"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class Handset(Protocol):
    """What a line knows of the phone it belongs to."""

    user: str
    domain: str
    tone_hz: int

    def forget(self, line: Line) -> None:
        """The line has ended."""


class Line:
    """One call of one phone, from `SoftPhone.dial` or `SoftPhone.incoming`.

    `ear` hears the other side from the first packet on. The times ending in `_at` are
    `time.monotonic()`; waits answer in seconds since `began_at`.
    """

    def __init__(self, phone: Handset, call: Call, state: LineState) -> None:
        self.phone = phone
        self.state = state
        self.began_at = time.monotonic()
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.end_reason = ""
        """In words, or the SIP answer: `486 Busy Here`."""
        self.end_cause: int | None = None
        """Asterisk's hang-up cause (Q.850), where it named one."""
        self.headers: Mapping[str, str] = dict(call.headers)
        address = self.headers.get("From") or f"<{call.peer or ''}>"
        self.caller_name, self.caller_number = who(address)
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        """The keys the other side pressed."""
        self.ear = Ear(self.began_at)
        self._call = call
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None
        self._humming: asyncio.Task[None] | None = None
        self._rings = asyncio.Event()
        self._talks = asyncio.Event()
        self._ends = asyncio.Event()
        call.on(self._on_event)
        call.on_dtmf(self._on_key)

    def __repr__(self) -> str:
        why = f" ({self.end_reason})" if self.end_reason else ""
        return f"<Line of {self.phone.user}: {self.state.value}{why}>"

    # --- signalling -----------------------------------------------------------------------------

    async def answer(self, timeout: float = 10.0) -> None:
        """Picks up; returns once the call is up. `PhoneError` when the caller left first."""
        await self._do("answer", self._call.answer())
        await self.answered(timeout)

    async def reject(self) -> None:
        """Refuses a ringing call with 486 Busy Here, the only refusal baresip's binding knows."""
        await self._end(self._call.reject())

    async def hang_up(self) -> None:
        """Ends the call, in any state; a call that has ended already is left alone."""
        await self._end(self._call.hangup())

    async def ringing(self, timeout: float = 10.0) -> float:
        """Waits until the far end rings (180, 183), or is up; seconds since it was dialled."""
        await self._reaches(self._rings, timeout, "ring")
        return time.monotonic() - self.began_at

    async def answered(self, timeout: float = 30.0) -> float:
        """Waits until the call is up; seconds since it was dialled, or began to ring here.

        Raises `PhoneError` with the other side's reason when it ends instead, `TimeoutError`.
        """
        if self.answered_at is None:
            await self._reaches(self._talks, timeout, "be answered")
        return (self.answered_at or time.monotonic()) - self.began_at

    async def ended(self, timeout: float = 30.0) -> str:
        """Waits until the call is over; why it ended."""
        try:
            async with asyncio.timeout(timeout):
                await self._ends.wait()
        except TimeoutError:
            raise TimeoutError(f"{self!r} has not ended within {timeout:g} s") from None
        return self.end_reason

    async def press(self, keys: str, gap_ms: int = _GAP_MS) -> None:
        """Presses keys (`0-9 A-D * #`) as RFC 4733 events of 100 ms; returns after the last."""
        await self._do("press a key", self._call.send_dtmf(keys, gap_ms))

    async def key(self, timeout: float = 10.0) -> str:
        """The next key the other side pressed."""
        try:
            async with asyncio.timeout(timeout):
                return await self.keys.get()
        except TimeoutError:
            raise TimeoutError(f"{self!r} received no key within {timeout:g} s") from None

    async def hold(self) -> None:
        """Puts the other side on hold by a re-INVITE."""
        await self._refresh("hold", self._call.hold)

    async def resume(self) -> None:
        """Takes the other side off hold."""
        await self._refresh("resume", self._call.resume)

    async def blind_transfer(self, number: str, timeout: float = 10.0) -> None:
        """Sends the other side to `number` by REFER; this line ends when it was taken over.

        Raises `PhoneError` when it was refused: the call then goes on. Asterisk refuses with 400
        until it has joined the two legs, some milliseconds after the answer: hear somebody first.
        """
        target = f"sip:{number}@{self.phone.domain}"
        try:
            await self._do("transfer", self._call.transfer(target, timeout=timeout))
        except PhoneError as refused:
            # A BYE may overtake the report of success: the line is gone, the caller moved on.
            overtaken = isinstance(refused.__cause__, TransferFailed)
            if not (overtaken and self.state is LineState.ENDED):
                raise

    async def attended_transfer(self, other: Line, timeout: float = 10.0) -> None:
        """Joins this line's other side with that of `other`; both lines end.

        Raises `PhoneError` when it was refused: both calls then go on, on hold.
        """
        await self._do("transfer", self._call.attended_transfer(other._call, timeout=timeout))

    # --- sound ----------------------------------------------------------------------------------

    async def speak(self, sound: bytes | float | None = None, seconds: float = 1.0) -> None:
        """Says `sound` and returns when all of it is on its way, or the line ended.

        Samples (16-bit mono, 8 kHz, native order), or a tone by its frequency for `seconds`; by
        default the phone's own tone.
        """
        if not isinstance(sound, bytes):
            sound = tone(self.phone.tone_hz if sound is None else sound, seconds)
        sent = 0
        while sent < len(sound) and self.state is LineState.TALKING:
            sent += self._write(sound[sent : sent + self._room()])
            await asyncio.sleep(_PAUSE)
        if self.state is LineState.TALKING:
            await asyncio.sleep(self._waiting() / _BYTES_A_SECOND)

    def hum(self, frequency: int | None = None) -> None:
        """Begins a steady tone, by default the phone's own, until `hush` or the end."""
        self.hush()
        # A whole number of waves in a second: the tone has no seam.
        self._humming = self._start(self._hum(tone(frequency or self.phone.tone_hz, 1.0)))

    def hush(self) -> None:
        """Stops `hum`."""
        if self._humming is not None:
            self._humming.cancel()
            self._humming = None
            with suppress(AudioNotActive, AudioRestarted):
                self._call.audio.flush_tx()

    async def hears_sound(self, timeout: float, after: float = 0.0) -> float:
        """See `Ear.hears_sound`."""
        return await self.ear.hears_sound(timeout, after)

    async def hears_silence(self, for_seconds: float, timeout: float = 30.0) -> None:
        """See `Ear.hears_silence`."""
        await self.ear.hears_silence(for_seconds, timeout)

    async def hears_tone(self, frequency: float, timeout: float) -> float:
        """See `Ear.hears_tone`."""
        return await self.ear.hears_tone(frequency, timeout)

    async def hears(self, other: Handset, timeout: float) -> float:
        """Waits for the own tone of another phone."""
        return await self.ear.hears_tone(other.tone_hz, timeout)

    @property
    def heard_seconds(self) -> float:
        """How much sound was heard so far."""
        return self.ear.heard_seconds

    async def close(self) -> None:
        """Hangs up and waits until everything this line started is over."""
        with suppress(PhoneError, TimeoutError):
            await self.hang_up()
            await self.ended(_GOODBYE)
        if self.state is not LineState.ENDED:
            self._over("the phone was closed")
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- inside ---------------------------------------------------------------------------------

    def _on_event(self, event: StackEvent) -> None:
        if event.event in (Event.CALL_RINGING, Event.CALL_PROGRESS, Event.CALL_ESTABLISHED):
            self._rings.set()
        if event.event is Event.CALL_ESTABLISHED:
            self.state = LineState.TALKING
            self.answered_at = time.monotonic()
            self._talks.set()
        if event.event in (Event.CALL_PROGRESS, Event.CALL_ESTABLISHED) and not self._listening:
            self._listening = self._start(self._listen())
        if event.event is Event.CALL_CLOSED:
            self._over(event.text or "")

    def _on_key(self, digit: DigitEvent) -> None:
        self.keys.put_nowait(digit.digit)

    def _over(self, text: str) -> None:
        self.state = LineState.ENDED
        self.ended_at = time.monotonic()
        self.end_reason, self.end_cause = _why(text)
        self.ear.close()
        for signal in (self._rings, self._talks, self._ends):
            signal.set()
        for task in self._tasks:
            task.cancel()
        self.phone.forget(self)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _listen(self) -> None:
        while True:
            with suppress(AudioNotActive, AudioRestarted):
                self.ear.feed(self._call.audio.read(_READ_AT_MOST))
            await asyncio.sleep(FRAME_SECONDS)

    async def _hum(self, wave: bytes) -> None:
        at = 0
        while True:
            at = (at + self._write(wave[at : at + self._room()])) % len(wave)
            await asyncio.sleep(_PAUSE)

    def _write(self, pcm: bytes) -> int:
        try:
            return int(self._call.audio.write(pcm))
        except (AudioNotActive, AudioRestarted):
            return 0  # a re-INVITE is changing the stream: the next try finds the new one

    def _waiting(self) -> int:
        try:
            return int(self._call.audio.info().tx_buffered)
        except AudioNotActive:
            return 0

    def _room(self) -> int:
        return max(0, int(_AHEAD * _BYTES_A_SECOND) - self._waiting()) // 2 * 2

    async def _reaches(self, signal: asyncio.Event, timeout: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout):
                await signal.wait()
        except TimeoutError:
            raise TimeoutError(f"{self!r} did not {what} within {timeout:g} s") from None
        if self.state is LineState.ENDED:
            raise PhoneError(f"the call of {self.phone.user} ended: {self.end_reason}")

    async def _do(self, what: str, action: Coroutine[Any, Any, None]) -> None:
        try:
            await action
        except BaresipError as refused:
            gone = f" (it ended: {self.end_reason})" if self.state is LineState.ENDED else ""
            raise PhoneError(f"{self.phone.user} cannot {what}: {refused}{gone}") from refused

    async def _end(self, action: Coroutine[Any, Any, None]) -> None:
        with suppress(StaleHandleError):
            await action
        await self.ended(_GOODBYE)

    async def _refresh(self, what: str, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        # Until the ACK of the answer is through, baresip sends no re-INVITE and says so.
        for _ in range(_REFRESH_TRIES):
            try:
                await action()
            except StaleHandleError:
                break
            except BaresipError:
                await asyncio.sleep(FRAME_SECONDS)
            else:
                return
        await self._do(what, action())


def who(address: str) -> tuple[str, str]:
    """The display name, unescaped, and the user of a From header (RFC 3261, section 25.1)."""
    match = _ADDRESS.match(address)
    if match is None:
        return "", address
    quoted, plain, user = match.groups()
    name = re.sub(r"\\(.)", r"\1", quoted, flags=re.S) if quoted is not None else plain.strip()
    return name, unquote(user or "")


def _why(text: str) -> tuple[str, int | None]:
    words, _, cause = text.partition(",Q.850;cause=")
    digits = re.match(r"\d+", cause)
    return _ENDS.get(words, words), int(digits[0]) if digits else None
