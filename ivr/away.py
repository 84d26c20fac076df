"""Messages that callers left in Asterisk while the service was away: each becomes a contact.

The dialplan names such a file `<epoch>-<caller>-<dialled>-<random>.wav` (context `away` of
`extensions.conf`). A file that is taken in moves beside the other messages under its contact's id,
so that none is taken in twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from acd.records.contact import ContactEvent, Json
from ivr.callers import new_contact_id

FOLDER = "away"
SETTLED = 3.0
"""Seconds a file must have been left alone: until then it may still be growing."""

_NAME = re.compile(r"(?P<at>[0-9]{9,11})-(?P<caller>[+0-9]*)-(?P<dialled>[0-9]*)-[0-9]+\.wav")


@dataclass(frozen=True, slots=True)
class AwayMessage:
    """One such file, and what its name tells."""

    path: Path
    at: float
    caller: str
    dialled: str

    @property
    def seconds(self) -> float:
        """Length of the 8 kHz 16-bit mono recording."""
        return round(max(0, self.path.stat().st_size - 44) / 16000, 1)


def find_messages(folder: Path, now: float) -> list[AwayMessage]:
    """The finished messages in `folder`, oldest first; other files are left alone."""
    found = []
    for path in sorted(folder.glob("*.wav")):
        match = _NAME.fullmatch(path.name)
        if match is not None and now - path.stat().st_mtime >= SETTLED:
            found.append(AwayMessage(path, float(match["at"]), match["caller"], match["dialled"]))
    return found


def take_in(messages: Path, tell: Callable[[ContactEvent], None], now: float) -> int:
    """Make a contact of every finished message below `messages`; how many there were."""
    found = find_messages(messages / FOLDER, now)
    for message in found:
        contact = new_contact_id(message.at)
        target = messages / f"{contact}.wav"
        began: Mapping[str, Json] = {
            "channel": "voice",
            "caller": message.caller,
            "dialled": message.dialled,
        }
        left: Mapping[str, Json] = {
            "mailbox": FOLDER,
            "path": target.name,
            "seconds": message.seconds,
        }
        ended: Mapping[str, Json] = {
            "outcome": "voicemail",
            "by": "caller",
            "reason": "service away",
        }
        message.path.rename(target)
        tell(ContactEvent(contact, message.at, "began", "", began))
        tell(ContactEvent(contact, now, "voicemail", "", left))
        tell(ContactEvent(contact, now, "ended", "", ended))
    return len(found)
