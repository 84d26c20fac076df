"""The flow as a graph: which step can follow which, and what each one reads and sets."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ivr.flow.model import (
    REPEAT,
    AnyStep,
    BranchStep,
    CollectStep,
    Flow,
    HangupStep,
    HoursStep,
    IdentifyStep,
    MenuStep,
    QueueStep,
    SayStep,
    SetStep,
    Speech,
    Template,
    VoicemailStep,
)

ASKING = (MenuStep, CollectStep, IdentifyStep)


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one step to another.

    `label` tells when it is taken. `sets` are the fields that may have a value after it, `surely`
    those that must. `silent` ways can be taken without the caller doing anything and without a
    person or the music in between: a cycle of them never ends.
    """

    target: str
    label: str
    sets: frozenset[str] = frozenset()
    surely: frozenset[str] = frozenset()
    silent: bool = False


def edges(flow: Flow, step: AnyStep) -> tuple[Edge, ...]:
    """Every way out of a step, the flow-wide keys included."""
    found = list(_edges(step))
    if isinstance(step, ASKING):
        taken = step.options if isinstance(step, MenuStep) else {}
        partly = frozenset(step.ask) if isinstance(step, IdentifyStep) else frozenset[str]()
        for key, target in flow.keys.items():
            if target != REPEAT and key not in taken:
                found.append(Edge(target, f"key {key}", partly))
    return tuple(edge for edge in found if edge.target)


def _edges(step: AnyStep) -> Iterator[Edge]:
    match step:
        case MenuStep() | CollectStep() | IdentifyStep():
            yield from _asking_edges(step)
        case SayStep():
            yield Edge(step.next, "next", silent=True)
        case SetStep():
            sets = frozenset(step.sets)
            yield Edge(step.next, "next", sets, sets, silent=True)
        case HoursStep():
            opens = frozenset({"opens"})
            yield Edge(step.open, "open", silent=True)
            yield Edge(step.closed, "closed", opens, opens, silent=True)
        case BranchStep():
            for case in step.cases:
                yield Edge(case.next, case.condition.source, silent=True)
            yield Edge(step.otherwise, "otherwise", silent=True)
        case QueueStep():
            yield from (Edge(to, why, silent=why != "timeout") for why, to in step.exits.items())
            yield Edge(step.next or "", "answered")
        case VoicemailStep():
            yield Edge(step.next, "recorded", silent=True)
            yield Edge(step.otherwise, "otherwise", silent=True)
        case HangupStep():
            return


def _asking_edges(step: MenuStep | CollectStep | IdentifyStep) -> Iterator[Edge]:
    partly: frozenset[str] = frozenset()
    if isinstance(step, MenuStep):
        for key, option in step.options.items():
            sets = frozenset(option.sets)
            yield Edge(option.next, key, sets, sets)
    elif isinstance(step, CollectStep):
        given = frozenset({step.field})
        yield Edge(step.next, "next", given, given)
    else:
        partly = frozenset(step.ask)
        known = partly | {"customer"}
        yield Edge(step.next, "next", known, known)
    yield Edge(step.asking.otherwise, "otherwise", partly, silent=True)


@dataclass(frozen=True, slots=True)
class Read:
    """A template a step uses; `also` are fields that have a value by then within the step."""

    template: Template
    also: frozenset[str] = frozenset()


def reads(step: AnyStep) -> Iterator[Read]:
    """Every template of a step."""
    match step:
        case SayStep() | HangupStep() | VoicemailStep():
            yield from _spoken(step.say)
        case MenuStep() | CollectStep() | IdentifyStep():
            yield from _asked(step)
        case BranchStep():
            yield from (Read(case.condition) for case in step.cases)
        case SetStep():
            yield from map(Read, step.sets.values())
        case QueueStep():
            yield Read(step.queue)
            yield from (Read(need.skill) for need in step.needs)
            optional = (step.priority, step.tell_agent, step.agent)
            yield from (Read(template) for template in optional if template is not None)
            yield from _spoken(step.whisper)
        case HoursStep():
            return


def _asked(step: MenuStep | CollectStep | IdentifyStep) -> Iterator[Read]:
    known: frozenset[str] = frozenset()
    failures = [*step.asking.noinput.speeches, *step.asking.nomatch.speeches]
    if isinstance(step, MenuStep):
        yield from _spoken(step.say)
        for option in step.options.values():
            yield from map(Read, option.sets.values())
    elif isinstance(step, CollectStep):
        yield from _spoken(step.say)
        yield from _spoken(step.confirm, frozenset({step.field}))
    else:
        for name in step.ask:
            yield from _spoken(step.speeches[name], known)
            known |= {name}
        failures += step.wrong.speeches
    for speech in failures:
        yield from _spoken(speech, known)


def _spoken(speech: Speech, also: frozenset[str] = frozenset()) -> Iterator[Read]:
    for words in speech:
        for template in words.texts.values():
            yield Read(template, also)


Ways = Mapping[str, tuple[Edge, ...]]


def reachable(ways: Ways, start: str) -> frozenset[str]:
    """Every step a call can come to."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in ways and name not in seen:
            seen.add(name)
            waiting.extend(edge.target for edge in ways[name])
    return frozenset(seen)


def known_fields(
    ways: Ways, start: str, everything: frozenset[str]
) -> Mapping[str, tuple[frozenset[str], frozenset[str]]]:
    """For each reachable step: the fields that may have a value there, and those that must.

    A forward data-flow over the graph: "may" is the union over all ways in, "must" the
    intersection; both only ever move one way, so the loop ends. Sets are bits of one integer.
    """
    bits = {name: 1 << index for index, name in enumerate(sorted(everything))}

    def mask(names: frozenset[str]) -> int:
        return sum(bits.get(name, 0) for name in names)

    out = {
        name: [(edge.target, mask(edge.sets), mask(edge.surely)) for edge in edges_out]
        for name, edges_out in ways.items()
    }
    may, must = {start: 0}, {start: 0}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        for target, sets, surely in out.get(name, ()):
            if target not in ways:
                continue
            more = may.get(target, 0) | may[name] | sets
            sure = must.get(target, -1) & (must[name] | surely)
            if target not in may or more != may[target] or sure != must[target]:
                may[target], must[target] = more, sure
                waiting.append(target)

    def names(value: int) -> frozenset[str]:
        return frozenset(name for name, bit in bits.items() if value & bit)

    cached = functools.cache(names)
    return {name: (cached(may[name]), cached(must[name])) for name in may}


def cycle(successors: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """One cycle as the names along it, or None. Iterative: a flow may have thousands of steps."""
    done: set[str] = set()
    for root in successors:
        if root in done:
            continue
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, Iterator[str]]] = [(root, iter(successors[root]))]
        path.append(root)
        on_path.add(root)
        while stack:
            name, following = stack[-1]
            target = next(following, None)
            if target is None:
                stack.pop()
                path.pop()
                on_path.discard(name)
                done.add(name)
            elif target in on_path:
                return tuple(path[path.index(target) :])
            elif target in successors and target not in done:
                stack.append((target, iter(successors[target])))
                path.append(target)
                on_path.add(target)
    return None
