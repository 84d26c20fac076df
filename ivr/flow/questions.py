"""Questions: menus, single fields, identity. Tries are counted here and keys understood."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from ivr.errors import ServiceFault
from ivr.flow.actions import (
    MASK,
    Action,
    Ask,
    Failed,
    Identified,
    Identify,
    Keys,
    NoKeys,
    Result,
)
from ivr.flow.model import (
    REPEAT,
    AnyStep,
    CollectStep,
    Field,
    IdentifyStep,
    MenuStep,
    Speech,
)
from ivr.flow.scene import Scene

AskingStep = MenuStep | CollectStep | IdentifyStep


class Questions(Scene, ABC):
    """The part of a turn that talks with the caller; `enter` is how it goes on."""

    @abstractmethod
    def enter(self, name: str) -> Action:
        """Goes to a step, and on through those that need no medium."""

    @abstractmethod
    def step(self) -> AnyStep:
        """The present step."""

    def unfit(self, result: Result) -> ServiceFault:
        """The error for a result that nobody asked for."""
        what, phase = type(result).__name__, self.state.phase
        return ServiceFault(f'{what} is no result of "{phase}" at step "{self.state.step}"')

    def _ask(self, step: AskingStep, field: Field | None, *speeches: Speech) -> Ask:
        asking = step.asking
        self.change(phase="ask")
        finish = asking.finish if field is not None and field.length_max > 1 else ""
        return Ask(
            self.prompts(*speeches),
            length_min=field.length_min if field is not None else 1,
            length_max=field.length_max if field is not None else 1,
            finish_key=finish,
            timeout=asking.wait,
            digit_timeout=asking.digit_wait,
            barge_in=asking.barge_in,
            secret=field.secret if field is not None else False,
            instant="".join(key for key in self.flow.keys if key in "*#" and key != finish),
        )

    def question(self, step: AskingStep, before: Speech = (), *, alone: bool = False) -> Ask:
        """The present question, after other words or (`alone`) with these words instead."""
        if isinstance(step, MenuStep):
            field, speech = None, step.say
        else:
            name = step.field if isinstance(step, CollectStep) else self._missing(step)
            field = self.flow.fields[name]
            speech = step.say if isinstance(step, CollectStep) else step.speeches[name]
        return self._ask(step, field, before, *(() if alone else (speech,)))

    def confirm(self, step: CollectStep, before: Speech = ()) -> Ask:
        """Reads an entry back; 1 keeps it, 2 asks again."""
        # The words read back an entry that its field does not have before it is confirmed.
        self._values = {**self.values(), step.field: self.state.held}
        prompts = self.prompts(before, step.confirm)
        ask = self._ask(step, None)
        self.change(phase="confirm")
        return replace(ask, prompts=prompts)

    def answer(self, step: AskingStep, result: Result) -> Action:
        """What follows from what the caller did."""
        match result:
            case Keys(digits) if digits:
                return self._keyed(step, digits)
            case Keys() | NoKeys():
                return self._missed(step, "noinput")
            case Failed(why):
                self.tell("failed", why=why)
                return self.enter(step.asking.otherwise)
            case _:
                raise self.unfit(result)

    def _keyed(self, step: AskingStep, digits: str) -> Action:
        self.change(idle=0)
        if digits[-1] in self.flow.keys and not digits[-1].isdigit() and not self._takes(digits):
            digits = digits[-1]
        if digits in self.flow.keys and not self._takes(digits):
            return self._flow_key(step, digits)
        if self.state.phase == "confirm" and isinstance(step, CollectStep):
            return self._confirmed(step, digits)
        if isinstance(step, MenuStep):
            option = step.options.get(digits)
            if option is None:
                return self._missed(step, "nomatch", digits)
            self.tell("key", key=digits)
            self.assign(option.sets)
            return self.enter(option.next)
        return self._entry(step, digits)

    def _takes(self, digits: str) -> bool:
        """Whether the present question itself knows this entry."""
        step = self.step()
        if self.state.phase == "confirm":
            return digits in {"1", "2"}
        if isinstance(step, MenuStep):
            return digits in step.options
        if isinstance(step, CollectStep):
            return self.flow.fields[step.field].from_keys(digits) is not None
        if isinstance(step, IdentifyStep):
            return self.flow.fields[self._missing(step)].from_keys(digits) is not None
        return False

    def _flow_key(self, step: AskingStep, key: str) -> Action:
        target = self.flow.keys[key]
        self.tell("key", key=key, flow_wide=True)
        if target != REPEAT:
            return self.enter(target)
        self.tell("repeat")
        if self.state.phase == "confirm" and isinstance(step, CollectStep):
            return self.confirm(step)
        return self.question(step)

    def _entry(self, step: CollectStep | IdentifyStep, digits: str) -> Action:
        name = step.field if isinstance(step, CollectStep) else self._missing(step)
        field = self.flow.fields[name]
        value = field.from_keys(digits)
        if value is None:
            return self._missed(step, "nomatch", MASK if field.secret else digits)
        if isinstance(step, IdentifyStep):
            self.keep(field, value, digits)
            self.change(noinputs=0, nomatches=0)
            return self.identify(step)
        if step.confirm:
            self.change(held=value)
            return self.confirm(step)
        self.keep(field, value, digits)
        return self.enter(step.next)

    def _confirmed(self, step: CollectStep, digits: str) -> Action:
        field, value = self.flow.fields[step.field], self.state.held
        if digits == "1":
            self.tell("confirmed", name=field.name)
            self.keep(field, value, "")
            return self.enter(step.next)
        if digits == "2":
            self.tell("corrected", name=field.name)
            self.change(held=None)
            return self.question(step)
        return self._missed(step, "nomatch", digits)

    def _missed(self, step: AskingStep, kind: str, keys: str | None = None) -> Action:
        silent = kind == "noinput"
        self.change(
            noinputs=self.state.noinputs + silent, nomatches=self.state.nomatches + (not silent)
        )
        tries = self.state.noinputs + self.state.nomatches
        if keys is None:
            self.tell(kind, tries=tries)
        else:
            self.tell(kind, tries=tries, keys=keys)
        if tries >= step.asking.attempts:
            self.tell("gave_up", tries=tries)
            return self.enter(step.asking.otherwise)
        escalation = step.asking.noinput if silent else step.asking.nomatch
        words = escalation.at(self.state.noinputs if silent else self.state.nomatches)
        if self.state.phase == "confirm" and isinstance(step, CollectStep):
            return self.confirm(step, () if escalation.instead else words)
        return self.question(step, words, alone=escalation.instead and bool(words))

    # --- identity ---

    def _missing(self, step: IdentifyStep) -> str:
        """The field being asked for: the first without a value."""
        known = self.state.fields.keys() | self.state.secrets.keys()
        return next((name for name in step.ask if name not in known), step.ask[-1])

    def identify(self, step: IdentifyStep, before: Speech = ()) -> Action:
        """Asks for the next field, or compares when all are known."""
        state = self.state
        given = {
            name: state.secrets[name] if name in state.secrets else str(state.fields[name])
            for name in step.ask
            if name in state.secrets or name in state.fields
        }
        if len(given) < len(step.ask):
            return self.question(step, before)
        self.change(phase="identify")
        secrets = frozenset(name for name in step.ask if self.flow.fields[name].secret)
        return Identify(step.table, given, secrets)

    def compared(self, step: IdentifyStep, result: Result) -> Action:
        """What follows from the comparison."""
        match result:
            case Identified(ok=True):
                self.change(verified=True, level=result.level, customer=dict(result.facts))
                self.tell("identified", ok=True, level=result.level)
                self._drop_secrets(step)
                return self.enter(step.next)
            case Identified():
                rounds = self.state.rounds + 1
                self.tell("identified", ok=False, tries=rounds)
                if rounds >= step.asking.attempts:
                    self.change(doubted=step.ask)
                    self.tell("gave_up", tries=rounds)
                    self._drop_secrets(step)
                    return self.enter(step.asking.otherwise)
                self.change(rounds=rounds)
                self.forget(step.ask)
                return self.identify(step, step.wrong.at(rounds))
            case Failed(why):
                self.tell("failed", why=why)
                self._drop_secrets(step)
                return self.enter(step.asking.otherwise)
            case _:
                raise self.unfit(result)

    def _drop_secrets(self, step: IdentifyStep) -> None:
        left = {name: each for name, each in self.state.secrets.items() if name not in step.ask}
        self.change(secrets=left)
