"""A node's words on their way into the stream: in order, each once, whatever is lost in between.

While this process leads, they go into its own sequencer; otherwise to the leader as letters. A word
is on its way until it has come by in the stream. Whenever the way changes, or nothing has come by
for a while, all that is on its way is handed over again: the stream counts each number once, and
none before the one in front of it (`acd.live.entry`).
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import NoReturn

from acd.live.access import Sender
from acd.live.entry import Noted, Origin, Word
from acd.live.member import LEADER
from acd.live.sequencer import Sequencer
from acd.live.store import Post, dump
from acd.model import Event

AGAIN_AFTER = 1.0
"""Seconds without a word of ours coming by, after which they are handed over again; doubles."""
AGAIN_AT_MOST = 8.0
AT_ONCE = 256
"""Letters in one request."""


class Outbox:
    """`sequencer` tells what to write with while this process leads; `look` when that changed."""

    def __init__(
        self, node: str, sender: Sender, sequencer: Callable[[], Sequencer | None]
    ) -> None:
        self.name = secrets.token_hex(6)
        self._node, self._sender, self._sequencer = node, sender, sequencer
        self._waiting: deque[Word] = deque()
        self._matters: deque[frozenset[str]] = deque()  # of each word that is waiting
        self._about: Counter[str] = Counter()
        self._numbers = 0
        self._handed = 0
        self._way: Sequencer | None = None
        self._news = asyncio.Event()
        self._passed = asyncio.Event()
        self._pause = AGAIN_AFTER

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Event | Noted]:
        return (word.said for word in self._waiting)

    def put(self, said: Event | Noted, about: frozenset[str] = frozenset()) -> None:
        """Send this, which is about those matters; raises ValueError for what JSON cannot carry."""
        word = Word(said, Origin(self._node, self.name, self._numbers + 1))
        dump(word.body())
        self._numbers += 1
        self._waiting.append(word)
        self._matters.append(about)
        self._about.update(about)
        self._news.set()

    def touches(self, about: frozenset[str]) -> bool:
        """Whether something is on its way that is about one of these matters."""
        return any(each in self._about for each in about)

    def heard(self, number: int) -> None:
        """Our words up to that number have come by."""
        while self._waiting and _number(self._waiting[0]) <= number:
            self._waiting.popleft()
            self._pause = AGAIN_AFTER
            for each in self._matters.popleft():
                self._about[each] -= 1
                if not self._about[each]:
                    del self._about[each]
        self._passed.set()

    async def settled(self) -> None:
        """Wait until all that was put so far has come by."""
        upto = self._numbers
        while self._waiting and _number(self._waiting[0]) <= upto:
            self._passed.clear()
            await self._passed.wait()

    def clear(self) -> None:
        """What is on its way is somebody else's to say; nobody need wait for it."""
        self._waiting.clear()
        self._matters.clear()
        self._about.clear()
        self._passed.set()

    def look(self) -> None:
        """Whether this process leads may have changed."""
        self._news.set()

    async def run(self) -> NoReturn:
        """Hand over what is put, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._pause if self._waiting else None):
                    await self._news.wait()
            except TimeoutError:
                self._handed = 0
                self._pause = min(2 * self._pause, AGAIN_AT_MOST)
            self._news.clear()
            await self._hand_over()

    async def _hand_over(self) -> None:
        sequencer = self._sequencer()
        way = None if sequencer is None or sequencer.over else sequencer
        if way is not self._way:
            self._way, self._handed = way, 0
        new = [word for word in self._waiting if _number(word) > self._handed]
        if not new:
            return
        self._handed = _number(new[-1])
        if way is not None:
            for word in new:
                way.send(word.said, word.origin)
            return
        for start in range(0, len(new), AT_ONCE):
            page = new[start : start + AT_ONCE]
            await self._sender.post(*(Post(LEADER, word.body()) for word in page))


def _number(word: Word) -> int:
    return 0 if word.origin is None else word.origin.number
