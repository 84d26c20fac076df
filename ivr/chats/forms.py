"""Forms that a text message leads to: a small page with the fields that a flow has named.

    https://desk.example/forms#<secret>

What stands behind the # never leaves the browser but in the body of a request, so it is in no log.
The secret is good until the form was sent, once, or its time is over; whoever looks at the page has
used nothing up. Answers become fields of the contact, and of its flow where that still goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from unicodedata import category

from aiohttp import web
from pydantic import Field as Bounded

from ivr.backends.passes import Passes
from ivr.backends.passing import Fill, form_field
from ivr.flow.actions import Value
from ivr.flow.errands import FormField
from ivr.web.limits import PUBLIC_LIMIT
from ivr.web.problems import Problem
from ivr.web.routes import PUBLIC, Call, Model, Route

PAGES: Final = Path(__file__).parent / "pages"
LONGEST: Final = 500
"""Characters of one answer."""
_NO_TEXT: Final = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})
GONE: Final = "This form has been sent already, or its time is over. Ring us for another one."
_TYPES: Final = {"js": "text/javascript", "css": "text/css", "html": "text/html"}


class Secret(Model):
    """What stands behind the # of the link."""

    secret: str = Bounded(min_length=1, max_length=100)


class Filled(Secret):
    """The answers, by field."""

    values: dict[str, str] = Bounded(max_length=40)


@dataclass(frozen=True, slots=True)
class Line:
    """One field: what stands beside it, and what may be entered (`of`: one of these)."""

    name: str
    label: str
    type: str
    of: list[str]


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked, and in which language."""

    language: str
    fields: list[Line]


class Forms:
    """The page, and what it asks of us."""

    def __init__(self, passes: Passes, fill: Fill, today: Callable[[], date]) -> None:
        self._passes, self._filled, self._today = passes, fill, today

    def routes(self) -> Sequence[Route]:
        """What whoever has a link may ask."""
        files = (("/forms", "form.html"), ("/forms/form.js", "form.js"))
        return (
            *(self._page(path, name) for path, name in (*files, ("/forms/form.css", "form.css"))),
            Route(
                "POST",
                "/forms/look",
                self._look,
                roles=PUBLIC,
                summary="What a form asks",
                takes=Secret,
                gives=Form,
                limit=PUBLIC_LIMIT,
                tag="forms",
            ),
            Route(
                "POST",
                "/forms/fill",
                self._fill,
                roles=PUBLIC,
                summary="Send a form, once",
                takes=Filled,
                limit=PUBLIC_LIMIT,
                tag="forms",
            ),
        )

    def _page(self, path: str, name: str) -> Route:
        media = _TYPES[name.rpartition(".")[2]]

        async def give(_: Call) -> web.Response:
            text = (PAGES / name).read_text(encoding="utf-8")
            return web.Response(text=text, content_type=media)

        return Route(
            "GET",
            path,
            give,
            roles=PUBLIC,
            summary=f"The page of forms: {name}",
            media=media,
            limit=PUBLIC_LIMIT,
            tag="forms",
        )

    async def _look(self, call: Call) -> Form:
        found = await self._passes.look("form", call.body.secret)
        if found is None:
            raise Problem(404, GONE)
        lines = [form_field(each) for each in found.about["fields"]]
        shown = [Line(e.field.name, e.label, e.field.type, list(e.field.of)) for e in lines]
        return Form(found.about["language"], shown)

    async def _fill(self, call: Call) -> None:
        found = await self._passes.look("form", call.body.secret)
        if found is None:
            raise Problem(404, GONE)
        values = self._read([form_field(each) for each in found.about["fields"]], call.body.values)
        # Of two who send it at once, one is taken.
        taken = await self._passes.take("form", call.body.secret)
        if taken is None:
            raise Problem(404, GONE)
        self._filled(taken.contact, taken.about["flow"], values)

    def _read(self, lines: Sequence[FormField], given: Mapping[str, str]) -> dict[str, Value]:
        """The values of all fields; raises Problem 422 with what is wrong with each."""
        today = self._today()
        values: dict[str, Value] = {}
        errors = []
        for each in lines:
            name, text = each.field.name, _line(given.get(each.field.name, ""))
            value = each.field.from_text(text) if text else None
            value = each.field.from_words(text, today) if text and value is None else value
            if value is None:
                errors.append({"field": name, "message": each.field.type if text else "missing"})
            else:
                values[name] = value
        if errors:
            raise Problem(
                422, "Some of what was sent is not right; errors says what.", errors=errors
            )
        return values


def _line(text: str) -> str:
    """One line without controls: it will stand in logs, messages and on agents' screens."""
    shown = (" " if category(each) in _NO_TEXT else each for each in text[:LONGEST])
    return " ".join("".join(shown).split())
