"""What single keys do: options of a menu, and ways out of a wait; and the fields they fill."""

from __future__ import annotations

from ivr.flow.asking import Option, Waiting
from ivr.flow.loading.reading import KEYPAD, Reading
from ivr.flow.loading.section import Section
from ivr.flow.loading.yaml import Node, Scalar, quote
from ivr.flow.words import Place, Template


def read_option(key: str, node: Node, reading: Reading) -> Option:
    """What one key does: a step's name, or a mapping."""
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
        )


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
            options[key] = read_option(key, node, reading)
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
