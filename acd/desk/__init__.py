"""What the desk keeps: tickets, knowledge, announcements and dispositions."""

from acd.desk.announcements import Announcements
from acd.desk.dispositions import Dispositions
from acd.desk.knowledge import Knowledge
from acd.desk.model import (
    OVER,
    TICKET_STATES,
    Announcement,
    Article,
    Code,
    Comment,
    Given,
    Hit,
    Piece,
    Ticket,
)
from acd.desk.tickets import Tickets

__all__ = [
    "OVER",
    "TICKET_STATES",
    "Announcement",
    "Announcements",
    "Article",
    "Code",
    "Comment",
    "Dispositions",
    "Given",
    "Hit",
    "Knowledge",
    "Piece",
    "Ticket",
    "Tickets",
]
