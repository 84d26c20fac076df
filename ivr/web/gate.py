"""The one door: every request passes here, and what no route declares is refused.

In this order: is it us who is meant (Host), which route, who asks, how often, may they, does a page
of ours ask (for whatever changes something), is the body what the route takes. Only then the
handler. Then: the answer by the type of the route, the audit, and the headers all answers have.

A session travels in a cookie, so a page elsewhere could have a browser send it: a request that
changes something must say an origin that is ours, and carry the header X-Tieline, which no foreign
page may add without being asked first. A machine's token travels in Authorization and needs
neither.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol

import structlog
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from acd.errors import AcdError, UnknownAgent, UnknownQueue
from acd.people.places import place_of
from acd.records.errors import NotFound, RecordsUnavailable, Refused
from ivr.errors import AsteriskUnreachable, IvrError
from ivr.web.addresses import Outside
from ivr.web.headers import CORS_SECONDS, for_every_answer
from ivr.web.limits import Buckets
from ivr.web.problems import Problem
from ivr.web.roles import Who
from ivr.web.routes import Answer, Call, Raw, Route
from ivr.web.secrets_tried import SecretsTried, TooManyUnknown

log = structlog.get_logger(__name__)

HEADER: Final = "X-Tieline"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_SECRET: Final = 200
BODY_SECONDS: Final = 30.0
"""Seconds in which a body that is held in memory must be there."""
FAULT: Final = "Something is wrong inside Tieline; its log, service.log, has the details."


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, for the audit: `customers` and `contact` are whose data it was about.

    `subject` is what else names the matter, such as a ticket's number; it outlives the people, so
    no name or number of theirs is ever in it.
    """

    action: str
    route: str
    customers: tuple[int, ...]
    contact: str
    subject: str
    address: str


class Doorkeeper(Protocol):
    """Who knows whom a secret belongs to, and writes down what they did."""

    async def by_session(self, secret: str) -> Who | None:
        """The person whose session that is; None when there is none, or it ran out."""
        ...

    async def by_token(self, secret: str) -> Who | None:
        """The machine whose token that is."""
        ...

    async def note(self, who: Who | None, deed: Deed) -> None:
        """Write down what `who` did."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A route with what its types are read and written by."""

    route: Route
    takes: TypeAdapter[Any] | None
    gives: TypeAdapter[Any] | None

    @classmethod
    def of(cls, route: Route) -> Prepared:
        """Build the adapters once."""
        reads = route.takes is not None and not isinstance(route.takes, Raw)
        return cls(
            route,
            TypeAdapter(route.takes) if reads else None,
            TypeAdapter(route.gives) if route.gives is not None else None,
        )


