"""Who is it? By number, by account and PIN of a table or a service, by a code: on the line."""

from __future__ import annotations

import asyncio
import re

import pytest

from ivr.demo.backends import Backends
from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.test_backends import at_menu

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ROSA, JIN = "+8613900139001", "+8613900139002"
ACCOUNT, PIN, WRONG = "30030030", "2580", "1111"


async def chooses(phones: Phones, number: str, key: str, step: str) -> tuple[Line, str]:
    line, contact = await at_menu(phones, number, "4935")
    await line.press(key)
    await until(lambda: step in phones.house.steps(contact), why=f"{step} comes")
    return line, contact


async def gives(house: House, line: Line, contact: str, account: str, pin: str) -> None:
    """Account and PIN; returns when they have been compared."""
    known = len(house.told(contact, "identified"))
    await line.press(account + pin)
    await until(lambda: len(house.told(contact, "identified")) > known, why="they are compared")


async def code_for(house: House, backends: Backends, number: str, known: int) -> str:
    """The latest code sent to that number, as its owner reads it; the store has none."""

    def found() -> str:
        texts = [each["text"] for each in backends.messages[known:] if each["to"] == number]
        codes = [re.findall(r"\b\d{6}\b", text) for text in texts]
        return codes[-1][0] if codes else ""

    code = await until(found, why="a code is sent")
    for file in house.settings.data_dir.glob("errands.sqlite*"):
        assert code.encode() not in file.read_bytes(), file
    return code


async def test_a_known_number_is_greeted_by_name_and_another_is_not(
    house: House, phones: Phones
) -> None:
    calls = await asyncio.gather(
        chooses(phones, ROSA, "1", "known"), chooses(phones, "+8613900139999", "1", "known")
    )
    await asyncio.gather(*(line.ended(15) for line, _ in calls))
    assert house.steps(calls[0][1])[-2:] == ["greet", "bye"]
    assert house.steps(calls[1][1])[-2:] == ["no", "bye"]
    told = house.told(calls[0][1], "identified")
    assert [each["level"] for each in told] == ["number"]
    assert not (await house.record(calls[0][1])).verified


async def test_a_pin_and_a_code_make_two_proofs_and_a_code_is_right_once(
    house: House, phones: Phones, backends: Backends
) -> None:
    known = len(backends.messages)
    line, contact = await chooses(phones, ROSA, "2", "who")
    await gives(house, line, contact, ACCOUNT, PIN)
    code = await code_for(house, backends, ROSA, known)
    await line.press("000000" if code != "000000" else "111111")
    await until(lambda: house.told(contact, "nomatch"), why="a wrong code is wrong")
    await line.press(code)
    await line.ended(15)
    assert house.steps(contact)[-3:] == ["strong?", "strong", "bye"]
    assert (await house.record(contact)).verified

    known = len(backends.messages)
    line, contact = await chooses(phones, ROSA, "4", "sure")
    fresh = await code_for(house, backends, ROSA, known)
    assert fresh != code
    await line.press(code)
    await until(lambda: house.told(contact, "nomatch"), why="a used code is wrong")
    await line.press(fresh)
    await line.ended(15)
    assert house.steps(contact)[-3:] == ["strong?", "weak", "bye"]


async def test_a_service_of_identity_is_asked_and_its_word_counts(
    house: House, phones: Phones, backends: Backends
) -> None:
    line, contact = await chooses(phones, "+8613900139010", "3", "asked")
    await gives(house, line, contact, "12345678", "4321")
    await until(lambda: "sure" in house.steps(contact), why="the service knows them")
    await line.hang_up()
    assert (await house.record(contact)).verified


async def test_wrong_pins_lock_an_account_over_several_calls_also_for_the_right_one(
    house: House, phones: Phones
) -> None:
    account = "30030031"
    first, one = await chooses(phones, JIN, "2", "who")
    for _ in range(2):
        await gives(house, first, one, account, WRONG)
    await first.hang_up()
    second, two = await chooses(phones, "+8613900139011", "2", "who")
    await gives(house, second, two, account, WRONG)
    await second.hang_up()
    third, three = await chooses(phones, JIN, "2", "who")
    await gives(house, third, three, account, "1357")
    await third.ended(15)
    assert house.steps(three)[-2:] == ["locked", "bye"], house.steps(three)
    assert not (await house.record(three)).verified
