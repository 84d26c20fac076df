"""The engine under random use: `happenings` is what may happen, `world` what must hold.

A seeded driver takes most of the steps, for it is fast; hypothesis takes fewer, looks for the odd
case and shrinks what it finds.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.acd.happenings import ACTIONS, OFTEN, step
from tests.acd.world import World

SEEDS = range(8)
STEPS = 13_000
"""Steps for each seed: more than a hundred thousand together."""
STEPS_OF_ONE_FLOOR = 400


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_that_happens_breaks_a_promise(seed: int) -> None:
    dice = random.Random(seed)
    names = [*ACTIONS, *OFTEN, *OFTEN]
    applied = 0
    for _ in range(STEPS // STEPS_OF_ONE_FLOOR + 1):
        world = World(dice, thorough=False)
        for number in range(STEPS_OF_ONE_FLOOR):
            step(world, dice.choice(names), dice)
            world.check()
            if number % 50 == 0:
                world.screens_show_every_call_and_agent_once()
        world.nobody_is_stuck()
        applied += world.applied
    assert applied > STEPS // 3


class EngineMachine(RuleBasedStateMachine):
    """The same world, with hypothesis for the dice."""

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.world = World(random.Random(seed))

    @rule(action=st.sampled_from([*ACTIONS, *OFTEN]), seed=st.integers(0, 2**16))
    def something_happens(self, action: str, seed: int) -> None:
        step(self.world, action, random.Random(seed))

    @invariant()
    def every_promise_holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()
            self.world.screens_show_every_call_and_agent_once()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.nobody_is_stuck()


EngineMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestEngineUnderRandomUse = EngineMachine.TestCase
