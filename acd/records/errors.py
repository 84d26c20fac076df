"""What can go wrong with the records; every text may be shown to a user."""

from __future__ import annotations

from acd.errors import AcdError


class RecordsUnavailable(AcdError):
    """The records cannot be read or written just now; the journal keeps what is new."""


class NotFound(AcdError):
    """There is no such row, or no longer."""


class Refused(AcdError):
    """What was given cannot be taken; the text says what can."""


class Conflict(AcdError):
    """Somebody else has it, or changed it first; look again before you try again."""


def brief(error: BaseException) -> str:
    """The database's own words, without the statement and the links SQLAlchemy adds."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]
