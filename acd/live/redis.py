"""The store that several processes share: Redis 7 or later.

Every key of a domain begins with `tieline:{<domain>}:`, so that all live in one slot of a Redis
Cluster. What they hold is written at the top of `lua/write.lua` and `lua/lease.lua`.

A write is one run of one script, under the writer's token and a number of its own. The script
refuses an older token, refuses a writer that does not know the newest entry, and answers a repeated
number as it did the first time. So a lost reply is repaired by asking again.

What survives depends on the server's file: with `appendonly yes` what was answered is there after
the server process died, however; after a power failure it is with `appendfsync always`, and with
`everysec` the last second or two may be missing. The writer then finds that out (`WentBack`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from acd.errors import JournalDamaged
from acd.journal import Entry, Snapshot, Stream
from acd.live.burst import Burst
from acd.live.lease import Granted, Held
from acd.live.link import TIMEOUT, Link, insist, script
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
    Taken,
    WentBack,
    appended,
    dump,
)

Packed = tuple[str | float, ...]
_Item = tuple[SharedChange, Packed]


class Keys:
    """The keys of one domain."""

    def __init__(self, domain: str) -> None:
        if not domain or set("{}") & set(domain):
            raise ValueError(f"a domain's name is text without braces, not {domain!r}")
        self._base = f"tieline:{{{domain}}}:"
        names = ("lease", "meta", "engine", "contact", "live", "kept", "snapshot")
        self.fixed = tuple(self._base + name for name in names)
        self.lease, self.meta, _, _, self.live, self.kept, self.snapshot = self.fixed
        self.turn, self.nodes = self._base + "turn", self._base + "nodes"

    def stream(self, name: Stream) -> str:
        """The stream of that name."""
        return self._base + name

    def letters(self, address: str) -> str:
        """The letters to an address."""
        return f"{self._base}to:{address}"

    def sender(self, name: str) -> str:
        """How far a sender's letters have come."""
        return f"{self._base}from:{name}"


class RedisReader:
    """The store of a domain as anyone may read it.

    One at a time may wait for entries, and one for letters; questions that wait for nothing pass.
    """

    def __init__(self, url: str, domain: str, *, timeout: float = TIMEOUT) -> None:
        self.keys = Keys(domain)
        self._link = Link(url, timeout=timeout)
        self._waiting = Link(url, timeout=timeout)  # a wait for news must not hold up a question
        self._letters = Link(url, timeout=timeout)

    async def read(self, stream: Stream, after: int = 0, *, wait: float = 0.0) -> list[Entry]:
        """See `StoreReader`."""
        link = self._waiting if wait > 0 else self._link
        rows = await _news(link, self.keys.stream(stream), f"{after}-0", wait)
        return [
            Entry(seq := int(key.partition("-")[0]), float(row["at"]), _load(row, f"entry {seq}"))
            for key, row in rows
        ]

    async def letters(
        self, address: str, after: str = "0", *, wait: float = 0.0, whole: bool = True
    ) -> list[Letter]:
        """See `SharedReader`; unless `whole`, one that cannot be read has nothing in it."""
        link = self._letters if wait > 0 else self._link
        found = []
        for key, row in await _news(link, self.keys.letters(address), after, wait):
            try:
                found.append(Letter(key, _load(row, f"letter {key}")))
            except JournalDamaged:
                if whole:
                    raise
                found.append(Letter(key, {}))
        return found

    async def take(self, address: str, upto: str) -> None:
        """See `SharedReader`."""
        await self._link.ask("XTRIM", self.keys.letters(address), "MINID", _behind(upto))

    async def last(self, stream: Stream) -> int:
        """See `StoreReader`."""
        return int(await self._link.ask("HGET", self.keys.meta, stream) or 0)

    async def snapshot(self) -> Snapshot | None:
        """See `StoreReader`."""
        row = _pairs(await self._link.ask("HGETALL", self.keys.snapshot))
        if not row:
            return None
        return Snapshot(int(row["seq"]), float(row["at"]), _load(row, "the snapshot"))

    async def confirmed(self) -> int:
        """See `StoreReader`."""
        return int(await self._link.ask("HGET", self.keys.meta, "confirmed") or 0)

    async def live(self, contact: str) -> dict[str, Any] | None:
        """See `StoreReader`."""
        text = await self._link.ask("HGET", self.keys.live, contact)
        return None if text is None else _load({"body": text}, f"the flow of {contact}")

    async def all_live(self) -> dict[str, dict[str, Any]]:
        """See `StoreReader`."""
        rows = _pairs(await self._link.ask("HGETALL", self.keys.live)).items()
        return {name: _load({"body": text}, f"the flow of {name}") for name, text in rows}

    async def kept(self, kind: str) -> dict[str, dict[str, Any]]:
        """See `StoreReader`."""
        rows = sorted(_pairs(await self._link.ask("HGETALL", self.keys.kept)).items())
        parts = [(*name.partition(" "), text) for name, text in rows]
        return {
            name: _load({"body": text}, f"{kind} {name}")
            for each, _, name, text in parts
            if each == kind
        }

    async def close(self) -> None:
        """See `StoreReader`."""
        for link in (self._link, self._waiting, self._letters):
            await link.close()


