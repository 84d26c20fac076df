"""The embedded journal: what happened is on disk before it takes effect.

One SQLite file, written by one process and readable by any:
- streams `engine` and `contact`: numbered entries, appended one by one; an `append` that has
  returned survives the death of the process (`kill -9`). WAL with synchronous=NORMAL: it takes a
  power failure to lose the last entries, and then the tail is missing, never the middle.
- `snapshot`: the engine's state as of one entry of its stream. Entries up to it are not needed to
  go on; `past` keeps a snapshot of each day, so that what came after it can be told once more.
- `live`: contact id -> state of its flow, so that a restarted service carries on each call.
- `kept`: kind and name -> what an operator has set and a restart must not undo.
- `meta`: the schema version, and how far the records have taken over the contact stream.

Calls are synchronous and cost tens of microseconds: appending through a thread would cost more
than the append. Copying the WAL back (`checkpoint`) is the one slow step; it never runs inside an
append and has a connection of its own, so that it can run in a thread.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from acd.errors import AcdError, JournalDamaged

Stream = Literal["engine", "contact"]

SCHEMA_VERSION = 1
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE engine (seq INTEGER PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE contact (seq INTEGER PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE snapshot (one INTEGER PRIMARY KEY CHECK (one = 1),
                       seq INTEGER NOT NULL, at REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE live (contact TEXT PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('schema', 1), ('contact_confirmed', 0);
COMMIT;
"""
_LATER = """
CREATE TABLE IF NOT EXISTS kept (kind TEXT, name TEXT, at REAL NOT NULL, body TEXT NOT NULL,
                                 PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS past (seq INTEGER PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL);
"""
"""Tables that a journal of this schema may lack: they are empty then."""
_APPEND: Mapping[Stream, str] = {
    "engine": "INSERT INTO engine (at, body) VALUES (?, ?)",
    "contact": "INSERT INTO contact (at, body) VALUES (?, ?)",
}
_READ: Mapping[Stream, str] = {
    "engine": "SELECT seq, at, body FROM engine WHERE seq > ? ORDER BY seq LIMIT ?",
    "contact": "SELECT seq, at, body FROM contact WHERE seq > ? ORDER BY seq LIMIT ?",
}
_LAST: Mapping[Stream, str] = {
    "engine": "SELECT max(seq) FROM engine",
    "contact": "SELECT max(seq) FROM contact",
}
_LAST_AT: Mapping[Stream, str] = {
    "engine": "SELECT at FROM engine ORDER BY seq DESC LIMIT 1",
    "contact": "SELECT at FROM contact ORDER BY seq DESC LIMIT 1",
}
# The last entry always stays: SQLite numbers on from the highest one there is.
_PRUNE: Mapping[Stream, str] = {
    "engine": "DELETE FROM engine WHERE seq <= ? AND seq < (SELECT max(seq) FROM engine)",
    "contact": "DELETE FROM contact WHERE seq <= ? AND seq < (SELECT max(seq) FROM contact)",
}
_TRIM = """DELETE FROM engine WHERE seq <= ? AND seq < (SELECT max(seq) FROM engine)
           AND seq < (SELECT min(seq) FROM engine) + ?"""
_PAST_EVERY = 72_000.0
"""Seconds between two snapshots of the past: one a day, though the days begin a little unevenly."""
_PAGE = 1000
# Should nobody call `checkpoint`, an append does it at 64 MB rather than fill the disk.
_WAL_PAGES_AT_MOST = 16384


class JournalInUseError(AcdError):
    """Another process writes this journal."""


class Entry(NamedTuple):
    """One entry of a stream; `seq` grows by one."""

    seq: int
    at: float
    body: dict[str, Any]


class Snapshot(NamedTuple):
    """A state as it was after entry `seq` of the engine stream."""

    seq: int
    at: float
    body: dict[str, Any]


