"""Signing in with an identity provider: who it is, whose account, and everything that is a lie."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from acd.customers import Audit
from acd.people import Identities, People
from acd.records import Database
from ivr.errors import IvrError
from ivr.oidc import Oidc
from ivr.settings import Settings
from ivr.web.oidc.building import provided_by
from tests.web.desk_house import PASSWORD, DeskHouse, desk_house
from tests.web.house import Browser
from tests.web.identity_provider import (
    CLIENT,
    SECRET,
    IdentityProvider,
    identity_provider,
    unsigned,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANA = {"sub": "u-1", "email": "ana@example.org", "email_verified": True, "name": "Ana Ruiz"}
BEGIN, BACK = "/api/sign-in/oidc", "/api/sign-in/oidc/back"


@dataclass
class Visitor:
    """A browser at the desk of `house`, one step at a time; it keeps cookies as browsers do."""

    house: DeskHouse
    session: aiohttp.ClientSession
    cookies: dict[str, str]

    async def get(self, place: str) -> aiohttp.ClientResponse:
        url = place if place.startswith("http") else self.house.url + place
        ours = url.startswith(self.house.url)
        told = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": told} if ours and told else {}
        answer = await self.session.get(url, headers=headers, allow_redirects=False)
        if ours:
            self.cookies |= {name: each.value for name, each in answer.cookies.items()}
        return answer

    async def there(self, begin: str = BEGIN) -> str:
        """Begin, sign in there, and tell the address that the provider sends the browser to."""
        begun = await self.get(begin)
        assert begun.status == 302, await begun.text()
        answer = await self.get(begun.headers["Location"])
        return answer.headers["Location"]

    async def sign_in(self, begin: str = BEGIN) -> str:
        """The whole way; where it ends."""
        answer = await self.get(await self.there(begin))
        assert answer.status == 302
        return answer.headers["Location"]

    async def me(self) -> dict[str, Any] | None:
        told: dict[str, Any] | None = await (await self.get("/api/session")).json()
        return told


Opens = Callable[..., Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_provider() -> AsyncIterator[IdentityProvider]:
    async with identity_provider() as provider:
        yield provider


@pytest_asyncio.fixture(loop_scope="module")
async def provider(one_provider: IdentityProvider) -> IdentityProvider:
    one_provider.person = dict(ANA)
    one_provider.is_honest_again()
    return one_provider


@asynccontextmanager
async def desk_with(folder: Path, url: str, **chosen: Any) -> AsyncIterator[Visitor]:
    """A desk that this provider lets people into; ana has an account called by her address."""
    (folder / "oidc-client-secret").write_text(SECRET)
    oidc = {"issuer": url, "client_id": CLIENT, "name": "Example ID", **chosen}
    jar = aiohttp.DummyCookieJar()
    async with (
        desk_house(folder, oidc=oidc) as house,
        aiohttp.ClientSession(cookie_jar=jar) as session,
    ):
        if not chosen:
            await house.people.add("ana@example.org", extension="1001")
        yield Visitor(house, session, {})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, one_provider: IdentityProvider
) -> AsyncIterator[Visitor]:
    async with desk_with(tmp_path_factory.mktemp("shared"), one_provider.url) as visitor:
        yield visitor


@pytest_asyncio.fixture(loop_scope="module")
async def visitor(shared: Visitor, provider: IdentityProvider) -> AsyncIterator[Visitor]:
    """A fresh browser at a desk where nobody has signed in yet."""
    yield Visitor(shared.house, shared.session, {})
    async with shared.house.database.writing() as connection:
        for table in ("identities", "sessions", "begun_sign_ins"):
            await connection.exec_driver_sql(f"DELETE FROM {table}")


@pytest_asyncio.fixture(loop_scope="module")
async def opens(tmp_path: Path, provider: IdentityProvider) -> AsyncIterator[Opens]:
    """Opens a desk of the test's own, with its own choices."""
    async with AsyncExitStack() as stack:

        async def open_(**chosen: Any) -> Visitor:
            return await stack.enter_async_context(desk_with(tmp_path, provider.url, **chosen))

        yield open_


