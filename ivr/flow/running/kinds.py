"""What a kind of step is to the interpreter, and the kinds that only speak or decide."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from ivr.flow.actions import Failed, Hangup, Said, Say
from ivr.flow.asking import Step
from ivr.flow.errands import AnyAction, AnyResult
from ivr.flow.model import BranchStep, HangupStep, HoursStep, SayStep, SetStep
from ivr.flow.running.scene import Scene
from ivr.flow.words import Speech

Next = AnyAction | str
"""What to do, or the name of the step that follows."""

S = TypeVar("S", bound=Step)


class Kind(ABC, Generic[S]):
    """How one kind of step is run. It holds nothing: everything is in the scene and the step."""

    @abstractmethod
    def begin(self, scene: Scene, step: S) -> Next:
        """When a call comes to the step."""

    def take(self, scene: Scene, step: S, result: AnyResult) -> Next:
        """When its action is done. Raises ServiceFault for a result that does not fit."""
        raise scene.unfit(result)

    def again(self, scene: Scene, step: S) -> Next:
        """After a restart in the middle of its action."""
        return self.begin(scene, step)


def end(scene: Scene, speech: Speech = ()) -> Hangup:
    """The call is over."""
    scene.change(phase="over")
    scene.tell("hangup")
    return Hangup(scene.prompts(speech))


class _Says(Kind[SayStep]):
    """`say`."""

    def begin(self, scene: Scene, step: SayStep) -> Next:
        scene.change(phase="say")
        return Say(scene.prompts(step.say))

    def take(self, scene: Scene, step: SayStep, result: AnyResult) -> Next:
        if not isinstance(result, Said | Failed):
            raise scene.unfit(result)
        if isinstance(result, Failed):
            scene.tell("failed", why=result.why)
        return step.next


SAY: Kind[SayStep] = _Says()


class _Hangs(Kind[HangupStep]):
    """`hangup`."""

    def begin(self, scene: Scene, step: HangupStep) -> Next:
        return end(scene, step.say)


HANGUP: Kind[HangupStep] = _Hangs()


class _Looks(Kind[HoursStep]):
    """`hours`."""

    def begin(self, scene: Scene, step: HoursStep) -> Next:
        return step.open if scene.check_hours(step.calendar) else step.closed


HOURS: Kind[HoursStep] = _Looks()


class _Branches(Kind[BranchStep]):
    """`branch`."""

    def begin(self, scene: Scene, step: BranchStep) -> Next:
        values = scene.values()
        for case in step.cases:
            if case.condition.holds(values):
                scene.tell("branch", condition=case.condition.source, next=case.next)
                return case.next
        scene.tell("branch", condition="otherwise", next=step.otherwise)
        return step.otherwise


BRANCH: Kind[BranchStep] = _Branches()


class _Sets(Kind[SetStep]):
    """`set`."""

    def begin(self, scene: Scene, step: SetStep) -> Next:
        scene.assign(step.sets)
        return step.next


SET: Kind[SetStep] = _Sets()
