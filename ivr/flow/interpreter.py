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
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ivr.errors import ServiceFault
from ivr.flow.actions import (
    Action,
    Failed,
    Hangup,
    NotRecorded,
    Prompt,
    Prompts,
    Queue,
    QueueLeft,
    Recorded,
    Result,
    Said,
    Say,
    Voicemail,
)
from ivr.flow.model import (
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
    VoicemailStep,
)
from ivr.flow.questions import Questions
from ivr.flow.state import Facts, FlowStuck, State, Turn

__all__ = ["Facts", "FlowStuck", "State", "Turn", "again", "resume", "start"]

MAX_IDLE_STEPS = 200
"""No sensible flow passes through this many steps while the caller does nothing."""


def start(flow: Flow, facts: Facts, now: datetime, language: str | None = None) -> Turn:
    """The first turn of a call. An unknown language means the flow's first one."""
    code = flow.language(language or "").code
    run = _Run(flow, State(flow.name, flow.revision, flow.start, facts, code), now)
    run.tell(
        "started",
        flow=flow.name,
        revision=flow.revision,
        caller=facts.caller,
        dialled=facts.dialled,
        channel=facts.channel,
        language=code,
    )
    return run.turn(run.enter(flow.start))


def resume(flow: Flow, state: State, result: Result, now: datetime) -> Turn:
    """The next turn.

    Raises ServiceFault when the result does not fit what was asked; but when the flow has changed
    since, the caller is taken to its start instead.
    """
    run = _Run(flow, state, now)
    try:
        return run.turn(run.take(result))
    except ServiceFault:
        if state.revision == flow.revision or state.phase == "over":
            raise
    run = _Run(flow, replace(state, revision=flow.revision), now)
    run.tell("flow_changed", revision=flow.revision)
    return run.turn(run.enter(flow.start))


def again(flow: Flow, state: State, now: datetime) -> Turn:
    """Asks for the present action again, after a restart in the middle of it.

    A secret that was lost is asked for again. A step that the flow no longer has leads back to its
    start.
    """
    run = _Run(flow, state, now)
    run.tell("again")
    return run.turn(run.once_more())


