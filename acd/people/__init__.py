"""Who may sign in, as what: accounts, sessions, tokens, and tries that failed."""

from acd.people.model import (
    ROLES,
    Account,
    ApiToken,
    Role,
    Session,
    TooManyTries,
    WrongPassword,
)
from acd.people.passwords import Passwords
from acd.people.people import People

__all__ = [
    "ROLES",
    "Account",
    "ApiToken",
    "Passwords",
    "People",
    "Role",
    "Session",
    "TooManyTries",
    "WrongPassword",
]
