"""A flow as boxes and arrows with words on them, however they are drawn.

Every kind of step has its place in `KINDS`; one that is not there is drawn as a plain box. The ways
are those of `ivr.flow.checking.graph`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ivr.flow.checking.graph import Edge, edges
from ivr.flow.model import AnyStep, Flow, RoomStep, options_of
from ivr.flow.words import Words

LINE, LINES = 34, 4
"""Columns of a line of words (a Chinese character takes two), and how many lines are shown."""
ON_ARROW: Final = 30

_FIELD: Final = re.compile(r"\{\{\s*([\w.]+)\s*(?:\|[^}]*)?\}\}")
_QUOTED: Final = re.compile(r"['\"]([^'\"]*)['\"]")
_WIDE: Final = r"\u2e80-\u9fff\uff00-\uffef"
_PIECE: Final = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+\s*|\s+")
_CODE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.S)


class Kind(Enum):
    """What a box stands for; the value is its name in the legend."""

    START = "a call comes in"
    SAYS = "caller hears"
    ASKS = "caller chooses or enters"
    DECIDES = "decision"
    NOTES = "remembers"
    LOOKS_UP = "looks up or sends data"
    PEOPLE = "a person"
    MESSAGE = "message or text"
    RUNS = "another flow"
    KEY = "key that works at any question"
    ENDS = "end of the call"


KINDS: Final[Mapping[str, Kind]] = {
    "say": Kind.SAYS,
    **dict.fromkeys(("menu", "collect", "identify", "code", "join", "survey", "book"), Kind.ASKS),
    **dict.fromkeys(("hours", "branch", "room"), Kind.DECIDES),
    "set": Kind.NOTES,
    **dict.fromkeys(("http", "lookup"), Kind.LOOKS_UP),
    **dict.fromkeys(("queue", "transfer", "callback"), Kind.PEOPLE),
    **dict.fromkeys(("voicemail", "record", "sms", "invite"), Kind.MESSAGE),
    "run": Kind.RUNS,
    **dict.fromkeys(("hangup", "return"), Kind.ENDS),
}
_SUBJECTS: Final[Mapping[str, tuple[str, str]]] = {
    "collect": ("enters", "field"),
    "identify": ("who is calling? by", "source"),
    "code": ("one-time code to", "to"),
    "survey": ("survey", "survey"),
    "book": ("appointment with", "service"),
    "hours": ("hours of", "calendar"),
    "http": ("service", "service"),
    "lookup": ("table", "table"),
    "queue": ("queue", "queue"),
    "transfer": ("connects with", "to"),
    "callback": ("rings back from", "queue"),
    "voicemail": ("message to", "mailbox"),
    "record": ("records", "recording"),
    "sms": ("text message to", "to"),
    "run": ("flow", "flow"),
}
"""What a box says below its name: some words, and the attribute of the step that they are about."""

_WAYS: Final[Mapping[str, str]] = {
    "next": "",
    "answered": "after the talk",
    "timeout": "waited too long",
    "nobody": "nobody there",
    "full": "queue full",
    "failed": "fault",
    "no_answer": "no answer",
    "recorded": "recorded",
    "none": "nothing free",
    "locked": "locked out",
}
_OTHERWISE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("menu", "collect", "identify", "code", "join", "book"), "no valid answer"),
    "survey": "not answered",
    **dict.fromkeys(("voicemail", "record"), "nothing recorded"),
    **dict.fromkeys(("http", "lookup"), "fails"),
    "sms": "not sent",
    "invite": "no code",
    "room": "no room",
    "callback": "not possible",
    "run": "without success",
}
_KEY: Final = "key "
"""How the ways of keys begin in the graph."""
_LANGUAGES: Final = {"en": "English", "zh": "Chinese"}
_UNSERVED: Final = "not served"
"""All ways out of a queue but the talk, where they lead to one place."""


@dataclass(frozen=True, slots=True)
class Box:
    """One step. `lines` are what it is about and what the caller hears; `full` is all of it.

    `time` is "day" or "night" where it is only ever met while something is open, or closed.
    """

    name: str
    kind: Kind
    lines: tuple[str, ...] = ()
    subject: str = ""
    full: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A way between boxes (by their place); `quiet` where it is the way out of trouble."""

    start: int
    end: int
    label: str = ""
    quiet: bool = False
    time: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What there is to draw; the first box is where calls come in.

    `anywhere` tells the keys that work at any question and lead to no step: `* → repeat`.
    """

    title: str
    about: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    anywhere: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Every kind in it, in the order of the legend."""
        present = {box.kind for box in self.boxes}
        return tuple(kind for kind in Kind if kind in present)


