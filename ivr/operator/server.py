"""The console's ear: answers what an operator types in Asterisk, over loopback HTTP.

`acd show queues` is an alias for `realtime load acd show queues`. Asterisk's res_config_curl posts
it as the form `show=queues` to `<console url>/single`, and the console waits. It expects one row of
url-encoded `key=value` pairs and prints each as "%30s  %-30s"; so one pair whose key is the whole
text, beginning with a line break, prints the text as it is.

The command line posts the same form to `.../text` and gets plain text; 409 means refused. Both
authenticate as the user `tieline` with this installation's console token.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, quote

import structlog
from aiohttp import encode_basic_auth, web

from ivr.errors import IvrError

log = structlog.get_logger(__name__)

HOST = "127.0.0.1"
USER = "tieline"
MAX_BODY = 4096
BUDGET = 2.0
"""Seconds an answer may take; Asterisk's console stands still meanwhile."""

FORM = "application/x-www-form-urlencoded"
STILL_AT_IT = "It takes longer than usual and goes on. See what came of it: acd show flows"
FAULT = "Something is wrong inside Tieline; the details are in its log, service.log."

Answer = Callable[[str, str], Awaitable[str]]


class OperatorServer:
    """Serves `answer(verb, words)` on loopback to whoever knows the token.

    `answer` may raise IvrError: its text is shown. `port` 0 takes a free one; `port` then tells it.
    """

    def __init__(self, answer: Answer, token: str, port: int, *, budget: float = BUDGET) -> None:
        self._answer, self._token, self._wanted, self._budget = answer, token, port, budget
        self._runner: web.AppRunner | None = None
        self._port = port
        self._working: set[asyncio.Future[str]] = set()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens, while it does."""
        return [] if self._runner is None else [each[:2] for each in self._runner.addresses]

    async def start(self) -> None:
        """Listen; raises IvrError when the port is taken."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_post("/console/{shape:single|text}", self._handle)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        site = web.TCPSite(runner, HOST, self._wanted)
        try:
            await site.start()
        except OSError as why:
            await runner.cleanup()
            raise IvrError(
                f"the console's port {self._wanted} cannot be used ({why.strerror or why}); "
                "choose another console_port in tieline.yaml"
            ) from None
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and call off what is still being worked on. Repeatable."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        working = tuple(self._working)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.Response:
        if not self._knows_the_token(request.headers.get("Authorization", "")):
            raise web.HTTPNotFound
        if request.content_type != FORM:
            raise web.HTTPUnsupportedMediaType
        question = read_question(await request.read())
        if question is None:
            raise web.HTTPBadRequest
        text, accepted = await self._ask(*question)
        if request.match_info["shape"] == "single":
            return web.Response(text=as_row(text), content_type=FORM)
        return web.Response(text=text + "\n", status=200 if accepted else 409)

    def _knows_the_token(self, header: str) -> bool:
        """HTTP basic authentication: a token in the address would end in Asterisk's log."""
        expected = encode_basic_auth(USER, self._token)
        return hmac.compare_digest(header.encode(errors="replace"), expected.encode())

    async def _ask(self, verb: str, words: str) -> tuple[str, bool]:
        """The text, and whether it is an answer rather than a refusal."""
        task = asyncio.ensure_future(self._answer(verb, words))
        self._working.add(task)
        task.add_done_callback(self._done)
        # Not wait_for: an action that has begun is finished, even when nobody waits any more.
        done, _ = await asyncio.wait({task}, timeout=self._budget)
        if not done:
            return STILL_AT_IT, True
        try:
            return task.result(), True
        except IvrError as refused:
            return str(refused), False
        except Exception:
            log.exception("operator's question failed", verb=verb, words=words)
            return FAULT, False

    def _done(self, task: asyncio.Future[str]) -> None:
        self._working.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, IvrError):
            log.warning("operator's question ended badly", why=str(error))


def read_question(body: bytes) -> tuple[str, str] | None:
    """`(verb, words)` of the form `verb=words`; None when it is anything else."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=1
        )
    except ValueError:
        return None
    return pairs[0] if len(pairs) == 1 else None


def as_row(text: str) -> str:
    """The text as the one row Asterisk prints as it is."""
    return quote("\n" + printable(text), safe="", errors="replace") + "="


def printable(text: str) -> str:
    """The text as it survives Asterisk: without zero bytes, which end it, and with a space before
    lines that begin with a Chinese or accented letter, which `asterisk -rx` takes for its own
    verbose messages (a byte from 128 on) and drops.
    """
    lines = text.replace("\0", "").strip("\n").split("\n")
    return "\n".join(f" {line}" if line and not line[0].isascii() else line for line in lines)
