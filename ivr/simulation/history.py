"""What the journal still has of the distributor's events, to be replayed.

The journal keeps so many days, and with each a snapshot of the engine's state: history begins at
the last of these from before the time that is asked for, or at the first.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from acd.engine import Engine
from acd.errors import JournalDamaged
from acd.journal import Entry, Journal, Snapshot
from acd.model import EVENTS, Event, from_json
from ivr.errors import IvrError

DAY = 86_400.0
_TRIES = 5


@dataclass(frozen=True, slots=True)
class History:
    """Events in order, and the snapshot before the first of them; None: from the very beginning.

    `begins` to `ends` is what the whole journal has; `trimmed` tells that there was more.
    """

    events: Sequence[Event]
    snapshot: Snapshot | None
    begins: float
    ends: float
    trimmed: bool

    @property
    def span(self) -> str:
        """From when to when there is something, in words."""
        trimmed = "; what was before was trimmed" if self.trimmed else ""
        return f"{local(self.begins)} to {local(self.ends)}{trimmed}"

    def engine(self) -> Engine:
        """The engine as it was before the first event."""
        return Engine() if self.snapshot is None else Engine.restore(self.snapshot.body)


def read_history(path: Path, begins: float | None = None, ends: float = math.inf) -> History:
    """What the journal at `path` has, from the last snapshot before `begins` up to `ends`.

    Without `begins` it is the last day. Another process may write the journal meanwhile. Raises
    IvrError when there is nothing, JournalDamaged when it cannot be read.
    """
    try:
        with Journal(path, read_only=True) as journal:
            return _read(journal, begins, ends)
    except FileNotFoundError as error:
        raise IvrError(str(error)) from None
    except sqlite3.Error as error:
        raise IvrError(f"{path} cannot be read: {error}") from None


def _read(journal: Journal, begins: float | None, ends: float) -> History:
    """The journal may be trimmed while it is read: then there is a gap, and it is read anew."""
    for _ in range(_TRIES):
        oldest, last = _oldest(journal), journal.last_at("engine")
        since = oldest.seq if oldest is not None else 0
        first = next(journal.read("engine", since), None)
        if first is None or last is None:
            when = f" since {local(oldest.at)}, when it was trimmed last" if oldest else ""
            raise IvrError(f"{journal.path} holds no events{when}: there is nothing to replay")
        start = oldest.at if oldest is not None else first.at
        wanted = last - DAY if begins is None else begins
        base = oldest if wanted <= start else journal.snapshot_before(wanted)
        seq = base.seq if base is not None else 0
        entries = list(takewhile(lambda each: each.at <= ends, journal.read("engine", seq)))
        if not entries or entries[0].seq == seq + 1:
            events = [_event(entry) for entry in entries]
            return History(events, base, start, last, oldest is not None)
    raise IvrError(f"{journal.path} changes faster than it can be read; try again")


def _oldest(journal: Journal) -> Snapshot | None:
    """Where history begins; None: with the very first entry."""
    first = next(journal.read("engine"), None)
    return None if first is not None and first.seq == 1 else journal.snapshot_before(-math.inf)


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
