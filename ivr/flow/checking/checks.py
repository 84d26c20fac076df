"""Mistakes that only show when the whole flow is seen: found here, before a call meets them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ivr.backends.names import Names
from ivr.backends.segments import segments
from ivr.flow.asking import CodeStep, IdentifyStep
from ivr.flow.checking.asked import asked_fields, check_asked
from ivr.flow.checking.comparisons import check_comparisons
from ivr.flow.checking.dataflow import Known, Ways, known_fields, reachable
from ivr.flow.checking.graph import NO_SUBFLOWS, NONE, Edge, Subflows, edges, is_open
from ivr.flow.checking.loops import check_loops
from ivr.flow.checking.naming import ALWAYS_KNOWN, check_names
from ivr.flow.checking.reads import CODE, LINK, reads
from ivr.flow.checking.staffed import check_staffed
from ivr.flow.loading.draft import Draft, Floor, Inspection
from ivr.flow.loading.reading import FACTS
from ivr.flow.loading.yaml import Problems, meant, quote
from ivr.flow.model import KEY_TARGETS, Flow, HttpStep, InviteStep, ReturnStep, SmsStep
from ivr.flow.words import Speech

__all__ = ["Draft", "Floor", "Inspection", "check", "check_together"]

MAX_SEGMENTS = 10
"""Parts of a text message: more than that is a letter, and gateways refuse it."""
_FILLED = re.compile(r"\{\{.*?\}\}")


def check(
    draft: Draft,
    problems: Problems,
    floor: Floor | None = None,
    *,
    names: Names | None = None,
    subflows: Subflows = NO_SUBFLOWS,
) -> Inspection:
    """Everything that can be said about one flow; `subflows` are those it runs."""
    flow = draft.flow
    for number in flow.numbers:
        if floor is not None and number in floor.taken:
            place = draft.place_of_number(number)
            problems.add(place, f"{number} is {floor.taken[number]}", "give the flow its own")
    nearest = _references(draft, problems)
    everything = frozenset(flow.fields) | frozenset(FACTS)
    ways = _ways(draft, nearest, everything, subflows)
    start = nearest.get(flow.start, flow.start)
    known: Mapping[str, Known] = {}
    if start in ways:
        marks = frozenset(map(is_open, flow.calendars))
        # Who runs a flow may have found out who is calling.
        inherited = NONE if flow.numbers else frozenset({"customer"})
        known = known_fields(ways, start, everything | marks, inherited, frozenset(flow.takes))
        _unreachable(draft, ways, start, problems)
    view = Inspection(draft, problems, ways, known, floor, names, subflows)
    _fields(view)
    check_comparisons(view)
    check_names(view)
    check_asked(view)
    check_staffed(view)
    _messages(view)
    check_loops(view)
    _ends(view)
    _unused(view)
    return view


def check_together(drafts: Sequence[Draft], problems: Problems) -> None:
    """Flows that get in each other's way."""
    names: dict[str, Flow] = {}
    numbers: dict[str, Flow] = {}
    for draft in drafts:
        flow = draft.flow
        earlier = names.setdefault(flow.name, flow)
        if earlier is not flow:
            message = f"the flow {quote(flow.name)} is already taken by {earlier.path}"
            problems.add(draft.place("flow"), message)
        for number in flow.numbers:
            place = draft.place_of_number(number)
            earlier = numbers.setdefault(number, flow)
            if earlier is not flow:
                message = f"the number {quote(number)} is already taken by {earlier.path}"
                problems.add(place, message)
            elif flow.numbers.count(number) > 1:
                problems.add(place, f"the number {quote(number)} stands here twice")


# --- names of steps --------------------------------------------------------------------------


def _references(draft: Draft, problems: Problems) -> dict[str, str]:
    """Reports unknown steps; returns what each of them probably meant."""
    known = {*draft.flow.steps, *draft.loose}
    for name, place in draft.key_targets:
        if name in known:
            message = f"{quote(name)} has a meaning of its own here, and is a step as well"
            problems.add(place, message, "rename the step")
    found: dict[str, str] = {}
    for name, place in draft.references:
        if name in known:
            continue
        if name in KEY_TARGETS:
            cure = f'it works under `keys` only, such as keys: {{"9": {name}}}'
            problems.add(place, f"{quote(name)} is no step", cure)
            continue
        cure = problems.guess(name, known)
        problems.add(place, f"unknown step {quote(name)}", cure)
        near = meant(cure, known)
        if near is not None:
            found[name] = near
    return found


