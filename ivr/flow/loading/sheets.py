"""Rows that a flow may look up, and the comma-separated files they can come from.

    # branches.table.csv, used as `lookup: branches`
    city,address,hours
    Shanghai,"1 Bund, Huangpu",9 to 5

UTF-8, a header with the names of the columns, and as many cells in every row. A spreadsheet holds
no hashes: secrets belong into a `.table.yaml`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ivr.flow.loading.files import read_source
from ivr.flow.loading.yaml import Problems, quote
from ivr.flow.words import Place

CSV_SUFFIX = ".table.csv"
MAX_BYTES = 20_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 100
MAX_CELL = 2000
MAX_CELLS = 2_000_000
MAX_LINE = MAX_COLUMNS * (MAX_CELL + 3)
"""Characters, with quotes and comma."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff]")

_LARGER = "a larger table belongs into a database"

Index = Mapping[tuple[str, ...], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows in order; a column that a row leaves out has no value there."""

    name: str
    columns: frozenset[str] = frozenset()
    rows: tuple[Mapping[str, str], ...] = field(default=(), repr=False)

    def index(self, columns: Sequence[str]) -> Index:
        """The first row for each combination of values of these columns."""
        found: dict[tuple[str, ...], Mapping[str, str]] = {}
        for row in self.rows:
            if all(column in row for column in columns):
                found.setdefault(tuple(row[column] for column in columns), row)
        return found


def read_sheet(path: Path, problems: Problems) -> Sheet | None:
    """A CSV file, or None when it cannot be read."""
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        cure = f"at most {MAX_BYTES // 1_000_000} MB; {_LARGER}"
        problems.add(Place(str(path), 1, 1), "the file is too large", cure)
        return None
    source = read_source(path, problems)
    return parse_sheet(source, str(path), problems) if source is not None else None


def parse_sheet(source: bytes, file: str, problems: Problems) -> Sheet | None:
    """The same from bytes; the sheet is named after the file."""
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        line = source.count(b"\n", 0, why.start) + 1
        problems.add(Place(file, line, 1), "not UTF-8 text", "save the file as CSV UTF-8")
        return None
    name = Path(file).name.removesuffix(CSV_SUFFIX)
    lines = _Lines(text, file, problems)
    columns = lines.header()
    if not columns:
        return None
    rows = tuple(dict(zip(columns, cells, strict=True)) for cells in lines.rows(len(columns)))
    return Sheet(name, frozenset(columns), rows)


class _Lines:
    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self._reader = csv.reader(_lines(text), strict=True, skipinitialspace=True)
        self._file, self._problems = file, problems
        self._begins = 1  # a quoted cell may run over several lines

    def header(self) -> list[str]:
        """The names of the columns; empty after a mistake."""
        names = next(self._cells(), [])
        if not names:
            self._tell("no header", "begin with the names of the columns: city,address")
            return []
        wrong = [name for name in names if not 0 < len(name) <= 60 or _CONTROL.search(name)]
        if wrong or len(names) > MAX_COLUMNS:
            self._tell("a column without a name", f"1 to {MAX_COLUMNS} columns, each with a name")
            return []
        for name in {name for name in names if names.count(name) > 1}:
            self._tell(f"two columns are called {quote(name)}", "give each its own name")
            names = []
        return names

    def rows(self, width: int) -> Iterator[list[str]]:
        """Every row that is right; empty lines count, because they take time as well."""
        most = min(MAX_ROWS, MAX_CELLS // width)
        for count, cells in enumerate(self._cells()):
            if count >= most:
                self._tell(f"more than {most:,} rows of {width} columns", _LARGER)
                return
            if not any(cells):
                continue
            if len(cells) != width:
                cure = "put a cell that holds a comma in quotes"
                self._tell(f"{len(cells)} cells under {width} columns", cure)
            elif any(len(cell) > MAX_CELL or _CONTROL.search(cell) for cell in cells):
                self._tell("a cell with control characters, or too long a one", "one line of text")
            else:
                yield cells

    def _cells(self) -> Iterator[list[str]]:
        while True:
            self._begins = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as why:
                self._tell(f"not CSV: {why}", "look for a quote that is not closed")
                return
            yield [cell.strip() for cell in cells]

    def _tell(self, message: str, cure: str) -> None:
        self._problems.add(Place(self._file, self._begins, 1), message, cure)


def _lines(text: str) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        if len(line) > MAX_LINE:
            raise csv.Error(f"a line of more than {MAX_LINE:,} characters")
        yield line
