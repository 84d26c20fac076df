"""What a phone call needs from the house; the composition root fills it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from acd.dispatch import Distributing
from ivr.backends.desk import Desk
from ivr.channels.caller_card import CallerCard
from ivr.flow.actions import Prompt, Queue, Transfer
from ivr.flow.calendar import Switches
from ivr.flow.running.state import State, Turn
from ivr.legs import Legs
from ivr.live import LiveContact, LiveContacts
from ivr.reach import Reach
from ivr.talks import Talks


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


class Rehearsed(Protocol):
    """What a rehearsal changes in a call, and hears of it."""

    def note(self, turn: Turn) -> None:
        """Every turn, before it is acted on."""
        ...

    def asked(self, wanted: Queue) -> Queue:
        """The wait that takes the place of this one."""
        ...

    def put_through(self, wanted: Transfer) -> Transfer:
        """The transfer to an agent that takes the place of this one."""
        ...


@dataclass(frozen=True, slots=True)
class VoiceServices:
    """What a call needs from the house.

    `outside` gives the Dial string for a number outside, None for one that may not be dialled;
    `reach` the way to an agent's phone. `talks` are the callers whom a desk has away from their
    agent. `node` is this machine's name among several.
    """

    distributor: Distributing
    contacts: LiveContacts
    legs: Legs
    prompts: PromptFiles
    desk: Desk
    outside: Callable[[str], str | None]
    reach: Reach
    switches: Callable[[], Switches]
    waking: Waking
    card: Callable[[LiveContact, Queue, State], CallerCard]
    messages: Path
    beep: Path
    clock: Callable[[], float]
    now: Callable[[], datetime]
    rehearsal: Rehearsed | None = None
    node: str | None = None
    talks: Talks = field(default_factory=Talks)


def sound_name(path: Path) -> str:
    """Asterisk names a sound without its extension."""
    return str(path.with_suffix(""))
