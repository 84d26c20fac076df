"""Who may write a routing domain: one holder at a time, each with a higher token than the last.

A lease lasts `ttl` seconds of the store's own time and is prolonged long before. Running out does
not take it away: the holder may still write, until somebody else has been granted it; from that
moment every write under the older token is refused by the store itself, however late it arrives and
whatever the older holder's clock says. So two leaders never write in the same epoch, and the clocks
of the nodes decide nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Granted:
    """The lease is yours under this token, which is higher than any before."""

    token: int


@dataclass(frozen=True, slots=True)
class Held:
    """`holder` has it for `seconds` more, unless it is prolonged or released."""

    holder: str
    seconds: float


class Lease(Protocol):
    """The lease of one domain as one process asks for it. All raise StoreUnreachable.

    `ttl` is in seconds; `holder` is a name for people.
    """

    @property
    def holder(self) -> str:
        """Who asks."""
        ...

    @property
    def ttl(self) -> float:
        """How long it lasts."""
        ...

    async def acquire(self) -> Granted | Held:
        """Take the lease if it is free or has run out; who holds it need not ask."""
        ...

    async def renew(self, token: int) -> bool:
        """Prolong it; False when somebody else has been granted it."""
        ...

    async def release(self, token: int) -> None:
        """Give it up, so that whoever waits gets it now; harmless when it is another's."""
        ...

    async def turn(self, seconds: float) -> None:
        """Return when the lease may have become free, after `seconds` at the latest."""
        ...

    async def close(self) -> None:
        """Ask no more; the lease stays as it is."""
        ...
