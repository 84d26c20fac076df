"""What people write: answers in their own words, words that stand for keys, days by their names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ivr.flow.actions import Ask, Hangup, Queue, Written
from ivr.flow.asking import CollectStep, MenuStep, Option
from ivr.flow.model import BACK, HELP, REPEAT, Flow, Language, QueueStep
from ivr.flow.running.written import loose, meant, only_number
from tests.flow.building import (
    SHANGHAI,
    Call,
    asking,
    exits,
    field,
    flow,
    growing,
    say,
    text,
    words,
)

KEYS = {"0": "talk", "*": REPEAT, "8": HELP, "9": BACK}
TALK = QueueStep(name="talk", queue=text("desk"), exits=exits("bye"))
HELPED = asking("over", help=growing("A word will do."))


def menu(*options: tuple[str, ...], keys: dict[str, str] | None = None) -> Flow:
    """Each option: its label, and its other answers."""
    given = {
        str(at): Option("order", label=say(label) if label else (), also=tuple(also))
        for at, (label, *also) in enumerate(options, 1)
    }
    step = MenuStep(name="menu", say=say("Welcome."), options=given, asking=HELPED)
    order = CollectStep(name="order", field="order", say=say("Order?"), asking=HELPED, next="bye")
    fields = [field("order", "digits", length_min=4, length_max=4)]
    return flow(step, order, TALK, keys=KEYS if keys is None else keys, fields=fields)


def chosen(made: Flow, written: str) -> object:
    """The key that the answer is taken for; None when it is taken for none."""
    call = Call(made, channel="chat")
    call.give(Written(written))
    return next((each["key"] for each in call.told("key") if "flow_wide" not in each), None)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("person", "1"),
        ("A PERSON!", "1"),
        ("the persons", "1"),
        ("bill", "2"),
        ("the bills, please", None),
        ("call back", "3"),
        ("a call-back.", "3"),
        ("city", "4"),
        ("boxes", "5"),
        ("news", "6"),
        ("new", "7"),
        ("the new", None),
        ("", None),
        ("the", None),
    ],
)
def test_a_label_is_meant_without_its_article_its_number_and_its_signs(
    written: str, key: str | None
) -> None:
    labels = ("a person", "Bills", "call-back", "the cities", "box", "news", "new")
    assert chosen(menu(*((label,) for label in labels), keys={}), written) == key


def test_other_answers_of_an_option_are_understood_and_never_shown() -> None:
    languages = menu(("", "English", "英文"), ("", "中文", "Chinese"))
    assert [chosen(languages, each) for each in ("english", "英文。", "中文", "CHINESE")] == [
        *("1", "1", "2", "2")
    ]
    for channel in ("voice", "chat"):
        assert words(Call(languages, channel=channel).action) == "Welcome."


def test_two_options_with_the_same_words_are_both_not_meant() -> None:
    assert chosen(menu(("bills",), ("Bills!",)), "bills") is None


@pytest.mark.parametrize("word", ["person", "an agent", "Human!", "人工", "operator"])
def test_who_asks_for_a_person_gets_one_where_0_leads_to_a_step(word: str) -> None:
    call = Call(menu(("bills",)), channel="sms")
    assert isinstance(call.give(Written(word)), Queue)
    assert call.told("key") == [{"key": "0", "flow_wide": True}]
    for keys in ({}, {"0": REPEAT}, {"1": "talk"}):
        call = Call(menu(("bills",), keys=keys), channel="sms")
        assert isinstance(call.give(Written(word)), Ask)
        assert call.told("nomatch")


@pytest.mark.parametrize(
    ("word", "heard"),
    [
        ("help", "A word will do. Order?"),
        ("帮助", "A word will do. Order?"),
        ("Back.", "Welcome. 1 bills"),
        ("返回", "Welcome. 1 bills"),
        ("repeat", "Order?"),
        ("重复", "Order?"),
    ],
)
def test_words_stand_for_the_flow_wide_keys_that_do_what_they_say(word: str, heard: str) -> None:
    call = Call(menu(("bills",)), channel="chat")
    call.give(Written("1"))
    assert words(call.give(Written(word))) == heard
    assert not call.told("nomatch")
    bare = Call(menu(("bills",), keys={}), channel="chat")
    bare.give(Written("1"), Written(word))
    assert bare.told("nomatch")


def test_an_option_of_that_name_goes_before_the_key() -> None:
    assert chosen(menu(("a person",), ("help",)), "person") == "1"
    assert chosen(menu(("a person",), ("help",)), "help") == "2"


def test_the_only_number_of_a_message_is_the_answer() -> None:
    call = Call(menu(("bills",)), channel="chat")
    call.give(Written("1"))
    assert isinstance(call.give(Written("It is order 1001, thanks.")), Hangup)
    assert call.fields["order"] == "1001"


def test_today_is_the_day_in_the_zone_of_the_flow() -> None:
    step = CollectStep(name="ask", field="day", say=say("When?"), asking=asking(), next="bye")
    made = flow(step, fields=[field("day", "date")], zone=SHANGHAI)
    call = Call(made, channel="chat", now=datetime(2026, 3, 2, 17, 0, tzinfo=UTC))
    call.give(Written("Yesterday"))
    assert call.fields["day"] == "2026-03-02"


def test_labels_of_every_language_are_meant_loosely() -> None:
    option = Option("bye", label=say(en="the bills", zh="账单"))
    step = MenuStep(name="menu", say=say("?"), options={"1": option}, asking=asking())
    both = (Language("en"), Language("zh"))
    for written in ("bill", "账单。"):
        call = Call(flow(step, languages=both), channel="chat", language="zh")
        assert isinstance(call.give(Written(written)), Hangup)


def test_a_confirmation_can_be_left_by_a_word() -> None:
    made = menu(("bills",))
    order = made.steps["order"]
    assert isinstance(order, CollectStep)
    call = Call(
        replace(made, steps={**made.steps, "order": replace(order, confirm=())}), channel="chat"
    )
    call.give(Written("1"), Written("1001"))
    assert words(call.give(Written("back"))) == "Order?"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("city", "cities"),
        ("day", "days"),
        ("movie", "movies"),
        ("house", "houses"),
        ("bus", "buses"),
    ],
)
def test_one_and_many_are_the_same(one: str, other: str) -> None:
    assert loose(one) == loose(f"The {other}!")


def test_exact_words_go_before_loose_ones() -> None:
    assert meant("bills", [("bill", "1"), ("bills", "2")]) == "2"
    assert meant("the bills", [("bill", "1"), ("bills", "2")]) is None


@pytest.mark.parametrize("sentence", ["", "none", "1 and 2", "2k", "x1", "1x", "1_000"])
def test_there_is_not_always_one_number(sentence: str) -> None:
    assert only_number(sentence) is None
