"""Tables of customers beside the flows, and the comparison of what a caller gave with them.

    # bank-accounts.table.yaml, used as `identify: bank-accounts`
    key: account
    secret: [pin]
    rows:
      - {account: "12345678", pin: "scrypt:...", name: Mei Lin, tier: gold}

`key` is the column callers are found by; the columns in `secret` hold hashes made by
`tieline secret`; the rest are the facts a flow reads as `customer.name`. A secret is hashed with
scrypt (RFC 7914) and a salt of its own. An unknown account is hashed against a decoy, so that it
takes as long as a known one. A four-digit PIN can be guessed from its hash by trying all 10,000:
hashing protects a table that is glanced at, not one that is stolen.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ivr.errors import ServiceFault
from ivr.flow.errands import Identified, Identify
from ivr.flow.loading.files import read_source
from ivr.flow.loading.section import Section, as_list, as_text
from ivr.flow.loading.sheets import Index, Sheet
from ivr.flow.loading.yaml import Node, Problems, parse, quote
from ivr.flow.words import Place

SUFFIX = ".table.yaml"
LOG_N, BLOCK, PARALLEL = 13, 8, 1
"""scrypt costs: 8 MB and some 20 ms for each comparison, small enough for a busy hour."""

_SCHEME = "scrypt"
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by their key; columns in `secret` hold hashes."""

    name: str
    key: str
    secret: frozenset[str] = frozenset()
    rows: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def columns(self) -> frozenset[str]:
        """The key, the secrets, and every column that some row fills."""
        return self.secret | {self.key} | {name for row in self.rows.values() for name in row}

    @property
    def sheet(self) -> Sheet:
        """What everybody may read: the columns without the secret ones."""
        rows = (self._public(row) for row in self.rows.values())
        return Sheet(self.name, self.columns - self.secret, tuple(rows))

    def _public(self, row: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in row.items() if name not in self.secret}


def make_hash(secret: str) -> str:
    """What a table holds instead of the secret: scheme, cost, salt and hash."""
    salt = secrets.token_bytes(12)
    digest = _scrypt(secret, salt, LOG_N)
    return ":".join((_SCHEME, str(LOG_N), _encode(salt), _encode(digest)))


def verify(table: Table, action: Identify) -> Identified:
    """Compares; takes the same time whether the account exists or not. Blocks for ~20 ms."""
    row = table.rows.get(action.given.get(table.key, ""))
    matches = row is not None
    for name, value in action.given.items():
        if name == table.key:
            continue
        if name in table.secret:
            same = _same(value, row.get(name, _DECOY) if row is not None else _DECOY)
        else:
            # Nothing is equal to what a row does not have, not even nothing.
            there = row.get(name, "") if row is not None else ""
            same = bool(there) and hmac.compare_digest(value.encode(), there.encode())
        matches = matches and same
    if row is None or not matches or table.key not in action.given:
        return Identified(ok=False)
    return Identified(ok=True, level="verified", facts=table._public(row))


class Tables:
    """All tables by name, for the shell; those of `sheets` hold no secrets and identify nobody."""

    def __init__(
        self, tables: Mapping[str, Table], sheets: Mapping[str, Sheet] | None = None
    ) -> None:
        self._tables = dict(tables)
        own = {name: table.sheet for name, table in tables.items()}
        self._sheets = {**(sheets or {}), **own}
        self._indexes: dict[tuple[str, tuple[str, ...]], Index] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def table(self, name: str) -> Table | None:
        """The table that identifies people."""
        return self._tables.get(name)

    def sheet(self, name: str) -> Sheet | None:
        """What may be looked up there."""
        return self._sheets.get(name)

    def find(self, name: str, by: Mapping[str, str]) -> Mapping[str, str] | None:
        """The first row whose columns equal `by`. Raises ServiceFault for an unknown column."""
        sheet = self._sheets.get(name)
        if sheet is None:
            raise ServiceFault(f"no table {name!r} was loaded")
        columns = tuple(sorted(by))
        if not columns or not sheet.columns.issuperset(columns):
            raise ServiceFault(f"the table {name!r} cannot be searched by {', '.join(columns)}")
        index = self._indexes.get((name, columns))
        if index is None:
            index = self._indexes[name, columns] = sheet.index(columns)
        return index.get(tuple(by[column] for column in columns))

    def get(self, name: str) -> Table | None:
        """The table of that name."""
        return self._tables.get(name)

    async def verify(self, action: Identify) -> Identified:
        """Compares in a thread. Raises ServiceFault when there is no such table."""
        return await asyncio.to_thread(self.verify_now, action)

    def verify_now(self, action: Identify) -> Identified:
        """The same, in this thread: for tests and the command line."""
        table = self._tables.get(action.source)
        if table is None:
            raise ServiceFault(f"no table {action.source!r} was loaded")
        return verify(table, action)


def _scrypt(secret: str, salt: bytes, log_n: int) -> bytes:
    n = 1 << log_n
    return hashlib.scrypt(
        secret.encode(),
        salt=salt,
        n=n,
        r=BLOCK,
        p=PARALLEL,
        maxmem=256 * n * BLOCK,
        dklen=DIGEST_BYTES,
    )


def _same(secret: str, stored: str) -> bool:
    log_n, salt, digest = _parts(stored)
    return hmac.compare_digest(_scrypt(secret, salt, log_n), digest)


def _parts(stored: str) -> tuple[int, bytes, bytes]:
    """Cost, salt and hash. Raises ValueError when this is no hash of ours."""
    scheme, cost, salt, text = stored.split(":")
    log_n, digest = int(cost), _decode(text)
    if scheme != _SCHEME or not 10 <= log_n <= 17 or len(digest) != DIGEST_BYTES:
        raise ValueError(stored)
    return log_n, _decode(salt), digest


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


_DECOY = f"{_SCHEME}:{LOG_N}:{_encode(bytes(12))}:{_encode(bytes(DIGEST_BYTES))}"


# --- reading ---------------------------------------------------------------------------------


def read_table(path: Path, problems: Problems) -> Table | None:
    """A table file, or None when it cannot be read."""
    source = read_source(path, problems)
    return parse_table(source, str(path), problems) if source is not None else None


def parse_table(source: bytes | str, file: str, problems: Problems) -> Table | None:
    """The same from text; the table is named after the file."""
    root = parse(source, file, problems)
    if root is None:
        return None
    with Section(root, "the table", problems) as section:
        key = section.text("key")
        secret = frozenset(section.texts("secret"))
        rows: dict[str, Mapping[str, str]] = {}
        node = section.node("rows", required=True)
        if node is not None:
            for row, place in as_list(node, '"rows"', problems, lambda n: _row(n, problems)):
                name = row.get(key, "")
                if not name or name in rows:
                    what = f"a second row for {quote(name)}" if name else f"a row without {key}"
                    problems.add(place, what)
                rows[name] = row
                _check_secrets(row, secret, place, problems)
    return Table(Path(file).name.removesuffix(SUFFIX), key, secret, rows)


def _row(node: Node, problems: Problems) -> tuple[dict[str, str], Place] | None:
    row: dict[str, str] = {}
    with Section(node, "a row", problems) as section:
        for name, _, value in section.rest():
            text = as_text(value, quote(name), problems)
            if text is not None:
                row[name] = text
    return row, node.place


def _check_secrets(
    row: Mapping[str, str], secret: frozenset[str], place: Place, problems: Problems
) -> None:
    for name in secret:
        try:
            _parts(row.get(name, ""))
        except ValueError:
            cure = "make one with `tieline secret`"
            problems.add(place, f"{quote(name)} is a secret column and holds no hash", cure)
