"""`tieline customers`: find, show, take in, hand out, join and forget customers."""

from __future__ import annotations

import asyncio
import getpass
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.customers import Audit, Consents, Customer, Customers, Item, timeline
from acd.customers.columns import FIELDS
from acd.customers.erasing import erase as erase_customer
from acd.customers.exporting import export_file
from acd.customers.importing import Import, Imported, import_file, with_errors_beside
from acd.records import ContactEvent, Database
from acd.records.telling import sentence
from ivr.backends.building import store_file
from ivr.backends.forgetting import forget_errands
from ivr.cli.progress import shown_progress
from ivr.errors import IvrError
from ivr.plans import load_plan
from ivr.retention import delete_recordings
from ivr.settings import Settings, load_settings

T = TypeVar("T")
ROUTE = "command line"
PAGE = 30
SHOWN_ERRORS = 10

customers_app = typer.Typer(
    help="Customers: who calls, and what is known of them.\n\nExample: tieline customers find lin",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Number = Annotated[int, typer.Argument(metavar="ID", help="The customer's number.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the audit.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(customers_app, name="customers")


@customers_app.command("find")
def find(
    text: Annotated[list[str] | None, typer.Argument(help="Name, number, e-mail, tag, ...")] = None,
    tag: Annotated[str, typer.Option(help="With this tag.")] = "",
    segment: Annotated[str, typer.Option(help="Of this segment.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find customers by words or digits; without any, those who changed last.

    \b
    Examples:
      tieline customers find mei lin
      tieline customers find 4567 --tag vip
      tieline customers find --segment gold --limit 100 --json
    """

    async def look(database: Database, settings: Settings) -> list[Customer]:
        looked_for = " ".join(text or ())
        found = await _customers(database, settings).find(
            looked_for, tag=tag, segment=segment, limit=limit
        )
        ids = [each.id for each in found]
        await Audit(database).note(_user(), "searched", customers=ids, route=ROUTE)
        return found

    found = _ask(look)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    elif not found:
        typer.echo("No customers found.", err=True)
    else:
        _print(
            ("Id", "Name", "Numbers", "E-mail", "Segment", "Tags"),
            [
                (
                    str(each.id),
                    each.name,
                    " ".join(each.numbers),
                    " ".join(each.emails),
                    each.segment,
                    ", ".join(each.tags),
                )
                for each in found
            ],
        )


@customers_app.command("show")
def show(customer_id: Number, as_json: AsJson = False, why: Why = "") -> None:
    """Show one customer, and what happened with them, the latest first.

    \b
    Example: tieline customers show 12
    """

    async def look(database: Database, settings: Settings) -> tuple[Customer, list[Item], str]:
        one = await _customers(database, settings).get(customer_id)
        audit = Audit(database)
        await audit.note(_user(), "read", customers=[one.id], why=why, route=ROUTE)
        said = await Consents(database).consents(one.id)
        told = ", ".join(f"{c.channel} {'yes' if c.given else 'no'} ({c.how})" for c in said)
        return one, await timeline(database, one.id, limit=PAGE), told

    one, items, consent = _ask(look)
    if as_json:
        whole = {**asdict(one), "timeline": [asdict(item) for item in items]}
        typer.echo(json.dumps(whole, indent=2, ensure_ascii=False))
        return
    console = _console()
    reached = ", ".join(f"{each.value}" for each in one.addresses)
    facts = {
        "customer": f"{one.id} {one.name}".strip(),
        "reached": reached,
        "segment": one.segment,
        "language": one.language,
        "tags": ", ".join(one.tags),
        "consent": consent,
    }
    for name, value in facts.items():
        if value:
            console.print(Text(f"{name:<9} ", style="bold").append(value))
    console.print()
    _print(
        ("When", "Contact", "What", "By"),
        [(_moment(item.at), item.contact or "", _told(item), item.by) for item in items],
    )


@customers_app.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(help="A CSV or XLSX file; its first row names columns.")],
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="HEADING=FIELD", help="What a column is; `-` ignores it."),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="The country of numbers without one; as in services.yaml.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, and keep nothing.")] = False,
) -> None:
    """Take in customers. Good rows are taken, bad ones listed in a file beside.

    Who is known by one of the addresses gets what the row says besides; so the same file can be
    imported again. Fields are id, name, segment, language, phone, email, chat, other, tags, note
    and consent voice, consent sms, consent email, consent chat.

    \b
    Examples:
      tieline customers import people.csv --dry-run
      tieline customers import people.xlsx --column "Handy=phone" --column "Fax=-"
    """
    told = _headings(column or ())

    async def run(database: Database, settings: Settings) -> tuple[Import, Imported]:
        wanted = with_errors_beside(
            Import(file, _user(), region or _region(settings)(), told, dry_run)
        )
        with shown_progress(Console(stderr=True)) as report:

            def progress(done: int, total: int | None) -> None:
                share = None if not total else min(0.999, done / total)
                report("Taking in customers", share)

            came = await import_file(database, wanted, progress)
            report("Ready", 1.0)
        return wanted, came

    wanted, came = _ask(run)
    _say_what_came(wanted, came)


@customers_app.command("export")
def hand_out(
    file: Annotated[Path, typer.Argument(help="Where to: .xlsx is a workbook, else CSV.")],
    tag: Annotated[str, typer.Option(help="Those with this tag.")] = "",
    segment: Annotated[str, typer.Option(help="Those of this segment.")] = "",
    why: Why = "",
) -> None:
    """Write customers to a file that `import` reads again. It is audited for each of them.

    \b
    Example: tieline customers export vips.xlsx --tag vip --why "spring letter"
    """

    async def run(database: Database, _: Settings) -> int:
        with shown_progress(Console(stderr=True)) as report:

            def progress(done: int, total: int | None) -> None:
                report("Writing customers", None if not total else min(0.999, done / total))

            count = await export_file(
                database, file, by=_user(), tag=tag, segment=segment, why=why, progress=progress
            )
            report("Ready", 1.0)
            return count

    typer.echo(f"{_ask(run):,} customers written to {file}.")


@customers_app.command("merge")
def merge(
    into: Annotated[int, typer.Argument(metavar="ID", help="Who stays.", min=1)],
    other: Annotated[int, typer.Argument(metavar="OTHER", help="Who becomes part of it.", min=1)],
    undo: Annotated[bool, typer.Option("--undo", help="Part them again.")] = False,
) -> None:
    """Make two customers one, or part them again with what each had.

    \b
    Examples:
      tieline customers merge 12 57
      tieline customers merge 12 57 --undo
    """

    async def run(database: Database, settings: Settings) -> Customer:
        known = _customers(database, settings)
        did = "unmerged" if undo else "merged"
        done = await (known.unmerge(other, _user()) if undo else known.merge(into, other, _user()))
        await Audit(database).note(_user(), did, customers=[into, other], route=ROUTE)
        return done

    done = _ask(run)
    if undo:
        typer.echo(f"Customer {done.id} {done.name} is a customer of their own again.")
    else:
        typer.echo(f"Customer {other} is part of {done.id} {done.name} now.")


@customers_app.command("erase")
def erase(
    customer_id: Number,
    why: Annotated[str, typer.Option("--why", help="The reason, for the audit.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a customer for good: there is no way back. Contacts stay as figures, and a no as the
    bare number.

    \b
    Example: tieline customers erase 12 --why "asked for it by letter"
    """
    if not yes and not typer.confirm(f"Erase customer {customer_id} for good?"):
        raise IvrError("nothing was erased")

    async def run(database: Database, settings: Settings) -> str:
        region = _region(settings)()
        done = await erase_customer(database, customer_id, by=_user(), why=why, at=time.time())
        files = await asyncio.to_thread(delete_recordings, settings.data_dir, done.contacts)
        errands = store_file(settings)
        try:
            await asyncio.to_thread(forget_errands, errands, done.contacts, done.numbers, region)
        except sqlite3.Error as locked:
            raise IvrError(
                f"customer {customer_id} is erased, but text messages and promised calls cannot be "
                f"reached in {errands} ({locked}): those of their contacts go tonight"
            ) from None
        waiting = f"; {len(done.waiting)} more when they have ended" if done.waiting else ""
        return (
            f"Customer {customer_id} is erased: {len(done.contacts)} contacts are figures now"
            f"{waiting}; {files} recordings deleted. The journal is rewritten without them tonight."
        )

    typer.echo(_ask(run))


# --- what they share ------------------------------------------------------------------------------


def _customers(database: Database, settings: Settings) -> Customers:
    return Customers(database, _region(settings))


def _region(settings: Settings) -> Callable[[], str | None]:
    region = load_plan(settings.flows, settings.floor).services.region
    return lambda: region


def _ask(question: Callable[[Database, Settings], Awaitable[T]]) -> T:
    settings = load_settings()

    async def ask() -> T:
        database = Database(settings.records_url)
        try:
            return await question(database, settings)
        finally:
            await database.close()

    return asyncio.run(ask())


def _user() -> str:
    """Who is at the shell, as the audit names them."""
    return getpass.getuser()


def _headings(told: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for each in told:
        heading, _, field = each.rpartition("=")
        if not heading:
            fields = ", ".join(FIELDS)
            raise IvrError(f"--column {each}: write HEADING=FIELD, with a field of {fields}, or -")
        found[heading] = field
    return found


def _say_what_came(wanted: Import, came: Imported) -> None:
    would = "would be " if wanted.dry_run else ""
    typer.echo(
        f"{came.rows:,} rows: {came.created:,} {would}new, {came.updated:,} {would}changed, "
        f"{came.unchanged:,} as they were, {came.failed:,} not taken."
    )
    if came.kept_out:
        typer.echo(f"{came.kept_out:,} consents are not taken: these people wrote STOP.")
    for error in came.errors[:SHOWN_ERRORS]:
        typer.echo(f"  {error}", err=True)
    if came.failed:
        typer.echo(f"The rows that were not taken are in {wanted.errors_to}.", err=True)
        raise typer.Exit(1)


def _told(item: Item) -> str:
    data = item.data
    match item.kind:
        case "note":
            return f"note: {data['text']}"
        case "fact":
            return f"{data['kind']}: {json.dumps(data['data'], ensure_ascii=False)}"
        case "consent":
            return f"{item.channel} {'yes' if data['given'] else 'no'} ({data['how']})"
        case "ticket":
            return f"ticket {data['ticket']} ({data['state']}): {data['title']}"
        case "change":
            return str(data["what"])
    return sentence(ContactEvent(item.contact or "", item.at, item.kind, "", data))


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"


def _console() -> Console:
    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else 250
    return console


def _print(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _console().print(table)
