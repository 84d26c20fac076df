"""Text that people write, in the form in which it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from acd.records.errors import Refused

LONGEST_NAME: Final = 200
LONGEST_WORD: Final = 60
LONGEST_TEXT: Final = 20_000
MOST_TAGS: Final = 50


def one_line(value: str, what: str, longest: int = LONGEST_NAME, shortest: int = 0) -> str:
    """One line: no control characters, no spaces around. Raises `Refused`."""
    text = " ".join("".join(each if each.isprintable() else " " for each in value).split())
    if not shortest <= len(text) <= longest:
        raise Refused(f"{what} has {len(text)} characters: it may have {shortest} to {longest}")
    return text


def prose(value: str, what: str, longest: int = LONGEST_TEXT, shortest: int = 1) -> str:
    """Several lines: no control characters but their ends. Raises `Refused`."""
    ended = value.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(each for each in ended if each.isprintable() or each in "\n\t").strip()
    if not shortest <= len(kept) <= longest:
        raise Refused(f"{what} has {len(kept):,} characters: it may have {shortest} to {longest:,}")
    return kept


def tag_list(given: Iterable[str]) -> tuple[str, ...]:
    """Tags in order, each once, in the case in which it came first. Raises `Refused`."""
    found: dict[str, str] = {}
    for each in given:
        tag = one_line(each.replace(",", " "), "a tag", LONGEST_WORD).lstrip("#").strip()
        if tag:
            found.setdefault(tag.casefold(), tag)
    if len(found) > MOST_TAGS:
        raise Refused(f"{len(found)} tags: {MOST_TAGS} are the most")
    return tuple(found.values())
