"""Who may sign in: accounts, their sessions and tokens, and tries that failed.

No password, session or token is kept in a form that could be used again: passwords as argon2
hashes, the others, which are long and random, as SHA-256.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, Index, Integer, String, Table

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
