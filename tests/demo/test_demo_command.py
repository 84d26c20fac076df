"""`tieline demo`, from the outside."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from ivr.cli import demo
from ivr.cli.demo import INTERRUPTED
from ivr.demo import performance
from ivr.demo.desk import Desk
from ivr.errors import IvrError
from ivr.settings import Settings
from tests.chats.house import Visitor


def test_without_phones_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    with pytest.raises(IvrError, match=r"\.\[demo\]"):
        demo.demo(fast=True)


async def test_the_first_interruption_ends_it_in_order() -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.05)
            steps.append("tidied up")

    assert await demo._interruptible(work()) == INTERRUPTED
    assert steps == ["tidied up"]


async def start(*words: str, folder: Path) -> asyncio.subprocess.Process:
    environment = {key: text for key, text in os.environ.items() if not key.startswith("TIELINE_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ivr", "demo", *words),
        cwd=folder,
        env={**environment, "TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """Somewhere that is not as deep as pytest's own folders: a socket's path must fit."""
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        yield Path(name)


async def told_until(process: asyncio.subprocess.Process, wanted: str) -> str:
    """What is printed up to the line that has `wanted` in it."""
    assert process.stdout is not None
    lines: list[str] = []
    # It begins by speaking some three hundred sentences, which takes as long as it takes.
    async with asyncio.timeout(180):
        while wanted not in "".join(lines[-1:]):
            line = (await process.stdout.readline()).decode()
            assert line, "".join(lines)[-3000:]
            lines.append(line)
    return "".join(lines)


async def a_browser_chats(told: str) -> None:
    """Whoever watches opens the shop and the desk, chats, and wants to be rung at a number."""
    doors = re.search(r"shop +(\S+)\n.*desk +(\S+)/desk/ +name (\S+), password (\S+)", told)
    assert doors is not None, told[-1000:]
    shop, address, name, password = doors.groups()
    async with aiohttp.ClientSession() as session, Desk.of(address, name, password) as desk:
        async with session.get(shop) as page:
            assert f'src="{address}/widget/tieline.js"' in await page.text()
        async with session.ws_connect(f"{address}/widget/talk") as socket:
            visitor = Visitor(socket)
            await socket.send_json({"type": "hello", "site": "shop", "form": {"name": "Ida"}})
            await visitor.say("anything else")
            offer = await desk.told("chat_offered")
            await desk.ask("POST", f"/api/chats/offers/{offer['offer']}/accept")
            await visitor.until("state", phase="talking")
            await socket.send_json({"type": "ring_me", "number": "+49 30 5550 0000"})
            assert (await visitor.until("ringing"))["ok"]


@pytest.mark.e2e
async def test_a_newcomer_sees_every_act_plays_on_and_leaves_nothing_behind(folder: Path) -> None:
    process = await start("--fast", "--stay", folder=folder)
    assert process.stdout is not None
    told = await told_until(process, "answer by themselves")
    told += await told_until(process, "CALLERS")
    assert "\x1b" not in told
    for line in (
        "“Riverside Clinic. For English,",
        "“请输入四位密码。”",
        "Mei types ••••",
        "they belong together: VERIFIED",
        "│ Cards, Mei Lin, verified",
        "the same contact, on to 4103",
        "Omar hears Li Na",
        "agent 1001 transfers to 4103",
        "Raj waits at place 2",
        "2. Raj Patel <+442079460321>",
        "☎ Nora's phone rings",
        "│ Ringing  Nora Vogel  +493070000077  Book orders  order 1001, shipped",
        "Customer  It came today, and it is wet. Can you ring me?",
        "Nora hears Zhang Wei",
        "“A dry copy leaves today.",
        "text message delivered",
        "calls   6, all answered by a person",
    ):
        assert line in told
    assert not re.search(r"\b4321\b", told), "a PIN was shown"
    for what in ("dialling → first word", "click → visitor's phone rings", "ready → phone rings"):
        assert re.search(rf"{what}\s.*\d ms", told)
    heard = re.search(r"([\d.]+) s by callers, ([\d.]+) s by agents", told)
    assert heard is not None
    assert min(map(float, heard.groups())) > 5
    await a_browser_chats(told)
    await told_until(process, "Zhang Wei's phone is answered")
    process.send_signal(signal.SIGINT)
    rest = (await process.stdout.read()).decode()
    assert await process.wait() == INTERRUPTED
    assert "Stopped" in rest
    assert list(folder.iterdir()) == [], "something was left behind"
    mine = str(folder).encode()
    left = [each.name for each in Path("/proc").glob("[0-9]*") if mine in command_of(each)]
    assert left == []


async def test_after_the_last_act_it_is_told_what_to_try(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    played: list[bool] = []

    async def perform(*_: object, fast: bool, stay: bool) -> None:
        played.extend((fast, stay))

    monkeypatch.setattr(performance, "perform", perform)
    printed = io.StringIO()
    console = Console(file=printed, width=100)
    await demo._demo(console, Settings(folder=tmp_path), fast=True, stay=False)
    assert played == [True, False]
    assert "Take calls: dial *42" in printed.getvalue()


def command_of(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it ended meanwhile, or belongs to somebody else
        return b""
