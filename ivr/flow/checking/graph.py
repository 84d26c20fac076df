"""The flow as a graph: which step can follow which, and what each one reads and sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ivr.flow.asking import (
    BookStep,
    CodeStep,
    CollectStep,
    IdentifyStep,
    JoinStep,
    MenuStep,
    Option,
    SurveyStep,
)
from ivr.flow.model import (
    KEY_TARGETS,
    AnyStep,
    BranchStep,
    CallbackStep,
    Flow,
    HangupStep,
    HoursStep,
    HttpStep,
    InviteStep,
    LookupStep,
    QueueStep,
    RecordStep,
    ReturnStep,
    RoomStep,
    RunStep,
    SayStep,
    SetStep,
    SmsStep,
    TransferStep,
    VoicemailStep,
    options_of,
)

AskingStep = MenuStep | CollectStep | IdentifyStep | CodeStep | JoinStep | SurveyStep | BookStep
ASKING = (MenuStep, CollectStep, IdentifyStep, CodeStep, JoinStep, SurveyStep, BookStep)
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one step to another.

    `label` tells when it is taken. `sets` are the fields that may have a value after it, `surely`
    those that must; `open:desk` among them means that the calendar `desk` is open, and `shut` are
    those of which this no longer holds. `silent` ways can be taken without the caller doing
    anything and without a person or the music in between: a cycle of them never ends.
    """

    target: str
    label: str
    sets: frozenset[str] = NONE
    surely: frozenset[str] = NONE
    silent: bool = False
    shut: frozenset[str] = NONE


@dataclass(frozen=True, slots=True)
class Way:
    """How a flow that is run comes back by one of its two returns.

    `sets` and `surely` are its fields as in `Edge`; `silent` when the caller need not do anything.
    """

    sets: frozenset[str] = NONE
    surely: frozenset[str] = NONE
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Returns:
    """How a flow comes back; None where it never does. `identifies` when it may find a customer."""

    ok: Way | None = None
    failed: Way | None = None
    identifies: bool = False


Subflows = Mapping[str, Returns]
NO_SUBFLOWS: Subflows = MappingProxyType({})


def is_open(calendar: str) -> str:
    """The mark of a way on which a calendar is open."""
    return f"open:{calendar}"


def edges(flow: Flow, step: AnyStep, subflows: Subflows = NO_SUBFLOWS) -> tuple[Edge, ...]:
    """Every way out of a step, the flow-wide keys included."""
    found = list(_edges(step, subflows))
    if isinstance(step, ASKING):
        taken = step.options if isinstance(step, MenuStep) else {}
        partly = _partly(step)
        for key, target in flow.keys.items():
            if target not in KEY_TARGETS and key not in taken:
                found.append(Edge(target, f"key {key}", partly))
    return tuple(edge for edge in found if edge.target)


def _partly(step: AskingStep) -> frozenset[str]:
    """The fields that may have a value when somebody leaves in the middle of a step."""
    match step:
        case IdentifyStep():
            return frozenset(step.ask)
        case SurveyStep():
            return frozenset(question.field for question in step.questions)
        case _:
            return NONE


def _edges(step: AnyStep, subflows: Subflows) -> Iterator[Edge]:
    match step:
        case MenuStep() | CollectStep() | IdentifyStep() | CodeStep() | JoinStep():
            yield from _asking_edges(step)
        case SurveyStep() | BookStep():
            yield from _asking_edges(step)
        case SayStep():
            yield Edge(step.next, "next", silent=True)
        case SetStep():
            sets = frozenset(step.sets)
            yield Edge(step.next, "next", sets, sets, silent=True)
        case HoursStep():
            opens, mark = frozenset({"opens"}), frozenset({is_open(step.calendar)})
            yield Edge(step.open, "open", mark, mark, silent=True)
            yield Edge(step.closed, "closed", opens, opens, silent=True, shut=mark)
        case BranchStep():
            for case in step.cases:
                yield Edge(case.next, case.condition.source, silent=True)
            yield Edge(step.otherwise, "otherwise", silent=True)
        case RunStep():
            yield from _run_edges(step, subflows.get(step.flow))
        case HangupStep() | ReturnStep():
            return
        case _:
            yield from _outward_edges(step)


