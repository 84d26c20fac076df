"""`tieline demo`, from the outside."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.cli import demo
from ivr.cli.demo import INTERRUPTED
from ivr.errors import IvrError


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


@pytest.mark.e2e
async def test_a_newcomer_sees_every_act_and_the_figures(folder: Path) -> None:
    process = await start("--fast", folder=folder)
    # It begins by speaking some three hundred sentences, which takes as long as it takes.
    async with asyncio.timeout(180):
        printed, _ = await process.communicate()
    told = printed.decode()
    assert process.returncode == 0, told[-3000:]
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
        "calls   5, all answered by a person",
        "Take calls: dial *42",
    ):
        assert line in told
    assert not re.search(r"\b4321\b", told.partition("Take calls")[0]), "a PIN was shown"
    for what in ("dialling → first word", "transfer → next phone rings", "ready → phone rings"):
        assert re.search(rf"{what}\s.*\d ms", told)
    heard = re.search(r"([\d.]+) s by callers, ([\d.]+) s by agents", told)
    assert heard is not None
    assert min(map(float, heard.groups())) > 5
    assert list(folder.iterdir()) == [], "something was left behind"


@pytest.mark.e2e
async def test_ctrl_c_in_the_middle_of_a_call_leaves_nothing_behind(folder: Path) -> None:
    process = await start("--fast", folder=folder)
    assert process.stdout is not None
    async with asyncio.timeout(180):
        while b"Sam presses 1" not in await process.stdout.readline():
            assert process.returncode is None
        process.send_signal(signal.SIGINT)
        rest = (await process.stdout.read()).decode()
        assert await process.wait() == INTERRUPTED
    assert "Stopped" in rest
    assert list(folder.iterdir()) == []
    mine = str(folder).encode()
    left = [each.name for each in Path("/proc").glob("[0-9]*") if mine in command_of(each)]
    assert left == []


def command_of(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it ended meanwhile, or belongs to somebody else
        return b""
