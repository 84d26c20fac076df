"""Identity tables: secrets are hashed, and an unknown account tells nothing."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from ivr.errors import ServiceFault
from ivr.flow.errands import Identified, Identify
from ivr.flow.loading.sheets import read_sheet
from ivr.flow.loading.tables import Table, Tables, make_hash, parse_table, verify
from ivr.flow.loading.yaml import Problems

HASH = make_hash("4321")
TABLE = Table(
    "accounts",
    "account",
    frozenset({"pin"}),
    {"1": {"account": "1", "pin": HASH, "name": "Mei", "postcode": "200000"}},
)


def given(**fields: str) -> Identify:
    return Identify("accounts", fields, frozenset({"pin"}))


def test_a_match_tells_who_it_is_without_the_secret() -> None:
    assert verify(TABLE, given(account="1", pin="4321")) == Identified(
        True, "verified", {"account": "1", "name": "Mei", "postcode": "200000"}
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"account": "1", "pin": "1234"},
        {"account": "2", "pin": "4321"},
        {"account": "1", "pin": ""},
        {"account": "1", "pin": "4321", "postcode": "1"},
        {"pin": "4321"},
        {"account": "1", "nonsense": "4321"},
    ],
)
def test_anything_else_is_no_match_and_says_nothing(fields: dict[str, str]) -> None:
    assert verify(TABLE, given(**fields)) == Identified(ok=False)


def test_columns_that_are_not_secret_are_compared_as_they_are() -> None:
    assert verify(TABLE, given(account="1", postcode="200000")).ok


def test_an_unknown_account_takes_as_long_as_a_known_one() -> None:
    def took(account: str) -> float:
        began = time.perf_counter()
        verify(TABLE, given(account=account, pin="0000"))
        return time.perf_counter() - began

    pairs = [(took("1"), took("2")) for _ in range(7)]
    known, unknown = (statistics.median(each) for each in zip(*pairs, strict=True))
    assert 0.5 < unknown / known < 2


def test_two_hashes_of_one_secret_differ() -> None:
    assert make_hash("4321") != HASH
    assert "4321" not in HASH


async def test_the_shell_compares_in_a_thread() -> None:
    tables = Tables({"accounts": TABLE})
    assert (await tables.verify(given(account="1", pin="4321"))).ok
    with pytest.raises(ServiceFault):
        await tables.verify(Identify("other", {}))


def test_a_table_with_mistakes_is_told_row_by_row() -> None:
    problems = Problems()
    source = (
        "key: account\nsecret: [pin]\nrows:\n"
        f"  - {{account: '1', pin: '{HASH}'}}\n"
        "  - {account: '2', pin: '4321'}\n"
        f"  - {{account: '1', pin: '{HASH}'}}\n"
        f"  - {{name: Tom, pin: '{HASH}'}}\n"
    )
    parse_table(source, "x.table.yaml", problems)
    assert [str(problem) for problem in problems.all()] == [
        'x.table.yaml:5:5: "pin" is a secret column and holds no hash'
        " (make one with `tieline secret`)",
        'x.table.yaml:6:5: a second row for "1"',
        "x.table.yaml:7:5: a row without account",
    ]


WIDE = "1,2" + ",x" * 98 + "\n"
TOO_MUCH = {"empty": "\n" * 19_000_000, "cells": "," * 19_000_000, "rows": WIDE * 95_000}


@pytest.mark.parametrize("body", TOO_MUCH.values(), ids=TOO_MUCH)
@pytest.mark.usefixtures("untraced")
def test_a_sheet_that_is_too_much_is_refused_soon(tmp_path: Path, body: str) -> None:
    file = tmp_path / "x.table.csv"
    file.write_text(",".join(["k", "v", *(f"c{n}" for n in range(98))]) + "\n" + body)
    problems, began = Problems(), time.process_time()
    read_sheet(file, problems)
    # Twice what is promised: the processor may be shared.
    assert time.process_time() - began < 2
    assert len(problems.all()) == 1


def test_nothing_is_not_equal_to_a_column_that_a_row_leaves_out() -> None:
    table = Table(
        "people", "account", rows={"1": {"account": "1", "town": ""}, "2": {"account": "2"}}
    )
    for account in ("1", "2", "3"):
        given = {"account": account, "town": ""}
        assert verify(table, Identify("people", given)) == Identified(ok=False)


def test_a_hash_that_was_cut_short_is_no_hash() -> None:
    """Nobody could ever be verified by it, and would be locked out for trying."""
    whole = make_hash("1234")
    rows = "key: account\nsecret: [pin]\nrows:\n  - {account: '1', pin: '%s'}\n"
    for cut in (whole[:-4], whole.rpartition(":")[0] + ":"):
        problems = Problems()
        parse_table(rows % cut, "x.table.yaml", problems)
        assert "holds no hash" in str(problems.all()[0])
