"""Who may sign in, as what: accounts, identities elsewhere, sessions, tokens, failed tries."""

from acd.people.begun import BegunSignIns
from acd.people.identities import Identities
from acd.people.model import (
    ROLES,
    Account,
    ApiToken,
    Begun,
    Identity,
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
    "Begun",
    "BegunSignIns",
    "Identities",
    "Identity",
    "Passwords",
    "People",
    "Role",
    "Session",
    "TooManyTries",
    "WrongPassword",
]
