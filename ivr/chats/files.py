"""What visitors and agents attach to a conversation: bounded, of a known kind, and never run.

A file's kind is what its first bytes say, not what its sender says. It lies in a folder of its
conversation under a random name, and is given out with headers that keep a browser from taking it
for a page. Files come and go in pieces, and the disk is waited for in a thread: calls go on.
"""

from __future__ import annotations

import asyncio
import codecs
import re
import secrets
import shutil
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web

from acd.records.contact import Json
from ivr.threads.book import Book, Thread
from ivr.threads.refusals import Why
from ivr.web.problems import Problem

PIECE: Final = 256 * 1024
"""Bytes that are read or written at once."""
_NAME: Final = re.compile(r"[^\w .()+-]", re.UNICODE)
_ID: Final = re.compile(r"[0-9a-f]{32}")
MOST_FILES: Final = 20
"""Attachments of one conversation, from each side together."""
PATIENCE: Final = 300.0
"""Seconds that a file may take to come in."""
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
KINDS: Final[Mapping[str, str]] = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "application/pdf": "PDF",
    "text/plain": "TXT",
}
"""What people call them, in every language."""
_SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a page may show in itself."""


def kind_of(file: Path) -> str:
    """The kind of a file by its first bytes, "" when it is none that we know."""
    with file.open("rb") as body:
        head = body.read(16)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return "text/plain" if head and _is_text(file) else ""


def _is_text(file: Path) -> bool:
    decoder, begun = codecs.getincrementaldecoder("utf-8")(), False
    with file.open("rb") as body:
        try:
            while piece := body.read(PIECE):
                text = decoder.decode(piece)
                words = "" if begun else text.lstrip()
                if "\x00" in text or words.startswith("<"):
                    return False
                begun = begun or bool(words)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


class Files:
    """Attachments below `folder`."""

    def __init__(self, folder: Path, book: Book) -> None:
        self._folder, self._book = folder, book
        self._incoming = folder / "incoming"
        self._coming: Counter[str] = Counter()
        shutil.rmtree(self._incoming, ignore_errors=True)  # what came in as the service died

    async def keep(
        self, thread: Thread, name: str, body: AsyncIterable[bytes], types: Collection[str]
    ) -> Mapping[str, Json]:
        """Keep a file; what describes it in a message.

        Raises Problem 422 for one that is not taken, 408 for one that is too slow; OSError.
        """
        there = sum(each.file is not None for each in self._book.messages(thread.id))
        if there + self._coming[thread.id] >= MOST_FILES:
            many = f"A conversation has at most {MOST_FILES} files."
            raise Problem(422, many, why=Why.MANY_FILES, values={"most": MOST_FILES})
        file = secrets.token_hex(16)
        part, place = self._incoming / file, self._folder / thread.id
        self._coming[thread.id] += 1
        try:
            async with asyncio.timeout(PATIENCE):
                size = await _write(part, body)
            kind = await asyncio.to_thread(kind_of, part)
            if kind not in types:
                kinds = ", ".join(KINDS.get(each, each) for each in types)
                wrong = f"A file is one of these: {kinds}."
                raise Problem(422, wrong, why=Why.FILE_KIND, values={"kinds": kinds})
            await asyncio.to_thread(place.mkdir, parents=True, exist_ok=True, mode=0o700)
            await asyncio.to_thread(part.rename, place / file)
        except BaseException as why:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            if isinstance(why, TimeoutError):
                slow = "This file took too long to come in: try again."
                raise Problem(408, slow, why=Why.FILE_SLOW) from None
            raise
        finally:
            self._coming[thread.id] -= 1
            self._coming += Counter()  # those of whom nothing comes any more are forgotten
        plain = _NAME.sub("_", Path(name).name)[:100] or "file"
        return {"id": file, "name": plain, "type": kind, "size": size}

    async def drop(self, thread: Thread, file: Mapping[str, Json]) -> None:
        """Delete a file that was kept: no message tells of it after all."""
        where = self._folder / thread.id / str(file["id"])
        await asyncio.to_thread(where.unlink, missing_ok=True)

    async def give(self, thread: Thread, file: str) -> web.Response:
        """The file as an answer; raises FileNotFoundError."""
        found = next(
            (
                each.file
                for each in self._book.messages(thread.id)
                if each.file is not None and each.file["id"] == file
            ),
            None,
        )
        where = self._folder / thread.id / file
        if found is None or not _ID.fullmatch(file):
            raise FileNotFoundError(file)
        size = (await asyncio.to_thread(where.stat)).st_size
        kind, name = str(found["type"]), str(found["name"])
        how = "inline" if kind in _SHOWN else "attachment"
        return web.Response(
            body=_read(where),
            content_type=kind,
            headers={
                "Content-Length": str(size),
                "Content-Disposition": f"{how}; filename*=UTF-8''{quote(name)}",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cache-Control": "private, no-store",
            },
        )


async def _write(file: Path, body: AsyncIterable[bytes]) -> int:
    """A new file for its owner only, with all of `body`; how many bytes that were."""

    def begin() -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600, exist_ok=False)

    await asyncio.to_thread(begin)
    handle, size, waiting = await asyncio.to_thread(file.open, "wb"), 0, bytearray()
    try:
        async for piece in body:
            waiting += piece
            size += len(piece)
            if len(waiting) >= PIECE:
                await asyncio.to_thread(handle.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(handle.write, bytes(waiting))
    finally:
        await asyncio.to_thread(handle.close)
    return size


async def _read(file: Path) -> AsyncIterator[bytes]:
    handle = await asyncio.to_thread(file.open, "rb")
    try:
        while piece := await asyncio.to_thread(handle.read, PIECE):
            yield piece
    finally:
        handle.close()
