"""A small OpenID provider with real RS256 keys, which lies in whatever way a test wants.

It signs in whoever comes as `person`, without asking, unless `asks` is set: then its page does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT = "tieline"
SECRET = "kept-by-client-and-provider"


@cache
def usual_key() -> RSAKey:
    """One for all tests: making it takes longer than most of them."""
    return RSAKey.generate_key(2048, auto_kid=True)


@dataclass
class IdentityProvider:
    """`claims` replaces claims of the token (None leaves one out), `sign` how it is signed."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[IdentityProvider, dict[str, Any]], str] | None = None
    document: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    back: dict[str, str] = field(default_factory=dict)
    asks: bool = False
    down: bool = False
    key: RSAKey = field(default_factory=usual_key)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    signed_out: list[dict[str, str]] = field(default_factory=list)

    def is_honest_again(self) -> None:
        """Forget every lie; the person stays."""
        self.claims, self.document, self.beside, self.back = {}, {}, {}, {}
        self.sign, self.down, self.key = None, False, usual_key()
        self.asked.clear()
        self.signed_out.clear()

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._document)
        app.router.add_get("/keys", self._keys)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        app.router.add_get("/out", self._out)
        return app

    async def _document(self, request: web.Request) -> web.Response:
        self.asked.append("document")
        if self.down:
            return web.Response(status=503, text="<html>down for maintenance</html>")
        told = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/out",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        }
        return web.json_response({**told, **self.document})

    async def _keys(self, request: web.Request) -> web.Response:
        self.asked.append("keys")
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        if self.asks and "yes" not in asked:
            again = f"{self.url}/authorize?{urlencode({**asked, 'yes': '1'})}"
            page = f"<!doctype html><title>Who?</title><a id=yes href='{again}'>It is me</a>"
            return web.Response(text=page.replace("&", "&amp;"), content_type="text/html")
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        told = {"code": code, "state": asked["state"], **self.back}
        place = f"{asked['redirect_uri']}?{urlencode(told)}"
        return web.Response(status=302, headers={"Location": place})

    async def _token(self, request: web.Request) -> web.Response:
        self.asked.append("token")
        known = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != known:
            return web.json_response({"error": "invalid_client"}, status=401)
        form = await request.post()
        asked = self.codes.pop(str(form.get("code")), None)
        verifier = str(form.get("code_verifier", ""))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        fits = asked is not None and (
            asked["code_challenge"] == challenge.decode().rstrip("=")
            and asked["redirect_uri"] == form.get("redirect_uri")
        )
        if not fits or asked is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        told = {
            "access_token": "access",
            "token_type": "Bearer",
            "id_token": self._id_token(asked["nonce"]),
        }
        return web.json_response(told)

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.person,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.sign is not None:
            return self.sign(self, claims)
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    async def _userinfo(self, request: web.Request) -> web.Response:
        self.asked.append("userinfo")
        if request.headers.get("Authorization") != "Bearer access":
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response(self.beside)

    async def _out(self, request: web.Request) -> web.Response:
        self.signed_out.append(dict(request.query))
        place = request.query.get("post_logout_redirect_uri", "/")
        return web.Response(status=302, headers={"Location": place})


def unsigned(_: IdentityProvider, claims: dict[str, Any]) -> str:
    """An id token of the algorithm `none`."""
    parts = [json.dumps({"alg": "none", "typ": "JWT"}), json.dumps(claims)]
    packed = [base64.urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in parts]
    return f"{packed[0]}.{packed[1]}."


@asynccontextmanager
async def identity_provider(host: str = "127.0.0.1") -> AsyncIterator[IdentityProvider]:
    """A provider on loopback; `host` is how it calls itself."""
    provider = IdentityProvider()
    runner = web.AppRunner(provider.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://{host}:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
