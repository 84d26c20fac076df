"""What the distributor's state is kept in, as several implementations promise it.

- streams `engine` and `contact`: entries numbered by one, in the order in which they were written;
- the snapshot of the engine's state as of one entry of its stream;
- live contacts: contact id -> where its flow stands;
- kept things: what was set and must outlive a restart, by kind and name;
- in a store that processes share, letters: entries for one address, there until they are taken.

`write` is the only door in. Its changes happen together or not at all, in the order given, and once
it has returned they are safe. It needs no second call to be sure: where a reply can get lost, the
implementation asks again under the same id until it knows. So it may take long, and a caller who
stops waiting has not taken the write back.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from acd.errors import AcdError
from acd.journal import Entry, Snapshot, Stream

PAGE = 1000
"""Entries read at a time."""


class StoreUnreachable(AcdError):
    """The store did not answer; nothing is known but that."""


class StoreRefused(AcdError):
    """The store answers and will not have it: wrong password, missing rights, not a Redis 7."""


class Fenced(AcdError):
    """Somebody else may write by now; what was not answered before is for them to know."""


class WentBack(AcdError):
    """The store has lost entries it had confirmed; nothing of this write happened."""


class StoreClosed(AcdError):
    """The store was closed with this write still unanswered."""


@dataclass(frozen=True, slots=True)
class Append:
    """One more entry of a stream; its number is the write's answer for it."""

    stream: Stream
    at: float
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SaveSnapshot:
    """The engine's state as of entry `seq`, in place of the one before; what it covers may go."""

    seq: int
    at: float
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Confirm:
    """The records have the contact stream up to `seq`; it may go."""

    seq: int


@dataclass(frozen=True, slots=True)
class SetLive:
    """Where a contact's flow stands, in place of what was there."""

    contact: str
    at: float
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DropLive:
    """The contact has ended; harmless when it is not there."""

    contact: str


@dataclass(frozen=True, slots=True)
class Keep:
    """This under its kind and name, in place of what was there."""

    kind: str
    name: str
    at: float
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """A letter to an address."""

    to: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """All letters to an address up to that id have been seen to."""

    address: str
    upto: str


Change = Append | SaveSnapshot | Confirm | SetLive | DropLive | Keep
SharedChange = Change | Post | Taken


class Letter(NamedTuple):
    """One letter; its id is one or two numbers with a dash between, and grows for each address."""

    id: str
    body: dict[str, Any]

    @property
    def place(self) -> tuple[int, ...]:
        """By this, letters of one address are in order."""
        return tuple(int(part) for part in self.id.split("-"))


class StoreReader(Protocol):
    """What anyone may ask. All raise StoreUnreachable, and JournalDamaged for what is no JSON."""

    async def read(self, stream: Stream, after: int = 0, *, wait: float = 0.0) -> list[Entry]:
        """The next entries numbered above `after`, at most `PAGE`.

        When there is none yet, returns an empty list after at most `wait` seconds.
        """
        ...

    async def last(self, stream: Stream) -> int:
        """The number of the newest entry, 0 when there never was one."""
        ...

    async def snapshot(self) -> Snapshot | None:
        """The latest snapshot."""
        ...

    async def confirmed(self) -> int:
        """How far the records have taken over the contact stream."""
        ...

    async def live(self, contact: str) -> dict[str, Any] | None:
        """Where a contact's flow stands, or None."""
        ...

    async def all_live(self) -> dict[str, dict[str, Any]]:
        """Where every live contact's flow stands."""
        ...

    async def kept(self, kind: str) -> dict[str, dict[str, Any]]:
        """Everything of a kind, by name."""
        ...

    async def close(self) -> None:
        """Let go; what was written stays."""
        ...


class Store(StoreReader, Protocol):
    """A store of one writer."""

    async def write(self, *changes: Change) -> list[int]:
        """All changes, or none; returns the numbers of the entries appended, in order.

        Raises ValueError for what JSON cannot carry. A store that processes share raises Fenced,
        WentBack or StoreClosed.
        """
        ...


class SharedReader(StoreReader, Protocol):
    """What any process may ask of a store that processes share."""

    async def letters(self, address: str, after: str = "0", *, wait: float = 0.0) -> list[Letter]:
        """The next letters to `address` behind the one of that id; see `read` for `wait`."""
        ...

    async def take(self, address: str, upto: str) -> None:
        """Whoever lives at `address` has seen to its letters up to that id; may be said twice."""
        ...


class SharedStore(SharedReader, Protocol):
    """A store that processes share, in the hands of the one who holds its token."""

    def knows(self, seq: int) -> None:
        """The writer knows the engine stream up to `seq`, should the store have lost its end.

        It is then `WentBack` who says so, and a snapshot as of `seq` makes the store whole.
        """
        ...

    async def write(self, *changes: SharedChange) -> list[int]:
        """See `Store.write`."""
        ...


async def entries(store: StoreReader, stream: Stream, after: int = 0) -> AsyncIterator[Entry]:
    """All entries numbered above `after` that are there by now, page by page."""
    while page := await store.read(stream, after):
        for entry in page:
            yield entry
        after = page[-1].seq


def dump(body: Mapping[str, Any]) -> str:
    """JSON as it is stored; raises ValueError for what JSON cannot carry."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def appended(changes: Sequence[SharedChange]) -> int:
    """How many numbers a write of these changes answers."""
    return sum(isinstance(change, Append) for change in changes)
