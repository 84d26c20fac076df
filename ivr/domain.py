"""Who decides for this machine: its own distributor, or the one it shares with other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from acd.dispatch import Distributing
from acd.distributor import Distributor
from acd.journal import Journal
from acd.model import Floor
from ivr.errors import ServiceFault
from ivr.operator.wording import table
from ivr.secrets import Secrets
from ivr.settings import Settings

if TYPE_CHECKING:
    from acd.live.status import DomainStatus

FLOOR_WITHIN = 5.0
"""Seconds the door stays shut at the start of a domain that nobody leads yet."""


def distributor_for(
    settings: Settings, secrets: Secrets, journal: Journal, clock: Callable[[], float]
) -> Distributing:
    """Not started yet. A single machine needs no Redis, nor the library that speaks to it."""
    if settings.node is None or settings.redis_url is None:
        return Distributor(journal, clock, keep_days=settings.journal_days)
    from acd.live.access import RedisAccess  # noqa: PLC0415 - needs an extra
    from acd.live.domain import DomainDistributor  # noqa: PLC0415 - needs an extra

    url = with_password(settings.redis_url, secrets.redis_password)
    access = RedisAccess(url, settings.domain, settings.node)
    return DomainDistributor(settings.node, journal, access, clock)


async def has_floor(distributor: Distributing, floor: Floor) -> None:
    """Return when there are queues to wait in, where there are any; or after a while.

    The floor of the first node of a domain takes effect only once it has come by in the stream.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(FLOOR_WITHIN):
            while floor.queues and not distributor.engine.floor.queues:
                await distributor.settled()
                await asyncio.sleep(0)


def nodes_text(distributor: Distributing) -> str:
    """The nodes as this one sees them, and where the phones are."""
    status = _status(distributor)
    if status is None:
        return "This machine stands alone: settings node and redis_url join it to others."
    rows = [
        (
            each.node + (" (this one)" if each.node == status.node else ""),
            each.condition,
            "leads" if each.leads else "follows",
            f"{each.silent:.0f}s" if each.silent >= 1 else "",
        )
        for each in status.nodes
    ]
    lines = table(("Node", "State", "Part", "Silent"), rows)
    phones = ", ".join(f"{phone} at {node}" for phone, node in sorted(status.places.items()))
    lines += ["", f"Phones: {phones or 'none has been heard of'}"]
    if status.island:
        lines += ["", f"This node is on its own: it serves its own callers. {status.trouble}"]
    elif status.trouble:
        lines += ["", f"Redis: {status.trouble}"]
    return "\n".join(lines)


def lost_nodes(distributor: Distributing) -> frozenset[str]:
    """The other nodes that have long been silent, unless it is we who hear nothing."""
    status = _status(distributor)
    if status is None or status.island or status.trouble:
        return frozenset()
    return frozenset(each.node for each in status.nodes if each.condition == "lost")


def _status(distributor: Distributing) -> DomainStatus | None:
    """How this node stands with the others; None for a machine that stands alone."""
    if isinstance(distributor, Distributor):
        return None
    from acd.live.domain import DomainDistributor  # noqa: PLC0415 - needs an extra

    if not isinstance(distributor, DomainDistributor):
        raise ServiceFault(f"{type(distributor).__name__} knows no nodes")
    return distributor.status()


def with_password(url: str, password: str | None) -> str:
    """The URL as the library wants it; only ever in memory."""
    if password is None:
        return url
    scheme, _, rest = url.partition("://")
    user, at, there = rest.rpartition("@")
    return f"{scheme}://{user if at else ''}:{quote(password, safe='')}@{there}"
