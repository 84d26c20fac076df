"""Finding rows by the words in them, alike in SQLite and PostgreSQL and without an extension.

What counts as a word is decided here, not by the database: text is folded (width, case, accents)
and cut into words; a run of Chinese or Japanese, which has no spaces, is cut into single characters
and pairs, so that any word of it is found. SQLite keeps the words in an FTS5 table, PostgreSQL in a
`tsvector` under a GIN index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

LONGEST: Final = 64
"""Characters of a word that count."""
MOST: Final = 4000
"""Words of one column that count: a book in a note must not stop the desk."""
_WEIGHTS: Final = ("8.0", "4.0", "2.0", "1.0")
_PIECE: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
    r"|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_UNSPACED: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One word that is looked for: whole, or as a beginning; `columns` empty means anywhere.

    `others` are spellings that do as well.
    """

    word: str
    prefix: bool = True
    columns: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def fold(written: str) -> str:
    """Text in the form in which equal words are equal: width, case and accents put away."""
    parts = unicodedata.normalize("NFKD", written.casefold())
    kept = "".join(each for each in parts if not unicodedata.combining(each))
    return unicodedata.normalize("NFKC", kept)


def pieces(written: str) -> Iterator[str]:
    """Words, and runs of a script without spaces, of folded text."""
    yield from (found[:LONGEST] for found in _PIECE.findall(fold(written)))


def unspaced(piece: str) -> bool:
    """Whether the piece is of a script that puts no spaces between words."""
    return _UNSPACED.match(piece) is not None


def words(written: str) -> list[str]:
    """What is kept of a text, each word once, in the order in which they come."""
    found: dict[str, None] = {}
    for piece in _PIECE.findall(fold(written)):
        if len(found) >= MOST:
            break
        if unspaced(piece):
            found.update(dict.fromkeys(piece))
            found.update(dict.fromkeys(piece[i : i + 2] for i in range(len(piece) - 1)))
        else:
            found[piece[:LONGEST]] = None
    return list(found)


def terms(written: str, columns: tuple[str, ...] = ()) -> list[Term]:
    """What a row must hold to be found: the beginnings of all words that were typed."""
    found: dict[Term, None] = {}
    for piece in pieces(written[:1000]):
        if not unspaced(piece):
            found[Term(piece, True, columns)] = None
        elif len(piece) == 1:
            found[Term(piece, False, columns)] = None
        else:
            pairs = (piece[i : i + 2] for i in range(len(piece) - 1))
            found.update({Term(pair, False, columns): None for pair in pairs})
    return list(found)


