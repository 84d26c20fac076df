"""Scenes of the house behind a flow: down, slow or lying; of keys, and of proofs."""

from __future__ import annotations

import asyncio
import re
import time

from ivr.demo.backends import Backends
from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.stage import Stage, at_menu, chooses

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


async def asks(phones: Phones, key: str) -> tuple[str, float]:
    """One call to its end; the contact, and the longest silence after the key."""
    line, contact = await at_menu(phones, f"+86138000031{key}0", "4931")
    await line.press(key)
    pressed = time.monotonic() - line.began_at
    await line.ended(30)
    return contact, line.ear.longest_pause(pressed)


async def whatever_a_service_does_the_designed_way_is_taken_and_nobody_is_left_in_silence(
    stage: Stage,
) -> None:
    house, phones, measured = stage.house, stage.phones, stage.measured
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


# --- keys --------------------------------------------------

AHEAD = 8
"""Callers who know the way by heart."""


async def who_knows_the_way_keys_through_all_questions_without_a_pause(stage: Stage) -> None:
    """Two menus, an account of eight digits and its confirmation, in one go."""
    house, phones, measured = stage.house, stage.phones, stage.measured

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


async def amounts_dates_and_entries_that_the_star_ends(stage: Stage) -> None:
    house, phones = stage.house, stage.phones
    line, contact = await at_menu(phones, "+8613800003711", "4934")
    await line.press("2")
    await until(lambda: "sum" in house.steps(contact), why="the sum is asked for")
    await line.press("0")
    await until(lambda: house.told(contact, "help"), why="help was asked for")
    await line.press("12*5#")
    await until(lambda: "day" in house.steps(contact), why="the sum is taken")
    await line.press("20260302")
    await line.ended(15)
    assert house.fields(contact) == {"sum": "12.5", "day": "2026-03-02"}
    line, contact = await at_menu(phones, "+8613800003712", "4934")
    await line.press("4")
    await until(lambda: "code" in house.steps(contact), why="the code is asked for")
    await line.press("471*")
    await line.ended(15)
    assert house.fields(contact) == {"code": "471"}


async def words_that_must_be_heard_are_heard_and_keys_meanwhile_are_nothing(stage: Stage) -> None:
    house, phones = stage.house, stage.phones
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


# --- proofs --------------------------------------------------

ROSA, JIN, OWNER = "+8613900139001", "+8613900139002", "+8613900139020"
ACCOUNT, PIN, WRONG = "30030030", "2580", "1111"


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


async def a_known_number_is_greeted_by_name_and_another_is_not(stage: Stage) -> None:
    house, phones = stage.house, stage.phones
    calls = await asyncio.gather(
        chooses(phones, ROSA, "4935", "1", "known"),
        chooses(phones, "+8613900139999", "4935", "1", "known"),
    )
    await asyncio.gather(*(line.ended(15) for line, _ in calls))
    assert house.steps(calls[0][1])[-2:] == ["greet", "bye"]
    assert house.steps(calls[1][1])[-2:] == ["no", "bye"]
    assert house.told(calls[0][1], "recognised") == [{"ok": True, "level": "number"}]
    assert not (await house.record(calls[0][1])).verified


async def a_pin_and_a_code_make_two_proofs_and_a_code_is_right_once(stage: Stage) -> None:
    house, phones, backends = stage.house, stage.phones, stage.backends
    known = len(backends.messages)
    line, contact = await chooses(phones, OWNER, "4935", "2", "who")
    await gives(house, line, contact, ACCOUNT, PIN)
    code = await code_for(house, backends, OWNER, known)
    await line.press("000000" if code != "000000" else "111111")
    await until(lambda: house.told(contact, "identified")[-1]["ok"] is False, why="it is wrong")
    await line.press(code)
    await line.ended(15)
    assert house.steps(contact)[-3:] == ["strong?", "strong", "bye"]
    assert (await house.record(contact)).verified

    known = len(backends.messages)
    line, contact = await chooses(phones, OWNER, "4935", "4", "sure")
    fresh = await code_for(house, backends, OWNER, known)
    assert fresh != code
    await line.press(code)
    await until(lambda: house.told(contact, "identified"), why="a used code is compared")
    assert house.told(contact, "identified")[-1]["ok"] is False
    await line.press(fresh)
    await line.ended(15)
    assert house.steps(contact)[-3:] == ["strong?", "weak", "bye"]


async def a_service_of_identity_is_asked_and_its_word_counts(stage: Stage) -> None:
    house, phones = stage.house, stage.phones
    line, contact = await chooses(phones, "+8613900139010", "4935", "3", "asked")
    await gives(house, line, contact, "12345678", "4321")
    await until(lambda: "sure" in house.steps(contact), why="the service knows them")
    await line.hang_up()
    assert (await house.record(contact)).verified


async def wrong_pins_lock_an_account_over_several_calls_also_for_the_right_one(
    stage: Stage,
) -> None:
    house, phones = stage.house, stage.phones
    account = "30030031"
    first, one = await chooses(phones, JIN, "4935", "2", "who")
    for _ in range(2):
        await gives(house, first, one, account, WRONG)
    await first.hang_up()
    second, two = await chooses(phones, "+8613900139011", "4935", "2", "who")
    await gives(house, second, two, account, WRONG)
    await second.hang_up()
    third, three = await chooses(phones, JIN, "4935", "2", "who")
    await gives(house, third, three, account, "1357")
    await third.ended(15)
    assert house.steps(three)[-2:] == ["locked", "bye"], house.steps(three)
    assert not (await house.record(three)).verified


SCENES = (
    whatever_a_service_does_the_designed_way_is_taken_and_nobody_is_left_in_silence,
    who_knows_the_way_keys_through_all_questions_without_a_pause,
    amounts_dates_and_entries_that_the_star_ends,
    words_that_must_be_heard_are_heard_and_keys_meanwhile_are_nothing,
    a_known_number_is_greeted_by_name_and_another_is_not,
    a_pin_and_a_code_make_two_proofs_and_a_code_is_right_once,
    a_service_of_identity_is_asked_and_its_word_counts,
    wrong_pins_lock_an_account_over_several_calls_also_for_the_right_one,
)
