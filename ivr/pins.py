"""PINs with which agents log in at phones that are nobody's own: hashed, and locked when guessed.

A PIN has few digits, so it is the lock that keeps it: after `TRIES` wrong ones in a row nobody is
let in by that agent's number for `LOCKED_FOR` seconds, not even by the right PIN. A phone at which
one agent's number is tried after the other is let try so often, too.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ivr.errors import IvrError
from ivr.secrets import Secrets
from ivr.web.limits import Buckets, Limit

TRIES: Final = 5
LOCKED_FOR: Final = 600.0
AT_A_PHONE: Final = Limit(per_minute=0.5, burst=15)
"""Wrong PINs at one phone, whosever they were meant to be."""
DIGITS: Final = range(4, 13)
DRAWN: Final = 6

_PIN = re.compile(r"[0-9]+")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODY = _HASHER.hash(secrets.token_hex())
"""Stands for the agent who does not exist: looking for them takes as long."""


@dataclass(slots=True)
class _Wrong:
    times: int = 0
    locked_until: float = 0.0


class Locked(IvrError):
    """Too many wrong PINs for this agent, or at this phone."""


class Pins:
    """The PINs of one installation."""

    def __init__(self, kept: Secrets, clock: Callable[[], float]) -> None:
        self._kept, self._clock = kept, clock
        self._wrong: dict[str, _Wrong] = {}
        self._phones = Buckets()

    async def fits(self, agent: str, pin: str, phone: str) -> bool:
        """Whether this is the agent's PIN; raises `Locked`. Who has none is looked up as long.

        `phone` is where it was keyed.
        """
        if self._phones.take(phone, AT_A_PHONE, self._clock()):
            raise Locked("too many wrong PINs at this phone")
        right = await self._is_right(agent, pin)
        if right:
            self._phones.give_back(phone, AT_A_PHONE)
        return right

    async def _is_right(self, agent: str, pin: str) -> bool:
        hashed = self._kept.pin_hash(agent)
        if hashed is None:
            await asyncio.to_thread(_verify, _NOBODY, pin)
            return False
        wrong = self._wrong.setdefault(agent, _Wrong())
        if wrong.locked_until > self._clock():
            raise Locked("too many wrong PINs")
        # Counted before it is checked: tries at several phones at once are several tries.
        wrong.times += 1
        if wrong.times >= TRIES:
            wrong.times, wrong.locked_until = 0, self._clock() + LOCKED_FOR
        right = await asyncio.to_thread(_verify, hashed, pin)
        if right:
            self._wrong.pop(agent, None)
        return right


def set_pin(kept: Secrets, agent: str, pin: str) -> None:
    """Let this be the agent's PIN; raises IvrError for one that is none."""
    if not _PIN.fullmatch(pin) or len(pin) not in DIGITS:
        raise IvrError(f"a PIN has {DIGITS[0]} to {DIGITS[-1]} digits")
    if len(set(pin)) == 1 or pin in "01234567890" or pin in "09876543210" or pin == agent:
        raise IvrError("this PIN is guessed at once; take another, or let one be drawn")
    kept.keep_pin(agent, _HASHER.hash(pin))


def drawn_pin() -> str:
    """A PIN at random."""
    return "".join(secrets.choice("0123456789") for _ in range(DRAWN))


def _verify(hashed: str, pin: str) -> bool:
    try:
        return _HASHER.verify(hashed, pin)
    except (Argon2Error, InvalidHashError):
        return False
