"""The example businesses: nobody is ever lost in them, and their words are short."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from ivr.flow.actions import (
    OUTCOMES,
    Ask,
    Failed,
    Hangup,
    Identified,
    Identify,
    Keys,
    NoKeys,
    NotRecorded,
    Queue,
    QueueLeft,
    Recorded,
    Result,
    Said,
    Say,
    Voicemail,
)
from ivr.flow.interpreter import Facts, State, again, resume, start
from ivr.flow.loader import load
from ivr.flow.model import Flow
from ivr.flow.scenario import Scenario, play, read_scenarios
from ivr.flow.yaml import Problems
from tests.flow.flows import FLOOR, FLOWS

LIBRARY = load([FLOWS], FLOOR)
WALKS = 2000


def scenarios() -> list[Scenario]:
    problems = Problems()
    found = [
        scenario
        for path in sorted(FLOWS.glob("*.scenarios.yaml"))
        for scenario in read_scenarios(path.read_bytes(), str(path), problems)
    ]
    problems.raise_if_any()
    return found


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda each: f"{each.flow}: {each.name}")
def test_scenarios_come_out_as_written(scenario: Scenario) -> None:
    assert play(scenario, LIBRARY) is None


def random_result(action: object, dice: random.Random) -> Result:
    if dice.random() < 0.02:
        return Failed("the medium broke")
    match action:
        case Say():
            return Said()
        case Ask():
            if dice.random() < 0.25:
                return NoKeys()
            length = dice.choice([1, action.length_min, action.length_max, action.length_max])
            return Keys("".join(dice.choice("0123456789*") for _ in range(length)))
        case Identify():
            return Identified(dice.random() < 0.4, "verified", {"name": "Mei", "tier": "gold"})
        case Queue():
            return QueueLeft(dice.choice(OUTCOMES))
        case Voicemail():
            return dice.choice([Recorded("x.wav", 5.0), NotRecorded()])
        case _:
            raise AssertionError(action)


def walk(flow: Flow, dice: random.Random) -> tuple[list[object], list[float]]:
    """One random call to its end: its actions, and what each step took in seconds."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(365 * 1440))
    facts = Facts(dice.choice(["", "13800138000"]), flow.numbers[0])
    turn = start(flow, facts, now)
    actions: list[object] = [turn.action]
    took: list[float] = []
    while not isinstance(turn.action, Hangup):
        if dice.random() < 0.02:
            turn = again(flow, State.from_json(turn.state.to_json()), now)
        result = random_result(turn.action, dice)
        began = time.perf_counter()
        turn = resume(flow, turn.state, result, now)
        took.append(time.perf_counter() - began)
        actions.append(turn.action)
        assert len(actions) < 500
    return actions, took


@pytest.mark.parametrize("name", sorted(LIBRARY.flows))
def test_every_random_caller_comes_to_a_person_a_message_or_a_goodbye(name: str) -> None:
    flow, dice = LIBRARY.flows[name], random.Random(4001)
    reached: set[str] = set()
    took: list[float] = []
    for _ in range(WALKS):
        actions, times = walk(flow, dice)
        took += times
        reached.update(type(action).__name__ for action in actions)
        people = [action for action in actions if isinstance(action, Queue)]
        assert all(action.queue in FLOOR.queues for action in people)
        assert all(set(action.needs) <= set(FLOOR.skills) for action in people)
        assert any(isinstance(action, Queue | Voicemail) for action in actions)
        spoken = [p for action in actions for p in getattr(action, "prompts", ()) or ()]
        assert all(prompt.text and "{{" not in prompt.text for prompt in spoken)
    assert {"Queue", "Voicemail", "Hangup"} <= reached
    took.sort()
    assert took[len(took) // 2] < 0.001


def seconds(text: str, language: str) -> float:
    """How long words take to say, at an unhurried pace: 2.5 words or 4 characters a second."""
    return len(text.split()) / 2.5 if language == "en" else len(text) / 4


@pytest.mark.parametrize("name", sorted(LIBRARY.flows))
def test_the_greeting_is_over_within_seven_seconds(name: str) -> None:
    turn = start(LIBRARY.flows[name], Facts(), datetime(2026, 3, 2, tzinfo=UTC))
    assert isinstance(turn.action, Ask)
    assert sum(seconds(each.text, each.language) for each in turn.action.prompts) < 7


@pytest.mark.parametrize("name", sorted(LIBRARY.flows))
def test_every_hour_of_a_year_offers_a_caller_something(name: str) -> None:
    flow = LIBRARY.flows[name]
    for hour in range(0, 365 * 24, 7):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        turn = start(flow, Facts("1380"), now)
        while isinstance(turn.action, Ask | Say):
            turn = resume(
                flow, turn.state, Keys("1") if isinstance(turn.action, Ask) else Said(), now
            )
        assert isinstance(turn.action, Queue | Voicemail)