class Gate:
    """Wraps every route's handler; `clock` is any steady clock in seconds."""

    def __init__(
        self,
        door: Doorkeeper,
        outside: Outside,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._door, self._outside, self._clock = door, outside, clock
        self._buckets, self._secrets = Buckets(), SecretsTried()

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; the prefix binds it to this host over TLS."""
        return "__Host-tieline" if self._outside.secure else "tieline"

    def guarded(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The route as aiohttp calls it."""
        prepared = Prepared.of(route)

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._answer(prepared, request)

        return handle

    def preflight(
        self, routes: Mapping[str, Route]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """What a browser asks before a foreign page may ask: `routes` of one path, by method."""

        async def handle(request: web.Request) -> web.StreamResponse:
            origin = request.headers.get("Origin", "")
            route = routes.get(request.headers.get("Access-Control-Request-Method", ""))
            if route is None or route.foreign is None or not route.foreign(origin):
                raise Problem(403, "Pages of that site may not ask this.")
            headers = {
                "Access-Control-Allow-Methods": route.method,
                "Access-Control-Allow-Headers": f"Content-Type, {HEADER}",
                "Access-Control-Max-Age": str(CORS_SECONDS),
            }
            return web.Response(status=204, headers=headers)

        return handle

    @web.middleware
    async def middleware(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Every answer becomes JSON without a traceback, and carries the headers all have."""
        try:
            if not self._outside.is_ours(request.host):
                raise Problem(421, "This server has another name; its address is web_url.")
            response = await handler(request)
        except Problem as refused:
            response = refused.response()
        except web.HTTPException as refused:
            response = _as_problem(refused).response()
        except (AcdError, IvrError) as refused:
            response = Problem(_status(refused), str(refused)).response()
        except Exception:
            log.exception("a request failed", method=request.method, path=request.path)
            response = Problem(500, FAULT).response()
        if not response.prepared:
            for_every_answer(response, request, self._outside)
        return response

    # --- one request ------------------------------------------------------------------------------

    async def _answer(self, prepared: Prepared, request: web.Request) -> web.StreamResponse:
        route = prepared.route
        address = self.address(request)
        who = await self.who(request)
        self._count(route, f"{who.user}" if who else place_of(address))
        self._allow(route, who)
        self._check_origin(route, who, request)
        answer = Answer()
        query = _query(route, request)
        call = Call(request, who, address, await self._body(prepared, request), query, answer)
        value = await route.handler(call)
        response = value if isinstance(value, web.StreamResponse) else _written(prepared, value)
        if route.audit:
            await self._door.note(who, _deed(route, call))
        if not response.prepared:
            response.headers.update(answer.headers)
            self._set_cookie(response, answer.cookie)
            self._allow_reading(route, request, response)
        return response

    def address(self, request: web.Request) -> str:
        """The client's address."""
        return self._outside.client(request.remote, request.headers.getall("X-Forwarded-For", []))

    async def who(self, request: web.Request) -> Who | None:
        """Whose session or token the request carries; raises Problem 401 for a token of nobody, and
        429 where too many of those came from. A session is not looked up there: to sign in is open.
        """
        header = request.headers.get("Authorization", "")
        if header:
            scheme, _, secret = header.partition(" ")
            bearer = scheme.lower() == "bearer"
            found = await self._whose(
                secret.strip() if bearer else "", self._door.by_token, request
            )
            if found is None:
                raise Problem(
                    401,
                    "That token is not known, or has ended.",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            return found
        try:
            secret = request.cookies.get(self.cookie, "")
            return await self._whose(secret, self._door.by_session, request)
        except TooManyUnknown:
            return None

    async def _whose(
        self,
        secret: str,
        look: Callable[[str], Awaitable[Who | None]],
        request: web.Request,
    ) -> Who | None:
        if not 0 < len(secret) <= LONGEST_SECRET:
            return None
        place = place_of(self.address(request))
        counted = self._secrets.admit(secret, place, self._clock())
        guessed = False
        try:
            found = await look(secret)
            guessed = found is None
        finally:
            if counted and not guessed:
                self._secrets.take_back(place)
        self._secrets.found(secret, good=found is not None)
        return found

    def _count(self, route: Route, key: str) -> None:
        limit = route.limit
        wait = self._buckets.take(f"{limit.burst}/{limit.per_minute}:{key}", limit, self._clock())
        if wait:
            seconds = str(max(1, round(wait)))
            raise Problem(
                429, f"Too often: try again in {seconds} s.", headers={"Retry-After": seconds}
            )

    def _allow(self, route: Route, who: Who | None) -> None:
        if route.is_public:
            return
        if who is None:
            raise Problem(401, "Sign in first, or send a token.")
        if not who.may(route.roles):
            needed = ", ".join(sorted(route.roles))
            raise Problem(403, f"This is for: {needed}. An administrator gives roles.")

    def _check_origin(self, route: Route, who: Who | None, request: web.Request) -> None:
        upgrades = "upgrade" in request.headers.get("Connection", "").lower()
        origin = request.headers.get("Origin")
        if route.foreign is not None and origin is not None and route.foreign(origin):
            return
        if (request.method in SAFE and not upgrades) or (who and who.means == "token"):
            return
        own = origin is not None and self._outside.is_own_origin(origin, request.host)
        if origin is not None and not own:
            raise Problem(403, f"Pages of {origin[:100]} may not do this here.")
        if who is None:
            return  # a program without a session: nothing rides along that could be abused
        if not own or not (upgrades or request.headers.get(HEADER)):
            raise Problem(403, f"A session needs the headers Origin and {HEADER} for this.")

    async def _body(self, prepared: Prepared, request: web.Request) -> Any:
        route = prepared.route
        if (request.content_length or 0) > route.most:
            raise Problem(413, f"A body of at most {route.most} bytes is taken here.")
        if isinstance(route.takes, Raw):
            if request.content_type not in route.takes.types:
                raise Problem(415, f"Send this as {' or '.join(route.takes.types)}.")
            return None
        if prepared.takes is None:
            return None
        if request.content_type != "application/json":
            raise Problem(415, "Send this as application/json.")
        try:
            return prepared.takes.validate_json(await read_at_most(request, route.most))
        except ValidationError as wrong:
            raise _mistakes(wrong) from None

    def _set_cookie(self, response: web.StreamResponse, secret: str | None) -> None:
        if secret is None:
            return
        same: Any = {"path": "/", "httponly": True, "samesite": "Strict"}
        if secret:
            self._secrets.found(secret, good=True)
            response.set_cookie(self.cookie, secret, secure=self._outside.secure, **same)
        else:
            response.del_cookie(self.cookie, secure=self._outside.secure, **same)

    def _allow_reading(
        self, route: Route, request: web.Request, response: web.StreamResponse
    ) -> None:
        origin = request.headers.get("Origin", "")
        if route.foreign is not None and origin and route.foreign(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Vary"] = "Origin"


async def read_at_most(request: web.Request, most: int) -> bytes:
    """The body; raises Problem 413 as soon as it is longer, whatever its length said, and 408 for
    one that does not come to its end.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return b"".join([part async for part in parts_at_most(request, most)])
    except TimeoutError:
        raise Problem(408, "The body took too long to come.") from None


async def parts_at_most(request: web.Request, most: int) -> AsyncIterator[bytes]:
    """The body as it comes in; see `read_at_most`."""
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > most:
            raise Problem(413, f"A body of at most {most} bytes is taken here.")
        yield part


def _written(prepared: Prepared, value: Any) -> web.Response:
    if prepared.gives is None:
        return web.Response(status=204)
    body = prepared.gives.dump_json(value, by_alias=True)
    return web.Response(
        status=prepared.route.status, body=body, content_type="application/json", charset="utf-8"
    )


def _query(route: Route, request: web.Request) -> Any:
    if route.query is None:
        return None
    try:
        return route.query.model_validate(dict(request.query))
    except ValidationError as wrong:
        raise _mistakes(wrong) from None


def _mistakes(wrong: ValidationError) -> Problem:
    errors = [
        {
            "field": ".".join(map(str, each["loc"])),
            "message": each["msg"].removeprefix("Value error, "),
        }
        for each in wrong.errors(include_url=False, include_input=False, include_context=False)
    ]
    return Problem(422, "Some of what was sent is not right; errors says what.", errors=errors)


def _status(refused: AcdError | IvrError) -> int:
    match refused:
        case AsteriskUnreachable() | RecordsUnavailable():
            return 503
        case NotFound() | UnknownAgent() | UnknownQueue():
            return 404
        case Refused():
            return 422
    return 409


def _deed(route: Route, call: Call) -> Deed:
    parts, answer = dict(call.request.match_info), call.answer
    contact = answer.contact or parts.pop("contact", "") or parts.pop("chat", "")
    customers = list(answer.customers)
    named = parts.pop("customer", "")
    if named.isascii() and named.isdecimal():
        customers.insert(0, int(named))
    for private in ("value", "tag", "file"):
        parts.pop(private, None)
    subject = " ".join([*parts.values(), *answer.concerns])[:200]
    path = f"{route.method} {route.path}"
    return Deed(route.audit, path, tuple(customers), contact, subject, call.address)


def _as_problem(refused: web.HTTPException) -> Problem:
    if refused.status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = refused.headers.get("Allow", "")
        return Problem(405, f"Here one may only: {allowed}.", headers={"Allow": allowed})
    if refused.status == HTTPStatus.NOT_FOUND:
        return Problem(404, "There is nothing at this address. /api/openapi.json lists all of it.")
    return Problem(refused.status, refused.reason)
