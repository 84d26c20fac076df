"""`tieline users`: who may sign in at the desk, and programs' tokens."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.customers import Audit
from acd.people import ROLES, Account, Identities, People
from acd.records import Database
from ivr.errors import IvrError
from ivr.settings import load_settings

T = TypeVar("T")
ROUTE = "command line"

users_app = typer.Typer(
    help="Accounts of the desk, and tokens for programs.\n\nExample: tieline users add ada",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]
Roles = Annotated[list[str], typer.Option("--role", help=f"One or more of: {', '.join(ROLES)}.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(users_app, name="users")


@users_app.command("add")
def add(
    name: Name,
    *,
    title: Annotated[str, typer.Option(help="The name people read.")] = "",
    extension: Annotated[str, typer.Option(help="The agent's extension of floor.yaml.")] = "",
    role: Roles = ["agent"],  # noqa: B006 - typer reads it and changes nothing
    language: Annotated[str, typer.Option(help="Of the desk: en or zh.")] = "en",
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Only an identity provider lets them in.")
    ] = False,
) -> None:
    """Add an account. The password is asked for, or read from the input.

    \b
    Examples:
      tieline users add ada --extension 1001 --title "Ada Park"
      tieline users add root --role administrator --role supervisor < password.txt
    """
    password = None if no_password else _password()

    async def run(people: People) -> Account:
        return await people.add(
            name, password, title=title, extension=extension, roles=role, language=language
        )

    made = _ask(run, "account added", name)
    typer.echo(f"{made.name} may sign in as {_roles(made)}.")


@users_app.command("list")
def list_users() -> None:
    """List accounts.

    \b
    Example: tieline users list
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Name", "Title", "Extension", "Roles", "Signs in", "Since"):
        table.add_column(column, overflow="fold")
    for each in _ask(lambda people: people.all()):
        way = "disabled" if each.disabled else "by password" if each.has_password else "elsewhere"
        since = f"{datetime.fromtimestamp(each.created_at).astimezone():%Y-%m-%d}"
        cells = (each.name, each.title, each.extension, _roles(each), way, since)
        table.add_row(*(Text(cell) for cell in cells))
    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else 250
    console.print(table)


@users_app.command("password")
def password(name: Name) -> None:
    """Set a password: asked for, or read from the input. The account is signed out everywhere.

    \b
    Example: tieline users password ada
    """
    new = _password()
    _ask(lambda people: people.set_password(name, new), "password set", name)
    typer.echo(f"{name} has a new password and is signed out everywhere.")


@users_app.command("roles")
def roles(name: Name, role: Roles) -> None:
    """Say what an account may do, in place of what it might.

    \b
    Example: tieline users roles ada --role agent --role supervisor
    """
    made = _ask(lambda people: people.edit(name, roles=role), "roles set", name)
    typer.echo(f"{made.name} is {_roles(made)}.")


@users_app.command("disable")
def disable(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
) -> None:
    """Let nobody in under this name: sessions end, tokens are revoked.

    \b
    Example: tieline users disable ada
    """
    if undo:
        _ask(lambda people: people.enable(name), "account enabled", name)
        typer.echo(f"{name} may sign in again; tokens stay revoked.")
    else:
        _ask(lambda people: people.disable(name), "account disabled", name)
        typer.echo(f"{name} is disabled, signed out everywhere, and has no token.")


@users_app.command("token")
def token(
    name: Name,
    label: Annotated[str, typer.Option("--for", help="What the token is for.")] = "",
    role: Annotated[list[str] | None, typer.Option("--role", help="Fewer roles.")] = None,
    revoke: Annotated[int | None, typer.Option(help="The number of a token to revoke.")] = None,
) -> None:
    """Make a token for a program, revoke one, or list them. A token is shown once.

    \b
    Examples:
      tieline users token shop --for "orders" --role agent
      tieline users token shop
      tieline users token shop --revoke 3
    """
    if revoke is not None:
        _ask(lambda people: people.revoke_token(revoke), "token revoked", name)
        typer.echo(f"Token {revoke} is no good any more.")
    elif label:
        made = _ask(lambda people: people.new_token(name, label, roles=role), "token made", name)
        typer.echo(made[0])
        typer.echo(f"Token {made[1].id} of {name}: it is shown this once.", err=True)
    else:
        for each in _ask(lambda people: people.tokens(name)):
            state = "revoked" if each.revoked_at is not None else ", ".join(sorted(each.roles))
            typer.echo(f"{each.id}  {each.label}  ({state})")


@users_app.command("identity")
def identity(
    name: Name,
    subject: Annotated[str, typer.Option(help="Who they are at the identity provider.")] = "",
    unlink: Annotated[int | None, typer.Option(help="The number of a link to end.")] = None,
) -> None:
    """Link an account with an identity of the provider in the setting oidc, or list or end links.

    \b
    Examples:
      tieline users identity root --subject 248289761001
      tieline users identity root
      tieline users identity root --unlink 1
    """
    if unlink is not None:
        _look(lambda links: links.unlink(unlink), "identity unlinked", name)
        typer.echo(f"Link {unlink} has ended, and every session that was begun with it.")
    elif subject:
        chosen = load_settings().oidc
        if chosen is None:
            raise IvrError("no identity provider is set up: the setting oidc names one")
        made = _look(lambda links: links.link(chosen.issuer, subject, name), "linked", name)
        typer.echo(f"Link {made.id}: {name} signs in with {chosen.title}.")
    else:
        for each in _look(lambda links: links.of(name)):
            typer.echo(f"{each.id}  {each.issuer}  {each.subject}")


def _ask(question: Callable[[People], Awaitable[T]], did: str = "", whom: str = "") -> T:
    return _within(lambda database: question(People(database)), did, whom)


def _look(question: Callable[[Identities], Awaitable[T]], did: str = "", whom: str = "") -> T:
    return _within(lambda database: question(Identities(database)), did, whom)


def _within(question: Callable[[Database], Awaitable[T]], did: str, whom: str) -> T:
    """The answer; what was done to whom is audited."""

    async def ask() -> T:
        database = Database(load_settings().records_url)
        try:
            answer = await question(database)
            if did:
                told = {"account": whom}
                await Audit(database).note(getpass.getuser(), did, route=ROUTE, detail=told)
            return answer
        finally:
            await database.close()

    return asyncio.run(ask())


def _password() -> str:
    """Never an argument: arguments are seen by everybody on the machine."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Once more: "):
        raise IvrError("these are two passwords: nothing was changed")
    return first


def _roles(account: Account) -> str:
    return ", ".join(role for role in ROLES if role in account.roles)
