"""The shared store in memory: several writers in one process, fenced as the real one is.

It ships with the package so that everything above the store can be tested without a server. A
`House` is what Redis is to the others: make one, then as many stores and leases on it as there are
processes to play. `house.down = True` makes it unreachable.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from acd.journal import Entry, Snapshot, Stream
from acd.live.lease import Granted, Held
from acd.live.store import (
    PAGE,
    Append,
    Confirm,
    DropLive,
    Fenced,
    Keep,
    Letter,
    Post,
    SaveSnapshot,
    SetLive,
    SharedChange,
    StoreClosed,
    StoreUnreachable,
    Taken,
    WentBack,
    dump,
)


@dataclass
class Contents:
    """Everything in the store; bodies are JSON text, as they would be elsewhere."""

    streams: dict[Stream, dict[int, tuple[float, str]]]
    last: dict[Stream, int]
    snapshot: tuple[int, float, str] | None = None
    confirmed: int = 0
    live: dict[str, str] = field(default_factory=dict)
    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    letters: dict[str, dict[int, str]] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)


class House:
    """The one store behind all. `clock` gives its own time in seconds."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.contents = Contents({"engine": {}, "contact": {}}, {"engine": 0, "contact": 0})
        self.clock = clock or asyncio.get_running_loop().time
        self.down = False
        self.token = 0
        self.holder = ""
        self.until = 0.0
        self.stamps = count(1)
        self._news = asyncio.Event()

    def changed(self) -> None:
        """Wake all who wait."""
        self._news.set()
        self._news = asyncio.Event()

    async def until_changed(self, seconds: float) -> bool:
        """Wait for a change; False when there was none in `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def check(self) -> None:
        """Raise StoreUnreachable when down."""
        if self.down:
            raise StoreUnreachable("the store does not answer")


class MemoryStore:
    """A store on a house, in the hands of the holder of `token`."""

    def __init__(self, house: House, token: int = 0) -> None:
        self._house, self._token = house, token
        self._known = 0

    def knows(self, seq: int) -> None:
        """See `SharedStore`."""
        self._known = seq

    async def write(self, *changes: SharedChange) -> list[int]:
        """See `SharedStore`."""
        self._house.check()
        if self._token < self._house.token:
            raise Fenced(f"token {self._token} is older than {self._house.token}")
        self._whole(changes)
        for change in changes:
            _refuse_what_json_cannot_carry(change)
        numbers = [n for change in changes if (n := self._do(change)) is not None]
        self._house.token = self._token
        self._known = self._house.contents.last["engine"]
        self._house.changed()
        return numbers

    def _whole(self, changes: Sequence[SharedChange]) -> None:
        last = self._house.contents.last["engine"]
        mends = any(isinstance(each, SaveSnapshot) and each.seq == self._known for each in changes)
        if last < self._known and not mends:
            raise WentBack(f"the store ends at {last}, and {self._known} was written")

    def _do(self, change: SharedChange) -> int | None:
        kept = self._house.contents
        match change:
            case Append(stream, at, body):
                text = dump(body)
                kept.last[stream] += 1
                kept.streams[stream][kept.last[stream]] = (at, text)
                return kept.last[stream]
            case SaveSnapshot(seq, at, body):
                kept.snapshot = (seq, at, dump(body))
                kept.last["engine"] = max(kept.last["engine"], seq)
                self._prune("engine", seq)
            case Confirm(seq):
                kept.confirmed = max(kept.confirmed, seq)
                self._prune("contact", kept.confirmed)
            case SetLive(contact, _, state):
                kept.live[contact] = dump(state)
            case DropLive(contact):
                kept.live.pop(contact, None)
            case Keep(kind, name, _, body):
                kept.kept[kind, name] = dump(body)
            case Post(to, body):
                kept.letters.setdefault(to, {})[next(self._house.stamps)] = dump(body)
            case Taken(address, upto):
                box = kept.letters.get(address, {})
                for stamp in [each for each in box if each <= int(upto)]:
                    del box[stamp]
        return None

    def _prune(self, stream: Stream, upto: int) -> None:
        """The last entry always stays, as in the other stores."""
        found = self._house.contents.streams[stream]
        for seq in [each for each in found if each <= upto and each < max(found)]:
            del found[seq]

    async def read(self, stream: Stream, after: int = 0, *, wait: float = 0.0) -> list[Entry]:
        """See `StoreReader`."""
        while True:
            self._house.check()
            rows = self._house.contents.streams[stream].items()
            found = [(seq, at, text) for seq, (at, text) in rows if seq > after][:PAGE]
            if found or wait <= 0 or not await self._house.until_changed(wait):
                return [Entry(seq, at, json.loads(text)) for seq, at, text in found]

    async def last(self, stream: Stream) -> int:
        """See `StoreReader`."""
        self._house.check()
        return self._house.contents.last[stream]

    async def snapshot(self) -> Snapshot | None:
        """See `StoreReader`."""
        self._house.check()
        found = self._house.contents.snapshot
        return found and Snapshot(found[0], found[1], json.loads(found[2]))

    async def confirmed(self) -> int:
        """See `StoreReader`."""
        self._house.check()
        return self._house.contents.confirmed

    async def live(self, contact: str) -> dict[str, Any] | None:
        """See `StoreReader`."""
        self._house.check()
        text = self._house.contents.live.get(contact)
        return None if text is None else json.loads(text)

    async def all_live(self) -> dict[str, dict[str, Any]]:
        """See `StoreReader`."""
        self._house.check()
        return {name: json.loads(text) for name, text in self._house.contents.live.items()}

    async def kept(self, kind: str) -> dict[str, dict[str, Any]]:
        """See `StoreReader`."""
        self._house.check()
        found = self._house.contents.kept.items()
        return {name: json.loads(text) for (each, name), text in sorted(found) if each == kind}

    async def letters(self, address: str, after: str = "0", *, wait: float = 0.0) -> list[Letter]:
        """See `SharedReader`."""
        while True:
            self._house.check()
            box = self._house.contents.letters.get(address, {}).items()
            found = [Letter(str(n), json.loads(text)) for n, text in box if n > int(after)][:PAGE]
            if found or wait <= 0 or not await self._house.until_changed(wait):
                return found

    async def take(self, address: str, upto: str) -> None:
        """See `SharedReader`."""
        self._house.check()
        self._do(Taken(address, upto))

    async def close(self) -> None:
        """See `StoreReader`."""


def _refuse_what_json_cannot_carry(change: SharedChange) -> None:
    """Before the first change is made: then none can fail half-way."""
    match change:
        case Append(body=body) | SaveSnapshot(body=body) | Keep(body=body) | Post(body=body):
            dump(body)
        case SetLive(state=state):
            dump(state)


class MemoryLease:
    """The lease on a house."""

    def __init__(self, house: House, holder: str, ttl: float) -> None:
        self.holder, self.ttl = holder, ttl
        self._house = house

    async def acquire(self) -> Granted | Held:
        """See `Lease`."""
        house = self._house
        house.check()
        left = house.until - house.clock()
        if left > 0:
            return Held(house.holder, left)
        house.token += 1
        house.holder, house.until = self.holder, house.clock() + self.ttl
        return Granted(house.token)

    async def renew(self, token: int) -> bool:
        """See `Lease`."""
        self._house.check()
        if token != self._house.token:
            return False
        self._house.until = self._house.clock() + self.ttl
        return True

    async def release(self, token: int) -> None:
        """See `Lease`."""
        self._house.check()
        if token == self._house.token:
            self._house.until = 0.0
            self._house.changed()

    async def turn(self, seconds: float) -> None:
        """See `Lease`."""
        ends = self._house.clock() + seconds
        while self._house.until > self._house.clock() and self._house.clock() < ends:
            await self._house.until_changed(ends - self._house.clock())

    async def close(self) -> None:
        """See `Lease`."""


class MemorySender:
    """Letters into a house; while it is down they wait."""

    def __init__(self, house: House) -> None:
        self._house, self._closed = house, False

    async def post(self, *letters: Post) -> None:
        """See `Sender`."""
        while self._house.down and not self._closed:
            await self._house.until_changed(0.01)
        if self._closed:
            raise StoreClosed("the store was closed")
        for letter in letters:
            box = self._house.contents.letters.setdefault(letter.to, {})
            box[next(self._house.stamps)] = dump(letter.body)
        self._house.changed()

    async def close(self) -> None:
        """See `Sender`."""
        self._closed = True


class MemoryPulse:
    """The pulse of one node."""

    def __init__(self, house: House, node: str) -> None:
        self._house, self._node, self._beats = house, node, 0

    async def beat(self, body: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """See `Pulse`."""
        self._house.check()
        self._beats += 1
        said = {**body, "n": self._beats, "answered": self._beats - 1}
        self._house.contents.nodes[self._node] = dump(said)
        return {node: json.loads(text) for node, text in self._house.contents.nodes.items()}

    async def close(self) -> None:
        """See `Pulse`."""
