"""Mistakes in the steps that lead from one channel to another are told at their places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.flow.checking import NAMES, told

BYE = "\n  bye: {hangup: }\n"
SHOP = replace(NAMES, chats=frozenset({"shop"}))


@pytest.mark.parametrize(
    ("step", "mistakes"),
    [
        (
            "  a: {invite: Ring us., next: bye, otherwise: bye}",
            ["14:15: the code itself is not in this message"],
        ),
        (
            '  a: {invite: "{{ code }}", expires: 2h, next: bye, otherwise: bye}',
            ['14:38: "expires" is 2h'],
        ),
        (
            '  a: {sms: "1", text: Write., link: {chat: shop}, next: bye, otherwise: bye}',
            ["14:23: the link itself is not in this message"],
        ),
        (
            '  a: {sms: "1", text: "{{ link }}", next: bye, otherwise: bye}',
            ['14:23: unknown field "link"'],
        ),
        (
            '  a: {sms: "1", text: "{{ link }}", link: {chat: shpo}, next: bye, otherwise: bye}',
            ['14:50: unknown chat "shpo"'],
        ),
        (
            '  a: {sms: "1", text: "{{ link }}", link: {form: [pin]}, next: bye, otherwise: bye}',
            ['14:51: the secret "pin" would be written into a page'],
        ),
        (
            '  a: {sms: "1", text: "{{ link }}", link: {form: [nte]}, next: bye, otherwise: bye}',
            ['14:51: unknown field "nte"'],
        ),
        (
            '  a: {sms: "1", text: "{{ link }}", link: {chat: shop, form: [note]}, next: bye,'
            " otherwise: bye}",
            ["14:43: a link opens either a chat or a form"],
        ),
        (
            "  a: {room: {chta: billing}, next: bye, otherwise: bye}",
            ['14:14: unknown key in "room": "chta"'],
        ),
        (
            "  a: {room: {chat: biling}, next: bye, otherwise: bye}",
            ['14:20: unknown queue "biling"'],
        ),
        (
            "  a: {room: {chat: billing, voice: billing}, next: bye, otherwise: bye}",
            ["14:13: there is room in one channel of one queue"],
        ),
        (
            "  a: {room: {chat: billing}, within: 5m, next: bye, otherwise: bye}",
            ["14:38: only a call can be promised for later"],
        ),
        (
            "  a: {join: Key it., take: {pin: pin}, next: bye, otherwise: bye}",
            ['14:29: the secret "pin" cannot be set'],
        ),
        (
            "  a: {join: Key it., level: sure, next: bye, otherwise: bye}",
            ['14:29: "level" cannot be "sure"'],
        ),
        (
            '  a: {say: "{{ wait }}", next: bye}',
            ['14:12: "wait" has no value yet at step "a"'],
        ),
        (
            "  a: {queue: billing, otherwise: bye, waiting: {keys:"
            ' {"1": {room: {chat: biling}, label: a chat, next: bye}}}}',
            ['14:75: unknown queue "biling"'],
        ),
        (
            '  a: {menu: Hi., "1": {room: {chat: billing}, label: x, next: bye}, otherwise: bye}',
            ['14:24: unknown key in key 1: "room"'],
        ),
    ],
)
def test_each_mistake_is_told_and_nothing_else(
    tmp_path: Path, step: str, mistakes: list[str]
) -> None:
    assert told(tmp_path, step + BYE, names=SHOP) == mistakes


@pytest.mark.parametrize(
    "step",
    [
        '  a: {invite: "Key {{ code }}.", next: bye, otherwise: bye}',
        "  a: {join: Key it., take: {order: order}, level: verified, next: b, otherwise: bye}\n"
        '  b: {say: "{{ order }} {{ customer.name }}", next: bye}',
        '  a: {sms: "1", text: "{{ link }}", link: {chat: shop}, next: bye, otherwise: bye}',
        '  a: {sms: "1", text: "{{ link }}", link: {form: [note], expires: 2d}, next: b,'
        ' otherwise: bye}\n  b: {say: "{{ note }}", next: bye}',
        "  a: {room: {voice: billing}, within: 5m, next: b, otherwise: b}\n"
        '  b: {say: "Ring us. {{ wait }}", next: bye}',
        "  a: {queue: billing, otherwise: bye, waiting: {keys:"
        ' {"1": {room: {chat: billing}, label: a chat, next: bye}}}}',
    ],
)
def test_what_is_right_is_let_through(tmp_path: Path, step: str) -> None:
    assert told(tmp_path, step + BYE, names=SHOP) == []


def test_whoever_does_nothing_does_not_go_round_for_ever(tmp_path: Path) -> None:
    steps = "  a: {room: {chat: billing}, next: bye, otherwise: a}\n"
    assert told(tmp_path, steps + BYE) == ["14:3: a call goes round for ever: a -> a"]
