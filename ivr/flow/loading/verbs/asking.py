"""Steps that ask the caller something."""

from __future__ import annotations

from collections.abc import Iterable

from ivr.flow.asking import (
    BookStep,
    CollectStep,
    MenuStep,
    Option,
    Question,
    SurveyStep,
)
from ivr.flow.fields import FieldType
from ivr.flow.loading.clause import Clause
from ivr.flow.loading.options import read_option
from ivr.flow.loading.reading import KEYPAD, Reading
from ivr.flow.loading.section import Section, as_boolean, as_list, as_text
from ivr.flow.loading.yaml import Node, Scalar, quote
from ivr.flow.words import Place, Speech

OFFER = (1, 8)
"""Times offered at once: the key 9 is for later ones."""
DAY = 86_400.0
LATEST = 90 * DAY
_ALMOST = ("yes", "no", "on", "off", "true", "false")
"""Nobody wants these said: they were meant as true or false."""


def menu(clause: Clause) -> MenuStep:
    """Speak, then follow one key."""
    speech = clause.reading.speech(clause.value, '"menu"')
    asking = clause.reading.asking(clause.section, single=True)
    options: dict[str, Option] = {}
    for key in clause.section:
        if key in KEYPAD:
            node = clause.section.node(key)
            if node is not None:
                options[key] = read_option(key, node, clause.reading)
        elif key.isdigit():
            clause.section.allow(key)
            place = clause.section.place_of(key)
            message = f"{quote(key)} is no key of a telephone"
            clause.problems.add(place, message, "a menu follows one of 0-9, * and #")
    if not options:
        cure = 'add keys such as "1": next-step'
        clause.problems.add(clause.place, f"{clause.section.what} is a menu without keys", cure)
    elif not speech and not any(each.label or each.say for each in options.values()):
        cure = "write words, or give the options a `label`"
        clause.problems.add(clause.place, f"{clause.section.what} says nothing", cure)
    return MenuStep(
        name=clause.name, place=clause.place, say=speech, options=options, asking=asking
    )


def collect(clause: Clause) -> CollectStep:
    """Ask for one field."""
    reading, section = clause.reading, clause.section
    wanted = as_text(clause.value, '"collect"', clause.problems) or ""
    field = reading.known_field(wanted, clause.value.place) if wanted else None
    speech = clause.spoken()
    if field is not None and not speech:
        speech = own_words(wanted, clause.value.place, reading)
    confirm = section.node("confirm")
    if confirm is not None and field is not None and field.secret:
        clause.problems.add(confirm.place, f"the secret {quote(wanted)} would be read back")
    valid = section.node("valid")
    return CollectStep(
        name=clause.name,
        place=clause.place,
        field=wanted,
        say=speech,
        confirm=_confirm(confirm, reading),
        valid=None if valid is None else reading.condition(valid, '"valid"'),
        asking=reading.asking(section),
        next=clause.next(),
    )


def _confirm(node: Node | None, reading: Reading) -> Speech | None:
    if isinstance(node, Scalar) and not node.quoted and node.text in {"true", "false"}:
        return () if as_boolean(node, '"confirm"', reading.problems) else None
    if isinstance(node, Scalar) and not node.quoted and node.text.lower() in _ALMOST:
        as_boolean(node, '"confirm"', reading.problems)
        return None
    return None if node is None else reading.speech(node, '"confirm"')


def own_words(name: str, place: Place, reading: Reading) -> Speech:
    """What a field says by itself; reports one that says nothing."""
    field = reading.fields[name]
    if not field.say:
        cure = f"give {quote(name)} a `say` under `collects`"
        reading.problems.add(place, f"nothing tells the caller to key {quote(name)}", cure)
    return field.say


def survey(clause: Clause) -> SurveyStep:
    """Ask one question after another."""

    def question(node: Node) -> Question | None:
        with Section(node, "a question", clause.problems) as inner:
            name, place = inner.text("field"), inner.place_of("field")
            field = clause.reading.fillable(name, place) if name else None
            say = inner.node("say")
            if say is not None:
                return Question(name, clause.reading.speech(say, '"say"'))
            return None if field is None else Question(name, own_words(name, place, clause.reading))

    node = clause.section.node("questions", required=True)
    questions = () if node is None else as_list(node, '"questions"', clause.problems, question)
    _twice((each.field for each in questions), clause, "questions")
    onward = clause.next()
    return SurveyStep(
        name=clause.name,
        place=clause.place,
        survey=clause.reading.plain_name(clause.value, '"survey"'),
        questions=questions,
        asking=clause.reading.asking(clause.section, attempts=1, otherwise=onward),
        next=onward,
    )


def _twice(names: Iterable[str], clause: Clause, key: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            place = clause.section.place_of(key)
            clause.problems.add(place, f"{quote(name)} is asked twice", "one answer would be lost")
        seen.add(name)


def book(clause: Clause) -> BookStep:
    """Offer free times, and reserve one."""
    section = clause.section
    asking = clause.reading.asking(section, single=True)
    after = section.duration("after", 0.0, high=LATEST)
    within = section.duration("within", 7 * DAY, low=60.0, high=LATEST)
    if after >= within:
        message = "the first time would come after the last one"
        clause.problems.add(section.place_of("after"), message, "`after` is less than `within`")
    none = clause.step("none")
    return BookStep(
        name=clause.name,
        place=clause.place,
        service=clause.reading.plain_name(clause.value, '"book"'),
        into=_field(clause, "field", "moment", required=True) or "",
        reference=_field(clause, "reference", "text"),
        after=after,
        within=within,
        offer=section.integer("offer", 3, low=OFFER[0], high=OFFER[1]),
        given=clause.templates("give"),
        say=clause.spoken(),
        hours=clause.hours(),
        during=clause.reading.calendar(section.node("during")),
        asking=asking,
        patience=clause.patience(),
        none=none or asking.otherwise,
        next=clause.next(),
    )


def _field(clause: Clause, key: str, type_: FieldType, *, required: bool = False) -> str | None:
    node = clause.section.node(key, required=required)
    name = as_text(node, quote(key), clause.problems) if node is not None else None
    if node is None or name is None:
        return None
    field = clause.reading.fillable(name, node.place)
    if field is not None and field.type != type_:
        cure = f"make it {{type: {type_}}}, or name another field"
        clause.problems.add(node.place, f"{quote(name)} is of the type {field.type}", cure)
    return name
