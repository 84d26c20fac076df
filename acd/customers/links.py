"""Whose contact it is.

The projection makes a link for every contact that says where it comes from, with the customer if
that address is known. What is surer takes the place of what is less sure, and an agent's word that
of both: recognised < verified < set.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, get_args

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.customers.addresses import KINDS, Address, form_of, kind_of
from acd.customers.model import Link, Sure
from acd.customers.rows import locate, log, owners
from acd.customers.tables import contact_links
from acd.records.contact import ContactEvent, ContactRecord
from acd.records.database import Database
from acd.records.errors import NotFound, Refused
from acd.records.tables import contacts
from acd.records.within import within

SURE: Final = get_args(Sure)
ERASED: Final = "erased"
"""How sure it is whose a contact was that is nobody's for good."""
RANK: Final = {name: place for place, name in enumerate(("", *SURE, ERASED))}
TELLING: Final = frozenset({"began", "customer", "joined", "continues"})
"""Events that say something about whose a contact is."""
PROJECTION: Final = "records"
"""Who links a contact when nobody did it by hand."""


class Links:
    """Contacts and their customers. Methods raise `RecordsUnavailable`."""

    def __init__(
        self,
        database: Database,
        region: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._region, self._clock = database, region, clock

    async def link(self, contact: str, customer_id: int, sure: Sure, by: str) -> Link:
        """The contact is this customer's. An agent's word (`set`) always counts; anything else only
        where nothing surer was said. Returns the link as it is afterwards.

        Raises `NotFound`, `Refused`.
        """
        if sure not in SURE:
            raise Refused(f"{sure!r} is not how sure one can be: {', '.join(SURE)}")
        async with self._database.writing() as connection:
            key = await locate(connection, customer_id)
            before = await _link(connection, contact)
            if before is None:
                before = await self._unlinked(connection, contact, by)
            if sure != "set" and RANK[sure] < RANK[before.sure]:
                return before
            await connection.execute(
                update(contact_links)
                .where(contact_links.c.contact_id == contact)
                .values(customer_id=key, sure=sure, by=by)
            )
            if before.customer != key:
                told = [(key, "contact linked", {"contact": contact, "sure": sure})]
                await log(connection, told, self._clock(), by)
            return Link(contact, key, sure, by, before.at, before.kind, before.value)

    async def unlink(self, contact: str, by: str) -> None:
        """The contact is nobody's. Raises `NotFound` when it is nobody's already."""
        async with self._database.writing() as connection:
            before = await _link(connection, contact)
            if before is None or before.customer is None:
                raise NotFound(f"contact {contact} belongs to no customer")
            await connection.execute(
                update(contact_links)
                .where(contact_links.c.contact_id == contact)
                .values(customer_id=None, sure="", by=by)
            )
            told = [(before.customer, "contact unlinked", {"contact": contact})]
            await log(connection, told, self._clock(), by)

    async def of(self, contact: str) -> Link | None:
        """Whose it is; None when nothing is known of this contact here."""
        async with self._database.reading() as connection:
            return await _link(connection, contact)

    async def contacts(
        self, customer_id: int, limit: int = 50, before: float | None = None
    ) -> list[ContactRecord]:
        """A customer's contacts begun before a moment, the latest first. Raises `NotFound`."""
        async with self._database.reading() as connection:
            key = await locate(connection, customer_id)
            owned = contact_links.c.customer_id == key
            return await _records(connection, owned, limit, before)

    async def from_address(
        self, kind: str, value: str, limit: int = 50, before: float | None = None
    ) -> list[ContactRecord]:
        """Contacts that came by an address, a stranger's too, the latest first."""
        form = form_of(kind, value, self._region())
        if form is None:
            return []
        came = (contact_links.c.kind == kind) & (contact_links.c.value == form)
        async with self._database.reading() as connection:
            return await _records(connection, came, limit, before)

    async def _unlinked(self, connection: AsyncConnection, contact: str, by: str) -> Link:
        """A row for a contact that the projection has not come to yet, or that has no address."""
        started = await connection.scalar(
            select(contacts.c.started_at).where(contacts.c.id == contact)
        )
        at = self._clock() if started is None else started
        row = {"contact_id": contact, "sure": "", "kind": "", "value": "", "by": by, "at": at}
        await connection.execute(insert(contact_links).values(row))
        return Link(contact, None, "", by, at, "", "")


def projection(
    region: Callable[[], str | None],
) -> Callable[[AsyncConnection, Sequence[ContactEvent]], Awaitable[None]]:
    """What the records' writer is to do with contact events, beside storing them."""

    async def link_contacts(connection: AsyncConnection, events: Sequence[ContactEvent]) -> None:
        await project(connection, events, region())

    return link_contacts


async def project(
    connection: AsyncConnection, events: Sequence[ContactEvent], region: str | None
) -> None:
    """What a batch of contact events says about whose the contacts are."""
    told = [each for each in events if each.kind in TELLING]
    if not told:
        return
    came = {each.contact: (each, _came_by(each, region)) for each in told if each.kind == "began"}
    known = await _links(connection, {each.contact for each in told})
    whose = await owners(connection, [by for _, by in came.values() if by is not None])
    new: list[dict[str, Any]] = []
    for contact, (event, by) in came.items():
        if contact in known:
            if by is not None:
                await _fill_in(connection, known[contact], event, by, whose)
            continue
        if by is not None:
            owner = whose.get((by.kind, by.value))
            new.append(_row(contact, owner, "recognised" if owner else "", event.at, by))
    if new:
        await connection.execute(insert(contact_links), new)
    for event in told:
        if event.kind == "joined":
            await _join(connection, event)
        elif event.kind == "continues":
            await _continue(connection, event)
        elif event.data.get("customer") is not None:
            await _say(connection, event, event.data["customer"])
        elif event.kind == "customer":
            await _proven(connection, event, region)


def _came_by(event: ContactEvent, region: str | None) -> Address | None:
    kind = kind_of(str(event.data.get("channel", "")))
    form = form_of(kind, str(event.data.get("caller") or ""), region)
    return None if form is None else Address(kind, form)


def _row(
    contact: str, owner: int | None, sure: str, at: float, by: Address | None
) -> dict[str, Any]:
    kind, value = ("", "") if by is None else (by.kind, by.value)
    return {
        "contact_id": contact,
        "customer_id": owner,
        "sure": sure,
        "kind": kind,
        "value": value,
        "by": PROJECTION,
        "at": at,
    }


async def _fill_in(
    connection: AsyncConnection,
    link: Link,
    event: ContactEvent,
    by: Address,
    whose: Mapping[tuple[str, str], int],
) -> None:
    """An agent was quicker than the projection: what it knows is added, what was said stays."""
    values: dict[str, Any] = {"kind": by.kind, "value": by.value, "at": event.at}
    if link.customer is None and (owner := whose.get((by.kind, by.value))) is not None:
        values |= {"customer_id": owner, "sure": "recognised"}
    changed = update(contact_links).where(contact_links.c.contact_id == link.contact)
    await connection.execute(changed.values(**values))


async def _say(connection: AsyncConnection, event: ContactEvent, told: object) -> None:
    """The story itself says whose the contact is; what makes no sense is left alone."""
    sure = str(event.data.get("sure") or "recognised")
    if isinstance(told, bool) or not isinstance(told, int) or sure not in SURE:
        return
    try:
        key = await locate(connection, told)
    except NotFound:
        return
    before = await _link(connection, event.contact)
    if before is None:
        row = _row(event.contact, key, sure, event.at, None)
        await connection.execute(insert(contact_links).values(row))
    elif RANK[sure] >= RANK[before.sure]:
        changed = update(contact_links).where(contact_links.c.contact_id == event.contact)
        await connection.execute(changed.values(customer_id=key, sure=sure))


async def _proven(connection: AsyncConnection, event: ContactEvent, region: str | None) -> None:
    """A flow has found out who it is: the customer who is reached by what it went by.

    `addresses` are such as `other:12345678` or `phone:+8613800138000`, the surest first: the first
    one that is somebody's counts.
    """
    listed = event.data.get("addresses")
    forms = []
    for each in listed if isinstance(listed, list) else ():
        kind, _, value = str(each).partition(":")
        form = form_of(kind, value, region) if kind in KINDS else None
        if form is not None:
            forms.append(Address.of(kind, form, region))
    whose = await owners(connection, forms)
    first = next((key for each in forms if (key := whose.get((each.kind, each.value)))), None)
    if first is not None:
        await _say(connection, event, first)


async def _join(connection: AsyncConnection, event: ContactEvent) -> None:
    """What was known of the contact that has become part of this one is known of this one."""
    gone = str(event.data.get("from") or "")
    theirs, mine = await _link(connection, gone), await _link(connection, event.contact)
    if theirs is None or gone == event.contact:
        return
    of_theirs = contact_links.c.contact_id == gone
    if mine is None:
        await connection.execute(
            update(contact_links).where(of_theirs).values(contact_id=event.contact)
        )
        return
    await connection.execute(delete(contact_links).where(of_theirs))
    if theirs.customer is not None and RANK[theirs.sure] > RANK[mine.sure]:
        surer = {"customer_id": theirs.customer, "sure": theirs.sure, "by": theirs.by}
        changed = update(contact_links).where(contact_links.c.contact_id == event.contact)
        await connection.execute(changed.values(**surer))


async def _continue(connection: AsyncConnection, event: ContactEvent) -> None:
    """Whose the contact is that this one goes on from, at another node, is whose this one is."""
    theirs = await _link(connection, str(event.data.get("contact") or ""))
    if theirs is not None and theirs.customer is not None:
        await _say(connection, event, theirs.customer)


async def _records(
    connection: AsyncConnection, which: Any, limit: int, before: float | None
) -> list[ContactRecord]:
    query = select(contacts).join(contact_links, contact_links.c.contact_id == contacts.c.id)
    query = query.where(which)
    if before is not None:
        query = query.where(contact_links.c.at < before)
    rows = await connection.execute(query.order_by(contact_links.c.at.desc()).limit(limit))
    return [ContactRecord(**row) for row in rows.mappings()]


async def _link(connection: AsyncConnection, contact: str) -> Link | None:
    return (await _links(connection, [contact])).get(contact)


async def _links(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, Link]:
    query = select(contact_links).where(within(connection, contact_links.c.contact_id, ids))
    return {row["contact_id"]: _made(row) for row in (await connection.execute(query)).mappings()}


def _made(row: RowMapping) -> Link:
    names = ("contact_id", "customer_id", "sure", "by", "at", "kind", "value")
    return Link(*(row[name] for name in names))
