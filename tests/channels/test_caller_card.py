"""What an agent's phone shows: bounded, on one line, and never what a stranger wants it to say."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from ivr.channels.caller_card import (
    CONTEXT_LIMIT,
    NAME_LIMIT,
    caller_card,
    context_header,
    plain,
    queue_from_json,
    queue_to_json,
)
from ivr.flow.actions import Prompt, Queue

HEADER = re.compile(r"[A-Za-z0-9_.~%;=+:-]*")


def pairs(header: str) -> dict[str, str]:
    split = (pair.split("=", 1) for pair in header.split(";") if pair)
    return {unquote(name): unquote(value) for name, value in split}


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ('Mei "Lin"', "Mei 'Lin'"),
        ("a\\b", "a/b"),
        ("a\r\nContact: <sip:evil>", "a Contact: <sip:evil>"),
        ("a\x00b\x7fc", "a b c"),
        ("\u202eevil\u202c", "evil"),
        ("zero\u200bwidth", "zerowidth"),
        ("line\u2028para\u2029end", "line para end"),
        ("half \ud800 pair", "half pair"),
        ("  many   blanks  ", "many blanks"),
        ("李梅", "李梅"),
        ("", ""),
    ],
)
def test_text_from_strangers_becomes_one_plain_line(hostile: str, shown: str) -> None:
    assert plain(hostile, 60) == shown


def test_text_is_cut_without_a_blank_at_its_end() -> None:
    assert plain("abc def", 4) == "abc"


def test_the_name_tells_queue_who_verified_or_not_and_why() -> None:
    card = caller_card("Cards", "Mei Lin", True, "lost card", {"caller": "+86138"})
    assert card.caller_name == "Cards, Mei Lin, verified, lost card"
    assert pairs(card.context) == {
        "queue": "Cards",
        "who": "Mei Lin",
        "verified": "yes",
        "reason": "lost card",
        "caller": "+86138",
    }


def test_nobody_looks_verified_by_their_own_word() -> None:
    card = caller_card("Cards", "Mei, verified", False, "", {})
    assert card.caller_name == "Cards, Mei verified, not verified"
    assert pairs(card.context)["verified"] == "no"


def test_a_field_with_one_of_our_names_does_not_replace_our_word() -> None:
    facts = {"verified": "yes", "who": "the director", "queue": "vip", "reason": "because"}
    told = pairs(caller_card("Cards", "Mei", False, "", facts).context)
    assert (told["verified"], told["who"], told["queue"]) == ("no", "Mei", "Cards")
    assert "reason" not in told


@pytest.mark.parametrize(
    "value", ['x";tag=evil', "a;b=c", "a=b", "100%", "<sip:x>", "a,b", "李", "\n\n", "€"]
)
def test_no_value_begins_a_second_pair_or_header(value: str) -> None:
    header = context_header({"first": value, "second": "2"})
    assert HEADER.fullmatch(header)
    assert pairs(header).get("first", "") == plain(value, 120)
    assert pairs(header)["second"] == "2"


def test_no_name_begins_a_second_pair_either() -> None:
    header = context_header({"a;b=c": 1})
    assert header == "a%3Bb%3Dc=1"


def test_the_header_keeps_whole_pairs_up_to_its_limit() -> None:
    header = context_header({f"field{n}": "李" * 50 for n in range(20)})
    assert len(header) <= CONTEXT_LIMIT
    assert all(set(value) == {"李"} for value in pairs(header).values())


def test_the_name_is_never_longer_than_phones_take() -> None:
    card = caller_card("Q" * 99, "W" * 99, False, "R" * 99, {})
    assert len(card.caller_name) <= NAME_LIMIT


def test_values_of_every_type_are_told_and_empty_ones_are_not() -> None:
    told = pairs(context_header({"a": True, "b": False, "c": 3, "d": 2.5, "e": None, "f": ""}))
    assert told == {"a": "yes", "b": "no", "c": "3", "d": "2.5"}


@pytest.mark.parametrize("whisper", [None, Prompt("Psst.", "en", "whispers/psst")])
def test_a_wait_comes_back_from_json_as_it_was(whisper: Prompt | None) -> None:
    action = Queue("cards", {"english": 3}, 2, "about a card", whisper, "1001", 60.0)
    assert queue_from_json(queue_to_json(action)) == action