class RedisStore(RedisReader):
    """The store of a domain in the hands of the holder of `token`; made by `open`."""

    def __init__(self, url: str, domain: str, token: int, *, timeout: float = TIMEOUT) -> None:
        super().__init__(url, domain, timeout=timeout)
        self.token = token
        self._known = 0
        self._writing = Link(url, timeout=timeout)
        self._burst = Burst(self._send)

    @classmethod
    async def open(
        cls, url: str, domain: str, token: int, *, timeout: float = TIMEOUT
    ) -> RedisStore:
        """The store under a token that was granted to nobody else; each token opens it once.

        Asks the server until it answers.
        """
        store = cls(url, domain, token, timeout=timeout)
        try:
            store._known = await insist(lambda: store.last("engine"))
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def trouble(self) -> str:
        """Why writes are waiting, or ""."""
        return self._burst.trouble

    def knows(self, seq: int) -> None:
        """See `SharedStore`."""
        self._known = seq

    async def write(self, *changes: SharedChange) -> list[int]:
        """See `SharedStore.write`; waits for as long as the server does not answer."""
        packed = [(change, self._pack(change)) for change in changes]
        return await self._burst.put(packed, appended(changes))

    async def close(self) -> None:
        """See `StoreReader`; unanswered writes end in StoreClosed."""
        await self._burst.close()
        await self._writing.close()
        await super().close()

    def _pack(self, change: SharedChange) -> Packed:
        """The change as the script takes it; a letter's key is filled in when it is sent."""
        match change:
            case Append(stream, at, body):
                return ("append", stream, repr(at), dump(body))
            case SaveSnapshot(seq, at, body):
                return ("snapshot", seq, repr(at), dump(body))
            case Confirm(seq):
                return ("confirm", seq)
            case SetLive(contact, _, state):
                return ("live", contact, dump(state))
            case DropLive(contact):
                return ("drop", contact)
            case Keep(kind, name, _, body):
                return ("keep", f"{kind} {name}", dump(body))
            case Post(to, body):
                return ("post", self.keys.letters(to), dump(body))
            case Taken(address, upto):
                return ("taken", self.keys.letters(address), _behind(upto))

    async def _send(self, number: int, items: Sequence[_Item]) -> list[int]:
        keys, values = list(self.keys.fixed), list[str | float]()
        for change, packed in _repair_first(items):
            if isinstance(change, Post | Taken):
                name, key, value = packed
                if key not in keys:
                    keys.append(str(key))
                values += (name, keys.index(str(key)) + 1, value)
            else:
                values += packed
        header = (self.token, number, self._known)
        verdict, *numbers = await self._writing.run(script("write"), keys, (*header, *values))
        if verdict == "back":
            raise WentBack(f"the store ends at {numbers[0]}, and {self._known} was written")
        if verdict != "ok":
            raise Fenced(f"token {self.token} may write no more: {verdict} {numbers}")
        answers = [int(each) for each in numbers]
        streams = [change.stream for change, _ in items if isinstance(change, Append)]
        for stream, seq in zip(streams, answers, strict=True):
            if stream == "engine":
                self._known = seq
        return answers


