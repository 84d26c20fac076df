"""One turn in the making: the state as it changes, the events so far, and the words to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ivr.flow.actions import MASK, Event, EventValue, Prompt, Prompts, Value
from ivr.flow.model import Field, Flow, Speech, Template, Words
from ivr.flow.state import State
from ivr.flow.wording import moment


class Scene:
    """Replaces its state as it goes; nobody outside sees it before the turn is complete."""

    def __init__(self, flow: Flow, state: State, now: datetime) -> None:
        self.flow, self.state, self.now = flow, state, now
        self.events: list[Event] = []
        self._values: Mapping[str, object] | None = None

    def tell(self, kind: str, **data: EventValue) -> None:
        """Adds to the contact's timeline."""
        self.events.append(Event(self.now, kind, self.state.step, data))

    def change(self, **changes: Any) -> None:
        """Replaces parts of the state."""
        self.state = replace(self.state, **changes)
        self._values = None

    # --- words ---

    def values(self) -> Mapping[str, object]:
        """What templates may read: never a secret."""
        if self._values is None:
            state, facts = self.state, self.state.facts
            self._values = {
                **state.fields,
                "caller": facts.caller,
                "dialled": facts.dialled,
                "channel": facts.channel,
                "language": state.language,
                "verified": state.verified,
                "level": state.level,
                "customer": state.customer,
            }
        return self._values

    def render(self, template: Template | None, language: str | None = None) -> str:
        """The words of a template, "" without one."""
        if template is None:
            return ""
        values = self.values()
        if "opens" in template.names and self.state.opens is not None:
            opens = datetime.fromisoformat(self.state.opens)
            spoken = moment(language or self.state.language, opens, self.now)
            values = {**values, "opens": spoken}
        return template.render(values)

    def prompts(self, *speeches: Speech) -> Prompts:
        """Speech in the caller's language; pieces that render as nothing are left out."""
        return tuple(
            prompt
            for speech in speeches
            for words in speech
            for prompt in self._prompts(words)
            if prompt.text or prompt.sound
        )

    def _prompts(self, words: Words) -> Prompts:
        codes = [each.code for each in self.flow.languages if each.code in words.texts]
        if not words.every:
            code = self.state.language
            codes = [code if code in words.texts else codes[0]]
        return tuple(Prompt(self.render(words.texts[c], c), c, words.sound) for c in codes)

    # --- fields ---

    def keep(self, field: Field, value: Value, keyed: str) -> None:
        """Gives a field the value the caller keyed."""
        if field.secret:
            self.change(secrets={**self.state.secrets, field.name: keyed})
        else:
            self.change(fields={**self.state.fields, field.name: value})
        self.tell("field", name=field.name, value=MASK if field.secret else value, by="caller")

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
                self.change(fields={**self.state.fields, name: value})
                self.tell("field", name=name, value=value, by="flow")

    def _switch(self, code: str) -> None:
        known = any(each.code == code for each in self.flow.languages)
        if known:
            self.change(language=code)
        self.tell("language" if known else "language_refused", language=code)

    def forget(self, names: tuple[str, ...]) -> None:
        """Takes back what the caller gave for these fields."""
        keep = {name: value for name, value in self.state.fields.items() if name not in names}
        secrets = {name: value for name, value in self.state.secrets.items() if name not in names}
        self.change(fields=keep, secrets=secrets)
