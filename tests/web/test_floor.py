"""What a supervisor asks: who waits, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from acd.customers import Audit
from tests.web.desk_house import PASSWORD, DeskHouse, until
from tests.web.house import Browser

AT = "/api/floor/calls"


@pytest_asyncio.fixture
async def boss(house: DeskHouse) -> AsyncIterator[Browser]:
    await house.user("boss", ("supervisor",))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        stranger = Browser(session, house.url)
        body = {"name": "boss", "password": PASSWORD}
        answer = await stranger.ask("POST", "/api/session", json=body)
        yield stranger.as_(answer.cookies["tieline"].value)


async def test_why_a_call_waits_is_told_with_what_would_help(
    house: DeskHouse, boss: Browser
) -> None:
    contact = house.call(queue="appointments")
    other = house.call(queue="billing", name="Tom", caller="+8613900139000")
    await house.distributor.settled()
    calls = await (await boss.ask("GET", f"{AT}?queue=appointments")).json()
    (call,) = calls
    assert (call["contact"], call["position"], call["caller_name"]) == (contact, 1, "Mei Lin")
    assert {each["contact"] for each in await (await boss.ask("GET", AT)).json()} == {
        contact,
        other,
    }
    told = await (await boss.ask("GET", f"{AT}/{call['call']}/why")).json()
    explained = told["explained"]
    assert explained["staffing"] == "nobody_logged_in"
    assert explained["counts"]["away"] > 0
    cures = {(each["what"], each["agent"]) for each in explained["changes"]}
    assert ("log_in", "1001") in cures
    (entry,) = await Audit(house.database).entries(what="floor.why")
    assert entry.contact == contact


async def test_a_call_that_rings_or_talks_does_not_wait(house: DeskHouse, boss: Browser) -> None:
    house.log_in("1001")
    contact = house.call(agent="1001")
    await until(lambda: bool(house.offer_of(contact)))
    (call,) = await (await boss.ask("GET", AT)).json()
    assert (call["agent"], call["position"]) == ("1001", None)
    path = f"{AT}/{call['call']}/why"
    answer = await boss.ask("GET", path)
    assert (answer.status, "a phone rings" in (await answer.json())["detail"]) == (409, True)
    house.answer(contact)
    await house.distributor.settled()
    assert await (await boss.ask("GET", AT)).json() == []
    assert (await boss.ask("GET", path)).status == 409
    assert (await boss.ask("GET", f"{AT}/none/why")).status == 404
