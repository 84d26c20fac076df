"""Steps that find out who is calling."""

from __future__ import annotations

from dataclasses import replace

from ivr.flow.asking import Asking, CodeStep, IdentifyStep, JoinStep
from ivr.flow.errands import LEVELS
from ivr.flow.loading.clause import Clause
from ivr.flow.loading.verbs.asking import own_words
from ivr.flow.loading.yaml import Node, Scalar
from ivr.flow.words import Escalation

CODE = "code"
"""`identify: code` is a one-time code; no table may have this name."""
EXPIRES = (30.0, 3600.0)
LENGTHS = (4, 10)


def is_code(value: Node | None) -> bool:
    """Whether what stands after `identify` means a one-time code."""
    return isinstance(value, Scalar) and value.text == CODE


def identify(clause: Clause) -> IdentifyStep | CodeStep:
    """Compare what the caller gives with what is known, or with a code sent to them."""
    if is_code(clause.value):
        return _code(clause)
    section, reading = clause.section, clause.reading
    source = reading.plain_name(clause.value, '"identify"')
    by_number = section.text("by_number", None)
    node = section.node("ask", required=by_number is None)
    ask = clause.fields(node, '"ask"')
    asking, wrong = _asking(clause)
    return IdentifyStep(
        name=clause.name,
        place=clause.place,
        source=source,
        ask=tuple(name for name, _ in ask),
        account=next((name for name, _ in ask if not reading.fields[name].secret), ""),
        by_number=by_number,
        level=_level(clause),
        speeches={name: own_words(name, place, reading) for name, place in ask},
        wrong=wrong,
        asking=asking,
        patience=clause.patience(),
        next=clause.next(),
        locked=clause.step("locked") or asking.otherwise,
    )


def _code(clause: Clause) -> CodeStep:
    section, reading = clause.section, clause.reading
    asking, wrong = _asking(clause)
    return CodeStep(
        name=clause.name,
        place=clause.place,
        to=clause.needed("to"),
        text=reading.spoken(section, "text"),
        say=clause.spoken(),
        length=section.integer("length", 6, low=LENGTHS[0], high=LENGTHS[1]),
        expires=section.duration("expires", 300.0, low=EXPIRES[0], high=EXPIRES[1]),
        level=_level(clause),
        wrong=wrong,
        asking=asking,
        patience=clause.patience(),
        next=clause.next(),
        locked=clause.step("locked") or asking.otherwise,
    )


def join(clause: Clause) -> JoinStep:
    """Go on as the contact that a code belongs to."""
    say = clause.reading.speech(clause.value, '"join"')
    take = clause.taken("take")
    asking, wrong = _asking(clause)
    return JoinStep(
        name=clause.name,
        place=clause.place,
        say=say,
        take={ours: theirs for ours, (theirs, _) in take.items()},
        level=_level(clause) or "number",
        wrong=wrong,
        asking=asking,
        patience=clause.patience(),
        next=clause.next(),
        locked=clause.step("locked") or asking.otherwise,
    )


def _asking(clause: Clause) -> tuple[Asking, Escalation]:
    """How it asks, and what is said after a comparison that failed.

    Words of its own for `nomatch` are about the comparison; a wrong entry has those of the flow.
    """
    base = clause.reading.defaults.nomatch
    asking = clause.reading.asking(clause.section)
    wrong = Escalation(asking.nomatch.speeches)
    noinput = replace(asking.noinput, instead=False)
    return replace(asking, noinput=noinput, nomatch=Escalation(base)), wrong


def _level(clause: Clause) -> str | None:
    return clause.section.choice("level", LEVELS[1:], None)
