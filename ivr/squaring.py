"""Squares what is believed with what Asterisk says is there, after every silence, until it worked.

A silence is a break in the connection, a restart of either side, or a word that could not be
written down because the disk was full. Asking fails at times, and so does writing: then it is done
again a moment later, because a caller who left unheard would be rung for as long as nobody looks.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Protocol

import structlog

from ivr.asterisk.ami import Ready
from ivr.asterisk.living import LiveChannel
from ivr.callers import Callers
from ivr.errors import AsteriskRefused, AsteriskUnreachable
from ivr.phones import Phones
from ivr.places import Listing, phones

log = structlog.get_logger(__name__)

TRY_AGAIN = 1.0
"""Seconds between two tries."""
BOOT_SLACK = 1.0
"""Seconds: Asterisk tells its age in whole ones."""

FAILURES = (AsteriskRefused, AsteriskUnreachable, sqlite3.Error)


class Alive(Listing, Protocol):
    """What this module asks of AMI."""

    async def channels(self) -> tuple[LiveChannel, ...]:
        """Every channel there is."""
        ...


class Squaring:
    """`done` is set once it has worked for the first time."""

    def __init__(
        self, asterisk: Alive, callers: Callers, at_phones: Phones, clock: Callable[[], float]
    ) -> None:
        self.done = asyncio.Event()
        self._asterisk, self._callers, self._clock = asterisk, callers, clock
        self._phones = at_phones
        self._booted_at = 0.0
        self._again: asyncio.Task[None] | None = None

    async def after(self, ready: Ready) -> None:
        """Asterisk is connected (again)."""
        now = self._clock()
        if not ready.overflowed:  # that one repeats what was known at the login
            self._booted_at = now if ready.restarted else now - ready.uptime - BOOT_SLACK
        try:
            await self._square()
        except FAILURES as why:
            log.warning("asterisk could not be asked what is alive", why=str(why))
            self.soon()

    def soon(self) -> None:
        """Something was not heard or not written down: look at Asterisk until all is."""
        if self._again is None or self._again.done():
            self._again = asyncio.create_task(self._keep_trying(), name="squaring")

    async def close(self) -> None:
        """Try no more."""
        if self._again is not None:
            self._again.cancel()
            await asyncio.wait([self._again])

    async def _keep_trying(self) -> None:
        while True:
            await asyncio.sleep(TRY_AGAIN)
            try:
                await self._square()
            except FAILURES as why:
                log.debug("not squared yet", why=str(why))
            else:
                return

    async def _square(self) -> None:
        suspects = self._callers.suspects()
        there = await phones(self._asterisk)
        channels = await self._asterisk.channels()
        self._callers.reconcile(suspects, channels, self._booted_at)
        self._phones.look(channels, there)
        self.done.set()