class RedisLease:
    """The lease of a domain."""

    def __init__(
        self, url: str, domain: str, name: str, ttl: float, *, timeout: float = TIMEOUT
    ) -> None:
        self.holder, self.ttl = f"{name}/{secrets.token_hex(4)}", ttl
        self._keys = Keys(domain)
        self._link, self._turning = Link(url, timeout=timeout), Link(url, timeout=timeout)
        self._grants = 0
        self._seen = "$"

    async def acquire(self) -> Granted | Held:
        """See `Lease`."""
        answer = await self._do("acquire")
        if int(answer[0]):
            # The next one is another: what is still on its way for this one cannot take it.
            self._grants += 1
            return Granted(int(answer[1]))
        return Held(str(answer[1]), int(answer[2]) / 1000)

    async def renew(self, token: int) -> bool:
        """See `Lease`."""
        return bool(int((await self._do("renew", token))[0]))

    async def release(self, token: int) -> None:
        """See `Lease`."""
        await self._do("release", token)

    async def turn(self, seconds: float) -> None:
        """See `Lease`."""
        if self._seen == "$":
            newest = await self._turning.ask("XREVRANGE", self._keys.turn, "+", "-", "COUNT", 1)
            self._seen = newest[0][0] if newest else "0"
            return
        rows = await _news(self._turning, self._keys.turn, self._seen, seconds)
        if rows:
            self._seen = rows[-1][0]

    async def close(self) -> None:
        """Drop the connections; the lease stays."""
        await self._link.close()
        await self._turning.close()

    async def _do(self, what: str, token: int = 0) -> Any:
        keys = (self._keys.lease, self._keys.turn)
        values = (what, f"{self.holder}.{self._grants}", round(self.ttl * 1000), token)
        return await self._link.run(script("lease"), keys, values)


class RedisSender:
    """Sends letters in a domain from a process that does not lead it, each once."""

    def __init__(self, url: str, domain: str, *, timeout: float = TIMEOUT) -> None:
        self._keys = Keys(domain)
        self._from = self._keys.sender(secrets.token_hex(8))
        self._link = Link(url, timeout=timeout)
        self._burst = Burst(self._send)

    @property
    def trouble(self) -> str:
        """Why letters are waiting, or ""."""
        return self._burst.trouble

    async def post(self, *letters: Post) -> None:
        """Send them together; waits for as long as the server does not answer."""
        await self._burst.put([(self._keys.letters(each.to), dump(each.body)) for each in letters])

    async def close(self) -> None:
        """Stop; letters that are waiting end in StoreClosed, and may have been sent."""
        await self._burst.close()
        await self._link.close()

    async def _send(self, number: int, items: Sequence[tuple[str, str]]) -> list[int]:
        keys, values = [self._from], list[str | int]()
        for key, body in items:
            if key not in keys:
                keys.append(key)
            values += (keys.index(key) + 1, body)
        await self._link.run(script("post"), keys, (number, *values))
        return []


class RedisPulse:
    """The pulse of one node."""

    def __init__(self, url: str, domain: str, node: str, *, timeout: float = TIMEOUT) -> None:
        self._key, self._node = Keys(domain).nodes, node
        self._link = Link(url, timeout=timeout)
        self._beats = self._answered = 0

    async def beat(self, body: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """See `Pulse`."""
        self._beats += 1
        said = {**body, "n": self._beats, "answered": self._answered}
        await self._link.ask("HSET", self._key, self._node, dump(said))
        rows = _pairs(await self._link.ask("HGETALL", self._key)).items()
        self._answered = self._beats
        return {node: _load({"body": text}, f"the pulse of {node}") for node, text in rows}

    async def close(self) -> None:
        """See `Pulse`."""
        await self._link.close()


async def _news(link: Link, stream: str, after: str, wait: float) -> list[Any]:
    block = ("BLOCK", max(1, round(wait * 1000))) if wait > 0 else ()
    found = await link.ask("XREAD", "COUNT", PAGE, *block, "STREAMS", stream, after, wait=wait)
    if not found:
        return []
    rows = found[stream] if isinstance(found, dict) else found[0][1]
    return [(key, _pairs(row)) for key, row in rows]


def _pairs(row: Any) -> dict[str, str]:
    """Names and values, which RESP 2 sends one after another."""
    if isinstance(row, dict):
        return row
    return dict(zip(row[::2], row[1::2], strict=True))


def _behind(letter: str) -> str:
    """The first id a stream can have after this one."""
    stamp, _, number = letter.partition("-")
    return f"{stamp}-{int(number or 0) + 1}"


def _repair_first(
    items: Sequence[tuple[SharedChange, Packed]],
) -> list[tuple[SharedChange, Packed]]:
    """Snapshots before all else: the script looks there for one that makes the store whole."""
    return sorted(items, key=lambda item: not isinstance(item[0], SaveSnapshot))


def _load(row: dict[str, str], what: str) -> dict[str, Any]:
    try:
        body = json.loads(row["body"])
    except (ValueError, KeyError) as error:
        raise JournalDamaged(f"{what} in Redis cannot be read: {error}") from error
    if not isinstance(body, dict):
        raise JournalDamaged(f"{what} in Redis is no JSON object")
    return body
