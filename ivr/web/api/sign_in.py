"""Signing in with an identity provider: there, and back with a session of our own.

The browser that begins a sign-in gets a secret in a cookie; what the provider sends back counts
only beside it, and once. That cookie is Lax, as the way back begins on the provider's pages; the
session's cookie stays Strict, and both are read by this server alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from pydantic import ConfigDict, StringConstraints

from acd.people import Begun, BegunSignIns, Identities, Identity, People, WrongPassword
from acd.people.begun import LASTS
from acd.records.errors import Refused
from ivr.web.addresses import Outside
from ivr.web.hub import Hub
from ivr.web.limits import Limit
from ivr.web.numbers import whole
from ivr.web.oidc.accounts import Owners
from ivr.web.oidc.words import NotSignedIn, Provides, Why
from ivr.web.problems import Problem
from ivr.web.roles import Role
from ivr.web.routes import PUBLIC, Call, Model, Query, Route

log = structlog.get_logger(__name__)

BEGIN: Final = "/api/sign-in/oidc"
BACK: Final = f"{BEGIN}/back"
OUT: Final = f"{BEGIN}/out"
DESK: Final = "/desk/"
ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
LONGEST_CODE: Final = 4096
A_SHIFT: Final = Limit(per_minute=600, burst=300)
"""Nothing can be guessed here, and a shift of agents comes from one address within a minute."""
OwnPath = Annotated[
    str,
    StringConstraints(pattern=r"^/([A-Za-z0-9_~-][A-Za-z0-9._~/?=&#-]*)?$", max_length=300),
]
"""A place of this server: no other host can be meant by it, whoever reads it."""


class Beginning(Query):
    """Where to go on, signed in."""

    to: OwnPath = DESK


class ComingBack(Query):
    """What the provider sends back; members that it adds are of no interest."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: str = ""
    state: str = ""
    error: str = ""
    iss: str | None = None


class NewIdentity(Model):
    """An identity to be linked by hand: its subject at the provider."""

    subject: Annotated[str, StringConstraints(min_length=1, max_length=255)]


