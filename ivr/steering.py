"""What somebody who leads the floor did with a waiting call, as the call's own story tells it.

Whoever asked, and at whichever node: the story is written where the call is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from acd.dispatch import Owns
from acd.model import CallSteered, Command, Steer
from acd.records.contact import Json

Tell = Callable[[str, str, Mapping[str, Json]], None]
"""Add to a contact's story: contact, kind, data."""


class Steered:
    """Listens to the distributor; `owns` tells whether a contact is of this node."""

    def __init__(self, owns: Owns, tell: Tell) -> None:
        self._owns, self._tell = owns, tell

    def on_command(self, command: Command) -> None:
        """Write it down, if the call is ours."""
        if isinstance(command, CallSteered) and self._owns(command.contact):
            self._tell(command.contact, command.what.value, {**_did(command), "by": command.by})


def _did(command: CallSteered) -> Mapping[str, Json]:
    match command.what:
        case Steer.MOVED:
            return {"from": command.queue, "to": command.to_queue}
        case Steer.REPRIORITISED:
            return {"from": command.priority, "to": command.to_priority}
        case Steer.WITHDRAWN:
            return {"from": command.queue}
