"""The desk in a real browser: quick, quiet, for everybody's eyes and keys, and never fooled."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from acd.customers import Address
from acd.desk import Code
from ivr.desk_talk import State
from ivr.settings import Settings
from ivr.web.hub import EVERYBODY
from tests.web.browser import NARROW, WIDE, Window, chromium, overflow, serious, shoot, window
from tests.web.desk_house import PASSWORD, DeskHouse, desk_house, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVIL = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>'
"""What a caller's name, a message or a note may hold."""
FIRST_PAINT_MS = 1000
PICTURED = {(WIDE, False): "desk", (NARROW, True): "desk-phone"}
VIEWS = ("Contact", "Customer", "Tickets", "Chats", "Knowledge", "My day")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with chromium(Settings(folder=tmp_path_factory.mktemp("browser"))) as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path_factory.mktemp("desk")) as house:
        await house.user("ana", extension="1001", title="Ana Ruiz")
        await house.user("li", extension="1002", title="李娜", language="zh")
        await house.user("boss", ("supervisor",), title="Bo")
        await house.customers.create(
            name="Mei Lin",
            segment="VIP",
            tags=["wheelchair"],
            addresses=[Address("phone", "+8613800138000")],
            by="boss",
        )
        await house.knowledge.add(
            "Opening hours", "The desk is open from eight to six. Holidays differ.", by="boss"
        )
        await house.dispositions.define(
            "appointments", [Code("booked", "Booked"), Code("no-slot", "No slot free")]
        )
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def house(shared: DeskHouse) -> AsyncIterator[DeskHouse]:
    """No call is left over for the next test."""
    yield shared
    await shared.quiet()


async def signed_in(house: DeskHouse, opened: Window, name: str = "ana") -> Page:
    page = opened.page
    await page.goto(f"{house.url}/desk/")
    await page.fill("input[name=username]", name)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_selector(".bar .state")
    return page


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280x720", "390x844"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_view_is_whole_readable_and_quiet(
    house: DeskHouse, browser: Browser, size: tuple[int, int], dark: bool
) -> None:
    async with window(browser, size, dark=dark) as opened:
        page = await signed_in(house, opened)
        house.log_in("1001")
        known = {"reason": "appointment", "birth_date": "1984-03-12", "name": "Mei Lin"}
        contact = house.call(agent="1001", fields=known, level="number")
        await expect(page.locator(".head h1")).to_have_text("Mei Lin")
        house.answer(contact)
        await expect(page.locator(".phase")).to_contain_text("In the call")
        await expect(page.locator("ol.path")).to_contain_text("agent 1001 answers")
        if (size, dark) in PICTURED:
            await shoot(page, PICTURED[size, dark])
        for view in VIEWS:
            await page.get_by_role("button", name=view, exact=False).first.click()
            await expect(page.locator(".view.on")).to_contain_text(view)
            assert await overflow(page) <= 0, view
            assert await serious(page) == [], view
        for key, title in (("t", "Transfer"), ("m", "Text message"), ("?", "Keys")):
            await page.keyboard.press("1")
            await expect(page.locator(".head")).to_be_visible()
            await page.keyboard.press(key)
            await expect(page.get_by_role("dialog", name=title)).to_be_visible()
            assert await overflow(page) <= 0, title
            assert await serious(page) == [], title
            await page.keyboard.press("Escape")
        assert opened.complaints == []


async def test_the_first_paint_takes_less_than_a_second(house: DeskHouse, browser: Browser) -> None:
    painted = [await first_paint(house, browser)]
    # Each in a browser that has seen nothing yet: a page that is slow by itself is so every time.
    while min(painted) >= FIRST_PAINT_MS and len(painted) < 5:
        painted.append(await first_paint(house, browser))
    assert min(painted) < FIRST_PAINT_MS, painted


async def first_paint(house: DeskHouse, browser: Browser) -> float:
    async with window(browser) as opened:
        await opened.page.goto(f"{house.url}/desk/")
        await opened.page.wait_for_selector("form")
        painted = await opened.page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        )
        assert opened.complaints == []
    return float(painted)


