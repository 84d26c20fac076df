"""`tieline contacts`: the call log, and the story of one contact."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.records import ContactEvent, ContactRecord, Wanted, find, open_records, recent, story
from acd.records.telling import Stretch, duration, sentence, stretches
from ivr.cli.moments import moment
from ivr.errors import IvrError
from ivr.settings import load_settings

BAR_WIDTH = 60
ROOMY = 100  # columns of a terminal from which the list shows everything
_COLOURS = {"answered": "green", "completed": "green", "abandoned": "red", "lost": "red"}
# How each phase is drawn: on a terminal that can, elsewhere, and in which colour.
_STROKES = {
    "flow": ("░", ".", "blue"),
    "waiting": ("▒", "-", "yellow"),
    "talking": ("█", "#", "green"),
}
# What another line of the story says as well, or better.
_QUIET = {"step", "offered", "queue", "queue_left", "recorded", "hangup"}
_HELP = """The call log: the latest contacts first.

\b
Examples:
  tieline contacts --queue billing --since 2h
  tieline contacts --outcome abandoned --json
  tieline contacts show k3f9     the beginning or the end of an id is enough
"""

T = TypeVar("T")

contacts_app = typer.Typer(rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(contacts_app, name="contacts")


@contacts_app.callback(invoke_without_command=True, help=_HELP)
def list_contacts(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    queue: Annotated[str | None, typer.Option(help="Whose last queue was this.")] = None,
    agent: Annotated[str | None, typer.Option(help="Whose last agent was this.")] = None,
    caller: Annotated[str | None, typer.Option(help="From this number, or one ending so.")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="With this outcome, such as answered or abandoned; or live.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Begun within: 30m, 2h, 7d; or since: 2026-03-01.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """List recent contacts."""
    if context.invoked_subcommand:
        return
    wanted = Wanted(
        moment("--since", since) if since else None, caller, queue, agent, outcome, limit
    )
    records = _ask(lambda engine: recent(engine, wanted))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in records], indent=2, ensure_ascii=False))
    elif not records:
        typer.echo("No contacts found.", err=True)
    else:
        console = _console()
        console.print(_table(records, time.time(), console.width))


@contacts_app.command("show")
def show_contact(
    part: Annotated[str, typer.Argument(metavar="ID", help="The id, its beginning or its end.")],
    all_events: Annotated[bool, typer.Option("--all", "-a", help="Every event.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Tell one contact's story.

    \b
    Example: tieline contacts show k3f9
    """
    record, events = _ask(lambda engine: _one(engine, part))
    if as_json:
        whole = {**asdict(record), "story": [asdict(event) for event in events]}
        typer.echo(json.dumps(whole, indent=2, ensure_ascii=False))
    else:
        _print_story(_console(), record, events, all_events)


async def _one(engine: AsyncEngine, part: str) -> tuple[ContactRecord, list[ContactEvent]]:
    found = await find(engine, part)
    if not found:
        raise IvrError(
            f"no contact's id begins or ends with {part!r}; `tieline contacts` lists them"
        )
    if len(found) > 1:
        ids = ", ".join(record.id for record in found)
        raise IvrError(f"{part!r} fits more than one contact; give more of the id: {ids}")
    return found[0], await story(engine, found[0].id)


