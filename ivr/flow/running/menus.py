"""`menu`: one key, or one written word, chooses the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.flow.actions import Choice, Prompts, Value
from ivr.flow.asking import MenuStep, Option
from ivr.flow.running.kinds import Kind, Next
from ivr.flow.running.questions import Asks, Question, note_answer
from ivr.flow.running.scene import Scene
from ivr.flow.running.written import meant


class _Menus(Asks[MenuStep]):
    """An option outside its hours is neither spoken nor understood; without any, `otherwise`."""

    def begin(self, scene: Scene, step: MenuStep) -> Next:
        there = open_options(scene, step.options)
        if len(there) < len(step.options):
            scene.tell("hidden", keys=[key for key in step.options if key not in there])
            if not there:
                _tell_hours(scene, step)
                return step.asking.otherwise
        return self.ask(scene, step)

    def question(self, scene: Scene, step: MenuStep) -> Question:
        return Question(keys=open_options(scene, step.options))

    def words(self, scene: Scene, step: MenuStep, question: Question) -> Prompts:
        barge_in = step.asking.barge_in
        options = {key: step.options[key] for key in question.keys}
        return scene.prompts(step.say, barge_in=barge_in) + offers(scene, options, barge_in)

    def choices(self, scene: Scene, step: MenuStep, question: Question) -> tuple[Choice, ...]:
        language = scene.state.language
        return tuple(
            Choice(key, scene.said(step.options[key].label, language)) for key in question.keys
        )

    def named(self, scene: Scene, step: MenuStep, question: Question, word: str) -> Value:
        options = [(key, step.options[key]) for key in question.keys]
        return meant(
            word, ((words, key) for key, each in options for words in words_for(scene, each))
        )

    def answered(self, scene: Scene, step: MenuStep, answer: Value, keyed: str) -> Next:
        key = str(answer)
        option = step.options[key]
        scene.tell("key", key=key)
        scene.assign(option.sets)
        note_answer(scene, *(name for name in option.sets if name != "language"))
        return option.next


MENU: Kind[MenuStep] = _Menus()


def open_options(scene: Scene, options: Mapping[str, Option]) -> Mapping[str, Option]:
    """Those that exist at present, by key."""
    return {
        key: option
        for key, option in options.items()
        if option.hours is None or scene.is_open(option.hours)
    }


def offers(scene: Scene, options: Mapping[str, Option], barge_in: bool = True) -> Prompts:
    """The sentences that tell callers of these options."""
    prompts: Prompts = ()
    for key, option in options.items():
        if option.say and not (scene.written and option.label):
            prompts += scene.prompts(option.say, barge_in=barge_in)
        elif option.label:
            prompts += _sentences(scene, key, option, barge_in)
    return prompts


def words_for(scene: Scene, option: Option) -> Iterator[str]:
    """The words that mean it: its label in every language, and what else was written for it."""
    codes = {code for each in option.label for code in (*each.texts, *each.written)}
    yield from (scene.said(option.label, code) for code in codes)
    yield from option.also


def _tell_hours(scene: Scene, step: MenuStep) -> None:
    calendars = (option.hours for option in step.options.values() if option.hours is not None)
    for calendar in dict.fromkeys(calendars):
        scene.check_hours(calendar)


def _sentences(scene: Scene, key: str, option: Option, barge_in: bool) -> Prompts:
    sentences: Prompts = ()
    for code in scene.codes(option.label[0]):
        label = scene.said(option.label, code)
        if label:
            sentences += (scene.phrase("option", code, barge_in, label=label, key=key),)
    return sentences
