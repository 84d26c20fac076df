"""What was looked for, shown in the text in which it was found: pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from acd.desk.model import Piece
from acd.records.words import fold, pieces, unspaced

AROUND: Final = 60
"""Characters shown on each side of the first find."""
LENGTH: Final = 220
"""Characters of a snippet."""


def highlight(text: str, looked_for: str) -> tuple[Piece, ...]:
    """All of the text, with every find marked."""
    return tuple(_pieces(text, _finds(text, looked_for)))


def snippet(text: str, looked_for: str) -> tuple[Piece, ...]:
    """The part of a text with the most finds, on one line; its beginning when there is none."""
    flat = " ".join(text.split())
    finds = _finds(flat, looked_for)
    start = max(0, _densest(finds) - AROUND) if finds else 0
    if start:
        # Not in the middle of a word, where words have spaces between them.
        space = flat.find(" ", start, start + 20)
        start = start if space < 0 else space + 1
    part = flat[start : start + LENGTH]
    shown = tuple(_pieces(part, _finds(part, looked_for)))
    before = (Piece("… "),) if start else ()
    after = (Piece(" …"),) if start + LENGTH < len(flat) else ()
    return (*before, *shown, *after)


def _densest(finds: Sequence[tuple[int, int]]) -> int:
    """Where the stretch begins that holds most of what was found."""

    def held(start: int) -> int:
        return sum(1 for begin, _ in finds if start <= begin < start + LENGTH - AROUND)

    return max((begin for begin, _ in finds), key=lambda begin: (held(begin), -begin))


def _finds(text: str, looked_for: str) -> list[tuple[int, int]]:
    """Where words begin as one that was looked for does, or a run of it stands."""
    wanted = list(dict.fromkeys(pieces(looked_for[:1000])))
    if not wanted:
        return []
    begins = "|".join(re.escape(piece) for piece in wanted if not unspaced(piece))
    runs = [re.escape(piece) for piece in wanted if unspaced(piece)]
    words = [rf"(?<![^\W_])(?:{begins})[^\W_]*"] if begins else []
    found = re.finditer("|".join((*words, *runs)), _folded_in_place(text))
    return _apart([match.span() for match in found])


def _folded_in_place(text: str) -> str:
    """The text folded, each character where it was."""
    if text.isascii():
        return text.lower()
    folded = fold(text)
    if len(folded) == len(text):
        return folded
    return "".join((fold(each) or each)[0] for each in text)


def _apart(finds: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Finds that overlap, as one."""
    apart: list[tuple[int, int]] = []
    for start, end in finds:
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _pieces(text: str, finds: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    at = 0
    for start, end in finds:
        if start > at:
            yield Piece(text[at:start])
        yield Piece(text[start:end], marked=True)
        at = end
    if at < len(text):
        yield Piece(text[at:])
