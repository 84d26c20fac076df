"""Tables in files: CSV as spreadsheets write it, and XLSX; read and written row by row.

What comes from outside is hostile both ways. A workbook may unpack to far more than it weighs, name
a row that is a billion rows further down, or hold one line without an end, so everything is bounded
before it is in memory. A cell that begins like a formula would be run by the spreadsheet of whoever
opens our export, so it is written as the text it is.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Final, Protocol, TextIO

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import InvalidFileException

from acd.records.errors import Refused

LARGEST_WORKBOOK: Final = 400_000_000
"""Bytes that a workbook may unpack to."""
LARGEST_PART: Final = 200_000_000
"""Bytes of a part that is held in memory as a whole: the texts that cells share, styles, names."""
MOST_ROWS: Final = 1_048_576
"""Rows that a spreadsheet has, the empty ones included."""
MOST_COLUMNS: Final = 1000
MOST_CELLS: Final = 100_000_000
"""Cells of a workbook that are looked at, the empty ones included."""
LONGEST_CELL: Final = 32_767
LONGEST_LINE: Final = 10_000_000
"""Letters of one line of CSV."""
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How cells begin that a spreadsheet takes for more than text, the wide forms of East Asia too."""
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
            if number > MOST_ROWS or len(cells) > MOST_COLUMNS:
                raise Refused(
                    f"{file.name} goes on to row {number:,} and column {len(cells):,}: split it, "
                    f"as there may be {MOST_ROWS:,} and {MOST_COLUMNS:,}"
                )
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
        with file.open("rb") as body:
            return sum(piece.count(b"\n") for piece in iter(lambda: body.read(1 << 20), b""))
    except OSError as why:
        raise Refused(f"{file.name} cannot be read: {why}") from None


def _csv_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    encoding = _encoding(file)
    with file.open(encoding=encoding, newline="") as text:
        first = text.readline(LONGEST_LINE)
        text.seek(0)
        delimiter = max((",", ";", "\t"), key=first.count)
        csv.field_size_limit(LONGEST_CELL * 4)
        reader = csv.reader(_lines(text), delimiter=delimiter)
        for cells in reader:
            yield reader.line_num, [_plain(cell) for cell in cells]


def _lines(text: TextIO) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line has more than {LONGEST_LINE:,} letters")
        yield line


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
        sheets = whole = 0
        for part in parts.infolist():
            if part.filename.startswith("xl/worksheets/"):
                sheets += part.file_size
            else:
                whole += part.file_size
    if sheets > LARGEST_WORKBOOK or whole > LARGEST_PART:
        raise Refused(f"{file.name} unpacks to {(sheets + whole) // 1_000_000:,} MB: split it")
    book = load_workbook(file, read_only=True, data_only=True)
    try:
        sheet, looked_at = book.worksheets[0], 0
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            looked_at += len(cells)
            if looked_at > MOST_CELLS:
                raise Refused(
                    f"{file.name} is wide and mostly empty: copy what is filled into a new sheet"
                )
            yield number, [_text(cell) for cell in _filled(cells)]
    finally:
        book.close()


def _filled(cells: Sequence[object]) -> Sequence[object]:
    """Up to the last cell that holds something: a sheet may say that it is as wide as can be."""
    end = len(cells)
    while end and cells[end - 1] is None:
        end -= 1
    return cells[:end]


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
    return text[1:].strip() if text.startswith("'") and _is_formula(text[1:]) else text


def _is_formula(cell: str) -> bool:
    return cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA)


@contextmanager
def writing(file: Path) -> Iterator[Writer]:
    """A new file at that place, for its owner only; nothing is left of it when the block fails.

    Raises `Refused` when it cannot be written.
    """
    part = file
    try:
        # A name that nobody can have prepared, as a link or as a file of theirs.
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-", suffix=".part")
        os.close(handle)
        part = Path(name)
        with _xlsx_writer(part) if file.suffix.lower() == ".xlsx" else _csv_writer(part) as writer:
            yield writer
        part.replace(file)
    except OSError as why:
        raise Refused(f"{file} cannot be written: {why}") from None
    finally:
        if part != file:
            part.unlink(missing_ok=True)


class _Csv:
    def __init__(self, writer: CsvWriter) -> None:
        self._writer = writer

    def row(self, cells: Sequence[str]) -> None:
        self._writer.writerow([f"'{cell}" if _is_formula(cell) else cell for cell in cells])


class CsvWriter(Protocol):
    """What the module `csv` makes."""

    def writerow(self, row: Iterable[str], /) -> object:
        """Write a row."""
        ...


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """Rows as they stand in a CSV file, safe for whoever opens it in a spreadsheet."""
    text = io.StringIO(newline="")
    writer = _Csv(csv.writer(text))
    for row in rows:
        writer.row(row)
    return text.getvalue()


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
        if not _is_formula(kept):
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
