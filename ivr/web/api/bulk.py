"""Customers by the file: imports as jobs, and exports as streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import StringConstraints

from acd.customers import sheets
from acd.customers.columns import EXPORTED
from acd.customers.exporting import Page, export_file, pages
from acd.records.database import Database
from ivr.web.house import House
from ivr.web.import_jobs import ImportJob, ImportJobs, Wanted
from ivr.web.limits import Limit
from ivr.web.problems import Problem
from ivr.web.roles import LEADS
from ivr.web.routes import Call, Query, Raw, Route

LARGEST: Final = 50_000_000
"""Bytes of a file that is imported."""
CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SUFFIXES: Final = {CSV: ".csv", XLSX: ".xlsx"}
RARELY: Final = Limit(per_minute=20, burst=20)
CHUNK: Final = 256 * 1024
MARK: Final = "\ufeff"
"""In front of CSV: it tells spreadsheets that it is UTF-8."""
MOST_COLUMNS: Final = 200
_QUOTES: Final = str.maketrans({'"': "_", "\\": "_"})
Text = Annotated[str, StringConstraints(max_length=200)]


class NewImport(Query):
    """How the file is read: its name, whether it is only looked at, what its columns are.

    `columns` is a JSON object of headings and the fields they fill, `-` for none.
    """

    name: Text = "customers"
    dry_run: bool = False
    columns: Annotated[str, StringConstraints(max_length=10_000)] = "{}"


class NewExport(Query):
    """Which customers, in which kind of file, and what for; `why` stands in the audit."""

    format: Literal["csv", "xlsx"] = "csv"
    tag: Text = ""
    segment: Text = ""
    why: Text = ""


class CustomersInBulk:
    """`/api/customers/imports` and `/api/customers/export`."""

    def __init__(self, database: Database, house: House, jobs: ImportJobs, folder: Path) -> None:
        self._database, self._house, self._jobs = database, house, jobs
        self._folder = folder
        self._workbooks = asyncio.Semaphore(1)

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        all_, one = "/api/customers/imports", "/api/customers/imports/{job}"
        return (
            Route("POST", all_, self._import, roles=LEADS, takes=Raw(tuple(SUFFIXES)),
                  query=NewImport, gives=ImportJob, status=202, most=LARGEST, limit=RARELY,
                  summary="Import a file of customers; the event `import` tells how it goes",
                  audit="customer.import"),
            Route("GET", all_, self._list, roles=LEADS, gives=list[ImportJob],
                  summary="The latest imports", audit="customer.import_read"),
            Route("GET", one, self._show, roles=LEADS, gives=ImportJob,
                  summary="How an import goes", audit="customer.import_read"),
            Route("GET", f"{one}/errors", self._errors, roles=LEADS, media=CSV,
                  summary="The rows that were not taken, each with what is wrong",
                  audit="customer.import_errors"),
            Route("DELETE", one, self._end, roles=LEADS, audit="customer.import_end",
                  summary="Stop an import that goes on, or forget one that is over"),
            Route("GET", "/api/customers/export", self._export, roles=LEADS, query=NewExport,
                  media=CSV, limit=RARELY, summary="Customers as a file, CSV or XLSX",
                  audit="customer.export"),
        )  # fmt: skip

    # --- in ---------------------------------------------------------------------------------------

    async def _import(self, call: Call) -> ImportJob:
        asked: NewImport = call.query
        wanted = Wanted(
            asked.name,
            SUFFIXES[call.request.content_type],
            call.me.user,
            asked.dry_run,
            _columns(asked.columns),
            self._house.plan().services.region,
        )
        upload = call.request.content.iter_any()
        job = await self._jobs.take(wanted, upload, LARGEST)
        call.answer.concerns.append(job.id)
        return job

    async def _list(self, call: Call) -> list[ImportJob]:
        return self._jobs.all()

    async def _show(self, call: Call) -> ImportJob:
        return self._jobs.get(call["job"])

    async def _errors(self, call: Call) -> web.Response:
        file = self._jobs.bad_rows(call["job"])
        kind = next(kind for kind, suffix in SUFFIXES.items() if suffix == file.suffix)
        return _attached(_chunks(file.open("rb")), file.name, kind)

    async def _end(self, call: Call) -> None:
        await self._jobs.end(call["job"])

    # --- out --------------------------------------------------------------------------------------

    async def _export(self, call: Call) -> web.Response:
        asked: NewExport = call.query
        name = f"customers.{asked.format}"
        if asked.format == "xlsx":
            return _attached(_chunks(await self._workbook(call, name)), name, XLSX)
        told = pages(
            self._database,
            name,
            by=call.me.user,
            tag=asked.tag,
            segment=asked.segment,
            why=asked.why,
            clock=self._house.clock,
        )
        # The first page is read before anything is answered: what is wrong is told as an error.
        first = await anext(told, None)
        return _attached(_lines(first, told), name, CSV)

    async def _workbook(self, call: Call, name: str) -> BinaryIO:
        """A workbook is written as a whole: into a file that has no name once it is open."""
        async with self._workbooks:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = self._folder / f"{call.me.session}-{name}"
            try:
                await export_file(
                    self._database,
                    file,
                    by=call.me.user,
                    tag=call.query.tag,
                    segment=call.query.segment,
                    why=call.query.why,
                    clock=self._house.clock,
                )
                return file.open("rb")
            finally:
                file.unlink(missing_ok=True)


def _columns(text: str) -> dict[str, str]:
    try:
        given: Any = json.loads(text)
    except ValueError:
        given = None
    if (
        not isinstance(given, dict)
        or len(given) > MOST_COLUMNS
        or not all(isinstance(each, str) for each in given.values())
    ):
        raise Problem(422, 'columns is a JSON object, such as {"Handy": "phone", "Fax": "-"}.')
    return given


async def _lines(first: Page | None, told: AsyncIterator[Page]) -> AsyncIterator[bytes]:
    yield (MARK + sheets.csv_text([EXPORTED])).encode()
    page = first
    while page is not None:
        if text := await asyncio.to_thread(sheets.csv_text, page.rows):
            yield text.encode()
        page = await anext(told, None)


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while part := await asyncio.to_thread(file.read, CHUNK):
            yield part


def _attached(body: AsyncIterator[bytes], name: str, kind: str) -> web.Response:
    """A file to be kept, sent as it is made: nothing of it waits in memory."""
    plain = "".join(each if each.isascii() and each.isprintable() else "_" for each in name)
    whole = quote(name, safe="")
    headers = {
        "Content-Disposition": f'attachment; filename="{plain.translate(_QUOTES)}"; '
        f"filename*=UTF-8''{whole}",
        "Content-Type": f"{CSV}; charset=utf-8" if kind == CSV else kind,
    }
    return web.Response(body=body, headers=headers)
