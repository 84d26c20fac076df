"""Passwords: argon2id, worked out in a thread and a few at a time, as each takes 64 MB."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from acd.records.errors import Refused

SHORTEST: Final = 10
LONGEST: Final = 200
AT_ONCE: Final = 2


class Passwords:
    """Hashes and compares. `hasher` is argon2's own choice of parameters unless told otherwise."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """What is kept in place of the password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, kept: str, password: str) -> bool:
        """Whether it is the password. Takes as long where there is none to compare with."""
        if not kept:
            if not self._nobody:
                self._nobody = await self.hash(secrets.token_urlsafe())
            await self._compare(self._nobody, password)
            return False
        return await self._compare(kept, password)

    def is_dated(self, kept: str) -> bool:
        """Whether it was hashed with parameters of another time."""
        return self._hasher.check_needs_rehash(kept)

    async def _compare(self, kept: str, password: str) -> bool:
        async with self._turn:
            try:
                return await asyncio.to_thread(self._hasher.verify, kept, password)
            except (VerificationError, InvalidHashError):
                return False


def checked(password: str, name: str) -> str:
    """A password that may be used. Raises `Refused`, without the password in its words."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refused(f"a password has {SHORTEST} to {LONGEST} characters: several words are best")
    if password.strip().casefold() == name.casefold() or len(set(password)) < 4:
        raise Refused("this password is guessed at once: take several words")
    return password
