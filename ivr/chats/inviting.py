"""A code for the telephone at an agent's word: "ring us on N and key 482193".

The code stands in the message that goes out and nowhere else: what is kept of it, and what the
agent sees, has a mask in its place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from ivr.backends.sites import Site
from ivr.channels.notices import notice
from ivr.errors import IvrError
from ivr.flow.actions import MASK
from ivr.threads.book import Message, Thread
from ivr.threads.threads import Threads
from ivr.web.limits import Buckets, Limit

LASTS: Final = 600.0
"""Seconds a code can be keyed."""
OFTEN: Final = Limit(per_minute=2, burst=3)
"""Codes of one conversation."""


class NoCode(IvrError):
    """There is no code for this conversation; the text says why."""


class Inviting:
    """Gives what `code` makes for a contact and so many seconds; `site` finds one by name, `clock`
    is any steady clock."""

    def __init__(
        self,
        threads: Threads,
        code: Callable[[str, float], Awaitable[str]],
        site: Callable[[str], Site | None],
        clock: Callable[[], float],
    ) -> None:
        self._threads, self._code = threads, code
        self._site, self._clock = site, clock
        self._buckets = Buckets()

    async def give(self, thread: Thread) -> Message:
        """Send a code to whoever writes there. Raises NoCode."""
        site = self._site(thread.line)
        number = thread.line if thread.kind == "sms" else site.phone if site is not None else ""
        if not number:
            raise NoCode(
                "no number is known to ring: services.yaml names it as `phone` of the chat"
            )
        if self._buckets.take(thread.id, OFTEN, self._clock()):
            raise NoCode("a code was given just now: wait a moment")
        code = await self._code(thread.id, LASTS)
        state = thread.stands.get("state") or {}
        language = str(state.get("language") or thread.language or "en")
        minutes = str(round(LASTS / 60))
        said, kept = (
            notice("ring-us", language, number=number, code=each, minutes=minutes)
            for each in (code, MASK)
        )
        self._threads.book.tell(thread, "invited", {"agent": thread.agent})
        return await self._threads.house_says(thread, said, kept)
