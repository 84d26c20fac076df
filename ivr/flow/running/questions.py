"""How every step asks: words, tries, keys and written answers, help, and the way back.

What a step asks at the moment, and what follows an answer, is for its kind to say. A question
knows its own answers first: a flow-wide key, or a word that means one, counts where it is none of
them. Only where any words are an answer (a `text`), they come first.
"""

from __future__ import annotations

import unicodedata
from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ivr.flow.actions import (
    MASK,
    Ask,
    Choice,
    Failed,
    Keys,
    NoKeys,
    Prompts,
    Said,
    Say,
    Value,
    Written,
)
from ivr.flow.asking import (
    Asking,
    BookStep,
    CodeStep,
    CollectStep,
    IdentifyStep,
    JoinStep,
    MenuStep,
    SurveyStep,
)
from ivr.flow.errands import AnyResult
from ivr.flow.fields import POINT, Field
from ivr.flow.model import BACK, HELP, KEY_TARGETS, REPEAT
from ivr.flow.running.kinds import Kind, Next
from ivr.flow.running.scene import Scene
from ivr.flow.running.state import Mark
from ivr.flow.running.subflows import leave
from ivr.flow.running.written import PERSON, asked_for, meant, plain
from ivr.flow.words import Speech

MAX_QUESTIONS = 200
"""Questions in one call; whoever is asked more takes the way out of each at once."""
MAX_TRAIL = 20
"""Questions one can go back through."""
PERSON_KEY = "0"
"""The flow-wide key that the word "person" means, where it leads to a step."""
LONGEST_TOLD = 100
"""Characters of a wrong answer that are worth keeping."""

