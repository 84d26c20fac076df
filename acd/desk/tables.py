"""The desk's tables: tickets, knowledge, announcements and dispositions.

The words articles are found by are in `article_words`: see `acd.records.words`.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, Index, Integer, String, Table, Text

from acd.records.tables import Id, metadata
from acd.records.words import WordIndex

tickets = Table(
    "tickets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("title", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("assignee", String, nullable=False),
    Column("customer_id", Id),
    Column("contact_id", String),
    Column("due_at", Double),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("by", String, nullable=False),
    Column("version", Integer, nullable=False),
    Index("tickets_by_state", "state", "due_at"),
    Index("tickets_by_assignee", "assignee", "state"),
    Index("tickets_by_customer", "customer_id", "created_at"),
    Index("tickets_by_contact", "contact_id"),
    sqlite_autoincrement=True,
)

ticket_comments = Table(
    "ticket_comments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket_id", Id, nullable=False),
    Column("at", Double, nullable=False),
    Column("by", String, nullable=False),
    Column("text", Text, nullable=False),
    Index("ticket_comments_by_ticket", "ticket_id", "at"),
)

articles = Table(
    "articles",
    metadata,
    Column("id", Id, primary_key=True),
    Column("title", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("language", String, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("by", String, nullable=False),
    Column("version", Integer, nullable=False),
    Index("articles_by_update", "updated_at"),
    sqlite_autoincrement=True,
)

announcements = Table(
    "announcements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("title", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("queues", JSON, nullable=False),
    Column("must_read", Boolean, nullable=False),
    Column("at", Double, nullable=False),
    Column("until", Double),
    Column("by", String, nullable=False),
    Column("withdrawn_at", Double),
    Index("announcements_by_time", "at"),
    sqlite_autoincrement=True,
)

announcement_reads = Table(
    "announcement_reads",
    metadata,
    Column("announcement_id", Id, primary_key=True, autoincrement=False),
    Column("account", String, primary_key=True),
    Column("at", Double, nullable=False),
)

disposition_codes = Table(
    "disposition_codes",
    metadata,
    Column("queue", String, primary_key=True),
    Column("code", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("place", Integer, nullable=False),
)

dispositions = Table(
    "dispositions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contact_id", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("code", String, nullable=False),
    Column("notes", Text, nullable=False),
    Column("agent", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", Double, nullable=False),
    Index("dispositions_by_contact", "contact_id"),
    Index("dispositions_by_code", "queue", "code", "at"),
)

article_words = WordIndex("article_words", ("title", "label", "text"))
