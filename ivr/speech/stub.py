"""Speech engines for when there is none: one that fails honestly, one that hums.

`Mute` keeps an installation without a speech program working on its recordings. `Hum` is quick,
needs no program and says which words it was given: for tests, and for trying flows out.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from ivr.speech import sound, wav
from ivr.speech.engine import SpeechFailed

SECONDS_PER_CHARACTER = 0.06


class Mute:
    """Cannot speak; `why` says what would change that."""

    name = "mute"
    version = "1"

    def __init__(self, why: str) -> None:
        self._why = why

    async def speak(self, text: str, language: str, into: Path) -> None:
        """Always raises `SpeechFailed`."""
        raise SpeechFailed(self._why)

    async def aclose(self) -> None:
        """There is nothing to end."""


class Hum:
    """Hums for as long as the words would take; `spoken` lists the (language, text) it was given.

    Set `fails` to make every attempt raise it, and `waits` to hold every attempt until it is set.
    """

    name = "hum"

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.spoken: list[tuple[str, str]] = []
        self.fails: SpeechFailed | None = None
        self.waits: asyncio.Event | None = None

    async def speak(self, text: str, language: str, into: Path) -> None:
        """Write a hum of a length that fits the text."""
        self.spoken.append((language, text))
        if self.waits:
            await self.waits.wait()
        if self.fails:
            raise self.fails
        wav.write(into, sound.tone((220.0, 330.0), SECONDS_PER_CHARACTER * len(text)))

    async def aclose(self) -> None:
        """There is nothing to end."""
