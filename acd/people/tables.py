"""Who may sign in: accounts, identities elsewhere, sessions, tokens, and tries that failed.

No password, session or token is kept in a form that could be used again: passwords as argon2
hashes, the others, which are long and random, as SHA-256.
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
    UniqueConstraint,
)

from acd.records.tables import Id, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("name", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("extension", String, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("language", String, nullable=False),
    Column("password", String, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("version", Integer, nullable=False),
    Index("accounts_by_extension", "extension"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", String, nullable=False, unique=True),
    Column("account", String, nullable=False),
    Column("csrf", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("address", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("identity_id", Id),
    Index("sessions_by_account", "account"),
    sqlite_autoincrement=True,
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", String, nullable=False, unique=True),
    Column("account", String, nullable=False),
    Column("label", String, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("last_used", Double),
    Column("revoked_at", Double),
    Index("api_tokens_by_account", "account"),
    sqlite_autoincrement=True,
)

sign_ins = Table(
    "failed_sign_ins",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subject", String, nullable=False),
    Column("at", Double, nullable=False),
    Index("failed_sign_ins_by_subject", "subject", "at"),
)

identities = Table(
    "identities",
    metadata,
    Column("id", Id, primary_key=True),
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("account", String, nullable=False),
    Column("made", Boolean, nullable=False),
    Column("linked_at", Double, nullable=False),
    Column("last_used", Double),
    UniqueConstraint("issuer", "subject", name="identities_once"),
    UniqueConstraint("issuer", "account", name="identities_one_each"),
    sqlite_autoincrement=True,
)

begun_sign_ins = Table(
    "begun_sign_ins",
    metadata,
    Column("digest", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("nonce", String, nullable=False),
    Column("verifier", String, nullable=False),
    Column("goes_to", String, nullable=False),
    Column("at", Double, nullable=False),
    Index("begun_sign_ins_by_age", "at"),
)
