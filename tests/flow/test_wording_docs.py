"""docs/speech.md shows what the code does: every example in its tables is made again here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ivr.flow.templates import compile_text
from ivr.flow.wording import CURRENCIES, KINDS, PHRASES
from ivr.speech import sound

PAGE = (Path(__file__).parents[2] / "docs" / "speech.md").read_text(encoding="utf-8")
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
COLUMNS = [("en", "voice"), ("en", "chat"), ("zh", "voice"), ("zh", "sms")]


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the first table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| `")]
    for line in table:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.mark.parametrize(("name", "value", "said"), [
    (row[0].strip("` |"), row[1].strip("`"), row[2:]) for row in rows("Saying values")
])  # fmt: skip
def test_the_examples_of_the_page_are_what_is_said(name: str, value: str, said: list[str]) -> None:
    template = compile_text("{{ value | " + name + " }}")
    facts = {"value": value, "now": NOW}
    assert said == [
        template.render({**facts, "language": language, "channel": channel})
        for language, channel in COLUMNS
    ]


def test_every_kind_of_value_has_its_example() -> None:
    told = {re.match(r"\w+", row[0].strip("` |"))[0] for row in rows("Saying values")}  # type: ignore[index]  # the tables begin with names
    assert told == set(KINDS)


def test_the_sentences_of_the_page_are_those_of_the_code() -> None:
    told = {row[0].strip("` |"): row[1:] for row in rows("Sentences of the flow language")}
    assert told == {name: [*texts["en"], *texts["zh"]] for name, texts in PHRASES.items()}


def test_currencies_and_loudness_are_those_of_the_code() -> None:
    words = " ".join(PAGE.split())
    assert f"names of their own: {', '.join(sorted(CURRENCIES))}." in words
    assert f"at {sound.LOUDNESS_DBFS:g} dBFS" in words
    assert f"raised by {sound.MOST_GAIN_DB:g} dB at most" in words
