"""Drained: this machine takes no new calls; whoever is inside is served to the end.

A file says so, because the dialplan must know it before any service runs, and go on knowing it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Protocol

from ivr.live import LiveContact
from ivr.operator.picture import FloorView

EMPTY = "No new calls are taken, and nobody is inside: this machine may be stopped."
_DOING = {
    "flow": "in a flow",
    "waiting": "waiting",
    "talking": "talking",
    "outside": "put through",
}


class Asked(Protocol):
    """What is asked of the distributor."""

    @property
    def engine(self) -> FloorView:
        """Rows to look at."""
        ...

    @property
    def now(self) -> Callable[[], float]:
        """The clock: epoch seconds."""
        ...

    def owns(self, contact: str) -> bool:
        """Whether this contact is this node's."""
        ...

    def place_of(self, agent: str) -> str | None:
        """The node of this agent's phone."""
        ...


class Door:
    """Where new calls come in. `tell` has Asterisk's configuration written and read anew."""

    def __init__(
        self,
        file: Path,
        node: str | None,
        distributor: Asked,
        inside: Callable[[], Collection[LiveContact]],
        tell: Callable[[], Awaitable[None]],
    ) -> None:
        self._file, self._node, self._distributor = file, node, distributor
        self._inside, self._tell = inside, tell

    async def shut(self) -> None:
        """Send new calls elsewhere."""
        self._file.touch(mode=0o600)
        await self._tell()

    async def open(self) -> None:
        """Take new calls."""
        self._file.unlink(missing_ok=True)
        await self._tell()

    def state(self) -> str:
        """In a sentence: whether calls are taken, and who is inside."""
        if not self._file.exists():
            return f"New calls are taken; {self._who()}."
        if self._inside() or self._visitors():
            return f"No new calls are taken; {self._who()}. To end it: acd do undrain"
        return EMPTY

    def _who(self) -> str:
        doing = Counter(_DOING[each.phase] for each in self._inside())
        total = doing.total()
        listed = ", ".join(f"{number} {what}" for what, number in doing.items())
        said = f"{total} caller{'' if total == 1 else 's'} inside" + (
            f" ({listed})" if doing else ""
        )
        if visitors := self._visitors():
            talk = (
                "caller of another node talks" if visitors == 1 else "callers of other nodes talk"
            )
            said += f", {visitors} {talk} with agents whose phones are here"
        return said

    def _visitors(self) -> int:
        """How many callers of other nodes talk with agents whose phones are registered here."""
        node, distributor = self._node, self._distributor
        if node is None:
            return 0
        rows = distributor.engine.calls_view(distributor.now())
        return sum(
            row.answered_at is not None
            and not distributor.owns(row.contact)
            and distributor.place_of(row.agent or "") == node
            for row in rows
        )
