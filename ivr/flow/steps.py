"""The steps of a flow file, one function for each verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ivr.flow.actions import OUTCOMES, Outcome
from ivr.flow.contract import read_exits
from ivr.flow.model import (
    AnyStep,
    BranchStep,
    Case,
    CollectStep,
    Escalation,
    HangupStep,
    HoursStep,
    IdentifyStep,
    MenuStep,
    Need,
    Option,
    Place,
    QueueStep,
    SayStep,
    SetStep,
    Speech,
    Template,
    VoicemailStep,
)
from ivr.flow.reading import KEYPAD, Reading
from ivr.flow.section import Section, as_integer, as_list, as_text
from ivr.flow.yaml import Node, Scalar, Sequence, quote

Reader = Callable[[str, Place, Node, Section, Reading], AnyStep]


def read_step(name: str, place: Place, node: Node, reading: Reading) -> AnyStep | None:
    """One step, or None when it has no verb."""
    with Section(node, f"step {quote(name)}", reading.problems) as section:
        if not section.usable:
            return None
        verb = _verb(section, place, reading)
        if verb is None:
            list(section.rest())
            return None
        value = section.node(verb)
        return _VERBS[verb](name, place, value or node, section, reading)


def _verb(section: Section, place: Place, reading: Reading) -> str | None:
    # `say` is a verb of its own and also what other verbs say, so it counts last.
    verbs = [key for key in section if key in _VERBS]
    if len(verbs) > 1 and "say" in verbs:
        verbs.remove("say")
    if len(verbs) == 1:
        return verbs[0]
    if verbs:
        both = " and ".join(quote(verb) for verb in verbs)
        reading.problems.add(place, f"{section.what} has two verbs, {both}", "make it two steps")
        return None
    cure = f"begin it with one of {', '.join(_VERBS)}"
    for key in section:
        near = reading.problems.guess(key, _VERBS)
        if near.startswith("did"):
            cure = f"{quote(key)}: {near}"
    reading.problems.add(place, f"{section.what} has no verb", cure)
    return None


def _say(name: str, place: Place, value: Node, section: Section, reading: Reading) -> SayStep:
    speech = reading.speech(value, '"say"')
    return SayStep(name=name, place=place, say=speech, next=reading.way(section, "next"))


def _menu(name: str, place: Place, value: Node, section: Section, reading: Reading) -> MenuStep:
    speech = reading.speech(value, '"menu"')
    asking = reading.asking(section, single=True)
    options: dict[str, Option] = {}
    for key in section:
        if key in KEYPAD:
            node = section.node(key)
            if node is not None:
                options[key] = _option(key, node, reading)
    if not options:
        cure = 'add keys such as "1": next-step'
        reading.problems.add(place, f"{section.what} is a menu without keys", cure)
    return MenuStep(name=name, place=place, say=speech, options=options, asking=asking)


def _option(key: str, node: Node, reading: Reading) -> Option:
    if isinstance(node, Scalar):
        return Option(reading.reference(node, f"key {key}") or "", place=node.place)
    with Section(node, f"key {key}", reading.problems) as section:
        sets = _sets(section.node("set"), reading)
        return Option(reading.way(section, "next"), sets, node.place)


def _sets(node: Node | None, reading: Reading) -> dict[str, Template]:
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
    field = reading.known_field(name, place)
    if field is None:
        return
    if field.secret:
        cure = "a secret is only ever collected from the caller"
        reading.problems.add(place, f"the secret {quote(name)} cannot be set", cure)
    elif field.type == "choice":
        _constant(template, reading, field.of, f"value of {quote(name)}")
    elif not template.names and template.source and field.from_text(template.source) is None:
        message = f"{quote(template.source)} is no {field.type} for {quote(name)}"
        reading.problems.add(template.place, message)


def _constant(template: Template, reading: Reading, allowed: tuple[str, ...], what: str) -> None:
    plain = template.source and "{" not in template.source
    if plain and template.source not in allowed:
        reading.problems.unknown(template.place, what, template.source, allowed)


def _collect(
    name: str, place: Place, value: Node, section: Section, reading: Reading
) -> CollectStep:
    wanted = as_text(value, '"collect"', reading.problems) or ""
    field = reading.known_field(wanted, value.place) if wanted else None
    say = section.node("say")
    speech = reading.speech(say, '"say"') if say is not None else ()
    if field is not None:
        speech = speech or _own_words(wanted, value.place, reading)
        if field.type == "text":
            cure = "collect digits, or fill it with `set` or `identify`"
            reading.problems.add(value.place, f"a telephone cannot key text, {quote(wanted)}", cure)
    confirm = section.node("confirm")
    if confirm is not None and field is not None and field.secret:
        reading.problems.add(confirm.place, f"the secret {quote(wanted)} would be read back")
    return CollectStep(
        name=name,
        place=place,
        field=wanted,
        say=speech,
        confirm=reading.speech(confirm, '"confirm"') if confirm is not None else (),
        asking=reading.asking(section),
        next=reading.way(section, "next"),
    )


def _own_words(name: str, place: Place, reading: Reading) -> Speech:
    field = reading.fields[name]
    if not field.say:
        cure = f"give {quote(name)} a `say` under `collects`"
        reading.problems.add(place, f"nothing tells the caller to key {quote(name)}", cure)
    return field.say


def _identify(
    name: str, place: Place, value: Node, section: Section, reading: Reading
) -> IdentifyStep:
    table = reading.plain_name(value, '"identify"')
    node = section.node("ask", required=True)
    ask: list[str] = []
    if node is not None:
        for item in node.items if isinstance(node, Sequence) else (node,):
            wanted = as_text(item, "a field", reading.problems)
            if wanted is not None and reading.known_field(wanted, item.place) is not None:
                _own_words(wanted, item.place, reading)
                ask.append(wanted)
    wrong = reading.speeches(section, "nomatch")
    inherited = reading.defaults.nomatch
    asking = reading.asking(section)
    return IdentifyStep(
        name=name,
        place=place,
        table=table,
        ask=tuple(dict.fromkeys(ask)),
        speeches={each: reading.fields[each].say for each in ask},
        wrong=Escalation(inherited if wrong is None else wrong),
        asking=replace(
            asking,
            noinput=replace(asking.noinput, instead=False),
            nomatch=Escalation(inherited),
        ),
        next=reading.way(section, "next"),
    )


def _hours(name: str, place: Place, value: Node, section: Section, reading: Reading) -> HoursStep:
    calendar = as_text(value, '"hours"', reading.problems) or ""
    if calendar and calendar not in reading.calendars:
        reading.problems.unknown(value.place, "calendar", calendar, reading.calendars)
    return HoursStep(
        name=name,
        place=place,
        calendar=calendar,
        open=reading.way(section, "open"),
        closed=reading.way(section, "closed"),
    )


def _branch(name: str, place: Place, value: Node, section: Section, reading: Reading) -> BranchStep:
    def case(node: Node) -> Case:
        with Section(node, "a case", reading.problems) as inner:
            condition = inner.node("if", required=True)
            compiled = reading.condition(condition or node, '"if"')
            return Case(compiled, reading.way(inner, "next"))

    cases = as_list(value, '"branch"', reading.problems, case)
    otherwise = section.node("otherwise", required=True)
    return BranchStep(
        name=name,
        place=place,
        cases=cases,
        otherwise=reading.reference(otherwise, '"otherwise"') or "",
    )


def _set(name: str, place: Place, value: Node, section: Section, reading: Reading) -> SetStep:
    sets = _sets(value, reading)
    return SetStep(name=name, place=place, sets=sets, next=reading.way(section, "next"))


def _queue(name: str, place: Place, value: Node, section: Section, reading: Reading) -> QueueStep:
    def template(key: str) -> Template | None:
        node = section.node(key)
        return reading.template(node, quote(key)) if node is not None else None

    whisper = section.node("whisper")
    next_node = section.node("next")
    return QueueStep(
        name=name,
        place=place,
        queue=reading.template(value, '"queue"'),
        needs=_needs(section, reading),
        priority=template("priority"),
        tell_agent=template("tell_agent"),
        whisper=reading.speech(whisper, '"whisper"') if whisper is not None else (),
        agent=template("agent"),
        max_wait=section.duration("max_wait", reading.defaults.max_wait, low=1),
        exits=_exits(place, section, reading),
        next=reading.reference(next_node, '"next"'),
    )


def _needs(section: Section, reading: Reading) -> tuple[Need, ...]:
    needs: list[Need] = []
    for skill, place, node in section.entries("needs"):
        level = as_integer(node, f"level of {quote(skill)}", reading.problems, low=1, high=10)
        needs.append(Need(reading.name_template(skill, place, "a skill"), level or 1))
    return tuple(needs)


def _exits(place: Place, section: Section, reading: Reading) -> dict[Outcome, str]:
    own, inherited = read_exits(section, reading), reading.defaults.exits
    rest = own.get("otherwise") or inherited.get("otherwise")
    exits: dict[Outcome, str] = {}
    missing: list[str] = []
    for outcome in OUTCOMES[1:]:
        way = own.get(outcome) or ("otherwise" not in own and inherited.get(outcome)) or rest
        if way:
            exits[outcome] = way
        else:
            missing.append(outcome)
    if missing:
        cure = "add `otherwise`, here or under `queue` in the flow's defaults"
        message = f"{section.what} is a queue without a way out for {', '.join(missing)}"
        reading.problems.add(place, message, cure)
    return exits


def _voicemail(
    name: str, place: Place, value: Node, section: Section, reading: Reading
) -> VoicemailStep:
    say = section.node("say", required=True)
    onward = reading.way(section, "next")
    return VoicemailStep(
        name=name,
        place=place,
        mailbox=reading.plain_name(value, '"voicemail"'),
        say=reading.speech(say, '"say"') if say is not None else (),
        max_seconds=section.duration("max", 120.0, low=5, high=600),
        next=onward,
        otherwise=reading.way(section, "otherwise", onward),
    )


def _hangup(name: str, place: Place, value: Node, section: Section, reading: Reading) -> HangupStep:
    silent = isinstance(value, Scalar) and value.empty
    speech = () if silent else reading.speech(value, '"hangup"')
    return HangupStep(name=name, place=place, say=speech)


_VERBS: dict[str, Reader] = {
    "say": _say,
    "menu": _menu,
    "collect": _collect,
    "identify": _identify,
    "hours": _hours,
    "branch": _branch,
    "set": _set,
    "queue": _queue,
    "voicemail": _voicemail,
    "hangup": _hangup,
}
