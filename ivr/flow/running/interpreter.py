"""Runs a flow, one action at a time. Pure: time is an argument, media do the rest.

    turn = start(flow, facts, now)
    while not isinstance(turn.action, Hangup):
        turn = resume(flow, turn.state, <what came of turn.action>, now)

Rules:
- A question fails by silence (`noinput`) or by a wrong entry (`nomatch`). Both count as tries; when
  the tries are used up the call takes `otherwise`.
- A flow-wide key counts when the entry is that key alone and means nothing else at this question.
  A key that is no digit, such as `*`, counts at the end of an entry too, which it takes back.
- `identify` asks only for what is not known yet; after a mismatch it asks for everything again.
- A medium that fails never ends the call: the flow goes on by `otherwise`, or by `next` where
  there is no `otherwise`.
- No call goes on for ever, whatever comes back: after so many questions (`MAX_QUESTIONS`) each
  further one takes `otherwise` at once, to a person or to a goodbye; and a flow that goes round
  without anybody doing anything is stuck.
- `switches` are what operators said of calendars, by `Calendar.name`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from ivr.errors import ServiceFault
from ivr.flow.actions import Value
from ivr.flow.asking import (
    BookStep,
    CodeStep,
    CollectStep,
    IdentifyStep,
    JoinStep,
    MenuStep,
    Step,
    SurveyStep,
)
from ivr.flow.calendar import Switches
from ivr.flow.errands import AnyResult
from ivr.flow.model import (
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
)
from ivr.flow.running.booking import BOOK
from ivr.flow.running.collecting import COLLECT, SURVEY
from ivr.flow.running.identity import CODE, IDENTIFY
from ivr.flow.running.joining import INVITE, JOIN
from ivr.flow.running.kinds import BRANCH, HANGUP, HOURS, SAY, SET, Kind, Next, end
from ivr.flow.running.menus import MENU
from ivr.flow.running.people import QUEUE, RECORD, TRANSFER, VOICEMAIL
from ivr.flow.running.performing import CALLBACK, HTTP, LOOKUP, ROOM, SMS
from ivr.flow.running.scene import Scene
from ivr.flow.running.state import Facts, FlowStuck, State, Turn
from ivr.flow.running.subflows import RETURN, RUN

__all__ = ["Facts", "FlowStuck", "State", "Turn", "again", "informed", "resume", "start"]

KINDS: Mapping[type[Step], Kind[Any]] = {
    SayStep: SAY,
    MenuStep: MENU,
    CollectStep: COLLECT,
    IdentifyStep: IDENTIFY,
    CodeStep: CODE,
    JoinStep: JOIN,
    HoursStep: HOURS,
    BranchStep: BRANCH,
    SetStep: SET,
    HttpStep: HTTP,
    LookupStep: LOOKUP,
    QueueStep: QUEUE,
    TransferStep: TRANSFER,
    CallbackStep: CALLBACK,
    RoomStep: ROOM,
    InviteStep: INVITE,
    SmsStep: SMS,
    VoicemailStep: VOICEMAIL,
    RecordStep: RECORD,
    SurveyStep: SURVEY,
    BookStep: BOOK,
    RunStep: RUN,
    ReturnStep: RETURN,
    HangupStep: HANGUP,
}
VERBS = {kind: kind.__name__.removesuffix("Step").lower() for kind in KINDS}

NO_SWITCHES: Switches = MappingProxyType({})
Answers = Mapping[str, Mapping[str, Value]]
MAX_IDLE_STEPS = 200
"""No sensible flow passes through this many steps while the caller does nothing."""


def start(
    flow: Flow,
    facts: Facts,
    now: datetime,
    language: str | None = None,
    switches: Switches = NO_SWITCHES,
) -> Turn:
    """The first turn of a call. An unknown language means the flow's first one."""
    code = flow.language(language or "").code
    scene = Scene(flow, State(flow.name, flow.revision, flow.start, facts, code), now, switches)
    scene.tell(
        "started",
        flow=flow.name,
        revision=flow.revision,
        caller=facts.caller,
        dialled=facts.dialled,
        channel=facts.channel,
        language=code,
    )
    return _turn(scene, flow.start)


def resume(
    flow: Flow,
    state: State,
    result: AnyResult,
    now: datetime,
    switches: Switches = NO_SWITCHES,
) -> Turn:
    """The next turn.

    Raises ServiceFault when the result does not fit what was asked; but when the flow has changed
    since, the caller is taken to its start instead. Raises FlowStuck.
    """
    try:
        scene = Scene(flow, state, now, switches)
        step = _step(scene)
        if state.phase == "over":
            raise scene.unfit(result)
        return _turn(scene, KINDS[type(step)].take(scene, step, result))
    except (ServiceFault, LookupError):
        if state.revision == flow.revision or state.phase == "over":
            raise
    return _from_start(flow, state, now, switches)


