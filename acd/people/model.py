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
    """One sign-in that is still good. `csrf` is what its pages send along with every change."""

    id: int
    account: Account
    created_at: float
    seen_at: float
    expires_at: float
    csrf: str
    address: str
    agent: str


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
