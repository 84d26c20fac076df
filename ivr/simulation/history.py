"""What the journal still has of the distributor's events, to be replayed.

The journal is trimmed whenever the engine's state was kept as a snapshot: then that snapshot is
where history begins.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from acd.engine import Engine
from acd.errors import JournalDamaged
from acd.journal import Entry, Journal, Snapshot
from acd.model import EVENTS, Event, from_json
from ivr.errors import IvrError

_TRIES = 5


@dataclass(frozen=True, slots=True)
class History:
    """Events in order, and the snapshot before the first of them; None: from the very beginning."""

    events: Sequence[Event]
    snapshot: Snapshot | None

    @property
    def begins(self) -> float:
        """Where history begins."""
        return self.snapshot.at if self.snapshot is not None else self.events[0].at

    @property
    def ends(self) -> float:
        """The last that is known."""
        return self.events[-1].at

    @property
    def span(self) -> str:
        """From when to when there is something, in words."""
        trimmed = "; what was before was trimmed" if self.snapshot is not None else ""
        return f"{local(self.begins)} to {local(self.ends)}{trimmed}"

    def engine(self) -> Engine:
        """The engine as it was before the first event."""
        return Engine() if self.snapshot is None else Engine.restore(self.snapshot.body)


def read_history(path: Path) -> History:
    """What the journal at `path` has; another process may write it meanwhile.

    Raises IvrError when there is nothing, JournalDamaged when it cannot be read.
    """
    try:
        with Journal(path, read_only=True) as journal:
            snapshot, entries = _consistent(journal)
    except FileNotFoundError as error:
        raise IvrError(str(error)) from None
    except sqlite3.Error as error:
        raise IvrError(f"{path} cannot be read: {error}") from None
    if not entries:
        since = f" since {local(snapshot.at)}, when it was trimmed last" if snapshot else ""
        raise IvrError(f"{path} holds no events{since}: there is nothing to replay")
    return History([_event(entry) for entry in entries], snapshot)


def _consistent(journal: Journal) -> tuple[Snapshot | None, list[Entry]]:
    """A snapshot and all that came after it, though the journal may be trimmed in between."""
    for _ in range(_TRIES):
        snapshot = journal.snapshot()
        seq = snapshot.seq if snapshot is not None else 0
        entries = list(journal.read("engine", seq))
        if not entries or entries[0].seq == seq + 1:
            return snapshot, entries
    raise IvrError(f"{journal.path} changes faster than it can be read; try again")


def _event(entry: Entry) -> Event:
    try:
        event = from_json(entry.body)
    except ValueError as error:
        raise JournalDamaged(f"entry {entry.seq} of engine cannot be read: {error}") from error
    if not isinstance(event, EVENTS):
        raise JournalDamaged(f"entry {entry.seq} of engine is no event")
    return event


def local(at: float) -> str:
    """A moment as the clock on the wall shows it here."""
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"
