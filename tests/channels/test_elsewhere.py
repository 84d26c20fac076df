"""Letters that lead to the telephone: a code that is kept nowhere, advice that holds."""

from __future__ import annotations

from ivr.channels.manners import SMS
from ivr.flow.actions import MASK
from tests.channels.correspondent import Correspondent
from tests.flow.flows import flow_of

FLOW = flow_of("""
flow: site
start: greet
steps:
  greet: {say: "Hello.", next: code}
  code: {invite: "Ring us and key {{ code }}.", next: talk, otherwise: bye}
  talk:
    queue: sales
    otherwise: bye
    waiting:
      keys:
        "1": {label: a message, next: bye}
        "2": {label: a call, room: {voice: sales}, next: bye}
  bye: {hangup: "Goodbye."}
""")


async def test_a_code_goes_out_in_its_turn_and_a_mask_is_kept() -> None:
    texting = Correspondent(FLOW, SMS)
    await texting.begin()
    assert texting.sent[:2] == ["Hello.", "Ring us and key 482193."]
    assert texting.copies[1] == f"Ring us and key {MASK}."
    assert "482193" not in str(texting.events) + str(texting.noted)


async def test_the_telephone_is_offered_when_somebody_is_free_for_it() -> None:
    chat = Correspondent(FLOW)
    await chat.begin()
    assert chat.sent[-1] == "1 a message\n2 a call"
    await chat.write("a call")
    assert chat.left_by == ["2"]


async def test_it_is_not_offered_and_not_understood_when_nobody_is() -> None:
    chat = Correspondent(FLOW, room=False)
    await chat.begin()
    assert chat.sent[-1] == "1 a message"
    await chat.write("2", "a call")
    assert (chat.left_by, chat.relayed) == ([], ["2", "a call"])