async def test_the_phone_rings_and_the_desk_knows_who_it_is(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        await page.get_by_role("button", name="Log in").click()
        await expect(page.locator(".state")).to_contain_text("Ready")
        contact = house.call(agent="1001", fields={"reason": "appointment", "account": "12-345"})
        await expect(page.locator(".phase")).to_contain_text("Ringing")
        await expect(page.locator(".head")).to_contain_text("Mei Lin")
        await expect(page.locator(".head")).to_contain_text("+8613800138000")
        await expect(page.locator(".head")).to_contain_text("wants an appointment")
        await expect(page.locator(".head")).to_contain_text("VIP")
        await expect(page.locator(".head .badge").first).to_have_text("known customer")
        await expect(page.locator("#work")).to_contain_text("12-345")
        await expect(page.locator("ol.path")).to_contain_text("pressed 1")
        await expect(page.locator("ol.guidance")).to_contain_text("Riverside Clinic, good day")
        house.answer(contact)
        await expect(page.locator(".phase")).to_contain_text("In the call")
        house.end(contact)
        await expect(page.locator(".state")).to_contain_text("Wrap-up")
        await page.select_option("select[aria-label='How did it end?']", "booked")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator(".notice")).to_contain_text("Noted.")
        await page.keyboard.press("w")
        await expect(page.locator(".state")).to_contain_text("Ready")
    (given,) = await house.dispositions.given(contact)
    assert (given.code, given.agent) == ("booked", "1001")


async def test_a_second_ringing_never_shows_the_first_caller(
    house: DeskHouse, browser: Browser
) -> None:
    """The first caller gives up while their facts are still on the way; another one rings."""
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        house.log_in("1001")
        slow = house.call(caller="+8613900139001", name="First Caller", agent="1001")
        held: list[str] = []

        async def late(route, request):  # type: ignore[no-untyped-def]
            held.append(request.url)
            await page.wait_for_timeout(1200)
            await route.continue_()

        await page.route(f"**/api/contacts/{slow}", late)
        await expect(page.locator(".head")).to_contain_text("First Caller")
        house.leave(slow)
        second = house.call(caller="+8613900139002", name="Second Caller", agent="1001")
        await expect(page.locator(".head")).to_contain_text("Second Caller")
        await page.wait_for_timeout(1500)
        await expect(page.locator(".head")).to_contain_text("+8613900139002")
        assert "First" not in await page.locator("#work").inner_text()
        house.answer(second)
        await expect(page.locator(".phase")).to_contain_text("In the call")
        assert "First" not in await page.locator("#work").inner_text()


async def test_script_in_names_fields_notes_and_articles_stays_text(
    house: DeskHouse, browser: Browser
) -> None:
    customer = await house.customers.create(
        name=EVIL, tags=["<b>tag</b>"], addresses=[Address("phone", "+8613900139666")], by="boss"
    )
    await house.customers.note(customer.id, EVIL, "boss")
    await house.knowledge.add(f"evil {EVIL}", f"evil body {EVIL}", by="boss")
    await house.announcements.publish(f"News {EVIL}", EVIL, by="boss")
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        await expect(page.get_by_role("dialog")).to_contain_text("<script>")
        await page.get_by_role("button", name="I have read this").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        house.log_in("1001")
        house.call(caller="+8613900139666", name=EVIL, agent="1001", fields={"why": EVIL})
        await expect(page.locator(".head h1")).to_contain_text("<script>")
        await expect(page.locator("#work")).to_contain_text("onerror")
        await page.keyboard.press("2")
        await expect(page.locator("ol.path").filter(has_text="<script>").first).to_be_visible()
        await page.keyboard.press("/")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.keyboard.type("evil")
        await expect(page.locator(".hits mark").first).to_have_text("evil")
        await page.locator(".hits button").first.click()
        await expect(page.locator("article")).to_contain_text("<script>")
        assert await page.locator("#desk img, #desk script").count() == 0
        assert await page.title() != "taken"
        assert opened.complaints == []


