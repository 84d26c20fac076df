"""`tieline show`, `do`, `why` and `console`, against a running service and without one."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ivr.cli import console
from ivr.operator.client import NotRunning, ask
from ivr.operator.commands import ACTIONS
from ivr.operator.server import OperatorServer
from ivr.operator.wording import Refused, for_shell
from ivr.secrets import Secrets
from ivr.settings import Settings
from tests.operator.conftest import House


@pytest.fixture
async def running(house: House, tmp_path: Path) -> AsyncIterator[Settings]:
    """A service that answers for `house`."""
    home = tmp_path / "home"
    server = OperatorServer(house.operator.answer, Secrets(home).console_token, 0)
    await server.start()
    yield Settings(home=home, console_port=server.port)
    await server.stop()


async def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setattr(console, "load_settings", lambda: settings)
    app = typer.Typer()
    console.register(app)
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


async def test_the_command_line_shows_what_the_console_shows(
    running: Settings, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await run(running, monkeypatch, "show", "queues", "billing")
    assert shown.output == await house.ask("show queues/billing") + "\n"
    usual = await run(running, monkeypatch, "show")
    assert usual.output == await house.ask("show queues") + "\n"


async def test_words_may_be_joined_or_apart(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = await run(running, monkeypatch, "do", "login/1001")
    assert joined.output.endswith("1001 Ana Ruiz: ready.\n")
    apart = await run(running, monkeypatch, "do", "pause", "1001", "lunch")
    assert apart.output.endswith("1001 Ana Ruiz: paused (lunch).\n")
    reason = await run(running, monkeypatch, "why", "1001")
    assert reason.output.startswith("1001 Ana Ruiz is paused (lunch)")


async def test_do_alone_lists_every_action_as_a_shell_takes_it(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (["do"], ["do", "help"]):
        listed = await run(running, monkeypatch, *arguments)
        shown = [" ".join(line.split()) for line in listed.output.splitlines()]
        assert "tieline show queues [QUEUE] members, callers and service level" in shown
        assert "tieline do pause AGENT REASON pause an agent, after the call" in shown
        assert sum(line.startswith("tieline do ") for line in shown) == len(ACTIONS)
        assert not any("acd" in line or "slashes" in line for line in shown)


@pytest.mark.parametrize(
    ("console", "shell"),
    [
        ("See them: acd show calls", "See them: tieline show calls"),
        ("Such as: acd do pause/1002/lunch", "Such as: tieline do pause 1002 lunch"),
        (
            "Usage: acd why CALL, or acd why AGENT.",
            "Usage: tieline why CALL, or tieline why AGENT.",
        ),
        ("See acd help.", "See tieline do help."),
        ("Usage: acd do ACTION. Known: a/b", "Usage: tieline do ACTION. Known: a/b"),
    ],
)
def test_a_shell_is_told_what_can_be_typed_there(console: str, shell: str) -> None:
    assert for_shell(console) == shell


async def test_a_refusal_ends_with_an_error_for_scripts(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = await run(running, monkeypatch, "do", "pause/1001/lunch")
    assert refused.exit_code == 1
    assert isinstance(refused.exception, Refused)
    assert "First: tieline do login 1001" in str(refused.exception)


async def test_watching_draws_again_until_it_is_interrupted(
    running: Settings, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures: list[str] = []

    def picture(settings: Settings, words: str) -> str:
        pictures.append(words)
        if len(pictures) == 3:
            raise KeyboardInterrupt
        return "picture"

    monkeypatch.setattr(console, "_picture", picture)
    monkeypatch.setattr(console, "REFRESH", 0.01)
    watched = await run(running, monkeypatch, "show", "calls", "--watch")
    assert watched.exit_code == 0
    assert pictures == ["calls"] * 3


async def test_watching_outlives_a_restart_of_the_service(running: Settings) -> None:
    with socket.socket() as silent:  # bound, so nobody else gets it, but not listening
        silent.bind(("127.0.0.1", 0))
        gone = Settings(home=running.home, console_port=silent.getsockname()[1])
        seen = await asyncio.to_thread(console._picture, gone, "calls")
    assert "the service is not running" in seen


async def test_a_service_that_never_ran_leaves_no_trace_of_the_question(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    with pytest.raises(NotRunning, match="Start it: tieline run"):
        ask(settings, "show", "queues")
    assert not settings.home.exists()


async def test_another_installations_port_is_told_apart(running: Settings, tmp_path: Path) -> None:
    other = Settings(home=tmp_path / "other", console_port=running.console_port)
    assert Secrets(other.home).console_token
    with pytest.raises(NotRunning, match="belongs to another installation"):
        await asyncio.to_thread(ask, other, "show", "queues")


async def test_a_question_that_is_too_long_is_refused(running: Settings) -> None:
    with pytest.raises(Refused, match="too long"):
        await asyncio.to_thread(ask, running, "why", "x" * 5000)


async def test_the_console_needs_a_running_asterisk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(path: str, arguments: Sequence[str], environment: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr(os, "execve", never)
    opened = await run(Settings(home=tmp_path / "home"), monkeypatch, "console")
    assert isinstance(opened.exception, NotRunning)
    assert "Asterisk is not running here" in str(opened.exception)


@pytest.mark.parametrize("command", ["show", "do", "why", "console"])
async def test_every_command_comes_with_an_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    helped = await run(Settings(home=tmp_path), monkeypatch, command, "--help")
    assert helped.exit_code == 0
    assert f"tieline {command} " in helped.output
