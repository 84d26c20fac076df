"""What can go wrong on the telephony side, one sentence each.

Three things must never be confused: the caller left (`CallerHungUp`, an everyday event), Asterisk
said no (`AsteriskRefused`, the peer's answer), and we are wrong (`ServiceFault`, a bug of ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class IvrError(Exception):
    """Root of every error this package raises on purpose; its text may be shown to a user."""


class CallerHungUp(IvrError):
    """The channel is gone: nothing more can be said to this caller."""


class AsteriskRefused(IvrError):
    """Asterisk answered that it will not do what was asked; the call itself goes on."""


class AsteriskUnreachable(IvrError):
    """Asterisk gave no answer in time, or the connection to it is down."""


class ServiceFault(IvrError):
    """Tieline itself did something wrong: an illegal value, an impossible state."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file a person wrote: where it is, what it is, and the cure."""

    file: str
    line: int
    column: int
    message: str
    cure: str = ""

    def __str__(self) -> str:
        cure = f" ({self.cure})" if self.cure else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{cure}"


class ConfigError(IvrError):
    """One or more files could not be accepted; `problems` lists every mistake found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
