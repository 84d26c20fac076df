"""An identity provider: found by its discovery document, asked, and believed only when it signs.

Authlib and joserfc do the protocol: requests, PKCE, signatures, claims. What is ours is what they
are told: which algorithms count (asymmetric ones alone, so `none` and a client secret taken for a
key do not), which issuer, audience and nonce, and how long and how much anybody may answer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import is_secure_transport
from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from acd.people import Begun
from ivr.oidc import EMAIL, Oidc
from ivr.web.oidc.words import NotSignedIn, Proven, Why

log = structlog.get_logger(__name__)

ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519",
)  # fmt: skip
PATIENCE: Final = 10.0
"""Seconds for one request to the provider."""
LARGEST: Final = 256 * 1024
"""Bytes of an answer."""
FRESH: Final = 3600.0
"""Seconds that a discovery document and its keys are used without looking again."""
KEYS_AT_MOST_EVERY: Final = 30.0
"""Seconds between looks for new keys: a token can name a key that never was."""
AWAY: Final = 5.0
"""Seconds that a provider which did not answer is not asked again: a shift that signs in meanwhile
is refused at once, instead of one after the other when each has waited."""
LEEWAY: Final = 60
"""Seconds that the provider's clock may be off."""
NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
VERIFIED: Final = "email_verified"
LONGEST_TOKEN: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider has told of itself, at `at`."""

    document: Mapping[str, Any]
    keys: KeySet
    at: float


class Provider:
    """One provider. `secret` is the client's, None for a public one; `clock` epoch seconds."""

    def __init__(
        self, chosen: Oidc, secret: str | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._chosen, self._secret, self._clock = chosen, secret, clock
        self._known: _Known | None = None
        self._away: tuple[float, str] | None = None
        self._looking = asyncio.Lock()

    async def way_there(self, begun: Begun, back: str) -> str:
        """See `Provides`."""
        known = await self._look()
        uri: str = prepare_grant_uri(
            known.document["authorization_endpoint"],
            client_id=self._chosen.client_id,
            response_type="code",
            redirect_uri=back,
            scope=" ".join(self._chosen.scopes),
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )
        return uri

    async def way_out(self, back: str) -> str | None:
        """See `Provides`: RP-initiated logout, where the provider has it."""
        end = (await self._look()).document.get("end_session_endpoint")
        if not isinstance(end, str) or not is_secure_transport(end):
            return None
        told = {"client_id": self._chosen.client_id, "post_logout_redirect_uri": back}
        uri: str = add_params_to_uri(end, list(told.items()))
        return uri

    async def prove(self, begun: Begun, back: str, code: str, issuer: str | None) -> Proven:
        """See `Provides`."""
        known = await self._look()
        promised = known.document.get("authorization_response_iss_parameter_supported") is True
        if (issuer is not None or promised) and issuer != self._chosen.issuer:
            # RFC 9207: else one provider's code could be brought to another.
            raise NotSignedIn(Why.UNTRUSTED, "the answer comes from another issuer")
        tokens = await self._exchange(known, begun, back, code)
        claims = await self._verified(tokens, begun.nonce)
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject:
            raise NotSignedIn(Why.UNTRUSTED, "the id token names nobody")
        more = await self._more(known, claims, tokens)
        return Proven(self._chosen.issuer, subject, _together(claims, more))

    # --- tokens -----------------------------------------------------------------------------------

    async def _exchange(
        self, known: _Known, begun: Begun, back: str, code: str
    ) -> Mapping[str, Any]:
        """The tokens for a code, which the provider gives once."""
        body = prepare_token_request(
            "authorization_code", redirect_uri=back, code=code, code_verifier=begun.verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        client = ClientAuth(self._chosen.client_id, self._secret, self._method(known))
        uri, headers, body = client.prepare("POST", known.document["token_endpoint"], headers, body)
        return await _ask("POST", uri, headers=headers, data=body)

    def _method(self, known: _Known) -> str:
        if self._secret is None:
            return "none"
        offered = known.document.get("token_endpoint_auth_methods_supported")
        if isinstance(offered, list) and "client_secret_basic" not in offered:
            return "client_secret_post"
        return "client_secret_basic"

    async def _verified(self, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of an id token that the provider has signed, for us and for this sign-in."""
        raw = tokens.get("id_token")
        if not isinstance(raw, str) or len(raw) > LONGEST_TOKEN:
            raise NotSignedIn(Why.UNTRUSTED, "the provider gave no id token")
        try:
            token = await self._decoded(raw)
            options = {
                "iss": {"essential": True, "value": self._chosen.issuer},
                "aud": {"essential": True, "value": self._chosen.client_id},
                "nonce": {"essential": True, "value": nonce},
            }
            given = {
                "nonce": nonce,
                "client_id": self._chosen.client_id,
                "access_token": tokens.get("access_token"),
            }
            claims = CodeIDToken(token.claims, token.header, options, given)
            claims.validate(now=int(self._clock()), leeway=LEEWAY)
        except (JoseError, AuthlibBaseError, ValueError, TypeError) as why:
            # The library's words name the claim, never what is in it.
            kind = getattr(why, "error", "") or type(why).__name__
            told = getattr(why, "description", "") or getattr(why, "claim", "")
            raise NotSignedIn(Why.UNTRUSTED, f"the id token is not good: {kind} {told}") from None
        return dict(claims)

    async def _decoded(self, raw: str) -> jwt.Token:
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        known = await self._look()
        try:
            return jwt.decode(raw, known.keys, registry=registry)
        except InvalidKeyIdError:
            if self._clock() - known.at < KEYS_AT_MOST_EVERY:
                raise
        return jwt.decode(raw, (await self._look(anew=True)).keys, registry=registry)

    async def _more(
        self, known: _Known, claims: Mapping[str, Any], tokens: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What the provider tells beside the token, if what we need is not in the token."""
        wanted = {self._chosen.account_claim, self._chosen.roles_claim.partition(".")[0]} - {""}
        if EMAIL in wanted:
            wanted.add(VERIFIED)
        uri, access = known.document.get("userinfo_endpoint"), tokens.get("access_token")
        if wanted <= claims.keys() or not isinstance(uri, str) or not isinstance(access, str):
            return {}
        if not is_secure_transport(uri) or not access.isascii() or not access.isprintable():
            return {}
        told = await _ask("GET", uri, headers={"Authorization": f"Bearer {access}"})
        # OpenID Connect Core 1.0, 5.3.2: it may be somebody else's.
        return told if told.get("sub") == claims["sub"] else {}

    # --- what the provider tells of itself --------------------------------------------------------

    async def _look(self, *, anew: bool = False) -> _Known:
        async with self._looking:
            known, now = self._known, self._clock()
            age = FRESH if known is None else now - known.at
            if known is not None and age < (KEYS_AT_MOST_EVERY if anew else FRESH):
                return known
            if self._away is not None and 0.0 <= now - self._away[0] < AWAY:
                raise NotSignedIn(Why.UNREACHABLE, self._away[1])
            self._away = None
            try:
                self._known = known = await self._told(now)
            except NotSignedIn as why:
                if why.why is Why.UNREACHABLE:
                    self._away = self._clock(), why.detail
                raise
            return known

    async def _told(self, at: float) -> _Known:
        document = await self._document()
        told = await _ask("GET", document["jwks_uri"])
        try:
            keys = KeySet.import_key_set({"keys": list(told["keys"])})
        except (JoseError, KeyError, TypeError, ValueError, AttributeError):
            raise NotSignedIn(Why.UNTRUSTED, "the keys of the provider are none") from None
        return _Known(document, keys, at)

    async def _document(self) -> Mapping[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0, section 4)."""
        issuer = self._chosen.issuer
        document = await _ask("GET", get_well_known_url(issuer, external=True))
        if document.get("issuer") != issuer:
            raise NotSignedIn(Why.UNTRUSTED, "the provider calls itself by another issuer")
        for name in NEEDED:
            uri = document.get(name)
            if not isinstance(uri, str) or not is_secure_transport(uri):
                raise NotSignedIn(Why.UNTRUSTED, f"the provider has no safe {name}")
        return document


def _together(claims: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of the token and those told beside it; an address and its proof stay together."""
    told = {**more, **claims}
    source = more if EMAIL in more and VERIFIED not in claims else claims
    for name in (EMAIL, VERIFIED):
        told.pop(name, None)
        if name in source:
            told[name] = source[name]
    return told


async def _ask(
    method: str, uri: str, *, headers: Mapping[str, str] | None = None, data: str | None = None
) -> Mapping[str, Any]:
    """One JSON object of the provider's: bounded, without redirects, cookies and proxies."""
    place = uri.partition("?")[0]
    told = {"Accept": "application/json", "User-Agent": "Tieline", **(headers or {})}
    limit = aiohttp.ClientTimeout(total=PATIENCE)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, uri, headers=told, data=data, allow_redirects=False) as answer,
        ):
            body = await _read(answer, place)
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as why:
        detail = f"{place} does not answer: {type(why).__name__}"
        raise NotSignedIn(Why.UNREACHABLE, detail) from None
    if 400 <= status < 500:
        raise NotSignedIn(Why.UNTRUSTED, f"{place} refused: {status} {_error(body)}".rstrip())
    if status != 200 or not isinstance(body, dict):
        raise NotSignedIn(Why.UNREACHABLE, f"{place} answered {status} with no JSON object")
    return body


async def _read(answer: aiohttp.ClientResponse, place: str) -> Any:
    parts, size = [], 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > LARGEST:
            raise NotSignedIn(Why.UNREACHABLE, f"{place} answered more than {LARGEST} bytes")
        parts.append(part)
    try:
        return json.loads(b"".join(parts))
    except ValueError:
        return None


def _error(body: Any) -> str:
    """The provider's word for what is wrong, such as `invalid_grant` (RFC 6749, 5.2)."""
    error = body.get("error") if isinstance(body, dict) else None
    known = isinstance(error, str) and error.isascii() and error.replace("_", "").isalpha()
    return error[:60] if known and isinstance(error, str) else ""
