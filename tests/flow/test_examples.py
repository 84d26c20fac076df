"""The example businesses: nobody is ever lost in them, and their words are short."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from ivr.backends.pretences import Pretence
from ivr.channels.text import Conversation, Waiting, local_time
from ivr.floor import load_floor
from ivr.flow.actions import Ask, Prompt, Queue, Transfer, Voicemail
from ivr.flow.loading.loader import load
from ivr.flow.loading.yaml import Problems
from ivr.flow.running.state import Facts
from ivr.plans import known_names
from ivr.rehearsal.house import pretended_house
from ivr.rehearsal.playing import play
from ivr.rehearsal.scenario import Scenario, read_scenarios
from tests.flow.flows import FLOWS

LIBRARY = load([FLOWS], known_names(load_floor(FLOWS / "floor.yaml")))
NUMBERED = sorted(flow.name for flow in LIBRARY.flows.values() if flow.numbers)
SERVICES = ("shop", "power", "dentist", "restaurant", "sms", "callback")
DOWN = {name: (Pretence(trouble="down"),) for name in SERVICES}
GREETING = 9.0
"""Seconds until everything that can be chosen first was said."""


def scenarios() -> list[Scenario]:
    problems = Problems()
    found = [
        scenario
        for path in sorted(FLOWS.glob("*.scenarios.yaml"))
        for scenario in read_scenarios(path.read_bytes(), str(path), problems)
    ]
    problems.raise_if_any()
    return found


def call(name: str, now: datetime, caller: str = "") -> Conversation:
    """A call to a house whose services are all down."""
    flow = LIBRARY.flows[name]
    at = now.replace(tzinfo=local_time(flow))
    facts = Facts(caller, flow.numbers[0], "voice")
    return Conversation(flow, pretended_house(LIBRARY, flow, DOWN), at, facts)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda each: f"{each.flow}: {each.name}")
def test_scenarios_come_out_as_written_on_every_channel(scenario: Scenario) -> None:
    for channel in scenario.plays_on():
        assert play(scenario, LIBRARY, channel) is None, channel


@pytest.mark.parametrize("name", NUMBERED)
def test_every_example_has_five_scenarios_or_more(name: str) -> None:
    assert sum(each.flow == name for each in scenarios()) >= 5


def seconds(text: str, language: str) -> float:
    """How long words take to say, at an unhurried pace: 2.5 words or 4 characters a second."""
    return len(text.split()) / 2.5 if language == "en" else len(text) / 4


@pytest.mark.parametrize("name", NUMBERED)
def test_the_first_choice_is_told_in_a_few_seconds(name: str) -> None:
    heard = call(name, datetime(2026, 3, 3, 11)).log
    said = [each for each in heard if isinstance(each, Prompt)]
    assert sum(seconds(each.text, each.language) for each in said) < GREETING


@pytest.mark.parametrize("name", NUMBERED)
def test_whoever_presses_nothing_comes_to_a_person_or_a_message_at_every_hour(name: str) -> None:
    assert _ends(name, keys="", every=31) <= {Queue, Voicemail}


@pytest.mark.parametrize("name", NUMBERED)
def test_whoever_takes_the_first_choice_is_lost_to_no_broken_service(name: str) -> None:
    assert _ends(name, keys="1", every=131) <= {Queue, Voicemail, Transfer}


def _ends(name: str, keys: str, every: int) -> set[type[Waiting]]:
    """Where calls come to that press the same at every question, one in so many hours of a year."""
    ends: set[type[Waiting]] = set()
    for step in range(0, 365 * 24, every):
        conversation = call(name, datetime(2026, 1, 1) + timedelta(hours=step), "13800138000")
        for _ in range(40):
            if not isinstance(conversation.waiting, Ask):
                break
            if keys:
                conversation.press(keys * conversation.waiting.length_min)
            else:
                conversation.silence()
        ends.add(type(conversation.waiting))
    return ends


SECTIONS = (FLOWS.parent / "docs" / "patterns.md").read_text().split("\n## ")[1:]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda each: each.splitlines()[0])
def test_what_the_patterns_quote_stands_in_the_file_they_name(section: str) -> None:
    named = [FLOWS / name for name in re.findall(r"\(\.\./flows/([a-z.-]+\.yaml)\)", section)]
    quoted = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert quoted
    for excerpt in quoted:
        assert any(excerpt in file.read_text() for file in named), excerpt


def test_every_example_has_its_pattern() -> None:
    told = "".join(SECTIONS)
    assert [name for name in LIBRARY.flows if f"(../flows/{name}.yaml)" not in told] == []
