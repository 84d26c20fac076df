"""The operator's words typed into a real Asterisk."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from ivr.asterisk.process import AsteriskProcess
from ivr.asterisk.provision import Toolchain, ensure_asterisk
from ivr.cli import console
from ivr.floor import FloorPlan
from ivr.operator.server import OperatorServer, printable
from ivr.secrets import Secrets
from ivr.settings import Settings
from ivr.site import build_site, write_configuration
from tests.operator.conftest import FLOOR, House

pytestmark = pytest.mark.e2e


def free_ports(number: int) -> list[int]:
    """Ports nobody uses: held together, so that all differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@dataclass(frozen=True, slots=True)
class Switch:
    """A running Asterisk whose `acd` words reach a house."""

    settings: Settings
    toolchain: Toolchain
    asterisk: AsteriskProcess
    house: House

    async def typed(self, command: str) -> str:
        """What the console prints below its two header lines."""
        printed = await self.asterisk.command(command)
        head, _, text = printed.partition("--------------------          \n")
        assert "Column Name" in head, printed
        return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


@pytest.fixture
async def switch(busy_house: House, tmp_path: Path) -> AsyncIterator[Switch]:
    agi, ami, sip = free_ports(3)
    home = tmp_path / "home"
    server = OperatorServer(busy_house.operator.answer, Secrets(home).console_token, 0)
    await server.start()
    settings = Settings(
        home=home, agi_port=agi, ami_port=ami, sip_port=sip, console_port=server.port,
        rtp_start=20_000 if sip > 30_000 else 40_000, rtp_end=20_100 if sip > 30_000 else 40_100,
    )  # fmt: skip
    toolchain = ensure_asterisk(settings, lambda stage, done: None)
    site = build_site(settings, toolchain, FloorPlan(FLOOR), ["4100"])
    write_configuration(site)
    asterisk = AsteriskProcess(
        toolchain, site.folders.etc / "asterisk.conf", settings.log_dir / "asterisk.out"
    )
    await asterisk.start(adopt=False)
    yield Switch(settings, toolchain, asterisk, busy_house)
    await asterisk.stop()
    await server.stop()


async def test_the_words_typed_into_asterisk_print_our_answers(
    switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = switch.house
    for typed, asked in (
        ("acd show queues", "show queues"),
        ("acd show queues/billing", "show queues/billing"),
        ("acd show agents", "show agents"),
        ("acd show agents/1002", "show agents/1002"),
        ("acd show calls/t5k1", "show calls/t5k1"),
        ("acd show contacts", "show contacts"),
        ("acd show flows", "show flows"),
        ("acd show calendars", "show calendars"),
        ("acd why t5k1-cd1e", "why t5k1-cd1e"),
        ("acd why 1001", "why 1001"),
        ("acd help", "help me"),
    ):
        assert await switch.typed(typed) == printable(await house.ask(asked)), typed

    assert await switch.typed("acd do pause/1002/lunch") == (
        "1002 李娜: talking 0:44, Mei Lin <13812345678> (billing); "
        "paused (lunch) when this work is over."
    )
    assert await switch.typed("acd do pause/1002/午餐") == (
        'No pause reason "午餐". Known: break, lunch. Such as: acd do pause/1002/lunch'
    )
    assert await switch.typed("acd do priority/t5k1/a&b=c%d+e") == (
        '"a&b=c%d+e" is no priority: write a whole number from -100 to 100; '
        "this call has 0, higher goes first"
    )

    for number in range(250):
        house.caller(f"many{number:03}-x", "王小明 & Söhne 100%", "13812345678")
    long = await switch.typed("acd show contacts")
    assert len(long.encode()) > 20_000
    assert long == await house.ask("show contacts")

    opened: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(console, "load_settings", lambda: switch.settings)
    monkeypatch.setattr(os, "execve", lambda path, argv, env: opened.append((path, argv)))
    console.console(execute="acd help")
    conf = str(switch.settings.run_dir / "etc" / "asterisk.conf")
    command = switch.toolchain.command
    assert opened == [(command[0], [*command, "-C", conf, "-rx", "acd help"])]