class _Run(Questions):
    """One turn: takes a result, goes through steps, ends with the next action."""

    def turn(self, action: Action) -> Turn:
        return Turn(self.state, action, tuple(self.events))

    # --- going on ---

    def enter(self, name: str) -> Action:
        """Goes to a step, and on through those that need no medium."""
        while True:
            idle = self.state.idle + 1
            if idle > MAX_IDLE_STEPS:
                message = (
                    f'flow "{self.flow.name}" went round {MAX_IDLE_STEPS} steps, last "{name}"'
                )
                raise FlowStuck(f"{message}, without the caller doing anything")
            self.change(step=name, idle=idle, noinputs=0, nomatches=0, rounds=0, held=None)
            step = self.step()
            self.tell("step", verb=type(step).__name__.removesuffix("Step").lower())
            following = self._begin(step)
            if not isinstance(following, str):
                return following
            name = following

    def step(self) -> AnyStep:
        step = self.flow.steps.get(self.state.step)
        if step is None:
            raise ServiceFault(f'flow "{self.flow.name}" has no step "{self.state.step}"')
        return step

    def _begin(self, step: AnyStep) -> Action | str:
        match step:
            case HoursStep():
                return self._hours(step)
            case BranchStep():
                return self._branch(step)
            case SetStep():
                self.assign(step.sets)
                return step.next
            case QueueStep():
                return self._queue(step)
            case IdentifyStep():
                self.forget(self.state.doubted)
                self.change(doubted=())
                return self.identify(step)
            case _:
                return self._action(step)

    def _action(self, step: AnyStep) -> Action:
        """The action of a step that talks, from its beginning."""
        match step:
            case SayStep():
                self.change(phase="say")
                return Say(self.prompts(step.say))
            case VoicemailStep():
                self.change(phase="record")
                self.tell("voicemail", mailbox=step.mailbox)
                return Voicemail(step.mailbox, self.prompts(step.say), step.max_seconds)
            case HangupStep():
                return self._end(step.say)
            case MenuStep() | CollectStep():
                return self.question(step)
            case IdentifyStep():
                return self.identify(step)
            case _:
                # Steps that only decide are never the one a medium works on.
                return self.enter(step.name)

    def _end(self, speech: Speech = ()) -> Hangup:
        self.change(phase="over")
        self.tell("hangup")
        return Hangup(self.prompts(speech))

    def once_more(self) -> Action:
        if self.state.step not in self.flow.steps:
            return self.enter(self.flow.start)
        step = self.step()
        if self.state.phase == "over":
            return self._end(step.say if isinstance(step, HangupStep) else ())
        if self.state.phase == "confirm" and isinstance(step, CollectStep):
            return self.confirm(step)
        if isinstance(step, QueueStep):
            following = self._queue(step)
            return self.enter(following) if isinstance(following, str) else following
        return self._action(step)

    # --- steps that decide ---

    def _hours(self, step: HoursStep) -> str:
        calendar = self.flow.calendars[step.calendar]
        if calendar.is_open(self.now):
            self.tell("hours", calendar=step.calendar, open=True)
            return step.open
        opens = calendar.next_opening(self.now)
        self.change(opens=opens.isoformat() if opens is not None else None)
        self.tell("hours", calendar=step.calendar, open=False, opens=self.state.opens)
        return step.closed

    def _branch(self, step: BranchStep) -> str:
        values = self.values()
        for case in step.cases:
            if case.condition.holds(values):
                self.tell("branch", condition=case.condition.source, next=case.next)
                return case.next
        self.tell("branch", condition="otherwise", next=step.otherwise)
        return step.otherwise

    # --- people ---

    def _queue(self, step: QueueStep) -> Queue | str:
        name = self.render(step.queue)
        if not name:
            self.tell("queue_left", queue="", outcome="failed", detail="the queue has no name")
            return step.exits["failed"]
        needs = {skill: need.level for need in step.needs if (skill := self.render(need.skill))}
        language = self.flow.language(self.state.language)
        if language.skill is not None:
            needs.setdefault(language.skill, language.level)
        whisper = self.prompts(step.whisper)
        action = Queue(
            queue=name,
            needs=needs,
            priority=_whole(self.render(step.priority)),
            tell_agent=self.render(step.tell_agent),
            whisper=_joined(whisper),
            agent=self.render(step.agent) or None,
            max_wait=step.max_wait,
        )
        self.change(phase="queue")
        self.tell(
            "queue",
            queue=name,
            needs=[f"{skill}:{level}" for skill, level in needs.items()],
            priority=action.priority,
            tell_agent=action.tell_agent,
        )
        return action

    def _left(self, step: QueueStep, result: Result) -> Action:
        match result:
            case QueueLeft("answered", detail):
                self.change(idle=0)
                self.tell("queue_left", outcome="answered", detail=detail)
                return self._end() if step.next is None else self.enter(step.next)
            case QueueLeft(outcome, detail) if outcome != "answered":
                if outcome == "timeout":
                    self.change(idle=0)
                self.tell("queue_left", outcome=outcome, detail=detail)
                return self.enter(step.exits[outcome])
            case Failed(why):
                self.tell("failed", why=why)
                return self.enter(step.exits["failed"])
            case _:
                raise self.unfit(result)

    def _recorded(self, step: VoicemailStep, result: Result) -> Action:
        match result:
            case Recorded(path, seconds):
                self.tell("recorded", mailbox=step.mailbox, path=path, seconds=seconds)
                return self.enter(step.next)
            case NotRecorded():
                self.tell("not_recorded", mailbox=step.mailbox)
            case Failed(why):
                self.tell("failed", why=why)
            case _:
                raise self.unfit(result)
        return self.enter(step.otherwise)

    # --- results ---

    def take(self, result: Result) -> Action:
        """What follows from a result."""
        step, phase = self.step(), self.state.phase
        if phase == "over":
            raise self.unfit(result)
        match step:
            case SayStep() if isinstance(result, Said | Failed):
                if isinstance(result, Failed):
                    self.tell("failed", why=result.why)
                return self.enter(step.next)
            case IdentifyStep() if phase == "identify":
                return self.compared(step, result)
            case MenuStep() | CollectStep() | IdentifyStep():
                return self.answer(step, result)
            case QueueStep():
                return self._left(step, result)
            case VoicemailStep():
                return self._recorded(step, result)
            case _:
                raise self.unfit(result)


def _whole(text: str) -> int:
    """A priority: a whole number, 0 for anything else."""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else 0


def _joined(prompts: Prompts) -> Prompt | None:
    """One prompt of many, for the agent's ear."""
    if not prompts:
        return None
    sound = prompts[0].sound if len(prompts) == 1 else None
    return Prompt(" ".join(each.text for each in prompts), prompts[0].language, sound)
