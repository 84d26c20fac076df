"""The demo's own shop, bank and clinic keep the protocols that docs/services.md describes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from ivr.demo.backends import MODES, Backends


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Backends, aiohttp.ClientSession]]:
    backends = Backends(slowness=0.2)
    async with backends.serving() as url, aiohttp.ClientSession(url) as session:
        yield backends, session


Shop = tuple[Backends, aiohttp.ClientSession]


async def test_orders_are_told_and_cancelled_while_they_are_here(shop: Shop) -> None:
    _, session = shop
    async with session.get("/orders/1002") as found:
        assert (await found.json())["status"] == "packing"
    statuses = []
    for path in ("1002", "1001", "9"):
        async with session.post(f"/orders/{path}/cancellation") as found:
            statuses.append(found.status)
    assert statuses == [204, 409, 404]
    async with session.get("/orders/1002") as found:
        assert (await found.json())["status"] == "cancelled"
    async with session.get("/orders/9") as found:
        assert found.status == 404


async def test_nobody_is_identified_by_half(shop: Shop) -> None:
    _, session = shop
    for given in ({}, {"account": "12345678"}, {"account": "9", "pin": ""}, {"pin": "4321"}):
        async with session.post("/identify", json=given) as found:
            assert await found.json() == {"ok": False}
    async with session.post("/identify", data=b"[]") as found:
        assert found.status == 400


async def test_requests_behave_as_the_house_pretends(shop: Shop) -> None:
    backends, session = shop
    async with session.post("/pretend", json={"mode": "failing", "times": 2}) as found:
        assert found.status == 204
    statuses = []
    for _ in range(3):
        async with session.get("/orders/1001") as found:
            statuses.append(found.status)
    assert statuses == [503, 503, 200]
    async with session.get("/orders/1001?pretend=lying") as found:
        assert (await found.text()).startswith("<h1>")
    with pytest.raises(aiohttp.ClientError):
        await session.post("/orders/1002/cancellation?pretend=down")
    assert backends.cancelled == set()
    async with session.post("/pretend", json={"mode": "odd"}) as found:
        assert ", ".join(MODES) in await found.text()


@pytest.mark.parametrize(
    "query",
    ["", "after=x&until=y", "after=2026-03-02T10:00&until=2026-03-03T10:00", "limit=x"],
)
async def test_times_need_an_offset(shop: Shop, query: str) -> None:
    async with shop[1].get(f"/slots?{query}") as found:
        assert found.status == 400


async def test_the_gateway_keeps_each_message_once(shop: Shop) -> None:
    backends, session = shop
    message = {"id": "1", "to": "+8613800138000", "from": "1000", "text": "Hello"}
    for _ in range(2):
        async with session.post("/messages", json=message) as found:
            assert found.status == 202
    async with session.get("/messages") as found:
        assert await found.json() == [message]
    async with session.post("/messages", json={"id": 1}) as found:
        assert found.status == 400
    assert backends.messages == [message]
