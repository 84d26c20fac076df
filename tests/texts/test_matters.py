"""A call and a text from one number are one matter, where somebody answers for the number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.records.contact import ContactEvent
from ivr.live import LiveContact, LiveContacts
from ivr.matters import Matters
from ivr.threads.threads import Opening
from tests.threads.house import House

MOBILE = "+8613800138000"


class Nowhere:
    def __init__(self) -> None:
        self.live: dict[str, object] = {}

    def set_live(self, contact: str, at: float, state: object) -> None:
        self.live[contact] = state


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    await house.open()
    yield house
    await house.close()


@pytest.fixture
def matters(house: House) -> Matters:
    story: list[ContactEvent] = []
    contacts = LiveContacts(Nowhere(), story.append, lambda: 0.0)  # type: ignore[arg-type]  # enough of a store
    contacts.add(
        LiveContact("c9", "ch", "u", "13900139000", "", "4001", "f", 0.0, customer="13900139000")
    )
    contacts.add(LiveContact("c8", "ch2", "u2", MOBILE, "", "4001", "f", 0.0))
    return Matters(house.threads.book, contacts, lambda: "CN")


async def test_a_caller_who_texts_with_us_goes_on_in_that_contact(
    house: House, matters: Matters
) -> None:
    thread = house.threads.begin(Opening("sms", MOBILE, "+8621", "site", number=MOBILE))
    assert matters.written_by("138 0013 8000") == thread.id
    assert matters.written_by("+8613700137000") == ""
    assert matters.written_by("") == ""


async def test_a_number_typed_into_a_form_takes_over_nobodys_call(
    house: House, matters: Matters
) -> None:
    house.visitor("v", number=MOBILE)
    assert matters.written_by(MOBILE) == ""
    sure = house.visitor("w", number=MOBILE, vouched=True)
    assert matters.written_by(MOBILE) == sure.id


async def test_a_text_from_who_is_on_the_line_belongs_to_the_call(matters: Matters) -> None:
    assert matters.spoken_by("+8613900139000") == "c9"
    assert matters.spoken_by(MOBILE) == "", "nobody vouches for that caller's number"


async def test_what_is_filled_in_reaches_the_call_and_the_chat_of_the_contact(
    house: House, matters: Matters
) -> None:
    thread = house.visitor("v")
    matters.fill(thread.id, "site", {"note": "blue"})
    matters.fill(thread.id, "site", {"size": 7})
    assert thread.answers == {"site": {"note": "blue", "size": 7}}
    matters.fill("c9", "f", {"note": "red"})
    live = matters._contacts.get("c9")
    assert live is not None
    assert live.answers == {"f": {"note": "red"}}
    matters.fill("over", "f", {"note": "late"})


async def test_a_conversation_tells_what_its_flow_knows_also_when_it_is_over(
    house: House, matters: Matters
) -> None:
    thread = house.visitor("v")
    await house.write(thread, "2", "4321")
    known = matters.known(thread.id)
    assert (known.level, known.customer) == ("verified", {"name": "Mei"})
    assert "pin" not in known.fields
    house.threads.end(thread)
    assert matters.known(thread.id).level == "verified"
    assert matters.known("nobody").level == "unknown"
