"""Imports of customers that run on after their upload: one at a time, told as they go.

A job is known to the process that took it. Its file is gone as soon as it was read; the file of
bad rows stays until the job is forgotten: after a day, when newer ones push it out, or with the
process. What a job took is kept whatever becomes of it, and the same file can come again.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from acd.customers.importing import Import, Imported, RowError, import_file
from acd.errors import AcdError
from acd.records.database import Database
from ivr.web.hub import THE_LEADS, Hub
from ivr.web.problems import Problem, not_found

log = structlog.get_logger(__name__)

UNDER_WAY: Final = 5
"""Jobs that may wait or run at once."""
KEPT: Final = 20
KEPT_SECONDS: Final = 86_400.0
TOLD_EVERY: Final = 0.25
"""Seconds between events about a job that goes on."""
ERRORS_TOLD: Final = 20
AT_A_TIME: Final = 100
"""Rows between which calls have their turn: that many keep the event loop for 4 ms (99 of 100
batches, measured with 20,000 rows), five times as many for 13 ms, and the whole takes as long."""
UPLOAD_SECONDS: Final = 900.0
_STRANGE: Final = re.compile(r"[^\w .()-]")


class JobState(StrEnum):
    """What an import is doing."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


OVER: Final = frozenset({JobState.DONE, JobState.FAILED, JobState.STOPPED})


