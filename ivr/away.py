"""Messages that callers left in Asterisk while the service was away.

The dialplan (context `away`) names such a file `<epoch>-<caller>-<dialled>-<random>-<contact>.wav`;
the contact is empty for a caller whom the service has never met, and then the message becomes a
contact of its own. A file that is taken in moves beside the other messages under its contact's id,
so that none is taken in twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from acd.records.contact import ContactEvent, Json
from ivr.live import new_contact_id

FOLDER = "away"
SETTLED = 3.0
"""Seconds a file must have been left alone: until then it may still be growing."""
SHORTEST = 1.5
"""Seconds below which a recording is no message: of mere silence Asterisk leaves one second."""

_NAME = re.compile(
    r"(?P<at>[0-9]{9,11})-(?P<caller>[+0-9]*)-(?P<dialled>[0-9]*)-[0-9]+"
    r"(?:-(?P<contact>[0-9a-z]+-[0-9a-z]{4}(?:-[0-9a-z]+)?)?)?\.wav"
)


@dataclass(frozen=True, slots=True)
class AwayMessage:
    """One such file, what its name tells, and its length in seconds; `contact` is "" if unknown."""

    path: Path
    at: float
    caller: str
    dialled: str
    contact: str
    seconds: float


def find_messages(folder: Path, now: float) -> list[AwayMessage]:
    """The finished messages in `folder`, oldest first; other files are left alone."""
    return [message for message, changed_at in _all(folder) if now - changed_at >= SETTLED]


def left_a_message(messages: Path, contact: str) -> bool:
    """Whether a caller who is gone has left one that is not taken in yet."""
    return any(
        message.contact == contact and message.seconds >= SHORTEST
        for message, _ in _all(messages / FOLDER)
    )


def _all(folder: Path) -> Iterator[tuple[AwayMessage, float]]:
    """Each message with the moment it last grew."""
    for path in sorted(folder.glob("*.wav")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        at, caller, dialled = float(match["at"]), match["caller"], match["dialled"]
        length = round(max(0, status.st_size - 44) / 16000, 1)  # 8 kHz, 16 bit, mono
        message = AwayMessage(path, at, caller, dialled, match["contact"] or "", length)
        yield message, status.st_mtime


def take_in(
    messages: Path,
    tell: Callable[[ContactEvent], None],
    together: Callable[[], AbstractContextManager[None]],
    now: float,
    node: str | None = None,
) -> int:
    """Take in every finished message below `messages`; how many there were.

    Who hung up at the tone has left none, but has called: that is a contact too. A message whose
    story cannot be written down (`together`, or not at all) stays where it was.
    """
    taken = 0
    for message in find_messages(messages / FOLDER, now):
        contact = message.contact or new_contact_id(message.at, node)
        target = _free_name(messages, contact)
        message.path.rename(target)
        try:
            with together():
                for event in _story(message, contact, target.name, now):
                    tell(event)
        except BaseException:
            target.rename(message.path)
            raise
        if message.seconds >= SHORTEST:
            taken += 1
        else:
            target.unlink()
    return taken


def _free_name(messages: Path, contact: str) -> Path:
    """`<contact>.wav`, or the next number of it: a caller may have left more than one."""
    names = (f"{contact}.wav" if n == 1 else f"{contact}-{n}.wav" for n in count(1))
    return next(path for name in names if not (path := messages / name).exists())


def _story(message: AwayMessage, contact: str, name: str, now: float) -> Iterator[ContactEvent]:
    """What the message adds to its contact: all there is of it, for one we never met."""
    told: dict[str, Mapping[str, Json]] = {}
    if not message.contact:
        caller, dialled = message.caller, message.dialled
        told["began"] = {"channel": "voice", "caller": caller, "dialled": dialled}
    if message.seconds >= SHORTEST:
        told["voicemail"] = {"mailbox": FOLDER, "path": name, "seconds": message.seconds}
    if not message.contact:
        outcome = "voicemail" if "voicemail" in told else "left"
        told["ended"] = {"outcome": outcome, "by": "caller", "reason": "service away"}
    for kind, data in told.items():
        yield ContactEvent(contact, message.at if kind == "began" else now, kind, "", data)
