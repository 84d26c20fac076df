"""The call log's tables, in types that SQLite and PostgreSQL share.

    contacts        one row for each contact, as `ContactRecord`
    contact_events  its story: every event as it happened, numbered from 1 for each contact
    projection      how far into the journal the two above have come; written in their transaction

Customers, the desk and its people have theirs in the same database: `acd/customers`, `acd/desk` and
`acd/people`. How they come to be there, and change from one release to the next: `schema`.

Times are epoch seconds (UTC) as double precision, the unit of the whole distributor.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

metadata = MetaData()
Id = BigInteger().with_variant(Integer, "sqlite")
"""A row's own number: SQLite numbers rows by itself only in a column of its plain type."""

contacts = Table(
    "contacts",
    metadata,
    Column("id", String, primary_key=True),
    Column("started_at", Double, nullable=False),
    Column("channel", String, nullable=False),
    Column("caller", String, nullable=False),
    Column("caller_name", String, nullable=False),
    Column("dialled", String, nullable=False),
    Column("flow", String, nullable=False),
    Column("revision", String, nullable=False),
    Column("language", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("outcome", String),
    Column("ended_by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("answered_at", Double),
    Column("ended_at", Double),
    Column("waiting_since", Double),
    Column("talking_since", Double),
    Column("wait_seconds", Double, nullable=False),
    Column("talk_seconds", Double, nullable=False),
    Column("events", Integer, nullable=False),
    Column("fields", JSON, nullable=False),
    Index("contacts_by_start", "started_at"),
    Index("contacts_by_caller", "caller", "started_at"),
    Index("contacts_by_queue", "queue", "started_at"),
    Index("contacts_by_agent", "agent", "started_at"),
)

contact_events = Table(
    "contact_events",
    metadata,
    Column("contact_id", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("kind", String, nullable=False),
    Column("step", String, nullable=False),
    Column("data", JSON, nullable=False),
)

projection = Table(
    "projection",
    metadata,
    Column("name", String, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
)

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))
