"""Typed reading of positioned nodes: every reader reports its mistake and carries on.

A reader returns a usable value even after a mistake (its default, or an empty one), so one pass
finds all of them. The caller raises once, at the end, with `Problems.raise_if_any()`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from types import TracebackType
from typing import TypeVar, overload

from ivr.flow.loading.yaml import Mapping, Node, Problems, Scalar, Sequence, meant, quote
from ivr.flow.words import Place

T = TypeVar("T")

_DURATION = re.compile(
    r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,6}(?:\.\d{1,3})?)s)?"
)
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
_INTEGER = re.compile(r"[+-]?\d{1,15}")


def kind(node: Node) -> str:
    """What a node is, in words for a message."""
    match node:
        case Scalar():
            return "nothing" if node.empty else quote(node.text)
        case Sequence():
            return "a list"
        case _:
            return "a mapping"


def as_text(node: Node, what: str, problems: Problems, *, longest: int = 2000) -> str | None:
    """The text of a scalar, as it was written; never empty."""
    if not isinstance(node, Scalar) or node.empty or not node.text.strip():
        problems.add(node.place, f"{what} must be text, not {kind(node)}")
        return None
    if len(node.text) > longest:
        problems.add(node.place, f"{what} is too long", f"at most {longest} characters")
        return None
    return node.text


def as_integer(
    node: Node, what: str, problems: Problems, *, low: int | None = None, high: int | None = None
) -> int | None:
    """A whole number within the bounds."""
    text = node.text if isinstance(node, Scalar) else ""
    if not _INTEGER.fullmatch(text):
        problems.add(node.place, f"{what} must be a whole number, not {kind(node)}")
        return None
    value = int(text)
    if (low is not None and value < low) or (high is not None and value > high):
        span = f"{low} to {high}" if None not in (low, high) else f"at least {low}"
        problems.add(node.place, f"{what} is {value}", f"it may be {span}")
        return None
    return value


def as_duration(
    node: Node, what: str, problems: Problems, *, low: float = 0.0, high: float = 86_400.0
) -> float | None:
    """Seconds, from `20s`, `10m`, `1h30m`, `7d` or `2.5s`."""
    text = node.text if isinstance(node, Scalar) else ""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        cure = "write a number and its unit, such as 20s, 10m or 1h30m"
        problems.add(node.place, f"{what} must be a duration, not {kind(node)}", cure)
        return None
    parts = zip(match.groups(), _UNITS, strict=True)
    value = sum(float(part or 0) * unit for part, (_, unit) in parts)
    if not low <= value <= high:
        problems.add(node.place, f"{what} is {text}", f"it may be {span(low)} to {span(high)}")
        return None
    return value


def span(seconds: float) -> str:
    """A duration as it is written: 90 -> `90s`, 600 -> `10m`, 86400 -> `1d`."""
    whole = (each for each in _UNITS if seconds and not seconds % each[1])
    letter, unit = next(whole, _UNITS[-1])
    return f"{seconds / unit:.10g}{letter}"


def as_boolean(node: Node, what: str, problems: Problems) -> bool | None:
    """`true` or `false`, nothing else."""
    if isinstance(node, Scalar) and not node.quoted and node.text in {"true", "false"}:
        return node.text == "true"
    meant_so = isinstance(node, Scalar) and node.text in {"true", "false"}
    cure = "leave the quotes away" if meant_so else ""
    problems.add(node.place, f"{what} must be true or false, not {kind(node)}", cure)
    return None


def as_choice(node: Node, what: str, problems: Problems, allowed: Collection[str]) -> str | None:
    """One of a few words."""
    text = as_text(node, what, problems)
    if text is None or text in allowed:
        return text
    cure = problems.guess(text, allowed)
    problems.add(node.place, f"{what} cannot be {quote(text)}", cure)
    return None


def as_list(
    node: Node, what: str, problems: Problems, each: Callable[[Node], T | None]
) -> tuple[T, ...]:
    """A list of values; a single value stands for a list of one."""
    if isinstance(node, Scalar) and node.empty:
        problems.add(node.place, f"{what} must be a list, not nothing")
        return ()
    items = node.items if isinstance(node, Sequence) else (node,)
    read = (each(item) for item in items)
    return tuple(value for value in read if value is not None)


class Section:
    """A mapping being read key by key; leaving it reports the keys that nobody asked for.

    `what` names it in messages ("the step \\"greet\\""). A node that is not a mapping is reported
    once and then reads as empty. `problems` is shared by all sections of all files.
    """

    def __init__(self, node: Node, what: str, problems: Problems) -> None:
        self.what = what
        self.problems = problems
        self.place = node.place
        self.usable = isinstance(node, Mapping)
        self._entries = dict(node.entries) if isinstance(node, Mapping) else {}
        self._known: dict[str, None] = {}
        self._lacking: list[tuple[str, str]] = []
        if not self.usable:
            problems.add(node.place, f"{what} must be a mapping (key: value), not {kind(node)}")

    def __enter__(self) -> Section:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if exc_type is None:
            self.done()

    def done(self) -> None:
        """Reports every key that was never asked for, and what is lacking.

        What is only spelt wrong is not lacking as well.
        """
        cures: dict[str, str] = {}
        for entry in self._entries.values():
            if entry.key not in self._known:
                cure = cures[entry.key] = self.problems.guess(entry.key, self._known)
                message = f"unknown key in {self.what}: {quote(entry.key)}"
                self.problems.add(entry.place, message, cure)
        spelt_wrong = {meant(cure, self._known) for cure in cures.values()}
        for key, cure in self._lacking:
            if key not in spelt_wrong:
                self.problems.add(self.place, f"{self.what} lacks {quote(key)}", cure)

    def lacks(self, key: str, cure: str = "") -> None:
        """Reports, in the end, that a key is not there."""
        if self.usable:
            self._lacking.append((key, cure))

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._entries))

    def rest(self) -> Iterator[tuple[str, Place, Node]]:
        """The keys not asked for so far, which thereby count as asked for."""
        for entry in list(self._entries.values()):
            if entry.key not in self._known:
                self._known[entry.key] = None
                yield entry.key, entry.place, entry.value

    def node(self, key: str, *, required: bool = False) -> Node | None:
        """The value of a key; None when it is absent."""
        self._known[key] = None
        entry = self._entries.get(key)
        if entry is not None:
            return entry.value
        if required:
            self.lacks(key)
        return None

    def peek(self, key: str) -> Node | None:
        """The value of a key, which does not count as asked for."""
        entry = self._entries.get(key)
        return entry.value if entry is not None else None

    def place_of(self, key: str) -> Place:
        """Where the value of a key stands; the section's own place when it is absent."""
        entry = self._entries.get(key)
        return entry.value.place if entry is not None else self.place

    def allow(self, *keys: str) -> None:
        """Accepts keys unread: after a mistake that leaves their meaning open."""
        self._known.update(dict.fromkeys(keys))

    def entries(self, key: str, *, required: bool = False) -> Iterator[tuple[str, Place, Node]]:
        """The entries of a mapping of free names: name, place of the name, value."""
        node = self.node(key, required=required)
        if isinstance(node, Mapping):
            for entry in node.entries.values():
                yield entry.key, entry.place, entry.value
        elif node is not None:
            self.problems.add(node.place, f"{quote(key)} must be a mapping, not {kind(node)}")

    @overload
    def text(self, key: str) -> str: ...
    @overload
    def text(self, key: str, default: T) -> str | T: ...
    def text(self, key: str, default: object = ...) -> object:
        """Text; without a default the key is required and "" stands for a mistake."""
        node = self.node(key, required=default is ...)
        value = as_text(node, quote(key), self.problems) if node is not None else None
        return _or(value, default, "")

    @overload
    def integer(self, key: str, *, low: int | None = None, high: int | None = None) -> int: ...
    @overload
    def integer(
        self, key: str, default: T, *, low: int | None = None, high: int | None = None
    ) -> int | T: ...
    def integer(
        self, key: str, default: object = ..., *, low: int | None = None, high: int | None = None
    ) -> object:
        """A whole number; without a default the key is required."""
        node = self.node(key, required=default is ...)
        value = None
        if node is not None:
            value = as_integer(node, quote(key), self.problems, low=low, high=high)
        return _or(value, default, low or 0)

    @overload
    def duration(self, key: str, *, low: float = 0.0, high: float = 86_400.0) -> float: ...
    @overload
    def duration(
        self, key: str, default: T, *, low: float = 0.0, high: float = 86_400.0
    ) -> float | T: ...
    def duration(
        self, key: str, default: object = ..., *, low: float = 0.0, high: float = 86_400.0
    ) -> object:
        """Seconds from `20s`, `10m`, `1h30m`, `7d`; without a default the key is required."""
        node = self.node(key, required=default is ...)
        value = None
        if node is not None:
            value = as_duration(node, quote(key), self.problems, low=low, high=high)
        return _or(value, default, low)

    def boolean(self, key: str, default: T) -> bool | T:
        """`true` or `false`; the default when the key is absent or wrong."""
        node = self.node(key)
        value = as_boolean(node, quote(key), self.problems) if node is not None else None
        return default if value is None else value

    @overload
    def choice(self, key: str, allowed: Collection[str]) -> str: ...
    @overload
    def choice(self, key: str, allowed: Collection[str], default: T) -> str | T: ...
    def choice(self, key: str, allowed: Collection[str], default: object = ...) -> object:
        """One of a few words; without a default the key is required."""
        node = self.node(key, required=default is ...)
        value = as_choice(node, quote(key), self.problems, allowed) if node is not None else None
        return _or(value, default, next(iter(allowed), ""))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, () when the key is absent."""
        node = self.node(key)
        if node is None:
            return ()
        what = f"an entry of {quote(key)}"
        return as_list(node, quote(key), self.problems, lambda n: as_text(n, what, self.problems))

    def section(self, key: str, *, required: bool = False) -> Section | None:
        """A nested mapping with known keys; use it in a `with`."""
        node = self.node(key, required=required)
        return (
            None if node is None else Section(node, f"{quote(key)} of {self.what}", self.problems)
        )


def _or(value: object, default: object, fallback: object) -> object:
    if value is not None:
        return value
    return fallback if default is ... else default
