"""What every part of a flow file is read with: words, templates, step names, ways of asking."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.flow.asking import Asking, Waiting
from ivr.flow.fields import Field
from ivr.flow.loading.section import Section, as_list, as_text, kind
from ivr.flow.loading.yaml import Node, Problems, Scalar, Sequence, quote
from ivr.flow.model import REPEAT
from ivr.flow.templates import TemplateRefused, compile_condition, compile_text, fixed_text
from ivr.flow.words import Escalation, Place, Speech, Template, Words

KEYPAD = frozenset("0123456789*#")
FACTS = (
    *("caller", "dialled", "channel", "language", "verified", "level", "customer", "opens"),
    "now",
    "today",
    "wait",
)
"""Names every template may read; no field may take them."""

MAX_WORKED_OUT, TEMPLATE_COST = 300_000, 30
"""Characters of templates and conditions in one file, each counted as so many more."""

_ASSIGNED = re.compile(r"(?<![=!<>])=(?!=)")
_SINGLE = re.compile(r"(?<!\{)\{\s*([a-z]\w*)[^{}]*\}(?!\})")
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
    help: tuple[Speech, ...] = ()
    error: Speech = ()
    patience: Speech = ()
    otherwise: str | None = None
    max_wait: float | None = None
    exits: Mapping[str, str] = field(default_factory=dict)
    waiting: Waiting | None = None


@dataclass(slots=True)
class Reading:
    """One flow file being read; collects problems and the names of steps that it leads to."""

    problems: Problems
    languages: tuple[str, ...] = ("en",)
    fields: dict[str, Field] = field(default_factory=dict)
    calendars: frozenset[str] = frozenset()
    defaults: Defaults = Defaults()
    references: list[tuple[str, Place]] = field(default_factory=list)
    key_targets: list[tuple[str, Place]] = field(default_factory=list)
    worked_out: int = 0

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
            if fallback is None:
                section.lacks(key, _WAYS[key])
            return fallback or ""
        return self.reference(node, quote(key)) or ""

    def step_name(self, name: str, place: Place) -> None:
        """Reports a name that cannot be a step's."""
        if name == REPEAT or not _STEP_NAME.fullmatch(name):
            cure = "use small letters, digits and -, such as ask-account or open?"
            if "：" in name:
                cure = 'the sign ： is no colon here; write ": "'
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

    def calendar(self, node: Node | None) -> str | None:
        """The name of a calendar; reports an unknown one, for which None stands."""
        if node is None:
            return None
        name = as_text(node, "a calendar", self.problems)
        if name is not None and name not in self.calendars:
            self.problems.unknown(node.place, "calendar", name, self.calendars)
        return name if name in self.calendars else None

    def fillable(self, name: str, place: Place) -> Field | None:
        """The field of that name, when a flow may give it a value; reports one it may not."""
        field = self.known_field(name, place)
        if field is not None and field.secret:
            cure = "a secret is only ever collected from the caller"
            self.problems.add(place, f"the secret {quote(name)} cannot be set", cure)
        return field

    # --- templates ---

    def template(self, node: Node, what: str) -> Template:
        """Words with fields; empty after a mistake."""
        source = as_text(node, what, self.problems)
        if source is None or ("{" in source and self._too_much(source, node.place)):
            return _EMPTY
        self._braces(source, node.place)
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
        if source is None or self._too_much(source, node.place):
            return _EMPTY
        try:
            return compile_condition(source, node.place)
        except TemplateRefused as refused:
            cure = "compare with ==" if _ASSIGNED.search(source) else refused.cure
            self.problems.add(node.place, f"{what}: {refused.reason}", cure)
            return _EMPTY

    def _braces(self, source: str, place: Place) -> None:
        """Reports a field in single braces, which would be spoken as it stands."""
        for name in _SINGLE.findall(source) if "{" in source else ():
            if name in self.fields or name in FACTS:
                cure = f"write {{{{ {name} }}}}"
                self.problems.add(place, f"{quote('{' + name + '}')} would be said as it is", cure)

    def _too_much(self, source: str, place: Place) -> bool:
        """Whether the file has more to work out than can be read in a moment; told once."""
        before, self.worked_out = self.worked_out, self.worked_out + len(source) + TEMPLATE_COST
        if before <= MAX_WORKED_OUT < self.worked_out:
            cure = "make some of its steps a flow of their own"
            self.problems.add(place, "too many texts with fields in one file", cure)
        return self.worked_out > MAX_WORKED_OUT

    # --- words ---

    def speech(self, node: Node, what: str) -> Speech:
        """Words to say: text, `{en: ..., zh: ...}`, or a list of such pieces."""
        return as_list(node, what, self.problems, lambda item: self.words(item, what))

    def spoken(self, section: Section, key: str, inherited: Speech = ()) -> Speech:
        """The words under a key; what is inherited when it is absent."""
        node = section.node(key)
        return inherited if node is None else self.speech(node, quote(key))

    def words(self, node: Node, what: str) -> Words | None:
        """One piece of speech."""
        if isinstance(node, Scalar):
            return Words(self._alone(node, what, None), place=node.place)
        if isinstance(node, Sequence):
            self.problems.add(node.place, f"{what} cannot be a list within a list")
            return None
        with Section(node, what, self.problems) as section:
            sound = self._sound(section)
            every, text = section.node("every"), section.node("text")
            if every is not None:
                texts = self._by_language(every, "every", sound)
            elif text is not None:
                texts = self._alone(text, what, sound)
            else:
                texts = self._texts(section, sound)
            written = section.node("written")
            return Words(
                texts,
                sound,
                every=every is not None,
                written={} if written is None else self._written(written),
                barge_in=section.boolean("barge_in", None),
                place=node.place,
            )

    def _written(self, node: Node) -> dict[str, Template]:
        if isinstance(node, Scalar):
            return self._alone(node, '"written"', None)
        return self._by_language(node, '"written"', None)

    def _alone(self, node: Node, what: str, sound: str | None) -> dict[str, Template]:
        template = self.template(node, what)
        if len(self.languages) > 1 and template is not _EMPTY:
            known = ", ".join(f"{code}: ..." for code in self.languages)
            message = f"{what} has one text for {len(self.languages)} languages"
            self.problems.add(node.place, message, f"write {{{known}}}")
        self._fixed(template, sound)
        return {self.languages[0]: template}

    def _by_language(self, node: Node, what: str, sound: str | None) -> dict[str, Template]:
        with Section(node, what, self.problems) as section:
            return self._texts(section, sound)

    def _texts(self, section: Section, sound: str | None) -> dict[str, Template]:
        texts: dict[str, Template] = {}
        for code in self.languages:
            value = section.node(code)
            if value is None:
                if section.usable:
                    message = f"no {code} text in {section.what}"
                    self.problems.add(section.place, message, f"add {code}: ...")
                continue
            texts[code] = self.template(value, f"{section.what} in {code}")
            self._fixed(texts[code], sound)
        return texts

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

    def asking(
        self,
        section: Section,
        *,
        single: bool = False,
        attempts: int | None = None,
        otherwise: str | None = None,
    ) -> Asking:
        """How a step asks, with what it inherits; `single` keys need no end.

        `attempts` and `otherwise` go before what the flow's defaults say.
        """
        base = self.defaults
        return Asking(
            otherwise=self.way(section, "otherwise", otherwise or base.otherwise),
            wait=section.duration("wait", base.wait, low=1, high=60),
            digit_wait=base.digit_wait if single else self.digit_wait(section, base.digit_wait),
            finish="" if single else self.finish(section, base.finish),
            barge_in=section.boolean("barge_in", base.barge_in),
            attempts=section.integer("attempts", attempts or base.attempts, low=1, high=9),
            noinput=self._escalation(section, "noinput", base.noinput),
            nomatch=self._escalation(section, "nomatch", base.nomatch),
            help=self._escalation(section, "help", base.help),
            error=self.spoken(section, "error", base.error),
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
