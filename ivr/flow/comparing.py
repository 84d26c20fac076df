"""Two values of the same kind, compared piece by piece: where they differ, in a reader's words.

It knows dataclasses, mappings, sequences and templates, and nothing of particular steps: a kind of
step that is added is compared like the rest.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, Literal

from ivr.flow.words import Place

SHORT: Final = 70
"""Characters of a text that are shown."""

_UNTOLD: Final = frozenset({"name", "place", "path", "revision"})
_NAMES: Final = ("id", "name", "code", "skill")
"""What tells the entries of a list apart."""
_SECONDS: Final = re.compile(
    r".*seconds|.*wait|after|every|within|expires|ring|timeout|.*_after|.*_for|leave_.*"
)
_WORD: Final = re.compile(r"[\w.+*#?-]{1,40}")
_GIVEN: Final = frozenset({"sets", "given", "query", "body", "headers"})
_MASKED: Final = re.compile(
    r".*(passw(or)?d|secret|token|api[-_]?key|credential).*|pin|auth(orization)?|key", re.I
)
_SPOKEN: Final = frozenset({"texts", "written"})


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is no value here."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = Nothing()


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a path: an attribute, a mapping's key, or a place in a list (from 0)."""

    kind: Literal["attribute", "key", "item"]
    name: str


