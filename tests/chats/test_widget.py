"""The widget in Debian's Chromium, on a page of another origin: for everybody's eyes and keys."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, FilePayload, FrameLocator, Page, expect

from ivr.chats import talking
from ivr.chats.identity import sign
from ivr.settings import Settings
from tests.chats.house import SECRET, SHOP, House, house
from tests.web.browser import NARROW, WIDE, Window, chromium, overflow, serious, window

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVIL = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>'
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A picture of one dot."""
PAGE = """<!doctype html><html lang="en"><title>A shop</title>
<link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
* {{ margin: 3px; font: 30px cursive }}
button, iframe, span {{ display: none !important; color: red }}
</style>
<body><main><h1>A shop</h1></main>
<script src="{desk}/widget/tieline.js" data-site="shop" {more} async></script></body></html>"""
"""A page whose style would break anything that it reached."""


@dataclass
class Shop:
    """A house with a chat, and a page of another origin that holds it."""

    house: House
    browser: Browser
    url: str = ""
    more: str = ""
    word: Callable[[], Awaitable[str]] | None = None
    """Whom the site has signed in just now, in a word; None: nobody."""

    @asynccontextmanager
    async def page(self) -> AsyncIterator[str]:
        async def give(_: web.Request) -> web.Response:
            text = PAGE.format(desk=self.house.url, more=self.more)
            return web.Response(text=text, content_type="text/html")

        app = web.Application()

        async def who(_: web.Request) -> web.Response:
            return web.Response(text="<html>sign in" if self.word is None else await self.word())

        app.router.add_get("/", give)
        app.router.add_get("/who", who)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("widget")
    async with chromium(Settings(folder=folder)) as browser, house(folder) as built:
        shop = Shop(built, browser)
        async with shop.page() as url:
            shop.url = url
            built.shop = replace(
                SHOP,
                origins=(url,),
                title={"en": "Lantern Books", "zh": "明灯书店"},
                languages=("en", "zh"),
                ask=("name", "phone"),
            )
            yield shop


async def opened(shop: Shop, at: Window, more: str = "") -> tuple[Page, FrameLocator]:
    """The page with the chat open, at its form."""
    shop.more = more
    await at.page.goto(shop.url)
    await at.page.locator("tieline-chat button").click()
    chat = at.page.frame_locator("tieline-chat iframe")
    await expect(chat.locator("input[name=name]")).to_be_focused()
    return at.page, chat


async def begun(shop: Shop, at: Window, name: str = "Mei Lin") -> tuple[Page, FrameLocator]:
    """The chat after its form."""
    page, chat = await opened(shop, at)
    await chat.locator("input[name=name]").fill(name)
    await chat.locator("form#form button").click()
    await expect(chat.locator("li.bot")).to_contain_text("How can we help?")
    return page, chat


async def says(chat: FrameLocator, text: str, sent: str = "sent") -> None:
    await chat.locator("#text").fill(text)
    await chat.locator("#text").press("Enter")
    await expect(chat.locator("li.customer .way").last).to_have_text(sent)


async def answers(shop: Shop, page: Page, text: str) -> None:
    """The other side of this page's conversation writes."""
    name = await page.frames[1].evaluate("localStorage['tieline.shop.chat']")
    thread = shop.house.rooms.threads.book.get(name)
    assert thread is not None
    message, _ = shop.house.rooms.threads.book.write(thread, "bot", text)
    await shop.house.visitors.deliver(thread, message)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280x720", "390x844"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_widget_is_whole_readable_and_quiet(
    shop: Shop, size: tuple[int, int], dark: bool
) -> None:
    async with window(shop.browser, size, dark=dark) as at:
        shop.more = ""
        await at.page.goto(shop.url)
        button = at.page.locator("tieline-chat button")
        await expect(button).to_be_visible()
        assert await overflow(at.page) <= 0
        assert await serious(at.page, "tieline-chat") == []
        page, chat = await begun(shop, at)
        await says(chat, "a very long word: " + "x" * 300)
        frame = page.frames[1]
        box = await page.locator("tieline-chat iframe").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]
        assert await overflow(frame) <= 0
        assert await serious(frame) == []
        await chat.locator("#ring").click()
        await expect(chat.locator("#number")).to_be_focused()
        assert await serious(frame) == []
        await chat.locator("#number").press("Escape")
        await expect(chat.locator("#call")).to_be_hidden()
        await chat.locator("#close").click()
        await expect(button).to_be_focused()
        assert at.complaints == []


