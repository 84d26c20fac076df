"""Codes and links that lead to another channel: good once, for a while, and guessed by nobody."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ivr.backends import attempts, passes
from ivr.backends.attempts import StoredAttempts
from ivr.backends.digests import Digests
from ivr.backends.passes import EVERYBODY, Pass, Passes
from ivr.backends.services import Lockout
from ivr.backends.store import Store

RULES = Lockout(failures=3, within=900.0, lasts=600.0)


@dataclass
class Desk:
    path: Path
    time: float = 1000.0
    store: Store = field(init=False)
    passes: Passes = field(init=False)

    def open(self) -> None:
        self.store = Store(self.path, (attempts.SCHEMA, passes.SCHEMA))
        tries = StoredAttempts(self.store)
        self.passes = Passes(self.store, tries, Digests("key"), lambda: self.time)

    async def key(self, code: str, caller: str = "+8613800138000") -> Pass | str:
        return await self.passes.take_code(code, caller, RULES)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path / "errands.sqlite")
    made.open()
    yield made
    await made.store.close()


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_code_is_six_digits_good_once_and_for_a_while(desk: Desk) -> None:
    code = await desk.passes.code("c1", 600)
    assert re.fullmatch(r"[0-9]{6}", code)
    assert await desk.key(code) == Pass("code", "c1", 1600.0)
    assert await desk.key(code) == "wrong"
    late = await desk.passes.code("c1", 600)
    desk.time += 600
    assert await desk.key(late) == "wrong"


async def test_of_two_who_key_a_code_at_once_one_gets_it(desk: Desk) -> None:
    code = await desk.passes.code("c1", 600)
    found = await asyncio.gather(desk.key(code, "+861"), desk.key(code, "+862"))
    assert sorted(isinstance(each, Pass) for each in found) == [False, True]


async def test_a_new_code_takes_the_place_of_the_one_before(desk: Desk) -> None:
    first, second = await desk.passes.code("c1", 600), await desk.passes.code("c1", 600)
    assert first == second or await desk.key(first) == "wrong"
    assert isinstance(await desk.key(second), Pass)


async def test_guesses_lock_the_caller_also_over_calls_and_a_code_of_ones_own_forgives_none(
    desk: Desk,
) -> None:
    mine, theirs = await desk.passes.code("c1", 900), await desk.passes.code("c2", 900)
    wrong = next(each for each in (f"{n:06}" for n in range(9)) if each not in (mine, theirs))
    assert [await desk.key(wrong) for _ in range(2)] == ["wrong", "wrong"]
    assert isinstance(await desk.key(mine), Pass)
    assert await desk.key(wrong) == "locked"
    assert await desk.key(theirs) == "locked", "not even a right one"
    assert isinstance(await desk.key(theirs, "+8613900139000"), Pass), "another caller may"


async def test_who_withholds_the_number_shares_the_tries_with_all_who_do(desk: Desk) -> None:
    code = await desk.passes.code("c1", 900)
    assert [await desk.key(other(code), "") for _ in range(3)][-1] == "locked"
    assert await desk.key(code, "") == "locked"


async def test_many_callers_together_lock_everybody_for_a_while(desk: Desk) -> None:
    code = await desk.passes.code("c1", 3000)
    tries = RULES.failures * EVERYBODY
    for caller in range(tries):
        assert await desk.key(other(code), f"+86{caller}") == (
            "wrong" if caller < tries - 1 else "locked"
        )
    assert await desk.key(code, "+8613800138000") == "locked"
    desk.time += RULES.lasts
    assert isinstance(await desk.key(code, "+8613800138000"), Pass)


async def test_a_link_may_be_looked_at_often_and_taken_once(desk: Desk) -> None:
    secret = await desk.passes.link("form", "c1", 600, {"flow": "shop"})
    for _ in range(2):
        found = await desk.passes.look("form", secret)
        assert found is not None
        assert found.about == {"flow": "shop"}
    assert await desk.passes.look("chat", secret) is None, "it is no link of another kind"
    assert await desk.passes.take("form", secret) is not None
    assert await desk.passes.take("form", secret) is None


async def test_nothing_of_a_secret_is_in_the_file_and_a_restart_knows_it(desk: Desk) -> None:
    code = await desk.passes.code("c1", 600)
    secret = await desk.passes.link("chat", "c1", 600, {"site": "shop"})
    await desk.store.close()
    kept = b"".join(each.read_bytes() for each in desk.path.parent.iterdir() if each.is_file())
    assert secret.encode() not in kept
    rows = sqlite3.connect(desk.path).execute("SELECT * FROM passes").fetchall()
    assert code not in str(rows)
    desk.open()
    assert isinstance(await desk.key(code), Pass)


async def test_a_call_that_becomes_another_contact_takes_its_links_along(desk: Desk) -> None:
    secret = await desk.passes.link("form", "c2", 600, {})
    await desk.passes.moved("c2", "c1")
    found = await desk.passes.take("form", secret)
    assert found is not None
    assert found.contact == "c1"