def draw(flow: Flow, language: str | None = None) -> Drawing:
    """The drawing of a flow, in one of its languages (the first, unless another is named)."""
    language = flow.language(language or "").code
    names = {name: place for place, name in enumerate(flow.steps, start=1)}
    ways = {name: _ways(flow, step) for name, step in flow.steps.items()}
    times = _times(flow, ways)
    calls = f"calls to {', '.join(flow.numbers)}" if flow.numbers else "when another flow runs it"
    start = Box(_cut(calls, LINE), Kind.START)
    boxes = [start, *(_box(step, language, times) for step in flow.steps.values())]
    arrows = [Arrow(0, names[flow.start])] if flow.start in names else []
    for name, step in flow.steps.items():
        arrows += _arrows(step, ways[name], names, language)
    for key, target in flow.keys.items():
        if target in names:
            arrows.append(Arrow(len(boxes), names[target], quiet=True))
            boxes.append(Box(f"key {key}", Kind.KEY, subject="at any question"))
    anywhere = (f"{key} → {to}" for key, to in flow.keys.items() if to not in names)
    return Drawing(flow.name, flow.about, tuple(boxes), tuple(arrows), tuple(anywhere))


def _ways(flow: Flow, step: AnyStep) -> tuple[Edge, ...]:
    """Every way out of a step; what is known of flows it runs makes no difference to them."""
    return edges(flow, step, {})


def _own_key(step: AnyStep, way: str) -> str | None:
    """The key of the step's own that a way belongs to; "" for one that works everywhere."""
    if way.startswith(_KEY):
        key = way.removeprefix(_KEY)
        return key if key in options_of(step) else ""
    return None


# --- day and night --------------------------------------------------------------------------------


def _times(flow: Flow, ways: Mapping[str, Sequence[Edge]]) -> Mapping[str, str]:
    """The steps that are met only while something is open ("day"), or only while it is closed."""

    def met(skipped: str) -> set[str]:
        seen, waiting = set[str](), [flow.start]
        while waiting:
            name = waiting.pop()
            if name in seen or name not in ways:
                continue
            seen.add(name)
            waiting += (
                each.target
                for each in ways[name]
                if _time_of(flow.steps[name], each.label) != skipped
            )
        return seen

    without_day, without_night = met("day"), met("night")
    day = dict.fromkeys(without_night - without_day, "day")
    return day | dict.fromkeys(without_day - without_night, "night")


def _time_of(step: AnyStep, way: str) -> str:
    """When a way is open: by the hours of a calendar, or of the key that leads there."""
    if verb(step) == "hours":
        return {"open": "day", "closed": "night"}.get(way, "")
    key = _own_key(step, way)
    return "day" if key and options_of(step)[key].hours else ""


# --- boxes ----------------------------------------------------------------------------------------


def verb(step: AnyStep) -> str:
    """What a step is called in the language of flows."""
    return type(step).__name__.removesuffix("Step").lower()


def _box(step: AnyStep, language: str, times: Mapping[str, str]) -> Box:
    kind = KINDS.get(verb(step), Kind.SAYS)
    heard = [heard for words in _said(step) if (heard := _hear(words, language))]
    subject = _subject(step)
    lines = (*wrap(" ".join(heard), LINE, LINES), *wrap(_needs(step), LINE, 1))
    full = "\n".join((subject, *heard)).strip()
    return Box(step.name, kind, lines, subject, full, times.get(step.name, ""))


def _subject(step: AnyStep) -> str:
    if verb(step) == "set":
        sets: Mapping[str, object] = getattr(step, "sets", {})
        return _cut(", ".join(f"{name} = {plain(value)}" for name, value in sets.items()), LINE)
    if isinstance(step, RoomStep):
        return _cut(f"room in {plain(step.room.queue)} by {step.room.channel}?", LINE)
    words, attribute = _SUBJECTS.get(verb(step), ("", ""))
    about = plain(getattr(step, attribute, "")) if attribute else ""
    return _cut(f"{words} {about}".strip(), LINE) if about else ""


def _needs(step: AnyStep) -> str:
    """The skills a person must have."""
    needs = getattr(step, "needs", ())
    told = ", ".join(f"{plain(need.skill)} {need.level}" for need in needs)
    return f"needs {told} or better" if told else ""


