"""Words as messages: what runs on, what begins a line, and where a long text is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.backends.segments import segments
from ivr.channels.letters import letter, parts
from ivr.channels.manners import SMS
from ivr.channels.notices import notice, word
from ivr.flow.actions import Choice, Prompt


def test_sentences_of_one_language_run_on_and_another_language_begins_a_line() -> None:
    prompts = (Prompt("Hello.", "en"), Prompt("Welcome.", "en"), Prompt("您好。", "zh"))
    assert letter((*prompts, Prompt("欢迎。", "zh"))) == "Hello. Welcome.\n您好。欢迎。"


def test_a_menu_is_a_numbered_list() -> None:
    choices = (Choice("1", "Appointments"), Choice("2", "Bills"))
    assert letter((Prompt("How can we help?", "en"),), choices) == (
        "How can we help?\n1 Appointments\n2 Bills"
    )


def test_what_the_words_offer_already_is_not_offered_again() -> None:
    prompts = (Prompt("Please choose.", "en"), Prompt("1 Bills", "en"), Prompt("Thanks.", "en"))
    assert letter(prompts, (Choice("1", "Bills"),)) == "Please choose.\n1 Bills\nThanks."


def test_a_choice_without_a_label_is_told_by_the_words_alone() -> None:
    assert letter((Prompt("For bills, press 1.", "en"),), (Choice("1"),)) == "For bills, press 1."


def test_a_recording_without_words_is_no_message() -> None:
    assert letter((Prompt("", "en", "jingle"),)) == ""


def short(text: str) -> bool:
    return len(text) <= 12


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("short", ["short"]),
        ("", []),
        ("first line\nsecond", ["first line", "second"]),
        ("One. Two. Three.", ["One. Two.", "Three."]),
        ("您好。我们现在休息了。", ["您好。我们现在休息了。"]),
        ("one two three four", ["one two", "three four"]),
        ("abcdefghijklmnopq", ["abcdefghijkl", "mnopq"]),
    ],
)
def test_a_long_text_is_cut_where_it_hurts_least(text: str, pieces: list[str]) -> None:
    assert list(parts(text, short)) == pieces


@given(st.text(max_size=3000))
def test_every_part_of_an_sms_can_be_sent_and_no_word_is_lost(text: str) -> None:
    pieces = list(parts(text, SMS.fits))
    assert all(segments(piece).parts <= 10 for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", "stop"),
        (" Stop. ", "stop"),
        ("退订", "stop"),
        ("ＳＴＯＰ", "stop"),
        ("start", "start"),
        ("Help!", "help"),
        ("please stop by tomorrow", None),
        ("1", None),
    ],
)
def test_only_a_message_that_is_nothing_else_is_one_of_our_words(
    text: str, meaning: str | None
) -> None:
    assert word(text) == meaning


def test_a_notice_speaks_the_language_of_the_thread_or_english() -> None:
    assert notice("closed", "zh-TW") == notice("closed", "zh")
    assert notice("closed", "sv") == notice("closed", "en")
