"""The small interface behind which every speech engine lives.

An engine turns words into one WAV file at whatever rate suits it; `ivr.speech.wav` brings the
result down to what a phone line carries. Engines run as processes of their own, so that a crash
or a hang in one costs a prompt and never the service.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Protocol

from ivr.errors import IvrError

LONGEST_TEXT = 2000  # characters; more than two minutes of talk is not a prompt


class SpeechFailed(IvrError):
    """These words could not be turned into sound; the message says why."""


class SpeechTimedOut(SpeechFailed):
    """The engine hung and was killed: its next attempt would most likely hang too."""


class SpeechEngine(Protocol):
    """Turns words into sound."""

    @property
    def name(self) -> str:
        """Which engine this is, such as `espeak`."""

    @property
    def version(self) -> str:
        """Everything that changes the sound (program, voices, rate): part of the cache key."""

    async def speak(self, text: str, language: str, into: Path) -> None:
        """Write `text` spoken in `language` (`en`, `zh`, ...) to `into`, a 16-bit PCM WAV.

        `into` exists, is empty, and is to be overwritten. Raises `SpeechFailed`.
        """

    async def aclose(self) -> None:
        """End whatever it keeps running."""


def speakable(text: str) -> str:
    """The text with nothing in it that a speech engine would obey; raises `SpeechFailed`."""
    if len(text) > LONGEST_TEXT:
        raise SpeechFailed(f"the text has {len(text)} characters; a prompt has {LONGEST_TEXT}")
    plain = "".join(
        " " if unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} else character
        for character in text
    )
    while "[[" in plain:
        plain = plain.replace("[[", "[ [")
    return " ".join(plain.split())
