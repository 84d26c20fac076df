"""One step of a flow file as it is written, and what every verb reads of it in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ivr.flow.loading.contract import read_exits
from ivr.flow.loading.reading import Reading
from ivr.flow.loading.section import Section, as_integer, as_list, as_text
from ivr.flow.loading.yaml import Node, Problems, Scalar, quote
from ivr.flow.model import Need
from ivr.flow.templates import fixed_text
from ivr.flow.words import Place, Speech, Template

EMPTY = fixed_text("")
"""What a template reads as after a mistake."""


@dataclass(frozen=True, slots=True)
class Clause:
    """`value` stands after the verb; `section` holds everything else of the step."""

    verb: str
    name: str
    place: Place
    value: Node
    section: Section
    reading: Reading

    @property
    def problems(self) -> Problems:
        """Where mistakes go."""
        return self.reading.problems

    # --- ways out ---

    def next(self) -> str:
        """The way on."""
        return self.reading.way(self.section, "next")

    def otherwise(self) -> str:
        """The way for what did not work."""
        return self.reading.way(self.section, "otherwise", self.reading.defaults.otherwise)

    def step(self, key: str) -> str | None:
        """A way that may be absent."""
        return self.reading.reference(self.section.node(key), quote(key))

    def exits(self, outcomes: Iterable[str], inherited: Mapping[str, str]) -> dict[str, str]:
        """A way for each outcome; reports those that lead nowhere."""
        own = read_exits(self.section, outcomes, self.reading)
        rest = own.get("otherwise") or inherited.get("otherwise")
        exits: dict[str, str] = {}
        missing: list[str] = []
        for outcome in outcomes:
            way = own.get(outcome) or ("otherwise" not in own and inherited.get(outcome)) or rest
            if way:
                exits[outcome] = way
            else:
                missing.append(outcome)
        if missing:
            message = f"{self.section.what} is a {self.verb} without a way out for"
            cure = "add `otherwise`"
            if self.verb == "queue":
                cure += ", here or under `queue` in the flow's defaults"
            self.problems.add(self.place, f"{message} {', '.join(missing)}", cure)
        return exits

    def queue_exits(self, outcomes: Iterable[str], kinds: Iterable[str]) -> dict[str, str]:
        """A way for each outcome of a queue, and those of the `kinds` of nobody that have one.

        An inherited way for one kind gives way to the step's own word on nobody at all.
        """
        inherited = self.reading.defaults.exits
        general = "nobody" in self.section or "otherwise" in self.section
        exits = self.exits(outcomes, inherited)
        for kind in kinds:
            way = self.step(kind) or (None if general else inherited.get(kind))
            if way is not None:
                exits[kind] = way
        return exits

    # --- words ---

    def spoken(self, *, required: bool = False) -> Speech:
        """What stands under `say`."""
        node = self.section.node("say", required=required)
        return () if node is None else self.reading.speech(node, '"say"')

    def whisper(self) -> Speech:
        """What the agent hears."""
        return self.reading.spoken(self.section, "whisper")

    def patience(self) -> Speech:
        """What the caller hears while a backend works."""
        return self.reading.spoken(self.section, "patience", self.reading.defaults.patience)

    # --- templates ---

    def template(self, key: str) -> Template | None:
        """The template under a key that may be absent."""
        node = self.section.node(key)
        return None if node is None else self.reading.template(node, quote(key))

    def needed(self, key: str) -> Template:
        """The template under a key that must be there."""
        node = self.section.node(key, required=True)
        return EMPTY if node is None else self.reading.template(node, quote(key))

    def templates(self, key: str) -> dict[str, Template]:
        """A mapping of free names to templates."""
        found = {}
        for name, _, node in self.section.entries(key):
            found[name] = self.reading.template(node, quote(name))
        return found

    # --- fields and other names ---

    def taken(self, key: str) -> dict[str, tuple[str, Place]]:
        """Fields to fill, each with the name of what fills it and its place."""
        found = {}
        for name, place, node in self.section.entries(key):
            self.reading.fillable(name, place)
            source = as_text(node, f"what {quote(name)} takes", self.problems, longest=200)
            if source is not None:
                found[name] = source, node.place
        return found

    def fields(self, node: Node | None, what: str) -> tuple[tuple[str, Place], ...]:
        """A list of fields of the flow, each once; reports unknown ones."""
        if node is None:
            return ()

        def field(item: Node) -> tuple[str, Place] | None:
            name = as_text(item, "a field", self.problems)
            known = None if name is None else self.reading.known_field(name, item.place)
            return None if known is None else (known.name, item.place)

        found = as_list(node, what, self.problems, field)
        return tuple({name: (name, place) for name, place in found}.values())

    def hours(self) -> str | None:
        """The calendar outside of which the step is not staffed."""
        return self.reading.calendar(self.section.node("hours"))

    def needs(self) -> tuple[Need, ...]:
        """Skills and their levels."""
        needs: list[Need] = []
        for skill, place, node in self.section.entries("needs"):
            level = as_integer(node, f"level of {quote(skill)}", self.problems, low=1, high=10)
            needs.append(Need(self.reading.name_template(skill, place, "a skill"), level or 1))
        return tuple(needs)

    def empty(self) -> bool:
        """Whether nothing stands after the verb."""
        return isinstance(self.value, Scalar) and self.value.empty
