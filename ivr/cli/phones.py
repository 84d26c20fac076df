"""`tieline password` and `tieline pin`: what phones and people log in with."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Annotated

import typer

from ivr.errors import IvrError
from ivr.floor import FloorPlan, load_floor
from ivr.pins import drawn_pin, set_pin
from ivr.secrets import Secrets
from ivr.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(password)
    app.command()(pin)


def password(extension: Annotated[str, typer.Argument(metavar="EXTENSION")]) -> None:
    """Print the SIP password of one phone.

    It is an agent's own, or one that anybody may sit at.

    Example: tieline password 1001
    """
    settings = load_settings()
    floor = load_floor(settings.floor)
    if extension in floor.phones.roaming:
        raise IvrError(
            f"agent {extension} has no phone of their own; a PIN: tieline pin {extension}"
        )
    if extension not in floor.phones.desks:
        _must_be_agent(floor, settings, extension)
    typer.echo(Secrets(settings.home).agent_password(extension))


def pin(
    agent: str,
    *,
    random: Annotated[
        bool, typer.Option("--random", help="Draw one and print it, once and never again.")
    ] = False,
) -> None:
    """Set the PIN of an agent who logs in at phones of others.

    It is asked for, or read from the first line of what is piped in; only its hash is kept.

    Example: tieline pin 1005 --random
    """
    settings = load_settings()
    _must_be_agent(load_floor(settings.floor), settings, agent)
    chosen = drawn_pin() if random else _typed()
    set_pin(Secrets(settings.home), agent, chosen)
    typer.echo(f"PIN of {agent}: {chosen}" if random else f"PIN of {agent} is set.")


def _typed() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    first = getpass("PIN: ")
    if getpass("Again: ") != first:
        raise IvrError("the two are different; nothing was changed")
    return first


def _must_be_agent(floor: FloorPlan, settings: Settings, agent: str) -> None:
    if not floor.is_agent(agent):
        raise IvrError(f"no agent {agent!r} in {settings.floor}: tieline show agents lists them")
