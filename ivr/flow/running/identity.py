"""`identify`: who is calling, by what they know, by their number, or by a code sent to them.

Levels rise and never fall by proof alone: a number that is known makes "number", a match makes
"verified", a second proof of another kind makes "strong". A proof holds for the fields that were
compared: when one of them changes, or the caller goes back to it, nobody is known any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from ivr.flow.actions import Failed, Prompts, Value
from ivr.flow.asking import CodeStep, IdentifyStep, JoinStep
from ivr.flow.errands import (
    CODE_MARK,
    LEVELS,
    AnyResult,
    CheckCode,
    CodeSent,
    Identified,
    Identify,
    Recognise,
    SendCode,
)
from ivr.flow.fields import Field
from ivr.flow.running.kinds import Kind, Next
from ivr.flow.running.questions import Asks, Question, answered_here, note_answer, unanswer
from ivr.flow.running.scene import Scene
from ivr.flow.running.state import Frame
from ivr.flow.wording import phrase
from ivr.flow.words import Speech

C = TypeVar("C", CodeStep, JoinStep)

MAX_FAILURES = 20
"""Comparisons that may fail in one call, over all its steps."""
MAX_CODES = 5
"""Codes sent in one call; coming back to the step sends another one."""

VERIFIED = LEVELS.index("verified")


class _Identifies(Asks[IdentifyStep]):
    """By fields, which are asked for unless known already, or by the number of the caller."""

    def begin(self, scene: Scene, step: IdentifyStep) -> Next:
        scene.forget(scene.state.doubted)
        scene.change(doubted=())
        if step.by_number is not None and scene.state.level == "unknown":
            return self._recognise(scene, step)
        return self._go_on(scene, step) if step.ask else self._known(scene, step)

    def again(self, scene: Scene, step: IdentifyStep) -> Next:
        if scene.state.phase == "recognise":
            return self._recognise(scene, step)
        if scene.state.phase == "identify":
            return self._go_on(scene, step)
        return super().again(scene, step)

    def take(self, scene: Scene, step: IdentifyStep, result: AnyResult) -> Next:
        if scene.state.phase == "recognise":
            return self._recognised(scene, step, result)
        if scene.state.phase == "identify":
            return self._compared(scene, step, result)
        return super().take(scene, step, result)

    # --- by number ---

    def _recognise(self, scene: Scene, step: IdentifyStep) -> Next:
        number = scene.state.facts.caller
        if not number:
            scene.tell("recognised", ok=False)
            return self._stranger(scene, step)
        scene.change(phase="recognise")
        prompts = scene.prompts(step.patience)
        return Recognise(step.source, step.by_number or "", number, prompts)

    def _recognised(self, scene: Scene, step: IdentifyStep, result: AnyResult) -> Next:
        match result:
            case Identified(locked=True):
                scene.tell("recognised", ok=False, locked=True)
                return step.locked
            case Identified(ok=True) if not self._contradicts(scene, result):
                # What the network says of a number proves nothing beyond it.
                level = step.level if step.level is not None and not step.ask else "number"
                _rise(scene, level, "number")
                scene.change(customer=dict(result.facts))
                scene.tell("recognised", ok=True, level=scene.state.level)
                account = (("other", result.facts.get(result.key)),) if result.key else ()
                _tell_whose(scene, level, (*account, *_reached(result.facts)))
                by_number = self._take_key(scene, result)
                return step.next if by_number.issuperset(step.ask) else self._go_on(scene, step)
            case Identified():
                scene.tell("recognised", ok=False)
            case Failed(why):
                scene.tell("failed", why=why)
            case _:
                raise scene.unfit(result)
        return self._stranger(scene, step)

    def _contradicts(self, scene: Scene, result: Identified) -> bool:
        """Whether they said already that they are somebody else."""
        said = scene.state.fields.get(result.key)
        return said is not None and said != self._key(scene, result)

    def _key(self, scene: Scene, result: Identified) -> Value:
        """The value of the field that customers are found by, if the flow has such a field."""
        field = scene.flow.fields.get(result.key)
        return field.from_json(result.facts.get(result.key)) if field is not None else None

    def _take_key(self, scene: Scene, result: Identified) -> frozenset[str]:
        """Fills the field that customers are found by; the fields that are known thereby."""
        value = self._key(scene, result)
        if value is None:
            return frozenset()
        scene.fill({result.key: value}, by="number")
        scene.change(proven={result.key: value})
        return frozenset({result.key})

    def _stranger(self, scene: Scene, step: IdentifyStep) -> Next:
        return self._go_on(scene, step) if step.ask else step.asking.otherwise

    def _known(self, scene: Scene, step: IdentifyStep) -> Next:
        return step.asking.otherwise if scene.state.level == "unknown" else step.next

    # --- by fields ---

    def question(self, scene: Scene, step: IdentifyStep) -> Question:
        return Question(scene.flow.fields[self._missing(scene, step) or step.ask[-1]])

    def words(self, scene: Scene, step: IdentifyStep, question: Question) -> Prompts:
        name = question.field.name if question.field is not None else ""
        return scene.prompts(step.speeches[name], barge_in=step.asking.barge_in)

    def answered(self, scene: Scene, step: IdentifyStep, answer: Value, keyed: str) -> Next:
        field = scene.flow.fields[self._missing(scene, step) or step.ask[-1]]
        scene.keep(field, answer, keyed)
        note_answer(scene, field.name)
        scene.change(noinputs=0, nomatches=0, helps=0)
        return self._go_on(scene, step)

    def back(self, scene: Scene, step: IdentifyStep) -> Next | None:
        answered = answered_here(scene)
        if not answered:
            return None
        unanswer(scene, answered[-1])
        return self.reask(scene, step)

    def left(self, scene: Scene, step: IdentifyStep) -> None:
        secrets = (name for name in step.ask if scene.flow.fields[name].secret)
        scene.forget(secrets)

    def _missing(self, scene: Scene, step: IdentifyStep) -> str | None:
        """The field to ask for: the first without a value."""
        fields, secrets = scene.state.fields, scene.state.secrets
        return next((name for name in step.ask if name not in fields and name not in secrets), None)

    def _go_on(self, scene: Scene, step: IdentifyStep, before: Speech = ()) -> Next:
        """Asks for the next field, or compares when all are known."""
        if self._missing(scene, step) is not None:
            return self.ask(scene, step, before)
        if scene.state.failures >= MAX_FAILURES:
            scene.tell("gave_up", tries=scene.state.rounds, why="too many mismatches")
            self.left(scene, step)
            return step.locked
        fields, secrets = scene.state.fields, scene.state.secrets
        given = {name: secrets[name] if name in secrets else str(fields[name]) for name in step.ask}
        scene.change(phase="identify")
        hidden = frozenset(name for name in step.ask if scene.flow.fields[name].secret)
        prompts = scene.prompts(step.patience)
        return Identify(step.source, given, hidden, step.account, prompts)

    def _compared(self, scene: Scene, step: IdentifyStep, result: AnyResult) -> Next:
        match result:
            case Identified(ok=True):
                self._matched(scene, step, result)
                self.left(scene, step)
                return step.next
            case Identified():
                return self._differed(scene, step, result.locked)
            case Failed(why):
                scene.tell("failed", why=why)
                self.left(scene, step)
                return step.asking.otherwise
            case _:
                raise scene.unfit(result)

    def _matched(self, scene: Scene, step: IdentifyStep, result: Identified) -> None:
        _meet(scene, result.facts, step.ask)
        weaker_or_more = result.level if result.level in {"number", "strong"} else None
        level = step.level or weaker_or_more or _natural(scene, step.source)
        _rise(scene, level, step.source)
        _proven(scene, step.ask)
        scene.tell("identified", ok=True, level=scene.state.level, source=step.source)
        account = scene.state.fields.get(step.account)
        _tell_whose(scene, level, (("other", account), *_reached(result.facts)))

    def _differed(self, scene: Scene, step: IdentifyStep, locked: bool) -> Next:
        rounds = _mismatch(scene, step.source, locked)
        if locked or rounds >= step.asking.attempts:
            scene.change(doubted=step.ask)
            self.left(scene, step)
            if locked:
                return step.locked
            scene.tell("gave_up", tries=rounds)
            return step.asking.otherwise
        unanswer(scene, *step.ask)
        return self._go_on(scene, step, step.wrong.at(rounds))


IDENTIFY: Kind[IdentifyStep] = _Identifies()


class AsksCode(Asks[C]):
    """What asks for a code, and once more after a wrong one."""

    def once_more(self, scene: Scene, step: C, rounds: int) -> Next:
        """Ask again; `rounds` codes were wrong so far."""
        scene.change(noinputs=0, nomatches=0, helps=0)
        wrong = step.wrong.at(rounds)
        if wrong:
            return self.ask(scene, step, wrong, alone=step.wrong.instead)
        scene.change(notice="code-wrong")
        return self.ask(scene, step, alone=True)


class _Codes(AsksCode[CodeStep]):
    """By a one-time code, which this interpreter never knows. One that expired is sent anew."""

    def begin(self, scene: Scene, step: CodeStep) -> Next:
        to = scene.render(step.to)
        if not to:
            scene.tell("failed", why="there is no number to send a code to")
            return step.asking.otherwise
        if scene.state.codes >= MAX_CODES or scene.state.failures >= MAX_FAILURES:
            why = "too many codes" if scene.state.codes >= MAX_CODES else "too many mismatches"
            scene.tell("gave_up", tries=0, why=why)
            return step.locked
        scene.change(phase="send", handle="", codes=scene.state.codes + 1)
        scene.tell("code", to=to)
        prompts = scene.prompts(step.patience)
        return SendCode(to, self._text(scene, step), step.length, step.expires, prompts)

    def again(self, scene: Scene, step: CodeStep) -> Next:
        if scene.state.phase == "send" or not scene.state.handle:
            return self.begin(scene, step)
        return super().again(scene, step)

    def take(self, scene: Scene, step: CodeStep, result: AnyResult) -> Next:
        match scene.state.phase, result:
            case "send", CodeSent(handle):
                scene.change(handle=handle)
                scene.tell("code_sent")
                return self.ask(scene, step)
            case "check", Identified(ok=True):
                sent_to = step.to.names
                _meet(scene, result.facts, sent_to)
                level = step.level or _natural(scene, "code")
                _rise(scene, level, "code")
                _proven(scene, sent_to)
                scene.change(handle="")
                scene.tell("identified", ok=True, level=scene.state.level, source="code")
                _tell_whose(scene, level, (("phone", scene.render(step.to)),))
                return step.next
            case "check", Identified(expired=True):
                return self._expired(scene, step)
            case "check", Identified():
                return self._differed(scene, step, result.locked)
            case (("send" | "check"), Failed(why)):
                scene.tell("failed", why=why)
                return step.asking.otherwise
            case (("send" | "check"), _):
                raise scene.unfit(result)
        return super().take(scene, step, result)

    def _text(self, scene: Scene, step: CodeStep) -> str:
        text = scene.message(step.text, {"code": CODE_MARK})
        if not text:
            return phrase("code-text", scene.state.language, True, code=CODE_MARK)
        return text if CODE_MARK in text else f"{text} {CODE_MARK}"

    def question(self, scene: Scene, step: CodeStep) -> Question:
        length = step.length
        return Question(Field("code", "digits", secret=True, length_min=length, length_max=length))

    def words(self, scene: Scene, step: CodeStep, question: Question) -> Prompts:
        barge_in = step.asking.barge_in
        spoken = scene.prompts(step.say, barge_in=barge_in)
        return spoken or (scene.phrase("code-ask", "", barge_in),)

    def answered(self, scene: Scene, step: CodeStep, answer: Value, keyed: str) -> Next:
        scene.change(phase="check")
        return CheckCode(scene.state.handle, str(answer), scene.prompts(step.patience))

    def _expired(self, scene: Scene, step: CodeStep) -> Next:
        """A fresh one, as long as the call may have codes."""
        scene.tell("code_expired")
        scene.change(notice="code-expired", noinputs=0, nomatches=0, helps=0)
        return self.begin(scene, step)

    def _differed(self, scene: Scene, step: CodeStep, locked: bool) -> Next:
        rounds = _mismatch(scene, "code", locked)
        if locked:
            return step.locked
        if rounds >= step.asking.attempts or scene.state.failures >= MAX_FAILURES:
            scene.tell("gave_up", tries=rounds)
            return step.asking.otherwise
        return self.once_more(scene, step, rounds)


CODE: Kind[CodeStep] = _Codes()


def _meet(scene: Scene, facts: Mapping[str, Value], compared: Collection[str]) -> None:
    """Who matched is known from here on, beside what was known of them already.

    Where that contradicts it, this is somebody else: whatever was proven of the one before is
    forgotten, in the flows that wait as well.
    """
    known, state = scene.state.customer, scene.state
    if any(known.get(name, value) != value for name, value in facts.items()):
        scene.forget(name for name in state.proven if name not in compared)
        scene.change(frames=tuple(_unproven(frame) for frame in state.frames))
        scene.drop_identity()
    scene.change(customer={**scene.state.customer, **facts})


def _unproven(frame: Frame) -> Frame:
    fields = {name: each for name, each in frame.fields.items() if name not in frame.proven}
    return replace(frame, fields=fields, proven={})


def _natural(scene: Scene, proof: str) -> str:
    """The level that a proof gives: a different one beside it makes them strong."""
    return "strong" if any(each != proof for each in scene.state.proofs) else "verified"


def _rise(scene: Scene, level: str, proof: str) -> None:
    state = scene.state
    rank = max(LEVELS.index(level), LEVELS.index(state.level))
    proofs = state.proofs
    if LEVELS.index(level) >= VERIFIED and proof not in proofs:
        proofs = (*proofs, proof)
    scene.change(level=LEVELS[rank], verified=rank >= VERIFIED, proofs=proofs)


def _proven(scene: Scene, names: Iterable[str]) -> None:
    """The proof holds as long as these fields have the values they have."""
    fields = scene.state.fields
    known = {name: fields[name] for name in names if name in fields}
    scene.change(proven={**scene.state.proven, **known})


def _reached(facts: Mapping[str, Value]) -> Iterable[tuple[str, Value]]:
    """Where the source says that this customer is reached."""
    return ((kind, facts[kind]) for kind in ("phone", "email") if kind in facts)


def _tell_whose(scene: Scene, level: str, addresses: Iterable[tuple[str, Value]]) -> None:
    """What the customer can be found by in the records; the surest first, never a secret."""
    listed = [f"{kind}:{value}" for kind, value in addresses if value not in (None, "")]
    if listed:
        sure = "verified" if LEVELS.index(level) >= VERIFIED else "recognised"
        scene.tell("customer", sure=sure, addresses=listed)


def _mismatch(scene: Scene, source: str, locked: bool) -> int:
    """Counts a comparison that failed; how many there were at this step."""
    rounds = scene.state.rounds + 1
    scene.change(rounds=rounds, failures=scene.state.failures + 1)
    scene.tell("identified", ok=False, tries=rounds, source=source, locked=locked)
    return rounds
