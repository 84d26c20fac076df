"""What keys, written words, templates and backends may put into a field."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow.actions import Value
from ivr.flow.fields import FIELD_TYPES, UNKEYED, DateOrder, Field, FieldType

DIGITS = Field("it", "digits", length_min=4, length_max=8)
NUMBER = Field("it", "number", low=Decimal(1), high=Decimal(500))
AMOUNT = Field("it", "amount", low=Decimal("0.50"), high=Decimal(1000))
COLOUR = Field("it", "choice", of=("red", "Dark-Blue"))
YESNO = Field("it", "yesno")
PHONE = Field("it", "phone", length_min=3, length_max=15)
DATE = Field("it", "date")
TIME = Field("it", "time")
MOMENT = Field("it", "moment")
TEXT = Field("it", "text", length_max=20)
ALL = (DIGITS, NUMBER, AMOUNT, COLOUR, YESNO, PHONE, DATE, TIME, MOMENT, TEXT)


@pytest.mark.parametrize(
    ("field", "keys", "value"),
    [
        (DIGITS, "0123", "0123"),
        (DIGITS, "123", None),
        (DIGITS, "123456789", None),
        (DIGITS, "12*4", None),
        (NUMBER, "007", 7),
        (NUMBER, "0", None),
        (NUMBER, "501", None),
        (AMOUNT, "12", "12"),
        (AMOUNT, "12*5", "12.5"),
        (AMOUNT, "012*50", "12.50"),
        (AMOUNT, "12*", "12"),
        (AMOUNT, "*5", None),
        (AMOUNT, "1*2*3", None),
        (AMOUNT, "0*49", None),
        (AMOUNT, "1000*01", None),
        (COLOUR, "1", "red"),
        (COLOUR, "3", None),
        (COLOUR, "0", None),
        (COLOUR, "11", None),
        (YESNO, "1", True),
        (YESNO, "2", False),
        (YESNO, "3", None),
        (PHONE, "110", "110"),
        (PHONE, "11", None),
        (DATE, "20260302", "2026-03-02"),
        (DATE, "20260230", None),
        (DATE, "2026032", None),
        (TIME, "1730", "17:30"),
        (TIME, "0000", "00:00"),
        (TIME, "2400", None),
        (TIME, "1760", None),
        (TIME, "930", None),
        (MOMENT, "20260302", None),
        (TEXT, "1234", None),
        (DIGITS, "１２３４", None),
        (DIGITS, "", None),
    ],
)
def test_keys(field: Field, keys: str, value: Value) -> None:
    assert field.from_keys(keys) == value
    assert type(field.from_keys(keys)) is type(value)


@pytest.mark.parametrize(
    ("order", "keys"), [("ymd", "20261224"), ("dmy", "24122026"), ("mdy", "12242026")]
)
def test_a_date_is_keyed_in_the_order_of_its_field(order: DateOrder, keys: str) -> None:
    assert Field("it", "date", order=order).from_keys(keys) == "2026-12-24"


@pytest.mark.parametrize(
    ("kind", "keyed"),
    [("choice", (1, 1)), ("yesno", (1, 1)), ("date", (8, 8)), ("time", (4, 4)), ("digits", (2, 9))],
)
def test_how_many_keys_an_entry_has(kind: FieldType, keyed: tuple[int, int]) -> None:
    assert Field("it", kind, length_min=2, length_max=9).keyed == keyed


@pytest.mark.parametrize(
    ("field", "words", "value"),
    [
        (DIGITS, " 01 23-45 ", "012345"),
        (DIGITS, "１２３４", "1234"),
        (DIGITS, "O123", None),
        (NUMBER, "12", 12),
        (NUMBER, "twelve", None),
        (AMOUNT, "€12.50", "12.50"),
        (AMOUNT, "12,50 €", "12.50"),
        (AMOUNT, "1,000.00", "1000.00"),
        (AMOUNT, "1,000", "1000"),
        (AMOUNT, "100元", "100"),
        (AMOUNT, "1.000,50", None),
        (COLOUR, "RED", "red"),
        (COLOUR, "dark-blue!", "Dark-Blue"),
        (COLOUR, "2.", "Dark-Blue"),
        (COLOUR, "green", None),
        (YESNO, "Yes.", True),
        (YESNO, "是的。", True),
        (YESNO, "不对", False),
        (YESNO, "2", False),
        (YESNO, "maybe", None),
        (PHONE, "+86 138-0013-8000", "+8613800138000"),
        (PHONE, "(030) 1234/56", "030123456"),
        (PHONE, "my number", None),
        (DATE, "2026-03-02", "2026-03-02"),
        (DATE, "2026/3/2", "2026-03-02"),
        (DATE, "2026年3月2日", "2026-03-02"),
        (DATE, "20260302", "2026-03-02"),
        (DATE, "2026111", None),
        (DATE, "2026-W10-1", None),
        (DATE, "2026-02-30", None),
        (TIME, "17:30", "17:30"),
        (TIME, "17：30", "17:30"),
        (TIME, "9:05", "09:05"),
        (TIME, "5:30 pm", "17:30"),
        (TIME, "12 a.m.", "00:00"),
        (TIME, "13 pm", None),
        (TIME, "25:00", None),
        (TEXT, " Mei Lin ", "Mei Lin"),
        (TEXT, "x" * 21, None),
    ],
)
def test_written_words(field: Field, words: str, value: Value) -> None:
    assert field.from_words(words) == value
    assert type(field.from_words(words)) is type(value)


WEEK = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("field", "words", "value"),
    [
        (DIGITS, "order 1001", "1001"),
        (DIGITS, "订单1001。", "1001"),
        (DIGITS, "No.1001", "1001"),
        (DIGITS, "A1001", None),
        (DIGITS, "1001 or 1002", None),
        (NUMBER, "3 of us", 3),
        (NUMBER, "about 3.5", None),
        (NUMBER, "501 people", None),
        (NUMBER, "between 5-6", None),
        (AMOUNT, "300 yuan", "300"),
        (AMOUNT, "about 12.50.", "12.50"),
        (AMOUNT, "RMB300 all in all", "300"),
        (AMOUNT, "it was 1,000.00, I think", "1000.00"),
        (AMOUNT, "3k", None),
        (AMOUNT, "3万元", None),
        (AMOUNT, "3 hundred", None),
        (AMOUNT, "about .5", None),
        (AMOUNT, "at 10:30", None),
        (PHONE, "it is 138 0013 8000.", "13800138000"),
        (PHONE, "+86 (138) 0013-8000 please", "+8613800138000"),
        (PHONE, "138 0013 8000 at 5", None),
        (COLOUR, "the reds!", "red"),
        (COLOUR, "dark blue", "Dark-Blue"),
        (DATE, "Today.", "2026-03-01"),
        (DATE, "yesterday", "2026-02-28"),
        (DATE, "明天", "2026-03-02"),
        (DATE, "yesterday at noon", None),
        (TEXT, "yesterday", "yesterday"),
    ],
)
def test_what_people_write_around_an_answer(field: Field, words: str, value: Value) -> None:
    assert field.from_words(words, WEEK) == value


def test_nobody_knows_what_today_is_without_the_date() -> None:
    assert DATE.from_words("today") is None


def test_a_date_is_written_in_the_order_of_its_field_or_as_iso() -> None:
    field = Field("it", "date", order="dmy")
    assert field.from_words("2.3.2026") == "2026-03-02"
    assert field.from_words("2026-03-02") == "2026-03-02"
    assert Field("it", "date", order="mdy").from_words("3/2/2026") == "2026-03-02"


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (YESNO, "True", True),
        (YESNO, "1", None),
        (COLOUR, "RED", None),
        (COLOUR, "1", None),
        (DATE, "20260302", None),
        (TIME, "1730", None),
        (TIME, "17:30", "17:30"),
        (MOMENT, "2026-03-02T10:00:00+08:00", "2026-03-02T10:00:00+08:00"),
        (MOMENT, "2026-03-02T10:00:00Z", "2026-03-02T10:00:00+00:00"),
        (MOMENT, "2026-03-02T10:00:00", None),
        (MOMENT, "tomorrow", None),
        (NUMBER, "12.0", None),
        (AMOUNT, "12.", "12"),
        (PHONE, "+4989123", "+4989123"),
        (PHONE, "++4989123", None),
    ],
)
def test_templates_are_taken_exactly(field: Field, text: str, value: Value) -> None:
    assert field.from_text(text) == value


@pytest.mark.parametrize(
    ("field", "answer", "value"),
    [
        (YESNO, True, True),
        (YESNO, "yes", None),
        (YESNO, 1, None),
        (NUMBER, 12, 12),
        (NUMBER, "12", 12),
        (NUMBER, 12.5, None),
        (NUMBER, True, None),
        (NUMBER, 501, None),
        (AMOUNT, 12.5, "12.5"),
        (AMOUNT, 12, "12"),
        (AMOUNT, "12.50", "12.50"),
        (AMOUNT, float("nan"), None),
        (AMOUNT, float("inf"), None),
        (AMOUNT, 1e30, None),
        (DIGITS, 1234, "1234"),
        (TEXT, 7, "7"),
        (TEXT, None, None),
        (TEXT, ["a"], None),
        (TEXT, {"a": 1}, None),
        (COLOUR, "red", "red"),
        (COLOUR, 1, None),
        (DATE, "2026-03-02", "2026-03-02"),
        (DATE, 20260302, None),
    ],
)
def test_answers_of_backends_must_be_of_the_type(
    field: Field, answer: object, value: Value
) -> None:
    assert field.from_json(answer) == value
    assert type(field.from_json(answer)) is type(value)


def test_there_is_no_amount_below_nothing_that_is_nothing() -> None:
    assert Field("it", "amount").from_text("-0.00") == "0.00"


def test_every_type_has_its_field_here() -> None:
    assert {field.type for field in ALL} == set(FIELD_TYPES)


anything = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="0123456789*#+-.:/ apmPM年月日,€", max_size=14),
    st.dates().map(str),
    st.datetimes().map(lambda moment: f"{moment.isoformat()}+08:00"),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
)
answers = st.one_of(
    anything,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.sampled_from(ALL), anything, answers)
def test_whatever_comes_a_field_holds_a_value_of_its_type_or_none(
    field: Field, text: str, answer: Any
) -> None:
    for value in (
        field.from_keys(text),
        field.from_words(text),
        field.from_words(f"it is {text}, I think", WEEK),
        field.from_text(text),
        field.from_json(answer),
    ):
        if value is None:
            continue
        assert field.from_text(str(value)) == value
        assert field.from_json(value) == value
        assert json.loads(json.dumps(value)) == value


@given(st.sampled_from(ALL), st.text(alphabet="0123456789*", max_size=20))
def test_nothing_keyed_is_longer_than_announced(field: Field, keys: str) -> None:
    if field.from_keys(keys) is not None:
        least, most = field.keyed
        assert field.type not in UNKEYED
        assert len(keys) <= most
        assert len(keys) >= least