AskingStep = MenuStep | CollectStep | IdentifyStep | CodeStep | JoinStep | SurveyStep | BookStep
A = TypeVar("A", bound=AskingStep)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked at the moment: a field, or else one of `keys`."""

    field: Field | None = None
    keys: Collection[str] = ()
    confirms: bool = False


class Asks(Kind[A]):
    """A step that asks. Silence and wrong answers are counted here and understood nowhere else."""

    # --- what a kind says ---

    @abstractmethod
    def question(self, scene: Scene, step: A) -> Question:
        """What is asked at the moment."""

    @abstractmethod
    def words(self, scene: Scene, step: A, question: Question) -> Prompts:
        """The words of that question."""

    @abstractmethod
    def answered(self, scene: Scene, step: A, answer: Value, keyed: str) -> Next:
        """What follows a good answer: a field's value, or one of the keys."""

    def accepts(self, scene: Scene, step: A, value: Value) -> bool:
        """Whether a value of the field's type will do."""
        return True

    def choices(self, scene: Scene, step: A, question: Question) -> tuple[Choice, ...]:
        """What can be answered, for media with letters."""
        if question.field is not None:
            return _choices(scene, question.field)
        return tuple(Choice(key) for key in question.keys)

    def named(self, scene: Scene, step: A, question: Question, word: str) -> Value:
        """The key that somebody named in words, or None."""
        choices = self.choices(scene, step, question)
        return meant(word, ((each.label, each.key) for each in choices))

    def give_up(self, scene: Scene, step: A) -> Next:
        """What follows when the tries are used up."""
        self.left(scene, step)
        return step.asking.otherwise

    def back(self, scene: Scene, step: A) -> Next | None:
        """The question before within the step, if there is one."""
        return None

    def left(self, scene: Scene, step: A) -> None:
        """When the call leaves the step without its answer."""

    # --- asking ---

    def again(self, scene: Scene, step: A) -> Next:
        """The question once more, or the words that excuse it."""
        if scene.state.phase == "error":
            return Say(scene.prompts(step.asking.error))
        return self.ask(scene, step)

    def ask(self, scene: Scene, step: A, *before: Speech, alone: bool = False) -> Next:
        """The question, after other words or (`alone`) with these words instead."""
        state, asking = scene.state, step.asking
        if state.asked >= MAX_QUESTIONS:
            scene.tell("gave_up", tries=0, why="too many questions")
            self.left(scene, step)
            return asking.otherwise
        if not state.asking:
            scene.change(trail=(*state.trail, Mark(step.name))[-MAX_TRAIL:], asking=True)
        question = self.question(scene, step)
        notice = (scene.phrase(state.notice),) if state.notice else ()
        phase = "confirm" if question.confirms else "ask"
        scene.change(asked=state.asked + 1, phase=phase, notice="")
        prompts = (*notice, *scene.prompts(*before, barge_in=asking.barge_in))
        if not alone:
            prompts = (*prompts, *self.words(scene, step, question))
        choices = self.choices(scene, step, question) if scene.written else ()
        return _action(scene, asking, question, prompts, choices)

    # --- answers ---

    def take(self, scene: Scene, step: A, result: AnyResult) -> Next:
        """What follows from what the caller did."""
        if scene.state.phase == "error":
            if isinstance(result, Said | Failed):
                return step.asking.otherwise
            raise scene.unfit(result)
        match result:
            case Keys(keys) if keys:
                return self._keyed(scene, step, keys)
            case Written(text) if text.strip():
                return self._wrote(scene, step, text.strip())
            case Keys() | Written() | NoKeys():
                return self._missed(scene, step, "noinput")
            case Failed(why):
                return self._failed(scene, step, why)
            case _:
                raise scene.unfit(result)

    def _keyed(self, scene: Scene, step: A, keys: str) -> Next:
        scene.change(idle=0)
        question, flow_wide = self.question(scene, step), scene.flow.keys
        answer = self._understood(scene, step, question, keys)
        if answer is None and keys[-1] in flow_wide and not keys[-1].isdigit():
            keys = keys[-1]
            answer = self._understood(scene, step, question, keys)
        if answer is not None:
            return self.answered(scene, step, answer, keys)
        if keys in flow_wide:
            return self._flow_key(scene, step, keys)
        return self._missed(scene, step, "nomatch", _shown(question, keys))

    def _understood(self, scene: Scene, step: A, question: Question, keys: str) -> Value:
        if question.field is None:
            return keys if keys in question.keys else None
        value = question.field.from_keys(keys)
        return value if value is not None and self.accepts(scene, step, value) else None

    def _wrote(self, scene: Scene, step: A, text: str) -> Next:
        scene.change(idle=0)
        question = self.question(scene, step)
        flow_wide = _flow_wide(scene, text)
        answer = self._meant(scene, step, question, text)
        free = question.field is not None and question.field.type == "text"
        if answer is not None and not (free and flow_wide):
            return self.answered(scene, step, answer, str(answer))
        if flow_wide is not None:
            return self._flow_key(scene, step, flow_wide)
        return self._missed(scene, step, "nomatch", _shown(question, text[:LONGEST_TOLD]))

    def _meant(self, scene: Scene, step: A, question: Question, text: str) -> Value:
        """The answer that written words are, or None."""
        if question.field is not None:
            today = scene.now.astimezone(scene.flow.zone).date()
            value = question.field.from_words(text, today)
            return value if value is not None and self.accepts(scene, step, value) else None
        known = _key(text, question.keys)
        return known if known is not None else self.named(scene, step, question, plain(text))

    def _missed(self, scene: Scene, step: A, kind: str, keys: str | None = None) -> Next:
        asking, silent = step.asking, kind == "noinput"
        if silent:
            scene.change(noinputs=scene.state.noinputs + 1)
        else:
            scene.change(nomatches=scene.state.nomatches + 1)
        noinputs, nomatches = scene.state.noinputs, scene.state.nomatches
        tries = noinputs + nomatches
        if keys is None:
            scene.tell(kind, tries=tries)
        else:
            scene.tell(kind, tries=tries, keys=keys)
        if tries >= asking.attempts:
            scene.tell("gave_up", tries=tries)
            return self.give_up(scene, step)
        escalation = asking.noinput if silent else asking.nomatch
        words = escalation.at(noinputs if silent else nomatches)
        if scene.state.phase == "confirm":
            return self.ask(scene, step, () if escalation.instead else words)
        return self.ask(scene, step, words, alone=escalation.instead and bool(words))

    def _failed(self, scene: Scene, step: A, why: str) -> Next:
        scene.tell("failed", why=why)
        self.left(scene, step)
        prompts = scene.prompts(step.asking.error)
        if not prompts:
            return step.asking.otherwise
        scene.change(phase="error")
        return Say(prompts)

    # --- flow-wide keys ---

    def _flow_key(self, scene: Scene, step: A, key: str) -> Next:
        target = scene.flow.keys[key]
        scene.tell("key", key=key, flow_wide=True)
        if target == REPEAT:
            scene.tell("repeat")
            return self.ask(scene, step)
        if target == HELP:
            return self._help(scene, step)
        if target == BACK:
            return self._back(scene, step)
        self.left(scene, step)
        return target

    def _help(self, scene: Scene, step: A) -> Next:
        scene.tell("help")
        scene.change(helps=scene.state.helps + 1)
        escalation = step.asking.help
        words = escalation.at(scene.state.helps)
        alone = escalation.instead and bool(words) and scene.state.phase != "confirm"
        return self.ask(scene, step, words, alone=alone)

    def _back(self, scene: Scene, step: A) -> Next:
        if scene.state.phase == "confirm":
            scene.change(held=None)
            within: Next | None = self.reask(scene, step)
        else:
            within = self.back(scene, step)
        if within is not None:
            scene.tell("back", to=step.name)
            return within
        if not _has_before(scene):
            scene.tell("back", to="")
            return self.ask(scene, step)
        self.left(scene, step)
        scene.forget(answered_here(scene))
        if scene.state.asking:
            scene.change(trail=scene.state.trail[:-1])
        while not scene.state.trail:
            scene.tell("returned", flow=leave(scene).runs, ok=False)
        *rest, before = scene.state.trail
        scene.forget(before.answered)
        scene.change(trail=tuple(rest))
        scene.tell("back", to=before.step)
        if isinstance(scene.flow.steps.get(before.step), IdentifyStep):
            scene.drop_identity()
        return before.step

    def reask(self, scene: Scene, step: A) -> Next:
        """The question itself, after its confirmation or another question of the step."""
        scene.change(phase="ask")
        return self.ask(scene, step)


