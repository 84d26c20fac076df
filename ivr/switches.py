"""Switches: an operator closes or opens a calendar now, whatever its hours say.

The last turns of each calendar's switch are kept in the journal, so that a restart undoes none and
everybody can see who turned it, when and why. Nothing happens when a switch runs out: from then on
it holds no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from ivr.flow.calendar import Switch, Switches

log = structlog.get_logger(__name__)

KIND = "switch"
TURNS_KEPT = 20
"""Turns remembered of each switch."""


class Store(Protocol):
    """Where switches outlive the service; `acd.journal.Journal` is one."""

    def keep(self, kind: str, name: str, at: float, body: Mapping[str, Any]) -> None:
        """Keep this under its kind and name, in place of what was there."""
        ...

    def kept(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        """Everything of a kind, by name."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a switch: who did it and when (aware). `switch` None is back to the hours."""

    switch: Switch | None
    by: str
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """As the journal keeps it."""
        switch = self.switch
        until = switch.until if switch is not None else None
        return {
            "open": switch.open if switch is not None else None,
            "until": until.astimezone(UTC).isoformat() if until is not None else None,
            "because": switch.because if switch is not None else "",
            "by": self.by,
            "at": self.at.astimezone(UTC).isoformat(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Turn:
        """Rebuild from `to_json`."""
        switch = None
        if data["open"] is not None:
            until = datetime.fromisoformat(data["until"]) if data["until"] is not None else None
            switch = Switch(data["open"], until, data["because"])
        return cls(switch, data["by"], datetime.fromisoformat(data["at"]))


class Switchboard:
    """Every calendar's switch, by the calendar's full name."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        """`clock` is the time as flows see it."""
        self._store, self.now = store, clock
        self._turns: dict[str, tuple[Turn, ...]] = {}

    def recover(self) -> None:
        """Load what the last service left behind."""
        for name, body in self._store.kept(KIND).items():
            self._turns[name] = tuple(map(Turn.from_json, body["turns"]))

    @property
    def turns(self) -> Mapping[str, tuple[Turn, ...]]:
        """The turns of each switch, the latest last."""
        return dict(self._turns)

    def in_force(self) -> Switches:
        """The switches that hold at this moment."""
        at = self.now()
        found = {name: holding(turns, at) for name, turns in self._turns.items()}
        return {name: turn.switch for name, turn in found.items() if turn and turn.switch}

    def turn(self, calendar: str, switch: Switch | None, by: str) -> None:
        """Set a calendar's switch, or take it back with None. What raises has changed nothing.

        Raises:
            sqlite3.Error: it cannot be written down.
        """
        now = self.now()
        turns = (*self._turns.get(calendar, ()), Turn(switch, by, now))[-TURNS_KEPT:]
        body = {"turns": [each.to_json() for each in turns]}
        self._store.keep(KIND, calendar, now.timestamp(), body)
        self._turns[calendar] = turns
        log.info("calendar switched", calendar=calendar, **turns[-1].to_json())


def holding(turns: tuple[Turn, ...], at: datetime) -> Turn | None:
    """The turn whose switch holds at a moment: the last one, unless it has run out."""
    last = turns[-1] if turns else None
    holds = last is not None and last.switch is not None and last.switch.holds(at)
    return last if holds else None
