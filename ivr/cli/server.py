"""`tieline run` starts everything and stays in front; `tieline serve` is the service alone."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import typer
import uvloop
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ivr.asterisk.process import AsteriskProcess
from ivr.asterisk.provision import Toolchain, ensure_asterisk, ensure_tools
from ivr.asterisk.render import FEATURE_CODES, Site
from ivr.cli import service
from ivr.cli.checkup import taken_ports
from ivr.cli.progress import shown_progress
from ivr.errors import IvrError
from ivr.operator.wording import for_shell
from ivr.plans import Plan
from ivr.settings import Settings, load_settings
from ivr.site import build_site, write_configuration, write_sounds
from ivr.speech.voices import prompt_book
from ivr.start import begin
from ivr.supervisor import ServiceProcess, only_one, supervise


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(run)
    app.command()(serve)


def run() -> None:
    """Start Asterisk and the service, and stay until Ctrl-C.

    What is missing is set up first.

    \b
    Example: TIELINE_SIP_PORT=5070 tieline run
    """
    settings = load_settings()
    with only_one(settings.run_dir):
        if taken := taken_ports(settings):
            raise IvrError("\n".join(f"{each.found} ({each.cure})" for each in taken))
        _run(settings, begin(settings))


def _run(settings: Settings, plan: Plan) -> None:
    console = Console()
    with shown_progress(console) as progress:
        toolchain = ensure_asterisk(settings, progress)
        tools = ensure_tools(settings, ("espeak-ng",), progress)
        site = build_site(settings, toolchain, plan.floor, plan.numbers)
        write_configuration(site)

        async def prepare() -> None:
            book = await prompt_book(settings, tools["espeak-ng"])
            await write_sounds(site, book, progress)
            await book.aclose()

        asyncio.run(prepare())
    asyncio.run(_supervised(console, settings, toolchain, site, plan))


async def _supervised(
    console: Console, settings: Settings, toolchain: Toolchain, site: Site, plan: Plan
) -> None:
    asterisk = AsteriskProcess(
        toolchain, site.folders.etc / "asterisk.conf", settings.log_dir / "asterisk.out"
    )
    service = ServiceProcess(settings.log_dir / "service.log")
    port = settings.console_port
    await supervise(asterisk, service, port, lambda: show_banner(console, settings, site, plan))
    console.print("Stopped.")


def serve() -> None:
    """Run the service alone, beside an Asterisk that runs already.

    Example: tieline serve
    """
    sys.exit(uvloop.run(service.serve(load_settings())))


def show_banner(console: Console, settings: Settings, site: Site, plan: Plan) -> None:
    """What a newcomer needs to make the first call."""
    tieline = _program()
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    if plan.notice:
        table.add_row("[red]attention[/]", Text(for_shell(plan.notice), style="red"))
    if site.drained:
        what = f"drained: no new calls are taken. To end it: {tieline} undrain"
        table.add_row("[red]attention[/]", Text(what, style="red"))
    table.add_row("SIP", f"{settings.bind}:{settings.sip_port} (UDP and TCP)")
    for number in plan.numbers:
        flow = plan.library.numbers[number]
        table.add_row(f"call {number}", f"{flow.name}: {flow.about or 'a call flow'}")
    for agent in site.agents:
        # Beyond a terminal, such as in the system's journal, a password has no business.
        known = agent.password if console.is_terminal else f"by {tieline} password {agent.id}"
        table.add_row(f"agent {agent.id}", f"{agent.caller_name}, password {known}")
    for desk in site.desks:
        known = desk.password if console.is_terminal else f"by {tieline} password {desk.id}"
        table.add_row(f"phone {desk.id}", f"{desk.caller_name}, password {known}")
    codes = ", ".join(f"{code} {action}" for code, action in FEATURE_CODES.items())
    table.add_row("on the phone", codes)
    table.add_row("the desk", f"{settings.web_address}/desk/; accounts: {tieline} users add NAME")
    table.add_row("operators", f"{tieline} console, then: acd show queues, acd help")
    table.add_row("contacts", f"{tieline} contacts")
    table.add_row("logs", str(_short(settings.log_dir)))
    console.print(Panel(table, title="Tieline is up", subtitle="Ctrl-C stops everything"))


def _program() -> str:
    """How this very program is called from here."""
    own = Path(sys.argv[0])
    found = shutil.which("tieline")
    known = found is not None and own.exists() and Path(found).samefile(own)
    return "tieline" if known else str(_short(own.absolute()))


def _short(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