def note_answer(scene: Scene, *names: str) -> None:
    """Remembers that these fields were answered at the present question."""
    before = answered_here(scene)
    _answered(scene, (*before, *(each for each in names if each not in before)))


def unanswer(scene: Scene, *names: str) -> None:
    """Forgets these answers of the present question."""
    scene.forget(names)
    _answered(scene, tuple(each for each in answered_here(scene) if each not in names))


def answered_here(scene: Scene) -> tuple[str, ...]:
    """The fields answered since the call came to this step."""
    return scene.state.trail[-1].answered if scene.state.asking else ()


def _answered(scene: Scene, names: tuple[str, ...]) -> None:
    if scene.state.asking:
        *rest, present = scene.state.trail
        scene.change(trail=(*rest, Mark(present.step, names)))


def _key(text: str, keys: Collection[str]) -> str | None:
    """The one of these keys that was written."""
    written = (unicodedata.normalize("NFKC", text), plain(text))
    return next((each for each in written if each in keys), None)


def _flow_wide(scene: Scene, text: str) -> str | None:
    """The flow-wide key that was written, or the one that does what the words ask for."""
    keys = scene.flow.keys
    key, asked = _key(text, keys), asked_for(text)
    if key is not None or asked is None:
        return key
    if asked == PERSON:
        return PERSON_KEY if keys.get(PERSON_KEY, REPEAT) not in KEY_TARGETS else None
    return next((each for each, target in keys.items() if target == asked), None)


def _has_before(scene: Scene) -> bool:
    state = scene.state
    return len(state.trail) > state.asking or any(frame.trail for frame in state.frames)


def _shown(question: Question, answer: str) -> str:
    return MASK if question.field is not None and question.field.secret else answer


_KINDS: Mapping[bool, str] = {True: "confirm", False: "menu"}


def _action(
    scene: Scene,
    asking: Asking,
    question: Question,
    prompts: Prompts,
    choices: tuple[Choice, ...],
) -> Ask:
    field = question.field
    least, most = (1, 1) if field is None else field.keyed
    finish = asking.finish if most > 1 else ""
    letters = POINT if field is not None and field.type == "amount" and finish != POINT else ""
    instant = (key for key in scene.flow.keys if key in "*#" and key not in (finish, letters))
    return Ask(
        prompts,
        length_min=least,
        length_max=most,
        finish_key=finish,
        timeout=asking.wait,
        digit_timeout=asking.digit_wait,
        barge_in=asking.barge_in,
        secret=field is not None and field.secret,
        instant="".join(instant),
        letters=letters,
        expects=_KINDS[question.confirms] if field is None else field.type,
        choices=choices,
    )


def _choices(scene: Scene, field: Field) -> tuple[Choice, ...]:
    if field.type == "choice":
        return tuple(Choice(str(at), name) for at, name in enumerate(field.of[:9], 1))
    if field.type == "yesno":
        words = {key: scene.speak("yesno", key == "1") for key in ("1", "2")}
        return tuple(Choice(key, word) for key, word in words.items())
    return ()
