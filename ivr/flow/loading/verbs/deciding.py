"""Steps that ask nobody: speaking, deciding, keeping values, and other flows."""

from __future__ import annotations

from ivr.flow.loading.clause import EMPTY, Clause
from ivr.flow.loading.options import read_sets
from ivr.flow.loading.section import Section, as_choice, as_list
from ivr.flow.loading.yaml import Node
from ivr.flow.model import (
    BranchStep,
    Case,
    HangupStep,
    HoursStep,
    ReturnStep,
    RunStep,
    SayStep,
    SetStep,
)

RETURNS = ("ok", "failed")


def say(clause: Clause) -> SayStep:
    """Speak, then go on."""
    return SayStep(
        name=clause.name,
        place=clause.place,
        say=clause.reading.speech(clause.value, '"say"'),
        next=clause.next(),
    )


def hangup(clause: Clause) -> HangupStep:
    """Say goodbye and end the call."""
    speech = () if clause.empty() else clause.reading.speech(clause.value, '"hangup"')
    return HangupStep(name=clause.name, place=clause.place, say=speech)


def hours(clause: Clause) -> HoursStep:
    """Go by a calendar."""
    return HoursStep(
        name=clause.name,
        place=clause.place,
        calendar=clause.reading.calendar(clause.value) or "",
        open=clause.reading.way(clause.section, "open"),
        closed=clause.reading.way(clause.section, "closed"),
    )


def branch(clause: Clause) -> BranchStep:
    """Go by the first condition that holds."""
    reading = clause.reading

    def case(node: Node) -> Case:
        with Section(node, "a case", reading.problems) as inner:
            condition = inner.node("if", required=True)
            compiled = EMPTY if condition is None else reading.condition(condition, '"if"')
            return Case(compiled, reading.way(inner, "next"))

    otherwise = clause.section.node("otherwise", required=True)
    return BranchStep(
        name=clause.name,
        place=clause.place,
        cases=as_list(clause.value, '"branch"', reading.problems, case),
        otherwise=reading.reference(otherwise, '"otherwise"') or "",
    )


def set_(clause: Clause) -> SetStep:
    """Give fields a value."""
    return SetStep(
        name=clause.name,
        place=clause.place,
        sets=read_sets(clause.value, clause.reading),
        next=clause.next(),
    )


def run(clause: Clause) -> RunStep:
    """Run another flow."""
    keep = clause.taken("keep")
    return RunStep(
        name=clause.name,
        place=clause.place,
        flow=clause.reading.plain_name(clause.value, '"run"'),
        given=clause.templates("with"),
        keep={ours: theirs for ours, (theirs, _) in keep.items()},
        next=clause.next(),
        otherwise=clause.otherwise(),
    )


def return_(clause: Clause) -> ReturnStep:
    """End a flow that another one runs."""
    how = "ok"
    if not clause.empty():
        how = as_choice(clause.value, '"return"', clause.problems, RETURNS) or "ok"
    return ReturnStep(name=clause.name, place=clause.place, ok=how == "ok")
