"""One-time codes: drawn at random, sent, compared once.

Only a keyed digest of a code is kept, bound to its handle. A code is over when it was right, and
after so many comparisons; before that it may expire. A number gets so many codes in an hour.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from ivr.backends.services import CodeRules
from ivr.backends.store import Store
from ivr.flow.errands import Identified

HOUR = 3600.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS codes (
  handle TEXT PRIMARY KEY, digest TEXT NOT NULL, number TEXT NOT NULL,
  made REAL NOT NULL, expires REAL NOT NULL, checks INTEGER NOT NULL, spent INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS codes_number ON codes (number, made);
CREATE INDEX IF NOT EXISTS codes_made ON codes (made)
"""

Verdict = Literal["right", "wrong", "over", "expired"]
""" "over" and "expired": this code cannot be right any more; of an expired one nothing is told but
that, and nothing is counted."""


def draw(length: int) -> str:
    """A code of so many digits, each as likely as any other."""
    return "".join(secrets.choice("0123456789") for _ in range(length))


@dataclass(frozen=True, slots=True)
class Code:
    """What is kept of a code; times in epoch seconds. `number` is a digest, too."""

    digest: str
    number: str
    made: float
    expires: float
    checks: int = 0
    spent: bool = False


def identified(verdict: Verdict) -> Identified:
    """What a flow is told of it."""
    if verdict == "right":
        return Identified(ok=True, level="verified")
    return Identified(ok=False, locked=verdict == "over", expired=verdict == "expired")


class Codes(Protocol):
    """Keeps codes by their handle; `now` in epoch seconds."""

    async def keep(self, handle: str, code: Code, rules: CodeRules) -> bool:
        """Keep a new code; False when its number has had too many within the hour."""
        ...

    async def check(self, handle: str, digest: str, rules: CodeRules, now: float) -> Verdict:
        """Compare, and count that."""
        ...


def checked(code: Code | None, digest: str, rules: CodeRules, now: float) -> tuple[Verdict, Code]:
    """The verdict, and the code as it is after this comparison.

    A code of which nothing is kept any more has expired: handles are drawn by us alone.
    """
    same = hmac.compare_digest(digest, code.digest if code is not None else "")
    if code is None:
        return "expired", Code("", "", 0.0, 0.0)
    if code.spent or code.checks >= rules.checks:
        return "over", code
    if now >= code.expires:
        return "expired", code
    after = replace(code, checks=code.checks + 1, spent=same)
    if same:
        return "right", after
    return ("wrong" if after.checks < rules.checks else "over"), after


class MemoryCodes:
    """For one process, until it ends."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}

    async def keep(self, handle: str, code: Code, rules: CodeRules) -> bool:
        """Keep a new code; False when its number has had too many."""
        recent = [each for each in self._codes.values() if each.made > code.made - HOUR]
        if sum(each.number == code.number for each in recent) >= rules.per_hour:
            return False
        self._codes[handle] = code
        return True

    async def check(self, handle: str, digest: str, rules: CodeRules, now: float) -> Verdict:
        """Compare, and count that."""
        verdict, after = checked(self._codes.get(handle), digest, rules, now)
        if handle in self._codes:
            self._codes[handle] = after
        return verdict


class StoredCodes:
    """In a store: a restarted service knows the code that was sent."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, handle: str, code: Code, rules: CodeRules) -> bool:
        """Keep a new code; False when its number has had too many."""

        def work(db: sqlite3.Connection) -> bool:
            since = code.made - HOUR
            db.execute("DELETE FROM codes WHERE made <= ? AND expires < ?", (since, code.made))
            # Not those of a clock that was put back meanwhile.
            count = "SELECT count(*) FROM codes WHERE number = ? AND made BETWEEN ? AND ?"
            hour = (since, code.made + HOUR)
            if db.execute(count, (code.number, *hour)).fetchone()[0] >= rules.per_hour:
                return False
            values = (handle, code.digest, code.number, code.made, code.expires, 0, 0)
            db.execute("INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            return True

        return await self._store.run(work)

    async def check(self, handle: str, digest: str, rules: CodeRules, now: float) -> Verdict:
        """Compare, and count that."""

        def work(db: sqlite3.Connection) -> Verdict:
            found = db.execute("SELECT * FROM codes WHERE handle = ?", (handle,)).fetchone()
            verdict, after = checked(_code(found), digest, rules, now)
            change = "UPDATE codes SET checks = ?, spent = ? WHERE handle = ?"
            db.execute(change, (after.checks, after.spent, handle))
            return verdict

        return await self._store.run(work)


def _code(row: sqlite3.Row | None) -> Code | None:
    if row is None:
        return None
    kept = (row["digest"], row["number"], row["made"], row["expires"])
    return Code(*kept, checks=row["checks"], spent=bool(row["spent"]))
