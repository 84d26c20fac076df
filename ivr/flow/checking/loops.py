"""Rounds that a call can make for ever while its caller does nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.flow.checking.dataflow import cycle
from ivr.flow.checking.graph import ASKING
from ivr.flow.loading.draft import Inspection
from ivr.flow.model import BranchStep, HttpStep, LookupStep, SmsStep

MAX_LOOPS = 100


def check_loops(view: Inspection) -> None:
    """Reports every round that nothing ends."""
    silent = {
        name: tuple(dict.fromkeys(edge.target for edge in out if edge.silent))
        for name, out in view.ways.items()
        if name in view.flow.steps
    }
    for _ in range(MAX_LOOPS):
        found = cycle(silent)
        if found is None:
            return
        counting = _counting(view, found)
        if counting is None:
            _report(view, found)
        # Taking one step out of the graph breaks this cycle and leaves the others to be found.
        del silent[counting or found[0]]


def _counting(view: Inspection, found: Sequence[str]) -> str | None:
    """The branch that ends this loop, because the loop itself changes what the branch reads."""
    around = zip(found, [*found[1:], found[0]], strict=True)
    changed = {
        name
        for here, there in around
        for edge in view.ways[here]
        if edge.target == there
        for name in edge.sets
    }
    for name in found:
        step = view.flow.steps[name]
        if isinstance(step, BranchStep) and any(c.condition.names & changed for c in step.cases):
            return name
    return None


def _report(view: Inspection, found: Sequence[str]) -> None:
    steps = view.flow.steps
    first = min(found, key=lambda name: steps[name].place)
    at = found.index(first)
    path = " -> ".join([*found[at:], *found[:at], first][:8])
    cure = "lead one of these ways to a step that ends the call"
    who = "a call goes"
    if any(isinstance(steps[name], ASKING) for name in found):
        who = "a caller who presses nothing goes"
    elif any(isinstance(steps[name], HttpStep | LookupStep | SmsStep) for name in found):
        cure = "use `retries`, or lead what failed to a step that ends the call"
    view.problems.add(steps[first].place, f"{who} round for ever: {path}", cure)
