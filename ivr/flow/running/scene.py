"""One turn in the making: the state as it changes, the events so far, and the words to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ivr.errors import ServiceFault
from ivr.flow.actions import MASK, Event, EventValue, Prompt, Prompts, Value
from ivr.flow.calendar import Switches
from ivr.flow.errands import AnyResult
from ivr.flow.fields import Field
from ivr.flow.model import Flow, Need
from ivr.flow.running.state import State
from ivr.flow.wording import moment, phrase, speak, waits
from ivr.flow.words import Speech, Template, Words

Values = Mapping[str, object]
NOTHING: Values = {}

_READ = frozenset({"fields", "language", "verified", "level", "customer", "opens", "wait"})
"""The parts of the state that templates read."""


class _Opening(datetime):
    """Said as it is, it is words ("tomorrow at 8 AM"); filters see the moment."""

    words: str = ""

    def __str__(self) -> str:
        return self.words


class Scene:
    """Its state is a copy of its own, which changes until the turn is complete.

    `flow` is the flow that has the call at present, `root` the one the call began in. Raises
    ServiceFault when the state stands in a sub-flow that is not there.
    """

    def __init__(self, flow: Flow, state: State, now: datetime, switches: Switches) -> None:
        self.root, self.now, self.switches = flow, now, switches
        self.state = _copy(state)
        self.flow = running(flow, state)
        self.written = state.facts.channel != "voice"
        self.events: list[Event] = []
        self._values: dict[str, object] | None = None
        self._open: dict[str, bool] = {}

    def tell(self, kind: str, /, **data: EventValue) -> None:
        """Adds to the contact's timeline."""
        self.events.append(Event(self.now, kind, self.state.step, data))

    def change(self, **changes: Any) -> None:
        """Replaces parts of the state."""
        for name, value in changes.items():
            # The copy is nobody else's before the turn is complete; a new one each time is slow.
            object.__setattr__(self.state, name, value)
        if not _READ.isdisjoint(changes):
            self._values = None

    def unfit(self, result: AnyResult) -> ServiceFault:
        """The error for a result that nobody asked for."""
        what, phase = type(result).__name__, self.state.phase
        return ServiceFault(f'{what} is no result of "{phase}" at step "{self.state.step}"')

    # --- words ---

    def values(self) -> Values:
        """What templates may read: never a secret."""
        if self._values is None:
            state, facts = self.state, self.state.facts
            now = self.now.astimezone(self.flow.zone)
            self._values = {
                **state.fields,
                "caller": facts.caller,
                "dialled": facts.dialled,
                "channel": facts.channel,
                "language": state.language,
                "verified": state.verified,
                "level": state.level,
                "customer": state.customer,
                "now": now,
                "today": now.date().isoformat(),
            }
            if state.opens is not None:
                self._values["opens"] = self._opening(state.opens, state.language)
            if state.wait is not None:
                self._values["wait"] = self._waits(state.language)
        return self._values

    def _opening(self, iso: str, language: str) -> _Opening:
        opening = _Opening.fromisoformat(iso)
        opening.words = moment(language, opening, self.now)
        return opening

    def _waits(self, language: str) -> str:
        wait = self.state.wait
        return waits.wait(language, wait) if wait is not None and wait[1] else ""

    def render(self, template: Template | None, also: Values = NOTHING) -> str:
        """The words of a template, "" without one; `also` are values it reads besides."""
        if template is None:
            return ""
        return template.render({**self.values(), **also} if also else self.values())

    def rendered(self, templates: Mapping[str, Template]) -> dict[str, str]:
        """The words of each template."""
        values = self.values()
        return {name: template.render(values) for name, template in templates.items()}

    def prompts(self, *speeches: Speech, barge_in: bool = True, also: Values = NOTHING) -> Prompts:
        """Speech in the caller's language; pieces that render as nothing are left out."""
        return tuple(
            prompt
            for speech in speeches
            for words in speech
            for prompt in self._prompts(words, barge_in, also)
            if prompt.text or prompt.sound
        )

    def _prompts(self, words: Words, barge_in: bool, also: Values) -> Iterable[Prompt]:
        texts = (self.written and words.written) or words.texts
        may = barge_in if words.barge_in is None else words.barge_in
        for code in self.codes(words):
            if code != self.state.language:
                also = {**also, **self._abroad(code)}
            yield Prompt(self.render(texts.get(code), also), code, words.sound, may)

    def codes(self, words: Words) -> list[str]:
        """The languages a piece is spoken in."""
        if not words.every and self.state.language in words.texts:
            return [self.state.language]
        known = [each.code for each in self.flow.languages if each.code in words.texts]
        return known if words.every else known[:1]

    def _abroad(self, code: str) -> Values:
        """What templates read otherwise in a language that is not the caller's."""
        opens = self.state.opens
        here: dict[str, object] = {"language": code}
        if opens is not None:
            here["opens"] = self._opening(opens, code)
        if self.state.wait is not None:
            here["wait"] = self._waits(code)
        return here

    def said(self, speech: Speech, language: str) -> str:
        """The words of a speech in one language, without its recordings."""
        also = {} if language == self.state.language else self._abroad(language)
        texts = ((self.written and each.written) or each.texts for each in speech)
        rendered = (self.render(each.get(language), also) for each in texts)
        return " ".join(each for each in rendered if each)

    def message(self, speech: Speech, also: Values = NOTHING) -> str:
        """The words of a text message: the written ones, also in the middle of a phone call."""
        pieces = (
            self.render(
                (words.written or words.texts).get(code),
                {**self._abroad(code), "channel": "sms", **also},
            )
            for words in speech
            for code in self.codes(words)
        )
        return " ".join(piece for piece in pieces if piece)

    def phrase(self, name: str, language: str = "", barge_in: bool = True, **places: str) -> Prompt:
        """A sentence that the flow language says by itself."""
        code = language or self.state.language
        return Prompt(phrase(name, code, self.written, **places), code, None, barge_in)

    def speak(self, kind: str, value: Value) -> str:
        """A value as the caller's language says it."""
        now = self.now.astimezone(self.flow.zone)
        return speak(kind, value, self.state.language, written=self.written, now=now)

    # --- fields ---

    def keep(self, field: Field, value: Value, keyed: str) -> None:
        """Gives a field the value the caller gave; `keyed` is what a secret is compared by."""
        self._put(field, value, keyed)
        self.tell("field", name=field.name, value=MASK if field.secret else value, by="caller")

    def fill(self, values: Mapping[str, Value], by: str) -> None:
        """Gives fields values that are of their types."""
        for name, value in values.items():
            field = self.flow.fields[name]
            self._put(field, value, str(value))
            self.tell("field", name=name, value=MASK if field.secret else value, by=by)

    def assign(self, sets: Mapping[str, Template]) -> None:
        """What a `set` does. A text that is no value of its field leaves the field as it was."""
        for name, template in sets.items():
            text = self.render(template)
            if name == "language":
                self._switch(text)
                continue
            value = self.flow.fields[name].from_text(text)
            if value is None:
                self.tell("field_refused", name=name, value=text)
            else:
                self.fill({name: value}, by="flow")

    def _put(self, field: Field, value: Value, keyed: str) -> None:
        if field.secret:
            self.change(secrets={**self.state.secrets, field.name: keyed})
            return
        self.change(fields={**self.state.fields, field.name: value})
        if self.state.proven.get(field.name, value) != value:
            self.drop_identity()

    def drop_identity(self) -> None:
        """Nobody is known any more: what was proven is not what the fields say now."""
        if self.state.level != "unknown":
            self.tell("identity_dropped")
        self.change(level="unknown", verified=False, customer={}, proofs=(), proven={})

    def _switch(self, code: str) -> None:
        known = any(each.code == code for each in self.flow.languages)
        if known:
            self.change(language=code)
        self.tell("language" if known else "language_refused", language=code)

    def forget(self, names: Iterable[str]) -> None:
        """Takes back what these fields hold."""
        gone, state = frozenset(names), self.state
        if not gone.isdisjoint(state.fields):
            self.change(fields={n: v for n, v in state.fields.items() if n not in gone})
        if not gone.isdisjoint(state.secrets):
            self.change(secrets={n: v for n, v in state.secrets.items() if n not in gone})

    # --- hours and people ---

    def is_open(self, calendar: str) -> bool:
        """Whether a calendar of the flow is open, its switch counting first."""
        hours = self.flow.calendars[calendar]
        if hours.name not in self._open:
            switch = self.switches.get(hours.name)
            self._open[hours.name] = hours.is_open(self.now, switch)
        return self._open[hours.name]

    def check_hours(self, calendar: str) -> bool:
        """Whether it is open; told, and when it is closed, `opens` is known from here on."""
        hours = self.flow.calendars[calendar]
        switch = self.switches.get(hours.name)
        because: dict[str, EventValue] = {}
        if switch is not None and switch.holds(self.now):
            because = {"because": switch.because}
        if self.is_open(calendar):
            self.tell("hours", calendar=calendar, open=True, **because)
            return True
        opens = hours.next_opening(self.now, switch)
        self.change(opens=opens.isoformat() if opens is not None else None)
        self.tell("hours", calendar=calendar, open=False, opens=self.state.opens, **because)
        return False

    def needs(self, needs: Iterable[Need]) -> dict[str, int]:
        """Skills and levels, with that of the caller's language; a skill without a name is none."""
        wanted = {skill: each.level for each in needs if (skill := self.render(each.skill))}
        language = self.flow.language(self.state.language)
        if language.skill is not None:
            wanted.setdefault(language.skill, language.level)
        return wanted


def running(flow: Flow, state: State) -> Flow:
    """The flow that has the call: the last of the sub-flows it stands in."""
    for frame in state.frames:
        inner = flow.subflows.get(frame.runs)
        if inner is None:
            raise ServiceFault(f'flow "{flow.name}" does not run "{frame.runs}"')
        flow = inner
    return flow


def _copy(state: State) -> State:
    copy = object.__new__(State)
    for name in State.__slots__:
        object.__setattr__(copy, name, getattr(state, name))
    return copy


def whole(text: str) -> int:
    """A priority: a whole number, 0 for anything else."""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else 0


def joined(prompts: Prompts) -> Prompt | None:
    """One prompt of many, for the agent's ear."""
    if not prompts:
        return None
    sound = prompts[0].sound if len(prompts) == 1 else None
    return Prompt(" ".join(each.text for each in prompts), prompts[0].language, sound)
