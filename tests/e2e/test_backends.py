"""The house behind a flow is down, slow or lying: the designed way is taken, never in silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from ivr.demo.backends import Backends
from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SILENCE = 2.0
"""Seconds without a word or music that a caller takes for a dead line."""
WAYS = {
    "1": ("fine", "told"),
    "2": ("patient", "told"),
    "3": ("slow", "sorry"),
    "4": ("refused", "sorry"),
    "5": ("lying", "sorry"),
    "6": ("wrong-type", "sorry"),
    "7": ("failing", "sorry"),
    "8": ("torn", "sorry"),
}
"""By key: the step that asks, and the one that must follow."""


async def at_menu(
    phones: Phones, number: str, dialled: str, step: str = "choose"
) -> tuple[Line, str]:
    """A caller who hears the first menu, and their contact."""
    line = await (await phones.caller(number)).dial(dialled)
    await line.answered()
    house = phones.house
    contact = await until(lambda: house.contact_of(number), why="the contact begins")
    await until(lambda: step in house.steps(contact), why=f"{step} comes")
    await until(lambda: line.heard_seconds > 0.3, why="words are heard")
    return line, contact


async def asks(phones: Phones, key: str) -> tuple[str, float]:
    """One call to its end; the contact, and the longest silence after the key."""
    line, contact = await at_menu(phones, f"+86138000031{key}0", "4931")
    await line.press(key)
    pressed = time.monotonic() - line.began_at
    await line.ended(30)
    return contact, line.ear.longest_pause(pressed)


async def test_whatever_a_service_does_the_designed_way_is_taken_and_nobody_is_left_in_silence(
    house: House, phones: Phones, backends: Backends, measured: Callable[[str, str], None]
) -> None:
    calls = await asyncio.gather(*(asks(phones, key) for key in WAYS))
    for (contact, _), (asked, follows) in zip(calls, WAYS.values(), strict=True):
        steps = house.steps(contact)
        assert steps[steps.index(asked) :] == [asked, follows, "bye"], steps
        record = await house.record(contact)
        assert (record.outcome, record.ended_by) == ("completed", "flow")
    assert house.fields(calls[0][0]).keys() == {"status", "due"}
    assert house.fields(calls[5][0]) == {}, "an answer that is wrong in one thing fills no field"
    worst = max(pause for _, pause in calls)
    assert worst < SILENCE, [
        (way, pause) for way, (_, pause) in zip(WAYS.values(), calls, strict=True)
    ]
    measured("house down, slow, lying: longest silence (limit 2 s)", f"{worst:.2f} s")
