"""What callers key, and when: ahead, with a point, while words must be heard, with a star at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.test_backends import at_menu

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

AHEAD = 8
"""Callers who know the way by heart."""


async def test_who_knows_the_way_keys_through_all_questions_without_a_pause(
    house: House, phones: Phones, measured: Callable[[str, str], None]
) -> None:
    """Two menus, an account of eight digits and its confirmation, in one go."""

    async def one(number: int) -> str:
        line, contact = await at_menu(phones, f"+8613800003{number}", "4934")
        await line.press("12" + str(10_000_000 + number) + "1")
        await line.ended(15)
        return contact

    contacts = await asyncio.gather(*(one(700 + n) for n in range(AHEAD)))
    whole = 0
    for number, contact in enumerate(contacts, 700):
        assert house.steps(contact)[:3] == ["choose", "kind", "account"]
        given = house.fields(contact).get("account")
        whole += given == str(10_000_000 + number) and len(house.told(contact, "confirmed")) == 1
    measured("calls keyed through in one go, 11 keys, none lost", f"{whole} of {AHEAD}")
    assert whole == AHEAD, [house.fields(contact) for contact in contacts]


async def test_amounts_dates_and_entries_that_the_star_ends(house: House, phones: Phones) -> None:
    line, contact = await at_menu(phones, "+8613800003711", "4934")
    await line.press("2")
    await until(lambda: "sum" in house.steps(contact), why="the sum is asked for")
    await line.press("0")
    await until(lambda: house.told(contact, "help"), why="help was asked for")
    await line.press("12*5#")
    await until(lambda: "day" in house.steps(contact), why="the sum is taken")
    await line.press("20260302")
    await line.ended(15)
    assert house.fields(contact) == {"sum": "12.50", "day": "2026-03-02"}
    line, contact = await at_menu(phones, "+8613800003712", "4934")
    await line.press("4")
    await until(lambda: "code" in house.steps(contact), why="the code is asked for")
    await line.press("471*")
    await line.ended(15)
    assert house.fields(contact) == {"code": "471"}


async def test_words_that_must_be_heard_are_heard_and_keys_meanwhile_are_nothing(
    house: House, phones: Phones
) -> None:
    line, contact = await at_menu(phones, "+8613800003713", "4934")
    await line.press("3")
    await until(lambda: "terms" in house.steps(contact), why="the terms are read")
    heard = line.heard_seconds
    await until(lambda: line.heard_seconds > heard + 0.3, why="the terms are heard")
    await line.press("1")
    await until(lambda: line.heard_seconds > heard + 2, why="the terms are heard to their end")
    assert house.told(contact, "key") == [{"key": "3"}], "the key was nothing"
    await line.hears_silence(0.5)
    await line.press("1")
    await line.ended(15)
    assert house.steps(contact)[-1] == "bye"