def ended(why: str) -> str:
    return f"/desk/#sign-in={why}"


async def test_who_has_an_account_is_signed_in_with_the_same_session_and_audit(
    visitor: Visitor,
) -> None:
    ways = await (await visitor.get("/api/sign-in")).json()
    assert ways["provider"] == {"name": "Example ID", "path": BEGIN, "out": f"{BEGIN}/out"}
    begun = await visitor.get(f"{BEGIN}?to=/desk/%23tickets")
    cookie = begun.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert (await visitor.get(begun.headers["Location"])).status == 302
    assert await visitor.sign_in(f"{BEGIN}?to=/desk/%23tickets") == "/desk/#tickets"
    me = await visitor.me()
    assert me is not None
    assert (me["user"], me["agent"], me["provided"]) == ("ana@example.org", "1001", True)
    (session,) = await visitor.house.people.sessions("ana@example.org")
    (identity,) = await Identities(visitor.house.database).of("ana@example.org")
    assert (session.identity, identity.subject, identity.made) == (identity.id, "u-1", False)
    assert identity.last_used is not None
    entry, *_ = await Audit(visitor.house.database).entries(what="session.open")
    assert entry.detail["subject"] == f"ana@example.org identity-{identity.id}"
    again = Visitor(visitor.house, visitor.session, {})
    assert await again.sign_in() == "/desk/"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another sign-in's"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"exp": "never"},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": ["u-1"]},
        {"at_hash": "d3Jvbmc"},
    ],
    ids="-".join,
)
async def test_a_token_that_is_not_for_this_sign_in_opens_nothing(
    visitor: Visitor, provider: IdentityProvider, claims: dict[str, Any]
) -> None:
    provider.claims, before = claims, visitor.house.clock()
    assert await visitor.sign_in() == ended("untrusted")
    assert await visitor.me() is None
    assert await visitor.house.people.sessions("ana@example.org") == []
    assert await Identities(visitor.house.database).of("ana@example.org") == []
    assert await Audit(visitor.house.database).entries(what="session.open", since=before) == []


def by_secret(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET), algorithms=["HS256"])


def by_public_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """The public key, which everybody has, taken for a secret."""
    header = {"alg": "HS256", "kid": provider.key.kid}
    packed = [base64.urlsafe_b64encode(json.dumps(each).encode()) for each in (header, claims)]
    said = b".".join(each.rstrip(b"=") for each in packed)
    mark = hmac.digest(provider.key.as_pem(private=False), said, "sha256")
    return f"{said.decode()}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"


def by_another_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "kid": provider.key.kid}
    return jwt.encode(header, claims, RSAKey.generate_key(2048))


def by_an_unknown_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "another"}, claims, RSAKey.generate_key(2048))


def changed_after(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "kid": provider.key.kid}
    head, _, signature = jwt.encode(header, claims, provider.key).split(".")
    other = jwt.encode(header, {**claims, "sub": "root"}, provider.key).split(".")[1]
    return f"{head}.{other}.{signature}"


def nonsense(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    return "not.a.token"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # this is what they are for
@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
        by_secret,
        by_public_key,
        by_another_key,
        by_an_unknown_key,
        changed_after,
        nonsense,
    ],
)
async def test_a_token_that_the_provider_has_not_signed_opens_nothing(
    visitor: Visitor, provider: IdentityProvider, sign: Callable[..., str]
) -> None:
    provider.sign = sign
    assert await visitor.sign_in() == ended("untrusted")
    assert await visitor.me() is None


async def test_a_sign_in_ends_in_the_browser_that_began_it_and_once(visitor: Visitor) -> None:
    place = await visitor.there()
    stranger = Visitor(visitor.house, visitor.session, {})
    assert (await stranger.get(place)).headers["Location"] == ended("stale")
    kept = dict(visitor.cookies)
    assert (await visitor.get(place)).headers["Location"] == "/desk/"
    thief = Visitor(visitor.house, visitor.session, {"tieline-sign-in": kept["tieline-sign-in"]})
    assert (await thief.get(place)).headers["Location"] == ended("stale")
    assert await thief.me() is None


