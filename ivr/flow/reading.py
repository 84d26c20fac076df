"""What every part of a flow file is read with: words, templates, step names, ways of asking."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.flow.model import REPEAT, Asking, Escalation, Field, Place, Speech, Template, Words
from ivr.flow.section import Section, as_list, as_text, kind
from ivr.flow.templates import TemplateRefused, compile_condition, compile_text, fixed_text
from ivr.flow.yaml import Mapping as MappingNode
from ivr.flow.yaml import Node, Problems, Scalar, Sequence, quote

KEYPAD = frozenset("0123456789*#")
FACTS = ("caller", "dialled", "channel", "language", "verified", "level", "customer", "opens")
"""Names every template may read; no field may take them."""

_STEP_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}\??")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_SOUND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EMPTY = fixed_text("")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the steps of a flow inherit."""

    wait: float = 6.0
    digit_wait: float = 3.0
    finish: str = "#"
    barge_in: bool = True
    attempts: int = 3
    noinput: tuple[Speech, ...] = ()
    nomatch: tuple[Speech, ...] = ()
    otherwise: str | None = None
    max_wait: float | None = None
    exits: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reading:
    """One flow file being read; collects problems, step references and templates."""

    problems: Problems
    languages: tuple[str, ...] = ("en",)
    fields: dict[str, Field] = field(default_factory=dict)
    calendars: frozenset[str] = frozenset()
    defaults: Defaults = Defaults()
    references: list[tuple[str, Place]] = field(default_factory=list)

    # --- names ---

    def plain_name(self, node: Node | None, what: str) -> str:
        """A name that is also used outside of the flow: in files, records and reports."""
        name = as_text(node, what, self.problems, longest=60) if node is not None else None
        if node is not None and name is not None and not _PLAIN_NAME.fullmatch(name):
            cure = "use letters, digits, - and _"
            self.problems.add(node.place, f"{what} cannot be {quote(name)}", cure)
        return name or ""

    def reference(self, node: Node | None, what: str) -> str | None:
        """The name of a step, remembered so that it can be checked once all steps are known."""
        if node is None:
            return None
        name = as_text(node, what, self.problems, longest=60)
        if name is not None:
            self.references.append((name, node.place))
        return name

    def way(self, section: Section, key: str, fallback: str | None = None) -> str:
        """A required way out of a step; "" after a mistake."""
        node = section.node(key)
        if node is None:
            if fallback is None and section.usable:
                self.problems.add(section.place, f"{section.what} lacks {quote(key)}", _WAYS[key])
            return fallback or ""
        return self.reference(node, quote(key)) or ""

    def step_name(self, name: str, place: Place) -> None:
        """Reports a name that cannot be a step's."""
        if name == REPEAT or not _STEP_NAME.fullmatch(name):
            cure = "use small letters, digits and -, such as ask-account or open?"
            self.problems.add(place, f"{quote(name)} cannot be the name of a step", cure)

    def field_name(self, name: str, place: Place) -> None:
        """Reports a name that cannot be a field's."""
        if name in FACTS:
            self.problems.add(place, f"{quote(name)} is already the name of a fact", "rename it")
        elif not _FIELD_NAME.fullmatch(name):
            cure = "use small letters, digits and _, such as birth_date"
            self.problems.add(place, f"{quote(name)} cannot be the name of a field", cure)

    def known_field(self, name: str, place: Place) -> Field | None:
        """The field of that name; reports an unknown one."""
        if name not in self.fields:
            self.problems.unknown(place, "field", name, self.fields)
        return self.fields.get(name)

    # --- templates ---

    def template(self, node: Node, what: str) -> Template:
        """Words with fields; empty after a mistake."""
        source = as_text(node, what, self.problems)
        if source is None:
            return _EMPTY
        try:
            return compile_text(source, node.place)
        except TemplateRefused as refused:
            self.problems.add(node.place, f"{what}: {refused.reason}", refused.cure)
            return _EMPTY

    def name_template(self, name: str, place: Place, what: str) -> Template:
        """A template that stands where a key stands."""
        return self.template(Scalar(name, place, quoted=True), what)

    def condition(self, node: Node, what: str) -> Template:
        """A condition; never true after a mistake."""
        source = as_text(node, what, self.problems)
        if source is None:
            return _EMPTY
        try:
            return compile_condition(source, node.place)
        except TemplateRefused as refused:
            self.problems.add(node.place, f"{what}: {refused.reason}", refused.cure)
            return _EMPTY

    # --- words ---

    def speech(self, node: Node, what: str) -> Speech:
        """Words to say: text, `{en: ..., zh: ...}`, or a list of such pieces."""
        return as_list(node, what, self.problems, lambda item: self.words(item, what))

    def words(self, node: Node, what: str) -> Words | None:
        """One piece of speech."""
        if isinstance(node, Scalar):
            return self._plain(node, what, None)
        if isinstance(node, Sequence):
            self.problems.add(node.place, f"{what} cannot be a list within a list")
            return None
        with Section(node, what, self.problems) as section:
            sound = self._sound(section)
            every = section.node("every")
            if every is not None:
                with Section(every, "every", self.problems) as inner:
                    return Words(self._texts(inner, node), sound, every=True, place=node.place)
            text = section.node("text")
            if text is not None:
                return self._plain(text, what, sound)
            return Words(self._texts(section, node), sound, place=node.place)

    def _plain(self, node: Node, what: str, sound: str | None) -> Words:
        template = self.template(node, what)
        if len(self.languages) > 1 and template is not _EMPTY:
            known = ", ".join(f"{code}: ..." for code in self.languages)
            message = f"{what} has one text for {len(self.languages)} languages"
            self.problems.add(node.place, message, f"write {{{known}}}")
        self._fixed(template, sound)
        return Words({self.languages[0]: template}, sound, place=node.place)

    def _texts(self, section: Section, node: Node) -> dict[str, Template]:
        texts: dict[str, Template] = {}
        sound = self._known_sound(node)
        for code in self.languages:
            value = section.node(code)
            if value is None:
                if section.usable:
                    message = f"no {code} text in {section.what}"
                    self.problems.add(node.place, message, f"add {code}: ...")
                continue
            texts[code] = self.template(value, f"{section.what} in {code}")
            self._fixed(texts[code], sound)
        return texts

    def _known_sound(self, node: Node) -> str | None:
        entry = node.entries.get("sound") if isinstance(node, MappingNode) else None
        return "sound" if entry is not None else None

    def _sound(self, section: Section) -> str | None:
        name = section.text("sound", None)
        if name is not None and not _SOUND.fullmatch(name):
            cure = "write the file's name without folder and ending"
            self.problems.add(section.place_of("sound"), f"{quote(name)} is no sound name", cure)
            return None
        return name

    def _fixed(self, template: Template, sound: str | None) -> None:
        if sound is not None and template.names:
            cure = "put the changing words into a piece of their own"
            message = "a recording cannot hold words that change"
            self.problems.add(template.place, message, cure)

    def speeches(self, section: Section, key: str) -> tuple[Speech, ...] | None:
        """Escalating words: each list entry is said on one failed try; None when absent."""
        node = section.node(key)
        if node is None:
            return None
        return as_list(node, quote(key), self.problems, lambda item: self.speech(item, quote(key)))

    # --- asking ---

    def asking(self, section: Section, *, single: bool = False) -> Asking:
        """How a step asks, with what it inherits."""
        base = self.defaults
        return Asking(
            otherwise=self.way(section, "otherwise", base.otherwise),
            wait=section.duration("wait", base.wait, low=1, high=60),
            digit_wait=base.digit_wait if single else self.digit_wait(section, base.digit_wait),
            finish="" if single else self.finish(section, base.finish),
            barge_in=section.boolean("barge_in", base.barge_in),
            attempts=section.integer("attempts", base.attempts, low=1, high=9),
            noinput=self._escalation(section, "noinput", base.noinput),
            nomatch=self._escalation(section, "nomatch", base.nomatch),
        )

    def digit_wait(self, section: Section, default: float) -> float:
        """The pause between keys that ends an entry."""
        return section.duration("digit_wait", default, low=0.5, high=20)

    def finish(self, section: Section, default: str) -> str:
        """The key that ends an entry; `none` is no key."""
        node = section.node("finish")
        if node is None:
            return default
        if isinstance(node, Scalar) and node.text in {"#", "*", "none"}:
            return "" if node.text == "none" else node.text
        self.problems.add(node.place, f'"finish" cannot be {kind(node)}', 'it is "#", "*" or none')
        return default

    def _escalation(self, section: Section, key: str, inherited: tuple[Speech, ...]) -> Escalation:
        own = self.speeches(section, key)
        return Escalation(inherited) if own is None else Escalation(own, instead=True)


_WAYS = {
    "next": "name the step that follows",
    "otherwise": "name the step for callers who get no further, here or in the flow's defaults",
    "open": "name the step for opening hours",
    "closed": "name the step for callers outside opening hours",
}
