"""`tieline reload`, `rollback`, `revisions` and `diff`: what is in force, was, and would be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ivr.errors import IvrError
from ivr.operator.answers import BEHALF
from ivr.operator.client import ask
from ivr.operator.wording import clean
from ivr.plans import Plan, changes, kept_revision, load_plan, plan_of
from ivr.revisions import Force, Revision, Revisions, login_name
from ivr.settings import Settings, load_settings
from ivr.start import revisions_of

FILES, NOW = "files", "now"
_SHOWN = 3
"""Changes of a revision that the list shows."""
_HELP = """The revisions: every set of flows and floor that was in force.

\b
Examples:
  tieline revisions
  tieline revisions show 12
  tieline revisions show 12 --to /tmp/twelve     its files, to look at or to take up again
"""

Why = Annotated[str, typer.Option("--message", "-m", help="Why, in a few words.")]

revisions_app = typer.Typer(rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(reload)
    app.command()(rollback)
    app.command()(diff)
    app.add_typer(revisions_app, name="revisions")


# --- what the service does ------------------------------------------------------------------------


def reload(why: Why = "") -> None:
    """Check the files and put them in force; no call is dropped.

    \b
    Example: tieline reload -m "holiday hours"
    """
    _do("reload", why)


def rollback(
    number: Annotated[int, typer.Argument(help="The revision: tieline revisions lists them.")],
    why: Why = "",
) -> None:
    """Put an older revision in force; the files stay as they are.

    \b
    Example: tieline rollback 12 -m "the new menu loses callers"
    """
    _do(f"rollback/{number}", why)


def _do(words: str, why: str) -> None:
    path = f"{words}/{why.strip()}" if why.strip() else words
    typer.echo(ask(load_settings(), f"do{BEHALF}{login_name()}", path))


# --- looking --------------------------------------------------------------------------------------


@revisions_app.callback(invoke_without_command=True, help=_HELP)
def list_revisions(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """List the kept revisions, the newest first."""
    if context.invoked_subcommand:
        return
    kept = revisions_of(load_settings())
    found, force = kept.all()[:limit], kept.in_force()
    if as_json:
        rows = [{**asdict(each), "in_force": _is(each, force)} for each in found]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif not found:
        typer.echo("No revision yet: the first one is kept at the first tieline run.", err=True)
    else:
        _console().print(_table(found, force))


@revisions_app.command("show")
def show_revision(
    number: Annotated[int, typer.Argument(help="The revision's number.")],
    to: Annotated[
        Path | None, typer.Option(help="Write its files into this folder, which must be new.")
    ] = None,
) -> None:
    """Show what a revision changed, or get its files back.

    \b
    Example: tieline revisions show 12
    """
    kept = revisions_of(load_settings())
    revision, force = kept_revision(kept, number), kept.in_force()
    typer.echo(clean("\n".join(_story(revision, force))))
    if to is not None:
        _write(kept, revision, to)
        typer.echo(f"Its files are in {to}")


def diff(
    old: Annotated[
        str, typer.Argument(metavar="[A]", help="A revision, `files`, or `now`: what is in force.")
    ] = NOW,
    new: Annotated[str | None, typer.Argument(metavar="[B]", help="The same.")] = None,
) -> None:
    """Say in words what differs between files and revisions.

    \b
    Examples:
      tieline diff            what a reload would change
      tieline diff 12         what has changed since revision 12
      tieline diff 12 14
    """
    settings = load_settings()
    other = new or (FILES if old == NOW else NOW)
    told = changes(_plan(settings, old), _plan(settings, other))
    typer.echo(
        clean("\n".join(told)) or f"No difference between {_named(old)} and {_named(other)}."
    )


def _plan(settings: Settings, name: str) -> Plan:
    if name == FILES:
        return load_plan(settings.flows, settings.floor)
    kept = revisions_of(settings)
    if name == NOW:
        force = kept.in_force()
        if force is None:
            raise IvrError("nothing was ever in force here: tieline run puts the files in force")
        return plan_of(kept, kept_revision(kept, force.number), settings.flows)
    if not (name.isascii() and name.isdigit()):
        raise IvrError(f"no revision {name[:40]!r}: write a number, `{FILES}` or `{NOW}`")
    return plan_of(kept, kept_revision(kept, int(name)), settings.flows)


def _named(name: str) -> str:
    return {FILES: "the files", NOW: "what is in force"}.get(name, f"revision {name}")


# --- how it looks ---------------------------------------------------------------------------------


def _console() -> Console:
    return Console(highlight=False, soft_wrap=False)


def _is(revision: Revision, force: Force | None) -> bool:
    return force is not None and force.number == revision.number


def _table(found: Sequence[Revision], force: Force | None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("", "revision", "when", "who", "why and what"):
        table.add_column(head, overflow="fold")
    for each in found:
        more = len(each.changes) - _SHOWN
        told = [each.note] if each.note else []
        told += [*each.changes[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        mark = "->" if _is(each, force) else ""
        cells = (mark, str(each.number), _moment(each.at), each.who, "\n".join(told))
        table.add_row(*(Text(clean(cell)) for cell in cells))
    if force is not None and force.rolled_back:
        table.caption = f"{_in_force(force)} Not the files: they are taken again by tieline reload."
        table.caption_justify = "left"
    return table


def _story(revision: Revision, force: Force | None) -> list[str]:
    head = f"Revision {revision.number}, {_moment(revision.at)}, by {revision.who}"
    lines = [f"{head}: {revision.note}" if revision.note else head]
    if force is not None and _is(revision, force):
        lines.append(_in_force(force))
    lines += (f"   {each}" for each in revision.changes)
    return [*lines, f"Files: {', '.join(sorted(revision.files))}"]


def _in_force(force: Force) -> str:
    how = "rolled back to" if force.rolled_back else "put in force"
    why = f": {force.note}" if force.note else ""
    return f"Revision {force.number} is in force, {how} by {force.who} at {_moment(force.at)}{why}."


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def _write(kept: Revisions, revision: Revision, folder: Path) -> None:
    """For its owner alone: tables hold hashes."""
    texts = kept.files_of(revision)
    try:
        folder.mkdir(mode=0o700, parents=True)
        for name, text in texts.items():
            path = folder / Path(name).name
            path.touch(mode=0o600)
            path.write_bytes(text)
    except OSError as why:
        raise IvrError(f"{folder} cannot be written: {why.strerror or why}") from why
