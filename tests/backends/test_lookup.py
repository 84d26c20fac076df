"""Lookups: tables, sheets of commas, and databases, whatever is asked and whatever they hold."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ivr.backends.answers import Lying
from ivr.backends.lookup import AT_ONCE, _values
from ivr.backends.services import Services, parse_services
from ivr.flow.actions import Failed
from ivr.flow.errands import Lookup, Row
from ivr.flow.loading.sheets import MAX_BYTES, Sheet, parse_sheet, read_sheet
from ivr.flow.loading.tables import Tables
from ivr.flow.loading.yaml import Problems
from tests.backends.house import ACCOUNTS, House, house

BRANCHES = """city,address,open
Shanghai,"1 Bund, Huangpu",yes
Beijing,2 Chang'an,no
Shanghai,3 Nanjing Road,yes
"""


def sheet(source: str) -> Sheet:
    problems = Problems()
    found = parse_sheet(source.encode(), "branches.table.csv", problems)
    assert problems.all() == []
    assert found is not None
    return found


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncIterator[House]:
    both = Tables({"accounts": ACCOUNTS}, {"branches": sheet(BRANCHES)})
    async with house(tmp_path, tables=both) as there:
        yield there


async def test_the_first_row_that_fits_is_found(tables: House) -> None:
    first = {"city": "Shanghai", "address": "1 Bund, Huangpu", "open": "yes"}
    assert await tables.run(Lookup("branches", {"city": "Shanghai"})) == Row(True, first)
    both = {"city": "Shanghai", "address": "3 Nanjing Road"}
    assert await tables.run(Lookup("branches", both)) == Row(True, {**both, "open": "yes"})
    assert await tables.run(Lookup("branches", {"city": "Shenzhen"})) == Row(False)
    assert await tables.run(Lookup("branches", {"city": "shanghai"})) == Row(False)


async def test_secret_columns_are_neither_read_nor_searched(tables: House) -> None:
    found = await tables.run(Lookup("accounts", {"name": "Mei"}))
    assert found == Row(True, {"account": "1", "name": "Mei", "phone": "138 0013 8000"})
    pin = ACCOUNTS.rows["1"]["pin"]
    assert isinstance(await tables.run(Lookup("accounts", {"pin": pin})), Failed)


@pytest.mark.parametrize(
    "errand", [Lookup("nowhere", {"a": "b"}), Lookup("branches", {}), Lookup("branches", {"x": ""})]
)
async def test_what_cannot_be_searched_fails(tables: House, errand: Lookup) -> None:
    assert isinstance(await tables.run(errand), Failed)


# --- comma-separated files ---


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"", "1:1: no header (begin with the names of the columns: city,address)"),
        (b"\n\n", "1:1: no header (begin with the names of the columns: city,address)"),
        (b"a,,c\n", "1:1: a column without a name (1 to 100 columns, each with a name)"),
        (b"a,b,a\n1,2,3\n", '1:1: two columns are called "a" (give each its own name)'),
        (b"a,b\n1,2\n1,2,3\n", "3:1: 3 cells under 2 columns (put a cell that holds a comma"),
        (b'a,b\n1,"2\n3\n', "2:1: not CSV: unexpected end of data (look for a quote"),
        (b'a,b\n"1"x,2\n', "2:1: not CSV: ',' expected after '\"' (look for a quote"),
        (b"a,b\n1,\xff\n", "2:1: not UTF-8 text (save the file as CSV UTF-8)"),
        (b"a,b\n1,\x00\n", "2:1: "),
        (b"a,b\n1,\x1b[31m\n", "2:1: a cell with control characters"),
        (b'a,b\n1,"2\n3"\n4,5\n', "2:1: a cell with control characters"),
        (b"a,b\n1," + b"x" * 3000 + b"\n", "2:1: a cell with control characters"),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", "2:1: not CSV: field larger than field limit"),
        (b",".join(b"c%d" % n for n in range(101)), "1:1: a column without a name"),
        (b"PK\x03\x04\x14\x00", "1:1: "),
    ],
)
def test_every_mistake_in_a_sheet_has_its_line(source: bytes, problem: str) -> None:
    problems = Problems()
    parse_sheet(source, "x.table.csv", problems)
    assert [str(each).removeprefix("x.table.csv:")[: len(problem)] for each in problems.all()] == [
        problem
    ]


def test_what_spreadsheets_write_is_read() -> None:
    found = sheet('\ufeffcity, note\r\n"Xi\'an"," say ""hi"", 你好 "\r\n\r\n=1+1,@SUM(A1)\r\n')
    assert found.rows == (
        {"city": "Xi'an", "note": 'say "hi", 你好'},
        {"city": "=1+1", "note": "@SUM(A1)"},
    )
    assert (found.name, found.columns) == ("branches", {"city", "note"})


def test_a_sheet_that_is_no_sheet_is_told(tmp_path: Path) -> None:
    problems = Problems()
    large = tmp_path / "large.table.csv"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert read_sheet(large, problems) is None
    assert read_sheet(tmp_path / "none.table.csv", problems) is None
    assert [each.message for each in problems.all()] == [
        "the file is too large",
        "cannot be read: No such file or directory",
    ]


# --- databases ---


def database(folder: Path, query: str, **more: str) -> Services:
    problems = Problems()
    extra = "".join(f", {name}: {value}" for name, value in more.items())
    source = f"databases: {{d: {{url: {{env: D}}, query: {query!r}{extra}}}}}"
    env = {"D": f"sqlite+aiosqlite:///{folder / 'd.sqlite'}"}
    found = parse_services(source, "services.yaml", problems, env)
    assert problems.all() == []
    return found


def fill(folder: Path, *rows: tuple[Any, ...]) -> None:
    with sqlite3.connect(folder / "d.sqlite") as db:
        db.execute("CREATE TABLE b (city, value)")
        db.executemany("INSERT INTO b VALUES (?, ?)", rows)
    db.close()


QUERY = "select city, value from b where city = :city order by rowid"


async def test_a_query_finds_its_first_row(tmp_path: Path) -> None:
    fill(tmp_path, ("Xi", 1), ("Xi", 2), ("Bo", None), ("Ka", 2.5))
    async with house(tmp_path, database(tmp_path, QUERY)) as there:
        assert await there.run(Lookup("d", {"city": "Xi"})) == Row(True, {"city": "Xi", "value": 1})
        assert await there.run(Lookup("d", {"city": "Bo"})) == Row(
            True, {"city": "Bo", "value": None}
        )
        assert await there.run(Lookup("d", {"city": "No"})) == Row(False)
        assert isinstance(await there.run(Lookup("d", {"town": "Xi"})), Failed)
        assert isinstance(await there.run(Lookup("d", {})), Failed)


@pytest.mark.parametrize(
    "value", ["' or 1=1 --", "x'; drop table b; --", "%", ":city", "\x00", '"']
)
async def test_a_value_never_becomes_part_of_the_statement(tmp_path: Path, value: str) -> None:
    fill(tmp_path, ("Xi", 1))
    async with house(tmp_path, database(tmp_path, QUERY)) as there:
        assert await there.run(Lookup("d", {"city": value})) == Row(False)
        assert await there.run(Lookup("d", {"city": "Xi"})) == Row(True, {"city": "Xi", "value": 1})


@pytest.mark.parametrize("value", [b"bytes", "x" * 5000, float("inf")])
async def test_a_row_of_anything_but_plain_values_is_a_lie(tmp_path: Path, value: object) -> None:
    fill(tmp_path, ("Xi", value))
    async with house(tmp_path, database(tmp_path, QUERY)) as there:
        assert await there.run(Lookup("d", {"city": "Xi"})) == Failed(
            "lying: the column value holds no plain value"
        )


def test_what_other_databases_hold_becomes_plain() -> None:
    moment = datetime(2026, 3, 2, 10, tzinfo=UTC)
    rows: dict[str, object] = {
        "amount": Decimal("12.50"),
        "moment": moment,
        "day": moment.date(),
        "time": moment.time(),
        "id": UUID(int=7),
        "yes": True,
    }
    assert _values(rows) == {
        "amount": "12.50",
        "moment": "2026-03-02T10:00:00+00:00",
        "day": "2026-03-02",
        "time": "10:00:00",
        "id": "00000000-0000-0000-0000-000000000007",
        "yes": True,
    }
    for odd in (Decimal("NaN"), 2**63, object(), [1], {"a": 1}):
        with pytest.raises(Lying):
            _values({"x": odd})


SLOW = (
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000)"
    " select max(i) as city from n where :city = :city"
)


async def test_nobody_waits_for_a_slow_query(tmp_path: Path) -> None:
    async with house(tmp_path, database(tmp_path, SLOW, timeout="0.1s")) as there:
        found = await there.run(Lookup("d", {"city": "Xi"}))
        assert len(there.errands._house.databases._under_way) == 1
    assert found == Failed("d: no answer within 0.1 s")


async def test_slow_queries_do_not_use_a_database_up(tmp_path: Path) -> None:
    fill(tmp_path, ("Xi", 1))
    slow = database(tmp_path, SLOW)
    fast = database(tmp_path, QUERY)
    impatient = {"d": replace(slow.databases["d"], timeout=0.05)}
    async with house(tmp_path, replace(slow, databases=impatient)) as there:
        ask = Lookup("d", {"city": "Xi"})
        found = await asyncio.gather(*(there.run(ask) for _ in range(AT_ONCE)))
        assert found == [Failed("d: no answer within 0.05 s")] * AT_ONCE
        there.reload(databases={"d": replace(fast.databases["d"], timeout=30.0)})
        assert await there.run(ask) == Row(True, {"city": "Xi", "value": 1})


async def test_a_caller_who_hangs_up_leaves_the_database_usable(tmp_path: Path) -> None:
    fill(tmp_path, ("Xi", 1))
    async with house(tmp_path, database(tmp_path, QUERY)) as there:
        ask = Lookup("d", {"city": "Xi"})
        for _ in range(AT_ONCE * 3):
            task = asyncio.create_task(there.run(ask))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert await there.run(ask) == Row(True, {"city": "Xi", "value": 1})


async def test_a_database_that_is_not_there_fails_without_its_words(tmp_path: Path) -> None:
    async with house(tmp_path, database(tmp_path, QUERY)) as there:
        found = await there.run(Lookup("d", {"city": "canary"}))
        assert found == Failed("d: it cannot be asked (OperationalError)")
