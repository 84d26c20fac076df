"""Who a session or a token belongs to, and the book of who did what."""

from __future__ import annotations

from acd.customers import Audit
from acd.people import Account, People
from ivr.web.gate import Deed
from ivr.web.roles import Means, Role, Who


class PeopleDoor:
    """The house's own accounts."""

    def __init__(self, people: People, audit: Audit) -> None:
        self._people, self._audit = people, audit

    async def by_session(self, secret: str) -> Who | None:
        """See `Doorkeeper`."""
        session = await self._people.session(secret)
        if session is None:
            return None
        provided = session.identity is not None
        return _who(session.account, str(session.id), "session", provided)

    async def by_token(self, secret: str) -> Who | None:
        """See `Doorkeeper`."""
        found = await self._people.by_token(secret)
        return None if found is None else _who(found[0], f"token-{found[1].id}", "token")

    async def note(self, who: Who | None, deed: Deed) -> None:
        """See `Doorkeeper`."""
        await self._audit.note(
            who.user if who else "",
            deed.action,
            customers=deed.customers,
            contact=deed.contact,
            route=deed.route,
            detail={"subject": deed.subject, "address": deed.address},
        )


def _who(account: Account, session: str, means: Means, provided: bool = False) -> Who:
    roles = frozenset(Role(each) for each in account.roles)
    name = account.title or account.name
    return Who(account.name, name, roles, account.extension, session, means, provided)
