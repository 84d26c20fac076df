"""What Alembic runs: the migrations that are missing, on the connection it was given.

The transaction belongs to `acd.records.schema`, which began it under a lock.
"""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