Path = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Something at `path` is `new` instead of `old`; `NOTHING` where it was not there."""

    path: Path
    old: object
    new: object


def compare(old: object, new: object, path: Path = ()) -> Iterator[Change]:
    """Every smallest difference. Names and places in files are not compared."""
    if old is NOTHING or new is NOTHING or old is None or new is None:
        if old is not new:
            yield Change(path, old, new)
    elif _is_template(old) and _is_template(new):
        if source(old) != source(new):
            yield Change(path, old, new)
    elif is_dataclass(old) and type(old) is type(new):
        yield from _attributes(old, new, path)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _keys(old, new, path, "key")
    elif isinstance(old, tuple) and isinstance(new, tuple):
        yield from _items(old, new, path)
    elif old != new:
        yield Change(path, old, new)


def _attributes(old: Any, new: Any, path: Path) -> Iterator[Change]:
    """Of two instances of the same dataclass."""
    for each in fields(old):
        before, after = getattr(old, each.name), getattr(new, each.name)
        if each.name in _UNTOLD or isinstance(before, Place):
            continue
        yield from compare(before, after, (*path, Part("attribute", each.name)))


def _keys(
    old: Mapping[object, object],
    new: Mapping[object, object],
    path: Path,
    kind: Literal["key", "item"],
) -> Iterator[Change]:
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key, NOTHING), new.get(key, NOTHING)
        yield from compare(before, after, (*path, Part(kind, str(key))))


def _items(old: tuple[object, ...], new: tuple[object, ...], path: Path) -> Iterator[Change]:
    both = (*old, *new)
    if not all(is_dataclass(each) or isinstance(each, tuple) for each in both):
        if old != new:
            yield Change(path, old, new)
        return
    named = next((name for name in _NAMES if all(hasattr(each, name) for each in both)), None)
    if named is None:
        yield from _keys(dict(enumerate(old)), dict(enumerate(new)), path, "item")
    else:
        ours: dict[object, object] = {_plain(getattr(each, named)): each for each in old}
        theirs: dict[object, object] = {_plain(getattr(each, named)): each for each in new}
        yield from _keys(ours, theirs, path, "key")


def _is_template(value: object) -> bool:
    return hasattr(value, "source") and hasattr(value, "render")


def source(template: object) -> str:
    """What the designer wrote."""
    return str(getattr(template, "source", ""))


def _plain(value: object) -> str:
    return source(value) if _is_template(value) else str(value)


def _where_they_part(old: str, new: str) -> tuple[str, str]:
    """Two long texts from shortly before their first difference on."""
    pairs = enumerate(zip(old, new, strict=False))
    same = next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))
    first = max(0, same - SHORT // 3)
    lead = "…" if first else ""
    return lead + old[first:], lead + new[first:]


# --- in words -----------------------------------------------------------------------------------


def in_words(
    change: Change,
    label: str,
    steps: Collection[str] = (),
    hide: Callable[[Path], bool] | None = None,
) -> str:
    """`key 2 goes to `nurse` instead of `message``, `wait: 5 s -> 8 s`, and the like.

    `steps` are the names of all steps; where `hide` says so, values are left out.
    """
    old, new = change.old, change.new
    gone, fresh = new is NOTHING or new is None, old is NOTHING or old is None
    if is_masked(change.path) or (hide is not None and hide(change.path)):
        return f"{label} is {'new' if fresh else 'gone' if gone else 'different'}"
    if _is_way(new, steps) and (fresh or _is_way(old, steps)):
        instead = "" if fresh else f" instead of `{old}`"
        return f"{label} goes to `{new}`{instead}"
    if gone and _is_way(old, steps):
        return f"{label} no longer goes to `{old}`"
    name = change.path[-1].name if change.path else ""
    if isinstance(old, frozenset | tuple) and isinstance(new, frozenset | tuple):
        return f"{label}: {_members(old, new)}"
    if len(_plain(old)) > SHORT or len(_plain(new)) > SHORT:
        old, new = (old, new) if fresh or gone else _where_they_part(_plain(old), _plain(new))
    spoken = any(part.name in _SPOKEN for part in change.path)
    before, after = (quoted(_plain(v)) if spoken else shown(v, name) for v in (old, new))
    if fresh:
        return f"{label} is new: {after}"
    return f"{label} is gone: {before}" if gone else f"{label}: {before} -> {after}"


def is_masked(path: Path) -> bool:
    """Whether it is a value that somebody gives to something that sounds like a secret."""
    pairs = itertools.pairwise(path)
    return any(into.name in _GIVEN and _MASKED.fullmatch(part.name) for into, part in pairs)


def _is_way(value: object, steps: Collection[str]) -> bool:
    """A step, or something that leads to one."""
    return isinstance(value, str) and value in steps


def _members(old: Collection[object], new: Collection[object]) -> str:
    added = [shown(each) for each in new if each not in old]
    gone = [shown(each) for each in old if each not in new]
    told = [f"{', '.join(added)} as well"] if added else []
    told += [f"without {', '.join(gone)}"] if gone else []
    return "; ".join(told) or f"the order is {', '.join(map(shown, new))}"


def shown(value: object, name: str = "") -> str:
    """A value as people read it, shortened; `name` is that of its attribute."""
    if _is_template(value):
        value = source(value)
    match value:
        case None | Nothing() | () | "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:g} s" if _SECONDS.fullmatch(name) else f"{value:g}"
        case str():
            return f"`{value}`" if _WORD.fullmatch(value) else quoted(value)
        case Mapping():
            entries = (f"{key} {shown(each)}" for key, each in value.items())
            return _short(", ".join(entries)) or "none"
        case tuple() | frozenset():
            return _short(", ".join(map(shown, value)))
    return _insides(value)


def _insides(value: object) -> str:
    """What stands for a composite value: its words, or where it leads."""
    if isinstance(texts := getattr(value, "texts", None), Mapping) and texts:
        return quoted(_plain(next(iter(texts.values()))))
    if isinstance(target := getattr(value, "next", None), str):
        return f"goes to `{target}`"
    if is_dataclass(value):
        told = (getattr(value, each.name) for each in fields(value) if each.name not in _UNTOLD)
        return _short(", ".join(shown(each) for each in told if each not in (None, (), "")))
    return _short(str(value))


def quoted(text: str) -> str:
    """A text on one line, in quotes, shortened."""
    return f'"{_short(text)}"'


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHORT else f"{text[: SHORT - 1].rstrip()}…"