def informed(flow: Flow, state: State, answers: Answers) -> State:
    """The state with what was filled in elsewhere meanwhile: in a form, by flow and field.

    What was proven stays as it is, and so does what is being compared: or a proof of one value
    would be a proof of another. A field that is not there any more is left out.
    """
    names = [flow.name, *(frame.runs for frame in state.frames)]
    known = {each.name: each for each in (flow, *_inside(flow, state))}
    compared = _compared(known.get(names[-1]), state)

    def merged(at: int, before: Mapping[str, Value], fixed: Collection[str]) -> Any:
        there = known[names[at]].fields if names[at] in known else {}
        told = answers.get(names[at], {})
        return {**before, **{n: v for n, v in told.items() if n in there and n not in fixed}}

    frames = tuple(
        replace(frame, fields=merged(at, frame.fields, frame.proven))
        for at, frame in enumerate(state.frames)
    )
    fields = merged(len(frames), state.fields, compared | state.proven.keys())
    return replace(state, frames=frames, fields=fields)


def _compared(flow: Flow | None, state: State) -> frozenset[str]:
    """The fields that a proof which is under way will hold for."""
    match flow.steps.get(state.step) if flow is not None else None:
        case IdentifyStep(ask=ask) if state.phase == "identify":
            return frozenset(ask)
        case CodeStep(to=to):
            return to.names
    return frozenset()


def _inside(flow: Flow, state: State) -> Iterator[Flow]:
    """The flows that run within each other just now."""
    for frame in state.frames:
        inner = flow.subflows.get(frame.runs)
        if inner is None:
            return
        yield inner
        flow = inner


def again(flow: Flow, state: State, now: datetime, switches: Switches = NO_SWITCHES) -> Turn:
    """Asks for the present action again, after a restart in the middle of it.

    A secret that was lost is asked for again. What was asked of a backend is asked again, unless
    that could do a thing twice: a request that creates something counts as failed. Text messages,
    promises and reservations bear a name, and are asked for again by it. A step that the flow no
    longer has leads back to its start.
    """
    try:
        scene = Scene(flow, state, now, switches)
        step = _step(scene)
        scene.tell("again")
        if state.phase == "over":
            return _turn(scene, end(scene, step.say if isinstance(step, HangupStep) else ()))
        return _turn(scene, KINDS[type(step)].again(scene, step))
    except (ServiceFault, LookupError):
        if state.revision == flow.revision:
            raise
    return _from_start(flow, state, now, switches)


def _from_start(flow: Flow, state: State, now: datetime, switches: Switches) -> Turn:
    """A call whose place is gone begins anew in the flow as it is now, with what is known."""
    begun = state
    if state.frames:
        outer = state.frames[0]
        begun = replace(
            state,
            fields=outer.fields,
            secrets=outer.secrets,
            proven=outer.proven,
            doubted=outer.doubted,
        )
    begun = replace(
        begun,
        flow=flow.name,
        revision=flow.revision,
        step=flow.start,
        frames=(),
        trail=(),
        asking=False,
    )
    scene = Scene(flow, begun, now, switches)
    scene.tell("flow_changed", revision=flow.revision)
    return _turn(scene, flow.start)


def _step(scene: Scene) -> AnyStep:
    step = scene.flow.steps.get(scene.state.step)
    if step is None:
        raise ServiceFault(f'flow "{scene.flow.name}" has no step "{scene.state.step}"')
    return step


def _turn(scene: Scene, following: Next) -> Turn:
    """Goes on through the steps that need no medium."""
    while isinstance(following, str):
        following = _enter(scene, following)
    return Turn(scene.state, following, tuple(scene.events))


def _enter(scene: Scene, name: str) -> Next:
    idle = scene.state.idle + 1
    if idle > MAX_IDLE_STEPS:
        message = f'flow "{scene.flow.name}" went round {MAX_IDLE_STEPS} steps, last "{name}"'
        raise FlowStuck(f"{message}, without the caller doing anything")
    scene.change(
        step=name,
        idle=idle,
        noinputs=0,
        nomatches=0,
        helps=0,
        rounds=0,
        held=None,
        place=0,
        slots=(),
        more=False,
        notice="",
        survey="",
        asking=False,
    )
    step = _step(scene)
    if scene.state.frames:
        scene.tell("step", verb=VERBS[type(step)], flow=scene.state.running)
    else:
        scene.tell("step", verb=VERBS[type(step)])
    return KINDS[type(step)].begin(scene, step)
