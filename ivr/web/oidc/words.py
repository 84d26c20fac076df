"""What the sign-in says of an identity, and why it ends without one. Needs no extra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from acd.people import Begun


class Why(StrEnum):
    """Why nobody was signed in; the desk has a sentence for each."""

    CANCELLED = "cancelled"
    STALE = "stale"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    NO_ACCOUNT = "no-account"
    NO_ROLE = "no-role"
    DISABLED = "disabled"


class NotSignedIn(Exception):
    """Nobody is signed in; `detail` is for the log, and holds nothing of the person's."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why, self.detail = why, detail


@dataclass(frozen=True, slots=True)
class Proven:
    """Who somebody is, as the provider has signed it."""

    issuer: str
    subject: str
    claims: Mapping[str, Any] = field(repr=False)


class Provides(Protocol):
    """An identity provider, as the routes ask it. Methods raise `NotSignedIn`."""

    async def way_there(self, begun: Begun, back: str) -> str:
        """Where the browser is sent to sign in; the provider sends it to `back` then."""
        ...

    async def prove(self, begun: Begun, back: str, code: str, issuer: str | None) -> Proven:
        """Who came back with that code; `issuer` is what the answer says it comes from."""
        ...

    async def way_out(self, back: str) -> str | None:
        """Where the browser is sent to sign out there as well; None: nowhere."""
        ...
