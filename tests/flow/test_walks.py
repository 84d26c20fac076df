"""Ten thousand random conversations with each example: nobody is lost, nobody is asked for ever."""

from __future__ import annotations

import random
import time

import pytest

from ivr.floor import load_floor
from ivr.flow.actions import Hangup, Prompt, Queue, Transfer, Voicemail
from ivr.flow.loading.loader import load
from ivr.plans import known_names
from tests.flow.flows import FLOWS
from tests.flow.walking import LONGEST, walk

FLOOR = known_names(load_floor(FLOWS / "floor.yaml"))
LIBRARY = load([FLOWS], FLOOR)
NUMBERED = sorted(flow.name for flow in LIBRARY.flows.values() if flow.numbers)
WALKS = 10_000
BUDGET = 60.0
"""Seconds of one core for the walks through all flows together."""
SPENT: list[float] = []


def said(action: object) -> tuple[Prompt, ...]:
    prompts: tuple[Prompt, ...] = getattr(action, "prompts", ())
    return prompts


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.usefixtures("untraced")
def test_every_random_caller_comes_to_a_person_a_message_or_a_goodbye(name: str) -> None:
    flow, dice = LIBRARY.flows[name], random.Random(4001)
    reached: set[type] = set()
    began = time.process_time()
    for _ in range(WALKS):
        for action in walk(flow, dice):
            reached.add(type(action))
            if isinstance(action, Queue):
                assert action.queue in FLOOR.queues
                assert set(FLOOR.skills) >= set(action.needs)
            assert all(prompt.text and "{{" not in prompt.text for prompt in said(action))
        assert isinstance(action, Hangup), f"still talking after {LONGEST} actions"
    assert reached & {Queue, Voicemail, Transfer}
    SPENT.append(time.process_time() - began)
    assert sum(SPENT) < BUDGET
