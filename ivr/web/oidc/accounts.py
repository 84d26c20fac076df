"""Whose an identity is: the account it is linked to, or the one it may be linked to, or a new one.

A first link is a claim on an account that somebody else may own, so it is made only for the
address that the provider has verified, or a claim that the administrator vouches for; never to an
account that is linked, disabled, or an administrator's: those are linked by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog

from acd.people import Account, Identities, Identity, People
from acd.records.errors import Conflict, NotFound, Refused
from ivr.oidc import EMAIL, Oidc
from ivr.web.oidc.words import NotSignedIn, Proven, Why

log = structlog.get_logger(__name__)

LONGEST_NAME: Final = 100


class Owners:
    """Finds, links and makes accounts, as `chosen` allows."""

    def __init__(self, people: People, identities: Identities, chosen: Oidc) -> None:
        self._people, self._identities, self._chosen = people, identities, chosen

    async def of(self, proven: Proven) -> Identity:
        """The identity with its account. Raises `NotSignedIn`, and what the records raise."""
        known = await self._identities.find(proven.issuer, proven.subject)
        if known is None:
            known = await self._first(proven)
        elif known.made:
            await self._same_roles(known, proven)
        if (await self._people.get(known.account)).disabled:
            raise NotSignedIn(Why.DISABLED, f"account {known.account} is disabled")
        return known

    async def _first(self, proven: Proven) -> Identity:
        name = self._name(proven.claims)
        if name is None:
            raise NotSignedIn(Why.NO_ACCOUNT, f"no good claim {self._chosen.account_claim}")
        try:
            account = await self._people.get(name)
        except NotFound:
            return await self._newcomer(name, proven)
        return await self._link(account, proven)

    async def _link(self, account: Account, proven: Proven) -> Identity:
        if not self._chosen.link:
            raise NotSignedIn(Why.NO_ACCOUNT, "accounts are linked by hand here")
        if account.disabled or "administrator" in account.roles:
            raise NotSignedIn(Why.NO_ACCOUNT, "disabled and administrators' are linked by hand")
        return await self._linked(account.name, proven)

    async def _linked(self, name: str, proven: Proven, *, made: bool = False) -> Identity:
        try:
            link = await self._identities.link(proven.issuer, proven.subject, name, made=made)
        except (Conflict, Refused) as why:
            raise NotSignedIn(Why.NO_ACCOUNT, str(why)) from None
        log.info("an identity is linked", account=name, made=made)
        return link

    async def _newcomer(self, name: str, proven: Proven) -> Identity:
        if not self._chosen.new_accounts:
            raise NotSignedIn(Why.NO_ACCOUNT, "there is no such account, and none is made")
        roles = self._roles(proven.claims)
        try:
            account = await self._people.add(name, title=_title(proven.claims), roles=roles)
        except (Conflict, Refused) as why:
            raise NotSignedIn(Why.NO_ACCOUNT, str(why)) from None
        return await self._linked(account.name, proven, made=True)

    async def _same_roles(self, known: Identity, proven: Proven) -> None:
        """An account that was made for an identity has the roles it has there, and no others."""
        if not self._chosen.roles:
            return
        roles = self._roles(proven.claims)
        if (await self._people.get(known.account)).roles != frozenset(roles):
            await self._people.edit(known.account, roles=roles)

    def _name(self, claims: Mapping[str, Any]) -> str | None:
        """The account's name as the identity has it; None when nobody has proven it."""
        name = claims.get(self._chosen.account_claim)
        if not isinstance(name, str) or not name.isascii() or not name.strip():
            # Letters of other scripts may become ours when case is folded: K the Kelvin is a k.
            return None
        if self._chosen.account_claim == EMAIL and claims.get("email_verified") is not True:
            return None
        return name.strip().casefold()

    def _roles(self, claims: Mapping[str, Any]) -> list[str]:
        """The roles an identity has by what it is told to be in. Raises `NotSignedIn` for none."""
        told = _at(claims, self._chosen.roles_claim)
        groups = [told] if isinstance(told, str) else told if isinstance(told, list) else []
        known = self._chosen.roles
        roles = {known[each].value for each in groups if isinstance(each, str) and each in known}
        if not roles:
            raise NotSignedIn(Why.NO_ROLE, f"no role in claim {self._chosen.roles_claim}")
        return sorted(roles)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or inside another one: `realm_access.roles`."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _title(claims: Mapping[str, Any]) -> str:
    name = claims.get("name")
    plain = "".join(each for each in name if each.isprintable()) if isinstance(name, str) else ""
    return plain.strip()[:LONGEST_NAME]
