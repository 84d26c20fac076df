"""Version 3: tickets, knowledge, announcements, dispositions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "tickets",
        sa.Column("id", ID, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("contact_id", sa.String(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("tickets_by_assignee", "tickets", ["assignee", "state"], unique=False)
    op.create_index("tickets_by_contact", "tickets", ["contact_id"], unique=False)
    op.create_index("tickets_by_customer", "tickets", ["customer_id", "created_at"], unique=False)
    op.create_index("tickets_by_state", "tickets", ["state", "due_at"], unique=False)
    op.create_table(
        "ticket_comments",
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ticket_comments_by_ticket", "ticket_comments", ["ticket_id", "at"], unique=False
    )
    op.create_table(
        "articles",
        sa.Column("id", ID, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("articles_by_update", "articles", ["updated_at"], unique=False)
    op.create_table(
        "announcements",
        sa.Column("id", ID, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("must_read", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("announcements_by_time", "announcements", ["at"], unique=False)
    op.create_table(
        "announcement_reads",
        sa.Column("announcement_id", ID, autoincrement=False, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("announcement_id", "account"),
    )
    op.create_table(
        "disposition_codes",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "code"),
    )
    op.create_table(
        "dispositions",
        sa.Column("id", ID, nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("dispositions_by_code", "dispositions", ["queue", "code", "at"], unique=False)
    op.create_index("dispositions_by_contact", "dispositions", ["contact_id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE article_words USING fts5(title, label, text, "
            "tokenize='ascii', prefix='1 2 3', detail=column)"
        )
        return
    op.execute("CREATE TABLE article_words (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
    op.execute(
        "CREATE INDEX article_words_found ON article_words USING gin (words) "
        "WITH (fastupdate = off)"
    )
