"""Accounts as rows. For this package alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.people.model import ROLES, Account, ApiToken, Role, Session
from acd.people.tables import accounts, api_tokens, sessions
from acd.records.errors import NotFound, Refused

ADMINISTRATOR: Final = "administrator"


def digest(token: str) -> str:
    """What is kept of a token: it is long and random, so nothing slow is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def role_set(given: Iterable[str]) -> frozenset[Role]:
    """Roles, one at least. Raises `Refused`."""
    wanted = set(given)
    unknown = wanted - set(ROLES)
    if unknown or not wanted:
        told = ", ".join(sorted(unknown)) or "no role"
        raise Refused(f"{told}: roles are {', '.join(ROLES)}")
    return frozenset(role for role in ROLES if role in wanted)


async def account(connection: AsyncConnection, name: str, *, lock: bool = False) -> Row[Any]:
    """The row of an account. Raises `NotFound`."""
    query = select(accounts).where(accounts.c.name == name)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise NotFound(f"there is no account {name!r}")
    return row


def made(row: Any) -> Account:
    """An account from its row; roles that this release does not know give no rights."""
    return Account(
        row.name,
        row.title,
        row.extension,
        frozenset(role for role in ROLES if role in row.roles),
        row.language,
        row.disabled,
        row.created_at,
        row.version,
        bool(row.password),
    )


def made_session(row: Any, owner: Account) -> Session:
    """A session from its row."""
    return Session(
        row.id,
        owner,
        row.created_at,
        row.seen_at,
        row.expires_at,
        row.csrf,
        row.address,
        row.agent,
        row.identity_id,
    )


def made_token(row: Any) -> ApiToken:
    """A program's token from its row."""
    return ApiToken(
        row.id,
        row.account,
        row.label,
        frozenset(role_set(row.roles)),
        row.created_at,
        row.expires_at,
        row.last_used,
        row.revoked_at,
    )


async def end_sessions(connection: AsyncConnection, name: str) -> int:
    """Everywhere this account is signed in, it no longer is; how many that were."""
    return (await connection.execute(delete(sessions).where(sessions.c.account == name))).rowcount


async def revoke_tokens(connection: AsyncConnection, name: str, at: float) -> None:
    """No program comes in under this account's name."""
    still = (api_tokens.c.account == name) & api_tokens.c.revoked_at.is_(None)
    await connection.execute(update(api_tokens).where(still).values(revoked_at=at))


async def keep_one_administrator(connection: AsyncConnection, leaving: str) -> None:
    """Somebody must be able to let others in. Raises `Refused`."""
    rows = (await connection.execute(select(accounts).where(accounts.c.disabled.is_(False)))).all()
    others = [row.name for row in rows if ADMINISTRATOR in row.roles and row.name != leaving]
    was = any(row.name == leaving and ADMINISTRATOR in row.roles for row in rows)
    if was and not others:
        raise Refused(f"{leaving} is the only administrator: make somebody else one first")
