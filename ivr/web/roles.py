"""Who may ask: roles, and the person or machine behind a request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What somebody is in this house. No role contains another; a person may have several."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    DESIGNER = "designer"
    ADMINISTRATOR = "administrator"


ALL: frozenset[Role] = frozenset(Role)
"""Everybody who is signed in."""
STAFF = frozenset({Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR})
"""Those who work with customers."""
LEADS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
"""Those who look after others' work."""

Means = Literal["session", "token"]


@dataclass(frozen=True, slots=True)
class Who:
    """The person or machine that asks.

    `user` is the account's id, `name` what people read, `agent` the extension on the floor ("" for
    nobody of it). `session` names the session or token by an id that is no secret; `means` says
    which of the two it is; `provided`: it was begun with the identity provider.
    """

    user: str
    name: str
    roles: frozenset[Role]
    agent: str = ""
    session: str = ""
    means: Means = "session"
    provided: bool = False

    def may(self, roles: Iterable[Role]) -> bool:
        """Whether one of their roles is among `roles`."""
        return not self.roles.isdisjoint(roles)

    @property
    def leads(self) -> bool:
        """Whether they may look at the work of others."""
        return self.may(LEADS)
