"""What every command of `tieline` has in common."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from ivr.cli import main

APP = main._app()
COMMANDS = sorted(typer.main.get_command(APP).commands)  # type: ignore[attr-defined]  # a group


def told(*arguments: str) -> str:
    result = CliRunner().invoke(APP, list(arguments), env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return result.output


def test_the_list_of_commands_is_not_cut_on_a_narrow_terminal() -> None:
    assert "..." not in told("-h").partition("Commands:")[2]
    assert told("-h") == told("--help")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_how_it_is_typed(command: str) -> None:
    _, example, typed = told(command, "-h").partition("Example")
    assert example
    assert f"tieline {command}" in typed


def test_the_version_is_told() -> None:
    assert told("--version").startswith("tieline 0.")
