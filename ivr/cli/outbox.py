"""Messages on their way, promises to be kept, and numbers that are not to be called."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ivr.backends.building import store_file
from ivr.backends.callbacks import State, moved, promises_in
from ivr.backends.do_not_call import Refusal, allow, refusals_in, refuse
from ivr.backends.numbers import same_form
from ivr.backends.outbox import messages_in
from ivr.backends.services import read_services
from ivr.errors import IvrError
from ivr.flow.checking.naming import SERVICES
from ivr.flow.loading.yaml import Problems
from ivr.settings import Settings, load_settings

T = TypeVar("T")

Everything = Annotated[bool, typer.Option("--all", "-a", help="Those that are done, too.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(outbox)
    app.command()(callbacks)
    app.command("do-not-call")(do_not_call)


def outbox(everything: Everything = False, as_json: AsJson = False) -> None:
    """List text messages that wait to be sent.

    \b
    Example:
      tieline outbox
      tieline outbox --all --json
    """
    messages = _read(lambda file: messages_in(file, everything=everything))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in messages], indent=2, ensure_ascii=False))
    elif not messages:
        typer.echo("No text messages wait to be sent.", err=True)
    else:
        _print(
            ("Made", "To", "State", "Tries", "Parts", "Text", "Why"),
            (
                (
                    _moment(each.made),
                    each.number,
                    each.state,
                    str(each.tries),
                    str(each.parts),
                    each.body,
                    each.why,
                )
                for each in messages
            ),
        )


Made = Annotated[str | None, typer.Option("--done", metavar="ID", help="This one was made.")]
GivenUp = Annotated[str | None, typer.Option("--give-up", metavar="ID", help="Nobody answers.")]


def callbacks(
    everything: Everything = False,
    as_json: AsJson = False,
    done: Made = None,
    give_up: GivenUp = None,
) -> None:
    """List callbacks that were promised, or say what came of one.

    Nobody is dialled for a callback whose end was told.

    \b
    Example:
      tieline callbacks
      tieline callbacks --done ID
      tieline callbacks --all --json
    """
    _settle(done, "done")
    _settle(give_up, "given_up")
    promises = _read(lambda file: promises_in(file, everything=everything))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in promises], indent=2, ensure_ascii=False))
    elif not promises:
        typer.echo("No callbacks wait to be made.", err=True)
    else:
        _print(
            (
                *("Asked", "Id", "Number", "Queue", "Needs", "Priority", "State", "Tries"),
                "Tell the agent",
            ),
            (
                (
                    _moment(each.asked_at),
                    each.id,
                    each.number,
                    each.queue,
                    ", ".join(f"{skill}:{level}" for skill, level in each.needs.items()),
                    str(each.priority),
                    each.state.replace("_", " ") + (f": {each.why}" if each.why else ""),
                    str(each.tries),
                    each.tell_agent,
                )
                for each in promises
            ),
        )


Adds = Annotated[str | None, typer.Option("--add", metavar="NUMBER", help="Never call it.")]
Removes = Annotated[
    str | None, typer.Option("--remove", metavar="NUMBER", help="It may be called.")
]
Because = Annotated[str, typer.Option("--because", help="The reason, for whoever looks.")]


def do_not_call(
    add: Adds = None, remove: Removes = None, because: Because = "", as_json: AsJson = False
) -> None:
    """List the numbers that nobody calls back, or change the list.

    \b
    Example:
      tieline do-not-call
      tieline do-not-call --add +8613800138000 --because "asked in writing"
    """
    settings = load_settings()
    file, region = store_file(settings), _region(settings)
    if add is not None:
        refuse(file, Refusal(_number(add, region), time.time(), because))
    if remove is not None and not _read(lambda at: allow(at, _number(remove, region))):
        raise IvrError(f"{remove} is not on the list; see it: tieline do-not-call")
    found = _read(refusals_in)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    elif not found:
        typer.echo("Every number may be called back.", err=True)
    else:
        rows = ((each.number, _moment(each.since), each.because) for each in found)
        _print(("Number", "Since", "Because"), rows)


def _region(settings: Settings) -> str | None:
    """The country in which numbers without + are read."""
    problems = Problems()
    services = read_services(settings.flows / SERVICES, problems, os.environ)
    problems.raise_if_any()
    return services.region


def _number(number: str, region: str | None) -> str:
    form = same_form(number, region)
    if form is None:
        raise IvrError(f'"{number}" is no number; write it with its country: +8613800138000')
    return form


def _settle(promise: str | None, state: State) -> None:
    if promise is not None and not _read(lambda file: moved(file, promise, state)):
        raise IvrError(f'no callback "{promise}" waits; see them: tieline callbacks')


def _read(look: Callable[[Path], T]) -> T:
    file = store_file(load_settings())
    try:
        return look(file)
    except sqlite3.Error as why:
        raise IvrError(f"{file} cannot be read: {why}") from None


def _print(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else 250
    console.print(table)


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"
