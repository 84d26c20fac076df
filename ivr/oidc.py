"""What an installation says of its identity provider: the setting `oidc`. Its secret is elsewhere.

An identity provider decides who somebody is, never what they may do here: an account that is
there is linked to an identity once, and accounts are made only where `new_accounts` says so, with
the roles that `roles` gives.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ivr.web.roles import Role

EMAIL: Final = "email"
Claim = Annotated[str, Field(min_length=1, max_length=100)]


def _issuer(text: str) -> str:
    parts = urlsplit(text)
    if parts.query or parts.fragment or parts.username or not parts.hostname:
        raise ValueError("an issuer is an address without a name, a query or a fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname)):
        raise ValueError("an issuer begins with https://")
    return text


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Oidc(BaseModel):
    """An OpenID Connect provider that people may sign in with.

    `account_claim` names the claim an account is found by, at the first sign-in alone: `email`
    counts only when the provider has verified it. `link` lets that first sign-in take an account
    that is there. `new_accounts` makes accounts that are not there; `roles` maps what the claim
    `roles_claim` holds to roles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[str, Field(max_length=500), AfterValidator(_issuer)]
    client_id: Annotated[str, Field(min_length=1, max_length=500)]
    name: Annotated[str, Field(max_length=60)] = ""
    scopes: tuple[Annotated[str, Field(pattern=r"^[!#-\[\]-~]+$")], ...] = (
        "openid",
        "email",
        "profile",
    )
    account_claim: Claim = EMAIL
    link: bool = True
    new_accounts: bool = False
    roles_claim: Annotated[str, Field(max_length=100)] = ""
    roles: dict[str, Role] = Field(default_factory=dict)

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or urlsplit(self.issuer).hostname or self.issuer

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes must have openid among them")
        if bool(self.roles) != bool(self.roles_claim):
            raise ValueError("roles and roles_claim go together: set both, or neither")
        if self.new_accounts and not self.roles:
            raise ValueError("new_accounts needs roles_claim and roles: nobody comes in without")
        return self
