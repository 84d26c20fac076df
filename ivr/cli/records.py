"""`tieline records`: which version the records are of, and how they get to this release's."""

from __future__ import annotations

import asyncio

import typer

from acd.records import open_records, records_version
from acd.records.schema import SCHEMA_VERSION, UPGRADE_COMMAND
from ivr.settings import load_settings

records_app = typer.Typer(
    help="The database of contacts and customers.\n\nExample: tieline records version",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(records_app, name="records")


@records_app.command("version")
def version() -> None:
    """Tell which version the tables are of, and which this release reads.

    \b
    Example: tieline records version
    """
    found = asyncio.run(records_version(load_settings().records_url))
    typer.echo(f"records: {'none yet' if found is None else f'version {found}'}")
    typer.echo(f"this release reads version {SCHEMA_VERSION}")
    if found is None or found < SCHEMA_VERSION:
        typer.echo(f"The service brings them up to it when it starts; so does: {UPGRADE_COMMAND}")


@records_app.command("upgrade")
def upgrade() -> None:
    """Bring the tables up to this release; nothing is lost, and there is no way back.

    \b
    Example: tieline records upgrade
    """
    url = load_settings().records_url

    async def open_once() -> None:
        engine = await open_records(url)
        await engine.dispose()

    asyncio.run(open_once())
    typer.echo(f"The records are of version {SCHEMA_VERSION}.")
