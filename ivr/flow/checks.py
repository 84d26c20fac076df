"""Mistakes that only show when the whole flow is seen: found here, before a call meets them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ivr.flow.graph import ASKING, Edge, Ways, cycle, edges, known_fields, reachable, reads
from ivr.flow.model import BranchStep, Field, Flow, Place, QueueStep, Template
from ivr.flow.reading import FACTS
from ivr.flow.yaml import Problems, meant, quote, suggest

ALWAYS_KNOWN = frozenset(FACTS) - {"customer", "opens"}
MAX_COMBINATIONS = 64
MAX_LOOPS = 100


@dataclass(frozen=True, slots=True)
class Draft:
    """A flow as far as it could be read.

    `loose` holds the steps with mistakes, and the step names found inside them; they are assumed to
    lead there and to set anything, so that one mistake is not reported as five.
    """

    flow: Flow
    references: tuple[tuple[str, Place], ...] = ()
    loose: Mapping[str, frozenset[str]] = field(default_factory=dict)
    name_place: Place | None = None
    number_places: Mapping[str, Place] = field(default_factory=dict)

    def place_of_number(self, number: str) -> Place:
        """Where the number is written."""
        return self.number_places.get(number, self.flow.place)


@dataclass(frozen=True, slots=True)
class Floor:
    """The names a flow may use, when they are known; `taken` says whose a number is already."""

    queues: Collection[str]
    skills: Collection[str]
    taken: Mapping[str, str] = field(default_factory=dict)


def check(draft: Draft, problems: Problems, floor: Floor | None = None) -> None:
    """Everything that can be said about one flow."""
    flow = draft.flow
    for number in flow.numbers:
        if floor is not None and number in floor.taken:
            place = draft.place_of_number(number)
            problems.add(place, f"{number} is {floor.taken[number]}", "give the flow its own")
    nearest = _references(draft, problems)
    everything = frozenset(flow.fields) | frozenset(FACTS)
    ways = _ways(draft, nearest, everything)
    start = nearest.get(flow.start, flow.start)
    if start in ways:
        _unreachable(draft, ways, start, problems)
        known = known_fields(ways, start, everything)
        _fields(flow, known, problems)
        _people(flow, known, floor, problems)
    _loops(flow, ways, problems)


def check_together(drafts: Sequence[Draft], problems: Problems) -> None:
    """Flows that get in each other's way."""
    names: dict[str, Flow] = {}
    numbers: dict[str, Flow] = {}
    for draft in drafts:
        flow = draft.flow
        earlier = names.setdefault(flow.name, flow)
        if earlier is not flow:
            message = f"the flow {quote(flow.name)} is already taken by {earlier.path}"
            problems.add(draft.name_place or flow.place, message)
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
    found: dict[str, str] = {}
    for name, place in draft.references:
        if name in known:
            continue
        cure = problems.guess(name, known)
        problems.add(place, f"unknown step {quote(name)}", cure)
        near = meant(cure, known)
        if near is not None:
            found[name] = near
    return found


def _ways(draft: Draft, nearest: Mapping[str, str], everything: frozenset[str]) -> Ways:
    ways: dict[str, tuple[Edge, ...]] = {}
    for name, step in draft.flow.steps.items():
        ways[name] = tuple(
            Edge(nearest.get(e.target, e.target), e.label, e.sets, e.surely, e.silent)
            for e in edges(draft.flow, step)
        )
    for name, targets in draft.loose.items():
        maybe = tuple(Edge(each, "", everything, everything) for each in sorted(targets))
        ways[name] = ways.get(name, ()) + maybe
    return ways


def _unreachable(draft: Draft, ways: Ways, start: str, problems: Problems) -> None:
    seen = reachable(ways, start)
    for name, step in draft.flow.steps.items():
        if name not in seen:
            cure = "lead a way to it, or delete it"
            problems.add(step.place, f"no call ever comes to step {quote(name)}", cure)


# --- fields ----------------------------------------------------------------------------------

Known = Mapping[str, tuple[frozenset[str], frozenset[str]]]


def _fields(flow: Flow, known: Known, problems: Problems) -> None:
    names = frozenset(flow.fields) | frozenset(FACTS)
    for name, step in flow.steps.items():
        for read in reads(step):
            template = read.template
            for each in sorted(template.names):
                if each not in names:
                    problems.unknown(template.place, "field", each, names)
                elif each in flow.fields and flow.fields[each].secret:
                    cure = "a secret is compared by `identify` and goes nowhere else"
                    problems.add(template.place, f"{quote(each)} is a secret", cure)
                elif name in known and each not in known[name][0] | read.also | ALWAYS_KNOWN:
                    message = f"{quote(each)} has no value yet at step {quote(name)}"
                    problems.add(template.place, message, _where(each))


