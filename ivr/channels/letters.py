"""What a flow says, as letters: prompts and choices become messages no longer than they may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ivr.flow.actions import Choice, Prompts

Fits = Callable[[str], bool]
"""Whether a text can go out as one message."""

_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")


def letter(prompts: Prompts, choices: tuple[Choice, ...] = ()) -> str:
    """One text: words of one language run on, another language begins a line, each choice has one.

    A choice without a label is told by the words alone; one that the words offer already is not
    offered again.
    """
    keys = {f"{choice.key} " for choice in choices}
    lines: list[str] = []
    before = ""
    for prompt in prompts:
        text = prompt.text.strip()
        offer = text[:2] in keys
        if not text:
            continue
        if offer or before != prompt.language:
            lines.append(text)
        else:
            lines[-1] = f"{lines[-1]}{_gap(lines[-1])}{text}"
        before = "" if offer else prompt.language
    offers = (f"{choice.key} {choice.label}" for choice in choices if choice.label)
    return "\n".join([*lines, *(offer for offer in offers if offer not in lines)])


def _gap(before: str) -> str:
    """Chinese sentences follow each other without a space."""
    return "" if before[-1] in "。！？，；：" else " "


def parts(text: str, fits: Fits) -> Iterator[str]:
    """The text in pieces that fit: whole lines where possible, else sentences, words, characters.

    A single character is taken to fit.
    """
    rest = text.strip()
    while rest and not fits(rest):
        cut = next(
            (at for ends in (_lines, _sentences, _words) if (at := _longest(rest, ends, fits))),
            0,
        ) or _characters(rest, fits)
        yield rest[:cut].rstrip()
        rest = rest[cut:].lstrip()
    if rest:
        yield rest


def _longest(text: str, ends: Callable[[str], list[int]], fits: Fits) -> int:
    """The last of these places before which the text fits; 0 when there is none."""
    return next((at for at in reversed(ends(text)) if at and fits(text[:at].rstrip())), 0)


def _lines(text: str) -> list[int]:
    return [match.start() for match in re.finditer(r"\n", text)]


def _sentences(text: str) -> list[int]:
    return [match.end() for match in _SENTENCE.finditer(text) if match.end() < len(text)]


def _words(text: str) -> list[int]:
    return [match.start() for match in re.finditer(r"\s", text)]


def _characters(text: str, fits: Fits) -> int:
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(text[:middle]) else (low, middle - 1)
    return low
