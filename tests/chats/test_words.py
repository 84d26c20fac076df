"""Whatever our pages say to visitors, they say in every language they speak."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from ivr.channels.notices import _NOTICES
from ivr.chats.widget import PAGES
from ivr.threads.refusals import Why

LANGUAGES = {"en", "zh"}
ENTRY = re.compile(r'(?:^\s*|, )(\w+): "([^"]*)"', re.MULTILINE)


def words(page: str) -> dict[str, dict[str, str]]:
    """The words of a page, by language."""
    text = (PAGES / page).read_text(encoding="utf-8")
    table = text.partition("const WORDS = {\n")[2].partition("\n};")[0]
    blocks = re.findall(r"^  (\w+): \{\n(.*?)^  \},", table, re.MULTILINE | re.DOTALL)
    return {language: dict(ENTRY.findall(block)) for language, block in blocks}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("page", ["words.js", "form.js"])
def test_every_word_of_a_page_is_there_in_every_language(page: str) -> None:
    spoken = words(page)
    assert set(spoken) == LANGUAGES
    english = spoken["en"]
    assert len(english) >= 10
    for told in spoken.values():
        assert set(told) == set(english)
        assert [name for name, text in told.items() if not text.strip()] == []
        assert {name: places(text) for name, text in told.items()} == {
            name: places(text) for name, text in english.items()
        }


def test_whatever_the_server_does_not_take_has_words_in_every_language() -> None:
    said = {name.removeprefix("why_") for name in words("words.js")["en"] if name.startswith("why")}
    assert said == {each.value for each in Why}


def test_the_button_and_the_house_speak_the_same_languages_as_the_chat() -> None:
    button = (PAGES / "tieline.js").read_text(encoding="utf-8")
    table = re.search(r"const words = \{(.*)\};", button)
    assert table is not None
    spoken = dict(re.findall(r"(\w+): \[(.*?)\]", table[1]))
    assert {language: len(each.split('", "')) for language, each in spoken.items()} == {
        "en": 3,
        "zh": 3,
    }
    assert {name for name, forms in _NOTICES.items() if set(forms) != LANGUAGES} == set()


def test_every_word_the_chat_says_is_known() -> None:
    known = set(words("words.js")["en"])
    for page in ("frame.js", "asking.js"):
        text = (PAGES / page).read_text(encoding="utf-8")
        said = set(re.findall(r"\bwords\.(?!js\b)(\w+)", text))
        assert said <= known
    shown = (PAGES / "frame.html").read_text(encoding="utf-8")
    assert set(re.findall(r'data-(?:text|word)="(\w+)"', shown)) <= known
