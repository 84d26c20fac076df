"""The customers' tables, in types that SQLite and PostgreSQL share.

    customers           one row for each; a merged one keeps its row and points to where it went
    customer_addresses  phones (E.164), e-mail (lower case), chat identities and others; each once
    customer_notes      what people wrote about a customer
    customer_facts      what other systems pushed: purchases, bookings, ...; `key` makes a push safe
                        to repeat
    customer_changes    who changed what and when; never the value of what was erased
    customer_merges     what a merge moved, so that it can be undone
    consents            every yes and no, the latest counts
    contact_links       whose contact it is, and by which address it came
    audit               who looked at or changed personal data; audit_subjects says whose
    erasures            who was erased, and what waits until a live contact has ended

The words that customers are found by are in `customer_words`, which each database keeps in its own
way: see `acd.records.words`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from acd.records.tables import Id, metadata
from acd.records.words import WordIndex

customers = Table(
    "customers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String, nullable=False),
    Column("segment", String, nullable=False),
    Column("language", String, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("version", Integer, nullable=False),
    Column("merged_into", Id),
    Index("customers_by_merge", "merged_into"),
    sqlite_autoincrement=True,
)

addresses = Table(
    "customer_addresses",
    metadata,
    Column("id", Id, primary_key=True),
    Column("customer_id", Id, nullable=False),
    Column("kind", String, nullable=False),
    Column("value", String, nullable=False),
    Column("label", String, nullable=False),
    UniqueConstraint("kind", "value", name="customer_addresses_once"),
    Index("customer_addresses_by_customer", "customer_id"),
)

notes = Table(
    "customer_notes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("customer_id", Id, nullable=False),
    Column("at", Double, nullable=False),
    Column("by", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("contact_id", String),
    Index("customer_notes_by_customer", "customer_id", "at"),
)

facts = Table(
    "customer_facts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("customer_id", Id, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("key", String, nullable=False),
    Column("data", JSON, nullable=False),
    Column("by", String, nullable=False),
    Index("customer_facts_by_customer", "customer_id", "at"),
    Index(
        "customer_facts_once",
        "customer_id",
        "key",
        unique=True,
        sqlite_where=text("key <> ''"),
        postgresql_where=text("key <> ''"),
    ),
)

changes = Table(
    "customer_changes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("customer_id", Id, nullable=False),
    Column("at", Double, nullable=False),
    Column("by", String, nullable=False),
    Column("what", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Index("customer_changes_by_customer", "customer_id", "at"),
)

merges = Table(
    "customer_merges",
    metadata,
    Column("id", Id, primary_key=True),
    Column("into_id", Id, nullable=False),
    Column("from_id", Id, nullable=False),
    Column("at", Double, nullable=False),
    Column("by", String, nullable=False),
    Column("moved", JSON, nullable=False),
    Column("undone_at", Double),
    Column("undone_by", String, nullable=False),
    Index("customer_merges_by_into", "into_id"),
    Index("customer_merges_by_from", "from_id"),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("customer_id", Id),
    Column("channel", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("value", String, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("at", Double, nullable=False),
    Column("how", String, nullable=False),
    Column("by", String, nullable=False),
    Index("consents_by_customer", "customer_id"),
    Index("consents_by_address", "kind", "value"),
)

contact_links = Table(
    "contact_links",
    metadata,
    Column("contact_id", String, primary_key=True),
    Column("customer_id", Id),
    Column("sure", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("value", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", Double, nullable=False),
    Index("contact_links_by_customer", "customer_id", "at"),
    Index("contact_links_by_address", "kind", "value"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Double, nullable=False),
    Column("who", String, nullable=False),
    Column("what", String, nullable=False),
    Column("contact_id", String, nullable=False),
    Column("why", String, nullable=False),
    Column("route", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Index("audit_by_time", "at"),
    Index("audit_by_who", "who", "at"),
    Index("audit_by_contact", "contact_id"),
    sqlite_autoincrement=True,
)

audit_subjects = Table(
    "audit_subjects",
    metadata,
    Column("customer_id", Id, primary_key=True, autoincrement=False),
    Column("audit_id", Id, primary_key=True, autoincrement=False),
    Index("audit_subjects_by_entry", "audit_id"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("customer_id", Id, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("by", String, nullable=False),
    Column("why", String, nullable=False),
    Column("waiting", JSON, nullable=False),
)

customer_words = WordIndex("customer_words", ("name", "address", "label", "text"))
