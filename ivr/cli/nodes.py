"""`tieline drain` and `undrain` for this machine; `tieline cluster`: several nodes to try."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from ivr.asterisk.provision import RUN_TOOLS, ensure_tools
from ivr.cli.progress import shown_progress
from ivr.cluster import Cluster
from ivr.drain import EMPTY
from ivr.errors import IvrError
from ivr.operator.answers import BEHALF
from ivr.operator.client import ask
from ivr.revisions import login_name
from ivr.settings import load_settings

LOOK: Final = 1.0
"""Seconds between two looks at who is still inside."""
MOST: Final = 9
_SHARED: Final = ("flows", "floor", "cache", "sounds", "voices", "patience_before_fallback")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog="Example: tieline drain && systemctl restart tieline")(drain)
    app.command(epilog="Example: tieline undrain")(undrain)
    app.command(epilog="Example: tieline cluster --nodes 3")(cluster)


def drain(
    wait: Annotated[
        bool, typer.Option(help="Stay until nobody is inside; Ctrl-C stops only the waiting.")
    ] = True,
) -> None:
    """Take no new calls on this machine; serve who is inside.

    New calls are answered 503, so that a trunk or a SIP dispatcher sends them elsewhere.
    """
    settings = load_settings()
    said = ask(settings, f"do{BEHALF}{login_name()}", "drain")
    typer.echo(said)
    pause = threading.Event()
    while wait and said != EMPTY:
        pause.wait(LOOK)
        last, said = said, ask(settings, "show", "drain")
        if said != last:
            typer.echo(said)


def undrain() -> None:
    """Take new calls on this machine again."""
    typer.echo(ask(load_settings(), f"do{BEHALF}{login_name()}", "undrain"))


def cluster(
    nodes: Annotated[int, typer.Option("--nodes", "-n", min=2, max=MOST, help="How many.")] = 2,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where they keep what they know; below home by default."),
    ] = None,
) -> None:
    """Run several nodes with one brain on this machine.

    It is for trying: an Asterisk and a service for each node.

    They share a Redis, each has a folder and a loopback address of its own, and all are gone
    with Ctrl-C. What they know stays in the folder for the next time.
    """
    settings = load_settings()
    console = Console(highlight=False, soft_wrap=True)
    with shown_progress(console) as progress:
        ensure_tools(settings, RUN_TOOLS, progress)
        redis = ensure_tools(settings, ("redis-server",), progress)["redis-server"]
    chosen = {
        name: str(value) if isinstance(value, Path) else value
        for name in _SHARED
        if (value := getattr(settings, name))
    }
    names = [f"n{n}" for n in range(1, nodes + 1)]
    where = (folder or settings.home / "cluster").absolute()
    sys.exit(asyncio.run(_run(console, Cluster(where, redis, chosen, names))))


async def _run(console: Console, nodes: Cluster) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    halted = asyncio.create_task(stop.wait())
    try:
        starting = asyncio.create_task(nodes.start(lambda what: console.print(f"starting {what}")))
        await asyncio.wait({starting, halted}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            return 130
        await starting
        console.print(_banner(nodes))
        ended = asyncio.create_task(nodes.ended())
        await asyncio.wait({ended, halted}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise IvrError(f"{ended.result()} ended by itself: see the logs in {nodes.folder}")
        ended.cancel()
        return 0
    finally:
        console.print("Stopping all of them ...")
        await nodes.stop()


def _banner(nodes: Cluster) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    for name, node in nodes.nodes.items():
        table.add_row(name, f"phones and callers at {node.domain}; cd {node.folder}")
    table.add_row("Redis", f"{nodes.redis.url}, password in {nodes.folder}/redis-password")
    first = next(iter(nodes.nodes.values()))
    table.add_row("a phone", f"cd {first.folder} && tieline password 1001; the same at every node")
    table.add_row("look", "in a node's folder: tieline show nodes, tieline show queues")
    table.add_row("try", "in a node's folder: tieline drain, then tieline undrain")
    return Panel(table, title="The nodes are up", subtitle="Ctrl-C stops everything")