async def test_a_state_of_another_sign_in_ends_neither(visitor: Visitor) -> None:
    mine, other = await visitor.there(), Visitor(visitor.house, visitor.session, {})
    theirs = await other.there()
    assert mine != theirs
    for place in (theirs, mine.partition("&state=")[0], mine + "x"):
        assert (await visitor.get(place)).headers["Location"] == ended("stale")
        assert await visitor.me() is None
    assert (await visitor.get(mine)).headers["Location"] == "/desk/"
    assert (await other.get(theirs)).headers["Location"] == "/desk/"


async def test_a_code_that_was_used_opens_nothing_in_a_new_sign_in(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    first = await visitor.there()
    assert (await visitor.get(first)).headers["Location"] == "/desk/"
    used = first.partition("code=")[2].partition("&")[0]
    thief = Visitor(visitor.house, visitor.session, {})
    second = await thief.there()
    fresh = second.partition("code=")[2].partition("&")[0]
    answer = await thief.get(second.replace(fresh, used))
    assert answer.headers["Location"] == ended("untrusted")
    assert await thief.me() is None


async def test_a_code_that_was_stolen_is_no_good_without_its_verifier(visitor: Visitor) -> None:
    """The thief's sign-in has a verifier of its own, and the provider holds the victim's."""
    stolen = (await visitor.there()).partition("code=")[2].partition("&")[0]
    thief = Visitor(visitor.house, visitor.session, {})
    own = await thief.there()
    mine = own.partition("code=")[2].partition("&")[0]
    answer = await thief.get(own.replace(mine, stolen))
    assert answer.headers["Location"] == ended("untrusted")


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "https://evil.example/",
        "/%5Cevil.example",
        "/%2Fevil.example",
        "%5C%5Cevil.example",
        "javascript:alert(1)",
        "/desk/%0d%0aSet-Cookie:x=1",
        "desk",
        "/./%2Fevil.example",
        "/@evil.example",
    ],
)
async def test_it_goes_on_at_a_place_of_this_server_and_nowhere_else(
    visitor: Visitor, to: str
) -> None:
    answer = await visitor.get(f"{BEGIN}?to={to}")
    assert answer.status == 422
    assert "Location" not in answer.headers


