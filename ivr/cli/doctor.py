"""`tieline setup` brings what is missing; `tieline doctor` says what is there, and the cure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ivr.asterisk.provision import RUN_TOOLS, TEST_TOOLS, ensure_tools
from ivr.cli.checkup import Check, examine
from ivr.cli.progress import shown_progress
from ivr.errors import ConfigError
from ivr.settings import load_settings

_MARKS: Final = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "bad": "[red]bad[/]"}


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    app.command()(setup)
    app.command()(doctor)


def setup(
    tests: Annotated[bool, typer.Option("--tests", help="Also what the tests need.")] = False,
) -> None:
    """Find or fetch the programs Tieline runs on.

    Nothing is installed into the system.

    Example: tieline setup
    """
    console = Console(stderr=True)
    with shown_progress(console) as progress:
        tools = ensure_tools(load_settings(), TEST_TOOLS if tests else RUN_TOOLS, progress)
    for tool in tools.values():
        console.print(f"{tool.name} {tool.version} ({tool.origin})", highlight=False)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Check this installation: what is there, what not, and the cure.

    \b
    Examples:
      tieline doctor
      tieline doctor --json
    """
    try:
        checks = list(examine(load_settings()))
    except ConfigError as refused:
        checks = [Check("settings", "bad", str(problem)) for problem in refused.problems]
    if as_json:
        typer.echo(json.dumps([check.to_json() for check in checks], indent=2, ensure_ascii=False))
    else:
        _show(checks)
    if any(check.state == "bad" for check in checks):
        raise typer.Exit(1)


def _show(checks: Sequence[Check]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for check in checks:
        found = escape(check.found) + (f"\n→ {escape(check.cure)}" if check.cure else "")
        table.add_row(_MARKS[check.state], check.name, found)
    Console().print(table, highlight=False)