class Journal:
    """The journal at `path`, made when it does not exist (mode 0600).

    `writes` counts appends since the last checkpoint. With `read_only` any process may look while
    another writes. Raises JournalInUseError when someone else writes it, JournalDamaged when the
    file cannot be read, FileNotFoundError when there is nothing to look at.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.writes = 0
        self._lock = -1
        if read_only:
            if not path.exists():
                raise FileNotFoundError(f"no journal at {path}: has the service run yet?")
            self._db = self._connect(f"{path.absolute().as_uri()}?mode=ro")
            self._guard(self._check_schema)
            return
        self._lock = _lock(path)
        try:
            _make_private(path)
            self._db = self._connect(path.absolute().as_uri())
            self._guard(self._prepare)
        except BaseException:
            os.close(self._lock)
            raise

    # --- streams ----------------------------------------------------------------------------------

    def append(self, stream: Stream, at: float, body: Mapping[str, Any]) -> int:
        """Write one entry and return its number; once it returns, the entry is safe.

        Raises ValueError for what JSON cannot carry, sqlite3.Error when the disk refuses.
        """
        self.writes += 1
        return self._db.execute(_APPEND[stream], (at, _dump(body))).lastrowid or 0

    def read(self, stream: Stream, after: int = 0) -> Iterator[Entry]:
        """Entries numbered above `after`, in order, read page by page (appends do not disturb)."""
        while page := self._db.execute(_READ[stream], (after, _PAGE)).fetchall():
            for seq, at, body in page:
                yield Entry(seq, at, self._load(body, f"entry {seq} of {stream}"))
            after = page[-1][0]

    def last(self, stream: Stream) -> int:
        """The number of the newest entry, 0 when there is none."""
        found: int | None = self._db.execute(_LAST[stream]).fetchone()[0]
        return found or 0

    def last_at(self, stream: Stream) -> float | None:
        """When the newest entry was written."""
        row = self._db.execute(_LAST_AT[stream]).fetchone()
        return None if row is None else float(row[0])

    @contextmanager
    def together(self) -> Iterator[None]:
        """All writes inside happen, or none (also cheaper than one by one); may be nested."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- snapshot and pruning ---------------------------------------------------------------------

    def save_snapshot(
        self, seq: int, at: float, body: Mapping[str, Any], *, past: bool = False
    ) -> None:
        """Keep the engine's state as of entry `seq`, in place of the one before; then prune.

        With `past` the entries stay until `trim` takes them, and so does one snapshot a day.
        """
        text = _dump(body)
        with self.together():
            self._db.execute("INSERT OR REPLACE INTO snapshot VALUES (1, ?, ?, ?)", (seq, at, text))
            self._db.execute(_PRUNE["contact"], (self.confirmed(),))
            if not past:
                self._db.execute("DELETE FROM past")
                self._db.execute(_PRUNE["engine"], (seq,))
                return
            last = self._db.execute("SELECT max(at) FROM past").fetchone()[0]
            if last is None or at - last >= _PAST_EVERY:
                self._db.execute("INSERT OR REPLACE INTO past VALUES (?, ?, ?)", (seq, at, text))

    def trim(self, before: float, most: int = 2000) -> None:
        """Let go of the past: what came before the last daily snapshot older than `before`.

        At most so many entries at a time, so that nobody waits for it; call it again and again.
        """
        base = self._db.execute("SELECT max(seq) FROM past WHERE at <= ?", (before,)).fetchone()[0]
        if base is not None:
            with self.together():
                self._db.execute("DELETE FROM past WHERE seq < ?", (base,))
                self._db.execute(_TRIM, (base, most))

    def snapshot(self) -> Snapshot | None:
        """The latest snapshot."""
        return self._snapshot("SELECT seq, at, body FROM snapshot")

    def snapshot_before(self, at: float) -> Snapshot | None:
        """The last daily snapshot from before that time, or else the first there is."""
        if not self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'past'").fetchone():
            return self.snapshot()
        past = "SELECT seq, at, body FROM past"
        found = self._snapshot(past + " WHERE at <= ? ORDER BY at DESC LIMIT 1", at)
        return found or self._snapshot(past + " ORDER BY at LIMIT 1") or self.snapshot()

    def _snapshot(self, query: str, *values: float) -> Snapshot | None:
        row = self._db.execute(query, values).fetchone()
        return None if row is None else Snapshot(row[0], row[1], self._load(row[2], "the snapshot"))

    def confirm(self, seq: int) -> None:
        """The records have taken over the contact stream up to `seq`; it may be pruned."""
        self._db.execute(
            "UPDATE meta SET value = max(value, ?) WHERE name = 'contact_confirmed'", (seq,)
        )

    def confirmed(self) -> int:
        """How far the records have taken over the contact stream."""
        row = self._db.execute("SELECT value FROM meta WHERE name = 'contact_confirmed'").fetchone()
        return int(row[0])

    # --- live flows -------------------------------------------------------------------------------

    def set_live(self, contact: str, at: float, state: Mapping[str, Any]) -> None:
        """Keep where a contact's flow stands."""
        self._db.execute(
            "INSERT OR REPLACE INTO live VALUES (?, ?, ?)", (contact, at, _dump(state))
        )

    def drop_live(self, contact: str) -> None:
        """The contact has ended; harmless when it is not there."""
        self._db.execute("DELETE FROM live WHERE contact = ?", (contact,))

    def live(self, contact: str) -> dict[str, Any] | None:
        """Where a contact's flow stands, or None."""
        row = self._db.execute("SELECT body FROM live WHERE contact = ?", (contact,)).fetchone()
        return None if row is None else self._load(row[0], f"the flow of {contact}")

    def all_live(self) -> dict[str, dict[str, Any]]:
        """Where every live contact's flow stands."""
        rows = self._db.execute("SELECT contact, body FROM live ORDER BY contact")
        return {contact: self._load(body, f"the flow of {contact}") for contact, body in rows}

    # --- what was set -----------------------------------------------------------------------------

    def keep(self, kind: str, name: str, at: float, body: Mapping[str, Any]) -> None:
        """Keep this under its kind and name, in place of what was there."""
        row = (kind, name, at, _dump(body))
        self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", row)

    def kept(self, kind: str) -> dict[str, dict[str, Any]]:
        """Everything of a kind, by name."""
        rows = self._db.execute("SELECT name, body FROM kept WHERE kind = ? ORDER BY name", (kind,))
        return {name: self._load(body, f"{kind} {name}") for name, body in rows}

    def forget(self, kind: str, name: str | None = None) -> None:
        """Keep it no longer; without a name, nothing of that kind."""
        which = "kind = ?" if name is None else "kind = ? AND name = ?"
        row = (kind,) if name is None else (kind, name)
        self._db.execute(f"DELETE FROM kept WHERE {which}", row)  # noqa: S608 - two fixed texts

    # --- upkeep -----------------------------------------------------------------------------------

    def checkpoint(self) -> None:
        """Copy the WAL back into the file. Never blocks appends; may be called in a thread."""
        self.writes = 0
        db = self._connect(self.path.absolute().as_uri())
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            db.close()

    def close(self) -> None:
        """Close; what was appended stays."""
        self._db.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _connect(self, uri: str) -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)

    def _guard(self, prepare: Callable[[], None]) -> None:
        """Run a step of opening; a file SQLite cannot read becomes JournalDamaged."""
        try:
            prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise JournalInUseError(f"{self.path} is locked by another process") from error
            raise JournalDamaged(
                f"{self.path} cannot be read ({error}); move it away to start with an empty floor"
            ) from error
        except AcdError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        # What is let go of is overwritten, not only left to be found in the file.
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES_AT_MOST}")
        if self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
            self._db.executescript(_SCHEMA)
        self._check_schema()
        self._db.executescript(_LATER)
        verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)

    def _check_schema(self) -> None:
        version = self._db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        if version is None or version[0] != SCHEMA_VERSION:
            found = version[0] if version else "unknown"
            raise JournalDamaged(
                f"{self.path} has schema {found}, this version reads {SCHEMA_VERSION}: "
                "start the version that wrote it, let its calls end, then upgrade"
            )

    def _load(self, text: str, what: str) -> dict[str, Any]:
        try:
            body = json.loads(text)
        except ValueError as error:
            raise JournalDamaged(f"{what} in {self.path} cannot be read: {error}") from error
        if not isinstance(body, dict):
            raise JournalDamaged(f"{what} in {self.path} is no JSON object")
        return body


def _dump(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _make_private(path: Path) -> None:
    """Make the file ours alone before SQLite opens it; its WAL files take the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)


def _lock(path: Path) -> int:
    """Hold `<path>.lock` for as long as the descriptor is open; the kernel frees it on death."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise JournalInUseError(
            f"{path} is written by another process: only one service may run on it"
        ) from error
    return handle
