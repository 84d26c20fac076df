"""The services behind the example flows: what the flows ask is there, and says what they expect."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone

import aiohttp
import pytest
from rich.console import Console

from ivr.backends.services import FILE, read_services
from ivr.demo.backends import ACCOUNTS, ORDERS, Backends
from ivr.demo.counterpart import PORT, banner, serve
from ivr.demo.diary import DIARIES, OFFICE
from ivr.errors import IvrError
from ivr.floor import load_floor
from ivr.flow.loading.loader import load
from ivr.flow.loading.yaml import Problems
from ivr.plans import known_names
from tests.backends.house import free_port
from tests.flow.flows import FLOWS

LIBRARY = load([FLOWS], known_names(load_floor(FLOWS / "floor.yaml")))
CHINA = timezone(timedelta(hours=8))
MONDAY = datetime(2026, 3, 2, 8, tzinfo=CHINA)


@pytest.fixture
async def house() -> AsyncIterator[tuple[Backends, aiohttp.ClientSession]]:
    backends = Backends(today=lambda: date(2026, 3, 2))
    async with backends.serving() as url, aiohttp.ClientSession(url) as session:
        yield backends, session


House = tuple[Backends, aiohttp.ClientSession]


def test_the_addresses_of_the_example_services_lead_here() -> None:
    problems = Problems()
    services = read_services(FLOWS / FILE, problems, {})
    problems.raise_if_any()
    paths = {
        name: each.url.removeprefix(f"http://127.0.0.1:{PORT}/")
        for name, each in services.services.items()
    }
    assert paths.pop("gateway") == "messages"
    assert paths == {name: name for name in ("shop", "power", *DIARIES)}


def test_the_shop_flow_knows_every_status_of_an_order() -> None:
    status = LIBRARY.flows["shop"].fields["status"]
    assert set(status.of) == {order[0] for order in ORDERS.values()}


async def test_days_are_told_from_today_on(house: House) -> None:
    _, session = house
    async with session.get("/shop/orders/1001") as found:
        order = await found.json()
        assert (order["status"], order["delivery"]["due"]) == ("shipped", "2026-03-04")
    async with session.get("/power/accounts/300100") as found:
        owed = (await found.json())["balance"]
        assert owed == {"amount": ACCOUNTS["300100"][0], "due": "2026-03-16"}


async def test_a_move_is_started_once(house: House) -> None:
    _, session = house
    statuses = []
    for account in ("300100", "300100", "300200", "9"):
        async with session.post(f"/power/accounts/{account}/moves", json={}) as found:
            statuses.append(found.status)
    assert statuses == [201, 409, 201, 404]
    async with session.get("/power/accounts/9") as found:
        assert found.status == 404


async def test_a_time_taken_at_the_dentist_is_free_in_the_restaurant(house: House) -> None:
    _, session = house
    noon = {"after": "2026-03-03T11:30:00+08:00", "until": "2026-03-03T11:30:00+08:00"}
    for name in DIARIES:
        async with session.get(f"/{name}/slots", params=noon) as found:
            (slot,) = await found.json()
        async with session.post(f"/{name}/slots/{slot['id']}/reservation", json={}) as found:
            assert found.status == 201
        async with session.get(f"/{name}/slots", params=noon) as found:
            assert await found.json() == []


def test_a_table_is_free_only_while_the_kitchen_cooks() -> None:
    kitchen = LIBRARY.flows["restaurant"].calendars["kitchen"]
    starts = list(DIARIES["restaurant"].starts(MONDAY, MONDAY + timedelta(days=8)))
    assert len(starts) > 50
    assert all(map(kitchen.is_open, starts))


def test_a_diary_begins_and_ends_where_it_is_asked_to() -> None:
    four, five = MONDAY.replace(hour=16), MONDAY.replace(hour=17)
    found = [f"{each:%H:%M}" for each in OFFICE.starts(four + timedelta(minutes=1), five)]
    assert found == ["16:30"]
    ages = datetime(9000, 1, 1, tzinfo=UTC)
    assert len(list(OFFICE.starts(MONDAY, ages))) < 90 * 16


async def test_the_code_comes_up_on_the_screen() -> None:
    told: list[str] = []
    async with Backends(tell=told.append).serving() as url, aiohttp.ClientSession(url) as session:
        message = {"id": "1", "to": "13900139001", "text": "Your code is 123456."}
        await session.post("/messages", json=message)
    assert told == ["POST /messages", "SMS to 13900139001: Your code is 123456."]


async def test_the_command_tells_what_to_dial_and_says_when_it_runs_already() -> None:
    screen, port = io.StringIO(), free_port()
    console = Console(file=screen, width=200)
    running = asyncio.create_task(serve(console, "http://desk", port))
    async with asyncio.timeout(10):
        while "pretend" not in screen.getvalue():
            await asyncio.sleep(0.01)
    page = f"http://127.0.0.1:{port}/"
    async with aiohttp.ClientSession() as session, session.get(page) as shop:
        assert 'src="http://desk/widget/tieline.js"' in await shop.text()
    assert f"The shop's page, with the chat: {page}" in screen.getvalue()
    with pytest.raises(IvrError, match=f"port {port} is in use"):
        await serve(console, "http://desk", port)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    for name in ("utility", "shop", "dentist", "restaurant"):
        assert f"{LIBRARY.flows[name].numbers[0]}  {name}" in screen.getvalue()


def test_the_orders_that_it_tells_of_are_there() -> None:
    text = "\n".join(str(line) for line in banner("http://here"))
    assert all(number in text for number in (*ORDERS, *ACCOUNTS))
