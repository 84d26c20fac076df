"""*Have us ring you*, out of a chat: a callback of the queue that the conversation waits in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from ivr.backends.desk import Desk
from ivr.backends.numbers import same_form
from ivr.flow.actions import Failed
from ivr.flow.errands import Callback, CallbackRefused
from ivr.threads.book import Thread
from ivr.threads.refusals import Why
from ivr.web.limits import Buckets, Limit

log = structlog.get_logger(__name__)

RINGS: Final = Limit(per_minute=0.2, burst=2)
"""How often one conversation, or one number, may ask to be rung."""


class Ringing:
    """Takes such wishes. `region` reads numbers, `clock` is epoch seconds, `now` is the flows'."""

    def __init__(
        self,
        desk: Desk,
        region: Callable[[], str | None],
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._desk, self._region, self._clock, self._now = desk, region, clock, now
        self._buckets = Buckets()

    async def ask(self, thread: Thread, number: str) -> Why | None:
        """Have that number rung for the conversation; None, or why it is not.

        A number is the same in all its spellings; that it may be rung at all is the desk's to say.
        """
        queue, at = thread.queue, self._clock()
        if thread.over or not queue:
            return Why.NO_PERSON
        keys = (thread.id, same_form(number, self._region()) or number)
        if max(self._buckets.take(key, RINGS, at) for key in keys) > 0:
            return Why.RUNG_SOON
        asked = thread.asked
        needs, urgent = asked.get("needs") or {}, int(asked.get("priority") or 0)
        promise = Callback(queue, number, needs, urgent, str(asked.get("tell_agent") or ""))
        found = await self._desk.run(
            promise, contact=thread.id, now=self._now(), caller=thread.sure_number
        )
        if isinstance(found, Failed | CallbackRefused):
            log.info("a visitor is not rung", contact=thread.id, why=found.why)
            return Why.NOT_RUNG  # the reason is for those who set up the house, and in the log
        return None
