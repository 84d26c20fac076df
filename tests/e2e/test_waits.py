"""Waits on the real line: words that delay nobody, keys that work in their midst, exits in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from acd.journal import Journal
from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.stage import chooses

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

WORDS, NOBODY, GONE = 900, 1500, 1900
"""The tones that are played for words (`House`), in hertz."""


async def on_a_break(house: House, agent: str) -> None:
    """Somebody to wait for, who takes no call yet."""
    await house.asterisk.command(f"acd do login/{agent}")
    await house.asterisk.command(f"acd do pause/{agent}/lunch")


def ready_at(house: House, agent: str) -> float:
    """When the agent last became ready, by the service's own clock."""
    with Journal(house.settings.data_dir / "journal.sqlite", read_only=True) as journal:
        told = [entry.body for entry in journal.read("engine")]
    return max(
        each["at"] for each in told if (each["type"], each.get("agent")) == ("Readied", agent)
    )


async def in_the_midst_of_words(phones: Phones, number: str) -> tuple[Line, str]:
    """A caller who hears the words of the wait just now: ten seconds of them."""
    await on_a_break(phones.house, "1003")
    line, contact = await chooses(phones, number, "4936", "1", "words")
    await line.hears_tone(WORDS, 10)
    return line, contact


async def test_an_agent_who_is_free_in_the_midst_of_the_words_is_rung_at_once(
    house: House, phones: Phones, measured: Callable[[str, str], None]
) -> None:
    line, contact = await in_the_midst_of_words(phones, "+8613800007001")
    tom = await phones.ready("1003")
    ringing = await tom.incoming(5)
    (offered,) = [event for event in house.story(contact) if event.kind == "offered"]
    took = offered.at - ready_at(house, "1003")
    measured("an agent free in the midst of words, to the dial", f"{took * 1000:.0f} ms")
    assert took < 0.5
    await ringing.answer()
    line.hum()
    await ringing.hears_tone(line.phone.tone_hz, 10)
    await line.hang_up()


async def test_a_key_in_the_midst_of_the_words_leaves_the_queue_and_the_place_is_kept(
    house: House, phones: Phones
) -> None:
    line, contact = await in_the_midst_of_words(phones, "+8613800007002")
    (before,) = house.calls()
    await line.press("5")
    await line.hears_tone(GONE, 5)
    assert house.told(contact, "queue_left") == [{"outcome": "key", "detail": "5"}]
    await until(lambda: len(house.calls()) == 1, why="they are back in the queue")
    (after,) = house.calls()
    assert after.call != before.call
    assert after.enqueued_at == before.enqueued_at
    await line.hang_up()
    row = next(each for each in house.engine().queues_view(time.time()) if each.queue == "support")
    assert row.keyed >= 1


async def test_the_place_in_the_line_is_told_once(house: House, phones: Phones) -> None:
    await on_a_break(house, "1003")
    (first, one), (second, two) = [
        await chooses(phones, f"+861380000701{n}", "4936", "3", "place") for n in (1, 2)
    ]
    await until(lambda: house.told(two, "wait_told"), 15, "the second hears a place")
    await until(lambda: house.told(one, "wait_told"), 15, "so does the first")
    assert [told["position"] for told in house.told(one, "wait_told")] == [1]
    assert [told["position"] for told in house.told(two, "wait_told")] == [2]
    await asyncio.gather(first.hang_up(), second.hang_up())


async def test_a_caller_hears_the_way_out_within_five_seconds_when_the_only_skilled_agent_goes(
    house: House, phones: Phones, measured: Callable[[str, str], None]
) -> None:
    """1001 stays, who works for the queue and lacks the skill."""
    await phones.ready("1001")
    await on_a_break(house, "1002")
    line, contact = await chooses(phones, "+8613800007003", "4936", "2", "skilled")
    await until(lambda: [row.state for row in house.calls()] == ["waiting"], why="they wait")
    gone = time.monotonic()
    await house.asterisk.command("acd do logout/1002")
    await line.hears_tone(NOBODY, 6)
    took = time.monotonic() - gone
    measured("the only skilled agent goes, to the words of the exit", f"{took:.1f} s")
    assert took < 5
    assert house.told(contact, "queue_left") == [{"outcome": "nobody", "detail": "nobody_skilled"}]
    await line.hang_up()