async def test_the_chat_is_used_by_the_keyboard_alone(shop: Shop) -> None:
    async with window(shop.browser) as at:
        shop.more = ""
        page = at.page
        await page.goto(shop.url)
        button = page.locator("tieline-chat button")
        await expect(button).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(button).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(button).to_have_attribute("aria-expanded", "true")
        chat = page.frame_locator("tieline-chat iframe")
        await expect(chat.locator("input[name=name]")).to_be_focused()
        await page.keyboard.type("Mei Lin")
        await page.keyboard.press("Enter")
        await expect(chat.locator("#text")).to_be_focused()
        await expect(chat.locator("li.bot")).to_contain_text("How can we help?")
        await page.keyboard.type("Hello")
        await page.keyboard.press("Enter")
        await expect(chat.locator("li.customer .way")).to_have_text("sent")
        await page.keyboard.press("Escape")
        await expect(button).to_be_focused()
        await expect(button).to_have_attribute("aria-expanded", "false")


async def test_what_comes_while_the_chat_is_shut_is_counted_on_its_button(shop: Shop) -> None:
    async with window(shop.browser) as at:
        page, chat = await begun(shop, at)
        await says(chat, "Hello")
        await page.keyboard.press("Escape")
        button = page.locator("tieline-chat button")
        await expect(button).to_be_focused()
        await answers(shop, page, "Are you there?")
        await expect(button).to_have_attribute("aria-label", "Chat with us (1 new)")
        await button.press("Enter")
        await expect(chat.locator("li.bot").last).to_contain_text("Are you there?")
        await expect(button).to_have_attribute("aria-label", "Close the chat")


async def test_what_the_chat_says_of_itself_does_not_hide_the_last_line(shop: Shop) -> None:
    async with window(shop.browser) as at:
        page, chat = await begun(shop, at)
        await says(chat, "Hello")
        for number in range(9):
            await answers(shop, page, f"Line {number}")
        await expect(chat.locator("li.bot").last).to_contain_text("Line 8")
        await expect(chat.locator("#state")).to_be_hidden()
        big = FilePayload(name="big.png", mimeType="image/png", buffer=DOT * 2000)
        await chat.locator("#file").set_input_files(big)
        await expect(chat.locator("#state")).to_be_visible()
        below = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight"
        assert await chat.locator("#log").evaluate(below) < 4


async def test_the_chat_speaks_the_language_of_its_page(shop: Shop) -> None:
    async with window(shop.browser) as at:
        _, chat = await opened(shop, at, 'data-language="zh"')
        await expect(chat.locator("#title")).to_have_text("明灯书店")
        await expect(chat.locator("form#form button")).to_have_text("开始")
        await expect(chat.locator("html")).to_have_attribute("lang", "zh")
    async with window(shop.browser, locale="zh-CN") as at:
        page, chat = await opened(shop, at)
        await expect(chat.locator("#title")).to_have_text("明灯书店")
        await expect(page.locator("tieline-chat button")).to_have_attribute(
            "aria-label", "关闭对话"
        )


def has_written_too_fast(shop: Shop) -> None:
    """Every visitor who is here, for some seconds; that others begin is another matter."""
    for key, bucket in shop.house.talking._buckets._buckets.items():
        if not key.startswith("new "):
            bucket.tokens = -3.0


CHINESE = re.compile(r"^[^A-Za-z]*$")
"""No word of English; numbers are numbers in both."""


async def test_whatever_is_not_taken_is_told_in_the_language_of_the_chat(shop: Shop) -> None:
    async with window(shop.browser) as at:
        _, chat = await opened(shop, at, 'data-language="zh"')
        await chat.locator("input[name=name]").fill("王芳")
        await chat.locator("form#form button").click()
        said, log = chat.locator("#state"), chat.locator("#lines")
        await expect(chat.locator("li.bot")).to_have_count(1)

        page = FilePayload(name="page.html", mimeType="text/html", buffer=b"<script>1</script>")
        await chat.locator("#file").set_input_files(page)
        await expect(said).to_have_text("不接收此类文件，可以发送：PNG, PDF。")
        big = FilePayload(name="big.png", mimeType="image/png", buffer=DOT * 2000)
        await chat.locator("#file").set_input_files(big)
        await expect(said).to_have_text("文件太大。")

        await chat.locator("#ring").click()
        await chat.locator("#number").fill("+1 900")
        await chat.locator("#call-yes").click()
        await expect(chat.locator("#call-said")).to_have_text(CHINESE)
        await expect(chat.locator("#call-said")).to_contain_text("无法拨打此号码")
        await chat.locator("#call-no").click()

        await chat.locator("#text").evaluate("(text) => { text.value = 'x'.repeat(4001); }")
        await chat.locator("#text").press("Enter")
        await expect(said).to_have_text("一条消息最多 4000 个字符。")
        await expect(log).not_to_contain_text("xxx")

        has_written_too_fast(shop)
        await chat.locator("#text").fill("您好")
        await chat.locator("#text").press("Enter")
        await expect(said).to_have_text("您发送得太快，请稍等片刻。")
        await expect(chat.locator("li.customer .way").last).to_have_text("已发送", timeout=30_000)
        await expect(said).to_be_hidden()
        # A browser tells its console of every answer that is none.
        assert [each for each in at.complaints if "422" not in each] == []


