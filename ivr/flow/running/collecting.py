"""`collect` and `survey`: fields the caller fills."""

from __future__ import annotations

from ivr.flow.actions import EventValue, Prompts, Value
from ivr.flow.asking import CollectStep, SurveyStep
from ivr.flow.fields import Field
from ivr.flow.running.kinds import Kind, Next
from ivr.flow.running.questions import Asks, Question, answered_here, note_answer, unanswer
from ivr.flow.running.scene import Scene
from ivr.flow.wording import natural

KEEP, CHANGE = "1", "2"
"""The keys of a confirmation."""
_AGREEMENT = Field("", "yesno")


class _Collects(Asks[CollectStep]):
    """`collect`. A secret is never read back, so that it is not confirmed either."""

    def begin(self, scene: Scene, step: CollectStep) -> Next:
        return self.reask(scene, step)

    def question(self, scene: Scene, step: CollectStep) -> Question:
        if scene.state.phase == "confirm":
            return Question(keys=(KEEP, CHANGE), confirms=True)
        return Question(scene.flow.fields[step.field])

    def words(self, scene: Scene, step: CollectStep, question: Question) -> Prompts:
        barge_in = step.asking.barge_in
        if not question.confirms:
            return scene.prompts(step.say, barge_in=barge_in)
        held = scene.state.held
        if step.confirm:
            return scene.prompts(step.confirm, barge_in=barge_in, also={step.field: held})
        kind = natural(scene.flow.fields[step.field].type)
        value = scene.speak(kind, held) if kind is not None else str(held)
        return (scene.phrase("confirm", "", barge_in, value=value),)

    def named(self, scene: Scene, step: CollectStep, question: Question, word: str) -> Value:
        agrees = _AGREEMENT.from_words(word)
        return None if agrees is None else KEEP if agrees else CHANGE

    def accepts(self, scene: Scene, step: CollectStep, value: Value) -> bool:
        return step.valid is None or step.valid.holds({**scene.values(), step.field: value})

    def answered(self, scene: Scene, step: CollectStep, answer: Value, keyed: str) -> Next:
        field = scene.flow.fields[step.field]
        if scene.state.phase != "confirm":
            if step.confirm is None or field.secret:
                return self._kept(scene, step, answer, keyed)
            scene.change(held=answer, phase="confirm")
            return self.ask(scene, step)
        if answer == KEEP:
            scene.tell("confirmed", name=field.name)
            return self._kept(scene, step, scene.state.held, "")
        scene.tell("corrected", name=field.name)
        scene.change(held=None)
        return self.reask(scene, step)

    def _kept(self, scene: Scene, step: CollectStep, value: Value, keyed: str) -> Next:
        scene.keep(scene.flow.fields[step.field], value, keyed)
        note_answer(scene, step.field)
        return step.next


COLLECT: Kind[CollectStep] = _Collects()


class _Surveys(Asks[SurveyStep]):
    """`survey`: what nobody answers is left out, and all answers are told as one event.

    One that ends early tells those that were given.
    """

    def begin(self, scene: Scene, step: SurveyStep) -> Next:
        scene.change(survey=step.survey)
        return self._go_on(scene, step, 0)

    def question(self, scene: Scene, step: SurveyStep) -> Question:
        return Question(scene.flow.fields[step.questions[scene.state.place].field])

    def words(self, scene: Scene, step: SurveyStep, question: Question) -> Prompts:
        say = step.questions[scene.state.place].say
        return scene.prompts(say, barge_in=step.asking.barge_in)

    def answered(self, scene: Scene, step: SurveyStep, answer: Value, keyed: str) -> Next:
        at = scene.state.place
        name = step.questions[at].field
        scene.keep(scene.flow.fields[name], answer, keyed)
        note_answer(scene, name)
        return self._go_on(scene, step, at + 1)

    def give_up(self, scene: Scene, step: SurveyStep) -> Next:
        scene.change(notice="survey-skipped")
        return self._go_on(scene, step, scene.state.place + 1)

    def back(self, scene: Scene, step: SurveyStep) -> Next | None:
        at = scene.state.place
        if at == 0:
            return None
        unanswer(scene, step.questions[at - 1].field)
        return self._go_on(scene, step, at - 1)

    def left(self, scene: Scene, step: SurveyStep) -> None:
        if answers := self._answers(scene):
            self._tell(scene, step, answers)

    def _go_on(self, scene: Scene, step: SurveyStep, at: int) -> Next:
        scene.change(place=at, noinputs=0, nomatches=0, helps=0)
        if at < len(step.questions):
            return self.ask(scene, step)
        self._tell(scene, step, self._answers(scene))
        return step.next

    def _answers(self, scene: Scene) -> dict[str, EventValue]:
        """What was answered, without secrets."""
        fields = scene.state.fields
        return {name: fields[name] for name in answered_here(scene) if name in fields}

    def _tell(self, scene: Scene, step: SurveyStep, answers: dict[str, EventValue]) -> None:
        scene.change(survey="")
        scene.tell("survey", **{**answers, "survey": step.survey})


SURVEY: Kind[SurveyStep] = _Surveys()
