"""Version 2: customers, whose contact is whose, consent and audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them; contacts that are there already keep the address they came by."""
    op.create_table(
        "customers",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("merged_into", ID, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("customers_by_merge", "customers", ["merged_into"], unique=False)
    op.create_table(
        "customer_addresses",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "value", name="customer_addresses_once"),
    )
    op.create_index(
        "customer_addresses_by_customer", "customer_addresses", ["customer_id"], unique=False
    )
    op.create_table(
        "customer_notes",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "customer_notes_by_customer", "customer_notes", ["customer_id", "at"], unique=False
    )
    op.create_table(
        "customer_facts",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "customer_facts_by_customer", "customer_facts", ["customer_id", "at"], unique=False
    )
    op.create_index(
        "customer_facts_once",
        "customer_facts",
        ["customer_id", "key"],
        unique=True,
        sqlite_where=sa.text("key <> ''"),
        postgresql_where=sa.text("key <> ''"),
    )
    op.create_table(
        "customer_changes",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "customer_changes_by_customer", "customer_changes", ["customer_id", "at"], unique=False
    )
    op.create_table(
        "customer_merges",
        sa.Column("id", ID, nullable=False),
        sa.Column("into_id", ID, nullable=False),
        sa.Column("from_id", ID, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.Double(), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("customer_merges_by_from", "customer_merges", ["from_id"], unique=False)
    op.create_index("customer_merges_by_into", "customer_merges", ["into_id"], unique=False)
    op.create_table(
        "consents",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("consents_by_address", "consents", ["kind", "value"], unique=False)
    op.create_index("consents_by_customer", "consents", ["customer_id"], unique=False)
    op.create_table(
        "contact_links",
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("sure", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id"),
    )
    op.create_index("contact_links_by_address", "contact_links", ["kind", "value"], unique=False)
    op.create_index(
        "contact_links_by_customer", "contact_links", ["customer_id", "at"], unique=False
    )
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_contact", "audit", ["contact_id"], unique=False)
    op.create_index("audit_by_time", "audit", ["at"], unique=False)
    op.create_index("audit_by_who", "audit", ["who", "at"], unique=False)
    op.create_table(
        "audit_subjects",
        sa.Column("customer_id", ID, autoincrement=False, nullable=False),
        sa.Column("audit_id", ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "audit_id"),
    )
    op.create_index("audit_subjects_by_entry", "audit_subjects", ["audit_id"], unique=False)
    op.create_table(
        "erasures",
        sa.Column("customer_id", ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("waiting", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id"),
    )
    _words()
    _stands()
    op.execute(
        "INSERT INTO contact_links (contact_id, sure, kind, value, by, at) "
        "SELECT id, '', CASE channel WHEN 'chat' THEN 'chat' WHEN 'email' THEN 'email' "
        "ELSE 'phone' END, caller, '', started_at FROM contacts WHERE caller <> ''"
    )


def _words() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE customer_words USING fts5(name, address, label, text, "
            "tokenize='ascii', prefix='1 2 3', detail=column)"
        )
        return
    op.execute("CREATE TABLE customer_words (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
    op.execute(
        "CREATE INDEX customer_words_found ON customer_words USING gin (words) "
        "WITH (fastupdate = off)"
    )


def _stands() -> None:
    """What was audited is not changed; only its age takes it away."""
    if op.get_bind().dialect.name == "sqlite":
        for table in ("audit", "audit_subjects"):
            op.execute(
                f"CREATE TRIGGER {table}_stands BEFORE UPDATE ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_stands() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
    )
    for table in ("audit", "audit_subjects"):
        op.execute(
            f"CREATE TRIGGER {table}_stands BEFORE UPDATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_stands()"
        )
