"""How screens write things: durations, counts, columns, and the nearest right word."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from ivr.errors import IvrError

SHORT_LIST = 12
"""More names than this are not listed in an answer."""

_TYPED = re.compile(r"\bacd (help|show|why|do)\b( [^\s,]+)?")

# Invisible characters that turn the direction of text: a caller's name must not rearrange a screen.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Refused(IvrError):
    """The operator asked for something that cannot be; the text says what can."""


def clock(seconds: float) -> str:
    """Whole seconds as `0:34` or `1:02:09`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def remaining(seconds: float) -> str:
    """Time left, rounded up: what still runs never reads 0:00."""
    return clock(math.ceil(seconds))


def count(number: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def needs_text(needs: Mapping[str, int]) -> str:
    """`english>=6, mandarin>=5`, or "" when nothing is needed."""
    return ", ".join(f"{skill}>={level}" for skill, level in sorted(needs.items()))


def suggestion(word: str, known: Iterable[str]) -> str:
    """`Did you mean x?`, or all that is known when that is short, or nothing."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word[:60], names[:2000], n=1)
    if near:
        return f"Did you mean {near[0]}?"
    if not names:
        return "There are none."
    return f"Known: {', '.join(names)}." if len(names) <= SHORT_LIST else ""


def unknown(what: str, word: str, known: Iterable[str]) -> Refused:
    """The refusal of a name nobody has."""
    return Refused(f'No {what} "{word[:60]}". {suggestion(word, known)}'.rstrip())


def for_shell(text: str) -> str:
    """The text with `tieline do pause 1001 lunch` for `acd do pause/1001/lunch` and the like."""
    return _TYPED.sub(_typed_in_a_shell, text)


def _typed_in_a_shell(match: re.Match[str]) -> str:
    words = (match[2] or "").replace("[/", " [").replace("/", " ")
    if match[1] == "help":
        return f"tieline do help{words}"
    return f"tieline {match[1]}{words}"


def width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with their columns aligned, heads on top."""
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(width(line[column]) for line in lines) for column in range(len(heads))]
    return ["  ".join(map(_filled, line, widths)).rstrip() for line in lines]


def _filled(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def clean(text: str) -> str:
    """`text` without what would steer a terminal; line breaks stay."""
    return "".join(each for each in text if each == "\n" or not _steers(each))


def _steers(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} or character in _TURNING
