"""The desk of those who lead, and the way in by an identity provider, in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from acd.customers import Address
from acd.model import AgentState, Event, Paused
from acd.views import CallRow
from ivr.settings import Settings
from tests.web.browser import (
    NARROW,
    WIDE,
    Window,
    chromium,
    overflow,
    serious,
    shoot,
    window,
)
from tests.web.desk_house import PASSWORD, DeskHouse, desk_house
from tests.web.identity_provider import CLIENT, SECRET, IdentityProvider, identity_provider

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD = "name,phone\n" + "".join(f"Customer {n},139{n:08}\n" for n in range(1200))
MIXED = "name,phone\nMei Lin,13800138000\n<img src=x onerror=alert(1)>,not a number\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with chromium(Settings(folder=tmp_path_factory.mktemp("browser"))) as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[IdentityProvider]:
    """Another site than the desk: browsers send it none of the desk's cookies, nor back."""
    async with identity_provider("localhost") as provider:
        provider.asks = True
        provider.person = {"sub": "u-1", "email": "ana@example.org", "email_verified": True}
        yield provider


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, provider: IdentityProvider
) -> AsyncIterator[DeskHouse]:
    folder = tmp_path_factory.mktemp("office")
    (folder / "oidc-client-secret").write_text(SECRET)
    oidc = {"issuer": provider.url, "client_id": CLIENT, "name": "Example ID"}
    async with desk_house(folder, oidc=oidc) as house:
        await house.user("ana@example.org", extension="1001", title="Ana Ruiz")
        await house.user("boss", ("supervisor",), title="Bo")
        await house.user("wang", ("supervisor",), title="王芳", language="zh")
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def house(shared: DeskHouse) -> AsyncIterator[DeskHouse]:
    yield shared
    await shared.quiet()


async def signed_in(house: DeskHouse, opened: Window, name: str = "boss") -> Page:
    page = opened.page
    await page.goto(f"{house.url}/desk/")
    await page.fill("input[name=username]", name)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_selector(".bar .who")
    return page


# --- signing in -----------------------------------------------------------------------------------


async def test_one_signs_in_at_another_site_and_out_of_both(
    house: DeskHouse, browser: Browser, provider: IdentityProvider
) -> None:
    async with window(browser) as opened:
        page = opened.page
        await page.goto(f"{house.url}/desk/")
        await page.get_by_role("link", name="Sign in with Example ID").click()
        await page.get_by_role("link", name="It is me").click()
        await expect(page.locator(".who")).to_contain_text("Ana Ruiz")
        await expect(page.locator(".self .link.on")).to_have_count(1)
        assert page.url == f"{house.url}/desk/"
        before = len(provider.signed_out)
        async with page.expect_response(f"{provider.url}/out*"):
            await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("link", name="Sign in with Example ID")).to_be_visible()
        assert len(provider.signed_out) == before + 1
        assert await page.evaluate("fetch('/api/me').then((answer) => answer.status)") == 401


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280x720", "390x844"])
async def test_who_is_not_let_in_reads_why_and_can_try_again(
    house: DeskHouse, browser: Browser, provider: IdentityProvider, size: tuple[int, int]
) -> None:
    async with window(browser, size, dark=size == NARROW) as opened:
        page = opened.page
        await page.goto(f"{house.url}/api/sign-in/oidc")
        provider.claims = {"email": "nobody@example.org", "sub": "u-9"}
        await page.get_by_role("link", name="It is me").click()
        provider.claims = {}
        await expect(page.get_by_role("alert")).to_contain_text("you have no account here")
        assert page.url == f"{house.url}/desk/"
        assert await overflow(page) <= 0
        assert await serious(page) == []
        await page.goto("about:blank")
        await page.goto(f"{house.url}/desk/#sign-in=<script>")
        await expect(page.get_by_role("link", name="Sign in with")).to_be_visible()
        assert await page.get_by_role("alert").count() == 0


# --- the floor ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280x720", "390x844"])
async def test_a_supervisor_sees_the_floor_as_it_changes_and_why_a_call_waits(
    house: DeskHouse, browser: Browser, size: tuple[int, int]
) -> None:
    async with window(browser, size, dark=size == NARROW) as opened:
        page = await signed_in(house, opened)
        for agent in ("1001", "1002"):
            house.log_in(agent)
        talking = house.call(agent="1001")
        house.answer(talking)
        await page.keyboard.press("7")
        row = page.locator(".floor-queues tr", has_text="Appointments")
        agent = page.locator("ul.floor-agents li", has_text="1001")
        await expect(agent).to_contain_text("In a call")
        house.distributor.send(_break(house, "1002"))
        house.call(name="Tom Berg", caller="+8613900139000", queue="appointments", agent="1001")
        await expect(row.locator("td").first).to_have_text("1")
        await row.get_by_role("button").click()
        await expect(page.locator(".calls")).to_contain_text("Tom Berg")
        await page.get_by_role("button", name="Why?").click()
        why = page.locator(".why")
        await expect(why).to_contain_text("Everyone there who could take it is busy.")
        await expect(why).to_contain_text("it wants another agent")
        assert await overflow(page) <= 0
        assert await serious(page) == []
        await page.evaluate("scrollTo(0, 0)")
        if size == WIDE:
            await shoot(page, "desk-floor")
        house.end(talking)
        await expect(agent).to_contain_text("Wrap-up")
        assert opened.complaints == []