async def test_script_in_names_and_messages_stays_text(shop: Shop) -> None:
    async with window(shop.browser) as at:
        page, chat = await begun(shop, at, EVIL)
        await says(chat, EVIL)
        await answers(shop, page, EVIL)
        await expect(chat.locator("li.bot").last).to_contain_text("<script>")
        assert await chat.locator("li img, li script").count() == 0
        assert "taken" not in (await page.title(), await page.frames[1].title())
        assert at.complaints == []


async def test_a_visitor_whose_browser_keeps_nothing_can_chat(shop: Shop) -> None:
    refuses = """Object.defineProperty(window, "localStorage", {
      get() { throw new DOMException("refused", "SecurityError"); } });"""
    async with window(shop.browser) as at:
        await at.page.add_init_script(refuses)
        _, chat = await begun(shop, at)
        await says(chat, "Hello")
        assert at.complaints == []


async def test_a_conversation_outlives_the_page_and_the_service(shop: Shop) -> None:
    """Loaded anew, cut, killed: every message is there once."""
    async with window(shop.browser) as at:
        page, chat = await begun(shop, at)
        await says(chat, "one")
        await page.reload()
        await page.locator("tieline-chat button").click()
        await expect(chat.locator("li.customer .said")).to_have_text(["one"])
        await shop.house.server.stop()
        await expect(chat.locator("#state")).to_contain_text("No connection")
        await chat.locator("#text").fill("two")
        await chat.locator("#text").press("Enter")
        await expect(chat.locator("li.customer").last).to_contain_text("not sent yet")
        await shop.house.restart()
        await expect(chat.locator("#log")).not_to_contain_text("not sent yet", timeout=20_000)
        await says(chat, "three")
        await expect(chat.locator("li.customer .said")).to_have_text(["one", "two", "three"])


async def test_the_sites_own_button_has_a_visitor_rung_once_they_have_begun(shop: Shop) -> None:
    async with window(shop.browser) as at:
        await at.page.goto(shop.url)
        await expect(at.page.locator("tieline-chat button")).to_be_visible()
        await at.page.evaluate("window.tieline.ring('+86 138 0013 8000')")
        chat = at.page.frame_locator("tieline-chat iframe")
        await chat.locator("input[name=name]").fill("Mei Lin")
        await expect(chat.locator("#ring")).to_be_hidden()
        await chat.locator("form#form button").click()
        await expect(chat.locator("#number")).to_have_value("+86 138 0013 8000")
        await chat.locator("#number").fill("+1 900")
        await chat.locator("#call-yes").click()
        await expect(chat.locator("#call-said")).to_contain_text("We cannot ring this number.")
        await chat.locator("#number").fill("+8613800138000")
        await chat.locator("#call-yes").click()
        await expect(chat.locator("#state")).to_contain_text("We will ring you.")
        assert shop.house.rung[-1][1] == "+8613800138000"
        assert at.complaints == []


@asynccontextmanager
async def without_form(shop: Shop) -> AsyncIterator[None]:
    asks, shop.house.shop = shop.house.shop, replace(shop.house.shop, ask=())
    try:
        yield
    finally:
        shop.house.shop = asks


async def test_who_only_looks_is_greeted_and_begins_with_the_first_word(shop: Shop) -> None:
    story = shop.house.rooms.story
    async with without_form(shop), window(shop.browser) as at:
        shop.more, before = "", len(story)
        await at.page.goto(shop.url)
        button = at.page.locator("tieline-chat button")
        await expect(button).to_be_visible()
        chat = at.page.frame_locator("tieline-chat iframe")
        await expect(chat.locator("#state")).to_be_hidden()  # nothing is connected
        await button.click()
        await expect(chat.locator("li.bot .said")).to_contain_text("How can we help?")
        assert len(story) == before
        await says(chat, "1")
        await expect(chat.locator("li .said").first).to_contain_text("How can we help?")
        await expect(chat.locator("li.customer .said")).to_have_text(["1"])
        assert len(story) > before
        assert at.complaints == []


