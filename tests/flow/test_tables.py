"""Identity tables: secrets are hashed, and an unknown account tells nothing."""

from __future__ import annotations

import statistics
import time

import pytest

from ivr.errors import ServiceFault
from ivr.flow.errands import Identified, Identify
from ivr.flow.tables import Table, Tables, make_hash, parse_table, verify
from ivr.flow.yaml import Problems

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
