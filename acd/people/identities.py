"""Who is who at an identity provider: one account for each identity, one identity for each account.

A link is made once and then holds: neither another person who later has the same e-mail address
there, nor a second identity with it, comes to an account that is somebody's already.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from acd.people.model import Identity
from acd.people.rows import account
from acd.people.tables import identities, sessions
from acd.records.database import Database
from acd.records.errors import Conflict, NotFound, Refused

LONGEST: Final = 255
"""Characters of a subject: OpenID Connect Core 1.0, section 2, allows no more."""


class Identities:
    """The links. Methods raise `RecordsUnavailable`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def find(self, issuer: str, subject: str) -> Identity | None:
        """The link of that identity."""
        query = select(identities).where(
            identities.c.issuer == issuer, identities.c.subject == subject
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else _made(row)

    async def of(self, name: str) -> list[Identity]:
        """The identities of an account. Raises `NotFound`."""
        name = name.casefold()
        query = select(identities).where(identities.c.account == name).order_by(identities.c.id)
        async with self._database.reading() as connection:
            await account(connection, name)
            return [_made(row) for row in (await connection.execute(query)).all()]

    async def link(self, issuer: str, subject: str, name: str, *, made: bool = False) -> Identity:
        """That identity is this account's from now on.

        Raises `NotFound`, `Refused`, and `Conflict` when one of the two is linked already.
        """
        if not 0 < len(subject) <= LONGEST or not subject.isprintable():
            raise Refused(f"a subject has 1 to {LONGEST} characters, all of them printable")
        name = name.casefold()
        row: dict[str, Any] = {
            "issuer": issuer,
            "subject": subject,
            "account": name,
            "made": made,
            "linked_at": self._clock(),
            "last_used": None,
        }
        async with self._database.writing() as connection:
            await account(connection, name, lock=True)
            same = (identities.c.subject == subject) | (identities.c.account == name)
            query = select(identities).where(identities.c.issuer == issuer, same)
            for other in (await connection.execute(query)).all():
                taken = f"account {name}" if other.account == name else "that identity"
                raise Conflict(f"{taken} is linked already: end that link first")
            key = await connection.scalar(insert(identities).values(row).returning(identities.c.id))
        return Identity(id=key or 0, **row)

    async def used(self, identity: Identity) -> None:
        """Somebody signed in with it."""
        changed = update(identities).where(identities.c.id == identity.id)
        async with self._database.writing() as connection:
            await connection.execute(changed.values(last_used=self._clock()))

    async def unlink(self, identity_id: int) -> tuple[Identity, list[int]]:
        """The link ends, and every session that was begun with it, by number. Raises `NotFound`."""
        query = select(identities).where(identities.c.id == identity_id)
        async with self._database.writing() as connection:
            row = (await connection.execute(query)).first()
            if row is None:
                raise NotFound(f"there is no identity {identity_id}")
            begun = delete(sessions).where(sessions.c.identity_id == identity_id)
            ended = (await connection.scalars(begun.returning(sessions.c.id))).all()
            await connection.execute(delete(identities).where(identities.c.id == identity_id))
        return _made(row), list(ended)


def _made(row: Any) -> Identity:
    return Identity(
        row.id, row.issuer, row.subject, row.account, row.made, row.linked_at, row.last_used
    )
