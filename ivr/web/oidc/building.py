"""The identity provider of an installation, if it has one. Authlib is needed only then."""

from __future__ import annotations

from collections.abc import Callable

from acd.people import Identities, People
from ivr.errors import IvrError
from ivr.secrets import Secrets
from ivr.settings import Settings
from ivr.web.api.sign_in import Provided
from ivr.web.oidc.accounts import Owners


def provided_by(
    settings: Settings, people: People, identities: Identities, clock: Callable[[], float]
) -> Provided | None:
    """The provider of the setting `oidc`. Raises IvrError when its library is not installed."""
    chosen = settings.oidc
    if chosen is None:
        return None
    try:
        from ivr.web.oidc.provider import Provider  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as why:
        raise IvrError(
            f"the setting oidc needs an extra, pip install '.[oidc]' in a checkout ({why})"
        ) from None
    provider = Provider(chosen, Secrets(settings.home).oidc_secret, clock)
    return Provided(chosen.issuer, chosen.title, provider, Owners(people, identities, chosen))
