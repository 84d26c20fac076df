"""Why something is not taken of whoever writes to us: a word that their page puts into words.

The chat's page has words for each `Why` in every language it speaks (`chats/pages/words.js`); the
text of a `BadMessage` is for logs, and for whoever builds on the protocol.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Why(StrEnum):
    """What is wrong, or too much; the values that belong to it are in braces behind it."""

    ODD = "odd"
    EMPTY = "empty"
    LONG = "long"  # {most}: characters
    FULL = "full"
    OVER = "over"
    FAST = "fast"
    CROWDED = "crowded"
    UNAVAILABLE = "unavailable"
    NO_PERSON = "no_person"
    RUNG_SOON = "rung_soon"
    NOT_RUNG = "not_rung"
    NO_FILES = "no_files"
    MANY_FILES = "many_files"  # {most}
    FILE_KIND = "file_kind"  # {kinds}
    FILE_SLOW = "file_slow"


class BadMessage(ValueError):
    """Something that cannot be taken; the text says what can."""

    def __init__(self, text: str, why: Why = Why.ODD, **values: int | str) -> None:
        super().__init__(text)
        self.why, self.values = why, values

    def told(self) -> dict[str, Any]:
        """For the page of whoever wrote."""
        return {"why": self.why.value, "values": dict(self.values), "detail": str(self)}
