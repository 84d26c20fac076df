"""Desks, mobiles and results in the floor file: every mistake at its place, every change told."""

from __future__ import annotations

import pytest

from ivr.errors import ConfigError
from ivr.floor import read_floor
from ivr.floor.phones import Phones
from ivr.floor_difference import floor_differences

FLOOR = """\
dispositions: [sold, call-again]
queues:
  cards: {number: "4102", auto_answer: true}
phones:
  "5001": {name: Window desk}
  "5002": {}
agents:
  "1001": {queues: [cards], mobile: "+8613800138000", auto_answer: true}
  "1002": {queues: [cards], phone: none}
"""


def test_phones_are_what_was_written() -> None:
    plan = read_floor(FLOOR, "floor.yaml")
    assert plan.phones == Phones(
        desks={"5001": "Window desk", "5002": "5002"},
        mobiles={"1001": "+8613800138000"},
        roaming=frozenset({"1002"}),
        by_itself=frozenset({"1001"}),
        by_itself_for=frozenset({"cards"}),
    )
    assert plan.dispositions == ("sold", "call-again")


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ('"5002"', '"50a2"', 6, "cannot be the extension of a phone"),
        ('"5002"', '"1001"', 6, "1001 is the number of an agent already"),
        ('"5002"', '"4102"', 6, "4102 is the number of a queue already"),
        ("Window desk", '"a;b"', 5, "cannot be shown on a phone"),
        ("phone: none", "phone: nobody", 9, '"phone" cannot be "nobody"'),
        ('"+8613800138000"', '"+86 138"', 8, "is not a number to dial"),
        ("auto_answer: true}", "auto_answer: yes}", 3, "must be true or false"),
        ("call-again", "Call again", 1, "cannot be a disposition"),
        ("mobile", "mobil", 8, 'did you mean "mobile"'),
        ("auto_answer", "strategy: ring_all, auto_answer", 3, "where all of them ring at once"),
    ],
)
def test_a_mistake_is_told_at_its_place(right: str, wrong: str, line: int, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_floor(FLOOR.replace(right, wrong, 1), "floor.yaml")
    told = [str(each) for each in caught.value.problems]
    assert any(each.startswith(f"floor.yaml:{line}:") and says in each for each in told), told


def test_who_has_no_phone_needs_one_to_sit_at() -> None:
    text = FLOOR.replace('phones:\n  "5001": {name: Window desk}\n  "5002": {}\n', "")
    with pytest.raises(ConfigError, match="no phone to sit at for 1002"):
        read_floor(text, "floor.yaml")


def test_changes_of_phones_are_told_in_words() -> None:
    after = FLOOR.replace("Window", "Door").replace("phone: none", "phone: own")
    after = after.replace("+8613800138000", "+8613900139000").replace("sold, ", "")
    told = floor_differences(read_floor(FLOOR, "a"), read_floor(after, "b"))
    assert told == [
        'phone 5001: "Window desk" -> "Door desk"',
        "the mobile of 1001: `+8613800138000` -> `+8613900139000`",
        "without a phone of their own: without `1002`",
        "dispositions: without `sold`",
    ]
