"""Static files, read once: a folder's own files and no others, each with its type and its mark."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from ivr.web.problems import Problem
from ivr.web.roles import Role
from ivr.web.routes import PUBLIC, Call, Route

TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    kind: str
    etag: str


class StaticFiles:
    """Everything below `folder`, at `at` (`/desk/`); the folder itself is its `index.html`."""

    def __init__(self, at: str, folder: Path, *, roles: frozenset[Role] = PUBLIC) -> None:
        self._at, self._roles = at, roles
        self._files = {
            str(file.relative_to(folder)): _read(file)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and not file.name.startswith(".")
        }

    def routes(self) -> Sequence[Route]:
        """The folder, and the files in it."""
        return (
            Route("GET", self._at, self._index, roles=self._roles, summary="The page",
                  media="text/html", tag="pages"),
            Route("GET", self._at + "{file:.+}", self._file, roles=self._roles,
                  summary="A file of the page", media="*/*", tag="pages"),
        )  # fmt: skip

    async def _index(self, call: Call) -> web.Response:
        return self._answer(call, "index.html")

    async def _file(self, call: Call) -> web.Response:
        return self._answer(call, call["file"])

    def _answer(self, call: Call, name: str) -> web.Response:
        file = self._files.get(name)
        if file is None:
            raise Problem(404, "There is no such file.")
        headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
        if call.request.headers.get("If-None-Match") == file.etag:
            return web.Response(status=304, headers=headers)
        charset = "utf-8" if file.kind.startswith(("text/", "application/json")) else None
        return web.Response(
            body=file.body, content_type=file.kind, charset=charset, headers=headers
        )


def _read(file: Path) -> _File:
    body = file.read_bytes()
    guessed = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0]
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    return _File(body, guessed or "application/octet-stream", etag)
