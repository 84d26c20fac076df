"""People: who may sign in, as what, and where they are signed in."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.people import tries
from acd.people.model import Account, ApiToken, Session, WrongPassword
from acd.people.passwords import Passwords, checked
from acd.people.rows import (
    account,
    digest,
    end_sessions,
    keep_one_administrator,
    made,
    made_session,
    made_token,
    revoke_tokens,
    role_set,
)
from acd.people.tables import accounts, api_tokens, sessions
from acd.records.database import Database
from acd.records.errors import Conflict, NotFound, Refused
from acd.records.text import LONGEST_WORD, one_line
from acd.words import ISLAND, SERVICE

IDLE: Final = 12 * 3600.0
"""Seconds after its last use that a session ends."""
LONGEST_SESSION: Final = 7 * 86_400.0
SEEN_EVERY: Final = 60.0
"""Seconds between writing down that a session or token is in use."""
TOKEN_PREFIX: Final = "tl_"  # noqa: S105 - how our tokens begin, so that scanners find leaked ones
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,59}")
_NOBODYS: Final = frozenset({SERVICE, ISLAND, "console", "retention"})
"""What stands for who did it where that was no account's doing."""


class People:
    """Accounts, sessions and tokens. Methods raise `RecordsUnavailable`.

    Names are compared in lower case. Tokens are returned once, by the method that makes them, and
    kept as digests only.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.time,
        passwords: Passwords | None = None,
    ) -> None:
        self._database, self._clock = database, clock
        self._passwords = passwords or Passwords()

    # --- accounts --------------------------------------------------------------------------------

    async def add(
        self,
        name: str,
        password: str | None = None,
        *,
        title: str = "",
        extension: str = "",
        roles: Iterable[str] = ("agent",),
        language: str = "en",
    ) -> Account:
        """A new account; without a password only an identity provider lets it in.

        Raises `Refused`, and `Conflict` when there is one of that name or extension.
        """
        name = _named(name)
        kept = "" if password is None else await self._passwords.hash(checked(password, name))
        row: dict[str, Any] = {
            "name": name,
            "title": one_line(title, "a title"),
            "extension": one_line(extension, "an extension", LONGEST_WORD),
            "roles": sorted(role_set(roles)),
            "language": one_line(language, "a language", LONGEST_WORD),
            "password": kept,
            "disabled": False,
            "created_at": self._clock(),
            "version": 1,
        }
        async with self._database.writing() as connection:
            known = select(accounts.c.name).where(accounts.c.name == name)
            if await connection.scalar(known) is not None:
                raise Conflict(f"there is an account {name} already")
            await _extension_is_free(connection, row["extension"], name)
            await connection.execute(insert(accounts).values(row))
            return made(await account(connection, name))

    async def get(self, name: str) -> Account:
        """One account. Raises `NotFound`."""
        async with self._database.reading() as connection:
            return made(await account(connection, name.casefold()))

    async def of_extension(self, extension: str) -> Account | None:
        """The account of an agent's extension."""
        query = select(accounts).where(
            accounts.c.extension == extension, accounts.c.extension != ""
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else made(row)

    async def all(self) -> list[Account]:
        """Every account, by name."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(accounts).order_by(accounts.c.name))).all()
        return [made(row) for row in rows]

    async def edit(
        self,
        name: str,
        *,
        version: int | None = None,
        title: str | None = None,
        extension: str | None = None,
        roles: Iterable[str] | None = None,
        language: str | None = None,
    ) -> Account:
        """Change what is given. Raises `NotFound`, `Refused`, `Conflict`."""
        given: dict[str, Any] = {}
        if title is not None:
            given["title"] = one_line(title, "a title")
        if extension is not None:
            given["extension"] = one_line(extension, "an extension", LONGEST_WORD)
        if roles is not None:
            given["roles"] = sorted(role_set(roles))
        if language is not None:
            given["language"] = one_line(language, "a language", LONGEST_WORD)
        name = name.casefold()
        async with self._database.writing() as connection:
            before = await account(connection, name, lock=True)
            if version is not None and before.version != version:
                raise Conflict(f"account {name} was changed meanwhile: look at it again")
            if "administrator" not in given.get("roles", ["administrator"]):
                await keep_one_administrator(connection, name)
            await _extension_is_free(connection, given.get("extension", ""), name)
            given["version"] = before.version + 1
            await connection.execute(update(accounts).where(accounts.c.name == name).values(given))
            return made(await account(connection, name))

    async def set_password(self, name: str, password: str) -> None:
        """A new password; every session of the account ends. Raises `NotFound`, `Refused`."""
        name = name.casefold()
        kept = await self._passwords.hash(checked(password, name))
        async with self._database.writing() as connection:
            await account(connection, name, lock=True)
            await connection.execute(
                update(accounts).where(accounts.c.name == name).values(password=kept)
            )
            await end_sessions(connection, name)

    async def disable(self, name: str) -> None:
        """Nobody comes in under this name: sessions end, tokens are revoked.

        Raises `NotFound`, and `Refused` for the only administrator.
        """
        await self._switch(name.casefold(), disabled=True)

    async def enable(self, name: str) -> None:
        """The account may sign in again; its tokens stay revoked. Raises `NotFound`."""
        await self._switch(name.casefold(), disabled=False)

    async def _switch(self, name: str, *, disabled: bool) -> None:
        async with self._database.writing() as connection:
            before = await account(connection, name, lock=True)
            if disabled:
                await keep_one_administrator(connection, name)
                await end_sessions(connection, name)
                await revoke_tokens(connection, name, self._clock())
            changed = update(accounts).where(accounts.c.name == name)
            values = {"disabled": disabled, "version": before.version + 1}
            await connection.execute(changed.values(values))

    # --- signing in ------------------------------------------------------------------------------

    async def sign_in(
        self, name: str, password: str, *, address: str = "", agent: str = ""
    ) -> tuple[str, Session]:
        """A session for who knows the password, and the token that is its cookie.

        `address` is where they come from, `agent` the browser's name for itself. Raises
        `WrongPassword`, `TooManyTries`.
        """
        name, at = name.strip().casefold()[:200], self._clock()
        async with self._database.writing() as connection:
            subjects = await tries.admit(connection, name, address, at)
            query = select(accounts).where(accounts.c.name == name)
            row = (await connection.execute(query)).first()
        kept = "" if row is None else row.password
        fits = await self._passwords.fits(kept, password[:1000])
        if row is None or not fits or row.disabled:
            raise WrongPassword("name or password is wrong")
        new = await self._passwords.hash(password) if self._passwords.is_dated(kept) else kept
        async with self._database.writing() as connection:
            await tries.forgive(connection, subjects, at)
            # Only if it is still the password that was compared.
            same = (accounts.c.name == name) & (accounts.c.password == kept)
            renewed = await connection.execute(update(accounts).where(same).values(password=new))
            if not renewed.rowcount:
                raise WrongPassword("name or password is wrong")
            return await self._open(connection, name, address, agent)

    async def open_session(
        self, name: str, *, address: str = "", agent: str = "", identity: int | None = None
    ) -> tuple[str, Session]:
        """A session for somebody whose identity was proven elsewhere; `identity` is its number.

        Raises `NotFound`, and `WrongPassword` for a disabled account.
        """
        async with self._database.writing() as connection:
            return await self._open(connection, name.casefold(), address, agent, identity)

    async def _open(
        self,
        connection: AsyncConnection,
        name: str,
        address: str,
        agent: str,
        identity: int | None = None,
    ) -> tuple[str, Session]:
        owner = await account(connection, name)
        if owner.disabled:
            raise WrongPassword("name or password is wrong")
        token, at = secrets.token_urlsafe(32), self._clock()
        row = {
            "digest": digest(token),
            "account": name,
            "csrf": secrets.token_urlsafe(24),
            "created_at": at,
            "seen_at": at,
            "expires_at": at + IDLE,
            "address": one_line(address[:100], "an address"),
            "agent": one_line(agent[:200], "a browser"),
            "identity_id": identity,
        }
        await connection.execute(delete(sessions).where(sessions.c.expires_at <= at))
        key = await connection.scalar(insert(sessions).values(row).returning(sessions.c.id))
        query = select(sessions).where(sessions.c.id == key)
        return token, made_session((await connection.execute(query)).one(), made(owner))

    async def session(self, token: str) -> Session | None:
        """The session of a cookie's token, and it lives on; None when it is over or never was."""
        at = self._clock()
        query = select(sessions).where(sessions.c.digest == digest(token))
        async with self._database.reading() as connection:
            row = (await connection.execute(query.where(sessions.c.expires_at > at))).first()
            if row is None:
                return None
            owner = made(await account(connection, row.account))
        if owner.disabled:
            return None
        found = made_session(row, owner)
        if at - row.seen_at >= SEEN_EVERY:
            until = min(at + IDLE, row.created_at + LONGEST_SESSION)
            async with self._database.writing() as connection:
                changed = update(sessions).where(sessions.c.id == row.id)
                await connection.execute(changed.values(seen_at=at, expires_at=until))
            found = replace(found, seen_at=at, expires_at=until)
        return found

    async def sessions(self, name: str) -> list[Session]:
        """Where an account is signed in, the latest first. Raises `NotFound`."""
        query = select(sessions).where(
            sessions.c.account == name.casefold(), sessions.c.expires_at > self._clock()
        )
        async with self._database.reading() as connection:
            owner = made(await account(connection, name.casefold()))
            rows = (await connection.execute(query.order_by(sessions.c.id.desc()))).all()
        return [made_session(row, owner) for row in rows]

    async def end_session(self, session_id: int) -> None:
        """Signed out; it does not matter whether it was over already."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.id == session_id))

    async def end_sessions(self, name: str) -> int:
        """Signed out everywhere; how many sessions that were."""
        async with self._database.writing() as connection:
            return await end_sessions(connection, name.casefold())

    # --- programs --------------------------------------------------------------------------------

    async def new_token(
        self,
        name: str,
        label: str,
        *,
        roles: Iterable[str] | None = None,
        expires_at: float | None = None,
    ) -> tuple[str, ApiToken]:
        """A token for a program, and what is kept of it. Raises `NotFound`, `Refused`.

        `roles` are the account's, or fewer.
        """
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        async with self._database.writing() as connection:
            owner = made(await account(connection, name.casefold()))
            wanted = owner.roles if roles is None else role_set(roles)
            if owner.disabled or not wanted <= owner.roles:
                held = ", ".join(sorted(owner.roles))
                raise Refused(f"a token has no more roles than its account, and {name} has {held}")
            row = {
                "digest": digest(token),
                "account": owner.name,
                "label": one_line(label, "a label", shortest=1),
                "roles": sorted(wanted),
                "created_at": self._clock(),
                "expires_at": expires_at,
            }
            key = await connection.scalar(insert(api_tokens).values(row).returning(api_tokens.c.id))
            query = select(api_tokens).where(api_tokens.c.id == key)
            return token, made_token((await connection.execute(query)).one())

    async def by_token(self, token: str) -> tuple[Account, ApiToken] | None:
        """Whose token it is, with the roles that both have; None when it is no good."""
        if not token.startswith(TOKEN_PREFIX):
            return None
        at = self._clock()
        query = select(api_tokens).where(api_tokens.c.digest == digest(token))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
            if row is None or row.revoked_at is not None:
                return None
            if row.expires_at is not None and row.expires_at <= at:
                return None
            owner = made(await account(connection, row.account))
        if owner.disabled:
            return None
        if row.last_used is None or at - row.last_used >= SEEN_EVERY:
            async with self._database.writing() as connection:
                changed = update(api_tokens).where(api_tokens.c.id == row.id)
                await connection.execute(changed.values(last_used=at))
        known = made_token(row)
        return replace(owner, roles=owner.roles & known.roles), known

    async def tokens(self, name: str) -> list[ApiToken]:
        """An account's tokens, the latest first. Raises `NotFound`."""
        query = select(api_tokens).where(api_tokens.c.account == name.casefold())
        async with self._database.reading() as connection:
            await account(connection, name.casefold())
            rows = (await connection.execute(query.order_by(api_tokens.c.id.desc()))).all()
        return [made_token(row) for row in rows]

    async def revoke_token(self, token_id: int) -> ApiToken:
        """The token is no good any more. Raises `NotFound`."""
        query = select(api_tokens).where(api_tokens.c.id == token_id)
        async with self._database.writing() as connection:
            still = (api_tokens.c.id == token_id) & api_tokens.c.revoked_at.is_(None)
            changed = update(api_tokens).where(still).values(revoked_at=self._clock())
            await connection.execute(changed)
            row = (await connection.execute(query)).first()
            if row is None:
                raise NotFound(f"there is no token {token_id}")
            return made_token(row)


def _named(name: str) -> str:
    name = name.strip().casefold()
    if not _NAME.fullmatch(name):
        raise Refused(
            f"{name!r} is no name for an account: letters a-z, digits, and . _ @ - between them"
        )
    if name in _NOBODYS:
        raise Refused(
            f"{name!r} is no name for an account: in stories and audits it stands for what no "
            "account did. Choose another one"
        )
    return name


async def _extension_is_free(connection: AsyncConnection, extension: str, name: str) -> None:
    query = select(accounts.c.name).where(accounts.c.extension == extension)
    holder = await connection.scalar(query.where(accounts.c.name != name))
    if extension and holder is not None:
        raise Conflict(f"extension {extension} belongs to {holder}")
