"""What the operator's words need from the house."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from acd.model import Event
from acd.records.contact import Json
from ivr.live import LiveContact
from ivr.operator.picture import FloorView, Picture
from ivr.operator.reload import Again
from ivr.plans import Plan
from ivr.switches import Switchboard


class FloorControl(Protocol):
    """What the operator asks of the distributor."""

    @property
    def engine(self) -> FloorView:
        """Rows to look at."""
        ...

    @property
    def now(self) -> Callable[[], float]:
        """The clock of its events: epoch seconds."""
        ...

    def send(self, event: Event) -> object:
        """Let it happen; raises AcdError, and then nothing has changed."""
        ...

    async def settled(self) -> None:
        """Return when what was sent has happened."""
        ...


class Gate(Protocol):
    """Where new calls come in."""

    async def shut(self) -> None:
        """Send new calls elsewhere."""
        ...

    async def open(self) -> None:
        """Take new calls."""
        ...

    def state(self) -> str:
        """In a sentence: whether calls are taken, and who is inside."""
        ...


@dataclass(frozen=True, slots=True)
class OperatorServices:
    """What the operator's words need from the house.

    `reload` puts flows and floor in force, as the files have them or as a kept revision has; when
    it raises ConfigError nothing has changed. `hang_up` ends a channel, by name, in the background.
    `tell` adds to a contact's story: contact, kind, data. `is_there` tells whether a phone is
    registered, `way_to_mobile` how an agent's mobile is dialled, None when it may not be.
    """

    distributor: FloorControl
    contacts: Callable[[], Iterable[LiveContact]]
    plan: Callable[[], Plan]
    reload: Again
    hang_up: Callable[[str], None]
    switchboard: Switchboard
    door: Gate
    nodes: Callable[[], str]
    tell: Callable[[str, str, Mapping[str, Json]], None]
    is_there: Callable[[str], bool]
    way_to_mobile: Callable[[str], object | None]

    def picture(self) -> Picture:
        """What is so now."""
        distributor = self.distributor
        return Picture.take(
            distributor.engine,
            distributor.now(),
            self.contacts(),
            dict(self.plan().library.flows),
            self.switchboard,
            is_there=self.is_there,
        )
