"""What one party of a call hears, and when: loudness each 20 ms, silence, and tones.

Every time it gives is in seconds since the ear began to listen (a call: since it was dialled),
measured with `time.monotonic`.
"""

from __future__ import annotations

import asyncio
import math
import time
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from operator import mul
from typing import Final

RATE: Final = 8000
FRAME: Final = RATE // 50
"""Samples in 20 ms."""
FRAME_SECONDS: Final = FRAME / RATE
LOUD_DBFS: Final = -46.0
"""From here on a frame counts as sound; a quiet line stays below -70."""

_FULL_SCALE: Final = 32768
_LASTING: Final = 2  # loud frames in a row: one alone is a click
_PAUSE: Final = 0.1  # seconds; shorter ones are within words
_WINDOW: Final = 5  # frames a tone is looked for in: 100 ms tells 20 Hz apart
_TONE_SHARE: Final = 0.4  # of the power in the window


def tone(frequency: float, seconds: float, dbfs: float = -14.0) -> bytes:
    """A steady tone as 16-bit mono samples at `RATE`, in this machine's byte order."""
    peak = _FULL_SCALE * math.sqrt(2) * 10 ** (dbfs / 20)
    step = math.tau * frequency / RATE
    count = round(seconds * RATE)
    return array("h", (round(peak * math.sin(step * n)) for n in range(count))).tobytes()


def loudness(samples: Sequence[int]) -> float:
    """Root mean square level in dB below full scale; -inf for digital silence."""
    power = sum(map(mul, samples, samples)) / len(samples) if samples else 0.0
    return 10 * math.log10(power / _FULL_SCALE**2) if power else -math.inf


def tone_share(samples: Sequence[int], frequency: float) -> float:
    """How much of the sound's power is at `frequency`, from 0 to 1 (Goertzel's filter)."""
    power = sum(map(mul, samples, samples))
    if not power:
        return 0.0
    turn = 2 * math.cos(math.tau * frequency / RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    found = last * last + before * before - turn * last * before
    return float(2 * found / (len(samples) * power))


class Ear:
    """Hears a stream of samples; every wait ends with an answer, `TimeoutError` or `EOFError`.

    `TimeoutError` and `EOFError` (the line ended meanwhile) tell in words what was heard instead.
    """

    def __init__(self, began: float | None = None) -> None:
        self.began = time.monotonic() if began is None else began
        self.first_sound: float | None = None
        """When the first sound began."""
        self.heard_seconds = 0.0
        """How much sound was heard, pauses not counted."""
        self.loudest = -math.inf
        self._last_loud = self.began
        self._frames = 0
        self._loud_in_a_row = 0
        self._starts: list[float] = []
        self._pauses: list[tuple[float, float]] = []
        self._recent: deque[array[int]] = deque(maxlen=_WINDOW)
        self._rest = array("h")
        self._fed = asyncio.Event()
        self._closed = False

    def feed(self, pcm: bytes, at: float | None = None) -> None:
        """Samples as they come (16-bit mono at `RATE`, native order); the last one at `at`."""
        now = time.monotonic() if at is None else at
        self._rest.frombytes(pcm)
        whole = len(self._rest) // FRAME
        for index in range(whole):
            frame = self._rest[index * FRAME : (index + 1) * FRAME]
            self._take(frame, now - (whole - 1 - index) * FRAME_SECONDS)
        del self._rest[: whole * FRAME]
        if whole:
            self._wake()

    def close(self) -> None:
        """Nothing more will be heard: whoever waits for a sound is told."""
        self._closed = True
        self._wake()

    async def hears_sound(self, timeout: float, after: float = 0.0) -> float:
        """When the first sound that began at or after `after` began."""

        def found() -> float | None:
            return next((start for start in self._starts if start >= after), None)

        return await self._until(found, timeout, "no sound")

    def longest_pause(self, after: float = 0.0) -> float:
        """The longest time without a sound, from `after` or an earlier sound to a later one."""
        pauses = (ended - max(after, began) for began, ended in self._pauses if ended > after)
        return max(pauses, default=0.0)

    async def hears_silence(self, for_seconds: float, timeout: float = 30.0) -> None:
        """Returns once nothing was heard for so long; a line without any packet is silent too."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    rest = self._last_loud + for_seconds - time.monotonic()
                    if rest <= 0:
                        return
                    await asyncio.sleep(rest)
        except TimeoutError:
            raise TimeoutError(f"no silence of {for_seconds:g} s {self._story(timeout)}") from None

    async def hears_tone(self, frequency: float, timeout: float) -> float:
        """When a tone of this frequency was recognised, in what is received from now on."""
        fresh = self._frames + _WINDOW

        def found() -> float | None:
            if self._frames < fresh or self._loud_in_a_row < _LASTING:
                return None
            window = [sample for frame in self._recent for sample in frame]
            share = tone_share(window, frequency)
            return time.monotonic() - self.began if share >= _TONE_SHARE else None

        return await self._until(found, timeout, f"no tone of {frequency:g} Hz")

    @property
    def received_seconds(self) -> float:
        """How much was received, silence included."""
        return self._frames * FRAME_SECONDS

    def _take(self, frame: array[int], at: float) -> None:
        level = loudness(frame)
        self._recent.append(frame)
        self._frames += 1
        self.loudest = max(self.loudest, level)
        if level < LOUD_DBFS:
            self._loud_in_a_row = 0
            return
        self._loud_in_a_row += 1
        if self._loud_in_a_row < _LASTING:
            return
        if self._loud_in_a_row == _LASTING:
            self._begin_sound(max(0.0, at - (_LASTING - 1) * FRAME_SECONDS - self.began))
        self.heard_seconds += FRAME_SECONDS
        # A line that brings nothing at all is as silent as one that brings silence.
        if at - self._last_loud > _PAUSE:
            self._pauses.append((self._last_loud - self.began, at - self.began))
        self._last_loud = at

    def _begin_sound(self, start: float) -> None:
        self._starts.append(start)
        self.heard_seconds += (_LASTING - 1) * FRAME_SECONDS
        if self.first_sound is None:
            self.first_sound = start

    def _wake(self) -> None:
        fed, self._fed = self._fed, asyncio.Event()
        fed.set()

    async def _until(
        self, found: Callable[[], float | None], timeout: float, missing: str
    ) -> float:
        try:
            async with asyncio.timeout(timeout):
                while (value := found()) is None:
                    if self._closed:
                        lived = time.monotonic() - self.began
                        raise EOFError(f"the line ended: {missing} {self._story(lived)}")
                    await self._fed.wait()
                return value
        except TimeoutError:
            raise TimeoutError(f"{missing} {self._story(timeout)}") from None

    def _story(self, seconds: float) -> str:
        return (
            f"within {seconds:.1f} s; {self.received_seconds:.1f} s were received, "
            f"{self.heard_seconds:.1f} s of it sound, the loudest at {self.loudest:.0f} dBFS"
        )
