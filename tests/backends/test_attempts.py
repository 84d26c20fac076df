"""Lock-out: the same promises in memory, in a store, and over two services on one store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.backends.attempts import (
    Attempts,
    MemoryAttempts,
    Record,
    StoredAttempts,
    admitted,
    given_back,
)
from ivr.backends.building import SCHEMAS
from ivr.backends.services import Lockout
from ivr.backends.store import Store
from tests.backends.conftest import PATIENT, MakeCommon

RULES = Lockout(failures=3, within=600.0, lasts=900.0)


@pytest.fixture(params=["memory", "stored", "two services", "two nodes"])
async def pair(
    request: pytest.FixtureRequest, tmp_path: Path, common: MakeCommon
) -> AsyncIterator[tuple[Attempts, Attempts]]:
    """What two calls count with."""
    if request.param == "memory":
        memory = MemoryAttempts()
        yield memory, memory
        return
    if request.param == "two nodes":
        redis = request.getfixturevalue("redis")
        yield common(redis, PATIENT).attempts(), common(redis, PATIENT).attempts()
        return
    stores = [Store(tmp_path / "e.sqlite", SCHEMAS) for _ in range(2)]
    first = StoredAttempts(stores[0])
    yield first, StoredAttempts(stores[1]) if request.param == "two services" else first
    for store in stores:
        await store.close()


async def test_so_many_failures_lock_the_account(pair: tuple[Attempts, Attempts]) -> None:
    here, there = pair
    assert await here.admit("a", RULES, 0.0)
    assert await there.admit("a", RULES, 1.0)
    assert not await here.locked("a", 1.0)
    assert await here.admit("a", RULES, 2.0)
    assert await there.locked("a", 2.0)
    assert not await there.admit("a", RULES, 3.0)
    assert await there.admit("b", RULES, 3.0)


async def test_a_lock_ends_and_counting_begins_anew(pair: tuple[Attempts, Attempts]) -> None:
    here, there = pair
    for at in (0.0, 1.0, 2.0):
        await here.admit("a", RULES, at)
    assert not await there.admit("a", RULES, 901.9)
    for at in (902.0, 903.0, 904.0):
        assert await there.admit("a", RULES, at)
    assert not await here.admit("a", RULES, 905.0)


async def test_old_failures_do_not_count(pair: tuple[Attempts, Attempts]) -> None:
    here, there = pair
    for at in (0.0, 1.0, 601.0, 602.0):
        assert await here.admit("a", RULES, at)
    assert not await there.locked("a", 602.0)


async def test_who_was_right_begins_anew(pair: tuple[Attempts, Attempts]) -> None:
    here, there = pair
    for at in (0.0, 1.0, 2.0):
        await here.admit("a", RULES, at)
    await there.forgive("a")
    assert await here.admit("a", RULES, 3.0)
    assert not await here.locked("a", 3.0)


async def test_a_try_that_was_not_compared_does_not_count(pair: tuple[Attempts, Attempts]) -> None:
    here, there = pair
    for at in (0.0, 1.0, 2.0):
        await here.admit("a", RULES, at)
    await here.give_back("a", RULES, 2.0)
    assert await there.admit("a", RULES, 3.0)
    assert not await there.admit("a", RULES, 4.0)


async def test_tries_at_the_same_moment_cannot_outnumber_the_limit(
    pair: tuple[Attempts, Attempts],
) -> None:
    for subject in "abcdefghij":
        tries = (pair[n % 2].admit(subject, RULES, 0.0) for n in range(20))
        assert sum(await asyncio.gather(*tries)) == RULES.failures


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 400)), max_size=60),
    st.integers(1, 5),
    st.floats(60, 900),
    st.floats(60, 900),
)
def test_in_no_span_of_time_are_there_more_tries_than_the_limit(
    moves: list[tuple[bool, float]], failures: int, within: float, lasts: float
) -> None:
    rules, record, now = Lockout(failures, within, lasts), Record(), 0.0
    counted: list[float] = []
    for give_back, passes in moves:
        now += passes
        after = admitted(record, rules, now)
        if after is None:
            continue
        record = after
        if give_back:
            record = given_back(record, rules, now)
        else:
            counted.append(now)
    span = min(within, lasts)
    for at in counted:
        assert sum(at <= each < at + span for each in counted) <= failures
