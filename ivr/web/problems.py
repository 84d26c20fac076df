"""Refusals as RFC 9457 problem documents: what is wrong, and what is right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

TYPE = "application/problem+json"


class Problem(Exception):
    """A request that is refused. `detail` is for people and says what is right.

    `errors` tells mistakes apart: `{"field": ..., "message": ...}` each. `more` are members of the
    document a program may read.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, tuple(errors)
        self.headers, self.more = dict(headers or {}), more

    def document(self) -> dict[str, Any]:
        """The body."""
        told: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        if self.errors:
            told["errors"] = [dict(each) for each in self.errors]
        return told

    def response(self) -> web.Response:
        """The answer."""
        return web.Response(
            status=self.status,
            text=json.dumps(self.document(), ensure_ascii=False),
            content_type=TYPE,
            headers=self.headers,
        )


def not_found(what: str) -> Problem:
    """404: there is no such thing, or none that this person may see; nobody learns which."""
    return Problem(404, f"There is no such {what}, or it is not yours to see.")
