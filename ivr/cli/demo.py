"""`tieline demo`: scripted callers and agents with real phones, shown live."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import Coroutine
from importlib.util import find_spec
from shutil import which
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ivr.asterisk.provision import RUN_TOOLS, ensure_tools
from ivr.cli.progress import shown_progress
from ivr.demo.counterpart import serve
from ivr.demo.screen import PLAIN_WIDTH, Screen
from ivr.errors import IvrError
from ivr.settings import Settings, load_settings
from ivr.speech.voices import prompt_book

INTERRUPTED = 130

_NO_PHONES = (
    "the demo needs SIP phones in software, and baresip-python is not installed as it should be; "
    "run make venv in a checkout, elsewhere pip install '.[demo]' from one"
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(demo)


def demo(
    fast: Annotated[bool, typer.Option("--fast", help="Everybody hurries: a minute.")] = False,
    stay: Annotated[
        bool,
        typer.Option(
            "--stay", help="After the last act it is your turn, in a browser, until Ctrl-C."
        ),
    ] = False,
    backends: Annotated[
        bool,
        typer.Option("--backends", help="Only the services that the example flows ask, to ring."),
    ] = False,
) -> None:
    """Watch scripted callers and agents talk over real SIP phones.

    Plays on an installation of its own, beside any that runs, which is gone afterwards. Ctrl-C
    ends everything.

    \b
    Examples:
      tieline demo --fast
      tieline demo --stay
      tieline demo --backends
    """
    if backends:
        console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        raise typer.Exit(asyncio.run(_interruptible(serve(console, load_settings().web_address))))
    if find_spec("baresip") is None:
        raise IvrError(_NO_PHONES)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Chinese shows marks instead
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if terminal else PLAIN_WIDTH)
    settings = load_settings()
    with shown_progress(console) as progress:
        ensure_tools(settings, RUN_TOOLS, progress)
    raise typer.Exit(asyncio.run(_interruptible(_demo(console, settings, fast=fast, stay=stay))))


async def _demo(console: Console, settings: Settings, *, fast: bool, stay: bool) -> None:
    try:
        from ivr.demo.performance import perform  # noqa: PLC0415 - it needs an extra, others do not
    except ImportError as why:
        raise IvrError(f"{_NO_PHONES}: {why}") from why
    screen = Screen(console)
    await perform(screen, settings, prompt_book, fast=fast, stay=stay)
    for what, how in _next(settings):
        screen.line(Text.assemble((f"{what}: ", "bold"), how))


def _next(settings: Settings) -> tuple[tuple[str, str], ...]:
    """What to try with a softphone of one's own."""
    tieline = (
        "tieline" if which("tieline") else min(sys.argv[0], os.path.relpath(sys.argv[0]), key=len)
    )
    return (
        (
            "Play on",
            f"{tieline} demo --stay leaves the shop's page and the agent's desk to your browser.",
        ),
        (
            "Run it",
            f"{tieline} run, and register a softphone at {settings.bind}:{settings.sip_port} as "
            "1001: the screen that comes up shows its password.",
        ),
        (
            "Take calls",
            "dial *42 on it, then ring 4001 (the clinic) or 4002 (the bank: account 12345678, "
            "PIN 4321) from a second softphone, which needs no account.",
        ),
        (
            "Change it",
            f"edit flows/clinic.yaml, hear it with {tieline} try clinic, and put it in force with "
            f"{tieline} do reload.",
        ),
    )


async def _interruptible(work: Coroutine[Any, Any, None]) -> int:
    """Run `work`; the first Ctrl-C or termination ends it in an orderly way. The exit code."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    stopped: list[bool] = []

    def stop() -> None:
        if not stopped:
            stopped.append(True)
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise
        sys.stderr.write("Stopped; everything is put away.\n")
        return INTERRUPTED
    return 0
