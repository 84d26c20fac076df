"""The knowledge base: articles that agents find by a word while a caller is on the line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.desk.highlight import highlight, snippet
from acd.desk.model import Article, Hit
from acd.desk.tables import article_words, articles
from acd.records.database import Database
from acd.records.errors import Conflict, NotFound
from acd.records.text import LONGEST_WORD, one_line, prose, tag_list
from acd.records.within import within
from acd.records.words import terms, words

LONGEST_BODY: Final = 200_000
CANDIDATES: Final = 200
"""The best hits, of which language and tag choose."""


class Knowledge:
    """Articles, and the search in them. Methods raise `RecordsUnavailable`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def add(
        self, title: str, body: str, *, language: str = "en", tags: Iterable[str] = (), by: str
    ) -> Article:
        """A new article. Raises `Refused`."""
        row = _checked({"title": title, "body": body, "language": language, "tags": tags})
        row |= {"updated_at": self._clock(), "by": by, "version": 1}
        async with self._database.writing() as connection:
            made = await connection.scalar(insert(articles).values(row).returning(articles.c.id))
            return await _indexed(connection, int(made or 0))

    async def edit(
        self,
        article_id: int,
        *,
        by: str,
        version: int | None = None,
        title: str | None = None,
        body: str | None = None,
        language: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> Article:
        """Change what is given. Raises `NotFound`, `Refused`, and `Conflict` when the article is
        not of that version any more."""
        told = {"title": title, "body": body, "language": language, "tags": tags}
        given = _checked({name: value for name, value in told.items() if value is not None})
        async with self._database.writing() as connection:
            before = await _get(connection, article_id, lock=True)
            if version is not None and before.version != version:
                raise Conflict(f"article {article_id} was changed meanwhile: look at it again")
            given |= {"updated_at": self._clock(), "by": by, "version": before.version + 1}
            await connection.execute(
                update(articles).where(articles.c.id == article_id).values(given)
            )
            return await _indexed(connection, article_id)

    async def delete(self, article_id: int) -> None:
        """Take an article away. Raises `NotFound`."""
        async with self._database.writing() as connection:
            await _get(connection, article_id, lock=True)
            await article_words.drop(connection, [article_id])
            await connection.execute(delete(articles).where(articles.c.id == article_id))

    async def get(self, article_id: int) -> Article:
        """One article. Raises `NotFound`."""
        async with self._database.reading() as connection:
            return await _get(connection, article_id)

    async def latest(self, *, language: str | None = None, limit: int = 50) -> list[Article]:
        """Articles, those that changed last first."""
        query = select(articles)
        if language is not None:
            query = query.where(articles.c.language == language)
        query = query.order_by(articles.c.updated_at.desc(), articles.c.id.desc()).limit(limit)
        async with self._database.reading() as connection:
            return [_made(row) for row in (await connection.execute(query)).mappings()]

    async def search(
        self, text: str, *, language: str | None = None, tag: str | None = None, limit: int = 20
    ) -> list[Hit]:
        """Articles with words that begin as those typed, and with all of them; the best first.

        A find in a title weighs more than one in a tag, and that more than one in the body.
        """
        async with self._database.reading() as connection:
            ranked = await article_words.ranked(connection, terms(text), CANDIDATES)
            fits = await _fitting(connection, [key for key, _ in ranked], language, tag)
            best = [(key, score) for key, score in ranked if key in fits][:limit]
            known = await _many(connection, [key for key, _ in best])
        return [_hit(known[key], text, score) for key, score in best if key in known]


async def _fitting(
    connection: AsyncConnection, ids: list[int], language: str | None, tag: str | None
) -> set[int]:
    """Those of a language and with a tag; bodies, which are long, are left where they are."""
    if language is None and tag is None:
        return set(ids)
    query = select(articles.c.id, articles.c.language, articles.c.tags)
    wanted = None if tag is None else tag.casefold()
    return {
        row.id
        for row in await connection.execute(query.where(within(connection, articles.c.id, ids)))
        if language in (None, row.language)
        and (wanted is None or wanted in map(str.casefold, row.tags))
    }


def _hit(article: Article, text: str, score: float) -> Hit:
    return Hit(
        article.id,
        highlight(article.title, text),
        article.language,
        article.tags,
        snippet(article.body, text),
        score,
    )


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    kept = dict(given)
    if "title" in kept:
        kept["title"] = one_line(kept["title"], "a title", shortest=1)
    if "body" in kept:
        kept["body"] = prose(kept["body"], "an article", LONGEST_BODY)
    if "language" in kept:
        kept["language"] = one_line(kept["language"], "a language", LONGEST_WORD)
    if "tags" in kept:
        kept["tags"] = list(tag_list(kept["tags"]))
    return kept


async def _indexed(connection: AsyncConnection, article_id: int) -> Article:
    article = await _get(connection, article_id)
    found_by = {
        "title": words(article.title),
        "label": words(" ".join(article.tags)),
        "text": words(article.body),
    }
    await article_words.put(connection, {article_id: found_by})
    return article


async def _get(connection: AsyncConnection, article_id: int, *, lock: bool = False) -> Article:
    query = select(articles).where(articles.c.id == article_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no article {article_id}")
    return _made(row)


async def _many(connection: AsyncConnection, ids: list[int]) -> dict[int, Article]:
    rows = await connection.execute(select(articles).where(within(connection, articles.c.id, ids)))
    return {row["id"]: _made(row) for row in rows.mappings()}


def _made(row: RowMapping) -> Article:
    return Article(**{**row, "tags": tuple(row["tags"])})
