"""Who looked at whose data, or changed it: written down once and never changed.

The database itself refuses to change an entry. Its age alone takes it away, when the installation
says how long audits are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.customers.tables import audit, audit_subjects
from acd.records.contact import Json
from acd.records.database import Database
from acd.records.within import within


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`who` did `what` to the data of `customers` (or of a contact's), `why` and by which route.

    `at` in epoch seconds UTC. `detail` holds no personal data: it outlives whom it is about.
    """

    id: int
    at: float
    who: str
    what: str
    customers: tuple[int, ...] = ()
    contact: str = ""
    why: str = ""
    route: str = ""
    detail: Mapping[str, Json] = field(default_factory=dict)


class Audit:
    """The audit: `note` adds, `entries` reads, and nothing changes. Raises `RecordsUnavailable`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def note(
        self,
        who: str,
        what: str,
        *,
        customers: Iterable[int] = (),
        contact: str = "",
        why: str = "",
        route: str = "",
        detail: Mapping[str, Json] | None = None,
    ) -> int:
        """Write one entry down before its answer is given; its number."""
        async with self._database.writing() as connection:
            return await write(
                connection,
                AuditEntry(
                    0,
                    self._clock(),
                    who,
                    what,
                    tuple(dict.fromkeys(customers)),
                    contact,
                    why,
                    route,
                    detail or {},
                ),
            )

    async def entries(
        self,
        *,
        who: str | None = None,
        customer: int | None = None,
        contact: str | None = None,
        what: str | None = None,
        since: float | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[AuditEntry]:
        """Entries that fit all that is given, the latest first; `before` an entry's number."""
        query = select(audit)
        if who is not None:
            query = query.where(audit.c.who == who)
        if contact is not None:
            query = query.where(audit.c.contact_id == contact)
        if what is not None:
            query = query.where(audit.c.what == what)
        if since is not None:
            query = query.where(audit.c.at >= since)
        if before is not None:
            query = query.where(audit.c.id < before)
        if customer is not None:
            named = select(audit_subjects.c.audit_id)
            query = query.where(
                audit.c.id.in_(named.where(audit_subjects.c.customer_id == customer))
            )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(audit.c.id.desc()).limit(limit))).all()
            subjects = await _subjects(connection, [row.id for row in rows])
        return [
            AuditEntry(
                row.id,
                row.at,
                row.who,
                row.what,
                tuple(subjects.get(row.id, ())),
                row.contact_id,
                row.why,
                row.route,
                row.detail,
            )
            for row in rows
        ]


async def write(connection: AsyncConnection, entry: AuditEntry) -> int:
    """One entry, in a transaction that does more; its number."""
    row = {
        "at": entry.at,
        "who": entry.who,
        "what": entry.what,
        "contact_id": entry.contact,
        "why": entry.why,
        "route": entry.route,
        "detail": dict(entry.detail),
    }
    made = await connection.scalar(insert(audit).values(row).returning(audit.c.id))
    subjects = [{"customer_id": key, "audit_id": made} for key in entry.customers]
    if subjects:
        await connection.execute(insert(audit_subjects), subjects)
    return int(made or 0)


async def forget_before(connection: AsyncConnection, moment: float) -> int:
    """Take away entries older than that; how many they were."""
    old = select(audit.c.id).where(audit.c.at < moment)
    await connection.execute(delete(audit_subjects).where(audit_subjects.c.audit_id.in_(old)))
    gone = await connection.execute(delete(audit).where(audit.c.at < moment))
    return gone.rowcount


async def _subjects(connection: AsyncConnection, ids: list[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    query = select(audit_subjects).where(within(connection, audit_subjects.c.audit_id, ids))
    for row in await connection.execute(query.order_by(audit_subjects.c.customer_id)):
        found.setdefault(row.audit_id, []).append(row.customer_id)
    return found
