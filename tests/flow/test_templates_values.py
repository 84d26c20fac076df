"""Filters that say a value: in the language, for the channel and at the time of a conversation."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ivr.flow.templates import FILTERS, TemplateRefused, compile_condition, compile_text
from ivr.flow.wording import KINDS

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=timezone(timedelta(hours=8)))
FIELDS = {
    "account": "12345678",
    "balance": "12.50",
    "limit": "100.00",
    "due": "2026-03-02",
    "at": "17:30",
    "visit": "2026-03-03T00:00:00+00:00",
    "callback": "13800138000",
    "place": 2,
    "agreed": True,
    "customer": {"currency": "EUR", "balance": "3"},
}


def render(source: str, language: str = "en", channel: str = "voice") -> str:
    facts = {"language": language, "channel": channel, "now": NOW}
    return compile_text(source).render({**FIELDS, **facts})


@pytest.mark.parametrize(
    ("source", "spoken", "written", "mandarin"),
    [
        ("{{ account | digits }}", "1 2 3 4 5 6 7 8", "12345678", "幺二三四五六七八"),
        ("{{ account | last(4) | digits }}", "5 6 7 8", "5678", "五六七八"),
        ("{{ place | number }}", "two", "2", "二"),
        ("{{ place | number('位') }}", "two 位", "2 位", "两位"),
        ("{{ place | ordinal }}", "second", "2nd", "第二"),
        (
            "{{ balance | amount('EUR') }}",
            "twelve euros and fifty cents",
            "€12.50",
            "十二欧元五十欧分",
        ),
        ("{{ balance | money('CNY') }}", "twelve yuan and fifty fen", "CN¥12.50", "十二元五角"),
        ("{{ customer.balance | amount(customer.currency) }}", "three euros", "€3.00", "三欧元"),
        ("{{ balance | amount }}", "twelve point five zero", "12.50", "十二点五零"),
        (
            "{{ due | date }}",
            "Monday, the second of March",
            "Monday 2 March 2026",
            "三月二号星期一",
        ),
        ("{{ at | time }}", "five thirty PM", "5:30 PM", "下午五点半"),
        ("{{ visit | moment }}", "tomorrow at eight AM", "tomorrow at 8 AM", "明天上午八点"),
        ("{{ visit | time }}", "eight AM", "8 AM", "上午八点"),
        ("{{ now | time }}", "ten AM", "10 AM", "上午十点"),
        (
            "{{ callback | phone }}",
            "1 3 8, 0 0 1 3, 8 0 0 0",
            "138 0013 8000",
            "幺三八，零零幺三，八零零零",
        ),
        ("{{ agreed | yesno }}", "yes", "yes", "是"),
        (
            "{{ due }} {{ nobody | date }}{{ nobody | digits }}",
            "2026-03-02",
            "2026-03-02",
            "2026-03-02",
        ),
        ("{{ nobody | default('4') | number }}", "four", "4", "四"),
        ("{{ 'a' if place | number == 'two' else 'b' }}", "a", "b", "b"),
    ],
)
def test_a_filter_speaks_or_writes_in_the_language_of_the_conversation(
    source: str, spoken: str, written: str, mandarin: str
) -> None:
    assert render(source) == spoken
    assert {render(source, channel=each) for each in ("text", "chat", "sms")} == {written}
    assert render(source, "zh") == mandarin


def test_a_template_is_made_once_for_all_languages() -> None:
    template = compile_text("{{ 2 | number }}")
    assert [template.render({"language": each}) for each in ("en", "zh", "fr")] == [
        "two",
        "二",
        "2",
    ]


def test_without_language_channel_and_time_a_filter_still_speaks() -> None:
    assert compile_text("{{ due | date }}").render(FIELDS) == (
        "the second of March, twenty twenty-six"
    )


def test_every_value_has_its_filter_and_money_is_amount() -> None:
    assert set(KINDS) < set(FILTERS)
    assert render("{{ balance | money('EUR') }}") == render("{{ balance | amount('EUR') }}")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ balance | amount('EUT') }}", "'EUT' is no currency that is known"),
        ("{{ balance | amount(5) }}", 'the filter "amount" takes a currency such as'),
        ("{{ place | number(5) }}", 'the filter "number" takes the word for what is counted'),
        ("{{ place | number(account) }}", 'the filter "number" takes the word for what is counted'),
        ("{{ due | date('long') }}", 'the filter "date" takes no value'),
        ("{{ account | last('4') }}", 'the filter "last" takes a whole number'),
        ("{{ account | last(true) }}", 'the filter "last" takes a whole number'),
        ("{{ balance | amount('EUR', 'x') }}", 'the filter "amount" takes one plain value at most'),
        ("{{ balance | amount(argument='EUR') }}", "one plain value at most"),
        ("{{ due | as a number }}", "broken"),
        ("{{ due | dates }}", 'unknown filter "dates"'),
    ],
)
def test_a_filter_used_wrongly_is_refused_with_what_it_takes(source: str, reason: str) -> None:
    with pytest.raises(TemplateRefused, match=reason):
        compile_text(source)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("balance <= limit", True),
        ("balance > limit", False),
        ("'9.50' < balance", True),
        ("balance == 12.5", True),
        ("balance != 12.5", False),
        ("place < balance < limit", True),
        ("account > 5", True),
        ("at < '18:00'", True),
        ("due >= '2026-03-01'", True),
        ("nobody < balance", False),
        ("balance < nobody", False),
        ("'0123' == '123'", False),
        ("account in ('12345678', 'x') and place == 2", True),
        ("agreed == 1", True),
    ],
)
def test_numbers_kept_as_text_are_compared_as_numbers(condition: str, holds: bool) -> None:
    assert compile_condition(condition).holds(FIELDS) is holds
    words = compile_text("{{ 'yes' if " + condition + " else 'no' }}").render(FIELDS)
    assert words == ("yes" if holds else "no")


def test_a_condition_over_what_cannot_be_compared_is_false() -> None:
    assert not compile_condition("due < balance").holds(FIELDS)
    assert not compile_condition("due > balance").holds(FIELDS)


def test_a_number_beyond_all_writing_renders_as_nothing() -> None:
    assert compile_text("{{ n }}{{ n | number }}").render({"n": 10**5000}) == ""


@pytest.mark.usefixtures("untraced")
def test_saying_a_value_takes_microseconds() -> None:
    template = compile_text("{{ balance | amount('EUR') }} {{ visit | moment }}")
    values = {**FIELDS, "language": "en", "channel": "voice", "now": datetime.now(UTC)}
    template.render(values)
    began = time.process_time()
    for _ in range(1000):
        template.render(values)
    assert time.process_time() - began < 0.5
