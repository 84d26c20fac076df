"""Accounts, sessions and tokens, as plain data. Times in epoch seconds UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from acd.errors import AcdError

Role = Literal["agent", "supervisor", "designer", "administrator"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


class WrongPassword(AcdError):
    """Name or password is wrong, or the account is disabled; it is not told which."""


class TooManyTries(AcdError):
    """Too many failed tries; `retry_after` seconds have to pass."""

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        minutes = max(1, round(retry_after / 60))
        super().__init__(f"too many failed tries: wait {minutes} min and try again")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. `title` is the name people read, `extension` the agent's, or ""."""

    name: str
    title: str
    extension: str
    roles: frozenset[Role]
    language: str
    disabled: bool
    created_at: float
    version: int
    has_password: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in that is still good. `csrf` is what its pages send along with every change.

    `identity` is the number of the identity elsewhere that it was begun with, None for a password.
    """

    id: int
    account: Account
    created_at: float
    seen_at: float
    expires_at: float
    csrf: str
    address: str
    agent: str
    identity: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an account's owner is at an identity provider: `subject`, as `issuer` calls them.

    `made`: the account was made for it, and has the roles that the provider tells.
    """

    id: int
    issuer: str
    subject: str
    account: str
    made: bool
    linked_at: float
    last_used: float | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in at an identity provider that is under way; it goes on at the path `to`."""

    state: str
    nonce: str
    verifier: str
    to: str


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A program's way in, with no more roles than its account has. `label` says what it is for."""

    id: int
    account: str
    label: str
    roles: frozenset[Role]
    created_at: float
    expires_at: float | None
    last_used: float | None
    revoked_at: float | None
