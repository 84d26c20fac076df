"""*Have us ring you*: by the rules of the house, and no way to ring others again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from ivr.backends.numbers import NOT_LISTED
from ivr.chats.ringing import RINGS, Ringing
from ivr.flow.actions import Failed
from ivr.flow.errands import Callback, CallbackKept, CallbackRefused, Errand, Findings
from ivr.threads.book import Thread
from ivr.threads.refusals import Why

NUMBER = "+8613800138000"


@dataclass
class House:
    """Promises every call it is asked for, unless it is told what else comes of it."""

    time: float = 1000.0
    found: Findings = field(default_factory=lambda: CallbackKept("p-1"))
    asked: list[tuple[Callback, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        now = datetime(2026, 3, 2, tzinfo=UTC)
        self.ringing = Ringing(self, lambda: "CN", lambda: self.time, lambda: now)

    async def run(self, errand: Errand, *, contact: str, caller: str, **_: Any) -> Findings:
        assert isinstance(errand, Callback)
        self.asked.append((errand, contact, caller))
        return self.found

    def thread(self, name: str = "c-1", **more: Any) -> Thread:
        told = {"queue": "sales", "asked": {"needs": {"zh": 1}, "priority": 3}, **more}
        return Thread(name, "chat", "visitor", "shop", "site", self.time, **told)


async def test_the_wish_goes_to_the_queue_they_wait_in_with_what_the_flow_asked_for() -> None:
    house = House()
    assert await house.ringing.ask(house.thread(number=NUMBER), NUMBER) is None
    ((errand, contact, caller),) = house.asked
    assert (errand.queue, errand.number, errand.needs, errand.priority) == (
        "sales", NUMBER, {"zh": 1}, 3,
    )  # fmt: skip
    assert (contact, caller) == ("c-1", "")  # a number typed into a form is nobody's own
    vouched = house.thread("c-2", number="+49301", vouched=True)
    await house.ringing.ask(vouched, "+49301")
    assert house.asked[-1][2] == "+49301"


async def test_nobody_is_rung_who_has_asked_for_nobody_or_has_gone() -> None:
    house = House()
    for thread in (house.thread(queue=""), house.thread(phase="over")):
        assert await house.ringing.ask(thread, NUMBER) is Why.NO_PERSON
    assert house.asked == []


async def test_one_conversation_asks_so_often_whatever_the_numbers() -> None:
    house, thread = House(), House().thread()
    told = [await house.ringing.ask(thread, f"+861380013800{n}") for n in range(5)]
    assert told == [None, None, *[Why.RUNG_SOON] * 3]
    assert len(house.asked) == RINGS.burst
    house.time += 60 / RINGS.per_minute + 1
    assert await house.ringing.ask(thread, "+8613800138009") is None


async def test_one_number_is_asked_for_so_often_however_it_is_spelled_and_by_whomever() -> None:
    house = House()
    spellings = ("+86 138 0013 8000", "13800138000", "0086-138-0013-8000", NUMBER)
    told = [
        await house.ringing.ask(house.thread(f"c-{number}"), spelled)
        for number, spelled in enumerate(spellings)
    ]
    assert told == [None, None, *[Why.RUNG_SOON] * 2]


@pytest.mark.parametrize("found", [CallbackRefused(NOT_LISTED), Failed(NOT_LISTED)])
async def test_who_is_not_going_to_be_rung_is_told_so(found: Findings) -> None:
    house = House(found=found)
    assert await house.ringing.ask(house.thread(), NUMBER) is Why.NOT_RUNG