@dataclass(frozen=True, slots=True)
class WordIndex:
    """The words of one kind of row, by its integer id. At most four columns, heaviest first."""

    name: str
    columns: tuple[str, ...]

    async def put(
        self, connection: AsyncConnection, rows: Mapping[int, Mapping[str, Sequence[str]]]
    ) -> None:
        """The words of each row, by column, in place of those it had."""
        await self.drop(connection, rows)
        await self.add(connection, rows)

    async def add(
        self, connection: AsyncConnection, rows: Mapping[int, Mapping[str, Sequence[str]]]
    ) -> None:
        """The words of rows that have none yet."""
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            names = ", ".join(self.columns)
            marks = ", ".join(f":{name}" for name in self.columns)
            insert = f"INSERT INTO {self.name} (rowid, {names}) VALUES (:id, {marks})"  # noqa: S608 - names of ours
            values: list[dict[str, int | str]] = [
                {"id": key} | {name: " ".join(held.get(name, ())) for name in self.columns}
                for key, held in rows.items()
            ]
        else:
            insert = f"INSERT INTO {self.name} (id, words) VALUES (:id, CAST(:words AS tsvector))"  # noqa: S608 - names of ours
            values = [{"id": key, "words": self._tsvector(held)} for key, held in rows.items()]
        await connection.execute(text(insert), values)

    def _tsvector(self, held: Mapping[str, Sequence[str]]) -> str:
        """Words with the weight of their column; a weight needs a place, so each column is one."""
        places: dict[str, list[str]] = {}
        for place, (name, weight) in enumerate(zip(self.columns, "ABCD", strict=False), 1):
            for word in held.get(name, ()):
                places.setdefault(word, []).append(f"{place}{weight}")
        return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())

    async def drop(self, connection: AsyncConnection, ids: Iterable[int]) -> None:
        """These rows are not found any more."""
        gone = [{"id": key} for key in ids]
        key = "rowid" if connection.dialect.name == "sqlite" else "id"
        if gone:
            statement = f"DELETE FROM {self.name} WHERE {key} = :id"  # noqa: S608 - names of ours
            await connection.execute(text(statement), gone)

    async def forget(self, connection: AsyncConnection, ids: Iterable[int]) -> None:
        """As `drop`, and nothing of their words stays in the index: FTS5 would keep them unseen."""
        await self.drop(connection, ids)
        if connection.dialect.name == "sqlite":
            whole = f"INSERT INTO {self.name} ({self.name}) VALUES ('optimize')"  # noqa: S608 - names of ours
            await connection.execute(text(whole))

    async def latest(
        self, connection: AsyncConnection, wanted: Sequence[Term], limit: int
    ) -> list[int]:
        """Ids of rows that hold every term, the highest first."""
        return [key for key, _ in await self._ask(connection, self._latest, wanted, limit)]

    async def ranked(
        self, connection: AsyncConnection, wanted: Sequence[Term], limit: int
    ) -> list[tuple[int, float]]:
        """Ids of rows that hold every term, and how well each fits, the best first."""
        return await self._ask(connection, self._ranked, wanted, limit)

    async def _ask(
        self, connection: AsyncConnection, statement: Any, wanted: Sequence[Term], limit: int
    ) -> list[tuple[int, float]]:
        if not wanted:
            return []
        sqlite = connection.dialect.name == "sqlite"
        query = self._fts5(wanted) if sqlite else self._tsquery(wanted)
        clause: TextClause = statement(sqlite)
        rows = await connection.execute(
            clause.bindparams(bindparam("query", query), bindparam("limit", limit))
        )
        return [(row[0], float(row[1])) for row in rows]

    def _latest(self, sqlite: bool) -> TextClause:
        if sqlite:
            return text(
                f"SELECT rowid, 0 FROM {self.name} WHERE {self.name} MATCH :query "  # noqa: S608 - names of ours
                "ORDER BY rowid DESC LIMIT :limit"
            )
        return text(
            f"WITH hit AS MATERIALIZED (SELECT id FROM {self.name} "  # noqa: S608 - names of ours
            "WHERE words @@ CAST(:query AS tsquery)) "
            "SELECT id, 0 FROM hit ORDER BY id DESC LIMIT :limit"
        )

    def _ranked(self, sqlite: bool) -> TextClause:
        if sqlite:
            weights = ", ".join(_WEIGHTS[-len(self.columns) :])
            return text(
                f"SELECT rowid, -bm25({self.name}, {weights}) AS fit FROM {self.name} "  # noqa: S608 - names of ours
                f"WHERE {self.name} MATCH :query ORDER BY fit DESC, rowid DESC LIMIT :limit"
            )
        return text(
            f"WITH hit AS MATERIALIZED (SELECT id, words FROM {self.name} "  # noqa: S608 - names of ours
            "WHERE words @@ CAST(:query AS tsquery)) "
            "SELECT id, ts_rank(words, CAST(:query AS tsquery)) AS fit FROM hit "
            "ORDER BY fit DESC, id DESC LIMIT :limit"
        )

    def _fts5(self, wanted: Sequence[Term]) -> str:
        return " AND ".join(f"({self._fts5_term(term)})" for term in wanted)

    def _fts5_term(self, term: Term) -> str:
        where = f"{{{' '.join(term.columns)}}} : " if term.columns else ""
        star = " *" if term.prefix else ""
        return " OR ".join(f'{where}"{word}"{star}' for word in (term.word, *term.others))

    def _tsquery(self, wanted: Sequence[Term]) -> str:
        return " & ".join(f"({self._tsquery_term(term)})" for term in wanted)

    def _tsquery_term(self, term: Term) -> str:
        weights = "".join("ABCD"[self.columns.index(name)] for name in term.columns)
        marks = ("*" if term.prefix else "") + weights
        ending = f":{marks}" if marks else ""
        return " | ".join(f"'{word}'{ending}" for word in (term.word, *term.others))
