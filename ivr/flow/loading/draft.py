"""A flow as far as it could be read, and what the checks know about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ivr.backends.names import Names
from ivr.flow.checking.dataflow import Known, Ways
from ivr.flow.checking.graph import Subflows
from ivr.flow.loading.yaml import Mapping as MappingNode
from ivr.flow.loading.yaml import Node, Problems, Sequence
from ivr.flow.model import Flow
from ivr.flow.words import NOWHERE, Place


@dataclass(frozen=True, slots=True)
class Draft:
    """A flow as far as it could be read; `root` is what it was read from.

    `references` are the names of steps it leads to, `key_targets` the words other than steps under
    `keys`. `loose` holds the steps with mistakes, and the step names found inside them; they are
    assumed to lead there and to set anything, so that one mistake is not reported as five.
    """

    flow: Flow
    references: tuple[tuple[str, Place], ...] = ()
    key_targets: tuple[tuple[str, Place], ...] = ()
    loose: Mapping[str, frozenset[str]] = field(default_factory=dict)
    root: Node | None = None

    def place(self, *path: str) -> Place:
        """Where the value under these keys stands, or the last of them that is there."""
        node, place = self.root, self.root.place if self.root is not None else NOWHERE
        for key in path:
            entry = node.entries.get(key) if isinstance(node, MappingNode) else None
            if entry is None:
                break
            node, place = entry.value, entry.value.place
        return place

    def place_of_number(self, number: str) -> Place:
        """Where the number is written; of one that stands there twice, the second place."""
        entry = self.root.entries.get("numbers") if isinstance(self.root, MappingNode) else None
        if entry is None:
            return self.flow.place
        items = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
        places = [each.place for each in items if getattr(each, "text", None) == number]
        return places[-1] if places else entry.value.place


@dataclass(frozen=True, slots=True)
class Floor:
    """The names a flow may use, when they are known; `taken` says whose a number is already.

    `agents` are extensions.
    """

    queues: Collection[str]
    skills: Collection[str]
    taken: Mapping[str, str] = field(default_factory=dict)
    agents: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """One flow being checked.

    `ways` leads from each step, `known` tells about those that a call can come to. `floor` and
    `names` are None when they are not known.
    """

    draft: Draft
    problems: Problems
    ways: Ways
    known: Mapping[str, Known]
    floor: Floor | None = None
    names: Names | None = None
    subflows: Subflows = field(default_factory=dict)

    @property
    def flow(self) -> Flow:
        """The flow."""
        return self.draft.flow

    def at(self, step: str, *path: str) -> Place:
        """Where the value under these keys of a step stands."""
        return self.draft.place("steps", step, *path)
