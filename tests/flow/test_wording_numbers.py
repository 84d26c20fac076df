"""Numbers in words, read back by readers that know nothing of how they were made."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ivr.flow.wording import speak
from ivr.flow.wording.values import grouped

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LARGEST = 10**15 - 1
NUMBERS = (
    st.integers(0, LARGEST)
    | st.integers(0, 30_000)
    | st.sampled_from(
        [n * 10**power for n in (1, 2, 10, 12, 20, 101, 110, 2002) for power in range(12)]
    )
)


def say(kind: str, value: object, language: str, argument: str | None = None) -> str:
    return speak(kind, value, language, written=False, now=NOW, argument=argument)


# --- English ---------------------------------------------------------------------------------

UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS = {
    **{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70},
    **{"eighty": 80, "ninety": 90},
}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def read_english(words: str) -> int:
    total = group = 0
    for word in words.replace("-", " ").split():
        if word in SCALES:
            total, group = total + group * SCALES[word], 0
        elif word == "hundred":
            group *= 100
        elif word != "and":
            group += TENS[word] if word in TENS else UNITS.index(word)
    return total + group


@given(NUMBERS)
def test_english_numbers_read_back(number: int) -> None:
    words = say("number", number, "en")
    assert read_english(words) == number
    assert not words.endswith((" and", "-", " "))
    assert "  " not in words


@given(NUMBERS.filter(bool))
def test_every_hundred_of_english_has_its_and(number: int) -> None:
    words = say("number", number, "en").split()
    for at, word in enumerate(words[:-1]):
        if word == "hundred":
            assert words[at + 1] == "and" or words[at + 1] in SCALES


LAST = {
    **{"first": "one", "second": "two", "third": "three", "fifth": "five", "eighth": "eight"},
    **{"ninth": "nine", "twelfth": "twelve"},
}


@given(NUMBERS.filter(bool))
def test_english_ordinals_read_back(number: int) -> None:
    words = say("ordinal", number, "en").replace("-", " ").split()
    last = words[-1]
    if last not in LAST:
        assert last.endswith("th")
    root = LAST.get(last) or (f"{last[:-4]}y" if last.endswith("ieth") else last[:-2])
    assert read_english(" ".join([*words[:-1], root])) == number


# --- Mandarin --------------------------------------------------------------------------------

FIGURES = {figure: n for n, figure in enumerate("零一二三四五六七八九")} | {"两": 2}
PLACES = {"十": 10, "百": 100, "千": 1000}


def read_mandarin(words: str) -> int:
    for unit, name in ((10**8, "亿"), (10**4, "万")):
        if name in words:
            high, _, low = words.rpartition(name)
            return read_mandarin(high) * unit + read_mandarin(low)
    total, figure = 0, None
    for each in words:
        if each in PLACES:
            total, figure = total + (1 if figure is None else figure) * PLACES[each], None
        else:
            figure = FIGURES[each] or figure
    return total + (figure or 0)


@given(NUMBERS)
def test_mandarin_numbers_read_back(number: int) -> None:
    words = say("number", number, "zh")
    assert read_mandarin(words) == number


@given(NUMBERS.filter(bool))
def test_mandarin_zero_and_two_stand_where_they_belong(number: int) -> None:
    words = say("number", number, "zh")
    assert "零零" not in words
    assert not words.endswith("零")
    assert not words.startswith("一十")
    assert "两" not in words[1:]
    assert not words.endswith("两")
    assert not words.startswith("两十")


@given(st.integers(2, LARGEST))
def test_before_what_is_counted_a_single_two_is_liang(number: int) -> None:
    assert say("number", number, "zh", "位").startswith("两位") == (number == 2)


# --- both ------------------------------------------------------------------------------------


UNIT_NAMES = ("euros", "euro", "dollars", "dollar", "pounds", "pound")
CENT_NAMES = ("cents", "cent", "pence", "penny")


@given(st.integers(0, 10**11), st.sampled_from(["EUR", "USD", "GBP"]))
def test_money_reads_back_to_the_cent(cents: int, currency: str) -> None:
    rest = say("amount", f"{cents // 100}.{cents % 100:02d}", "en", currency)
    total = 0
    for names, worth in ((UNIT_NAMES, 100), (CENT_NAMES, 1)):
        name = next((f" {each}" for each in names if f" {each}" in rest), None)
        if name:
            said, _, rest = rest.partition(name)
            total += worth * read_english(said.removeprefix(" and "))
    assert (total, rest) == (cents, "")


@given(st.integers(0, 10**11))
def test_yuan_read_back_to_the_fen(fen: int) -> None:
    rest = say("amount", f"{fen // 100}.{fen % 100:02d}", "zh", "CNY")
    total = 0
    for name, worth in (("元", 100), ("角", 10), ("分", 1)):
        if name in rest:
            said, _, rest = rest.partition(name)
            total += worth * read_mandarin(said)
    assert (total, rest) == (fen, "")


@given(st.decimals(-(10**9), 10**9, places=4))
def test_decimals_are_said_as_they_were_written(number: Decimal) -> None:
    words = say("number", str(number), "en").removeprefix("minus ")
    whole, _, point = words.partition(" point ")
    figures = "".join(str(UNITS.index(word)) for word in point.split())
    assert Decimal(f"{read_english(whole)}.{figures}") == abs(number)


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_a_day_is_clear_wherever_it_lies(day: date) -> None:
    words = say("date", day.isoformat(), "zh")
    year, _, rest = words.rpartition("年")
    month, _, number = rest.partition("月")
    assert (read_mandarin(month), read_mandarin(number.partition("号")[0])) == (day.month, day.day)
    if year:
        assert "".join(str(FIGURES[each]) for each in year) == str(day.year)
    else:
        assert abs((day - NOW.date()).days) < 184


@given(st.text("0123456789", min_size=1, max_size=15))
def test_a_telephone_number_keeps_every_digit_in_its_order(digits: str) -> None:
    assert "".join(grouped(digits)) == digits
    assert all(len(group) <= 4 for group in grouped(digits))
    assert say("phone", digits, "en").replace(" ", "").replace(",", "") == digits
