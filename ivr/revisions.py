"""Every set of files that was ever in force, kept whole: what is in force can be told and undone.

One SQLite file of this installation (mode 0600: tables hold hashes of PINs). Contents are kept
once, by their SHA-256; a revision is a number, the moment, who published it and why, what changed
in words, and the names of its files. Which revision is in force is a row of its own, so that an
older one can come back without becoming a new one. Each change is one transaction: whoever is
killed in the middle of it leaves everything as it was.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ivr.errors import IvrError

KEPT: Final = 100
"""Revisions kept besides those that live calls use."""
FILE: Final = "revisions.sqlite"
SCHEMA_VERSION: Final = 1

_SCHEMA: Final = f"""
CREATE TABLE blob (hash TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE revision (number INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL,
                       note TEXT NOT NULL, changes TEXT NOT NULL, files TEXT NOT NULL,
                       flows TEXT NOT NULL);
CREATE TABLE force (seq INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL,
                    at REAL NOT NULL, who TEXT NOT NULL, note TEXT NOT NULL,
                    rolled_back INTEGER NOT NULL);
PRAGMA user_version = {SCHEMA_VERSION};
"""
_COLUMNS: Final = "number, at, who, note, changes, files, flows"

Files = Mapping[str, bytes]
"""The text of each file by its name in the folder; the floor is always `floor.yaml`."""
InUse = Collection[tuple[str, str]]
"""Flows that live calls are in: name, and the flow's revision."""


class RevisionsUnusable(IvrError):
    """The kept revisions cannot be read or written; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who does something, and why; `who` is a login name or "console"."""

    who: str = "console"
    note: str = ""


CONSOLE: Final = Author()


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be published: texts, the revision of each flow, and what is different."""

    files: Files
    flows: Mapping[str, str]
    changes: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """One published set: `files` holds hashes by file name, `flows` flow revisions by flow name."""

    number: int
    at: float
    who: str
    note: str = ""
    changes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    flows: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Force:
    """Which revision is in force, since when and by whom; `rolled_back`: instead of the files."""

    number: int
    at: float
    who: str
    note: str = ""
    rolled_back: bool = False


class Revisions:
    """The revisions kept at `path`. Every method may be called in any thread.

    Reading where nothing was ever kept finds nothing and makes no file. Raises RevisionsUnusable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    # --- reading ------------------------------------------------------------------------------

    def all(self) -> list[Revision]:
        """Every kept revision, the newest first."""
        with self._reading() as db:
            return [] if db is None else _all(db)

    def get(self, number: int) -> Revision | None:
        """The revision of that number, while it is kept."""
        return next((each for each in self.all() if each.number == number), None)

    def in_force(self) -> Force | None:
        """What was put in force last; None when nothing ever was."""
        with self._reading() as db:
            return None if db is None else _in_force(db)

    def holding(self, flow: str, revision: str) -> Revision | None:
        """The newest kept revision in which that flow has that text."""
        return next((each for each in self.all() if each.flows.get(flow) == revision), None)

    def files_of(self, revision: Revision) -> dict[str, bytes]:
        """The texts of a kept revision."""
        with self._reading() as db:
            return {name: self._blob(db, hash_) for name, hash_ in revision.files.items()}

    def _blob(self, db: sqlite3.Connection | None, hash_: str) -> bytes:
        query = "SELECT data FROM blob WHERE hash = ?"
        row = None if db is None else db.execute(query, (hash_,)).fetchone()
        try:
            data = zlib.decompress(row[0]) if row is not None else b""
        except zlib.error as why:
            raise self._unusable(str(why)) from why
        if row is None or hash_of(data) != hash_:
            raise self._unusable(f"the file with the hash {hash_[:12]} is missing or damaged")
        return data

    # --- writing ------------------------------------------------------------------------------

    def publish(self, draft: Draft, by: Author, at: float, in_use: InUse | None = None) -> Revision:
        """Put these files in force: as a new revision, or the kept one that holds just them.

        Then forgets what is neither among the newest, nor in force, nor in use; nothing where it
        is not known what is in use.
        """
        hashes = hashes_of(draft.files)
        with self._writing() as db:
            found = _with_files(db, hashes)
            if found is None:
                number = _next_number(db)
                told = (by.who, by.note, tuple(draft.changes))
                found = Revision(number, at, *told, hashes, dict(draft.flows))
                texts = draft.files.items()
                blobs = ((hashes[name], zlib.compress(text)) for name, text in texts)
                db.executemany("INSERT OR IGNORE INTO blob VALUES (?, ?)", blobs)
                db.execute("INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?, ?)", _row(found))
            _put_in_force(db, Force(found.number, at, by.who, by.note))
            if in_use is not None:
                _forget(db, in_use)
        return found

    def put_in_force(self, force: Force) -> None:
        """Put a kept revision in force."""
        with self._writing() as db:
            _put_in_force(db, force)

    def take_back(self, before: Force | None) -> None:
        """What was just put in force could not be; `before` is again."""
        with self._writing() as db:
            last = _in_force(db)
            if last is None or before is None or last == before:
                return
            db.execute("DELETE FROM force WHERE seq = (SELECT max(seq) FROM force)")
            db.execute(
                "DELETE FROM revision WHERE number = ? AND number = "
                "(SELECT max(number) FROM revision) AND number NOT IN (SELECT number FROM force)",
                (last.number,),
            )
            if _in_force(db) != before:
                _put_in_force(db, before)

    # --- the file -----------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        if not self.path.exists():
            yield None
            return
        with self._open() as db:
            yield db if _version(db) else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All writes inside happen, or none."""
        with self._errors():
            _make_private(self.path)
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            with db:
                if _version(db) == 0:
                    for statement in _SCHEMA.split(";"):
                        db.execute(statement)
                yield db

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # Also to read: what a killed process left half written is put right first.
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        with (
            self._errors(),
            closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)) as db,
        ):
            if _version(db) not in (0, SCHEMA_VERSION):
                raise self._unusable("another version of Tieline wrote it")
            yield db

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as why:
            raise self._unusable(str(why)) from why

    def _unusable(self, why: str) -> RevisionsUnusable:
        return RevisionsUnusable(
            f"the kept revisions in {self.path} cannot be used: {why}; make room and make the file "
            "yours, restore it, or move it away to begin anew"
        )


def hash_of(data: bytes) -> str:
    """What a file's content is kept under."""
    return hashlib.sha256(data).hexdigest()


def hashes_of(files: Files) -> dict[str, str]:
    """The hash of each file, by its name."""
    return {name: hash_of(data) for name, data in sorted(files.items())}


def login_name() -> str:
    """Who runs this process, as far as the machine knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError: what Python before 3.13 raises
        return f"user {os.getuid()}"


def _make_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _next_number(db: sqlite3.Connection) -> int:
    query = "SELECT max(number) FROM (SELECT number FROM revision UNION SELECT number FROM force)"
    return int(db.execute(query).fetchone()[0] or 0) + 1


def _in_force(db: sqlite3.Connection) -> Force | None:
    query = "SELECT number, at, who, note, rolled_back FROM force ORDER BY seq DESC LIMIT 1"
    row = db.execute(query).fetchone()
    if row is None:
        return None
    number, at, who, note, back = row
    return Force(number, at, who, note, rolled_back=bool(back))


def _put_in_force(db: sqlite3.Connection, force: Force) -> None:
    db.execute(
        "INSERT INTO force (number, at, who, note, rolled_back) VALUES (?, ?, ?, ?, ?)",
        (force.number, force.at, force.who, force.note, int(force.rolled_back)),
    )


def _all(db: sqlite3.Connection) -> list[Revision]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM revision ORDER BY number DESC")  # noqa: S608 - constants
    return [_revision(row) for row in rows]


def _with_files(db: sqlite3.Connection, hashes: Mapping[str, str]) -> Revision | None:
    return next((each for each in _all(db) if each.files == hashes), None)


def _forget(db: sqlite3.Connection, in_use: InUse) -> None:
    """Drops old revisions, and the contents that only they had."""
    force = _in_force(db)
    wanted, kept = set(in_use), list[Revision]()
    for each in _all(db):
        needed = wanted & set(each.flows.items())
        if len(kept) < KEPT or needed or (force is not None and each.number == force.number):
            kept.append(each)
            wanted -= needed
    _keep_only(db, "revision", "number", [each.number for each in kept])
    _keep_only(db, "blob", "hash", {hash_ for each in kept for hash_ in each.files.values()})
    db.execute("DELETE FROM force WHERE seq <= (SELECT max(seq) FROM force) - ?", (KEPT,))


def _keep_only(
    db: sqlite3.Connection, table: str, column: str, kept: Collection[str | int]
) -> None:
    # One JSON text: SQLite bounds the number of parameters.
    query = f"DELETE FROM {table} WHERE {column} NOT IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants
    db.execute(query, (json.dumps(list(kept)),))


def _row(revision: Revision) -> tuple[object, ...]:
    held: tuple[object, ...] = (list(revision.changes), revision.files, revision.flows)
    told = (revision.number, revision.at, revision.who, revision.note)
    return (*told, *(json.dumps(each, ensure_ascii=False) for each in held))


def _revision(row: tuple[Any, ...]) -> Revision:
    number, at, who, note, *held = row
    changes, files, flows = (json.loads(each) for each in held)
    return Revision(number, at, who, note, tuple(changes), files, flows)
