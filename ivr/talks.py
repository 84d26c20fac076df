"""Callers whom a desk has away from their agent: whoever serves such a caller hears of changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Talks:
    """By contact id. `asking` are those about whom a session of this service asks a colleague."""

    def __init__(self) -> None:
        self.asking: set[str] = set()
        self._news: dict[str, asyncio.Event] = {}

    @contextmanager
    def follow(self, contact: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something has changed for this caller."""
        news = self._news[contact] = asyncio.Event()
        try:
            yield news
        finally:
            if self._news.get(contact) is news:
                del self._news[contact]

    def changed(self, contact: str) -> None:
        """Something has."""
        news = self._news.get(contact)
        if news is not None:
            news.set()
