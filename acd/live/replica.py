"""What a domain's stream leads to: the leader's own picture, or a follower's, warm.

The stream holds events in the order they were written down, before anyone knew whether they were
possible. Each engine judges for itself, from the same state by the same code, so all refuse the
same ones: a refused event has changed nothing, in no replica. Commands are worked out everywhere
alike, too: nobody has to send them.

An entry counts only as the next word of its sender, so that a repeated one counts once (see
`acd.live.entry`). After a break the replica looks whether the store still has the entry it applied
last, and goes on from there. Only where it has not, it stands anew where the store does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import structlog

from acd.engine import Engine
from acd.errors import AcdError, JournalDamaged
from acd.journal import Entry
from acd.live.entry import Noted, Origin, Word, word_from
from acd.live.store import StoreReader, entries
from acd.model import Command

REMEMBERED = 4096
"""Entries of which a replica still knows that it has applied them."""
OLD_SENDERS = 8
"""Earlier senders of a node of which a late word is still known for what it is."""
MEND = 10.0
"""Seconds in which a leader, old or next, can be expected to give a store back what it lost."""
LOOK_AGAIN = 0.1
OWNERS_KEPT = 1000
"""Callbacks taken over that are remembered: a node that is back must not make them once more."""

log = structlog.get_logger(__name__)


class Applied(NamedTuple):
    """What entry `seq` led to; `refused` says why it led to nothing, "" when it took effect."""

    seq: int
    word: Word
    commands: list[Command]
    refused: AcdError | None = None


class Replica:
    """Begins empty. `seq` is the newest entry applied, `at` its time.

    `notes` are by kind and name. `on_entry` is called after each entry, `on_jump` with the engine
    before when the replica stands somewhere else without having seen the way.
    """

    def __init__(self) -> None:
        self.engine = Engine()
        self.seq = 0
        self.at = 0.0
        self.notes: dict[str, dict[str, Any]] = {}
        self.on_entry: Callable[[Applied], None] = lambda _: None
        self.on_jump: Callable[[Engine], None] = lambda _: None
        self._senders: dict[str, list[Any]] = {}  # node -> newest sender, its last number, old ones
        self._recent: deque[tuple[int, float, Origin | None]] = deque(maxlen=REMEMBERED)

    # --- entries ----------------------------------------------------------------------------------

    def apply(self, seq: int, at: float, word: Word) -> list[Command]:
        """Do what entry `seq` says; raises AcdError when it is refused, and has taken note of it.

        Raises ValueError when it is not the next entry.
        """
        if seq != self.seq + 1:
            raise ValueError(f"entry {seq} does not follow {self.seq}")
        self.seq, self.at = seq, max(self.at, at)
        self._recent.append((seq, at, word.origin))
        if not self._is_next(word.origin):
            return []
        try:
            commands = self._do(word)
        except AcdError as refused:
            self.on_entry(Applied(seq, word, [], refused))
            raise
        self.on_entry(Applied(seq, word, commands))
        return commands

    def _do(self, word: Word) -> list[Command]:
        if not isinstance(word.said, Noted):
            return self.engine.handle(word.said)
        note = word.said
        if note.kind == "home":
            return []
        found = self.notes.setdefault(note.kind, {})
        if note.kind == "place" and _is_late(note, word.origin, found):
            return []
        if note.value is None:
            found.pop(note.name, None)
        else:
            found[note.name] = note.value
        if note.kind == "contact":
            self._forget_ended(note.name)
        elif note.kind == "owner" and len(found) > OWNERS_KEPT:
            del found[next(iter(found))]
        return []

    def _forget_ended(self, but: str) -> None:
        """What was shared of contacts that have no call any more, when another is."""
        alive = self.engine.contacts() | {but}
        found = self.notes["contact"]
        for gone in [name for name in found if name not in alive]:
            del found[gone]

    def _is_next(self, origin: Origin | None) -> bool:
        """Whether this word counts; it does not when it was said already or another is missing."""
        if origin is None:
            return True
        newest, number, old = self._senders.get(origin.node, ["", 0, []])
        if origin.sender != newest:
            if origin.sender in old or origin.number != 1:
                return False
            old, newest, number = [*old, newest][-OLD_SENDERS:], origin.sender, 0
        if origin.number != number + 1:
            return False
        self._senders[origin.node] = [newest, origin.number, old]
        return True

    def heard(self, node: str, sender: str) -> int:
        """The number of the last word of this sender that counted."""
        newest, number, _ = self._senders.get(node, ["", 0, []])
        return int(number) if newest == sender else 0

    # --- the store --------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """All there is to know, as plain JSON values."""
        return self.engine.snapshot() | {"notes": self.notes, "senders": self._senders}

    async def restore(self, store: StoreReader) -> None:
        """Forget all, and stand where the store ends; raises JournalDamaged, StoreUnreachable."""
        before = self.engine
        await self._from_snapshot(store)
        self.on_jump(before)
        await self.catch_up(store)

    async def catch_up(self, store: StoreReader) -> None:
        """Apply what is in the store by now."""
        async for entry in entries(store, "engine", self.seq):
            if not self._take(entry):
                await self.restore(store)
                return

    async def follow(self, store: StoreReader, *, wait: float) -> None:
        """Apply entries as they come, until cancelled; raises as `restore` does."""
        while True:
            for entry in await store.read("engine", self.seq, wait=wait):
                if not self._take(entry):
                    await self.restore(store)
                    break

    async def find_place(self, store: StoreReader) -> None:
        """After a break: go on from here, if this store has come here too; else begin anew.

        A store that lost its newest entries gets them back from its leader, in a moment.
        """
        ends = asyncio.get_running_loop().time() + MEND
        while (last := await store.last("engine")) < self.seq:
            if asyncio.get_running_loop().time() > ends:
                break
            await asyncio.sleep(LOOK_AGAIN)
        if last < self.seq or not await self.has_been(store, self.seq):
            log.info("replica_begins_anew", seq=self.seq, store=last)
            await self.restore(store)

    async def has_been(self, store: StoreReader, seq: int) -> bool:
        """Whether the store's entry `seq` is the one applied here."""
        known = next((each for each in reversed(self._recent) if each[0] == seq), None)
        found = await store.read("engine", seq - 1) if known is not None else []
        if known is None or not found or found[0].seq != seq:
            return False
        word = word_from(found[0].body, f"entry {seq} of engine")
        return known == (seq, found[0].at, word.origin)

    def _take(self, entry: Entry) -> bool:
        """Apply an entry; False when others before it are gone from the stream."""
        if entry.seq != self.seq + 1:
            return False
        word = word_from(entry.body, f"entry {entry.seq} of engine")
        try:
            self.apply(entry.seq, entry.at, word)
        except AcdError as refused:
            log.info("refused_here_too", seq=entry.seq, problem=str(refused))
        return True

    async def _from_snapshot(self, store: StoreReader) -> None:
        kept = await store.snapshot()
        self._recent.clear()
        if kept is None:
            self.engine, self.seq, self.at = Engine(), 0, 0.0
            self.notes, self._senders = {}, {}
            return
        try:
            engine = Engine.restore(kept.body)
        except (ValueError, KeyError) as error:
            raise JournalDamaged(f"the snapshot cannot be restored: {error}") from error
        self.engine, self.seq, self.at = engine, kept.seq, kept.at
        self.notes = dict(kept.body.get("notes", {}))
        self._senders = dict(kept.body.get("senders", {}))


def _is_late(note: Noted, origin: Origin | None, places: Mapping[str, Any]) -> bool:
    """Whether a node misses a phone that another has by now."""
    return note.value is None and origin is not None and places.get(note.name) != origin.node
