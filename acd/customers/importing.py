"""Customers from a file: good rows are taken, bad ones listed with what is wrong and what is right.

A row is a customer who is known already when one of its addresses is: then it adds what it has. So
the same file can be imported again, and one that was interrupted is simply begun anew. Rows are
taken a batch at a time, each batch in one transaction: calls go on being written down between them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import insert

from acd.customers import sheets
from acd.customers.addresses import Address
from acd.customers.audit import AuditEntry, write
from acd.customers.bulk import SEEN, Known, Row, add_new, count_anew, update_known
from acd.customers.columns import ADDRESS_FIELDS, PLAIN_FIELDS, Column, columns
from acd.customers.numbers import is_region
from acd.customers.rows import Draft
from acd.customers.tables import audit_subjects
from acd.records.database import Database
from acd.records.errors import Refused
from acd.records.text import LONGEST_WORD, one_line, prose, tag_list

BATCH: Final = 500
ERRORS_KEPT: Final = 1000
"""Errors in the answer; the file of bad rows has all."""
MOST_ROWS: Final = 1_000_000
MOST_ADDRESSES: Final = 50
"""Of one row; whoever has more is no person."""
_YES: Final = frozenset({"yes", "y", "true", "1", "in", "on", "是", "同意"})
_NO: Final = frozenset({"no", "n", "false", "0", "out", "off", "否", "不同意"})

Progress = Callable[[int, int | None], None]
"""Told how many rows were looked at, and of how many (None: not known)."""


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with a row: its number in the file, the column's heading, and the cure."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        where = f"row {self.row}" + (f", {self.column}" if self.column else "")
        return f"{where}: {self.message}"


@dataclass(slots=True)
class Imported:
    """What came of an import. `kept_out` counts consents that a STOP stands against."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    kept_out: int = 0
    errors: list[RowError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Import:
    """How a file is read. `headings` maps columns to fields, `region` reads national numbers.

    `batch` rows are taken at a time: fewer let others have their turn sooner, more are quicker.
    With `dry_run` everything is looked at and nothing kept. Bad rows go to `errors_to`, as they
    were, with the error beside them: mended, that file can be imported.
    """

    file: Path
    by: str
    region: str | None = None
    headings: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    errors_to: Path | None = None
    batch: int = BATCH


async def import_file(
    database: Database,
    wanted: Import,
    progress: Progress = lambda done, total: None,
    clock: Callable[[], float] = time.time,
    *,
    told: Imported | None = None,
) -> Imported:
    """Take the customers of a file. Raises `Refused` for a file that cannot be read as a whole.

    What comes of it is counted in `told` as it goes, which is what is returned.
    """
    if wanted.region is not None and not is_region(wanted.region):
        raise Refused(f"{wanted.region!r} is no country, such as CN")
    told = Imported() if told is None else told
    source = sheets.rows(wanted.file)
    head = await asyncio.to_thread(next, source, None)
    if head is None:
        raise Refused(f"{wanted.file.name} is empty: its first row names the columns")
    found = columns(head[1], wanted.headings)
    total = await asyncio.to_thread(sheets.count, wanted.file)
    seen: dict[tuple[str, str], int] = {}
    batches = 0
    with _Bad(wanted.errors_to, head[1]) as bad:
        while batch := await asyncio.to_thread(_batch, source, found, wanted):
            rows = _taken(batch, told, bad)
            await _keep(database, rows, wanted, told, _Turn(clock(), seen, bad))
            if told.rows > MOST_ROWS:
                raise Refused(f"{wanted.file.name} has more than {MOST_ROWS:,} rows: split it")
            batches += 1
            if batches.bit_count() == 1 and not wanted.dry_run:
                await count_anew(database)
            progress(told.rows, total)
    return told


@dataclass(frozen=True, slots=True)
class _Turn:
    at: float
    seen: dict[tuple[str, str], int]
    bad: _Bad


class _Bad:
    """The file of bad rows, made when there is one."""

    def __init__(self, file: Path | None, headings: Sequence[str]) -> None:
        self._file, self._headings = file, headings
        self._open = ExitStack()
        self._writer: sheets.Writer | None = None

    def __enter__(self) -> _Bad:
        return self

    def __exit__(self, *failed: object) -> None:
        self._open.close()

    def add(self, cells: Sequence[str], errors: Sequence[RowError], told: Imported) -> None:
        """One row that is not taken."""
        told.failed += 1
        told.errors += errors[: max(0, ERRORS_KEPT - len(told.errors))]
        if self._file is None:
            return
        if self._writer is None:
            self._writer = self._open.enter_context(sheets.writing(self._file))
            self._writer.row([*self._headings, "row", "error"])
        filled = [*cells, *[""] * (len(self._headings) - len(cells))][: len(self._headings)]
        words = "; ".join(f"{e.column}: {e.message}" if e.column else e.message for e in errors)
        self._writer.row([*filled, str(errors[0].row), words])


_Read = tuple[Row | None, list[str], list[RowError]]


def _batch(
    source: Iterator[tuple[int, list[str]]], found: Sequence[Column], wanted: Import
) -> list[_Read]:
    taken = islice(source, wanted.batch)
    return [_read(number, cells, found, wanted.region) for number, cells in taken]


def _taken(batch: Sequence[_Read], told: Imported, bad: _Bad) -> list[Row]:
    """The good rows of a batch."""
    good: list[Row] = []
    for row, cells, errors in batch:
        told.rows += 1
        if row is None:
            bad.add(cells, errors, told)
        else:
            good.append(row)
    return good


def _read(number: int, cells: list[str], found: Sequence[Column], region: str | None) -> _Read:
    """One row, or all that is wrong with it."""
    row = _Reading(region)
    errors: list[RowError] = []
    for column in found:
        cell = cells[column.place] if column.place < len(cells) else ""
        if not cell:
            continue
        try:
            row.take(column.field, cell)
        except Refused as wrong:
            errors.append(RowError(number, column.heading, str(wrong)))
    if not errors and not row.addresses and row.id is None:
        errors.append(RowError(number, "", "no address: give a phone, an email or another"))
    return (None if errors else row.made(number, cells)), cells, errors


class _Reading:
    """The fields of one row as they are met."""

    def __init__(self, region: str | None) -> None:
        self.id: int | None = None
        self.addresses: dict[tuple[str, str], Address] = {}
        self._region = region
        self._plain: dict[str, str] = {}
        self._tags: tuple[str, ...] = ()
        self._note = ""
        self._consents: dict[str, bool] = {}

    def take(self, name: str, cell: str) -> None:
        """One cell. Raises `Refused`."""
        if name in PLAIN_FIELDS:
            longest = 200 if name == "name" else LONGEST_WORD
            self._plain[name] = one_line(cell, f"a {name}", longest)
        elif name in ADDRESS_FIELDS:
            self._take_addresses(name, cell)
        elif name == "tags":
            self._tags = tag_list(cell.replace(";", ",").replace("，", ",").split(","))
        elif name == "note":
            self._note = prose(cell, "a note")
        elif name == "id":
            self.id = _number(cell)
        else:
            self._consents[name.removeprefix("consent ")] = _yes_or_no(cell)

    def _take_addresses(self, name: str, cell: str) -> None:
        for part in cell.replace("；", ";").split(";"):
            if part.strip():
                address = Address.of(ADDRESS_FIELDS[name], part, self._region)
                self.addresses.setdefault((address.kind, address.value), address)
            if len(self.addresses) > MOST_ADDRESSES:
                raise Refused(f"more than {MOST_ADDRESSES} addresses: is this one customer?")

    def made(self, number: int, cells: list[str]) -> Row:
        """The row as it is taken."""
        draft = Draft(
            self._plain.get("name", ""),
            self._plain.get("segment", ""),
            self._plain.get("language", ""),
            self._tags,
            tuple(self.addresses.values()),
            self._note,
        )
        return Row(number, draft, self.id, self._consents, cells)


def _number(cell: str) -> int:
    if not cell.isascii() or not cell.isdigit() or len(cell) > 18:
        raise Refused(f"{cell!r} is no customer's number: leave it empty for a new one")
    return int(cell)


def _yes_or_no(cell: str) -> bool:
    plain = cell.casefold()
    if plain not in _YES | _NO:
        raise Refused(f"{cell!r} is neither yes nor no")
    return plain in _YES


async def _keep(
    database: Database, rows: Sequence[Row], wanted: Import, told: Imported, turn: _Turn
) -> None:
    """One batch: who is known is brought up to date, the others are new."""
    if not rows:
        return
    async with database.writing() as connection:
        known = await Known.of(connection, rows, turn.seen if wanted.dry_run else {})
        new, old = [], []
        for row in rows:
            try:
                owner = known.owner(row)
            except Refused as wrong:
                turn.bad.add(row.cells, [RowError(row.number, "", str(wrong))], told)
                continue
            if owner is None:
                new.append(known.remember(row))
            elif owner < SEEN:
                # It comes again in this very batch: one customer, with what both rows have.
                new[-owner - 1] = new[-owner - 1].joined(row)
                known.also(row, owner)
                told.updated += 1
            else:
                old.append((owner, row))
        told.created += len(new)
        changed, kept_out = await update_known(
            connection, old, at=turn.at, by=wanted.by, dry_run=wanted.dry_run
        )
        told.updated += len(changed) + sum(1 for owner, _ in old if owner == SEEN)
        told.unchanged += sum(1 for owner, _ in old if owner != SEEN and owner not in changed)
        told.kept_out += kept_out
        if wanted.dry_run:
            for row in new:
                turn.seen.update(dict.fromkeys(row.reached_by(), row.number))
            return
        made, kept_out = await add_new(connection, new, at=turn.at, by=wanted.by)
        told.kept_out += kept_out
        entry = await write(
            connection,
            AuditEntry(0, turn.at, wanted.by, "imported", detail={"file": wanted.file.name}),
        )
        subjects = [{"customer_id": key, "audit_id": entry} for key in {*made, *changed}]
        if subjects:
            await connection.execute(insert(audit_subjects), subjects)


def with_errors_beside(wanted: Import) -> Import:
    """Bad rows go into a file beside the one that is imported."""
    name = f"{wanted.file.stem}.errors{wanted.file.suffix}"
    return replace(wanted, errors_to=wanted.file.with_name(name))
