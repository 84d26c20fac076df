"""The sentences that the flow language says by itself."""

from __future__ import annotations

import re

import pytest

from ivr.flow.wording import GRAMMARS, PHRASES, phrase


@pytest.mark.parametrize("name", PHRASES)
def test_every_sentence_is_there_in_every_language_with_the_same_places(name: str) -> None:
    assert set(PHRASES[name]) == set(GRAMMARS)
    for form in (0, 1):
        places = {frozenset(re.findall(r"{(\w+)}", each[form])) for each in PHRASES[name].values()}
        assert len(places) == 1


@pytest.mark.parametrize(
    ("name", "places", "en", "zh"),
    [
        (
            "confirm",
            {"value": "1 2 3 4"},
            "1 2 3 4. If that is right, press 1; to change it, press 2.",
            "1 2 3 4。正确请按1，修改请按2。",
        ),
        (
            "option",
            {"label": "bills", "key": "1"},
            "For bills, press 1.",
            "bills，请按1。",
        ),
        (
            "option",
            {"label": "bills", "key": "#"},
            "For bills, press hash.",
            "bills，请按井号键。",
        ),
        (
            "slot",
            {"moment": "on Monday at noon", "key": "2"},
            "For Monday at noon, press 2.",
            "Monday at noon，请按2。",
        ),
        ("later-slots", {"key": "9"}, "For later times, press 9.", "更晚的时间，请按9。"),
        ("one-moment", {}, "One moment, please.", "请稍候。"),
    ],
)
def test_sentences_are_spoken(name: str, places: dict[str, str], en: str, zh: str) -> None:
    assert phrase(name, "en", False, **places) == en
    assert phrase(name, "zh-CN", False, **places) == zh


@pytest.mark.parametrize(
    ("name", "places", "en", "zh"),
    [
        ("confirm", {"value": "12"}, "12. Is that right? 1 yes, 2 no", "12，对吗？1 对，2 不对"),
        ("option", {"label": "Bills", "key": "*"}, "* Bills", "* Bills"),
        (
            "slot",
            {"moment": "on Friday at 8 AM", "key": "1"},
            "1 Friday at 8 AM",
            "1 Friday at 8 AM",
        ),
    ],
)
def test_sentences_are_written(name: str, places: dict[str, str], en: str, zh: str) -> None:
    assert phrase(name, "en", True, **places) == en
    assert phrase(name, "zh", True, **places) == zh


def test_a_language_without_sentences_gets_english_throughout() -> None:
    assert phrase("option", "fr", False, label="les factures", key="*") == (
        "For les factures, press star."
    )


def test_what_a_caller_said_is_never_read_as_a_place() -> None:
    assert phrase("option", "en", True, label="{key} {0} {x.y}", key="1") == "1 {key} {0} {x.y}"


def test_a_sentence_that_lacks_a_place_or_does_not_exist_is_a_fault() -> None:
    with pytest.raises(KeyError):
        phrase("option", "en", False, label="bills")
    with pytest.raises(KeyError):
        phrase("no-such", "en", False)
