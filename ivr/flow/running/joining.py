"""The steps that lead from one channel to another: a code for the telephone, and taking it up.

A code proves that the caller could read the conversation that gave it, and no more: what somebody
proved there counts here as far as the step's `level` says, and only for who is nobody yet.
"""

from __future__ import annotations

from ivr.flow.actions import Failed, Prompts, Value
from ivr.flow.asking import JoinStep
from ivr.flow.errands import (
    CODE_DIGITS,
    CODE_MARK,
    LEVELS,
    AnyResult,
    CodeMade,
    Invite,
    Joined,
    Known,
    TakeCode,
)
from ivr.flow.fields import Field
from ivr.flow.model import InviteStep
from ivr.flow.running.identity import MAX_FAILURES, VERIFIED, AsksCode
from ivr.flow.running.kinds import Kind, Next
from ivr.flow.running.questions import Question
from ivr.flow.running.scene import Scene

_CODE = Field("code", "digits", secret=True, length_min=CODE_DIGITS, length_max=CODE_DIGITS)


class _Invites(Kind[InviteStep]):
    """`invite`. The code is made and said by the house; this interpreter never knows it."""

    def begin(self, scene: Scene, step: InviteStep) -> Next:
        if not scene.written:
            scene.tell("failed", why="a code is given in letters only")
            return step.otherwise
        said = " ".join(p.text for p in scene.prompts(step.say, also={"code": CODE_MARK}))
        scene.change(phase="invite")
        return Invite(said if CODE_MARK in said else f"{said} {CODE_MARK}", step.expires)

    def take(self, scene: Scene, step: InviteStep, result: AnyResult) -> Next:
        match result:
            case CodeMade():
                scene.tell("invited")
                return step.next
            case Failed(why):
                scene.tell("failed", why=why)
                return step.otherwise
            case _:
                raise scene.unfit(result)


INVITE: Kind[InviteStep] = _Invites()


class _Joins(AsksCode[JoinStep]):
    """`join`: asks for the code; in letters, takes up what the opened link belongs to."""

    def begin(self, scene: Scene, step: JoinStep) -> Next:
        if not scene.written:
            return self.reask(scene, step)
        scene.change(phase="join")
        return TakeCode()

    def again(self, scene: Scene, step: JoinStep) -> Next:
        # A code is taken once: whoever was cut short keys theirs again, or another one.
        return (
            self.begin(scene, step) if scene.state.phase == "join" else super().again(scene, step)
        )

    def question(self, scene: Scene, step: JoinStep) -> Question:
        return Question(_CODE)

    def words(self, scene: Scene, step: JoinStep, question: Question) -> Prompts:
        return scene.prompts(step.say, barge_in=step.asking.barge_in)

    def answered(self, scene: Scene, step: JoinStep, answer: Value, keyed: str) -> Next:
        if scene.state.failures >= MAX_FAILURES:
            scene.tell("gave_up", tries=scene.state.rounds, why="too many mismatches")
            return step.locked
        scene.change(phase="join")
        return TakeCode(str(answer), scene.prompts(step.patience))

    def take(self, scene: Scene, step: JoinStep, result: AnyResult) -> Next:
        if scene.state.phase != "join":
            return super().take(scene, step, result)
        match result:
            case Joined(ok=True, known=known):
                scene.tell("code_taken", ok=True)
                _take_up(scene, step, known)
                return step.next
            case Joined():
                return self._differed(scene, step, result.locked)
            case Failed(why):
                scene.tell("failed", why=why)
                return step.asking.otherwise
            case _:
                raise scene.unfit(result)

    def _differed(self, scene: Scene, step: JoinStep, locked: bool) -> Next:
        rounds = scene.state.rounds + 1
        scene.change(rounds=rounds, failures=scene.state.failures + 1)
        scene.tell("code_taken", ok=False, tries=rounds, locked=locked)
        if locked:
            return step.locked
        if scene.written or rounds >= step.asking.attempts:
            return step.asking.otherwise
        return self.once_more(scene, step, rounds)


JOIN: Kind[JoinStep] = _Joins()


def _take_up(scene: Scene, step: JoinStep, known: Known) -> None:
    """Fields of the other conversation, and who is known there."""
    values: dict[str, Value] = {}
    for ours, theirs in step.take.items():
        value = scene.flow.fields[ours].from_json(known.fields.get(theirs))
        if value is not None:
            values[ours] = value
    scene.fill(values, by="join")
    if scene.state.level != "unknown" or known.level not in LEVELS[1:]:
        return
    rank = min(LEVELS.index(known.level), LEVELS.index(step.level))
    verified = rank >= VERIFIED
    scene.change(
        level=LEVELS[rank],
        verified=verified,
        customer=dict(known.customer),
        proofs=known.proofs if verified else (),
        proven={ours: v for ours, v in values.items() if step.take[ours] in known.proven},
    )
    kind = "identified" if verified else "recognised"
    scene.tell(kind, ok=True, level=scene.state.level, source="join")
