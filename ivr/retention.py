"""What is forgotten by its age: contacts, their recordings and audits, every night."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import structlog

from acd.customers.erasing import finish_erasures, forget_audit, forget_old
from acd.records.database import Database
from acd.records.errors import RecordsUnavailable
from ivr.rounds import LOOK_AT_DATE, seconds_to_midnight
from ivr.settings import Settings

log = structlog.get_logger(__name__)

DAY = 86_400.0
AFTER_MIDNIGHT = 2 * 3600.0
"""Seconds into the day: by then the counters have begun anew and few people call."""
BY = "retention"


async def every_night(settings: Settings, database: Database) -> None:
    """Forget at every night what is due; a night that failed is made up for by the next."""
    while True:
        wait = seconds_to_midnight(datetime.now()) + AFTER_MIDNIGHT
        await asyncio.sleep(wait % DAY if wait % DAY > 1 else DAY)
        try:
            await one_night(settings, database, time.time())
        except RecordsUnavailable as why:
            log.error("nothing could be forgotten tonight", why=str(why))
        await asyncio.sleep(LOOK_AT_DATE)


async def one_night(settings: Settings, database: Database, now: float) -> int:
    """Forget what is due by now; how many contacts that were. Raises `RecordsUnavailable`."""
    done = await finish_erasures(database, now)
    if settings.keep_contacts_days is not None:
        before = now - settings.keep_contacts_days * DAY
        done += await forget_old(database, before, by=BY, at=now)
    if settings.keep_audit_days is not None:
        await forget_audit(database, now - settings.keep_audit_days * DAY)
    files = await asyncio.to_thread(delete_recordings, settings.data_dir, done)
    if done:
        log.info("forgotten", contacts=len(done), recordings=files)
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
