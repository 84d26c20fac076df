"""What the entries of a domain's stream say, and who has said it.

An entry is an event for the engine, or a note: something the nodes must know of each other that no
decision depends on. Where it came from a node, it carries the node's name, the sender (one life of
the node, or one return from an island) and a number that grows by one. So whatever is repeated,
because an answer was lost or a leader fell, counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from acd.errors import JournalDamaged
from acd.model import EVENTS, Event, from_json, to_json

Kind = Literal["place", "quiet", "owner", "contact", "home"]
"""Kinds of notes, by what they are named after:

place    agent -> the node of their phone
quiet    node -> the agents whom the leader keeps from being offered, because the node is silent
owner    contact -> the node that has taken over its callback
contact  contact -> what another node would need to make its callback
home     node -> nothing: from here on only its newest sender is heard
"""

_NOTE = "Noted"
_ORIGIN = "from"


@dataclass(frozen=True, slots=True)
class Noted:
    """`value` stands under `kind` and `name` from now on; None takes it away."""

    at: float
    kind: Kind
    name: str
    value: Any = None


class Origin(NamedTuple):
    """Who sent an entry: the `number`-th word of this `sender` of this `node`, counted from 1."""

    node: str
    sender: str
    number: int


class Word(NamedTuple):
    """What an entry says."""

    said: Event | Noted
    origin: Origin | None = None

    def body(self) -> dict[str, Any]:
        """As plain JSON values."""
        if isinstance(self.said, Noted):
            note = self.said
            body = {"type": _NOTE, "at": note.at, "kind": note.kind, "name": note.name}
            body["value"] = note.value
        else:
            body = to_json(self.said)
        return body if self.origin is None else body | {_ORIGIN: list(self.origin)}


def word_from(body: Mapping[str, Any], what: str) -> Word:
    """What `Word.body` wrote; raises JournalDamaged, naming `what`, when it is no such thing."""
    rest = dict(body)
    origin = rest.pop(_ORIGIN, None)
    try:
        found = None if origin is None else Origin(str(origin[0]), str(origin[1]), int(origin[2]))
        if rest.get("type") == _NOTE:
            note = Noted(float(rest["at"]), rest["kind"], str(rest["name"]), rest.get("value"))
            return Word(note, found)
        event = from_json(rest)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise JournalDamaged(f"{what} cannot be read: {error}") from error
    if not isinstance(event, EVENTS):
        raise JournalDamaged(f"{what} is no event but {type(event).__name__}")
    return Word(event, found)
