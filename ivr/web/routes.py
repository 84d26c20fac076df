"""What a route is. A module of the web side declares its routes as data and nothing else is served.

    async def close_ticket(call: Call) -> Ticket: ...

    ROUTES = (
        Route("POST", "/api/tickets/{ticket}/close", close_ticket, roles=STAFF,
              summary="Close a ticket", takes=Closing, gives=Ticket, audit="ticket.close"),
    )

`takes` and `gives` are types pydantic understands (models, dataclasses, lists of them): what comes
in is validated before the handler is called, what goes out is written by the same type, and the
OpenAPI document is made from both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from ivr.web.limits import USUAL, Limit
from ivr.web.problems import Problem
from ivr.web.roles import Role, Who

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
PUBLIC: Final = frozenset[Role]()
"""For `roles`: whoever comes, signed in or not. Never for what tells of a person."""
SMALL: Final = 64 * 1024
"""Bytes of a body, unless a route says more."""


class Model(BaseModel):
    """The base of everything a client sends: unknown members are mistakes, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Query(Model):
    """The base of what stands behind the question mark."""


@dataclass(frozen=True, slots=True)
class Raw:
    """For `takes`: a body that is no JSON. The handler reads `call.request` itself.

    `types` are the content types that are let in, `schema` is for the document.
    """

    types: tuple[str, ...]
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(slots=True)
class Answer:
    """What a handler adds to its answer beside the value it returns.

    `cookie` is the session's new secret, "" to have it forgotten, None to leave it alone.
    The rest is for the audit, where the path does not say it: `customers` and `contact` are whose
    data was read or changed, `concerns` what else names the matter and tells of no person.
    """

    headers: dict[str, str] = field(default_factory=dict)
    cookie: str | None = None
    customers: list[int] = field(default_factory=list)
    contact: str = ""
    concerns: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a handler meets it: allowed, counted, and its body valid.

    `who` is None only on a public route that nobody signed in asked for; `me` raises there.
    `address` is the client's, `body` an instance of the route's `takes`, `query` one of `query`.
    """

    request: web.Request
    who: Who | None
    address: str
    body: Any = None
    query: Any = None
    answer: Answer = field(default_factory=Answer)

    @property
    def me(self) -> Who:
        """Who asks."""
        if self.who is None:
            raise Problem(401, "Sign in first.")
        return self.who

    @property
    def agent(self) -> str:
        """The extension of the agent who asks; refuses whoever is no agent of the floor."""
        if not self.me.agent:
            raise Problem(409, "Your account is no agent of the floor: an administrator links it.")
        return self.me.agent

    def __getitem__(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that may be asked.

    - `roles`: who may ask; `PUBLIC` for everybody. There is no default.
    - `takes`: the body, a pydantic type, `Raw`, or None for none; `query`: a `Query`, or None.
    - `gives`: what a good answer holds; None for an empty 204. A handler that returns a
      `web.StreamResponse` (a file, a WebSocket) is believed; then `media` names its type.
    - `audit`: under which word the asking is written down, "" for not at all. Whatever shows
      personal data has one.
    - `foreign`: which other sites' pages may ask, by their origin; None: only our own.
    - `limit`: how often one person, or address, may ask.
    """

    method: Method
    path: str
    handler: Handler
    roles: frozenset[Role]
    summary: str
    takes: Any = None
    gives: Any = None
    query: type[Query] | None = None
    status: int = 200
    audit: str = ""
    foreign: Callable[[str], bool] | None = None
    limit: Limit = USUAL
    most: int = SMALL
    media: str = "application/json"
    tag: str = ""
    about: str = ""

    @property
    def name(self) -> str:
        """The operation's id, such as `post_api_tickets_ticket_close`."""
        path = f"{self.path}index" if self.path.endswith("/") else self.path
        words = path.replace("{", "").replace("}", "").replace("-", "_").split("/")
        return "_".join([self.method.lower(), *(each for each in words if each)]).replace(".", "_")

    @property
    def is_public(self) -> bool:
        """Whether nobody needs to be signed in."""
        return not self.roles
