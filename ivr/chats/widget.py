"""What a web site embeds: one line of script, and the page that opens inside its frame.

    <script src="https://desk.example/widget/tieline.js" data-site="shop" async></script>

The script puts a button and a frame onto the page. Everything else happens inside the frame, which
is a page of ours: the site's style cannot break it, and the site's scripts cannot read it. Only
pages of the origins that the site's entry in services.yaml names may hold the frame.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from ivr.backends.sites import Site
from ivr.chats.files import Files
from ivr.chats.identity import needs_word, opens, visitor_of
from ivr.chats.talking import Settling, Talking
from ivr.chats.visitors import Visitors, shown
from ivr.threads.book import Thread
from ivr.threads.refusals import BadMessage, Why
from ivr.threads.threads import Threads
from ivr.web.gate import parts_at_most
from ivr.web.headers import CONTENT
from ivr.web.limits import PAGES_LIMIT, PUBLIC_LIMIT
from ivr.web.problems import Problem, not_found
from ivr.web.routes import PUBLIC, Call, Handler, Method, Query, Raw, Route

PAGES: Final = Path(__file__).parent / "pages"
VISITOR: Final = "X-Tieline-Visitor"
MOST: Final = 25_000_000
_TYPES: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_SERVED: Final = ("frame.js", "frame.css", "words.js", "line.js", "asking.js", "files.js")
_HOUR: Final = "public, max-age=3600"


class Named(Query):
    """What a file is called, which site is meant, or what opens a file."""

    name: str = ""
    site: str = ""
    key: str = ""


class Widget:
    """The routes that visitors and foreign sites use."""

    def __init__(
        self,
        threads: Threads,
        visitors: Visitors,
        talking: Talking,
        files: Files,
        house: Settling,
    ) -> None:
        self._threads, self._visitors, self._talking = threads, visitors, talking
        self._files, self._site, self._key, self._clock = files, house.site, house.key, house.clock

    def routes(self) -> Sequence[Route]:
        """What the web server serves to everybody."""
        static = [
            Route(
                "GET",
                f"/widget/{name}",
                self._static(name),
                roles=PUBLIC,
                summary=f"The chat: {name}",
                media=_TYPES[name.rpartition(".")[2]],
                limit=PAGES_LIMIT,
                tag="chat",
            )
            for name in _SERVED
        ]
        return (
            *static,
            self._route("GET", "/widget/tieline.js", self._script, "text/javascript", "Its script"),
            self._route("GET", "/widget/frame", self._frame, "text/html", "Its page", query=Named),
            self._route("GET", "/widget/talk", self._talk, "application/json", "Its WebSocket"),
            self._route(
                "POST",
                "/widget/chats/{chat}/files",
                self._attach,
                "application/json",
                "Attach a file",
                query=Named,
                takes=Raw(("application/octet-stream",)),
                most=MOST,
            ),
            self._route(
                "GET",
                "/widget/chats/{chat}/files/{file}",
                self._give,
                "application/octet-stream",
                "A file of the visitor's conversation",
                query=Named,
            ),
        )

    def _route(
        self, method: Method, path: str, handler: Handler, media: str, summary: str, **more: Any
    ) -> Route:
        return Route(
            method,
            path,
            handler,
            roles=PUBLIC,
            summary=summary,
            media=media,
            limit=PUBLIC_LIMIT,
            tag="chat",
            **more,
        )

    # --- pages -----------------------------------------------------------------------------------

    def _static(self, name: str) -> Handler:
        """A file of the page. They stand on each other: a browser never mixes two releases."""
        kind = _TYPES[name.rpartition(".")[2]]
        text = (PAGES / name).read_text(encoding="utf-8")
        etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'
        headers = {"Cache-Control": "no-cache", "ETag": etag}

        async def give(call: Call) -> web.Response:
            if call.request.headers.get("If-None-Match") == etag:
                return web.Response(status=304, headers=headers)
            return web.Response(text=text, content_type=kind, headers=headers)

        return give

    async def _script(self, _: Call) -> web.Response:
        """The one line's script: foreign pages load it."""
        headers = {"Cache-Control": _HOUR, "Cross-Origin-Resource-Policy": "cross-origin"}
        text = (PAGES / "tieline.js").read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/javascript", headers=headers)

    async def _frame(self, call: Call) -> web.Response:
        site = self._site(call.query.site)
        if site is None:
            raise not_found("chat")
        # What may hold the frame is said by us, not by the page that wants to.
        policy = CONTENT.replace(
            "frame-ancestors 'none'", " ".join(("frame-ancestors 'self'", *site.origins))
        )
        headers = {
            "Content-Security-Policy": policy,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cross-Origin-Opener-Policy": "unsafe-none",
        }
        page = (PAGES / "frame.html").read_text(encoding="utf-8")
        return web.Response(
            text=page.replace("{{ site }}", _attributes(site)),
            content_type="text/html",
            headers=headers,
        )

    async def _talk(self, call: Call) -> web.StreamResponse:
        return await self._talking.serve(call.request, call.address)

    # --- files -----------------------------------------------------------------------------------

    def _open(self, call: Call) -> tuple[Thread, Site]:
        """A conversation that may be open to whoever asks: with a visitor whom the site vouches
        for, only while they have it in front of them, which takes the site's word.
        """
        thread = self._threads.book.get(call["chat"])
        site = self._site(thread.line) if thread is not None else None
        if thread is None or site is None or thread.kind != "chat":
            raise not_found("conversation")
        if needs_word(thread.address) and not self._visitors.here(thread.id):
            raise not_found("conversation")
        return thread, site

    async def _attach(self, call: Call) -> web.Response:
        thread, site = self._open(call)
        token = call.request.headers.get(VISITOR, "")
        if visitor_of(token, site.name, self._key, self._clock()) != thread.address:
            raise not_found("conversation")
        if not site.files:
            raise Problem(403, "Files are not taken in this chat.", why=Why.NO_FILES)
        if thread.over:
            raise Problem(409, "This conversation is over: begin another one.", why=Why.OVER)
        body = parts_at_most(call.request, min(MOST, site.files))
        file = await self._files.keep(thread, call.query.name, body, site.types)
        try:
            message, _ = self._threads.incoming(thread, f"f.{file['id']}", "", file)
        except BadMessage as why:
            await self._files.drop(thread, file)
            raise Problem(
                422, f"This file is not taken: {why}.", why=why.why, values=why.values
            ) from None
        self._visitors.tell(thread.id, {"type": "message", **shown(message)})
        return web.json_response({"seq": message.seq})

    async def _give(self, call: Call) -> web.Response:
        thread, _ = self._open(call)
        if not opens(call.query.key, thread.id, call["file"], self._key, self._clock()):
            raise not_found("file")
        try:
            return await self._files.give(thread, call["file"])
        except FileNotFoundError:
            raise not_found("file") from None


def _attributes(site: Site) -> str:
    """What the page has to know of its site, as attributes: nothing of it is markup."""
    told = {
        "site": site.name,
        "colour": site.colour,
        "languages": " ".join(site.languages),
        "ask": " ".join(site.ask),
        "files": str(site.files),
        **{f"title-{language}": title for language, title in site.title.items()},
    }
    return " ".join(f'data-{name}="{_escaped(value)}"' for name, value in told.items())


def _escaped(text: str) -> str:
    for raw, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(raw, safe)
    return text
