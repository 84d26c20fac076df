"""`tieline show`, `do`, `why` ask the running service; `tieline console` opens Asterisk's own."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from ivr.asterisk.process import CONTROL_SOCKET, listener, socket_folder
from ivr.asterisk.provision import find_asterisk
from ivr.errors import IvrError
from ivr.operator.answers import BEHALF
from ivr.operator.client import NotRunning, ask
from ivr.revisions import login_name
from ivr.settings import Settings, load_settings

REFRESH: Final = 1.0
"""Seconds between two pictures of `--watch`."""

_EXAMPLES: Final = {
    "show": "tieline show queues, tieline show queues/billing, tieline show calls --watch",
    "do": "tieline do pause/1001/lunch, tieline do pause 1001 lunch, tieline reload",
    "why": "tieline why 1001",
    "console": 'tieline console -x "acd show queues"',
}


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (show, do, why, console):
        app.command(epilog=f"Examples: {_EXAMPLES[command.__name__]}")(command)


def show(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="queues (if nothing is named), agents, calls, contacts, flows, calendars, nodes "
            "or drain; then one name."
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Refresh every second, until Ctrl-C.")
    ] = False,
) -> None:
    """Show queues, agents, calls, contacts, flows or calendars."""
    settings, words = load_settings(), _joined(what or ["queues"])
    if not watch:
        typer.echo(ask(settings, "show", words))
        return
    ask(settings, "show", words)  # a mistake is told at once, not shown every second
    try:
        _watch(settings, words)
    except KeyboardInterrupt:
        return


def _watch(settings: Settings, words: str) -> None:
    pause = threading.Event()
    screen = Console()
    with Live(console=screen, screen=screen.is_terminal, auto_refresh=False) as live:
        while True:
            live.update(Text(_picture(settings, words), no_wrap=True), refresh=True)
            pause.wait(REFRESH)


def _picture(settings: Settings, words: str) -> str:
    try:
        return ask(settings, "show", words)
    except IvrError as problem:  # the service may be starting again: keep looking
        return str(problem)


def do(
    action: Annotated[
        list[str] | None,
        typer.Argument(help="What to do, such as pause/1001/lunch; `tieline do help` lists all."),
    ] = None,
) -> None:
    """Pause, log in, move, close, drain, reload, as an operator."""
    words = _joined(action or ["help"])
    verb = "help" if words == "help" else f"do{BEHALF}{login_name()}"
    typer.echo(ask(load_settings(), verb, words))


def why(
    of: Annotated[
        str, typer.Argument(help="A call, a contact or the beginning of its id, or an agent.")
    ],
) -> None:
    """Say why a call waits, or why an agent gets no call."""
    typer.echo(ask(load_settings(), "why", of))


def console(
    execute: Annotated[
        str | None, typer.Option("--execute", "-x", help="Run one command and end.")
    ] = None,
) -> None:
    """Open the console of the running Asterisk; try `acd help` there."""
    settings = load_settings()
    configuration = settings.run_dir / "etc" / "asterisk.conf"
    running = configuration.is_file() and listener(socket_folder(settings.run_dir) / CONTROL_SOCKET)
    chain = find_asterisk(settings) if running else None
    if chain is None:
        raise NotRunning("Asterisk is not running here. Start it: tieline run")
    how = ["-r"] if execute is None else ["-rx", execute]
    command = [*chain.command, "-C", str(configuration), *how]
    # `!tieline ...` inside the console finds this very program, installed or not.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, **chain.env, "PATH": path}
    os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted


def _joined(words: list[str]) -> str:
    """`pause 1001 lunch` and `pause/1001/lunch` mean the same."""
    return "/".join(words)
