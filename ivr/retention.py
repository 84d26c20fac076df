"""What is forgotten every night: by its age, and what an erasure could not reach by day."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from acd.customers.erasing import (
    finish_erasures,
    forget_audit,
    forget_old,
    forgotten_since,
)
from acd.errors import AcdError
from acd.forgetting import forget_in_journal
from acd.records.database import Database
from acd.records.errors import RecordsUnavailable
from ivr.backends.building import store_file
from ivr.backends.forgetting import forget_errands
from ivr.rounds import LOOK_AT_DATE, seconds_to_midnight
from ivr.settings import Settings

log = structlog.get_logger(__name__)

DAY = 86_400.0
AFTER_MIDNIGHT = 2 * 3600.0
"""Seconds into the day: by then the counters have begun anew and few people call."""
MADE_UP_FOR = 7 * DAY
"""Seconds back to which a night makes up for nights that failed, or had no service."""
BY = "retention"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What the service has that nobody else may write: `threads` forgets conversations by id,
    `passes` the codes and links of contacts."""

    settings: Settings
    database: Database
    threads: Callable[[Collection[str]], None]
    passes: Callable[[Collection[str]], Awaitable[None]]


async def every_night(house: Forgetting) -> None:
    """Forget at every night what is due; a night that failed is made up for by the next."""
    while True:
        wait = seconds_to_midnight(datetime.now()) + AFTER_MIDNIGHT
        await asyncio.sleep(wait % DAY if wait % DAY > 1 else DAY)
        try:
            await one_night(house, time.time())
        except (RecordsUnavailable, AcdError, sqlite3.Error, OSError, ValueError) as why:
            log.error("not everything could be forgotten tonight", why=str(why))
        await asyncio.sleep(LOOK_AT_DATE)


async def one_night(house: Forgetting, now: float) -> int:
    """Forget what is due by now; how many contacts that were.

    Whoever was erased during the day, by whichever process, goes from the journal as well. Raises
    `RecordsUnavailable`, sqlite3.Error, AcdError.
    """
    settings, database = house.settings, house.database
    done = await finish_erasures(database, now)
    if settings.keep_contacts_days is not None:
        before = now - settings.keep_contacts_days * DAY
        done += await forget_old(database, before, by=BY, at=now)
    if settings.keep_audit_days is not None:
        await forget_audit(database, now - settings.keep_audit_days * DAY)
    files = await asyncio.to_thread(delete_recordings, settings.data_dir, done)
    gone = await forgotten_since(database, now - MADE_UP_FOR)
    if gone:
        house.threads(gone)
        await asyncio.to_thread(forget_errands, store_file(settings), gone)
        journal = settings.data_dir / "journal.sqlite"
        rows = await asyncio.to_thread(forget_in_journal, journal, gone)
        await house.passes(gone)
        log.info("forgotten", contacts=len(done), recordings=files, rows=rows)
    return len(done)


def delete_recordings(data: Path, contacts: Iterable[str]) -> int:
    """Delete what was recorded of these contacts or attached; how many files that were."""
    folder, deleted = data / "messages", 0
    for contact in contacts:
        if not contact.replace("-", "").isalnum():
            continue  # an id of ours names a file; anything else might name another's
        for file in (*folder.glob(f"{contact}.*"), *folder.glob(f"{contact}-*")):
            file.unlink(missing_ok=True)
            deleted += 1
        attached = data / "files" / contact
        if attached.is_dir():
            deleted += sum(1 for _ in attached.iterdir())
            shutil.rmtree(attached, ignore_errors=True)
    return deleted
