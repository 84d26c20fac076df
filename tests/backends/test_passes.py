"""Codes and links that lead to another channel: good once, for a while, and guessed by nobody."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ivr.backends import attempts, shared, shelves
from ivr.backends.attempts import Attempts, EitherAttempts, StoredAttempts
from ivr.backends.digests import Digests
from ivr.backends.passes import EVERYBODY, Passes
from ivr.backends.services import Lockout
from ivr.backends.shelves import EitherShelf, Pass, Shelf, StoredShelf
from ivr.backends.store import Store
from tests.acd.live.server import Server
from tests.backends.conftest import PATIENT, MakeCommon

RULES = Lockout(failures=3, within=900.0, lasts=600.0)


@dataclass
class Desk:
    """Two that give and take: processes on one file, or nodes with one Redis, a file each."""

    folder: Path
    redis: Server | None
    common: MakeCommon
    patience: float = PATIENT
    time: float = 1000.0
    stores: list[Store] = field(default_factory=list)
    both: list[Passes] = field(default_factory=list)

    def open(self) -> None:
        places = ("one", "one") if self.redis is None else ("one", "two")
        files = [self.folder / name / "errands.sqlite" for name in places]
        self.stores = [Store(file, (attempts.SCHEMA, shelves.SCHEMA)) for file in files]
        self.both = [self._passes(store) for store in self.stores]

    def _passes(self, store: Store) -> Passes:
        shelf: Shelf = StoredShelf(store)
        tries: Attempts = StoredAttempts(store)
        if self.redis is not None:
            common = self.common(self.redis, self.patience)
            shelf = EitherShelf(common.shelf(), shelf)
            tries = EitherAttempts(common.attempts(), tries)
        return Passes(shelf, tries, Digests("key"), lambda: self.time)

    async def close(self) -> None:
        for store in self.stores:
            await store.close()

    @property
    def passes(self) -> Passes:
        """The one that gives."""
        return self.both[0]

    @property
    def there(self) -> Passes:
        """The other one."""
        return self.both[1]

    async def key(self, code: str, caller: str = "+8613800138000") -> Pass | str:
        """Somebody rings the other one."""
        return await self.there.take_code(code, caller, RULES)


@pytest.fixture(params=["one file", "nodes"])
async def desk(
    request: pytest.FixtureRequest, tmp_path: Path, common: MakeCommon
) -> AsyncIterator[Desk]:
    of_nodes = request.param == "nodes"
    made = Desk(tmp_path, request.getfixturevalue("redis") if of_nodes else None, common)
    made.open()
    yield made
    await made.close()


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


async def test_what_is_half_a_character_goes_along_as_it_is(desk: Desk) -> None:
    """As a service of the house may tell it."""
    code = await desk.passes.code("c1", 600, {"known": {"name": "Mei \ud83d"}})
    found = await desk.key(code)
    assert isinstance(found, Pass)
    assert found.about == {"known": {"name": "Mei \ud83d"}}


async def test_of_two_who_key_a_code_at_once_one_gets_it(desk: Desk) -> None:
    code = await desk.passes.code("c1", 600)
    keyed = (each.take_code(code, f"+86{n}", RULES) for n, each in enumerate(desk.both * 5))
    found = await asyncio.gather(*keyed)
    assert sum(isinstance(each, Pass) for each in found) == 1


async def test_a_new_code_takes_the_place_of_the_one_before(desk: Desk) -> None:
    first, second = await desk.passes.code("c1", 600), await desk.passes.code("c1", 600)
    assert first == second or await desk.key(first) == "wrong"
    assert isinstance(await desk.key(second), Pass)


async def test_guesses_lock_the_caller_also_over_calls_and_a_code_of_ones_own_forgives_none(
    desk: Desk,
) -> None:
    mine, theirs = await desk.passes.code("c1", 900), await desk.passes.code("c2", 900)
    wrong = next(each for each in (f"{n:06}" for n in range(9)) if each not in (mine, theirs))
    caller = "+8613800138000"
    tries = [await each.take_code(wrong, caller, RULES) for each in desk.both]
    assert tries == ["wrong", "wrong"]
    assert isinstance(await desk.key(mine), Pass)
    assert await desk.key(wrong) == "locked"
    assert await desk.passes.take_code(theirs, caller, RULES) == "locked"
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
    for each in desk.both:
        found = await each.look("form", secret)
        assert found is not None
        assert found.about == {"flow": "shop"}
    assert await desk.there.look("chat", secret) is None, "it is no link of another kind"
    assert await desk.there.take("form", secret) is not None
    assert await desk.passes.take("form", secret) is None


async def test_nothing_of_a_secret_is_in_the_file_and_a_restart_knows_it(desk: Desk) -> None:
    code = await desk.passes.code("c1", 600)
    secret = await desk.passes.link("chat", "c1", 600, {"site": "shop"})
    await desk.close()
    folders = [desk.folder, *([desk.redis.folder] if desk.redis is not None else ())]
    files = [file for each in folders for file in each.rglob("*") if file.is_file()]
    kept = b"".join(file.read_bytes() for file in files)
    assert secret.encode() not in kept
    if desk.redis is None:
        rows = sqlite3.connect(desk.folder / "one/errands.sqlite").execute("SELECT * FROM passes")
        assert code not in str(rows.fetchall())
    else:
        assert b"\r\n" + code.encode() + b"\r\n" not in kept
    desk.open()
    assert isinstance(await desk.key(code), Pass)


async def test_a_call_that_becomes_another_contact_takes_its_links_along(desk: Desk) -> None:
    secret = await desk.passes.link("form", "c2", 600, {})
    await desk.there.moved("c2", "c1")
    found = await desk.passes.take("form", secret)
    assert found is not None
    assert found.contact == "c1"


async def test_what_is_forgotten_of_a_contact_leads_nowhere(desk: Desk) -> None:
    secret = await desk.passes.link("chat", "c1", 600, {"site": "shop"})
    code, other = await desk.passes.code("c1", 600), await desk.passes.code("c2", 600)
    await desk.there.forget(["c1", "c3"])
    assert await desk.there.take("chat", secret) is None
    assert await desk.key(code) == "wrong"
    assert isinstance(await desk.key(other), Pass)


@pytest.fixture
async def nodes(tmp_path: Path, redis: Server, common: MakeCommon) -> AsyncIterator[Desk]:
    made = Desk(tmp_path, redis, common)
    made.open()
    yield made
    redis.thaw()
    await made.close()


async def test_while_the_nodes_have_nothing_in_common_each_knows_its_own_codes_only(
    nodes: Desk, redis: Server
) -> None:
    common = await nodes.passes.code("c1", 600)
    await nodes.close()
    redis.freeze()
    nodes.patience = 0.3
    nodes.open()
    own = await nodes.passes.code("c2", 600)
    async with asyncio.timeout(20):
        assert await nodes.key(common) == "wrong", "as if it was unknown"
        assert await nodes.key(own, "+861") == "wrong", "it is known where it was given"
        found = await nodes.passes.take_code(own, "+861", RULES)
        assert isinstance(found, Pass)
        assert found.contact == "c2"
        wrong = next(each for each in (f"{n:06}" for n in range(9)) if each not in (common, own))
        tries = [await nodes.passes.take_code(wrong, "+862", RULES) for _ in range(4)]
    assert tries[2:] == ["locked", "locked"], "guesses are counted all the same"


async def test_what_was_in_common_is_so_again_when_its_place_is_back(
    nodes: Desk, redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "REST", 0.0)
    code = await nodes.passes.code("c1", 600)
    redis.kill()
    assert await nodes.key(code) == "wrong"
    own = await nodes.passes.code("c2", 600)
    redis.start()
    found = await nodes.key(code, "+861")
    assert isinstance(found, Pass)
    assert found.contact == "c1"
    assert isinstance(await nodes.passes.take_code(own, "+861", RULES), Pass)
