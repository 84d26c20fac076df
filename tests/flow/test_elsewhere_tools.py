"""Steps that lead to another channel are tried, drawn and compared like all others."""

from __future__ import annotations

import pytest

from ivr.backends.pretences import pretences_of
from ivr.backends.pretended import LINK, Pretended
from ivr.backends.sources import Sources
from ivr.channels.text import Conversation
from ivr.drawing.drawing import draw
from ivr.flow.difference import flow_differences
from ivr.flow.loading.tables import Tables
from ivr.flow.running.state import Facts
from tests.flow.flows import NOW, flow_of

SOURCE = """
flow: shop
numbers: ["4000"]
collects:
  order: {type: digits, length: 4}
  note: {type: text, say: "What shall we know?"}
defaults: {otherwise: by-phone}
start: code
steps:
  code: {join: "Your code?", take: {order: order}, attempts: 2, next: known, otherwise: chat?}
  known: {say: "Order {{ order }}, {{ customer.name }}.", next: chat?}
  chat?: {room: {chat: sales}, next: write, otherwise: by-phone}
  write:
    {sms: "{{ caller }}", text: "Go on: {{ link }}", link: {form: [note]}, next: by-phone}
  by-phone: {invite: "Ring 4000 and key {{ code }}.", next: talk, otherwise: talk}
  talk:
    queue: sales
    otherwise: bye
    waiting: {keys: {"2": {label: a chat, room: {chat: sales}, next: bye}}}
  bye: {hangup: "Goodbye."}
"""
SHOP = flow_of(SOURCE)
JOINED = 'join={"fields": {"order": "1001"}, "level": "number", "customer": {"name": "Mei"}}'


def tried(*answers: str, channel: str = "voice") -> tuple[Conversation, Pretended]:
    house = Pretended(Sources(Tables({})), pretences_of(list(answers)))
    facts = Facts("+8613800138000", "4000", channel)
    return Conversation(SHOP, house, NOW, facts), house


def everything(played: Conversation) -> str:
    return " ".join(getattr(each, "text", "") for each in played.log)


def test_a_call_is_tried_with_its_code_and_what_the_other_conversation_knows() -> None:
    played, house = tried(JOINED)
    played.press("123456")
    assert "Order 1001, Mei." in everything(played)
    assert house.messages == [("+8613800138000", f"Go on: {LINK}")]
    assert everything(played).endswith("For a chat, press 2."), "there is room"
    assert played.press("2") == ""
    assert played.over


def test_a_wrong_code_and_no_room_lead_on_without_them() -> None:
    played, house = tried("room=404")
    played.press("111111")
    assert "not the code" in everything(played)
    played.press("222222")
    assert house.messages == []
    assert "For a chat" not in everything(played)
    assert played.press("2") == "2"


def test_letters_get_a_code_and_ask_for_none() -> None:
    played, _ = tried("room=down", channel="chat")
    assert "Your code?" not in everything(played)
    assert "Ring 4000 and key 123456." in everything(played)
    linked, _ = tried(JOINED, channel="chat")
    assert "Order 1001, Mei." in everything(linked)


def test_every_step_is_drawn_with_what_it_is_about() -> None:
    boxes = {each.name: each for each in draw(SHOP).boxes}
    assert boxes["chat?"].full == "room in sales by chat?"
    assert "Your code?" in boxes["code"].full
    assert "Go on:" in boxes["write"].full
    assert "Ring 4000" in boxes["by-phone"].full


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{chat: sales}, next: write", "{voice: sales}, next: write", "room `chat?`"),
        ("form: [note]}", "form: [note], expires: 2h}", "sms `write`"),
        ("take: {order: order}", "take: {order: number}", "join `code`"),
        ("key {{ code }}", "key it: {{ code }}", "invite `by-phone`"),
    ],
)
def test_changes_are_told_in_words(old: str, new: str, told: str) -> None:
    assert old in SOURCE
    [line] = flow_differences(SHOP, flow_of(SOURCE.replace(old, new, 1)))
    assert line.startswith(told)