def _where(name: str) -> str:
    if name == "customer":
        return "it is known after an `identify` step"
    if name == "opens":
        return "it is known on the `closed` way out of an `hours` step"
    return "collect or set it on the way here"


# --- queues and skills -----------------------------------------------------------------------


def _people(flow: Flow, known: Known, floor: Floor | None, problems: Problems) -> None:
    for name, step in flow.steps.items():
        if not isinstance(step, QueueStep) or name not in known:
            continue
        surely = known[name][1]
        used = [("queue", step.queue), *(("skill", need.skill) for need in step.needs)]
        for what, template in used:
            allowed = None if floor is None else getattr(floor, what + "s")
            for rendering in _renderings(flow, template, surely):
                wrong = _name(what, rendering, allowed)
                if wrong is not None:
                    problems.add(template.place, *wrong)
    if floor is not None:
        for language in flow.languages:
            if language.skill is not None and language.skill not in floor.skills:
                problems.unknown(flow.place, "skill", language.skill, floor.skills)


def _name(
    what: str, rendering: Rendering, allowed: Collection[str] | None
) -> tuple[str, str] | None:
    """What is wrong with a name, and its cure."""
    if not rendering.text:
        missing = rendering.missing
        cure = f"write {{{{ {missing} | default('...') }}}}" if missing else ""
        return f"the name of the {what} can be empty here", cure
    if allowed is not None and rendering.text not in allowed:
        return f"unknown {what} {quote(rendering.text)}", suggest(rendering.text, allowed)
    return None


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a name can become; `missing` are the fields that had no value for it."""

    text: str
    missing: str


def _renderings(flow: Flow, template: Template, surely: frozenset[str]) -> Iterator[Rendering]:
    """What a name can become with every value of its fields, and which of them were unset.

    Nothing when the values cannot be listed, or when the template is empty after a mistake.
    """
    choices: list[list[tuple[str, object]]] = []
    for name in sorted(template.names):
        values = _possible(flow, name)
        if values is None:
            return
        unset: list[object] = [] if name in surely | ALWAYS_KNOWN else [None]
        choices.append([(name, value) for value in [*values, *unset]])
    if not template.source:
        return
    for combination in itertools.islice(itertools.product(*choices), MAX_COMBINATIONS):
        missing = [name for name, value in combination if value is None]
        yield Rendering(template.render(dict(combination)), ", ".join(missing))


def _possible(flow: Flow, name: str) -> Sequence[object] | None:
    """Every value a name can have, or None when they cannot be listed."""
    if name == "language":
        return [language.code for language in flow.languages]
    if name == "verified":
        return [True, False]
    found: Field | None = flow.fields.get(name)
    if found is not None and found.type == "choice":
        return found.of
    return [True, False] if found is not None and found.type == "yesno" else None


# --- loops -----------------------------------------------------------------------------------


def _loops(flow: Flow, ways: Ways, problems: Problems) -> None:
    silent = {
        name: tuple(dict.fromkeys(edge.target for edge in out if edge.silent))
        for name, out in ways.items()
        if name in flow.steps
    }
    for _ in range(MAX_LOOPS):
        found = cycle(silent)
        if found is None:
            return
        counting = _counting(flow, ways, found)
        if counting is None:
            _report_loop(flow, found, problems)
        # Taking one step out of the graph breaks this cycle and leaves the others to be found.
        del silent[counting or found[0]]


def _counting(flow: Flow, ways: Ways, found: Sequence[str]) -> str | None:
    """The branch that ends this loop, because the loop itself changes what the branch reads."""
    around = zip(found, [*found[1:], found[0]], strict=True)
    changed = {
        name
        for here, there in around
        for edge in ways[here]
        if edge.target == there
        for name in edge.sets
    }
    for name in found:
        step = flow.steps[name]
        if isinstance(step, BranchStep) and any(c.condition.names & changed for c in step.cases):
            return name
    return None


def _report_loop(flow: Flow, found: Sequence[str], problems: Problems) -> None:
    first = min(found, key=lambda name: flow.steps[name].place)
    at = found.index(first)
    path = " -> ".join([*found[at:], *found[:at], first][:8])
    asks = any(isinstance(flow.steps[name], ASKING) for name in found)
    who = "a caller who presses nothing goes" if asks else "a call goes"
    cure = "lead one of these ways to a step that ends the call"
    problems.add(flow.steps[first].place, f"{who} round for ever: {path}", cure)
