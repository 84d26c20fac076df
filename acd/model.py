"""The words of the distributor in one place: what it is told and what it says.

Everything here is a frozen value. Times are epoch seconds (UTC, float), durations are seconds.
Inputs ("events") say what has happened and carry `at`; outputs ("commands") say what must happen
next. `to_json` and `from_json` carry both through the journal as a dict with a `type` tag.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from acd import codec
from acd.agent_events import *
from acd.commands import *
from acd.commands import Command as Command
from acd.events import *
from acd.events import Event as Event
from acd.floor import ALL_SKILLS as ALL_SKILLS
from acd.floor import Agent as Agent
from acd.floor import Callbacks as Callbacks
from acd.floor import Floor as Floor
from acd.floor import Queue as Queue
from acd.floor import Relaxation as Relaxation
from acd.words import *

EVENTS: tuple[type[Event], ...] = typing.get_args(Event)
COMMANDS: tuple[type[Command], ...] = typing.get_args(Command)

_TAG = "type"
_BY_TAG: dict[str, type[Event] | type[Command]] = {
    cls.__name__: cls for cls in (*EVENTS, *COMMANDS)
}


def to_json(message: Event | Command) -> dict[str, Any]:
    """The message as plain JSON values, with its class name under `type`."""
    return {_TAG: type(message).__name__} | codec.encode(message)


def from_json(data: Mapping[str, Any]) -> Event | Command:
    """The message that `to_json` wrote; fields added since then take their defaults.

    Raises ValueError for an unknown type, an unknown enum value or a missing or unknown field.
    """
    cls = _BY_TAG.get(data.get(_TAG, ""))
    if cls is None:
        raise ValueError(f"{data.get(_TAG)!r} is no message of the distributor")
    fields = {name: value for name, value in data.items() if name != _TAG}
    return typing.cast(Event | Command, codec.decode(cls, fields))
