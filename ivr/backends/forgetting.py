"""What errands remember of people who are forgotten: gone, but for what they refused.

Messages that were sent or wait to be, calls that were promised, and links with what was known of
whoever has them go with their words. A STOP and a number that is not to be called stay, as the bare
number and without what was said about it: the next message would otherwise go to somebody who said
no. Counts of failed tries and codes are keyed digests already and run out by themselves.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

from ivr.backends.numbers import same_form

_THESE: Final = "IN (SELECT value FROM json_each(?))"
_BY_CONTACT: Final = {
    "outbox": f"DELETE FROM outbox WHERE contact <> '' AND contact {_THESE}",  # noqa: S608 - fixed
    "callbacks": f"DELETE FROM callbacks WHERE contact {_THESE}",  # noqa: S608 - fixed
    "passes": f"DELETE FROM passes WHERE contact {_THESE}",  # noqa: S608 - fixed
}
_BY_NUMBER: Final = {
    "outbox": f"DELETE FROM outbox WHERE number {_THESE}",  # noqa: S608 - fixed
    # One that waits belongs to a contact that lives; it goes with it, at night.
    "callbacks": f"DELETE FROM callbacks WHERE state <> 'waiting' AND number {_THESE}",  # noqa: S608
    "optouts": f"UPDATE optouts SET how = '' WHERE number {_THESE}",  # noqa: S608 - fixed
    "do_not_call": f"UPDATE do_not_call SET because = '' WHERE number {_THESE}",  # noqa: S608
}
_WITHOUT_MESSAGE: Final = "DELETE FROM outbox_way WHERE id NOT IN (SELECT id FROM outbox)"


def forget_errands(
    file: Path, contacts: Collection[str], numbers: Collection[str] = (), region: str | None = None
) -> None:
    """Forget what is about these contacts or went to these numbers, by whichever process.

    `numbers` are in the form in which equal numbers are equal; `region` reads those of the file.
    Raises sqlite3.Error.
    """
    if not file.exists():
        return
    with closing(sqlite3.connect(file, timeout=5)) as db:
        # What is deleted is overwritten, not only left to be found in the file.
        db.execute("PRAGMA secure_delete = ON")
        there = {row[0] for row in db.execute("SELECT name FROM sqlite_schema")}
        # Looked up before anybody has to wait for us.
        spelled = {
            table: _spellings(db, table, frozenset(numbers), region)
            for table in _BY_NUMBER
            if table in there and numbers
        }
        with db:
            db.execute("BEGIN IMMEDIATE")
            for table, statement in _BY_CONTACT.items():
                if table in there:
                    db.execute(statement, (json.dumps([*contacts]),))
            for table, found in spelled.items():
                db.execute(_BY_NUMBER[table], (json.dumps(found),))
            if "outbox_way" in there:
                db.execute(_WITHOUT_MESSAGE)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _spellings(
    db: sqlite3.Connection, table: str, wanted: frozenset[str], region: str | None
) -> list[str]:
    """The numbers, in every way in which that table has them."""
    kept = db.execute(f"SELECT DISTINCT number FROM {table}")  # noqa: S608 - four fixed names
    return [*wanted, *(row[0] for row in kept if same_form(row[0], region) in wanted)]
