"""Many writers, one round trip: what is asked while a request is under way goes with the next one.

Requests go one after another, each numbered one higher than the last, and each is repeated until it
is answered. The number is what lets the server know a repeated request from a new one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from acd.live.link import insist
from acd.live.store import StoreClosed

AT_MOST = 512
"""Changes in one request: the server does nothing else meanwhile, for one or two milliseconds."""


class _Part(NamedTuple):
    what: Sequence[Any]
    answers: int
    answer: asyncio.Future[list[int]]


class Burst:
    """Sends what `put` is given; `send(number, items)` makes one request and may be repeated.

    `send` answers with one number for each answer its items call for. What it raises other than
    StoreUnreachable is raised by every `put` of that request. `trouble` is why the present request
    is unanswered, or "".
    """

    def __init__(self, send: Callable[[int, Sequence[Any]], Awaitable[list[int]]]) -> None:
        self.trouble = ""
        self._send = send
        self._number = 0
        self._waiting: deque[_Part] = deque()
        self._under_way: list[_Part] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def put(self, items: Sequence[Any], answers: int = 0) -> list[int]:
        """Have all items go in one request; returns as many numbers as they call for."""
        if self._closed:
            raise StoreClosed("the store is closed")
        answer: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Part(items, answers, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="store writes")
        return await answer

    async def close(self) -> None:
        """Stop; what is unanswered ends in StoreClosed, and may have happened."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._fail((*self._under_way, *self._waiting), StoreClosed("the store was closed"))
        self._waiting.clear()

    async def _run(self) -> None:
        while self._waiting:
            parts = self._under_way = self._take()
            self._number += 1
            number, items = self._number, [item for part in parts for item in part.what]
            try:
                numbers = await insist(lambda: self._send(number, items), self._show)  # noqa: B023 - answered before the next round
            except asyncio.CancelledError:
                raise
            except Exception as refused:
                self._fail(parts, refused)
                continue
            at = 0
            for part in parts:
                if not part.answer.done():
                    part.answer.set_result(numbers[at : at + part.answers])
                at += part.answers
        self._under_way = []
        self._task = None

    def _take(self) -> list[_Part]:
        """As much as one request may hold; one part is never divided."""
        parts = [self._waiting.popleft()]
        size = len(parts[0].what)
        while self._waiting and size + len(self._waiting[0].what) <= AT_MOST:
            part = self._waiting.popleft()
            parts.append(part)
            size += len(part.what)
        return parts

    def _show(self, trouble: str) -> None:
        self.trouble = trouble

    @staticmethod
    def _fail(parts: Sequence[_Part], why: Exception) -> None:
        for part in parts:
            if not part.answer.done():
                part.answer.set_exception(why)