def _asking_edges(step: AskingStep) -> Iterator[Edge]:
    match step:
        case MenuStep():
            yield from _key_edges(step.options)
        case CollectStep():
            given = frozenset({step.field})
            yield Edge(step.next, "next", given, given)
        case IdentifyStep():
            # What is known already is not asked again, so that this may go on in silence.
            known = frozenset(step.ask) | {"customer"}
            yield Edge(step.next, "next", known, known, silent=True)
            yield Edge(step.locked, "locked", frozenset(step.ask), silent=True)
        case CodeStep():
            yield Edge(step.next, "next")
            yield Edge(step.locked, "locked", silent=True)
        case JoinStep():
            # In letters nothing is asked.
            yield Edge(step.next, "next", frozenset(step.take) | {"customer"}, silent=True)
            yield Edge(step.locked, "locked", silent=True)
        case SurveyStep():
            yield Edge(step.next, "next", _partly(step), silent=True)
        case BookStep():
            sure = frozenset({step.into})
            may = sure | ({step.reference} if step.reference else NONE)
            yield Edge(step.next, "next", may, sure)
            yield Edge(step.none, "none", silent=True)
    yield Edge(step.asking.otherwise, "otherwise", _partly(step), silent=True)


def _key_edges(options: Mapping[str, Option]) -> Iterator[Edge]:
    for key, option in options.items():
        sets = frozenset(option.sets)
        mark = NONE if option.hours is None else frozenset({is_open(option.hours)})
        yield Edge(option.next, f"key {key}", sets | mark, sets | mark)


def _run_edges(step: RunStep, returns: Returns | None) -> Iterator[Edge]:
    if returns is None:
        # It could not be read, or there is none: anything may come of it.
        kept = frozenset(step.keep) | {"customer"}
        yield Edge(step.next, "next", kept, kept)
        yield Edge(step.otherwise, "otherwise", kept)
        return
    found = frozenset({"customer"}) if returns.identifies else NONE
    ok, failed = returns.ok or Way(), returns.failed or Way()
    may = frozenset(ours for ours, theirs in step.keep.items() if theirs in ok.sets)
    sure = frozenset(ours for ours, theirs in step.keep.items() if theirs in ok.surely)
    yield Edge(step.next, "next", may | found, sure, silent=ok.silent)
    yield Edge(step.otherwise, "otherwise", found, silent=failed.silent)


def _outward_edges(
    step: HttpStep
    | LookupStep
    | QueueStep
    | TransferStep
    | CallbackStep
    | RoomStep
    | InviteStep
    | SmsStep
    | VoicemailStep
    | RecordStep,
) -> Iterator[Edge]:
    """The ways out of what is done outside of the flow."""
    match step:
        case QueueStep():
            yield from (Edge(to, why, silent=why != "timeout") for why, to in step.exits.items())
            yield from _key_edges(options_of(step))
            yield Edge(step.next or "", "answered")
        case TransferStep():
            yield from (Edge(to, why, silent=why != "no_answer") for why, to in step.exits.items())
            yield Edge(step.next or "", "answered")
        case HttpStep() | LookupStep():
            taken = frozenset(step.take)
            yield Edge(step.next, "next", taken, taken, silent=True)
            yield Edge(step.otherwise, "otherwise", silent=True)
            if isinstance(step, HttpStep):
                yield from (Edge(to, why, silent=True) for why, to in step.statuses.items())
        case CallbackStep():
            yield Edge(step.next, "next", silent=True)
            if step.already != step.next:
                yield Edge(step.already, "already", silent=True)
            if step.refused != step.otherwise:
                yield Edge(step.refused, "refused", silent=True)
            yield Edge(step.otherwise, "otherwise", silent=True)
        case RoomStep():
            told = frozenset({"wait"})
            yield Edge(step.next, "next", told, told, silent=True)
            yield Edge(step.otherwise, "otherwise", told, told, silent=True)
        case SmsStep() | InviteStep() | VoicemailStep() | RecordStep():
            link = step.link if isinstance(step, SmsStep) else None
            # A form is filled in whenever somebody does.
            filled = NONE if link is None else frozenset(link.form)
            yield Edge(step.next, "next", filled, silent=True)
            yield Edge(step.otherwise, "otherwise", silent=True)
