"""What agents say: the script that fits best, with what is known filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.flow.loading.yaml import Problems
from ivr.guidance import Guidance, read_guidance

SCRIPTS = """
scripts:
  - queue: sales
    reason: refund
    greet: {en: "Hello {{ name }}, about your refund.", zh: "{{ name }}，关于退款。"}
  - queue: sales
    greet: "Sales, hello {{ name | default('there') }}."
    recap: "You ordered {{ order }}."
  - greet: "Hello."
    offer: "Anything else?"
"""


def read(folder: Path, text: str) -> tuple[Guidance, list[str]]:
    (folder / "guidance.yaml").write_text(text, encoding="utf-8")
    problems = Problems()
    found = read_guidance(folder, problems, {"sales", "care"})
    return found, [str(each).partition("guidance.yaml:")[2] for each in problems.all()]


def test_the_most_exact_script_is_shown_in_the_agents_language(tmp_path: Path) -> None:
    guidance, wrong = read(tmp_path, SCRIPTS)
    assert not wrong
    mei = {"name": "Mei", "order": "1001"}
    assert guidance.lines("sales", "refund", mei, "zh") == (("greet", "Mei，关于退款。"),)
    assert guidance.lines("sales", "refund", mei, "fr")[0][1] == "Hello Mei, about your refund."
    assert guidance.lines("sales", "other", mei, "en") == (
        ("greet", "Sales, hello Mei."),
        ("recap", "You ordered 1001."),
    )
    assert guidance.lines("care", "refund", {}, "en")[1] == ("offer", "Anything else?")


def test_what_is_not_known_is_left_blank_and_code_is_no_word(tmp_path: Path) -> None:
    guidance, _ = read(tmp_path, SCRIPTS)
    assert guidance.lines("sales", "", {}, "en")[0][1] == "Sales, hello there."
    hostile = {"name": "{{ 7 * 7 }}<b>", "order": "x" * 10}
    assert "{{ 7 * 7 }}<b>" in guidance.lines("sales", "refund", hostile, "en")[0][1]


def test_no_file_is_no_guidance(tmp_path: Path) -> None:
    assert read_guidance(tmp_path, Problems(), set()).lines("sales", "", {}, "en") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scripts: {}", "list"),
        ("scripts:\n  - queue: sale\n    greet: Hi\n", "did you mean"),
        ("scripts:\n  - queue: sales\n", "says nothing"),
        ("scripts:\n  - greet: '{{ open(1) }}'\n", "cannot call"),
        ("scripts:\n  - great: Hi\n", "great"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    _, wrong = read(tmp_path, text)
    assert wrong
    assert any(told in each for each in wrong)