@dataclass(frozen=True, slots=True)
class ImportJob:
    """An import: `rows` of about `total` (None: not known) were looked at, and what came of them.

    `errors` are the first of `failed` rows; with `bad_rows` all of them can be downloaded. `error`
    says why the file was not taken as a whole. With `dry_run` nothing is kept.
    """

    id: str
    name: str
    by: str
    dry_run: bool
    state: JobState
    began_at: float
    ended_at: float | None
    rows: int
    total: int | None
    created: int
    updated: int
    unchanged: int
    failed: int
    kept_out: int
    errors: list[RowError]
    bad_rows: bool
    error: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an upload is read; see `Import`."""

    name: str
    suffix: str
    by: str
    dry_run: bool
    headings: Mapping[str, str]
    region: str | None


@dataclass(slots=True)
class _Job:
    id: str
    wanted: Wanted
    folder: Path
    began_at: float
    state: JobState = JobState.WAITING
    ended_at: float | None = None
    told: Imported = field(default_factory=Imported)
    total: int | None = None
    error: str = ""
    last_told: float = 0.0
    coming: asyncio.Timeout | None = None
    task: asyncio.Task[None] | None = None

    @property
    def file(self) -> Path:
        plain = _STRANGE.sub("_", Path(self.wanted.name).stem).strip(" .")[:60]
        return self.folder / f"{plain or 'customers'}{self.wanted.suffix}"

    @property
    def bad(self) -> Path:
        return self.file.with_name(f"{self.file.stem}.errors{self.wanted.suffix}")

    def shown(self) -> ImportJob:
        told = self.told
        return ImportJob(
            self.id,
            self.file.name,
            self.wanted.by,
            self.wanted.dry_run,
            self.state,
            self.began_at,
            self.ended_at,
            told.rows,
            self.total,
            told.created,
            told.updated,
            told.unchanged,
            told.failed,
            told.kept_out,
            list(told.errors[:ERRORS_TOLD]),
            self.state in OVER and self.bad.exists(),
            self.error,
        )


class ImportJobs:
    """The jobs, in `folder`. What is in there at first is an earlier process's: it is deleted."""

    def __init__(
        self, database: Database, hub: Hub, folder: Path, clock: Callable[[], float]
    ) -> None:
        self._database, self._hub, self._folder, self._clock = database, hub, folder, clock
        self._jobs: dict[str, _Job] = {}
        self._turn = asyncio.Lock()
        shutil.rmtree(folder, ignore_errors=True)

    async def take(self, wanted: Wanted, upload: AsyncIterator[bytes], most: int) -> ImportJob:
        """A job for an upload of at most `most` bytes. Raises Problem 409, 413, 408, 422."""
        self._forget_old()
        if sum(job.state not in OVER for job in self._jobs.values()) >= UNDER_WAY:
            raise Problem(409, f"{UNDER_WAY} imports are under way: wait until one has ended.")
        name = secrets.token_hex(6)
        job = _Job(name, wanted, self._folder / name, self._clock())
        self._jobs[name] = job
        try:
            await self._come_in(job, upload, most)
        except BaseException:
            if job.state not in OVER:
                self._drop(job)
            raise
        job.task = asyncio.create_task(self._run(job), name=f"import {name}")
        self._tell(job)
        return job.shown()

    async def _come_in(self, job: _Job, upload: AsyncIterator[bytes], most: int) -> None:
        try:
            async with asyncio.timeout(UPLOAD_SECONDS) as job.coming:
                await _receive(upload, job.file, most)
        except TimeoutError:
            if job.state not in OVER:
                raise Problem(408, "The upload took too long.") from None
        if job.state in OVER:
            raise Problem(
                409,
                "This import was stopped while its file came in, and nothing of it was kept: "
                "send the file again to import it.",
            )

    def all(self) -> list[ImportJob]:
        """Every job that is known, the latest first."""
        self._forget_old()
        return [job.shown() for job in reversed(self._jobs.values())]

    def get(self, name: str) -> ImportJob:
        """One job. Raises Problem 404."""
        return self._job(name).shown()

    def bad_rows(self, name: str) -> Path:
        """The file of a job's bad rows. Raises Problem 404 while there is none."""
        job = self._job(name)
        if job.state not in OVER or not job.bad.exists():
            raise Problem(404, "There is no file of bad rows: the import goes on, or has none.")
        return job.bad

    async def end(self, name: str) -> None:
        """Stop a job that comes in or goes on; what it took stays. Forget one that is over."""
        job = self._job(name)
        if job.state in OVER:
            self._drop(job)
            return
        if job.task is not None:
            job.task.cancel()
            await asyncio.gather(job.task, return_exceptions=True)
        elif job.coming is not None and not job.coming.expired():
            job.coming.reschedule(asyncio.get_running_loop().time())
        if job.state not in OVER:  # it had not even begun
            job.state, job.ended_at = JobState.STOPPED, self._clock()
            shutil.rmtree(job.folder, ignore_errors=True)
            self._tell(job)

    async def close(self) -> None:
        """Stop all of them, and keep nothing."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._jobs.clear()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    # --- one job ----------------------------------------------------------------------------------

    async def _run(self, job: _Job) -> None:
        try:
            async with self._turn:
                job.state = JobState.RUNNING
                self._tell(job)
                await self._import(job)
            job.state = JobState.DONE
        except asyncio.CancelledError:
            job.state = JobState.STOPPED
            raise
        except AcdError as why:
            job.state, job.error = JobState.FAILED, str(why)
        except Exception:
            log.exception("an import failed", job=job.id)
            job.state = JobState.FAILED
            job.error = "Something is wrong inside Tieline; its log, service.log, has the details."
        finally:
            job.file.unlink(missing_ok=True)
            job.ended_at = self._clock()
            self._tell(job)

    async def _import(self, job: _Job) -> None:
        wanted = job.wanted
        way = Import(
            job.file, wanted.by, wanted.region, wanted.headings, wanted.dry_run, job.bad, AT_A_TIME
        )

        def progress(done: int, total: int | None) -> None:
            job.total = total
            if self._clock() - job.last_told >= TOLD_EVERY:
                self._tell(job)

        await import_file(self._database, way, progress, self._clock, told=job.told)

    def _tell(self, job: _Job) -> None:
        job.last_told = self._clock()
        self._hub.publish("import", asdict(job.shown()), THE_LEADS)

    def _job(self, name: str) -> _Job:
        if name not in self._jobs:
            raise not_found("import")
        return self._jobs[name]

    def _forget_old(self) -> None:
        over = [job for job in self._jobs.values() if job.ended_at is not None]
        late = self._clock() - KEPT_SECONDS
        for place, job in enumerate(reversed(over)):
            if place >= KEPT - UNDER_WAY or (job.ended_at or 0.0) < late:
                self._drop(job)

    def _drop(self, job: _Job) -> None:
        self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)


def _private(file: Path) -> BinaryIO:
    file.parent.mkdir(parents=True, mode=0o700)
    file.touch(mode=0o600)
    return file.open("wb")


async def _receive(upload: AsyncIterator[bytes], file: Path, most: int) -> None:
    """Write an upload down, for its owner only."""
    size = 0
    with _private(file) as kept:
        async for part in upload:
            size += len(part)
            if size > most:
                raise Problem(413, f"A file of at most {most // 1_000_000} MB is taken: split it.")
            await asyncio.to_thread(kept.write, part)
    if not size:
        raise Problem(422, "The file is empty: its first row names the columns.")