def _said(step: AnyStep) -> Iterator[Words]:
    """What the caller hears at first, whatever the kind of step."""
    yield from _words(getattr(step, "say", ()))
    for speech in dict(getattr(step, "speeches", {})).values():
        yield from _words(speech)
    for question in getattr(step, "questions", ()):
        yield from _words(getattr(question, "say", ()))
    if verb(step) == "sms":
        yield from _words(getattr(step, "text", ()))


def _words(speech: object) -> Iterator[Words]:
    if isinstance(speech, tuple):
        yield from (each for each in speech if isinstance(each, Words))


def _hear(words: Words, language: str) -> str:
    texts = words.texts
    if words.every:
        return " / ".join(map(plain, texts.values()))
    text = texts.get(language) or next(iter(texts.values()), None)
    return plain(text) if text is not None else ""


def plain(value: object) -> str:
    """A template as people read it: `{{ opens | default('soon') }}` is ‹opens›."""
    text = _FIELD.sub(r"‹\1›", str(getattr(value, "source", value)))
    text = "".join(" " if unicodedata.category(each) == "Cc" else each for each in text)
    return " ".join(_CODE.sub("…", text).split())


# --- arrows ---------------------------------------------------------------------------------------


def _arrows(
    step: AnyStep, ways: Iterable[Edge], names: Mapping[str, int], language: str
) -> Iterator[Arrow]:
    """One arrow for each place a step leads to, and one for each key."""
    label = _labels(step, language)
    joined: dict[tuple[str, bool, str], list[str]] = {}
    for edge in ways:
        if edge.target in names and _own_key(step, edge.label) != "":
            quiet = _is_quiet(step, edge.label)
            key = (edge.target, quiet, _time_of(step, edge.label))
            joined.setdefault(key, []).append(label(edge.label))
    for (target, quiet, time), labels in joined.items():
        told = _UNSERVED if quiet and len(labels) > 2 else ", ".join(filter(None, labels))
        yield Arrow(names[step.name], names[target], _cut(told, ON_ARROW), quiet, time)


def _labels(step: AnyStep, language: str) -> Callable[[str], str]:
    def label(way: str) -> str:
        if key := _own_key(step, way):
            return _offer(key, options_of(step)[key], language)
        if way == "otherwise":
            return _OTHERWISE.get(verb(step), way)
        if way in getattr(step, "statuses", {}):
            return f"answer {way}"
        if verb(step) == "branch":
            return f"if {_condition(way)}"
        return _WAYS.get(way, plain(way).replace("_", " "))

    return label


def _condition(source: str) -> str:
    """`reason == 'loans'` as `reason is loans`."""
    text = source.replace("==", "is").replace("!=", "is not")
    return plain(_QUOTED.sub(r"\1", text))


def _offer(key: str, option: object, language: str) -> str:
    """`1 Appointments`, from the option's label or the values it notes."""
    named = " ".join(_hear(each, language) for each in _words(getattr(option, "label", ())))
    sets: Mapping[str, object] = getattr(option, "sets", {})
    noted = [
        _LANGUAGES.get(value, value) if name == "language" else value
        for name, value in ((name, plain(each)) for name, each in sets.items())
        if "‹" not in value and "…" not in value
    ]
    return f"{key} {named or ', '.join(noted)}".strip()


def _is_quiet(step: AnyStep, way: str) -> bool:
    """Whether this is the way when something did not work."""
    if KINDS.get(verb(step)) is Kind.DECIDES or _own_key(step, way):
        return False
    return way not in ("next", "answered", "recorded")


# --- lines ----------------------------------------------------------------------------------------


def columns(text: str) -> int:
    """How wide a text is: Chinese characters count twice, combining marks nothing."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def wrap(text: str, width: int, most: int) -> tuple[str, ...]:
    """At most so many lines of so many columns; Chinese breaks anywhere, the rest at spaces."""
    lines, line = list[str](), ""
    for piece in _pieces(text):
        if line and columns(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece if line or piece.strip() else ""
        while columns(line) > width + 1:
            head = _cut(line, width, "")
            lines.append(head)
            line = line[len(head) :]
    lines += [line.rstrip()] if line.strip() else []
    if len(lines) > most:
        lines[most - 1] = _cut(lines[most - 1] + "……", width)
    return tuple(lines[:most])


def _pieces(text: str) -> Iterator[str]:
    yield from re.findall(
        r"[\u2e80-\u9fff\uff00-\uffef]|[^\s\u2e80-\u9fff\uff00-\uffef]+\s*|\s+", text
    )


def _cut(text: str, width: int, mark: str = "…") -> str:
    if columns(text) <= width:
        return text
    room = width - columns(mark)
    while columns(text) > room:
        text = text[:-1]
    return text.rstrip() + mark
