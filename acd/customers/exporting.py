"""Customers into a file, page by page, in the columns that an import reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import insert, select

from acd.customers import sheets
from acd.customers.audit import AuditEntry, write
from acd.customers.columns import ADDRESS_FIELDS, CONSENT_FIELDS, EXPORTED
from acd.customers.consent import standing
from acd.customers.model import Consent, Customer
from acd.customers.rows import count, load
from acd.customers.search import Query
from acd.customers.tables import audit_subjects, customers
from acd.records.database import Database

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of an export, their cells as `EXPORTED` names them; `looked` of `total` are done."""

    rows: Sequence[Sequence[str]]
    looked: int
    total: int


async def pages(
    database: Database,
    name: str,
    *,
    by: str,
    tag: str = "",
    segment: str = "",
    why: str = "",
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Page]:
    """The customers with that tag and segment (empty: all), for a file of that name.

    It is audited for each of them before they are shown. Raises `RecordsUnavailable`.
    """
    query = Query(tag=tag, segment=segment)
    looked, last = 0, 0
    async with database.writing() as connection:
        total = await count(connection)
        detail = {"file": name, "tag": tag, "segment": segment}
        number = await write(
            connection, AuditEntry(0, clock(), by, "exported", why=why, detail=detail)
        )
    while page := await _page(database, last):
        last = page[-1].id
        looked += len(page)
        shown = [each for each in page if query.fits(each)]
        async with database.writing() as connection:
            subjects = [{"customer_id": each.id, "audit_id": number} for each in shown]
            if subjects:
                await connection.execute(insert(audit_subjects), subjects)
            stand = await standing(connection, [each.id for each in shown])
        yield Page([_cells(each, stand.get(each.id, ())) for each in shown], looked, total)


async def export_file(
    database: Database,
    file: Path,
    *,
    by: str,
    tag: str = "",
    segment: str = "",
    why: str = "",
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    clock: Callable[[], float] = time.time,
) -> int:
    """Write the customers with that tag and segment (empty: all) to `file`; how many they are.

    `.xlsx` makes a workbook, anything else CSV. It is audited for each of them, and the file is
    for its owner only. Raises `Refused`, `RecordsUnavailable`.
    """
    done = 0
    with sheets.writing(file) as writer:
        writer.row(EXPORTED)
        told = pages(database, file.name, by=by, tag=tag, segment=segment, why=why, clock=clock)
        async for page in told:
            await asyncio.to_thread(_write, writer, page.rows)
            done += len(page.rows)
            progress(page.looked, page.total)
    return done


async def _page(database: Database, last: int) -> list[Customer]:
    query = select(customers.c.id).where(customers.c.id > last, customers.c.merged_into.is_(None))
    async with database.reading() as connection:
        ids = (await connection.scalars(query.order_by(customers.c.id).limit(PAGE))).all()
        return list((await load(connection, ids)).values())


def _write(writer: sheets.Writer, rows: Sequence[Sequence[str]]) -> None:
    for row in rows:
        writer.row(row)


def _cells(customer: Customer, stand: Sequence[Consent]) -> list[str]:
    cells = {
        "id": str(customer.id),
        "name": customer.name,
        "segment": customer.segment,
        "language": customer.language,
        "tags": ", ".join(customer.tags),
    }
    for name, kind in ADDRESS_FIELDS.items():
        cells[name] = "; ".join(each.value for each in customer.addresses if each.kind == kind)
    for name in CONSENT_FIELDS:
        channel = name.removeprefix("consent ")
        said = [each.given for each in stand if each.channel == channel]
        # One no is a no: an import of this file must not turn it into a yes.
        cells[name] = "" if not said else "yes" if all(said) else "no"
    return [cells[name] for name in EXPORTED]
