"""Yes and no are kept, and a STOP is heavier than a spreadsheet."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from acd.customers import Address, Audit, Consents, Customers
from acd.records import Conflict, Database, RecordsUnavailable, Refused

NUMBER = "+8613800138000"


async def test_the_latest_word_counts_for_the_address(
    customers: Customers, consents: Consents
) -> None:
    assert await consents.may("sms", NUMBER) is None
    mei = await customers.create(name="Mei", addresses=[Address("phone", NUMBER)], by="ada")
    await consents.opt("sms", given=True, how="desk", by="ada", customer=mei.id)
    assert await consents.may("sms", "138 0013 8000") is True
    assert await consents.may("voice", NUMBER) is None
    await consents.opt("sms", given=False, how="form", by="site", address=NUMBER)
    assert await consents.may("sms", NUMBER) is False
    assert [each.given for each in await consents.consents(mei.id)] == [True, False]


@pytest.mark.parametrize("how", ["import", "form"])
async def test_a_stop_is_taken_back_by_start_or_the_desk_only(
    customers: Customers, consents: Consents, how: str
) -> None:
    mei = await customers.create(name="Mei", addresses=[Address("phone", NUMBER)], by="ada")
    await consents.opt("sms", given=False, how="STOP", by="sms", address=NUMBER)
    for whom in ({"customer": mei.id}, {"address": NUMBER}):
        assert not await consents.opt("sms", given=True, how=how, by="x", **whom)  # type: ignore[arg-type]  # one of both
        assert await consents.may("sms", NUMBER) is False
    assert await consents.opt("sms", given=True, how="START", by="sms", address=NUMBER)
    assert await consents.may("sms", NUMBER) is True


async def test_consent_is_somebodys_on_a_channel(consents: Consents) -> None:
    with pytest.raises(Refused, match="voice, sms, email, chat"):
        await consents.opt("fax", given=True, how="desk", by="ada", address=NUMBER)
    with pytest.raises(Refused, match="a customer's, or an address's"):
        await consents.opt("sms", given=True, how="desk", by="ada")


async def test_the_audit_says_who_saw_whom_and_nobody_changes_it(
    database: Database, audit: Audit
) -> None:
    await audit.note("ada", "read", customers=[7, 8], route="GET /customers", why="call")
    await audit.note("bob", "searched", customers=[8])
    await audit.note("bob", "read", contact="c1")
    assert [each.who for each in await audit.entries(customer=8)] == ["bob", "ada"]
    assert [each.customers for each in await audit.entries(who="ada")] == [(7, 8)]
    assert [each.what for each in await audit.entries(contact="c1")] == ["read"]
    newest = (await audit.entries(limit=1))[0]
    assert len(await audit.entries(before=newest.id)) == 2

    async def tamper() -> None:
        async with database.writing() as connection:
            await connection.execute(text("UPDATE audit SET who = 'nobody'"))

    with pytest.raises((RecordsUnavailable, Conflict)):
        await tamper()
