"""Debian's Chromium, driven by Playwright: a page of the desk, and what it must never do."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Frame, Page, async_playwright, expect

from ivr.asterisk.provision import ensure_tools
from ivr.settings import Settings

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE = (1280, 720)
NARROW = (390, 844)
PATIENCE_MS = 10_000
PICTURES = os.environ.get("PICTURES_TO", "")
"""The folder that pictures of the screens go to; "" takes none."""


@dataclass
class Window:
    """One page, and everything it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@asynccontextmanager
async def chromium(settings: Settings) -> AsyncIterator[Browser]:
    tool = ensure_tools(settings, ("chromium",), lambda *_: None)["chromium"]
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=tool.argv_prefix[0],
            args=list(FLAGS),
            env={**tool.environment()},
            headless=True,
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window(
    browser: Browser, size: tuple[int, int] = WIDE, *, dark: bool = False, locale: str = "en-GB"
) -> AsyncIterator[Window]:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        locale=locale,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    opened = Window(await context.new_page())
    opened.page.on(
        "console",
        lambda said: (
            opened.complaints.append(said.text) if said.type in ("error", "warning") else None
        ),
    )
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    try:
        yield opened
    finally:
        await context.close()


async def serious(page: Page | Frame, part: str | None = None) -> list[str]:
    """What axe finds, there or in a part of it, that keeps somebody from reading or working."""
    found = (await Axe().run(page, part)).response["violations"]  # type: ignore[arg-type]  # a frame does
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:120]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


async def overflow(page: Page | Frame) -> int:
    """Pixels by which it is wider than what is seen of it."""
    return int(
        await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


async def shoot(page: Page, name: str) -> None:
    """Take a picture for the documents, if somebody asks for pictures."""
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=f"{PICTURES}/{name}.png", animations="disabled")
