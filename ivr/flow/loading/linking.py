"""Flows that run each other: resolved, checked in order, and given to each other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ivr.backends.names import Names
from ivr.flow.asking import IdentifyStep, JoinStep
from ivr.flow.checking.asked import asked_fields
from ivr.flow.checking.checks import check
from ivr.flow.checking.dataflow import cycle, reachable
from ivr.flow.checking.graph import NONE, Returns, Way
from ivr.flow.checking.reads import speeches
from ivr.flow.loading.draft import Draft, Floor, Inspection
from ivr.flow.loading.yaml import Problems, quote
from ivr.flow.model import Flow, ReturnStep, RunStep


def link(
    drafts: Sequence[Draft],
    problems: Problems,
    floor: Floor | None = None,
    names: Names | None = None,
) -> tuple[Inspection, ...]:
    """Checks every flow, those that are run first; each has its `subflows` then.

    A flow's revision is also that of the flows it runs.
    """
    known: dict[str, Draft] = {}
    for draft in drafts:
        known.setdefault(draft.flow.name, draft)
    runs = {name: _runs(draft, known, problems) for name, draft in known.items()}
    _refuse_rounds(known, runs, problems)
    done: dict[str, Inspection] = {}
    returns: dict[str, Returns] = {}
    found: list[Inspection] = []
    for draft in _in_order(drafts, runs):
        inner = {each: done[each] for each in runs[draft.flow.name] if each in done}
        flows = {name: view.flow for name, view in inner.items()}
        linked = replace(draft, flow=_with(draft.flow, flows))
        view = check(linked, problems, floor, names=names, subflows=returns)
        for name, other in inner.items():
            _check_run(view, name, other, returns.get(name))
        found.append(view)
        if known[draft.flow.name] is draft:
            done[draft.flow.name] = view
            if not draft.loose:
                returns[draft.flow.name] = _returns(view)
    return tuple(found)


def _with(flow: Flow, subflows: Mapping[str, Flow]) -> Flow:
    if not subflows:
        return flow
    parts = (flow.revision, *(subflows[name].revision for name in sorted(subflows)))
    revision = hashlib.sha256("".join(parts).encode()).hexdigest()[:12]
    return replace(flow, revision=revision, subflows=subflows)


def _runs(draft: Draft, known: Mapping[str, Draft], problems: Problems) -> tuple[str, ...]:
    """The flows it runs; reports those that are not there, or cannot be run."""
    flow, found = draft.flow, []
    for step in flow.steps.values():
        if not isinstance(step, RunStep) or not step.flow:
            continue
        place, other = draft.place("steps", step.name, "run"), known.get(step.flow)
        if other is None:
            others = [name for name, each in known.items() if not each.flow.numbers]
            problems.unknown(place, "flow", step.flow, set(others) - {flow.name})
        elif other.flow.numbers:
            message = f"{quote(step.flow)} has numbers of its own: calls go there, it is not run"
            problems.add(place, message, "run a flow without numbers")
        else:
            found.append(step.flow)
    return tuple(dict.fromkeys(found))


def _refuse_rounds(
    known: Mapping[str, Draft], runs: dict[str, tuple[str, ...]], problems: Problems
) -> None:
    """Reports flows that would run each other for ever, and takes one run out of each round."""
    while (found := cycle(runs)) is not None:
        path = " -> ".join([*found, found[0]])
        first, second = found[0], found[1 % len(found)]
        for step in known[first].flow.steps.values():
            if isinstance(step, RunStep) and step.flow == second:
                place = known[first].place("steps", step.name, "run")
                message = f"these flows run each other for ever: {path}"
                problems.add(place, message, "lead back with `return`, or by a step")
        runs[first] = tuple(each for each in runs[first] if each != second)


def _in_order(drafts: Sequence[Draft], runs: Mapping[str, tuple[str, ...]]) -> list[Draft]:
    """Flows that are run come before those that run them. Without recursion: chains may be long."""
    depth: dict[str, int] = {}
    waiting = list(runs)
    while waiting:
        name = waiting[-1]
        inner = [each for each in runs[name] if each not in depth]
        if inner and name not in depth:
            waiting += inner
            continue
        waiting.pop()
        depth[name] = 1 + max((depth[each] for each in runs[name]), default=0)
    return sorted(drafts, key=lambda draft: depth[draft.flow.name])


def _returns(view: Inspection) -> Returns:
    """How a flow comes back to the one that runs it."""
    silent = reachable(view.ways, view.flow.start, silent=True)
    ways: dict[bool, Way] = {}
    for name, step in view.flow.steps.items():
        if not isinstance(step, ReturnStep) or name not in view.known:
            continue
        here, earlier = view.known[name], ways.get(step.ok)
        ways[step.ok] = Way(
            here.all_may() | (earlier.sets if earlier is not None else NONE),
            here.all_must() & earlier.surely if earlier is not None else here.all_must(),
            name in silent or (earlier is not None and earlier.silent),
        )
    steps = view.flow.steps.values()
    inner = (view.subflows.get(step.flow) for step in steps if isinstance(step, RunStep))
    identifies = any(isinstance(step, IdentifyStep | JoinStep) for step in steps)
    return Returns(
        ways.get(True),
        ways.get(False),
        identifies or any(each is not None and each.identifies for each in inner),
    )


# --- what a step asks of the flow it runs ----------------------------------------------------


def _check_run(view: Inspection, name: str, other: Inspection, returns: Returns | None) -> None:
    flow, inner, problems = view.flow, other.flow, view.problems
    for step in flow.steps.values():
        if not isinstance(step, RunStep) or step.flow != name:
            continue
        for given in step.given:
            if given not in inner.takes:
                place = view.at(step.name, "with", given)
                problems.unknown(place, f"field that {quote(name)} takes:", given, inner.takes)
        missing = [each for each in inner.takes if each not in step.given]
        if missing:
            place = view.at(step.name, "run")
            cure = f'add with: {{{missing[0]}: "{{{{ ... }}}}"}}'
            problems.add(place, f"{quote(name)} takes {', '.join(missing)} as well", cure)
        for ours, theirs in step.keep.items():
            if theirs not in inner.gives:
                place = view.at(step.name, "keep", ours)
                problems.unknown(place, f"field that {quote(name)} gives:", theirs, inner.gives)
        if returns is not None and returns.ok is None:
            place = view.at(step.name, "run")
            message = f"{quote(name)} never comes back"
            problems.add(place, message, "end it with a `return` step that a call can come to")
        _languages(view, step, other)
        _telephone(view, step, other)


def _languages(view: Inspection, step: RunStep, other: Inspection) -> None:
    if not any(said.speech for each in other.flow.steps.values() for said in speeches(each)):
        return
    theirs = {each.code for each in other.flow.languages}
    missing = [each.code for each in view.flow.languages if each.code not in theirs]
    if missing:
        message = f"{quote(step.flow)} has no {', '.join(missing)} words, which this flow speaks"
        view.problems.add(view.at(step.name, "run"), message, "add them there under `languages`")


def _telephone(view: Inspection, step: RunStep, other: Inspection) -> None:
    if not view.flow.numbers:
        return
    for each in other.flow.steps.values():
        for name in asked_fields(each):
            field = other.flow.fields.get(name)
            if field is not None and field.type == "text":
                message = f"{quote(step.flow)} asks for {quote(name)}, which no telephone can key"
                view.problems.add(view.at(step.name, "run"), message, "this flow has numbers")