def _ask(question: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    async def ask() -> T:
        engine = await open_records(load_settings().records_url, create=False)
        try:
            return await question(engine)
        finally:
            await engine.dispose()

    return asyncio.run(ask())


# --- the list ---------------------------------------------------------------------------------


def _table(records: Sequence[ContactRecord], now: float, width: int) -> Table:
    """All columns where there is room; on a narrow terminal without flow and name."""
    roomy = width >= ROOMY
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Began", "Id", "Caller", *(["Flow"] if roomy else []), "Queue", "Agent"):
        table.add_column(name, no_wrap=True)
    for name in ("Waited", "Talked"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Outcome", no_wrap=True)
    for record in records:
        table.add_row(*(Text(cell) for cell in _cells(record, now, roomy)), _outcome(record))
    return table


def _cells(record: ContactRecord, now: float, roomy: bool) -> list[str]:
    return [
        _moment(record.started_at, now),
        record.id,
        (_caller(record) if roomy else record.caller) + (" ✓" if record.verified else ""),
        *([record.flow or record.dialled] if roomy else []),
        record.queue or "-",
        record.agent or "-",
        _spent(record.wait_seconds, record.waiting_since, now),
        _spent(record.talk_seconds, record.talking_since, now),
    ]


def _caller(record: ContactRecord) -> str:
    name = f" {record.caller_name}" if record.caller_name not in {"", record.caller} else ""
    return f"{record.caller or 'unknown'}{name}"


def _spent(seconds: float, since: float | None, now: float) -> str:
    total = seconds + (now - since if since is not None else 0.0)
    return duration(total) if total > 0 else "-"


def _moment(at: float, now: float) -> str:
    local, today = (datetime.fromtimestamp(each).astimezone() for each in (at, now))
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%b %d %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"


def _outcome(record: ContactRecord) -> Text:
    if record.outcome is None or record.ended_at is None:
        doing = (
            "talking" if record.talking_since else "waiting" if record.waiting_since else "in flow"
        )
        return Text(doing, style="cyan")
    return Text(record.outcome, style=_COLOURS.get(record.outcome, ""))


# --- one story --------------------------------------------------------------------------------


def _print_story(
    console: Console, record: ContactRecord, events: Sequence[ContactEvent], all_events: bool
) -> None:
    now = time.time()
    until = record.ended_at if record.ended_at is not None else now
    for name, value in _facts(record, until):
        console.print(Text(f"{name:<9} ", style="bold").append(value))
    console.print(_bar(console, stretches(events, until)))
    console.print()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for event in events:
        if all_events or event.kind not in _QUIET:
            ago = duration(max(0.0, event.at - record.started_at))
            table.add_row(f"+{ago}", Text(event.step), Text(sentence(event)))
    console.print(table)


def _facts(record: ContactRecord, until: float) -> list[tuple[str, str]]:
    outcome = _outcome(record).plain + (f" by {record.ended_by}" if record.ended_by else "")
    person = _joined(record.queue, record.agent and f"agent {record.agent}")
    fields = _joined(*(f"{name} {value}" for name, value in record.fields.items()))
    began = datetime.fromtimestamp(record.started_at).astimezone()
    facts = [
        ("contact", record.id),
        ("caller", _caller(record) + (", verified" if record.verified else "")),
        ("dialled", _joined(record.dialled, f"flow {record.flow}", record.language)),
        ("began", f"{began:%Y-%m-%d %H:%M:%S %Z}, {duration(until - record.started_at)} in all"),
        ("person", person),
        ("known", fields),
        ("outcome", outcome + (f" ({record.reason})" if record.reason else "")),
    ]
    return [(name, value) for name, value in facts if value]


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _bar(console: Console, found: Sequence[Stretch]) -> Text:
    """The whole time as one line, and what its parts come to."""
    whole = sum(stretch.seconds for stretch in found) or 1.0
    fine = (console.encoding or "").lower().startswith("utf")
    line, sums = Text(), dict.fromkeys(_STROKES, 0.0)
    for stretch in found:
        blocks, plain, colour = _STROKES[stretch.phase]
        count = max(1, round(BAR_WIDTH * stretch.seconds / whole))
        line.append((blocks if fine else plain) * count, style=colour)
        sums[stretch.phase] += stretch.seconds
    line.append("\n")
    for phase, seconds in sums.items():
        if seconds:
            blocks, plain, colour = _STROKES[phase]
            line.append(blocks if fine else plain, style=colour)
            line.append(f" {phase} {duration(seconds)}   ")
    line.rstrip()
    return line


def _console() -> Console:
    """Coloured and fitted to a terminal; plain and never cut off when piped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name in another script is no reason to stop
    terminal = sys.stdout.isatty()
    return Console(highlight=False, width=None if terminal else 250)
