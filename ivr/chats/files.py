"""What visitors and agents attach to a conversation: bounded, of a known kind, and never run.

A file's kind is what its first bytes say, not what its sender says. It lies in a folder of its
conversation under a random name, and is given out with headers that keep a browser from taking it
for a page.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web

from acd.records.contact import Json
from ivr.threads.book import Book, Thread
from ivr.threads.threads import BadMessage

_NAME: Final = re.compile(r"[^\w .()+-]", re.UNICODE)
_ID: Final = re.compile(r"[0-9a-f]{32}")
MOST_FILES: Final = 20
"""Attachments of one conversation, from each side together."""
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a page may show in itself."""


def kind_of(body: bytes) -> str:
    """The kind of a file by its first bytes, "" when it is none that we know."""
    for magic, kind in _MAGIC:
        if body.startswith(magic):
            return kind
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "text/plain" if "\x00" not in text and not text.lstrip().startswith("<") else ""


class Files:
    """Attachments below `folder`."""

    def __init__(self, folder: Path, book: Book) -> None:
        self._folder, self._book = folder, book

    def keep(
        self, thread: Thread, name: str, body: bytes, types: Collection[str]
    ) -> Mapping[str, Json]:
        """Keep a file; what describes it in a message. Raises BadMessage, OSError."""
        kind = kind_of(body)
        if not body or kind not in types:
            raise BadMessage(f"a file is one of these: {', '.join(types)}")
        files = [each for each in self._book.messages(thread.id) if each.file is not None]
        if len(files) >= MOST_FILES:
            raise BadMessage(f"a conversation has at most {MOST_FILES} files")
        file = secrets.token_hex(16)
        folder = self._folder / thread.id
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / file).write_bytes(body)
        plain = _NAME.sub("_", Path(name).name)[:100] or "file"
        return {"id": file, "name": plain, "type": kind, "size": len(body)}

    def drop(self, thread: Thread) -> None:
        """Delete what no message of the conversation tells of: it was refused after all."""
        told = {str(each.file["id"]) for each in self._book.messages(thread.id) if each.file}
        folder = self._folder / thread.id
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name not in told:
                file.unlink(missing_ok=True)

    def give(self, thread: Thread, file: str) -> web.Response:
        """The file as an answer; raises FileNotFoundError."""
        found = next(
            (
                each.file
                for each in self._book.messages(thread.id)
                if each.file is not None and each.file["id"] == file
            ),
            None,
        )
        if found is None or not _ID.fullmatch(file):
            raise FileNotFoundError(file)
        kind, name = str(found["type"]), str(found["name"])
        how = "inline" if kind in _SHOWN else "attachment"
        return web.Response(
            body=(self._folder / thread.id / file).read_bytes(),
            content_type=kind,
            headers={
                "Content-Disposition": f"{how}; filename*=UTF-8''{quote(name)}",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cache-Control": "private, max-age=3600",
            },
        )