def _ways(
    draft: Draft, nearest: Mapping[str, str], everything: frozenset[str], subflows: Subflows
) -> Ways:
    ways: dict[str, tuple[Edge, ...]] = {}
    for name, step in draft.flow.steps.items():
        found = edges(draft.flow, step, subflows)
        if nearest:
            found = tuple(
                Edge(nearest.get(e.target, e.target), e.label, e.sets, e.surely, e.silent, e.shut)
                for e in found
            )
        ways[name] = found
    marks = everything | frozenset(map(is_open, draft.flow.calendars))
    for name, targets in draft.loose.items():
        maybe = tuple(Edge(each, "", everything, marks) for each in sorted(targets))
        ways[name] = ways.get(name, ()) + maybe
    return ways


def _unreachable(draft: Draft, ways: Ways, start: str, problems: Problems) -> None:
    seen = reachable(ways, start)
    for name, step in draft.flow.steps.items():
        if name not in seen:
            cure = "lead a way to it, or delete it"
            problems.add(step.place, f"no call ever comes to step {quote(name)}", cure)


def _ends(view: Inspection) -> None:
    if not view.flow.numbers:
        return
    for step in view.flow.steps.values():
        if isinstance(step, ReturnStep):
            message = "a flow with numbers has nowhere to return to"
            view.problems.add(step.place, message, "end the call with `hangup`")


# --- fields ----------------------------------------------------------------------------------


def _fields(view: Inspection) -> None:
    flow, known, problems = view.flow, view.known, view.problems
    names = frozenset(flow.fields) | frozenset(FACTS)
    for name, step in flow.steps.items():
        for read in reads(step):
            if not read.template.names:
                continue
            template = read.template
            for each in sorted(template.names - (read.also & (CODE | LINK))):
                if each not in names:
                    problems.unknown(template.place, "field", each, names)
                elif each in flow.fields and flow.fields[each].secret:
                    cure = "a secret is compared by `identify` and goes nowhere else"
                    problems.add(template.place, f"{quote(each)} is a secret", cure)
                elif name in known and not (
                    each in read.also | ALWAYS_KNOWN or known[name].may(each)
                ):
                    message = f"{quote(each)} has no value yet at step {quote(name)}"
                    problems.add(template.place, message, _where(each))
        if isinstance(step, HttpStep) and name in known:
            for each in step.secrets:
                if not known[name].may(each):
                    message = f"{quote(each)} has no value yet at step {quote(name)}"
                    problems.add(view.at(name, "secrets"), message, _where(each))


def _where(name: str) -> str:
    if name == "customer":
        return "it is known after an `identify` step"
    if name == "wait":
        return "it is known after a `room` step"
    if name == "opens":
        return "it is known on the `closed` way out of an `hours` step"
    return "collect or set it on the way here"


def _unused(view: Inspection) -> None:
    """Notes on fields that nothing fills or reads, and on secrets that are asked for in vain."""
    flow = view.flow
    if view.draft.loose:
        return
    used, compared = {*flow.takes, *flow.gives}, set[str]()
    for step in flow.steps.values():
        used.update(*(read.template.names for read in reads(step)), asked_fields(step))
        match step:
            case IdentifyStep():
                compared.update(step.ask)
            case HttpStep():
                compared.update(step.secrets)
            case _:
                pass
    for found in view.ways.values():
        for edge in found:
            used |= edge.sets
    for name, field in flow.fields.items():
        if name not in used | compared:
            view.problems.note(field.place, f"nothing uses the field {quote(name)}", "delete it")
        elif field.secret and name not in compared:
            message = f"nothing compares or sends the secret {quote(name)}"
            view.problems.note(field.place, message, "do not ask for what is not needed")


# --- text messages ---------------------------------------------------------------------------


def _messages(view: Inspection) -> None:
    for step in view.flow.steps.values():
        if isinstance(step, SmsStep | CodeStep):
            _length(view, step.text)
        if isinstance(step, CodeStep):
            _holds(view, step.text, "code")
        elif isinstance(step, InviteStep):
            _holds(view, step.say, "code")
        elif isinstance(step, SmsStep) and step.link is not None:
            _holds(view, step.text, "link")


def _holds(view: Inspection, speech: Speech, what: str) -> None:
    for language in view.flow.languages:
        said = [words.texts[language.code] for words in speech if language.code in words.texts]
        if said and not any(what in each.names for each in said):
            message = f"the {what} itself is not in this message"
            view.problems.add(said[0].place, message, f"write {{{{ {what} }}}} where it belongs")


def _length(view: Inspection, speech: Speech) -> None:
    for language in view.flow.languages:
        parts = [words.texts[language.code] for words in speech if language.code in words.texts]
        if not parts:
            continue
        fixed = " ".join(_FILLED.sub("", part.source) for part in parts)
        count = segments(fixed).parts
        if count > MAX_SEGMENTS:
            message = f"this message takes {count} parts without its fields"
            view.problems.add(parts[0].place, message, f"at most {MAX_SEGMENTS}; shorten it")