async def test_an_answer_of_another_provider_is_not_taken(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    provider.back = {"iss": "https://evil.example"}
    assert await visitor.sign_in() == ended("untrusted")
    assert "token" not in provider.asked


async def test_who_says_no_there_or_takes_too_long_is_told_so(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    provider.back = {"code": "", "error": "access_denied", "error_description": "<script>"}
    assert await visitor.sign_in() == ended("cancelled")
    place = await visitor.there()
    async with visitor.house.database.writing() as connection:
        await connection.exec_driver_sql("UPDATE begun_sign_ins SET at = at - 601")
    assert (await visitor.get(place)).headers["Location"] == ended("stale")


async def test_a_provider_that_is_away_is_asked_once_for_all_who_come_within_some_seconds(
    opens: Opens, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor: Visitor = await opens()
    provider.down = True
    answers = await asyncio.gather(*(visitor.get(BEGIN) for _ in range(4)))
    assert {each.headers["Location"] for each in answers} == {ended("unreachable")}
    assert provider.asked == ["document"], "nobody waits behind the others"
    provider.down = False
    monkeypatch.setattr("ivr.web.oidc.provider.AWAY", 0.0)
    assert await visitor.sign_in() == "/desk/"


async def test_a_provider_that_is_away_or_another_one_is_told_without_a_traceback(
    opens: Opens, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor: Visitor = await opens()
    provider.down = True
    answer = await visitor.get(BEGIN)
    assert (answer.status, answer.headers["Location"]) == (302, ended("unreachable"))
    assert "Traceback" not in await answer.text()
    monkeypatch.setattr("ivr.web.oidc.provider.AWAY", 0.0)
    provider.down, provider.document = False, {"issuer": "https://evil.example"}
    assert (await visitor.get(BEGIN)).headers["Location"] == ended("untrusted")
    provider.document = {"token_endpoint": "http://10.0.0.1/token"}
    assert (await visitor.get(BEGIN)).headers["Location"] == ended("untrusted")
    provider.document = {}
    assert await visitor.sign_in() == "/desk/"


async def test_keys_that_the_provider_has_changed_are_looked_up_again(
    opens: Opens, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor: Visitor = await opens()
    assert await visitor.sign_in() == "/desk/"
    provider.key = RSAKey.generate_key(2048, auto_kid=True)
    assert await visitor.sign_in() == ended("untrusted")
    monkeypatch.setattr("ivr.web.oidc.provider.KEYS_AT_MOST_EVERY", 0.0)
    assert await visitor.sign_in() == "/desk/"
    assert provider.asked.count("document") == 2


async def test_claims_that_are_not_in_the_token_are_asked_for(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    mail = {"email": "ana@example.org", "email_verified": True}
    provider.person = {"sub": "u-1"}
    provider.beside = {"sub": "somebody else", **mail}
    assert await visitor.sign_in() == ended("no-account")
    provider.person = {"sub": "u-1", "email": "ana@example.org"}
    provider.beside = {"sub": "u-1", "email": "eve@example.org", "email_verified": True}
    assert await visitor.sign_in() == ended("no-account")
    provider.person, provider.beside = {"sub": "u-1"}, {"sub": "u-1", **mail}
    assert await visitor.sign_in() == "/desk/"


# --- whose account --------------------------------------------------------------------------------


@pytest.mark.parametrize("verified", [False, None, "true", 1])
async def test_an_address_that_is_not_verified_opens_no_account(
    visitor: Visitor, provider: IdentityProvider, verified: object
) -> None:
    provider.claims = {"email_verified": verified}
    assert await visitor.sign_in() == ended("no-account")


async def test_a_link_holds_when_addresses_change_hands(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    assert await visitor.sign_in() == "/desk/"
    provider.claims = {"email": "ruiz@example.org"}
    assert await visitor.sign_in() == "/desk/"
    me = await visitor.me()
    assert me is not None
    assert me["user"] == "ana@example.org"
    newcomer = Visitor(visitor.house, visitor.session, {})
    provider.claims = {"sub": "u-2"}
    assert await newcomer.sign_in() == ended("no-account")
    assert await newcomer.me() is None


async def test_administrators_the_disabled_and_strangers_are_not_let_in_by_a_claim(
    opens: Opens, provider: IdentityProvider
) -> None:
    visitor: Visitor = await opens()
    house = visitor.house
    await house.people.add("root@example.org", roles=["administrator"])
    await house.people.add("old@example.org")
    await house.people.disable("old@example.org")
    for name in ("root", "old", "nobody"):
        provider.claims = {"sub": f"u-{name}", "email": f"{name}@example.org"}
        assert await visitor.sign_in() == ended("no-account"), name
    provider.claims = {}
    assert await visitor.sign_in() == "/desk/"
    await house.people.disable("ana@example.org")
    assert await visitor.sign_in() == ended("disabled")
    assert await visitor.me() is None


async def test_an_administrator_links_by_hand_and_ends_a_link_with_its_sessions(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    house, root = visitor.house, Browser(visitor.session, visitor.house.url)
    await house.user("root", ("administrator",))
    opened = await root.ask("POST", "/api/session", json={"name": "root", "password": PASSWORD})
    root = root.as_(opened.cookies["tieline"].value)
    assert (await opened.json())["provided"] is False
    path, subject = "/api/users/root/identities", {"subject": "u-root"}
    linked = await root.ask("POST", path, json=subject)
    assert (linked.status, (await linked.json())["issuer"]) == (201, provider.url)
    assert (await root.ask("POST", path, json=subject)).status == 409
    assert (await root.ask("POST", path.replace("root", "none"), json=subject)).status == 404
    provider.claims = {"sub": "u-root", "email": None}
    assert await visitor.sign_in() == "/desk/"
    (link,) = await (await root.ask("GET", path)).json()
    assert (await root.ask("DELETE", f"/api/identities/{link['id']}")).status == 204
    assert await visitor.me() is None
    assert (await root.ask("GET", "/api/me")).status == 200
    assert (await root.ask("DELETE", f"/api/identities/{link['id']}")).status == 404


async def test_a_claim_the_administrator_vouches_for_names_the_account_in_plain_letters(
    opens: Opens, provider: IdentityProvider
) -> None:
    visitor: Visitor = await opens(account_claim="preferred_username")
    await visitor.house.people.add("sam.k")
    for likeness in ("\u017fam.k", "sam.\u212a", "ＳＡＭ.K", 7, ["sam.k"], ""):
        provider.person = {"sub": "u-eve", "preferred_username": likeness}
        assert await visitor.sign_in() == ended("no-account"), likeness
    provider.person = {"sub": "u-sam", "preferred_username": "SAM.K"}
    assert await visitor.sign_in() == "/desk/"


async def test_without_link_an_account_is_never_taken_by_a_claim(opens: Opens) -> None:
    visitor: Visitor = await opens(link=False)
    await visitor.house.people.add("ana@example.org")
    assert await visitor.sign_in() == ended("no-account")


async def test_new_accounts_have_the_roles_that_the_provider_tells_and_keep_no_others(
    opens: Opens, provider: IdentityProvider
) -> None:
    roles = {"floor": "agent", "leads": "supervisor"}
    visitor: Visitor = await opens(new_accounts=True, roles_claim="access.groups", roles=roles)
    people = visitor.house.people

    async def comes(*groups: str) -> str:
        provider.claims = {"access": {"groups": list(groups)}}
        return await visitor.sign_in()

    assert await comes("sales") == ended("no-role")
    assert await people.all() == []
    assert await comes("floor", "leads", "sales") == "/desk/"
    made = await people.get("ana@example.org")
    assert (made.title, made.roles, made.has_password) == (
        "Ana Ruiz",
        {"agent", "supervisor"},
        False,
    )
    assert await comes("floor") == "/desk/"
    assert (await people.get("ana@example.org")).roles == {"agent"}
    assert await comes() == ended("no-role")


# --- out ------------------------------------------------------------------------------------------


async def test_signing_out_ends_our_session_and_leads_to_the_providers_own_sign_out(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    await visitor.sign_in()
    browser = Browser(visitor.session, visitor.house.url, visitor.cookies["tieline"])
    assert (await browser.ask("DELETE", "/api/session")).status == 204
    assert await visitor.me() is None
    answer = await visitor.get(f"{BEGIN}/out")
    assert answer.headers["Location"].startswith(f"{provider.url}/out?client_id={CLIENT}&")
    await visitor.get(answer.headers["Location"])
    (told,) = provider.signed_out
    assert told["post_logout_redirect_uri"] == f"{visitor.house.url}/desk/"


async def test_a_provider_without_its_library_is_told_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ivr.web.oidc.provider", None)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/records.sqlite")
    chosen = Settings(folder=tmp_path, oidc=Oidc(issuer="https://id.example", client_id=CLIENT))
    with pytest.raises(IvrError, match=r"needs an extra, pip install '\.\[oidc\]'"):
        provided_by(chosen, People(database), Identities(database), time.time)


async def test_without_a_provider_there_is_none_and_nothing_of_it_is_asked(tmp_path: Path) -> None:
    jar = aiohttp.DummyCookieJar()
    async with desk_house(tmp_path) as house, aiohttp.ClientSession(cookie_jar=jar) as session:
        visitor = Visitor(house, session, {})
        assert await (await visitor.get("/api/sign-in")).json() == {"provider": None}
        for path in (BEGIN, BACK, f"{BEGIN}/out"):
            answer = await visitor.get(path)
            assert answer.status == 404
            assert "password" in (await answer.json())["detail"]
