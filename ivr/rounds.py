"""What the service does again and again: days begin, and things are looked after at intervals."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta

import structlog

from ivr.errors import AsteriskRefused, AsteriskUnreachable

log = structlog.get_logger(__name__)

LOOK_AT_DATE = 3600.0
"""Seconds a night's rest may last at most: clocks are set, machines sleep."""
HANG_UPS, HANG_UP_AGAIN = 10, 1.0
"""How often a channel is hung up that does not go, and the seconds between."""


def flow_clock(rehearse_at: datetime | None) -> Callable[[], datetime]:
    """The time as flows see it: now, or as if the service had started at `rehearse_at`."""
    ahead = rehearse_at - datetime.now(UTC) if rehearse_at is not None else timedelta()
    return lambda: datetime.now(UTC) + ahead


def seconds_to_midnight(now: datetime) -> float:
    """How long until the next day begins where `now` is; a day may have 23 or 25 hours.

    Where `now` has no zone, that of this machine counts.
    """
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    return max(1.0, midnight.timestamp() - now.timestamp())


async def every_midnight(begin_day: Callable[[], None]) -> None:
    """Begin a day at every midnight of this machine; one that cannot begin is tried again."""
    today = datetime.now().date()
    while True:
        await asyncio.sleep(min(seconds_to_midnight(datetime.now()), LOOK_AT_DATE))
        if datetime.now().date() == today:
            continue
        try:
            begin_day()
            today = datetime.now().date()
        except sqlite3.Error as full:
            log.error("the new day could not be written down", why=str(full))


async def every(seconds: float, work: Callable[[], None]) -> None:
    """Do it again and again; once that it fails is no reason to stop."""
    while True:
        try:
            work()
        except (sqlite3.Error, OSError) as why:
            log.error("could not be done now", work=work.__name__, why=str(why))
        await asyncio.sleep(seconds)


async def until_gone(hangup: Callable[[str], Awaitable[None]], channel: str) -> None:
    """Hang that channel up until Asterisk has none of that name.

    A hang-up that meets a channel just as it moves from one thread of Asterisk's to another may be
    lost with what it leaves behind. Without Asterisk it is the next look at it that hangs up.
    """
    for _ in range(HANG_UPS):
        try:
            await hangup(channel)
        except (AsteriskRefused, AsteriskUnreachable) as why:
            log.debug("asterisk does not hang up", channel=channel, why=str(why))
            return
        await asyncio.sleep(HANG_UP_AGAIN)
    log.error("a channel does not hang up", channel=channel)


async def quietly(work: Awaitable[object]) -> None:
    """A lamp that stays wrong is worth a line, not a call."""
    try:
        await work
    except (AsteriskRefused, AsteriskUnreachable) as why:
        log.debug("asterisk did not take it", why=str(why))
