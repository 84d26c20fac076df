"""One matter, from a chat on a shop's page over a call to a text message, in real browsers."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, FrameLocator, Locator, Page, expect

from acd.customers import Links
from acd.customers.timeline import timeline
from acd.desk import Code, Dispositions
from acd.people import People
from acd.records import Database
from acd.records.queries import story
from ivr.demo.backends import Backends
from ivr.demo.phone import Line
from ivr.demo.provider import Provider
from tests.e2e.conftest import Phones
from tests.e2e.hostile import Leg
from tests.e2e.house import House, until
from tests.e2e.stage import FarEnd, far_end
from tests.e2e.test_callbacks import customer
from tests.web.browser import NARROW, WIDE, Window, chromium, overflow, serious, shoot, window

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

PASSWORD = "correct horse battery"
OURS, THEIRS = "+862112345678", "+493070000077"
PATIENCE_MS = 20_000


def picture(name: str) -> FilePayload:
    """A small PNG, as a browser attaches it."""
    width, height = 160, 90
    rows = b"".join(
        b"\0" + b"".join(bytes((90 + x // 2, 110 + y, 150)) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    shape = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", shape), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return {
        "name": name,
        "mimeType": "image/png",
        "buffer": b"\x89PNG\r\n\x1a\n" + b"".join(parts),
    }


@dataclass(frozen=True, slots=True)
class Scene:
    """The visitor's page, the agent's desk, and who is behind them."""

    house: House
    browser: Browser
    far: FarEnd
    provider: Provider
    shop: str
    database: Database


@asynccontextmanager
async def texting_by(house: House, provider: Provider) -> AsyncIterator[None]:
    """Text messages go over this provider, which speaks Twilio."""
    file = house.flows / "services.yaml"
    before = file.read_text()
    (house.flows / "provider.token").write_text(provider.token)
    url = f"{provider.url}/2010-04-01/Accounts/AC0/Messages.json"
    signed = "speaks: twilio, secret: {file: provider.token}"
    ours = f'sms: {{service: provider, from: "{OURS}", {signed}}}'
    lines = [ours if line.startswith("sms:") else line for line in before.splitlines()]
    at = lines.index("services:") + 1
    file.write_text("\n".join([*lines[:at], f'  provider: {{url: "{url}"}}', *lines[at:], ""]))
    try:
        told = await house.asterisk.command("acd do reload")
        assert "mistake" not in told, told
        yield
    finally:
        file.write_text(before)
        await house.asterisk.command("acd do reload")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(
    house: House, backends: Backends, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    database = Database(house.settings.records_url)
    backends.desk, backends.site = house.settings.web_address, "lantern"
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await People(database).add(
            "iris", PASSWORD, title="Iris Amsel", extension="3004", roles=("agent",)
        )
        codes = [Code("solved", "Solved"), Code("again", "To be called again")]
        await Dispositions(database).define("book-orders", codes)
        provider = Provider("the token of the provider")
        await provider.start()
        stack.push_async_callback(provider.stop)
        await stack.enter_async_context(texting_by(house, provider))
        browser = await stack.enter_async_context(chromium(house.settings))
        far = await stack.enter_async_context(far_end(house))
        shop = f"http://127.0.0.1:{house.backends_port}/"
        yield Scene(house, browser, far, provider, shop, database)


async def at_the_desk(scene: Scene, opened: Window) -> Page:
    page = opened.page
    await page.goto(f"{scene.house.settings.web_address}/desk/")
    await page.fill("input[name=username]", "iris")
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_selector(".bar .state")
    return page


def chat_on(page: Page) -> FrameLocator:
    return page.frame_locator("tieline-chat iframe")


async def says(chat: FrameLocator, text: str) -> None:
    await chat.locator("#text").fill(text)
    await chat.locator("#text").press("Enter")
    await expect(chat.locator("li.customer .said").last).to_have_text(text)


async def hears(chat: FrameLocator, text: str) -> None:
    await expect(chat.locator("#log")).to_contain_text(text)


async def begins(scene: Scene, page: Page) -> FrameLocator:
    """The visitor opens the chat by keyboard and fills the form in."""
    await page.goto(scene.shop)
    button = page.locator("tieline-chat button")
    await expect(button).to_be_visible()
    await button.focus()
    await page.keyboard.press("Enter")
    chat = chat_on(page)
    await expect(chat.locator("input[name=name]")).to_be_focused()
    await page.keyboard.type("Mei Lin")
    await page.keyboard.press("Tab")
    await page.keyboard.type("+49 30 7000 0077")
    await page.keyboard.press("Enter")
    await hears(chat, "Lantern Books.")
    return chat


async def drawn(place: Locator) -> None:
    """A picture is shown there, and has come."""
    image = place.locator("img").last
    await expect(image).to_be_visible()
    await expect(image).to_have_js_property("naturalWidth", 160)


async def asks_the_flow(chat: FrameLocator) -> None:
    """Who is it, where is the order, and a person."""
    await says(chat, "the state of an order")
    await hears(chat, "account number")
    await says(chat, "12345678")
    await hears(chat, "PIN")
    await chat.locator("#text").fill("4321")
    await chat.locator("#text").press("Enter")
    await hears(chat, "order number")
    await expect(chat.locator("#log")).not_to_contain_text("4321")
    await says(chat, "1001")
    await hears(chat, "Thank you, Mei Lin. Order 1001 is shipped.")
    await says(chat, "a person")


async def is_taken(page: Page) -> Locator:
    """The agent takes the chat that is offered; its pane."""
    offer = page.locator(".chat-offer")
    await expect(offer).to_contain_text("Mei Lin")
    await expect(offer).to_contain_text("order 1001, shipped")
    await offer.get_by_role("button", name="Take it").click()
    pane = page.locator(".chat-pane")
    await expect(pane).to_contain_text("Order 1001 is shipped.")
    await expect(pane).not_to_contain_text("4321")
    about = page.locator(".chat-about")
    for told in ("Verified", "gold", "order 1001, shipped", THEIRS):
        await expect(about).to_contain_text(told)
    for size in (NARROW, WIDE):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        assert await overflow(page) <= 0
        assert await serious(page) == []
    return pane


async def they_write(chat: FrameLocator, pane: Locator) -> None:
    """Both ways, with typing, read, and files."""
    await pane.locator("textarea").press_sequentially("Hello Mei, I am Iris.")
    await expect(chat.locator("#typing")).to_be_visible()
    await pane.locator("textarea").press("Enter")
    await hears(chat, "Hello Mei, I am Iris.")
    await expect(pane.locator("li.agent").last).to_contain_text("read")
    await chat.locator("#text").press_sequentially("The parcel")
    await expect(pane).to_contain_text("is writing")
    await says(chat, "The parcel is wet. Can you ring me?")
    await expect(pane).to_contain_text("The parcel is wet.")
    await shoot(chat.owner.page, "widget")
    await shoot(pane.page, "desk-chat")
    await chat.locator("#file").set_input_files(picture("parcel.png"))
    await drawn(pane.locator("li.visitor"))
    await drawn(chat.locator("li.customer"))
    await pane.locator("input[type=file]").set_input_files(picture("copy.png"))
    await drawn(chat.locator("li.agent"))
    await drawn(pane.locator("li.agent"))


async def rings(scene: Scene, page: Page, ringing: Line) -> None:
    """The desk shows all of the contact while the phone rings."""
    await expect(page.locator(".phase")).to_contain_text("Ringing")
    assert "Mei Lin" in ringing.caller_name
    await expect(page.locator(".head h1")).to_have_text("Mei Lin")
    await expect(page.locator(".head")).to_contain_text(THEIRS)
    await expect(page.locator(".head .badge.good")).to_contain_text("Verified")
    work = page.locator("#work")
    for told in ("The parcel is wet.", "Hello Mei, I am Iris.", "gold", "1001", "Waited"):
        await expect(work).to_contain_text(told)
    await expect(work).not_to_contain_text("4321")


async def texts(scene: Scene, page: Page, leg: Leg) -> None:
    """A text message during the call, and its receipt."""
    await page.keyboard.press("m")
    await expect(page.get_by_role("dialog").locator("input")).to_have_value(THEIRS)
    await expect(page.get_by_role("dialog").locator("textarea")).to_be_focused()
    await page.keyboard.type("A dry copy leaves today. Iris, Lantern Books")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".notice")).to_contain_text("on its way")
    await until(lambda: bool(scene.provider.phone(THEIRS)), why="the text is out")
    await scene.provider.told()
    assert scene.provider.phone(THEIRS) == ["A dry copy leaves today. Iris, Lantern Books"]
    assert scene.provider.answers[-1] == ("delivered", 200)
    await expect(page.locator("#work")).to_contain_text("text message delivered")
    await leg.hang_up()


async def wraps_up(page: Page, chat: FrameLocator) -> None:
    """The code that the queue wants, and the end of the chat."""
    await expect(page.locator(".state")).to_contain_text("Wrap-up", timeout=PATIENCE_MS)
    await page.select_option("select[aria-label='How did it end?']", "solved")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".notice")).to_contain_text("Noted.")
    await page.keyboard.press("w")
    await expect(page.locator(".state")).to_contain_text("Ready")
    await page.keyboard.press("4")
    await page.get_by_role("button", name="Done").click()
    await hears(chat, "Thank you for writing to us.")
    await expect(chat.locator("#state")).to_contain_text("over")


async def test_a_chat_a_call_and_a_text_are_one_contact(scene: Scene, phones: Phones) -> None:
    agent = await phones.ready("3004")
    async with window(scene.browser) as shop, window(scene.browser) as desk:
        page = await at_the_desk(scene, desk)
        chat = await begins(scene, shop.page)
        await asks_the_flow(chat)
        pane = await is_taken(page)
        await they_write(chat, pane)
        await chat.locator("#ring").click()
        await expect(chat.locator("#number")).to_have_value("+49 30 7000 0077")
        await chat.locator("#call-yes").click()
        await expect(chat.locator("#state")).to_contain_text("We will ring you.")
        async with customer(scene.far, await scene.far.rings(THEIRS[3:], 20)) as (leg, _):
            ringing = await agent.incoming(20)
            await rings(scene, page, ringing)
            await shoot(page, "desk-ringing-chat")
            await ringing.answer()
            ringing.hum()
            await expect(page.locator(".phase")).to_contain_text("In the call")
            await texts(scene, page, leg)
        await wraps_up(page, chat)
        await page.keyboard.press("2")
        await page.get_by_role("button", name="Make a customer of it").click()
        await expect(page.locator("#work h1").first).to_have_text("Mei Lin")
        story = page.locator(".matter")
        for part in ("The parcel is wet.", "on the line", "A dry copy leaves", "result: solved"):
            await expect(story).to_contain_text(part)
        for way in ("chat", "text messages", "telephone"):
            await expect(story.locator("h3")).to_contain_text(way)
        await shoot(page, "desk-timeline")
        assert shop.complaints == []
        assert desk.complaints == []
    contact = ringing.headers["X-Tieline-Contact"]
    link = await Links(scene.database).of(contact)
    assert link is not None
    assert link.customer is not None
    items = await timeline(scene.database, link.customer, limit=200)
    assert {item.contact for item in items if item.contact} == {contact}


async def fills_in(scene: Scene, link: str) -> None:
    """The form that the text message led to, once."""
    async with window(scene.browser) as opened:
        page = opened.page
        await page.goto(link)
        await page.get_by_label("What shall we know?").fill("The bell is broken")
        for size in (NARROW, WIDE):
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            assert await overflow(page) <= 0
            assert await serious(page) == []
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#state")).to_contain_text("Thank you")
        await page.goto("about:blank")
        await page.goto(link)
        await expect(page.locator("#state")).to_contain_text("sent already")


async def test_a_code_of_the_chat_makes_a_call_the_same_contact(
    scene: Scene, phones: Phones
) -> None:
    house, agent = scene.house, await phones.ready("3004")
    async with window(scene.browser) as shop, window(scene.browser) as desk:
        page = await at_the_desk(scene, desk)
        chat = await begins(scene, shop.page)
        await asks_the_flow(chat)
        pane = await is_taken(page)
        await pane.get_by_role("button", name="Code for a call").click()
        await hears(chat, "ring 4951 and key")
        said = await chat.locator("li.house .said").last.inner_text()
        code = said.partition("key ")[2][:6]
        assert code.isdecimal()
        await expect(pane).to_contain_text("ring 4951 and key •••")
        line = await (await phones.caller("+493070000088")).dial("4951")
        await line.answered()
        await line.hears_sound(5)
        await line.press(code)
        await until(lambda: bool(scene.provider.phone("+493070000088")), why="the text is out")
        text = scene.provider.phone("+493070000088")[-1]
        assert text.startswith("Order 1001: ")
        link = text.removeprefix("Order 1001: ")
        await fills_in(scene, link)
        await line.press("1")
        ringing = await agent.incoming(20)
        contact = ringing.headers["X-Tieline-Contact"]
        work = page.locator("#work")
        for told in ("order 1001, The bell is broken", "Order 1001 is shipped.", "•••"):
            await expect(work).to_contain_text(told)
        await ringing.answer()
        await ringing.hang_up()
        await line.ended(15)
        await wraps_up(page, chat)
    told = await story(await scene.database.engine(), contact)
    assert [each.data["channel"] for each in told if each.kind == "began"] == ["chat", "voice"]
    secret = link.partition("#")[2]
    written = house.log() + str([each.data for each in told])
    assert code not in written
    assert secret not in written


async def test_every_message_is_there_once_after_the_service_was_killed(
    scene: Scene, phones: Phones
) -> None:
    house = scene.house
    await phones.ready("3004")
    async with window(scene.browser) as shop, window(scene.browser) as desk:
        page = await at_the_desk(scene, desk)
        chat = await begins(scene, shop.page)
        await asks_the_flow(chat)
        pane = await is_taken(page)
        await says(chat, "one")
        await expect(pane).to_contain_text("one")
        await house.kill_service()
        await expect(chat.locator("#state")).to_contain_text("No connection")
        for text in ("two", "three"):
            await says(chat, text)
            await expect(chat.locator("li.customer").last).to_contain_text("not sent yet")
        await house.start_service()
        sent = chat.locator("li.customer .way").last
        await expect(sent).to_have_text("sent", timeout=PATIENCE_MS)
        await expect(chat.locator("#log")).not_to_contain_text("not sent yet")
        await says(chat, "four")
        await expect(pane).to_contain_text("four", timeout=PATIENCE_MS)
        wanted = ["one", "two", "three", "four"]
        shown = await chat.locator("li.customer .said").all_inner_texts()
        assert shown[-4:] == wanted
        assert sorted(set(shown)) == sorted(shown)
        seen = await pane.locator("li.visitor .words").all_inner_texts()
        assert seen[-4:] == wanted
        assert sorted(set(seen)) == sorted(seen)
        await pane.locator("textarea").fill("Five.")
        await pane.locator("textarea").press("Enter")
        await hears(chat, "Five.")
        await page.get_by_role("button", name="Done").click()
        await hears(chat, "Thank you for writing to us.")
