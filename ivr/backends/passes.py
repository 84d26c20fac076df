"""Passes: short-lived secrets by which somebody goes on on another channel, or fills in a form.

A code has six digits, to be read off a screen and keyed; a link holds 128 bits. Either is good once
and for a while, and only its keyed digest is kept (`ivr.backends.shelves`). A code proves that
whoever has it could read the conversation that gave it, and nothing beyond. Guesses are counted for
each caller (all who withhold their number are one) and for everybody together; a code that was
right gives its own try back and forgives no other, so that nobody buys guesses with codes of their
own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from ivr.backends.attempts import Attempts
from ivr.backends.codes import draw
from ivr.backends.digests import Digests
from ivr.backends.services import Lockout
from ivr.backends.shelves import Kind, Pass, Shelf
from ivr.errors import ServiceFault
from ivr.flow.errands import CODE_DIGITS

Verdict = Literal["wrong", "locked"]

TOKEN_BYTES: Final = 16
LONGEST_LIFE: Final = 7 * 86_400.0
DRAWS: Final = 20
"""Codes drawn until one is nobody else's."""
EVERYBODY: Final = 10
"""Times the failures of one caller after which nobody may try for a while."""


def _any(_contact: str) -> bool:
    return True


class Passes:
    """Makes, looks at and takes passes; `clock` tells epoch seconds."""

    def __init__(
        self, shelf: Shelf, attempts: Attempts, digests: Digests, clock: Callable[[], float]
    ) -> None:
        self._shelf, self._attempts = shelf, attempts
        self._digests, self._clock = digests, clock

    # --- making ----------------------------------------------------------------------------------

    async def code(
        self, contact: str, seconds: float, about: Mapping[str, Any] | None = None
    ) -> str:
        """A new code for that contact; an older one of its is good no more."""
        made = Pass("code", contact, self._until(seconds), about or {})
        for _ in range(DRAWS):
            secret = draw(CODE_DIGITS)
            if await self._keep(secret, made):
                return secret
        raise ServiceFault("no code is free just now")

    async def link(
        self, kind: Literal["chat", "form"], contact: str, seconds: float, about: Mapping[str, Any]
    ) -> str:
        """The secret part of a new link."""
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        await self._keep(secret, Pass(kind, contact, self._until(seconds), about))
        return secret

    def _until(self, seconds: float) -> float:
        return self._clock() + min(seconds, LONGEST_LIFE)

    async def _keep(self, secret: str, made: Pass) -> bool:
        return await self._shelf.keep(self._digest(made.kind, secret), made, self._clock())

    # --- using -----------------------------------------------------------------------------------

    async def look(self, kind: Kind, secret: str) -> Pass | None:
        """What that secret stands for; None when it is none, was taken, or is too old."""
        return await self._find(kind, secret, take=False)

    async def take(self, kind: Kind, secret: str) -> Pass | None:
        """The same, and the secret is good no more: of two who come at once, one gets it."""
        return await self._find(kind, secret, take=True)

    async def take_code(
        self, given: str, caller: str, rules: Lockout, fits: Callable[[str], bool] = _any
    ) -> Pass | Verdict:
        """What a code that a caller gave stands for; `caller` is "" where it is withheld.

        One for a contact that does not fit is "wrong" here, and stays good.
        """
        at = self._clock()
        mine = self._digests.of("pass caller", caller)
        everybody = self._digests.of("pass everybody")
        limits = (
            (mine, rules),
            (everybody, replace(rules, failures=rules.failures * EVERYBODY)),
        )
        for place, (subject, limit) in enumerate(limits):
            if not await self._attempts.admit(subject, limit, at):
                for before, limited in limits[:place]:
                    await self._attempts.give_back(before, limited, at)
                return "locked"
        found = await self.look("code", given)
        if found is not None:
            found = await self.take("code", given) if fits(found.contact) else None
        if found is None:
            locked = [await self._attempts.locked(subject, at) for subject, _ in limits]
            return "locked" if any(locked) else "wrong"
        for subject, limit in limits:
            await self._attempts.give_back(subject, limit, at)
        return found

    async def moved(self, before: str, after: str) -> None:
        """Who was the contact `before` is `after` from here on."""
        await self._shelf.move(before, after)

    async def forget(self, contacts: Collection[str]) -> None:
        """Nothing of these contacts is good any more, on whichever node."""
        await self._shelf.forget(contacts)

    async def _find(self, kind: Kind, secret: str, *, take: bool) -> Pass | None:
        return await self._shelf.find(self._digest(kind, secret), kind, self._clock(), take=take)

    def _digest(self, kind: Kind, secret: str) -> str:
        return self._digests.of("pass", kind, secret)
