"""STOP and START in the customers' records, and what the records say of who may be written to.

The outbox keeps every STOP itself, so one is obeyed whatever else is away; the records have the
last word where they have one, because a desk may have noted a later yes or no there.
"""

from __future__ import annotations

import asyncio

import structlog

from acd.customers import Consents
from acd.errors import AcdError
from ivr.texts.receiving import Told

log = structlog.get_logger(__name__)

TRY_AGAIN = 30.0
"""Seconds until a STOP is offered to the records once more."""
PATIENCE = 1.0
"""Seconds a message waits for the records' word."""


class Consenting:
    """Between the outbox and the records; `close` it with the service."""

    def __init__(self, consents: Consents) -> None:
        self._consents = consents
        self._untold: list[Told] = []
        self._trying: asyncio.Task[None] | None = None

    async def told(self, told: Told) -> None:
        """They said STOP or START; the records hear of it as soon as they can."""
        self._untold.append(told)
        if self._trying is None or self._trying.done():
            self._trying = asyncio.create_task(self._tell_all(), name="consent")

    async def wanted(self, number: str) -> bool | None:
        """Whether that number may be written to; None when the records do not know, or are away."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._consents.may("sms", number)
        except (AcdError, TimeoutError) as why:
            log.debug("nobody knows whether it is wanted", why=str(why))
            return None

    async def close(self) -> None:
        """Try no more."""
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait([self._trying])

    async def _tell_all(self) -> None:
        while self._untold:
            said = self._untold[0]
            try:
                await self._consents.opt(
                    "sms", given=said.given, how=said.how, by="sms", address=said.number
                )
            except AcdError as why:
                log.warning("a STOP or START is not in the records yet", why=str(why))
                await asyncio.sleep(TRY_AGAIN)
            else:
                del self._untold[0]
