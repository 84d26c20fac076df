"""`tieline close`, `open`, `normal`: a calendar is closed or open now, whatever its hours say."""

from __future__ import annotations

from typing import Annotated

import typer

from ivr.operator.answers import BEHALF
from ivr.operator.client import ask
from ivr.operator.switching import UNTIL_NORMAL
from ivr.revisions import login_name
from ivr.settings import load_settings

Name = Annotated[
    str, typer.Argument(help="A calendar, such as desk or clinic.desk; or a queue, by its name.")
]
Until = Annotated[
    str,
    typer.Option(
        "--until",
        help='How long: 2h, 90m, 15:00, today, "2026-12-24 08:00"; until you end it by default.',
    ),
]
Because = Annotated[str, typer.Option("--because", help="The reason, for whoever looks.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog='Example: tieline close desk --until 15:00 --because "fire drill"')(close)
    app.command("open", epilog="Example: tieline open desk --until 2h")(open_)
    app.command(epilog="Example: tieline normal desk")(normal)


def close(name: Name, until: Until = "", because: Because = "") -> None:
    """Close a calendar now, or a queue to new calls."""
    _say("close", name, until, because)


def open_(name: Name, until: Until = "", because: Because = "") -> None:
    """Open a calendar now, or a queue again."""
    _say("open", name, until, because)


def normal(name: Annotated[str, typer.Argument(help="A calendar.")]) -> None:
    """Let a calendar go by its hours again."""
    _say("normal", name)


def _say(action: str, name: str, until: str = "", because: str = "") -> None:
    words = [action, name]
    if until or because:
        words.append(until or UNTIL_NORMAL)
    if because:
        words.append(because)
    typer.echo(ask(load_settings(), f"do{BEHALF}{login_name()}", "/".join(words)))