async def test_a_picture_is_shown_to_one_who_wrote_too_fast_to_be_told_where_it_is(
    shop: Shop,
) -> None:
    async with window(shop.browser) as at:
        _, chat = await begun(shop, at)
        has_written_too_fast(shop)
        sent = FilePayload(name="dot.png", mimeType="image/png", buffer=DOT)
        await chat.locator("#file").set_input_files(sent)
        await expect(chat.locator("li.customer img")).to_have_js_property("naturalWidth", 1)
        assert at.complaints == []


async def test_a_file_may_be_the_first_word_and_is_shown(shop: Shop) -> None:
    async with without_form(shop), window(shop.browser) as at:
        shop.more = ""
        await at.page.goto(shop.url)
        await at.page.locator("tieline-chat button").click()
        chat = at.page.frame_locator("tieline-chat iframe")
        await expect(chat.locator("li.bot .said")).to_contain_text("How can we help?")
        sent = FilePayload(name="dot.png", mimeType="image/png", buffer=DOT)
        await chat.locator("#file").set_input_files(sent)
        picture = chat.locator("li.customer img")
        await expect(picture).to_have_js_property("naturalWidth", 1)
        link = await chat.locator("li.customer a").get_attribute("href")
        assert link is not None
        assert "?key=" in link
        assert at.complaints == []


async def test_who_signs_out_of_the_site_leaves_nothing_in_the_chat(shop: Shop) -> None:
    told = {"id": "customer-9", "name": "Ada", "exp": shop.house.rooms.time + 3600}
    async with window(shop.browser) as at:
        shop.more = f'data-identity="{sign(told, SECRET)}"'
        page = at.page
        await page.goto(shop.url)
        await page.locator("tieline-chat button").click()
        chat = page.frame_locator("tieline-chat iframe")
        await expect(chat.locator("li.bot .said")).to_contain_text("How can we help?")
        await says(chat, "My account is 12345.")
        name = await page.frames[1].evaluate("localStorage['tieline.shop.chat']")
        assert shop.house.visitors.here(name)
        await page.evaluate("window.tieline.leave()")
        await expect(chat.locator("input[name=name]")).to_be_visible()  # a stranger's form
        await expect(chat.locator("li.customer")).to_have_count(0)
        assert not shop.house.visitors.here(name)
        kept = await page.frames[1].evaluate("JSON.stringify(localStorage)")
        assert name not in kept
        assert "12345" not in kept
        await chat.locator("input[name=name]").fill("Tom")
        await chat.locator("form#form button").click()
        await says(chat, "Hello")
        other = await page.frames[1].evaluate("localStorage['tieline.shop.chat']")
        assert other != name
        assert at.complaints == []


def signed(shop: Shop, lasts: float = 600, who: str = "customer-3") -> str:
    told = {"id": who, "name": "Ada", "exp": shop.house.rooms.time + lasts}
    return sign(told, SECRET)


async def vouched(shop: Shop, at: Window, more: str = "") -> tuple[Page, FrameLocator]:
    """The chat of a visitor whom the site knows by the word it gives at an address of its own."""
    shop.more = f'data-identity-url="/who" {more}'
    await at.page.goto(shop.url)
    await at.page.locator("tieline-chat button").click()
    chat = at.page.frame_locator("tieline-chat iframe")
    await expect(chat.locator("li.bot .said").first).to_contain_text("How can we help?")
    return at.page, chat


async def lapsed(
    shop: Shop, at: Window, who: str, then: str
) -> tuple[Page, FrameLocator, str, asyncio.Event]:
    """The chat of `who`, whose word is over; once the event is set the site vouches for `then`."""
    asked, may = asyncio.Event(), asyncio.Event()

    async def at_once() -> str:
        return signed(shop, who=who)

    async def later() -> str:
        asked.set()
        await may.wait()
        return signed(shop, who=then)

    shop.word = at_once
    page, chat = await vouched(shop, at)
    await says(chat, "one")
    name = await page.frames[1].evaluate("localStorage['tieline.shop.chat']")
    shop.word, shop.house.rooms.time = later, shop.house.rooms.time + 601
    async with asyncio.timeout(30):
        await asked.wait()
    return page, chat, name, may


