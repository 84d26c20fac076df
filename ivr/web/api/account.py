"""Signing in and out, and who one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import StringConstraints

from acd.people import Account, People, TooManyTries, WrongPassword
from ivr.web.hub import Hub
from ivr.web.limits import SIGN_IN
from ivr.web.problems import Problem
from ivr.web.roles import ALL, Role
from ivr.web.routes import PUBLIC, Call, Model, Route


class Credentials(Model):
    """A name and a password."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    password: Annotated[
        str, StringConstraints(min_length=1, max_length=500, strip_whitespace=False)
    ]


class Passwords(Model):
    """A new password, and the old one as proof."""

    old: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=False)]
    new: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=False)]


class Speaking(Model):
    """The language of one's screen."""

    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z0-9]{1,8})*$")]


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in; `agent` is their extension on the floor, "" for none.

    `provided`: with the identity provider, where they may sign out as well.
    """

    user: str
    name: str
    roles: list[Role]
    agent: str
    language: str
    provided: bool


class Accounts:
    """`/api/session` and `/api/me`."""

    def __init__(self, people: People, hub: Hub) -> None:
        self._people, self._hub = people, hub

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        return (
            Route("POST", "/api/session", self._sign_in, roles=PUBLIC, takes=Credentials, gives=Me,
                  summary="Sign in: the answer sets the session's cookie", limit=SIGN_IN,
                  status=201, audit="session.open"),
            Route("GET", "/api/session", self._session, roles=PUBLIC, gives=Me | None,
                  summary="Who is signed in here; null for nobody"),
            Route("DELETE", "/api/session", self._sign_out, roles=ALL, summary="Sign out",
                  audit="session.end"),
            Route("GET", "/api/me", self._me, roles=ALL, gives=Me, summary="Who is signed in"),
            Route("POST", "/api/me/password", self._new_password, roles=ALL, takes=Passwords,
                  summary="Change one's password; all sessions end", limit=SIGN_IN,
                  audit="account.password"),
            Route("POST", "/api/me/language", self._speak, roles=ALL, takes=Speaking, gives=Me,
                  summary="The language of one's screen"),
        )  # fmt: skip

    async def _sign_in(self, call: Call) -> Me:
        given: Credentials = call.body
        program = call.request.headers.get("User-Agent", "")[:200]
        try:
            secret, session = await self._people.sign_in(
                given.name, given.password, address=call.address, agent=program
            )
        except TooManyTries as tired:
            wait = max(1, round(tired.retry_after))
            raise Problem(
                429,
                f"Too many wrong passwords: try again in {wait} s.",
                headers={"Retry-After": str(wait)},
            ) from None
        except WrongPassword:
            raise Problem(403, "Name and password do not go together.") from None
        call.answer.cookie = secret
        call.answer.concerns.append(session.account.name)
        return _me(session.account)

    async def _sign_out(self, call: Call) -> None:
        if call.me.means == "session":
            await self._people.end_session(int(call.me.session))
            self._hub.end(session=call.me.session)
        call.answer.cookie = ""

    async def _session(self, call: Call) -> Me | None:
        return None if call.who is None else await self._me(call)

    async def _me(self, call: Call) -> Me:
        return _me(await self._people.get(call.me.user), call.me.provided)

    async def _new_password(self, call: Call) -> None:
        given: Passwords = call.body
        try:
            _, session = await self._people.sign_in(
                call.me.user, given.old, address=call.address, agent="password change"
            )
        except (WrongPassword, TooManyTries):
            raise Problem(403, "The old password is another one.") from None
        await self._people.end_session(session.id)
        await self._people.set_password(call.me.user, given.new)
        self._hub.end(user=call.me.user)
        call.answer.cookie = ""

    async def _speak(self, call: Call) -> Me:
        account = await self._people.edit(call.me.user, language=call.body.language)
        return _me(account, call.me.provided)


def _me(account: Account, provided: bool = False) -> Me:
    return Me(
        account.name,
        account.title or account.name,
        sorted(Role(each) for each in account.roles),
        account.extension,
        account.language,
        provided,
    )
