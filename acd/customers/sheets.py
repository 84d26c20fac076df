"""Tables in files: CSV as spreadsheets write it, and XLSX; read and written row by row.

What comes from outside is hostile both ways. A workbook may unpack to far more than it weighs, so
its parts are counted first. A cell that begins like a formula would be run by the spreadsheet of
whoever opens our export, so it is written as the text it is.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Final, Protocol

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import InvalidFileException

from acd.records.errors import Refused

LARGEST_WORKBOOK: Final = 1_000_000_000
"""Bytes that a workbook may unpack to."""
LONGEST_CELL: Final = 32_767
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""How cells begin that a spreadsheet takes for more than text."""
ENCODINGS: Final = ("utf-8-sig", "gb18030")
"""What spreadsheets save CSV in: the second where they were made in China."""


class Writer(Protocol):
    """A file that takes one row after the other."""

    def row(self, cells: Sequence[str]) -> None:
        """Write a row."""
        ...


def rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file that are not empty, each under its number, from 1; cells are text.

    Raises `Refused` for a file that cannot be read.
    """
    source = _xlsx_rows(file) if file.suffix.lower() == ".xlsx" else _csv_rows(file)
    try:
        for number, cells in source:
            if any(cells):
                yield number, cells
    except (
        OSError,
        csv.Error,
        UnicodeDecodeError,
        zipfile.BadZipFile,
        InvalidFileException,
    ) as why:
        raise Refused(f"{file.name} cannot be read: {why}") from None
    except (KeyError, ValueError, SyntaxError) as why:
        # Whatever a parser of XML says of something that only looks like a workbook.
        raise Refused(
            f"{file.name} is no workbook that can be read ({why}): save it anew"
        ) from None


def count(file: Path) -> int | None:
    """About how many rows there are; None when that takes reading them."""
    if file.suffix.lower() == ".xlsx":
        return None
    try:
        with file.open("rb") as lines:
            return sum(1 for _ in lines)
    except OSError as why:
        raise Refused(f"{file.name} cannot be read: {why}") from None


def _csv_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    encoding = _encoding(file)
    with file.open(encoding=encoding, newline="") as text:
        first = text.readline()
        text.seek(0)
        delimiter = max((",", ";", "\t"), key=first.count)
        csv.field_size_limit(LONGEST_CELL * 4)
        reader = csv.reader(text, delimiter=delimiter)
        for cells in reader:
            yield reader.line_num, [_plain(cell) for cell in cells]


def _encoding(file: Path) -> str:
    for encoding in ENCODINGS:
        try:
            with file.open(encoding=encoding, newline="") as text:
                while text.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise Refused(f"{file.name} is not in UTF-8: save it as CSV UTF-8, or as XLSX")


def _xlsx_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    with zipfile.ZipFile(file) as parts:
        size = sum(part.file_size for part in parts.infolist())
    if size > LARGEST_WORKBOOK:
        raise Refused(f"{file.name} unpacks to {size // 1_000_000:,} MB: split it")
    book = load_workbook(file, read_only=True, data_only=True)
    try:
        sheet = book.worksheets[0]
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, [_text(cell) for cell in cells]
    finally:
        book.close()


def _text(cell: object) -> str:
    """A cell as somebody would have typed it: numbers without a spreadsheet's `.0`."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime() | date() | time():
            return cell.isoformat()
        case _:
            return _plain(str(cell))


def _plain(cell: str) -> str:
    """Without the mark that says that what follows is text."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


@contextmanager
def writing(file: Path) -> Iterator[Writer]:
    """A new file at that place, for its owner only; nothing is left of it when the block fails.

    Raises `Refused` when it cannot be written.
    """
    part = file.with_name(f".{file.name}.part")
    try:
        part.touch(mode=0o600)
        with _xlsx_writer(part) if file.suffix.lower() == ".xlsx" else _csv_writer(part) as writer:
            yield writer
        part.replace(file)
    except OSError as why:
        raise Refused(f"{file} cannot be written: {why}") from None
    finally:
        part.unlink(missing_ok=True)


class _Csv:
    def __init__(self, writer: CsvWriter) -> None:
        self._writer = writer

    def row(self, cells: Sequence[str]) -> None:
        self._writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])


class CsvWriter(Protocol):
    """What the module `csv` makes."""

    def writerow(self, row: Iterable[str], /) -> object:
        """Write a row."""
        ...


@contextmanager
def _csv_writer(file: Path) -> Iterator[_Csv]:
    # The mark in front tells spreadsheets that it is UTF-8.
    with file.open("w", encoding="utf-8-sig", newline="") as text:
        yield _Csv(csv.writer(text))


class _Xlsx:
    def __init__(self, book: Workbook) -> None:
        self._sheet = book.create_sheet("customers")

    def row(self, cells: Sequence[str]) -> None:
        self._sheet.append([self._cell(cell) for cell in cells])

    def _cell(self, value: str) -> object:
        kept = "".join(each for each in value[:LONGEST_CELL] if each.isprintable() or each == "\n")
        if not kept.startswith(FORMULA):
            return kept
        cell = WriteOnlyCell(self._sheet, value=kept)
        cell.data_type = "s"
        cell.quotePrefix = True
        return cell


@contextmanager
def _xlsx_writer(file: Path) -> Iterator[_Xlsx]:
    book = Workbook(write_only=True)
    yield _Xlsx(book)
    book.save(file)
