"""What a step says and which templates it uses, and what is known when it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ivr.flow.asking import (
    BookStep,
    CodeStep,
    CollectStep,
    IdentifyStep,
    JoinStep,
    MenuStep,
    SurveyStep,
)
from ivr.flow.checking.graph import ASKING, NONE, AskingStep
from ivr.flow.model import (
    AnyStep,
    BranchStep,
    CallbackStep,
    HangupStep,
    HttpStep,
    InviteStep,
    LookupStep,
    QueueStep,
    RecordStep,
    RoomStep,
    RunStep,
    SayStep,
    SetStep,
    SmsStep,
    TransferStep,
    VoicemailStep,
    options_of,
)
from ivr.flow.words import Speech, Template


@dataclass(frozen=True, slots=True)
class Read:
    """A template a step uses; `also` are fields that have a value by then within the step."""

    template: Template
    also: frozenset[str] = NONE


@dataclass(frozen=True, slots=True)
class Said:
    """Words of a step; `also` as in `Read`."""

    speech: Speech
    also: frozenset[str] = NONE


CODE = frozenset({"code"})
"""What the text of a code may read besides fields: the code."""
LINK = frozenset({"link"})
"""What a text message may read besides, where it has a link."""


def reads(step: AnyStep) -> Iterator[Read]:
    """Every template of a step."""
    yield from map(Read, _filled(step))
    if isinstance(step, CollectStep) and step.valid is not None:
        yield Read(step.valid, frozenset({step.field}))
    for said in speeches(step):
        for words in said.speech:
            for template in (*words.texts.values(), *words.written.values()):
                yield Read(template, said.also)


def _filled(step: AnyStep) -> Iterator[Template]:
    """The templates that are not spoken."""
    optional: tuple[Template | None, ...] = ()
    match step:
        case BranchStep():
            yield from (case.condition for case in step.cases)
        case SetStep():
            yield from step.sets.values()
        case RunStep() | BookStep():
            yield from step.given.values()
        case CodeStep() | SmsStep():
            yield step.to
        case HttpStep():
            yield step.path
            yield from step.query.values()
            yield from (step.body or {}).values()
        case LookupStep():
            yield from step.by.values()
        case QueueStep():
            yield from (need.skill for need in step.needs)
            optional = (step.queue, step.tell_agent, step.priority, step.agent, step.prefer)
        case RoomStep():
            yield from (need.skill for need in step.needs)
            yield step.room.queue
        case TransferStep():
            optional = (step.to, step.queue, step.tell_agent)
        case CallbackStep():
            yield from (need.skill for need in step.needs)
            optional = (step.queue, step.number, step.tell_agent, step.priority)
    yield from (template for template in optional if template is not None)
    for option in options_of(step).values():
        yield from option.sets.values()
        if option.room is not None:
            yield option.room.queue


def speeches(step: AnyStep) -> Iterator[Said]:
    """Everything a step can say, to the caller, to an agent, or in a text message."""
    match step:
        case SayStep() | HangupStep() | VoicemailStep() | RecordStep():
            yield Said(step.say)
        case QueueStep():
            yield Said(step.whisper)
            yield from map(Said, () if step.waiting is None else step.waiting.say)
            for option in options_of(step).values():
                yield from (Said(option.label), Said(option.say))
        case TransferStep():
            yield from (Said(step.say), Said(step.whisper))
        case SmsStep():
            yield from (Said(step.patience), Said(step.text, LINK if step.link else NONE))
        case InviteStep():
            yield Said(step.say, CODE)
        case HttpStep() | LookupStep() | CallbackStep():
            yield Said(step.patience)
        case _:
            if isinstance(step, ASKING):
                yield from _asked(step)


def _asked(step: AskingStep) -> Iterator[Said]:
    known: frozenset[str] = NONE
    match step:
        case MenuStep():
            yield Said(step.say)
            for option in step.options.values():
                yield from (Said(option.label), Said(option.say))
        case CollectStep():
            yield Said(step.say)
            yield Said(step.confirm or (), frozenset({step.field}))
        case IdentifyStep():
            for name in step.ask:
                yield Said(step.speeches.get(name, ()), known)
                known |= {name}
        case CodeStep():
            yield from (Said(step.text, CODE), Said(step.say))
        case JoinStep():
            yield Said(step.say)
        case SurveyStep():
            for question in step.questions:
                yield Said(question.say, known)
                known |= {question.field}
        case BookStep():
            yield Said(step.say)
    if isinstance(step, IdentifyStep | CodeStep | JoinStep):
        yield from (Said(speech, known) for speech in step.wrong.speeches)
    if isinstance(step, IdentifyStep | CodeStep | JoinStep | BookStep):
        yield Said(step.patience)
    asking = step.asking
    failures = (*asking.noinput.speeches, *asking.nomatch.speeches, *asking.help.speeches)
    yield from (Said(speech, known) for speech in (*failures, asking.error))