def _break(house: DeskHouse, agent: str) -> Event:
    return Paused(house.clock(), agent, "lunch")


async def test_a_supervisor_moves_agents_by_the_keyboard_alone(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        await page.keyboard.press("7")
        row = page.locator("ul.floor-agents li", has_text="1001")
        await row.get_by_role("button", name="1001").focus()
        await page.keyboard.press("Enter")
        await row.get_by_role("button", name="Log in").focus()
        await page.keyboard.press("Enter")
        await expect(row.locator(".agent-row")).to_contain_text("Ready")
        assert await serious(page) == []
        await page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        assert await overflow(page) <= 0
        await row.get_by_role("combobox").select_option("training")
        await row.get_by_role("button", name="Break").last.press("Enter")
        await expect(row.locator(".agent-row")).to_contain_text("Training")
        leave = row.get_by_role("button", name="Leave:").first
        await leave.press("Enter")
        await expect(row.get_by_role("button", name="Join:").first).to_be_visible()
        assert house.distributor.engine.agent_row("1001", house.clock()).out_of
        await row.get_by_role("button", name="Join:").first.press("Enter")
        await expect(row.get_by_role("button", name="Join:")).to_have_count(0)
        await row.get_by_role("button", name="Log out").press("Enter")
        await expect(row.locator(".agent-row")).to_contain_text("Logged out")
        now = house.distributor.engine.agent_row("1001", house.clock())
        assert now.state is AgentState.LOGGED_OUT
        assert opened.complaints == []


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280x720", "390x844"])
async def test_a_supervisor_moves_and_takes_out_calls_and_all_who_lead_see_it(
    house: DeskHouse, browser: Browser, size: tuple[int, int]
) -> None:
    async with window(browser, size, dark=size == NARROW) as opened, window(browser) as second:
        page, other = await signed_in(house, opened), await signed_in(house, second, "wang")
        contact = house.call(name="Tom Berg", queue="appointments")
        for each in (page, other):
            await each.keyboard.press("7")
        await other.locator(".floor-queues button").nth(_place(house, "appointments")).click()
        await expect(other.locator(".calls")).to_contain_text("Tom Berg")
        row = page.locator(".floor-queues tr", has_text="Appointments")
        await row.get_by_role("button").press("Enter")
        change = page.get_by_role("button", name="Change Tom Berg")
        await change.press("Enter")
        await expect(change).to_have_attribute("aria-expanded", "true")
        assert await overflow(page) <= 0
        assert await serious(page) == []
        await page.get_by_label("Priority").fill("5")
        await page.get_by_label("Priority").press("Enter")
        await expect(page.locator(".notices")).to_contain_text("Its priority is 5.")
        assert _row_of(house, contact).priority == 5
        told = expect(other.locator(".notices")).to_contain_text("移到", timeout=30_000)
        seen = asyncio.create_task(told)  # it is there for four seconds
        await page.get_by_label("Move to").select_option("billing")
        await page.get_by_role("button", name="Move", exact=True).press("Enter")
        await expect(page.locator(".calls")).to_contain_text("Nobody waits.")
        await expect(row.get_by_role("button").first).to_be_focused()
        assert _row_of(house, contact).queue == "billing"
        await expect(other.locator(".calls")).not_to_contain_text("Tom Berg")
        await seen
        billing = page.locator(".floor-queues tr", has_text="Billing")
        await billing.get_by_role("button").press("Enter")
        await page.get_by_role("button", name="Change Tom Berg").press("Enter")
        await page.get_by_role("button", name="Take out of the queue").press("Enter")
        await expect(page.locator(".calls")).to_contain_text("Nobody waits.")
        assert house.distributor.engine.calls_view(house.clock()) == []
        assert opened.complaints == second.complaints == []


async def test_what_was_answered_meanwhile_is_not_moved_and_the_supervisor_reads_why(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        house.log_in("1001")
        contact = house.call(agent="1001", queue="appointments")
        await page.keyboard.press("7")
        row = page.locator(".floor-queues tr", has_text="Appointments")
        await row.get_by_role("button").click()
        await page.get_by_role("button", name="Change Mei Lin").click()
        move = page.get_by_role("button", name="Move", exact=True)
        await expect(move).to_be_visible()
        async with _held(page, "**/move"):
            await move.press("Enter")
            house.answer(contact)
            await house.distributor.settled()
        await expect(page.locator(".notice.bad")).to_contain_text("Agent 1001 has answered it")
        assert _row_of(house, contact).queue == "appointments"


async def test_a_break_at_once_takes_back_what_rings(house: DeskHouse, browser: Browser) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened)
        house.log_in("1001")
        contact = house.call(agent="1001")
        await page.keyboard.press("7")
        row = page.locator("ul.floor-agents li", has_text="1001")
        await expect(row.locator(".agent-row")).to_contain_text("Ringing")
        await row.get_by_role("button", name="1001").press("Enter")
        await row.get_by_role("checkbox", name="At once").press("Space")
        await row.get_by_role("combobox").select_option("training")
        await row.get_by_role("button", name="Break").last.press("Enter")
        await expect(row.locator(".agent-row")).to_contain_text("Training")
        assert house.offer_of(contact) == ""
        assert await serious(page) == []
        assert opened.complaints == []


def _row_of(house: DeskHouse, contact: str) -> CallRow:
    rows = house.distributor.engine.calls_view(house.clock())
    return next(row for row in rows if row.contact == contact)


def _place(house: DeskHouse, queue: str) -> int:
    rows = house.distributor.engine.queues_view(house.clock())
    return [row.queue for row in rows].index(queue)


@asynccontextmanager
async def _held(page: Page, path: str) -> AsyncIterator[None]:
    """What the page asks there goes on its way only when this is over."""
    go = asyncio.Event()

    async def later(route: Route) -> None:
        await go.wait()
        await route.continue_()

    await page.route(path, later)
    yield
    go.set()


async def test_agents_have_neither_the_floor_nor_the_files(
    house: DeskHouse, browser: Browser
) -> None:
    async with window(browser) as opened:
        page = await signed_in(house, opened, "ana@example.org")
        await expect(page.locator(".views button")).to_have_count(6)
        await page.keyboard.press("7")
        await expect(page.locator(".view.on")).to_contain_text("Contact")


# --- customers' files -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280x720", "390x844"])
async def test_a_file_is_checked_then_taken_and_its_wrong_rows_come_back(
    house: DeskHouse, browser: Browser, size: tuple[int, int], tmp_path: Path
) -> None:
    mixed, good = tmp_path / f"mixed-{size[0]}.csv", tmp_path / f"good-{size[0]}.csv"
    mixed.write_text(MIXED)
    good.write_text(GOOD)
    async with window(browser, size, dark=size == NARROW) as opened:
        page = await signed_in(house, opened)
        await page.keyboard.press("8")
        await expect(page.locator("h1")).to_have_text("Import and export")
        await expect(page.locator(".view.on")).to_be_in_viewport()
        assert await serious(page) == []
        await page.set_input_files("input[type=file]", mixed)
        await page.get_by_role("button", name="Check", exact=True).press("Enter")
        job = page.locator(".job", has_text=mixed.name)
        await expect(job).to_contain_text("Done")
        await expect(job).to_contain_text("only checked")
        await expect(job).to_contain_text("Row 3 · phone")
        async with page.expect_download() as waited:
            await job.get_by_role("link", name="Download the wrong rows").click()
        download = await waited.value
        assert download.suggested_filename == f"{mixed.stem}.errors.csv"
        await page.set_input_files("input[type=file]", good)
        await page.get_by_role("checkbox").uncheck()
        await page.get_by_role("button", name="Import", exact=True).press("Enter")
        taken = page.locator(".job", has_text=good.name)
        await expect(taken).to_contain_text("1,200 rows", timeout=30_000)
        await expect(taken).to_contain_text("Done")
        assert await overflow(page) <= 0
        assert await serious(page) == []
        async with page.expect_download() as waited:
            await page.get_by_role("link", name="Download CSV").click()
        exported = await (await waited.value).path()
        assert len(exported.read_text("utf-8-sig").splitlines()) >= 1201
        assert opened.complaints == []


async def test_the_office_speaks_chinese(house: DeskHouse, browser: Browser) -> None:
    await house.customers.create(
        name="Anna", addresses=[Address("phone", "+8613700137999")], by="boss"
    )
    async with window(browser, locale="zh-CN") as opened:
        await opened.page.goto(f"{house.url}/desk/")
        await expect(opened.page.get_by_role("link", name="使用 Example ID 登录")).to_be_visible()
        page = await signed_in(house, opened, "wang")
        await page.keyboard.press("7")
        await expect(page.locator("#work")).to_contain_text("服务水平")
        await page.keyboard.press("8")
        await expect(page.locator("h1")).to_have_text("导入和导出")
        assert opened.complaints == []
