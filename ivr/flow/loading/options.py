"""What single keys do: options of a menu, and ways out of a wait; and the fields they fill."""

from __future__ import annotations

from ivr.flow.asking import Option, RoomIn, Waiting
from ivr.flow.loading.reading import KEYPAD, Reading
from ivr.flow.loading.section import Section
from ivr.flow.loading.yaml import Node, Scalar, quote
from ivr.flow.words import Place, Template

ROOMS = ("chat", "sms", "voice")
"""The channels whose room is asked for."""


def read_option(key: str, node: Node, reading: Reading, *, waits: bool = False) -> Option:
    """What one key does: a step's name, or a mapping; `waits`: it leads out of a wait."""
    if isinstance(node, Scalar):
        return Option(reading.reference(node, f"key {key}") or "", place=node.place)
    with Section(node, f"key {key}", reading.problems) as section:
        return Option(
            reading.way(section, "next"),
            read_sets(section.node("set"), reading),
            label=reading.spoken(section, "label"),
            say=reading.spoken(section, "say"),
            also=section.texts("also"),
            hours=reading.calendar(section.node("hours")),
            place=node.place,
            room=_room(section, reading) if waits else None,
        )


def _room(section: Section, reading: Reading) -> RoomIn | None:
    node = section.node("room")
    return None if node is None else read_room(node, reading)


def read_room(node: Node, reading: Reading) -> RoomIn | None:
    """A channel and the queue in which there must be room."""
    with Section(node, '"room"', reading.problems) as section:
        found = {name: section.node(name) for name in ROOMS}
        named = [(name, each) for name, each in found.items() if each is not None]
        if len(named) == 1:
            channel, queue = named[0]
            return RoomIn(channel, reading.template(queue, quote(channel)))
    if section.usable and (named or not list(section)):
        cure = "write {chat: queue}, {sms: queue} or {voice: queue}"
        reading.problems.add(node.place, "there is room in one channel of one queue", cure)
    return None


def read_waiting(section: Section, reading: Reading, inherited: Waiting | None) -> Waiting | None:
    """What stands under `waiting`; one that is written replaces the inherited one as a whole."""
    inner, usual = section.section("waiting"), Waiting()
    if inner is None:
        return inherited
    with inner:
        options: dict[str, Option] = {}
        for key, place, node in inner.entries("keys"):
            if key not in KEYPAD:
                reading.problems.add(place, f"{quote(key)} is no key", "a key is 0-9, * or #")
                continue
            options[key] = read_option(key, node, reading, waits=True)
        return Waiting(
            say=reading.speeches(inner, "say") or (),
            after=inner.duration("after", usual.after, low=1, high=300),
            every=inner.duration("every", usual.every, low=10, high=600),
            position=inner.boolean("position", usual.position),
            estimate=inner.boolean("estimate", usual.estimate),
            options=options,
        )


def read_sets(node: Node | None, reading: Reading) -> dict[str, Template]:
    """Fields, and `language`, with what they become."""
    if node is None:
        return {}
    sets: dict[str, Template] = {}
    with Section(node, '"set"', reading.problems) as section:
        for name, place, value in section.rest():
            template = reading.template(value, quote(name))
            sets[name] = template
            if name == "language":
                _constant(template, reading, reading.languages, "language")
            else:
                _settable(name, place, template, reading)
    return sets


def _settable(name: str, place: Place, template: Template, reading: Reading) -> None:
    field = reading.fillable(name, place)
    if field is None or field.secret:
        return
    if field.type == "choice":
        _constant(template, reading, field.of, f"value of {quote(name)}")
    elif template.source and _is_plain(template) and field.from_text(template.source) is None:
        message = f"{quote(template.source)} is no {field.type} for {quote(name)}"
        reading.problems.add(template.place, message)


def _constant(template: Template, reading: Reading, allowed: tuple[str, ...], what: str) -> None:
    if template.source and _is_plain(template) and template.source not in allowed:
        reading.problems.unknown(template.place, what, template.source, allowed)


def _is_plain(template: Template) -> bool:
    return "{" not in template.source
