"""Asks HTTP services, so that no answer, and no lack of one, can hurt a call.

- The administrator fixes the address; a path stays below it, a redirect within its origin. Names
  that lead into a private network are refused unless the service is `private`.
- JSON only, 64 kB at most, within a time for each attempt and one for all of them.
- A failed attempt is repeated when the method allows it (GET, PUT, DELETE), or when the connection
  was never made; between attempts it waits a little, by chance more or less.
- No cookies, no proxies from the environment, a connection of its own for each request.
- What is sent and answered appears in no log and in no reason of a failure.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import aiohttp
import structlog
from aiohttp import hdrs
from yarl import URL

from ivr.backends.addresses import PublicResolver, Refused, address, redirected
from ivr.backends.answers import LARGEST, Lying, read_json
from ivr.backends.breaker import Breaker
from ivr.backends.services import Service, is_own_network
from ivr.flow.actions import Failed
from ivr.flow.errands import Answer, Json

log = structlog.get_logger(__name__)

IDEMPOTENT: Final = frozenset({"GET", "PUT", "DELETE"})
BODILESS: Final = frozenset({"GET", "DELETE"})
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
PASSING: Final = frozenset({502, 503, 504})
"""Statuses of a service that may be back in a moment."""
MOST_RETRIES: Final = 5
MOST_REDIRECTS: Final = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
_MOVED = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD = frozenset({307, 308})
_FORM = "application/x-www-form-urlencoded"
_ACCEPT = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Tieline"}


@dataclass(frozen=True, slots=True)
class Request:
    """One question. `timeout` (seconds) is for one attempt, None leaves it to the service.

    `form` is sent in place of a body, as a page's form would be.
    """

    method: str
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Json = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    retries: int = 0
    repeatable: bool = False
    """Asking twice does no harm, though the method alone does not say so."""
    form: Mapping[str, str] | None = field(default=None, repr=False)


def with_secrets(request: Request, secrets: Mapping[str, str]) -> Request:
    """The request with secrets in its body, or in its query where the method has no body."""
    if not secrets:
        return request
    if isinstance(request.body, dict):
        body: dict[str, Json] = {**request.body, **secrets}
        return replace(request, body=body)
    if request.method in BODILESS:
        return replace(request, query={**request.query, **secrets})
    return replace(request, body=dict(secrets))


class _Trouble(Exception):
    """An attempt failed; `again` tells when another makes sense."""

    def __init__(self, why: str, *, unsent: bool = False, answer: Answer | None = None) -> None:
        super().__init__(why)
        self.why, self.unsent, self.answer = why, unsent, answer


class HttpClient:
    """Asks services; one for the whole process. `clock` tells seconds that never jump."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clock, self._dice = clock, dice
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._breakers: dict[str, Breaker] = {}
        self._doors: dict[tuple[str, int], asyncio.Semaphore] = {}

    async def ask(self, service: Service, request: Request) -> Answer | Failed:
        """What the service answered; a status of 400 or more is an answer, too."""
        breaker = self._breakers.setdefault(f"{service.name} {service.url}", Breaker())
        if not breaker.admits(self._clock()):
            return Failed(f"{service.name}: not asked, because it failed {breaker.failures} times")
        well: bool | None = None
        found: Answer | Failed
        try:
            found = await self._within(service, request)
            well = isinstance(found, Answer) and found.status < HTTPStatus.INTERNAL_SERVER_ERROR
        except Refused as why:
            # Nobody asked the service: what a caller keyed must not close it to the others.
            found = Failed(f"{service.name}: {why}")
        finally:
            breaker.went(well, self._clock())
        if isinstance(found, Failed):
            log.warning("a service failed", service=service.name, why=found.why)
        return found

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def _within(self, service: Service, request: Request) -> Answer | Failed:
        door = self._doors.setdefault(
            (service.name, service.at_once), asyncio.Semaphore(service.at_once)
        )
        try:
            async with asyncio.timeout(service.limit), door:
                return await self._tries(service, request)
        except TimeoutError:
            return Failed(f"{service.name}: no answer within {service.limit:g} s")
        except Lying as why:
            return Failed(f"lying: {service.name}: {why}")

    async def _tries(self, service: Service, request: Request) -> Answer | Failed:
        if request.method not in METHODS:
            raise Refused("no such method")
        url = address(service.url, request.path, request.query)
        left = min(request.retries, MOST_RETRIES)
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(request.timeout or service.timeout):
                    return await self._attempt(service, request, url)
            except TimeoutError:
                trouble = _Trouble(f"no answer within {request.timeout or service.timeout:g} s")
            except _Trouble as found:
                trouble = found
            safe = request.repeatable or request.method in IDEMPOTENT
            if left <= 0 or not (trouble.unsent or safe):
                return trouble.answer or Failed(f"{service.name}: {trouble.why}")
            left -= 1
            await asyncio.sleep(self._dice(pause / 2, pause))
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _attempt(self, service: Service, request: Request, url: URL) -> Answer:
        """One attempt, with its redirects."""
        method, body = request.method, _encoded(request)
        for _ in range(MOST_REDIRECTS + 1):
            status, location, answer = await self._exchange(service, request, method, url, body)
            if answer is not None:
                if status in PASSING:
                    raise _Trouble(f"it answered {status}", answer=answer)
                return answer
            url = redirected(url, location)
            if status not in _KEEPS_METHOD and method != "GET":
                method, body = "GET", None
        raise Lying("one redirect after another")

    async def _exchange(
        self, service: Service, request: Request, method: str, url: URL, body: bytes | None
    ) -> tuple[int, str, Answer | None]:
        """Status, where it redirects to, and the answer unless it redirects."""
        headers = {**_ACCEPT, **request.headers, **service.headers}
        if body is not None:
            headers["Content-Type"] = _FORM if request.form is not None else "application/json"
        try:
            async with self._session(service).request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                if response.status in _MOVED:
                    return response.status, response.headers.get(hdrs.LOCATION, ""), None
                return response.status, "", await _answer(response)
        except aiohttp.ClientConnectorError as why:
            raise _Trouble(_unreachable(why), unsent=True) from None
        except aiohttp.ClientResponseError:
            raise Lying("this is not HTTP") from None
        except (aiohttp.ClientError, OSError):
            raise _Trouble("the connection broke off") from None
        except ValueError:
            raise Refused("the request cannot be written as HTTP") from None

    def _session(self, service: Service) -> aiohttp.ClientSession:
        own = service.private or is_own_network(URL(service.url).host or "")
        if own not in self._sessions:
            session = aiohttp.ClientSession(
                # A kept connection may be closed by the other side at the moment it is used, and
                # then nobody knows whether a POST has arrived.
                connector=aiohttp.TCPConnector(
                    force_close=True, limit=0, resolver=None if own else PublicResolver()
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                trust_env=False,
            )
            # It would ask once more by itself, unseen; there is no public switch for that.
            session._retry_connection = False
            self._sessions[own] = session
        return self._sessions[own]


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    if response.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise Lying("the answer is compressed")
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > LARGEST:
            raise Lying(f"the answer has more than {LARGEST // 1024} kB")
    try:
        body = read_json(bytes(data)) if data.strip() else None
    except Lying:
        # A page that explains an error is no lie: the status says it all.
        if response.status < HTTPStatus.BAD_REQUEST:
            raise
        body = None
    return Answer(response.status, body)


def _encoded(request: Request) -> bytes | None:
    if request.form is not None:
        return urlencode(request.form).encode("ascii")
    if request.body is None:
        return None
    return json.dumps(request.body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def _unreachable(why: aiohttp.ClientConnectorError) -> str:
    if isinstance(why, aiohttp.ClientSSLError):
        return "no secure connection can be made"
    if isinstance(why, aiohttp.ClientConnectorDNSError):
        return "its name leads nowhere it may lead"
    return "it cannot be reached"
