"""Who may be called or written to: every yes and no is kept, and the latest counts.

It is said for one address or for all of a customer's on a channel. A STOP from an address is
heavier than the rest: only START from there, or somebody at the desk, takes it back; an import or a
form does not, because whoever wrote STOP did not mean until the next spreadsheet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.customers.addresses import CHANNELS, form_of, kind_of, normal
from acd.customers.model import Consent
from acd.customers.rows import locate
from acd.customers.tables import addresses, consents
from acd.records.database import Database
from acd.records.errors import Refused
from acd.records.text import LONGEST_WORD, one_line
from acd.records.within import within

STOP: Final = "STOP"
_TAKES_BACK_STOP: Final = frozenset({"START", "desk"})


class Consents:
    """What people said about being called or written to. Methods raise `RecordsUnavailable`."""

    def __init__(
        self,
        database: Database,
        region: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._region, self._clock = database, region, clock

    async def opt(
        self,
        channel: str,
        *,
        given: bool,
        how: str,
        by: str,
        customer: int | None = None,
        address: str | None = None,
        at: float | None = None,
    ) -> bool:
        """Write down a yes or a no; False when a STOP stands against it, which then stays.

        `how` is STOP, START, desk, import, form, ... The customer is found by the address if only
        that is given; a stranger's STOP counts as well. Raises `NotFound`, `Refused`.
        """
        known = _channel(channel)
        if customer is None and address is None:
            raise Refused("consent is a customer's, or an address's: give one of them")
        kind = kind_of(known)
        value = "" if address is None else normal(kind, address, self._region())
        row = {
            "channel": known,
            "kind": kind if value else "",
            "value": value,
            "given": given,
            "at": self._clock() if at is None else at,
            "how": one_line(how, "how", LONGEST_WORD),
            "by": by,
        }
        async with self._database.writing() as connection:
            key = None if customer is None else await locate(connection, customer)
            if key is None:
                key = await _owner(connection, kind, value)
            if given and how not in _TAKES_BACK_STOP:
                said = await _said(connection, known, kind, value, key)
                if any(not each.given and each.how == STOP for each in _latest(said)):
                    return False
            await connection.execute(insert(consents).values(customer_id=key, **row))
        return True

    async def may(self, channel: str, address: str) -> bool | None:
        """Whether this address may be used: False for no, True for yes, None when nothing was said.

        A no for the address or for all of its customer's counts unless a yes came later.
        """
        kind = kind_of(_channel(channel))
        value = form_of(kind, address, self._region())
        if value is None:
            return None
        async with self._database.reading() as connection:
            key = await _owner(connection, kind, value)
            said = await _said(connection, channel, kind, value, key)
        return said[-1].given if said else None

    async def consents(self, customer_id: int) -> list[Consent]:
        """What stands for each channel and address of a customer. Raises `NotFound`."""
        async with self._database.reading() as connection:
            key = await locate(connection, customer_id)
            held = select(addresses.c.kind, addresses.c.value)
            held = held.where(addresses.c.customer_id == key)
            query = select(consents).where(consents.c.customer_id == key)
            said = [_made(row) for row in await connection.execute(query.order_by(*_ORDER))]
            for kind, value in await connection.execute(held):
                own = (consents.c.kind == kind) & (consents.c.value == value)
                strangers = select(consents).where(own, consents.c.customer_id.is_(None))
                said += [_made(row) for row in await connection.execute(strangers)]
        return _latest(sorted(said, key=lambda each: each.at))


_ORDER: Final = (consents.c.at, consents.c.id)


def _channel(channel: str) -> str:
    if channel in CHANNELS:
        return channel
    raise Refused(f"{channel!r} is no channel: {', '.join(CHANNELS)}")


async def _owner(connection: AsyncConnection, kind: str, value: str) -> int | None:
    query = select(addresses.c.customer_id)
    owner: int | None = await connection.scalar(
        query.where(addresses.c.kind == kind, addresses.c.value == value)
    )
    return owner


async def _said(
    connection: AsyncConnection, channel: str, kind: str, value: str, owner: int | None
) -> list[Consent]:
    """All that bears on an address (or, with none, on a customer's channel), the latest last."""
    own: ColumnElement[bool] = (consents.c.kind == kind) & (consents.c.value == value)
    everywhere = (consents.c.customer_id == owner) & (consents.c.value == "")
    which = own
    if owner is not None:
        which = or_(own, everywhere) if value else consents.c.customer_id == owner
    query = select(consents).where(consents.c.channel == channel, which).order_by(*_ORDER)
    return [_made(row) for row in await connection.execute(query)]


def _latest(said: Iterable[Consent]) -> list[Consent]:
    """The last word for each channel and address."""
    last: dict[tuple[str, str | None], Consent] = {}
    for each in said:
        last.pop((each.channel, each.address), None)
        last[each.channel, each.address] = each
    return list(last.values())


def _made(row: Any) -> Consent:
    return Consent(row.channel, row.value or None, row.given, row.at, row.how, row.by)


async def standing(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[Consent]]:
    """What stands for each channel and address of these customers."""
    said: dict[int, list[Consent]] = {}
    query = select(consents).where(within(connection, consents.c.customer_id, ids))
    for row in await connection.execute(query.order_by(*_ORDER)):
        said.setdefault(row.customer_id, []).append(_made(row))
    return {key: _latest(each) for key, each in said.items()}
