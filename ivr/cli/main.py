"""The `tieline` command: one module for each group of commands, and one place for errors."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from acd.errors import AcdError
from ivr.cli import (
    calendars,
    console,
    contacts,
    customers,
    demo,
    doctor,
    flows,
    graph,
    nodes,
    outbox,
    phones,
    records,
    replay,
    revisions,
    schema,
    server,
    simulate,
    sounds,
    users,
)
from ivr.errors import ConfigError, IvrError
from ivr.operator.wording import clean

DEBUG = "TIELINE_DEBUG"


def _app() -> typer.Typer:
    app = typer.Typer(
        name="tieline",
        help="Telephony-first IVR and ACD on Asterisk.\n\nStart with: tieline run",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for group in (
        server,
        phones,
        demo,
        flows,
        schema,
        graph,
        contacts,
        customers,
        users,
        outbox,
        records,
        console,
        revisions,
        calendars,
        simulate,
        replay,
        sounds,
        nodes,
        doctor,
    ):
        group.register(app)
    app.callback()(_options)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tieline {metadata.version('tieline')}")
        raise typer.Exit


def _options(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Settings file; ./tieline.yaml if there is one."),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Telephony-first IVR and ACD on Asterisk. Start with: tieline run"""
    if config is not None:
        os.environ["TIELINE_CONFIG"] = str(config)


def main() -> None:
    """Run the command line; a user never meets a traceback."""
    try:
        _app()()
    except ConfigError as error:
        _complain(str(error))
        count = len(error.problems)
        _complain(f"{count} mistake{'s' if count != 1 else ''}; nothing was changed.")
        sys.exit(1)
    except (IvrError, AcdError) as error:
        _complain(f"tieline: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:  # the last line of defence
        if os.environ.get(DEBUG):
            traceback.print_exc()
        kind = type(error).__name__
        _complain(f"tieline: this should not have happened ({kind}: {error}).")
        _complain(f"Run it again with {DEBUG}=1 for the details, and please report them.")
        sys.exit(70)


def _complain(text: str) -> None:
    sys.stderr.write(clean(text) + "\n")
