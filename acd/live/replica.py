"""An engine that stands where the stream left it: the leader's own, or a follower's, warm.

The stream holds events in the order they were written down, before anyone knew whether they were
possible. Each engine judges for itself, from the same state by the same code, so all refuse the
same ones: a refused event has changed nothing, in no replica.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import structlog

from acd.engine import Engine
from acd.errors import AcdError, JournalDamaged
from acd.journal import Entry
from acd.live.store import StoreReader, entries
from acd.model import EVENTS, Command, Event, from_json

REMEMBERED = 2048
"""Entries whose commands a follower can still tell when it takes over."""
POSTED = "posted"
"""Kept by the sequencer: up to which entry all commands have been posted."""

log = structlog.get_logger(__name__)


class Consequence(NamedTuple):
    """What entry `seq` led to."""

    seq: int
    commands: list[Command]


class Replica:
    """Begins empty. `seq` is the newest entry applied, `at` its time."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.seq = 0
        self.at = 0.0
        self._recent: deque[Consequence] = deque(maxlen=REMEMBERED)

    def apply(self, seq: int, event: Event) -> list[Command]:
        """Do what entry `seq` says; raises AcdError when it is refused, and has taken note of it.

        Raises ValueError when it is not the next entry.
        """
        if seq != self.seq + 1:
            raise ValueError(f"entry {seq} does not follow {self.seq}")
        self.seq, self.at = seq, max(self.at, event.at)
        commands: list[Command] = []
        try:
            commands = self.engine.handle(event)
        finally:
            self._recent.append(Consequence(seq, commands))
        return commands

    async def restore(self, store: StoreReader, *, remember_all: bool = False) -> None:
        """Forget all, and stand where the store ends; raises JournalDamaged, StoreUnreachable."""
        self._recent = deque(maxlen=None if remember_all else REMEMBERED)
        await self._from_snapshot(store)
        await self.catch_up(store)

    async def catch_up(self, store: StoreReader) -> None:
        """Apply what is in the store by now."""
        async for entry in entries(store, "engine", self.seq):
            if not self._take(entry):
                await self._from_snapshot(store)
                await self.catch_up(store)
                return

    async def follow(self, store: StoreReader, *, wait: float) -> None:
        """Apply entries as they come, until cancelled; raises as `restore` does."""
        while True:
            for entry in await store.read("engine", self.seq, wait=wait):
                if not self._take(entry):
                    await self.restore(store)
                    break

    async def unposted(self, store: StoreReader) -> list[Consequence]:
        """Commands that nobody may have been told, for one who takes over at the stream's end."""
        posted = await posted_upto(store)
        if self.seq > posted and (not self._recent or self._recent[0].seq > posted + 1):
            await self.restore(store, remember_all=True)
        found = self.since(posted)
        self._recent = deque(found, maxlen=REMEMBERED)
        return found

    def since(self, seq: int) -> list[Consequence]:
        """What entries after that one led to, as far as is remembered."""
        return [each for each in self._recent if each.seq > seq]

    def _take(self, entry: Entry) -> bool:
        """Apply an entry; False when others before it are gone from the stream."""
        if entry.seq != self.seq + 1:
            return False
        try:
            self.apply(entry.seq, event_from(entry.body, f"entry {entry.seq} of engine"))
        except JournalDamaged:
            raise
        except AcdError as refused:
            log.info("refused_here_too", seq=entry.seq, problem=str(refused))
        return True

    async def _from_snapshot(self, store: StoreReader) -> None:
        kept = await store.snapshot()
        if kept is None:
            self.engine, self.seq, self.at = Engine(), 0, 0.0
            return
        try:
            self.engine = Engine.restore(kept.body)
        except (ValueError, KeyError) as error:
            raise JournalDamaged(f"the snapshot cannot be restored: {error}") from error
        self.seq, self.at = kept.seq, kept.at


async def posted_upto(store: StoreReader) -> int:
    """Up to which entry all commands have been posted."""
    return int((await store.kept("sequencer")).get(POSTED, {}).get("seq", 0))


def event_from(body: Mapping[str, object], what: str) -> Event:
    """The event in a body; raises JournalDamaged when there is none."""
    try:
        event = from_json(body)
    except ValueError as error:
        raise JournalDamaged(f"{what} cannot be read: {error}") from error
    if not isinstance(event, EVENTS):
        raise JournalDamaged(f"{what} is no event but {type(event).__name__}")
    return event
