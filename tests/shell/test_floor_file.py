"""The floor file: every mistake is told at its place, with what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd.floor import Queue
from ivr.errors import ConfigError
from ivr.floor import load_floor, read_floor
from ivr.resources import flows_dir

FLOOR = """\
pause_reasons: [lunch, break]
queues:
  billing: {title: Billing, number: "4102", wrap_up: 30s, ring: 15s, max_wait: 10m, weight: 5}
  cards: {}
agents:
  "1001": {name: Ana Ruiz, queues: [billing, cards], skills: {english: 9}}
  "1002": {}
"""


def test_a_floor_is_what_was_written() -> None:
    plan = read_floor(FLOOR, "floor.yaml")
    billing, cards = plan.floor.queues
    assert billing == Queue(
        "billing", "Billing", ring_seconds=15, wrap_up_seconds=30, max_wait=600, weight=5
    )
    assert cards == Queue("cards", "cards")
    ana, second = plan.floor.agents
    assert (ana.id, ana.name, ana.queues, ana.skills) == (
        "1001",
        "Ana Ruiz",
        ("billing", "cards"),
        {"english": 9},
    )
    assert (second.name, second.queues, second.skills) == ("1002", (), {})
    assert plan.floor.pause_reasons == ("lunch", "break")


def test_numbers_names_and_skills_can_be_asked_for() -> None:
    plan = read_floor(FLOOR, "floor.yaml")
    assert (plan.queue_of("4102"), plan.queue_of("4103")) == ("billing", None)
    assert (plan.is_agent("1001"), plan.is_agent("4102")) == (True, False)
    assert (plan.title("billing"), plan.title("gone")) == ("Billing", "gone")
    assert plan.skills == {"english"}


def test_a_floor_with_nothing_in_it_has_one_pause_reason() -> None:
    plan = read_floor("queues: {}\n", "floor.yaml")
    assert (plan.floor.queues, plan.floor.agents) == ((), ())
    assert plan.floor.pause_reasons == ("break",)


def test_the_shipped_floor_is_right() -> None:
    assert load_floor(flows_dir() / "floor.yaml").floor.agents


MISTAKES = [
    ('  "1002": {}', '  "1002": {queue: [cards]}', 7, 'unknown key in the agent "1002": "queue"'),
    ("[billing, cards]", "[biling, cards]", 6, 'unknown queue "biling"'),
    ('"1002": {}', '"4102": {}', 7, "4102 is the number of billing already"),
    ('"1002": {}', '"1": {}', 7, "cannot be an agent's extension"),
    ('"1002": {}', '"10o2": {}', 7, "cannot be an agent's extension"),
    ('"1002": {}', '"1001": {}', 7, "1001"),
    ("  cards: {}", "  Cards: {}", 4, '"Cards" cannot be the name of a queue'),
    ("  cards: {}", '  cards: {number: "4102"}', 4, "4102 is the number of billing already"),
    ("  cards: {}", '  cards: {number: "*41"}', 4, "is not a number to dial"),
    ("  cards: {}", "  cards: {ring: 2s}", 4, "it may be 5s to 2m"),
    ("  cards: {}", "  cards: {ring: 15}", 4, "such as 20s"),
    ("  cards: {}", "  cards: {max_waiting: 0}", 4, "it may be 1 to 10000"),
    ("  cards: {}", "  cards: {weight: high}", 4, "must be a whole number"),
    ("  cards: {}", '  cards: {title: "a; b"}', 4, "title cannot be shown on a phone"),
    ("  cards: {}", "  cards: [1]", 4, "must be a mapping"),
    ("Ana Ruiz", '"Ana \\"A\\" Ruiz"', 6, "name cannot be shown on a phone"),
    ("Ana Ruiz", "A" * 61, 6, "at most 60 characters"),
    ("english: 9", "english: 11", 6, "it may be 1 to 10"),
    ("english: 9", "english: good", 6, "must be a whole number"),
    ("[lunch, break]", "[Lunch]", 1, '"Lunch" cannot be a pause reason'),
    ("[lunch, break]", "[a, b, c, d, e, f, g, h, i, j]", 1, "at most 9"),
    ("[lunch, break]", "", 1, "must be a list"),
    ("pause_reasons", "pause_reason", 1, 'unknown key in the floor: "pause_reason"'),
]


@pytest.mark.parametrize(("right", "wrong", "line", "words"), MISTAKES)
def test_a_mistake_is_told_at_its_place(right: str, wrong: str, line: int, words: str) -> None:
    assert right in FLOOR
    with pytest.raises(ConfigError) as told:
        read_floor(FLOOR.replace(right, wrong), "floor.yaml")
    found = [problem for problem in told.value.problems if words in str(problem)]
    assert [(problem.file, problem.line) for problem in found] == [("floor.yaml", line)]


def test_all_mistakes_are_told_at_once() -> None:
    text = FLOOR.replace("english: 9", "english: 99").replace("cards: {}", "Cards: {}")
    with pytest.raises(ConfigError) as told:
        read_floor(text, "floor.yaml")
    assert len(told.value.problems) >= 2


def test_a_file_that_is_not_there_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_floor(tmp_path / "floor.yaml")


def test_a_file_that_is_no_text_is_a_mistake_too(tmp_path: Path) -> None:
    (tmp_path / "floor.yaml").write_bytes(b"queues: \xff\xfe")
    with pytest.raises(ConfigError):
        load_floor(tmp_path / "floor.yaml")
