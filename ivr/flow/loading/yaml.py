"""Strict YAML for files that people write: values keep their text, every mistake has its place.

What it refuses, because plain loaders misread it in silence: duplicate keys, anchors and aliases,
tags, several documents, keys that are not simple words, and anything too deep or too large. What it
does not do is guess: `no`, `0123` and `17:30` stay text; only `true` and `false` are booleans
(YAML 1.2), and only where the reader of a value asks for one.

    problems = Problems()
    root = parse(path.read_bytes(), "floor.yaml", problems)   # a node, or None when unreadable
    with Section(root, "the floor", problems) as floor:       # leaving reports unknown keys
        name = floor.text("name")
        wrap = floor.duration("wrap_up", default=10.0)
        for key, node in floor.entries("queues"):
            ...
    problems.raise_if_any()                                   # ConfigError with all of them

A node is a `Scalar`, a `Sequence` or a `Mapping`, each with its `place`. `Section` is in
`ivr.flow.loading.section`; this module is the syntax only.

PyYAML's C parser is used for its events alone; they carry marks and build nothing, so depth, size
and time are bounded here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from ivr.flow.problems import MAX_PROBLEMS, Problems, meant, quote, suggest
from ivr.flow.words import Place

__all__ = [
    "MAX_BYTES",
    "MAX_NODES",
    "MAX_PROBLEMS",
    "Entry",
    "Mapping",
    "Node",
    "Problems",
    "Scalar",
    "Sequence",
    "meant",
    "parse",
    "quote",
    "suggest",
]

MAX_BYTES = 1_000_000
MAX_NODES = 40_000
MAX_DEPTH = 24

_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_WORDS = "put words that contain a colon or a comma in quotes"
_UNCLOSED = "an unclosed quote"
_CLOSE = "close it with the same sign; it opens here"
_FULL_WIDTH = re.compile(r"^\s*[\w?-]+：")
_COLON = 'the sign ： is no colon here; write ": "'
_COMMENT = re.compile(r":\s+#")
_LOADER = getattr(yaml, "CLoader", yaml.Loader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts; `quoted` tells `"true"` from `true`."""

    text: str
    place: Place
    quoted: bool = False

    @property
    def empty(self) -> bool:
        """Nothing written, `~` or `null`."""
        return not self.quoted and self.text in {"", "~", "null"}


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping, with the place of the key, and its value."""

    key: str
    place: Place
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys in the order they were written."""

    entries: dict[str, Entry]
    place: Place


Node = Scalar | Sequence | Mapping


def parse(source: bytes | str, file: str, problems: Problems) -> Node | None:
    """The document as nodes, or None when its syntax is broken (then `problems` says where)."""
    text = _decode(source, file, problems)
    if text is None:
        return None
    builder = _Builder(file, problems)
    try:
        return builder.build(text)
    except _Refused as refused:
        problems.add(refused.place, refused.message, refused.cure)
    except yaml.MarkedYAMLError as error:
        problems.add(*_broken(error, text, builder))
    except yaml.YAMLError as error:
        problems.add(Place(file, 1, 1), f"not valid YAML: {str(error).splitlines()[0]}")
    return None


