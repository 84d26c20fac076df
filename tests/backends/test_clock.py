"""A clock that was far ahead for a while, and is put right: nothing waits for that future."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr.backends.attempts import StoredAttempts
from ivr.backends.building import SCHEMAS
from ivr.backends.codes import Code, StoredCodes
from ivr.backends.outbox import PER_HOUR, Message, Outbox
from ivr.backends.services import CodeRules, Lockout
from ivr.backends.store import Store

NOW = 1_000_000_000.0
AHEAD = NOW + 4 * 365 * 86400.0
RULES = Lockout()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    kept = Store(tmp_path / "errands.sqlite", SCHEMAS)
    yield kept
    await kept.close()


def message(name: str, at: float) -> Message:
    return Message(name, "c", "+491701234567", "Hi.", 1, False, "queued", "", at, at, 0, at)


async def test_an_account_is_not_locked_until_a_year_that_never_was(store: Store) -> None:
    attempts = StoredAttempts(store)
    for _ in range(RULES.failures):
        assert await attempts.admit("a", RULES, AHEAD)
    assert not await attempts.admit("a", RULES, AHEAD)
    tries = [await attempts.admit("a", RULES, NOW) for _ in range(RULES.failures + 1)]
    assert tries == [*[True] * RULES.failures, False]


async def test_a_clock_that_is_put_back_a_little_unlocks_nothing(store: Store) -> None:
    attempts = StoredAttempts(store)
    for _ in range(RULES.failures):
        assert await attempts.admit("a", RULES, NOW)
    assert not await attempts.admit("a", RULES, NOW - RULES.lasts / 2)


async def test_messages_go_out_though_they_were_due_in_that_future(store: Store) -> None:
    outbox = Outbox(store)
    await outbox.keep(message("a", AHEAD))
    claimed = await outbox.claim(AHEAD)
    assert claimed is not None
    await outbox.postpone(claimed, "down", AHEAD)
    again = await outbox.claim(NOW)
    assert again is not None
    assert await outbox.claim(NOW) is None


async def test_what_was_sent_in_that_future_is_not_of_this_hour(store: Store) -> None:
    outbox, codes, rules = Outbox(store), StoredCodes(store), CodeRules()
    for at in (AHEAD, NOW):
        for n in range(PER_HOUR):
            assert await outbox.keep(message(f"{at} {n}", at)) == "kept"
        assert await outbox.keep(message(f"{at} more", at)) == "too many"
        for n in range(rules.per_hour):
            assert await codes.keep(f"{at} {n}", Code("d", "n", at, at + 60), rules)
        assert not await codes.keep(f"{at} more", Code("d", "n", at, at + 60), rules)
