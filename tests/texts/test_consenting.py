"""A STOP is in the records as well, and a later word there is obeyed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.customers import Consents
from acd.records import Database
from ivr.backends.texting import Draft
from ivr.flow.actions import Failed
from ivr.texts.consenting import Consenting
from tests.texts.house import THEIRS, House, house


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def test_a_stop_is_in_the_records_and_a_later_yes_of_the_desk_counts(
    shop: House, tmp_path: Path
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'records.sqlite'}")
    consents = Consents(database, lambda: "CN", lambda: shop.rooms.time)
    consenting = Consenting(consents)
    shop.receiving.consent = consenting.told
    shop.errands.texts.wanted = consenting.wanted
    try:
        await shop.text("Hi", "STOP")
        async with asyncio.timeout(10):
            while await consents.may("sms", THEIRS) is not False:
                await asyncio.sleep(0.01)
        refused = await shop.errands.texts.accept(Draft("a", "c", THEIRS, "An offer!"))
        assert isinstance(refused, Failed)
        shop.rooms.time += 60
        await consents.opt("sms", given=True, how="desk", by="ana", address=THEIRS)
        assert not isinstance(
            await shop.errands.texts.accept(Draft("b", "c", THEIRS, "Hello.")), Failed
        )
        shop.rooms.time += 60
        await consents.opt("sms", given=False, how="desk", by="ana", address=THEIRS)
        again = await shop.errands.texts.accept(Draft("c", "c", THEIRS, "An offer!"))
        assert isinstance(again, Failed)
    finally:
        await consenting.close()
        await database.close()


async def test_a_stop_holds_while_the_records_are_away(shop: House, tmp_path: Path) -> None:
    database = Database("sqlite+aiosqlite:////proc/nowhere/records.sqlite")
    consenting = Consenting(Consents(database, lambda: "CN", lambda: shop.rooms.time))
    shop.receiving.consent = consenting.told
    shop.errands.texts.wanted = consenting.wanted
    try:
        await shop.text("Hi", "STOP")
        refused = await shop.errands.texts.accept(Draft("a", "c", THEIRS, "An offer!"))
        assert isinstance(refused, Failed)
    finally:
        await consenting.close()
        await database.close()
