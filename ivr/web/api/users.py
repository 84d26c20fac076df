"""Accounts, programs' tokens, and the book of who looked at what. For administrators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from acd.customers import Audit
from acd.people import Account, ApiToken, People
from ivr.web.hub import Hub
from ivr.web.numbers import whole
from ivr.web.problems import Problem
from ivr.web.roles import Role
from ivr.web.routes import Call, Model, Query, Route

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=False)]


class NewUser(Model):
    """An account to be made; `extension` is the agent's on the floor."""

    name: Name
    password: Secret
    title: Annotated[str, StringConstraints(max_length=100)] = ""
    extension: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,15}$")] = ""
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] = (Role.AGENT,)
    language: str = "en"


class UserEdit(Model):
    """What changes; what is left out stays."""

    version: int | None = None
    title: Annotated[str, StringConstraints(max_length=100)] | None = None
    extension: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,15}$")] | None = None
    roles: Annotated[list[Role], Field(min_length=1)] | None = None
    language: str | None = None
    disabled: bool | None = None
    password: Secret | None = None


class NewToken(Model):
    """A program's token: what for, with which of the account's roles, and until when."""

    label: Name
    roles: list[Role] | None = None
    expires_at: float | None = None


class WhichEntries(Query):
    """Which entries of the audit, newest first."""

    who: str | None = None
    customer: int | None = None
    what: str | None = None
    since: float | None = None
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class EntryTold:
    """`who` did `what` to the data of `customers` or of a contact, by which route."""

    id: int
    at: float
    who: str
    what: str
    customers: tuple[int, ...]
    contact: str
    why: str
    route: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TokenMade:
    """A new token; `secret` is shown this once."""

    secret: str
    token: ApiToken


class UsersAsked:
    """`/api/users` and `/api/audit`."""

    def __init__(self, people: People, audit: Audit, hub: Hub) -> None:
        self._people, self._audit, self._hub = people, audit, hub

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        one = "/api/users/{user}"
        return (
            Route("GET", "/api/users", self._list, roles=ADMINISTRATORS, gives=list[Account],
                  summary="All accounts", audit="user.list"),
            Route("POST", "/api/users", self._add, roles=ADMINISTRATORS, takes=NewUser,
                  gives=Account, status=201, summary="Make an account", audit="user.add"),
            Route("GET", one, self._show, roles=ADMINISTRATORS, gives=Account,
                  summary="An account", audit="user.read"),
            Route("PATCH", one, self._edit, roles=ADMINISTRATORS, takes=UserEdit, gives=Account,
                  summary="Change an account; a new password or disabling ends its sessions",
                  audit="user.edit"),
            Route("GET", f"{one}/tokens", self._tokens, roles=ADMINISTRATORS,
                  gives=list[ApiToken], summary="An account's tokens", audit="user.read"),
            Route("POST", f"{one}/tokens", self._new_token, roles=ADMINISTRATORS, takes=NewToken,
                  gives=TokenMade, status=201, summary="A token for a program",
                  audit="user.token_new"),
            Route("DELETE", "/api/tokens/{token}", self._revoke, roles=ADMINISTRATORS,
                  summary="End a token", audit="user.token_revoke"),
            Route("GET", "/api/audit", self._entries, roles=ADMINISTRATORS, query=WhichEntries,
                  gives=list[EntryTold], summary="Who did and saw what", audit="audit.read"),
        )  # fmt: skip

    async def _list(self, call: Call) -> list[Account]:
        return await self._people.all()

    async def _add(self, call: Call) -> Account:
        given: NewUser = call.body
        call.answer.concerns.append(given.name)
        return await self._people.add(
            given.name,
            given.password,
            title=given.title,
            extension=given.extension,
            roles=[each.value for each in given.roles],
            language=given.language,
        )

    async def _show(self, call: Call) -> Account:
        return await self._people.get(call["user"])

    async def _edit(self, call: Call) -> Account:
        name, given = call["user"], call.body
        if name == call.me.user and (given.disabled or given.roles is not None):
            raise Problem(409, "Nobody takes their own rights away: another administrator does.")
        changes: dict[str, Any] = given.model_dump(
            exclude_none=True, exclude={"disabled", "password"}
        )
        if changes:
            await self._people.edit(name, **changes)
        if given.password is not None:
            await self._people.set_password(name, given.password)
        if given.disabled is not None:
            await (self._people.disable(name) if given.disabled else self._people.enable(name))
        if given.password is not None or given.disabled:
            self._hub.end(user=name)
        return await self._people.get(name)

    async def _tokens(self, call: Call) -> list[ApiToken]:
        return await self._people.tokens(call["user"])

    async def _new_token(self, call: Call) -> TokenMade:
        given: NewToken = call.body
        roles = None if given.roles is None else [each.value for each in given.roles]
        secret, token = await self._people.new_token(
            call["user"], given.label, roles=roles, expires_at=given.expires_at
        )
        return TokenMade(secret, token)

    async def _revoke(self, call: Call) -> None:
        number = whole(call["token"], "token")
        await self._people.revoke_token(number)

    async def _entries(self, call: Call) -> list[EntryTold]:
        which: WhichEntries = call.query
        found = await self._audit.entries(
            who=which.who,
            customer=which.customer,
            what=which.what,
            since=which.since,
            before=which.before,
            limit=max(1, min(which.limit, 1000)),
        )
        return [
            EntryTold(
                each.id,
                each.at,
                each.who,
                each.what,
                each.customers,
                each.contact,
                each.why,
                each.route,
                each.detail,
            )
            for each in found
        ]
