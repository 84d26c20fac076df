"""What the journal still knows of people who are forgotten: rewritten without them.

The days that are kept tell of calls, and a call may carry the number of whoever made it. In its
place comes a name that leads nowhere, the same for all of a contact, so that the day can be told
once more as it was. Entries stay where they are, numbered as they were.

It works on a connection of its own and holds the write lock for a few rows at a time: it runs in a
thread while the service appends.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

AT_ONCE: Final = 50
"""Rows rewritten in one transaction."""
_KNOWN: Final = """SELECT seq, body FROM engine
    WHERE body LIKE '%"customer":"%' AND body NOT LIKE '%"customer":""%' ORDER BY seq"""
_CONTACTS: Final = """DELETE FROM contact WHERE seq < (SELECT max(seq) FROM contact)
    AND seq <= (SELECT value FROM meta WHERE name = 'contact_confirmed')"""


def forget_in_journal(path: Path, contacts: Collection[str]) -> int:
    """Leave nothing of these contacts that tells whose they were; how many rows were rewritten.

    Stories that the records have taken over go as well. Raises sqlite3.Error; then it may have done
    part of the work, and can be repeated.
    """
    with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as db:
        # What is replaced is overwritten, not only left to be found in the file; and nobody who
        # appends waits for the disk on our account.
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(_CONTACTS)
        wanted, numbers = frozenset(contacts), set[str]()
        rewritten = _rewrite_events(db, wanted, numbers)
        for table in ("past", "snapshot"):
            rewritten += _rewrite_snapshots(db, table, wanted, numbers)
        # The first does the work and lets the service write meanwhile; the second empties the file
        # in which the old pages are.
        for how in ("PASSIVE", "TRUNCATE"):
            db.execute(f"PRAGMA wal_checkpoint({how})")
        return rewritten


def nobody(contact: str) -> str:
    """Whose call it is, when that is not known any more."""
    return f"erased {contact}"


def _rewrite_events(db: sqlite3.Connection, contacts: Collection[str], numbers: set[str]) -> int:
    """`numbers` gets what was found."""
    changed: list[tuple[str, int]] = []
    for seq, text in db.execute(_KNOWN):
        body = json.loads(text)
        contact = str(body.get("contact") or str(body.get("call")).rpartition(".")[0])
        if contact in contacts and body["customer"] != nobody(contact):
            numbers.add(body["customer"])
            changed.append((_dump({**body, "customer": nobody(contact)}), seq))
    _write(db, "UPDATE engine SET body = ? WHERE seq = ?", changed)
    return len(changed)


def _rewrite_snapshots(
    db: sqlite3.Connection, table: str, contacts: Collection[str], numbers: set[str]
) -> int:
    """One of which a newer one has taken the place meanwhile is left alone."""
    changed: list[tuple[str, int, float]] = []
    rows = db.execute(f"SELECT seq, at FROM {table}").fetchall()  # noqa: S608 - two fixed names
    find = f"SELECT body FROM {table} WHERE seq = ?"  # noqa: S608 - two fixed names
    for seq, at in rows:
        row = db.execute(find, (seq,)).fetchone()
        body: dict[str, Any] = {} if row is None else json.loads(row[0])
        if _without(body.get("state") or {}, contacts, numbers):
            changed.append((_dump(body), seq, at))
    _write(db, f"UPDATE {table} SET body = ? WHERE seq = ? AND at = ?", changed)  # noqa: S608
    return len(changed)


def _without(state: dict[str, Any], contacts: Collection[str], numbers: set[str]) -> bool:
    """Whether the state knew one of them; it does not afterwards."""
    offers = (offer.get("call") for offer in (state.get("offers") or {}).values())
    calls = [*(state.get("calls") or {}).values(), *(call for call in offers if call)]
    named: dict[str, str] = {}
    for call in calls:
        contact, customer = str(call.get("contact")), str(call.get("customer") or "")
        if contact in contacts and customer and customer != nobody(contact):
            named[customer] = call["customer"] = nobody(contact)
    called = state.get("callbacks") or {}
    asked = {customer: call for customer, call in called.items() if customer in named}
    for customer, call in asked.items():
        del called[customer]
        called[nobody(str(call).rpartition(".")[0])] = call
    numbers |= set(named)
    dropped = state.get("dropped") or {}
    places = numbers & dropped.keys()
    for customer in places:
        del dropped[customer]
    return bool(named or asked or places)


def _write(db: sqlite3.Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(statement, some)
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def _dump(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
