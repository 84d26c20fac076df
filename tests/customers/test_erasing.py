"""What is forgotten is gone everywhere, and figures stay."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from acd.customers import Address, Audit, Consents, Customers, Links
from acd.customers.erasing import erase, finish_erasures, forget_old
from acd.customers.links import projection
from acd.desk import Tickets
from acd.records import Database, NotFound, RecordsWriter, Wanted, recent, story
from tests.records.conftest import T0, Stream, a_call, event

from .conftest import region

NUMBER = "+8613800138000"
PRIVATE = ("Mei", "13800138000", "mei@example.org", "teapot", "billing-secret", "Ada", "5551234")


async def fill(url: str, database: Database, customers: Customers) -> int:
    addresses = [
        Address("phone", NUMBER), Address("phone", "5551234"), Address("email", "mei@example.org")
    ]  # fmt: skip
    mei = await customers.create(name="Mei", addresses=addresses, tags=["Mei's"], by="root")
    twin = await customers.create(name="Mei twin", by="root")
    await customers.merge(mei.id, twin.id, "root")
    said = event("c1", 20, "field", "why", name="reason", value="billing-secret teapot")
    live = event("c2", 50, "began", channel="sms", caller="13800138000")
    writer = RecordsWriter(url, Stream([*a_call("c1"), said, live]), also=(projection(region),))
    await writer.flush()
    await writer.stop()
    await customers.note(mei.id, "teapot", "root", contact="c1")
    await customers.add_fact(mei.id, "order", {"what": "teapot"}, by="shop")
    await Tickets(database).open(
        "Send Mei a teapot", body="13800138000", customer=mei.id, by="root"
    )
    return mei.id


async def everything(database: Database) -> str:
    """All that any table holds, as text."""
    found = []
    async with database.reading() as connection:
        tables = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if connection.dialect.name == "sqlite"
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        for name in (await connection.scalars(text(tables))).all():
            rows = (await connection.execute(text(f'SELECT * FROM "{name}"'))).all()
            found += [json.dumps([str(cell) for cell in row], ensure_ascii=False) for row in rows]
    return "\n".join(found)


async def test_an_erased_customer_is_nowhere_and_calls_are_still_counted(
    url: str, database: Database, customers: Customers, links: Links, audit: Audit
) -> None:
    key = await fill(url, database, customers)
    done = await erase(database, key, by="root", why="asked by letter", at=T0 + 99)
    assert (done.contacts, done.waiting) == (("c1",), ("c2",))
    assert len(done.customers) == 2
    with pytest.raises(NotFound):
        await customers.get(key)
    assert await customers.find("mei") == []
    engine = await database.engine()
    (call,) = [each for each in await recent(engine, Wanted()) if each.id == "c1"]
    assert (call.queue, call.agent, call.outcome) == ("billing", "1002", "answered")
    assert (call.wait_seconds, call.talk_seconds) == (25.0, 60.0)
    assert len(await story(engine, "c1")) == len(a_call()) + 1

    writer = RecordsWriter(url, Stream([event("x", 0, "x")] * 16 + [
        event("c2", 60, "ended", outcome="completed")
    ]), also=(projection(region),))  # fmt: skip
    await writer.flush()
    await writer.stop()
    assert await finish_erasures(database, T0 + 100) == ["c2"]
    assert await finish_erasures(database, T0 + 101) == []
    left = await everything(database)
    assert [word for word in PRIVATE if word in left] == []
    (entry,) = await audit.entries(what="erased")
    assert (entry.who, entry.why, key in entry.customers) == ("root", "asked by letter", True)


async def test_a_no_outlives_who_said_it(
    database: Database, customers: Customers, consents: Consents
) -> None:
    mei = await customers.create(name="Mei", addresses=[Address("phone", NUMBER)], by="root")
    await consents.opt("sms", given=False, how="desk", by="root", customer=mei.id)
    await consents.opt("voice", given=True, how="desk", by="root", customer=mei.id)
    await erase(database, mei.id, by="root", why="asked", at=T0)
    assert await consents.may("sms", NUMBER) is False
    assert await consents.may("voice", NUMBER) is None


async def test_contacts_are_forgotten_by_age_once(
    url: str, database: Database, customers: Customers, audit: Audit
) -> None:
    await fill(url, database, customers)
    assert await forget_old(database, T0 + 50, by="retention", at=T0 + 200) == []
    assert await forget_old(database, T0 + 150, by="retention", at=T0 + 200) == ["c1"]
    assert await forget_old(database, T0 + 150, by="retention", at=T0 + 200) == []
    (call,) = [e for e in await recent(await database.engine(), Wanted()) if e.id == "c1"]
    assert (call.caller, call.caller_name, dict(call.fields)) == ("", "", {})
    assert [each.detail["contacts"] for each in await audit.entries(what="forgotten")] == [1]
    assert len(await customers.find("mei")) == 1