@dataclass(frozen=True, slots=True)
class SignInProvider:
    """An identity provider: what people call it, where to begin, where to sign out there too."""

    name: str
    path: str
    out: str


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How one signs in here, beside name and password."""

    provider: SignInProvider | None


@dataclass(frozen=True, slots=True)
class Provided:
    """An identity provider as the routes know it: `issuer` and `title` as they were chosen."""

    issuer: str
    title: str
    asks: Provides
    owners: Owners


class SignIns:
    """`/api/sign-in`, and the identities of accounts. Without `provided` there is no provider."""

    def __init__(
        self,
        people: People,
        identities: Identities,
        begun: BegunSignIns,
        *,
        outside: Outside,
        hub: Hub,
        provided: Provided | None,
    ) -> None:
        self._people, self._identities, self._begun = people, identities, begun
        self._outside, self._hub, self._provided = outside, hub, provided

    def routes(self) -> Sequence[Route]:
        """What may be asked. Strangers sign in by the first four."""
        of, one = "/api/users/{user}/identities", "/api/identities/{identity}"
        return (
            Route("GET", "/api/sign-in", self._ways, roles=PUBLIC, gives=WaysIn,
                  summary="How one signs in here", limit=A_SHIFT),
            Route("GET", BEGIN, self._begin, roles=PUBLIC, query=Beginning, media="text/html",
                  summary="Sign in with the identity provider", limit=A_SHIFT),
            Route("GET", BACK, self._back, roles=PUBLIC, query=ComingBack, media="text/html",
                  summary="The way back from it: sets the session's cookie", limit=A_SHIFT,
                  audit="session.open"),
            Route("GET", OUT, self._out, roles=PUBLIC, media="text/html",
                  summary="Sign out at the identity provider", limit=A_SHIFT),
            Route("GET", of, self._of, roles=ADMINISTRATORS, gives=list[Identity],
                  summary="Who an account is at the identity provider", audit="user.read"),
            Route("POST", of, self._link, roles=ADMINISTRATORS, takes=NewIdentity, gives=Identity,
                  status=201, summary="Link an identity by hand", audit="user.link"),
            Route("DELETE", one, self._unlink, roles=ADMINISTRATORS,
                  summary="End a link, and the sessions begun with it", audit="user.unlink"),
        )  # fmt: skip

    @property
    def _cookie(self) -> str:
        return "__Host-tieline-sign-in" if self._outside.secure else "tieline-sign-in"

    @property
    def _address(self) -> str:
        return self._outside.url + BACK

    def _there(self) -> Provided:
        if self._provided is None:
            raise Problem(404, "No identity provider is set up here: sign in with a password.")
        return self._provided

    # --- there and back ---------------------------------------------------------------------------

    async def _ways(self, call: Call) -> WaysIn:
        provided = self._provided
        return WaysIn(None if provided is None else SignInProvider(provided.title, BEGIN, OUT))

    async def _begin(self, call: Call) -> web.Response:
        provided = self._there()
        secret, begun = await self._begun.begin(call.query.to)
        try:
            place = await provided.asks.way_there(begun, self._address)
        except NotSignedIn as why:
            raise self._refusal(why) from None
        response = _to(place)
        # Bound to this browser, or an attacker could have others end what the attacker began.
        response.set_cookie(
            self._cookie,
            secret,
            max_age=round(LASTS),
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self._outside.secure,
        )
        return response

    async def _back(self, call: Call) -> web.Response:
        provided, given = self._there(), call.query
        try:
            begun = await self._begun_by(call, given)
            proven = await provided.asks.prove(begun, self._address, given.code, given.iss)
            identity = await provided.owners.of(proven)
            program = call.request.headers.get("User-Agent", "")[:200]
            secret, session = await self._people.open_session(
                identity.account, address=call.address, agent=program, identity=identity.id
            )
            await self._identities.used(identity)
        except NotSignedIn as why:
            raise self._refusal(why) from None
        except (Refused, WrongPassword) as why:
            raise self._refusal(NotSignedIn(Why.NO_ACCOUNT, str(why))) from None
        call.answer.cookie = secret
        call.answer.concerns += [session.account.name, f"identity-{identity.id}"]
        response = _to(begun.to)
        response.del_cookie(self._cookie, path="/", secure=self._outside.secure, samesite="Lax")
        return response

    async def _begun_by(self, call: Call, given: ComingBack) -> Begun:
        """What this very browser began, with that state. It is over then, whatever comes of it."""
        secret = call.request.cookies.get(self._cookie, "")[:200]
        begun = await self._begun.end(secret, given.state[:200]) if secret else None
        if begun is None:
            raise NotSignedIn(Why.STALE, "no such sign-in is under way in this browser")
        if given.error or not 0 < len(given.code) <= LONGEST_CODE:
            raise NotSignedIn(Why.CANCELLED, "the provider has signed nobody in")
        return begun

    async def _out(self, call: Call) -> web.Response:
        """The provider asks people itself before it signs them out, so nobody is made to."""
        try:
            place = await self._there().asks.way_out(self._outside.url + DESK)
        except NotSignedIn as why:
            log.warning("the identity provider was not asked to sign out", why=why.detail)
            place = None
        return _to(place or DESK)

    def _refusal(self, why: NotSignedIn) -> Problem:
        """Back to the desk, which says in people's words what this means; the log has the rest."""
        log.warning("nobody was signed in", why=why.why.value, detail=why.detail)
        place = f"{DESK}#sign-in={why.why.value}"
        return Problem(302, f"Nobody was signed in: {why.why.value}.", headers={"Location": place})

    # --- identities -------------------------------------------------------------------------------

    async def _of(self, call: Call) -> list[Identity]:
        return await self._identities.of(call["user"])

    async def _link(self, call: Call) -> Identity:
        issuer = self._there().issuer
        return await self._identities.link(issuer, call.body.subject, call["user"])

    async def _unlink(self, call: Call) -> None:
        gone, ended = await self._identities.unlink(whole(call["identity"], "identity"))
        call.answer.concerns.append(gone.account)
        for session in ended:
            self._hub.end(session=str(session))


def _to(place: str) -> web.Response:
    """Elsewhere, and nothing of it kept."""
    if urlsplit(place).scheme not in ("", "http", "https"):
        raise Problem(502, "The identity provider told an address that is none.")
    return web.Response(status=302, headers={"Location": place})