async def test_who_is_still_signed_in_goes_on_when_the_sites_word_is_over(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "LOOK", 0.05)
    async with window(shop.browser) as at:
        page, chat, name, may = await lapsed(shop, at, "customer-3", "customer-3")
        await chat.locator("#text").fill("two")
        await chat.locator("#text").press("Enter")
        await expect(chat.locator("li.customer .way").last).to_have_text("not sent yet")
        await answers(shop, page, "Are you there?")
        may.set()
        await expect(chat.locator("li.customer .way").last).to_have_text("sent")
        await expect(chat.locator("li.bot", has_text="Are you there?")).to_have_count(1)
        await expect(chat.locator("li.customer .said")).to_have_text(["one", "two"])
        assert await page.frames[1].evaluate("localStorage['tieline.shop.chat']") == name
        thread = shop.house.rooms.threads.book.get(name)
        assert thread is not None
        said = [text for by, text in shop.house.rooms.said(thread) if by == "customer"]
        assert said == ["one", "two"]
        assert at.complaints == []


async def test_what_one_wrote_is_never_sent_as_another_who_has_signed_in_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "LOOK", 0.05)
    async with window(shop.browser) as at:
        page, chat, name, may = await lapsed(shop, at, "customer-5", "customer-6")
        await chat.locator("#text").fill("my account is 12345")
        await chat.locator("#text").press("Enter")
        await expect(chat.locator("li.customer .way").last).to_have_text("not sent yet")
        may.set()
        await expect(chat.locator("li.customer")).to_have_count(0)
        await says(chat, "two")
        await expect(chat.locator("li.customer .said")).to_have_text(["two"])
        other = await page.frames[1].evaluate("localStorage['tieline.shop.chat']")
        assert other != name
        thread = shop.house.rooms.threads.book.get(other)
        assert thread is not None
        said = [text for by, text in shop.house.rooms.said(thread) if by == "customer"]
        assert said == ["two"]
        assert at.complaints == []


async def test_who_is_signed_in_no_more_is_a_stranger_to_the_chat(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "LOOK", 0.05)

    async def at_once() -> str:
        return signed(shop)

    async with window(shop.browser, NARROW) as at:
        shop.word = at_once
        page, chat = await vouched(shop, at, 'data-language="zh"')
        await says(chat, "my account is 12345", "已发送")
        name = await page.frames[1].evaluate("localStorage['tieline.shop.chat']")
        shop.word, shop.house.rooms.time = None, shop.house.rooms.time + 601
        await expect(chat.locator("input[name=name]")).to_be_visible()
        await expect(chat.locator("li.house .said")).to_contain_text("登录已结束")
        await expect(chat.locator("#log")).not_to_contain_text("12345")
        assert not shop.house.visitors.here(name)
        assert await serious(page.frames[1]) == []
        kept = await page.frames[1].evaluate("JSON.stringify(localStorage)")
        assert name not in kept
        await chat.locator("input[name=name]").fill("王芳")
        await chat.locator("form#form button").click()
        await says(chat, "您好", "已发送")
        assert await page.frames[1].evaluate("localStorage['tieline.shop.chat']") != name
        assert at.complaints == []


async def test_the_link_of_a_text_message_opens_the_chat_of_that_contact_for_good(
    shop: Shop,
) -> None:
    known = {"fields": {}, "level": "unknown", "customer": {}, "proofs": [], "proven": []}
    about = {"site": "shop", "known": known}
    secret = await shop.house.passes.link("chat", "call-7", 600, about)
    async with window(shop.browser, NARROW) as at:
        page = at.page
        await page.goto(f"{shop.house.url}/widget/frame?site=shop#{secret}")
        await expect(page.locator("li.bot")).to_contain_text("How can we help?")
        await expect(page.locator("#form")).to_be_hidden()
        assert secret not in page.url, "nothing is left for whoever borrows the telephone"
        assert await overflow(page) <= 0
        await page.locator("#text").fill("Hello again.")
        await page.locator("#text").press("Enter")
        await expect(page.locator("li.customer .way").last).to_have_text("sent")
        await page.reload()
        await expect(page.locator("li.customer .said")).to_have_text(["Hello again."])
        assert at.complaints == []
    thread = shop.house.rooms.threads.book.get("call-7")
    assert thread is not None
    assert ("customer", "Hello again.") in shop.house.rooms.said(thread)
