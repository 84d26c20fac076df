"""What a phone call needs from the house; the composition root fills it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from acd.distributor import Distributor
from ivr.channels.caller_card import CallerCard
from ivr.flow.actions import Identified, Identify, Prompt, Queue
from ivr.flow.state import State
from ivr.legs import Legs
from ivr.live import LiveContact, LiveContacts


class PromptFiles(Protocol):
    """Turns words into a sound file."""

    async def path(self, prompts: Sequence[Prompt]) -> Path:
        """One WAV file for all of them; raises SpeechFailed."""
        ...

    def fallback(self, language: str) -> Path:
        """What is played when `path` fails."""
        ...


class Waking(Protocol):
    """What a waiting call needs from AMI."""

    @property
    def connected(self) -> bool:
        """Whether Asterisk's events are heard."""
        ...

    async def wake(self, channel: str) -> None:
        """Play the wake digit into the channel."""
        ...


class Tables(Protocol):
    """Checks what a caller gave against a table."""

    async def verify(self, action: Identify) -> Identified:
        """Whether it matches, and who it is."""
        ...


@dataclass(frozen=True, slots=True)
class VoiceServices:
    """What a call needs from the house."""

    distributor: Distributor
    contacts: LiveContacts
    legs: Legs
    prompts: PromptFiles
    tables: Callable[[], Tables]
    waking: Waking
    card: Callable[[LiveContact, Queue, State], CallerCard]
    messages: Path
    beep: Path
    clock: Callable[[], float]
    now: Callable[[], datetime]


def sound_name(path: Path) -> str:
    """Asterisk names a sound without its extension."""
    return str(path.with_suffix(""))
