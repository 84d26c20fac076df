"""How chats and SMS threads behave; what a text thread needs from the house."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

from ivr.backends.segments import segments
from ivr.channels.letters import Fits
from ivr.flow.actions import Failed, Queue, Record, Recorded, Voicemail
from ivr.flow.calendar import Switches
from ivr.flow.running.state import State, Turn

End = Literal["completed", "silent", "stopped", "failed"]
"""How a thread can end."""

MOST_PARTS: Final = 10
"""Parts of one SMS; what is longer is sent as several."""
LONGEST: Final = 2000
"""Letters of one message in a chat."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a kind of thread behaves.

    `joined`: all that is said in a turn is one message, because each one costs money. `fits` tells
    what goes out as one message. After `reminder` seconds without an answer the flow hears
    silence, once for each question; after `farewell` seconds more the thread is closed. `keywords`:
    STOP, START and HELP are ours, as carriers demand.
    """

    channel: Literal["chat", "sms"]
    fits: Fits
    joined: bool = False
    keywords: bool = False
    reminder: float | None = None
    farewell: float = 86_400.0


CHAT = Manners("chat", lambda text: len(text) <= LONGEST, reminder=600.0, farewell=3600.0)
SMS = Manners(
    "sms",
    lambda text: segments(text).parts <= MOST_PARTS,
    joined=True,
    keywords=True,
    farewell=2 * 86_400.0,
)


class Owner(Protocol):
    """What a thread needs from the house: the wire, people, and a memory."""

    def now(self) -> datetime:
        """The time as flows see it."""
        ...

    def switches(self) -> Switches:
        """The calendars that are switched open or closed."""
        ...

    def note(self, turn: Turn) -> None:
        """Write down what was decided, before it is acted on."""
        ...

    async def send(self, text: str, kept: str = "") -> None:
        """One message to the other side, in order; raises nothing the thread could mend.

        `kept` is the copy that stays, where that is not the text itself: a code is in none.
        """
        ...

    async def call_person(self, wanted: Queue, state: State) -> None:
        """Find an agent. How the wait ends is told by `left`, later."""
        ...

    async def leave_person(self, key: str) -> bool:
        """They chose to leave the wait by this key; how it ends is told by `left`, later.

        False when a person is there already: then it is a message like any other.
        """
        ...

    async def relay(self, text: str) -> None:
        """Written while a person is looked for or there: for that person."""
        ...

    async def keep_message(self, action: Voicemail | Record, text: str) -> Recorded | Failed:
        """Keep what was written as the message that was asked for."""
        ...

    async def consent(self, given: bool) -> None:
        """They sent START or STOP: whether we may write to them."""
        ...

    async def ended(self, how: End) -> None:
        """The thread is over; a later message begins another."""
        ...
