"""Values as people say them: tables checked by hand, in both forms, and what must never raise."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow.wording import CURRENCIES, GRAMMARS, KINDS, english, mandarin, moment, natural, speak

ZONE = timezone(timedelta(hours=8))
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=ZONE)
LANGUAGES = ("en", "zh", "fr")


def say(kind: str, value: object, language: str, argument: str | None = None) -> str:
    return speak(kind, value, language, written=False, now=NOW, argument=argument)


def write(kind: str, value: object, language: str, argument: str | None = None) -> str:
    return speak(kind, value, language, written=True, now=NOW, argument=argument)


SPOKEN_ENGLISH = [
    ("number", 0, None, "zero"),
    ("number", 13, None, "thirteen"),
    ("number", 40, None, "forty"),
    ("number", 99, None, "ninety-nine"),
    ("number", 100, None, "one hundred"),
    ("number", 101, None, "one hundred and one"),
    ("number", 999, None, "nine hundred and ninety-nine"),
    ("number", 1001, None, "one thousand and one"),
    ("number", 1100, None, "one thousand one hundred"),
    ("number", 2026, None, "two thousand and twenty-six"),
    ("number", 15300, None, "fifteen thousand three hundred"),
    ("number", 100_000, None, "one hundred thousand"),
    ("number", 1_000_001, None, "one million and one"),
    ("number", 2_500_000, None, "two million five hundred thousand"),
    ("number", 10**12, None, "one trillion"),
    ("number", -7, None, "minus seven"),
    ("number", 3.5, None, "three point five"),
    ("number", 3.0, None, "three"),
    ("number", "0.05", None, "zero point zero five"),
    ("number", "0007", None, "seven"),
    ("number", 2, "boxes", "two boxes"),
    ("ordinal", 1, None, "first"),
    ("ordinal", 5, None, "fifth"),
    ("ordinal", 8, None, "eighth"),
    ("ordinal", 9, None, "ninth"),
    ("ordinal", 12, None, "twelfth"),
    ("ordinal", 20, None, "twentieth"),
    ("ordinal", 21, None, "twenty-first"),
    ("ordinal", 103, None, "one hundred and third"),
    ("ordinal", 1000, None, "one thousandth"),
    ("amount", "12.50", "EUR", "twelve euros and fifty cents"),
    ("amount", "1.01", "EUR", "one euro and one cent"),
    ("amount", "0.99", "USD", "ninety-nine cents"),
    ("amount", "0", "GBP", "zero pounds"),
    ("amount", "2.01", "GBP", "two pounds and one penny"),
    ("amount", "-40", "GBP", "minus forty pounds"),
    ("amount", 1500, "JPY", "one thousand five hundred yen"),
    ("amount", "8.5", "CNY", "eight yuan and fifty fen"),
    ("amount", "1.250", "KWD", "one Kuwaiti dinar and two hundred and fifty fils"),
    ("amount", "12.345", "EUR", "twelve point three four five euros"),
    ("amount", "12.50", None, "twelve point five zero"),
    ("amount", "3", "XAU", "three X A U"),
    ("date", "2026-03-02", None, "Monday, the second of March"),
    ("date", "2026-05-31", None, "Sunday, the thirty-first of May"),
    ("date", "1982-05-04", None, "the fourth of May, nineteen eighty-two"),
    ("date", "1905-11-20", None, "the twentieth of November, nineteen oh five"),
    ("date", "2000-02-29", None, "the twenty-ninth of February, two thousand"),
    ("date", "2028-01-01", None, "the first of January, twenty twenty-eight"),
    ("time", "00:00", None, "midnight"),
    ("time", "12:00", None, "noon"),
    ("time", "00:30", None, "twelve thirty AM"),
    ("time", "08:05", None, "eight oh five AM"),
    ("time", "09:00", None, "nine AM"),
    ("time", "17:30", None, "five thirty PM"),
    ("time", "23:59", None, "eleven fifty-nine PM"),
    ("moment", "2026-03-02T14:30+08:00", None, "today at two thirty PM"),
    ("moment", "2026-03-03T00:00Z", None, "tomorrow at eight AM"),
    ("moment", "2026-03-01T12:00+08:00", None, "yesterday at noon"),
    ("moment", "2026-03-06T09:15+08:00", None, "on Friday at nine fifteen AM"),
    ("moment", "2026-03-20T16:00+08:00", None, "on Friday, the twentieth of March, at four PM"),
    ("moment", "2027-05-01T12:00+08:00", None, "on the first of May, twenty twenty-seven, at noon"),
    ("moment", "2026-02-20T16:00+08:00", None, "on Friday, the twentieth of February, at four PM"),
    ("phone", "13800138000", None, "1 3 8, 0 0 1 3, 8 0 0 0"),
    ("phone", "+1 (202) 555-0143", None, "plus 1, 2 0 2, 5 5 5, 0 1 4 3"),
    ("phone", "020 8765 4321", None, "0 2 0, 8 7 6 5, 4 3 2 1"),
    ("phone", "4001", None, "4 0 0 1"),
    ("digits", "4001", None, "4 0 0 1"),
    ("digits", "A1-B2", None, "A 1 B 2"),
    ("yesno", True, None, "yes"),
    ("yesno", "no", None, "no"),
]  # fmt: skip

SPOKEN_MANDARIN = [
    ("number", 0, None, "零"),
    ("number", 2, None, "二"),
    ("number", 2, "位", "两位"),
    ("number", 12, "位", "十二位"),
    ("number", 20, "个", "二十个"),
    ("number", 10, None, "十"),
    ("number", 18, None, "十八"),
    ("number", 100, None, "一百"),
    ("number", 105, None, "一百零五"),
    ("number", 110, None, "一百一十"),
    ("number", 115, None, "一百一十五"),
    ("number", 200, None, "两百"),
    ("number", 1001, None, "一千零一"),
    ("number", 1010, None, "一千零一十"),
    ("number", 2000, None, "两千"),
    ("number", 2222, None, "两千二百二十二"),
    ("number", 10_000, None, "一万"),
    ("number", 10_500, None, "一万零五百"),
    ("number", 20_000, None, "两万"),
    ("number", 100_000, None, "十万"),
    ("number", 120_000, None, "十二万"),
    ("number", 200_020, None, "二十万零二十"),
    ("number", 1_010_000, None, "一百零一万"),
    ("number", 10_000_001, None, "一千万零一"),
    ("number", 100_000_000, None, "一亿"),
    ("number", 100_010_000, None, "一亿零一万"),
    ("number", 1_234_567_890, None, "十二亿三千四百五十六万七千八百九十"),
    ("number", 10**12, None, "一万亿"),
    ("number", -7, None, "负七"),
    ("number", 3.14, None, "三点一四"),
    ("number", "0.20", None, "零点二零"),
    ("ordinal", 1, None, "第一"),
    ("ordinal", 2, None, "第二"),
    ("ordinal", 12, None, "第十二"),
    ("ordinal", 21, None, "第二十一"),
    ("amount", "12.50", "CNY", "十二元五角"),
    ("amount", "2.22", "CNY", "两元两角两分"),
    ("amount", "2", "CNY", "两元"),
    ("amount", "10.05", "CNY", "十元零五分"),
    ("amount", "0.05", "CNY", "五分"),
    ("amount", "0.50", "CNY", "五角"),
    ("amount", "0", "CNY", "零元"),
    ("amount", "-200", "CNY", "负两百元"),
    ("amount", "10008.80", "CNY", "一万零八元八角"),
    ("amount", "12.50", "USD", "十二美元五十美分"),
    ("amount", "2.02", "EUR", "两欧元两欧分"),
    ("amount", 1500, "JPY", "一千五百日元"),
    ("amount", "12.345", "CNY", "十二点三四五元"),
    ("amount", "12.50", None, "十二点五零"),
    ("date", "2026-03-02", None, "三月二号星期一"),
    ("date", "2026-05-31", None, "五月三十一号星期日"),
    ("date", "1982-12-10", None, "一九八二年十二月十号"),
    ("date", "2000-02-29", None, "二零零零年二月二十九号"),
    ("time", "00:00", None, "凌晨零点"),
    ("time", "02:00", None, "凌晨两点"),
    ("time", "08:05", None, "上午八点零五分"),
    ("time", "12:15", None, "中午十二点一刻"),
    ("time", "14:30", None, "下午两点半"),
    ("time", "17:45", None, "下午五点三刻"),
    ("time", "20:20", None, "晚上八点二十分"),
    ("time", "22:02", None, "晚上十点零二分"),
    ("moment", "2026-03-02T14:30+08:00", None, "今天下午两点半"),
    ("moment", "2026-03-03T00:00Z", None, "明天上午八点"),
    ("moment", "2026-03-06T12:00+08:00", None, "星期五中午十二点"),
    ("moment", "2026-03-20T16:00+08:00", None, "三月二十号星期五下午四点"),
    ("moment", "2027-03-20T16:00+08:00", None, "二零二七年三月二十号下午四点"),
    ("phone", "13800138000", None, "幺三八，零零幺三，八零零零"),
    ("phone", "+8613800138000", None, "加八六，幺三八，零零幺三，八零零零"),
    ("phone", "010-8888 1234", None, "零幺零，八八八八，幺二三四"),
    ("phone", "110", None, "幺幺零"),
    ("digits", "4001", None, "四零零幺"),
    ("digits", "A1", None, "A幺"),
    ("yesno", True, None, "是"),
    ("yesno", False, None, "否"),
]  # fmt: skip

WRITTEN = [
    ("number", 1234567, None, "1,234,567", "1234567"),
    ("number", 2, "位", "2 位", "2位"),
    ("number", "-3.10", None, "-3.10", "-3.10"),
    ("ordinal", 1, None, "1st", "第1"),
    ("ordinal", 11, None, "11th", "第11"),
    ("ordinal", 112, None, "112th", "第112"),
    ("ordinal", 22, None, "22nd", "第22"),
    ("ordinal", 103, None, "103rd", "第103"),
    ("amount", "1234.5", "EUR", "€1,234.50", "1234.50欧元"),
    ("amount", "-0.5", "USD", "-$0.50", "-0.50美元"),
    ("amount", "12.50", "CNY", "CN¥12.50", "12.50元"),
    ("amount", "1500", "JPY", "¥1,500", "1500日元"),
    ("amount", "7", "SEK", "7.00 SEK", "7.00瑞典克朗"),
    ("amount", "7", "XAU", "7.00 XAU", "7.00 XAU"),
    ("amount", "12.345", "EUR", "€12.345", "12.345欧元"),
    ("amount", "12.50", None, "12.50", "12.50"),
    ("date", "2026-03-02", None, "Monday 2 March 2026", "2026年3月2日星期一"),
    ("date", "1982-05-04", None, "4 May 1982", "1982年5月4日"),
    ("time", "00:00", None, "midnight", "凌晨0点"),
    ("time", "17:30", None, "5:30 PM", "下午5点半"),
    ("time", "08:05", None, "8:05 AM", "上午8点05分"),
    ("moment", "2026-03-03T08:00+08:00", None, "tomorrow at 8 AM", "明天上午8点"),
    ("moment", "2027-03-20T16:00+08:00", None, "on 20 March 2027, at 4 PM", "2027年3月20日下午4点"),
    ("phone", "+8613800138000", None, "+86 138 0013 8000", "+86 138 0013 8000"),
    ("phone", "0612345678", None, "061 234 5678", "061 234 5678"),
    ("digits", "4001", None, "4001", "4001"),
    ("yesno", True, None, "yes", "是"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "argument", "said"), SPOKEN_ENGLISH)
def test_english_is_spoken_as_people_speak_it(
    kind: str, value: object, argument: str | None, said: str
) -> None:
    assert say(kind, value, "en", argument) == said


@pytest.mark.parametrize(("kind", "value", "argument", "said"), SPOKEN_MANDARIN)
def test_mandarin_is_spoken_as_people_speak_it(
    kind: str, value: object, argument: str | None, said: str
) -> None:
    assert say(kind, value, "zh", argument) == said


@pytest.mark.parametrize(("kind", "value", "argument", "en", "zh"), WRITTEN)
def test_what_is_read_is_written_in_figures(
    kind: str, value: object, argument: str | None, en: str, zh: str
) -> None:
    assert (write(kind, value, "en", argument), write(kind, value, "zh", argument)) == (en, zh)


@pytest.mark.parametrize(
    ("kind", "value", "argument", "spoken", "written"),
    [
        ("number", 1234, None, "1234", "1234"),
        ("ordinal", 3, None, "3", "3"),
        ("amount", "12.5", "EUR", "12.50 EUR", "12.50 EUR"),
        ("date", "2026-03-02", None, "2026-03-02", "2026-03-02"),
        ("time", "17:30", None, "17:30", "17:30"),
        ("moment", "2026-03-03T00:00Z", None, "2026-03-03 08:00", "2026-03-03 08:00"),
        ("phone", "+31612345678", None, "+31, 6 1 2, 3 4 5, 6 7 8", "+31 612 345 678"),
        ("digits", "401", None, "4 0 1", "401"),
    ],
)
def test_a_language_without_a_grammar_gets_plain_figures(
    kind: str, value: object, argument: str | None, spoken: str, written: str
) -> None:
    assert (say(kind, value, "fr", argument), write(kind, value, "fr", argument)) == (
        spoken,
        written,
    )


def test_a_regional_language_speaks_as_its_base() -> None:
    assert say("number", 2, "zh-CN") == "二"
    assert say("number", 2, "EN_gb") == "two"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "many"),
        ("number", "1e9"),
        ("number", "1234567890123456"),
        ("number", True),
        ("number", "१२"),
        ("ordinal", -1),
        ("ordinal", "1.5"),
        ("amount", "12,50"),
        ("date", "2026-02-30"),
        ("date", "02.03.2026"),
        ("time", "25:00"),
        ("moment", "2026-03-02T99:00"),
        ("moment", "tomorrow"),
        ("phone", "+1234567890123456"),
        ("phone", "extension"),
        ("yesno", "perhaps"),
        ("no-such-kind", "text"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_of_another_kind_is_said_as_the_text_it_is(
    kind: str, value: object, language: str
) -> None:
    assert say(kind, value, language) == write(kind, value, language) == str(value)


@pytest.mark.parametrize("kind", KINDS)
def test_no_value_is_said_as_nothing(kind: str) -> None:
    assert {say(kind, None, language) for language in LANGUAGES} == {""}


def test_a_moment_also_gives_its_day_and_its_time_where_the_caller_is() -> None:
    late = "2026-03-02T22:00:00Z"
    assert say("date", late, "en") == "Tuesday, the third of March"
    assert say("time", late, "en") == "six AM"
    assert say("date", date(2026, 3, 3), "zh") == "三月三号星期二"
    assert say("time", time(6, 0), "zh") == "上午六点"
    assert say("moment", datetime(2026, 3, 2, 22, tzinfo=UTC), "en") == "tomorrow at six AM"


def test_moment_writes_in_figures_unless_it_is_to_be_spoken() -> None:
    at = datetime(2026, 3, 3, 8, tzinfo=ZONE)
    assert moment("en", at, NOW) == "tomorrow at 8 AM"
    assert moment("en", at, NOW, written=False) == "tomorrow at eight AM"


def test_every_currency_has_a_name_in_every_language() -> None:
    assert set(CURRENCIES) == set(english._MONEY) == set(mandarin._MONEY)
    for code in CURRENCIES:
        for language in GRAMMARS:
            assert code not in say("amount", "12.50", language, code)


def test_every_type_of_field_with_a_grammar_has_its_filter() -> None:
    assert natural("amount") == "amount"
    assert natural("digits") == "digits"
    assert natural("choice") is None
    assert natural("text") is None


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.datetimes().map(str)
    | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat())
    | st.dates().map(str)
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
)


@given(
    st.sampled_from([*KINDS, "unknown"]),
    SCALARS,
    st.sampled_from(["en", "zh", "fr", "", "zh_TW", "-"]),
    st.booleans(),
    st.sampled_from([None, "EUR", "JPY", "", "位", "eur"]),
)
def test_nothing_that_a_field_can_hold_raises(
    kind: str, value: object, language: str, written: bool, argument: str | None
) -> None:
    said = speak(kind, value, language, written=written, now=NOW, argument=argument)
    assert isinstance(said, str)
    assert said or not str("" if value is None else value).strip() or kind == "digits"


def test_a_number_too_long_to_be_written_is_nothing() -> None:
    assert say("number", 10**5000, "en") == ""
    assert say("number", Decimal("NaN"), "en") == "NaN"
