"""How events become beats, and what an INVITE tells besides the caller's name."""

from __future__ import annotations

import pytest

from acd.model import AgentChanged, AgentState
from acd.records.contact import ContactEvent, Json
from ivr.demo.cast import small_print
from ivr.demo.show import below_heads
from ivr.demo.story import Lane, Names, lane_of, of_agent, of_contact, unspelled

NAMES = Names({"1001": "Ana Ruiz"}, {"nurse": "Nurse on duty"})


def told(kind: str, **data: Json) -> tuple[str, str] | None:
    found = of_contact(ContactEvent("k3f9", 0.0, kind, "", data), NAMES)
    return None if found is None else found[:2]


def test_a_wait_is_told_with_all_it_needs() -> None:
    assert told("queued", queue="nurse", needs={"nurse": 5, "english": 3}, priority=5) == (
        "queue: Nurse on duty",
        "needs nurse 5, english 3; priority 5",
    )
    assert told("queued", queue="billing", needs={}, priority=0) == ("queue: billing", "")


def test_a_check_that_fails_is_not_told_as_verified() -> None:
    assert told("identified", ok=True, level="verified") == (
        "they belong together: VERIFIED",
        "",
    )
    assert told("identified", ok=False, tries=1) == ("they do not belong together", "")


def test_the_end_is_told_with_its_outcome_and_length() -> None:
    end = told("ended", outcome="answered", by="caller", duration=5.25)
    assert end == ("contact k3f9: answered", "5.2s, ended by the caller")


@pytest.mark.parametrize("kind", ["key", "field", "step", "offered", "an unknown kind"])
def test_what_other_lanes_tell_better_is_left_out(kind: str) -> None:
    assert told(kind, name="pin", value="•••") is None


@pytest.mark.parametrize(
    ("by", "lane", "text"),
    [
        ("customer", Lane.CALLERS, "“a person”"),
        ("bot", Lane.TIELINE, "“a person”"),
        ("house", Lane.TIELINE, "“a person”"),
        ("agent", Lane.AGENTS, "Ana Ruiz: “a person”"),
    ],
)
def test_a_message_stands_with_whoever_wrote_it(by: str, lane: Lane, text: str) -> None:
    data = {"by": by, "text": "a person", "agent": "1001"}
    assert lane_of(ContactEvent("k3f9", 0.0, "message", "", data)) is lane
    assert told("message", **data) == (text, "")


def test_choices_of_a_message_are_told_in_one_line() -> None:
    found = told("message", by="bot", text="Lantern Books.\n1 an order\n\n2 a person")
    assert found == ("“Lantern Books. · 1 an order · 2 a person”", "")


def test_a_text_message_and_a_call_back_are_told() -> None:
    assert told("message_written", to="+49", text="A copy.") == ("✉ to +49", "“A copy.”")
    assert told("message_delivered", id="1") == ("text message delivered", "")
    asked = told("callback_asked", queue="nurse", number="+49")
    assert asked == ("Nurse on duty will ring", "+49")
    assert told("callback_unreached", cause="busy") == ("they are not reached", "busy")


def test_an_agent_is_told_by_name_and_reason() -> None:
    pause = AgentChanged("1001", AgentState.PAUSED, "lunch", 0.0)
    assert of_agent(pause, NAMES) == ("Ana Ruiz is paused (lunch)", "", "quiet")
    wrap_up = AgentChanged("1009", AgentState.WRAP_UP, "", 0.0)
    assert of_agent(wrap_up, NAMES) == ("1009 is in wrap-up", "", "quiet")
    assert of_agent(AgentChanged("1001", AgentState.TALKING, "", 0.0), NAMES) is None


def test_numbers_that_are_said_digit_by_digit_are_shown_whole() -> None:
    assert unspelled("回拨1 3 8 0 0，可以请按1") == "回拨13800，可以请按1"
    assert unspelled("press 1. For bills, 2.") == "press 1. For bills, 2."


def test_the_small_print_of_a_call_is_readable() -> None:
    headers = {
        "X-Tieline-Contact": "k3f9",
        "X-Tieline-Context": "queue=Cards;who=Mei%20Lin;verified=yes;callback=%2B8613",
    }
    assert small_print(headers) == "verified: yes, callback: +8613, contact: k3f9"
    assert small_print({"From": "<sip:1@x>"}) == ""


def test_the_heads_that_asterisk_prints_are_left_out() -> None:
    printed = "   Column Name  Column Value\n   ----  ----\n\nbilling has 0 calls\n   Members:"
    assert below_heads(printed) == "billing has 0 calls\n   Members:"
    assert below_heads("contact k3f9") == "contact k3f9"
