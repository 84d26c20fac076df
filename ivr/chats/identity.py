"""Who a visitor is: a secret of their browser's own, or the word of the site they are on.

A visitor's token is `<visitor>.<until>.<hex>`: until when it is good (epoch seconds), and the
HMAC-SHA256 of all that and of the site under a key of this installation. Whoever has it goes on
with their conversation, and nobody can make one up; each visit brings a fresh one. A file has a key
of its own, `<until>.<hex>`, which opens that file of that conversation for some minutes and nothing
else: it stands in a link, and links are passed on.

A site that knows its visitor says so with `<payload>.<hex>`: the payload is base64url JSON,
`{"id", "name", "email", "phone", "exp"}`, signed (HMAC-SHA256) under the secret it shares with us.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

LONGEST = 2000
"""Characters of a token or an identity."""
TOKEN_LASTS = 30 * 86_400.0
"""Seconds after a visit for which its visitor can come back."""
FILE_KEY_LASTS = 300.0
"""Seconds for which a link to a file is good; the page that shows it asks for fresh ones."""
AHEAD = 86_400.0
"""Seconds an identity may be valid at most: longer ones leak for ever."""
_MOMENT = re.compile(r"[0-9]{1,12}")
_VISITOR = re.compile(r"[A-Za-z0-9_-]{16,60}")


class NotVouched(Exception):
    """The site's word is missing, forged, or too old; the text says which."""


class Lapsed(NotVouched):
    """The word was good, and its time is over: the site gives another one, if they are still in."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the site says that it is, `until` when (epoch seconds); `id` is the site's own, the
    rest may be "".
    """

    id: str
    until: float
    name: str = ""
    email: str = ""
    phone: str = ""


def new_visitor() -> str:
    """A visitor nobody has seen before."""
    return secrets.token_urlsafe(18)


def visitor_vouched(identity: Identity, site: str) -> str:
    """The visitor whom a site knows by an id of its own."""
    return "id-" + hashlib.sha256(f"{site} {identity.id}".encode()).hexdigest()[:40]


def needs_word(visitor: str) -> bool:
    """Whether that visitor comes back by the word of the site alone."""
    return visitor.startswith("id-")


def token_of(visitor: str, site: str, key: str, now: float) -> str:
    """The token by which that visitor comes back to that site for a while."""
    return _until(key, f"visitor {site} {visitor}", now + TOKEN_LASTS, f"{visitor}.")


def visitor_of(token: str, site: str, key: str, now: float) -> str | None:
    """Whose token it is; None when we have not given it out for this site, or it is too old."""
    visitor, _, rest = token.partition(".")
    if not _VISITOR.fullmatch(visitor):
        return None
    return visitor if _good(rest, key, f"visitor {site} {visitor}", now) else None


def file_key(chat: str, file: str, key: str, now: float) -> str:
    """What opens that file of that conversation for some minutes."""
    return _until(key, f"file {chat} {file}", now + FILE_KEY_LASTS)


def opens(given: str, chat: str, file: str, key: str, now: float) -> bool:
    """Whether that key is for that file, and still good."""
    return _good(given, key, f"file {chat} {file}", now)


def sign(identity: dict[str, Any], secret: str) -> str:
    """What a site gives its page; documented for sites in every language."""
    payload = base64.urlsafe_b64encode(json.dumps(identity).encode()).decode().rstrip("=")
    return f"{payload}.{_sign(secret, payload)}"


def vouched(text: str, secret: str, now: float) -> Identity:
    """The site's word for its visitor; raises NotVouched."""
    if not secret:
        raise NotVouched("this site has no secret set up")
    payload, dot, signature = text.partition(".")
    if len(text) > LONGEST or not dot or not text.isascii():
        raise NotVouched("an identity is <payload>.<signature>")
    if not hmac.compare_digest(signature, _sign(secret, payload)):
        raise NotVouched("the identity is not signed with the secret of this site")
    try:
        told = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        raise NotVouched("the payload is base64url of JSON") from None
    if not isinstance(told, dict) or not isinstance(told.get("id"), str) or not told["id"]:
        raise NotVouched('the payload has an "id"')
    until = told.get("exp")
    if isinstance(until, bool) or not isinstance(until, int | float):
        raise NotVouched('the payload has "exp", in epoch seconds')
    if until <= now:
        raise Lapsed('"exp" is over')
    if not until <= now + AHEAD:
        raise NotVouched('"exp" lies ahead, by a day at most')
    known = {name: _short(told.get(name, "")) for name in ("id", "name", "email", "phone")}
    return Identity(until=float(until), **known)


def _short(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""


def _until(key: str, what: str, until: float, before: str = "") -> str:
    return f"{before}{int(until)}.{_sign(key, f'{what} {int(until)}')}"


def _good(given: str, key: str, what: str, now: float) -> bool:
    until, _, _ = given.partition(".")
    if not given.isascii() or not _MOMENT.fullmatch(until) or int(until) <= now:
        return False
    return hmac.compare_digest(given, _until(key, what, int(until)))


def _sign(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