def _broken(error: yaml.MarkedYAMLError, text: str, builder: _Builder) -> tuple[Place, str, str]:
    """Where the parser gave up, or better where that began; what is wrong, and the cure."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Place(builder.file, 1, 1), f"not valid YAML: {error.problem}", ""
    place = Place(builder.file, mark.line + 1, mark.column + 1)
    problem = error.problem or error.context or ""
    began = error.context_mark
    if "quoted scalar" in (error.context or "") and "end of stream" in problem and began:
        place = Place(builder.file, began.line + 1, began.column + 1)
        return place, _UNCLOSED, _CLOSE
    if builder.long_quote is not None and builder.long_quote[1] == place.line:
        return builder.long_quote[0], _UNCLOSED, _CLOSE
    line = text.split("\n")[mark.line] if "token" in problem or "tab" in problem else ""
    if "\t" in line[: mark.column + 1]:
        return place, "a tab; indent with spaces", ""
    return place, f"not valid YAML: {problem}", _likely(text, error) or _cure(error)


def _likely(text: str, error: yaml.MarkedYAMLError) -> str:
    """Signs that often break a file, looked for where the trouble began and ended."""
    lines = text.split("\n")
    numbers = {each.line for each in (error.problem_mark, error.context_mark) if each is not None}
    near = [lines[at] for number in numbers for at in (number - 1, number) if 0 <= at < len(lines)]
    if any(map(_FULL_WIDTH.search, near)):
        return _COLON
    if "alphabetic or numeric" in (error.problem or ""):
        return 'put * and & in quotes, such as "*": repeat'
    return "a # begins a comment; put it in quotes" if any(map(_COMMENT.search, near)) else ""


def _cure(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    if "cannot start any token" in problem:
        return "put quotes around text that begins with a special sign"
    if "mapping values are not allowed" in problem:
        return "put quotes around text that has a colon and a space, or check the indentation"
    if "did not find expected ','" in problem and _same_line(error):
        return _WORDS
    if "did not find expected" in problem:
        began = f"; it begins on line {error.context_mark.line + 1}" if error.context_mark else ""
        return f"check the indentation and the brackets just before this{began}"
    return ""


def _same_line(error: yaml.MarkedYAMLError) -> bool:
    """Whether the brackets begin on the line of the mistake: then it is hardly an open bracket."""
    marks = error.problem_mark, error.context_mark
    return len({mark.line for mark in marks if mark is not None}) == 1


def _decode(source: bytes | str, file: str, problems: Problems) -> str | None:
    if len(source) > MAX_BYTES:
        size = f"{len(source) / 1e6:.1f} MB"
        problems.add(Place(file, 1, 1), f"the file has {size}", "a file may have 1 MB at most")
        return None
    try:
        text = source if isinstance(source, str) else source.decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        place = Place(file, before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
        problems.add(place, "not UTF-8 text", "save the file as UTF-8")
        return None
    text = text.removeprefix("\ufeff")
    odd = _UNPRINTABLE.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        column = odd.start() - text.rfind("\n", 0, odd.start())
        place = Place(file, line, column)
        problems.add(place, f"a control character, U+{ord(odd.group()):04X}", "delete it")
        return None
    return text


class _Refused(Exception):
    def __init__(self, place: Place, message: str, cure: str) -> None:
        super().__init__(message)
        self.place, self.message, self.cure = place, message, cure


@dataclass(slots=True)
class _Open:
    """A list or mapping that is still being read; `key` waits for its value."""

    place: Place
    items: list[Node] | None
    entries: dict[str, Entry]
    key: Scalar | None = None
    braces: bool = False
    key_end: Place | None = None


class _Builder:
    """Builds nodes from events without recursion, so that depth costs nothing."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.file = file
        self.problems = problems
        self.stack: list[_Open] = []
        self.root: Node | None = None
        self.count = 0
        self.long_quote: tuple[Place, int] | None = None
        """The last quoted text of several lines: where it opens, and the line of its end."""

    def build(self, text: str) -> Node:
        documents = 0
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.NodeEvent):
                self._node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "a second document", "keep one document in each file")
        if self.root is None:
            raise _Refused(Place(self.file, 1, 1), "the file is empty", "")
        return self.root

    def _node(self, event: yaml.NodeEvent) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            self._refuse(event, f"more than {MAX_NODES:,} values", "split the file")
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"an alias, *{event.anchor}", "write the value out in full")
        if event.anchor is not None:
            self._refuse(event, f"an anchor, &{event.anchor}", "anchors are not used here")
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            self._refuse(event, f"a tag, {tag}", "tags are not used here; quotes make text")
        place = self._place(event)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, place)
            return
        waiting = self.stack[-1] if self.stack else None
        if waiting is not None and waiting.items is None and waiting.key is None:
            cure = "put words with {{ }} in quotes" if waiting.braces else "a key is one word"
            self._refuse(event, "a key that is a list or a mapping", cure)
        if len(self.stack) >= MAX_DEPTH:
            self._refuse(event, f"more than {MAX_DEPTH} levels", "flatten the file")
        is_list = isinstance(event, yaml.SequenceStartEvent)
        braces = isinstance(event, yaml.MappingStartEvent) and bool(event.flow_style)
        self.stack.append(_Open(place, [] if is_list else None, {}, braces=braces))

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        end = self._end(event)
        if event.style in {'"', "'"} and end.line > place.line:
            self.long_quote = place, end.line
        top = self.stack[-1] if self.stack else None
        if top is not None and top.braces and top.key is None:
            top.key_end = end
        elif top is not None and top.key is not None and place == end == top.key_end:
            # Not even a colon stands there: it is the rest of a sentence with a comma.
            self.problems.add(top.key.place, f"{quote(top.key.text)} has no value", _WORDS)
            top.key = None
            return
        self._add(Scalar(event.value, place, quoted=bool(event.style)))

    def _close(self) -> None:
        done = self.stack.pop()
        if done.items is not None:
            self._add(Sequence(tuple(done.items), done.place))
        else:
            self._add(Mapping(done.entries, done.place))

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if top.items is not None:
            top.items.append(node)
        elif top.key is None:
            # A list or mapping as a key was refused when it began.
            top.key = node if isinstance(node, Scalar) else None
        else:
            self._entry(top, top.key, node)
            top.key = None

    def _entry(self, into: _Open, key: Scalar, value: Node) -> None:
        earlier = into.entries.get(key.text)
        if earlier is None:
            into.entries[key.text] = Entry(key.text, key.place, value)
            return
        self.problems.add(
            key.place,
            f"the key {quote(key.text)} stands here twice",
            f"it is already on line {earlier.place.line}",
        )

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file, 1, 1)

    def _end(self, event: yaml.Event) -> Place:
        mark = event.end_mark
        return Place(self.file, mark.line + 1, mark.column + 1) if mark else self._place(event)

    def _refuse(self, event: yaml.Event, message: str, cure: str) -> None:
        raise _Refused(self._place(event), message, cure)
