"""What was told, or done, while an answer was on its way is not undone by that older answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, WebSocket, expect

from acd.model import Paused
from ivr.settings import Settings
from tests.web.browser import Window, chromium, window
from tests.web.desk_house import PASSWORD, DeskHouse, desk_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFER = {"offer": "o-1", "kind": "chat", "name": "Mei Lin", "address": "", "queue": "billing"}
LINE = {"chat": "c-1", "id": "m-1", "seq": 1, "at": 0, "sender": "visitor", "by": ""}
PANE = {
    "chat": "c-1", "contact": "c-1", "kind": "chat", "name": "Mei Lin", "address": "",
    "queue": "billing", "state": "open", "visitor": "here", "since": 0,
    "messages": [{**LINE, "text": "Hello?", "state": "", "attachments": []}],
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path_factory.mktemp("overtaken")) as house:
        await house.user("ana", extension="1001")
        await house.user("boss", ("supervisor",))
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def opened(tmp_path: Path) -> AsyncIterator[Window]:
    async with chromium(Settings(folder=tmp_path)) as browser, window(browser) as opened:
        yield opened


async def sign_in(house: DeskHouse, page: Page, name: str) -> None:
    await page.goto(f"{house.url}/desk/")
    await page.fill("input[name=username]", name)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_selector(".bar .who")


class Late:
    """Answers that are made at once and reach the page when `go` is set."""

    def __init__(self) -> None:
        self.made, self.go, self.there = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer(self, route: Route) -> None:
        response = await route.fetch()
        self.made.set()
        await self.go.wait()
        await route.fulfill(response=response)
        self.there.set()


@asynccontextmanager
async def late(page: Page, path: str) -> AsyncIterator[Late]:
    """While this is open, what the page reads there is on its way; it has come afterwards."""
    held = Late()
    await page.route(path, held.answer)
    yield held
    held.go.set()
    await held.there.wait()
    await page.evaluate("fetch('/api/session')")
    await page.unroute(path)


async def test_the_floor_shows_what_changed_while_it_was_read(
    house: DeskHouse, opened: Window
) -> None:
    page, told = opened.page, asyncio.Event()

    def watch(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: told.set() if "training" in str(frame) else None)

    page.on("websocket", watch)
    house.log_in("1002")
    await sign_in(house, page, "boss")
    async with late(page, "**/api/floor") as reading:
        await page.keyboard.press("7")
        await reading.made.wait()
        house.distributor.send(Paused(house.clock(), "1002", "training"))
        await told.wait()
    row = page.locator("ul.floor-agents li", has_text="1002")
    await expect(row).to_contain_text("Training")
    assert opened.complaints == []


async def test_a_chat_that_is_taken_while_the_chats_are_read_stays_taken(
    house: DeskHouse, opened: Window
) -> None:
    page = opened.page
    await page.route("**/api/chats/offers", lambda route: route.fulfill(json=[OFFER]))
    await page.route("**/accept", lambda route: route.fulfill(json=PANE))
    await sign_in(house, page, "ana")
    chats = page.locator(".view", has_text="Chats")
    await expect(chats.locator(".count")).to_have_text("1")
    async with late(page, "**/api/chats") as reading:
        await chats.click()
        await reading.made.wait()
        await page.locator(".chat-offer").get_by_role("button", name="Take it").click()
        await expect(page.locator(".chat-pane")).to_contain_text("Hello?")
    await expect(page.locator(".chat-pane")).to_contain_text("Hello?")
    assert await page.locator(".chat-offer").count() == 0
