"""What the desk keeps, as plain data. Times in epoch seconds UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

TicketState = Literal["open", "pending", "solved", "closed"]
TICKET_STATES: Final = get_args(TicketState)
OVER: Final = ("solved", "closed")


@dataclass(frozen=True, slots=True)
class Ticket:
    """Something to be done, until it is. `assignee` is an account's name, or ""."""

    id: int
    title: str
    body: str
    state: TicketState
    priority: int
    assignee: str
    customer: int | None
    contact: str | None
    due_at: float | None
    created_at: float
    updated_at: float
    by: str
    version: int

    def overdue(self, now: float) -> bool:
        """Whether it should have been done by now."""
        return self.state not in OVER and self.due_at is not None and self.due_at < now


@dataclass(frozen=True, slots=True)
class Comment:
    """What was said about a ticket."""

    id: int
    ticket: int
    at: float
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """One article of the knowledge base; `body` is plain text or Markdown."""

    id: int
    title: str
    body: str
    language: str
    tags: tuple[str, ...]
    updated_at: float
    by: str
    version: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a text; `marked` where it is what was looked for. It is text, never markup."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that was found; a higher `score` fits better."""

    article: int
    title: tuple[Piece, ...]
    language: str
    tags: tuple[str, ...]
    snippet: tuple[Piece, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Announcement:
    """What agents are told; without `queues` everybody is. `until` it is shown, None: for good."""

    id: int
    title: str
    body: str
    queues: tuple[str, ...]
    must_read: bool
    at: float
    until: float | None
    by: str
    withdrawn_at: float | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """One way in which a contact can end, and what agents see of it."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Given:
    """The disposition an agent gave a contact."""

    id: int
    contact: str
    queue: str
    code: str
    notes: str
    agent: str
    by: str
    at: float
