"""Steps that are staffed by a calendar: no way may lead there while it is closed."""

from __future__ import annotations

from ivr.flow.asking import BookStep
from ivr.flow.checking.graph import Edge, is_open
from ivr.flow.loading.draft import Inspection
from ivr.flow.loading.yaml import quote
from ivr.flow.model import BranchStep, CallbackStep, QueueStep, TransferStep, options_of

STAFFED = (QueueStep, TransferStep, CallbackStep, BookStep)


def check_staffed(view: Inspection) -> None:
    """Reports every way that offers what its calendar may have closed."""
    hours = {
        name: step.hours
        for name, step in view.flow.steps.items()
        if isinstance(step, STAFFED) and step.hours is not None
    }
    if not hours:
        return
    for name, known in view.known.items():
        for edge in view.ways[name]:
            calendar = hours.get(edge.target)
            if calendar is None:
                continue
            mark = is_open(calendar)
            if mark in edge.shut or not (known.must(mark) or mark in edge.surely):
                _report(view, name, edge, calendar)
    start = view.flow.start
    if start in hours:
        message = f"the flow begins with {quote(start)}, also while {quote(hours[start])} is closed"
        view.problems.add(view.at(start, "hours"), message, _cure(hours[start]))


def _report(view: Inspection, name: str, edge: Edge, calendar: str) -> None:
    step = view.flow.steps.get(name)
    closed = f"which the calendar {quote(calendar)} has closed at times"
    place = step.place if step is not None else view.at(name)
    if edge.label == "closed" and is_open(calendar) in edge.shut:
        message = (
            f"{quote(name)} leads to {quote(edge.target)} just when {quote(calendar)} is closed"
        )
        view.problems.add(view.at(name, "closed"), message, "lead it to another step")
        return
    option = None if step is None else options_of(step).get(edge.label.removeprefix("key "))
    if option is not None and edge.label.startswith("key "):
        message = f"{edge.label} offers {quote(edge.target)}, {closed}"
        view.problems.add(option.place, message, _cure(calendar, option=True))
        return
    if edge.label.startswith("key "):
        key = edge.label.removeprefix("key ")
        place = view.draft.place("keys", key)
        view.problems.add(
            place, f"key {key} leads to {quote(edge.target)}, {closed}", _cure(calendar)
        )
        return
    written = view.at(name, edge.label)
    message = f"{quote(name)} leads to {quote(edge.target)}, {closed}"
    if written != view.at(name):
        place = written
    elif not isinstance(step, BranchStep):
        queue = ("queue",) if isinstance(step, QueueStep) else ()
        place = view.draft.place("defaults", *queue, "otherwise")
        message = f"callers who get no further come to {quote(edge.target)}, {closed}"
    view.problems.add(place, message, _cure(calendar))


def _cure(calendar: str, *, option: bool = False) -> str:
    if option:
        return f"give the option `hours: {calendar}`, or lead it through a step with it"
    return f"lead it through a step `hours: {calendar}`, on whose open way it lies"