async def test_a_must_read_stands_before_everything_until_it_is_read(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        told = await house.announcements.publish("New fees", "From Monday.", by="boss")
        house.web.hub.publish("announcement", {"id": told.id}, EVERYBODY)
        box = page.get_by_role("dialog", name="Announcement")
        await expect(box).to_contain_text("New fees")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        await expect(box).to_be_visible()
        await page.keyboard.press("Enter")
        await expect(box).to_have_count(0)
        assert [who for who, _ in await house.announcements.readers(told.id)] == ["ana"]


async def test_the_call_is_passed_on_by_the_keyboard_alone(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        house.log_in("1001")
        house.log_in("1003")
        contact = house.call(agent="1001")
        house.answer(contact)
        await expect(page.locator(".phase")).to_contain_text("In the call")
        await page.keyboard.press("t")
        await expect(page.get_by_role("dialog")).to_contain_text("free")
        await page.keyboard.type("billing")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator(".notice")).to_contain_text("passed on")
    assert house.outside.transferred[-1] == ("PJSIP/1001-0001", "4102")


async def stands(house: DeskHouse, contact: str, state: State, colleague: str = "") -> None:
    """What Asterisk would have told: the call stands so."""
    offer = house.find(house.offer_of(contact))
    live = house.contacts.get(contact)
    assert offer is not None
    assert live is not None
    house.outside.is_now(offer, state, colleague)
    house.contacts.tell(live, "asked", {"agent": colleague})


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280x720", "390x844"])
async def test_a_call_is_held_asked_about_joined_and_handed_over_by_the_keyboard_alone(
    house: DeskHouse, browser: Browser, size: tuple[int, int]
) -> None:
    async with window(browser, size) as opened:
        page = await signed_in(house, opened)
        house.log_in("1001")
        house.log_in("1002")
        contact = house.call(agent="1001")
        house.answer(contact)
        phase, moves = page.locator(".phase"), page.locator(".head .moves")
        await expect(moves).to_contain_text("Hold")
        await page.keyboard.press("h")
        await until(lambda: house.outside.done and house.outside.done[-1][0] == "held")
        await stands(house, contact, "held")
        await expect(phase).to_contain_text("the caller hears music")
        await page.keyboard.press("h")
        await until(lambda: house.outside.done[-1][0] == "talking")
        await stands(house, contact, "talking")
        await expect(phase).not_to_contain_text("music")
        await page.keyboard.press("c")
        box = page.get_by_role("dialog", name="Ask a colleague")
        await expect(box).to_contain_text("free")
        assert await overflow(page) <= 0
        assert await serious(page) == []
        await page.keyboard.type("1002")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(box).to_have_count(0)
        assert house.outside.done[-1][::2] == ("asking", "1002")
        await stands(house, contact, "asking", "1002")
        await expect(phase).to_contain_text("a colleague is rung")
        await stands(house, contact, "asked", "1002")
        await expect(phase).to_contain_text("Li Na is asked")
        await expect(moves).not_to_contain_text("Transfer")
        assert await overflow(page) <= 0
        assert await serious(page) == []
        await page.keyboard.press("j")
        await until(lambda: house.outside.done[-1][0] == "conference")
        await stands(house, contact, "conference", "1002")
        await expect(phase).to_contain_text("All three talk")
        await page.keyboard.press("l")
        await expect(page.locator(".notice")).to_contain_text("passed on")
        assert house.outside.done[-1][0] == "complete"
        await stands(house, contact, "talking")
        await expect(page.locator(".notice")).to_contain_text("together again")
        assert opened.complaints == []


async def test_a_colleague_who_is_asked_sees_whose_call_it_is(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        house.log_in("1001")
        contact = house.call(agent="1001")
        house.answer(contact)
        await stands(house, contact, "advising", "1002")
        await page.reload()
        await expect(page.locator(".phase")).to_contain_text("Li Na asks you about this caller")
        moves = page.locator(".head .moves")
        await expect(moves).not_to_contain_text("Hold")
        await expect(moves.get_by_role("button", name="Hang up")).to_be_enabled()


async def test_a_text_message_goes_to_whoever_is_on_the_line(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        house.log_in("1001")
        contact = house.call(agent="1001")
        house.answer(contact)
        await expect(page.locator(".phase")).to_contain_text("In the call")
        await page.keyboard.press("m")
        await expect(page.get_by_role("dialog").locator("textarea")).to_be_focused()
        await page.keyboard.type("Your appointment is on Tuesday at nine.")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".notice")).to_contain_text("on its way")
    sent = house.outside.texts[-1]
    assert (sent.contact, sent.to) == (contact, "+8613800138000")
    assert sent.text == "Your appointment is on Tuesday at nine."


async def test_the_desk_speaks_chinese(house: DeskHouse, browser: Browser) -> None:
    async with window(browser, locale="zh-CN") as opened:
        page = await signed_in(house, opened, "li")
        await expect(page.locator(".views")).to_contain_text("知识库")
        await page.get_by_role("button", name="English").click()
        await expect(page.locator(".views")).to_contain_text("Knowledge")
        assert opened.complaints == []


async def test_a_desk_that_was_cut_off_knows_again_what_is_so(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        house.log_in("1001")
        await expect(page.locator(".state")).to_contain_text("Ready")
        house.web.hub.end(user="nobody")
        for reader in tuple(house.web.hub._readers):
            reader.overrun.set()
        await expect(page.locator(".self .link")).to_contain_text("Connection lost")
        contact = house.call(agent="1001")
        await expect(page.locator(".head")).to_contain_text("Mei Lin", timeout=10_000)
        house.answer(contact)
        await expect(page.locator(".phase")).to_contain_text("In the call")


async def test_signing_out_ends_the_session_and_the_stream(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        await expect(page.locator(".state")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.locator("form")).to_contain_text("Sign in")
        assert len(house.web.hub) == 0
        answer = await page.request.get(f"{house.url}/api/me")
        assert answer.status == 401
