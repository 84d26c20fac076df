"""Sign-ins at an identity provider that are under way: each is ended once, or forgotten.

What is kept is found by a secret that only the browser has, so nobody else can end a sign-in, and
nobody can be made to end one that somebody else has begun.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import delete, insert, select

from acd.people.model import Begun
from acd.people.rows import digest
from acd.people.tables import begun_sign_ins
from acd.records.database import Database

LASTS: Final = 600.0
"""Seconds that somebody may take to sign in there."""
MOST: Final = 10_000
"""Sign-ins under way at once. More, and somebody begins them for no good: the oldest are forgotten,
as nobody may keep others out."""
_BYTES: Final = 32


class BegunSignIns:
    """The sign-ins under way. Methods raise `RecordsUnavailable`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def begin(self, to: str) -> tuple[str, Begun]:
        """A secret for the browser, and what the provider is told."""
        secret, at = secrets.token_urlsafe(_BYTES), self._clock()
        state, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(3))
        row = {
            "digest": digest(secret),
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "goes_to": to,
            "at": at,
        }
        async with self._database.writing() as connection:
            latest = select(begun_sign_ins.c.at).order_by(begun_sign_ins.c.at.desc())
            crowd = await connection.scalar(latest.offset(MOST - 1).limit(1))
            over = max(at - LASTS, crowd if crowd is not None else 0.0)
            await connection.execute(delete(begun_sign_ins).where(begun_sign_ins.c.at <= over))
            await connection.execute(insert(begun_sign_ins).values(row))
        return secret, Begun(state, nonce, verifier, to)

    async def end(self, secret: str, state: str) -> Begun | None:
        """What was begun with that secret and has that state, once.

        None when there is none, or it took too long. Another state ends nothing: who sends somebody
        a link would end the sign-in they are at.
        """
        own = (begun_sign_ins.c.digest == digest(secret)) & (begun_sign_ins.c.state == state)
        async with self._database.writing() as connection:
            gone = delete(begun_sign_ins).where(own).returning(*begun_sign_ins.c)
            row = (await connection.execute(gone)).first()
        if row is None or row.at < self._clock() - LASTS:
            return None
        return Begun(row.state, row.nonce, row.verifier, row.goes_to)
