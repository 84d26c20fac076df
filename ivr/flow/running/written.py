"""What people write in answer to a question, as far as it is the same for every question.

Words are compared plainly first, and loosely when that finds nothing: without an article, without
punctuation, in the singular. Both only where they can mean one thing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

_ARTICLES: Final = frozenset({"a", "an", "the"})
_WORD: Final = re.compile(r"[^\W_]+")
_SHORTEST_PLURAL: Final = 4
_SIBILANT: Final = re.compile(r"(?:s|x|z|ch|sh)e$")
_YE: Final = re.compile(r"(?:ie|y)$")

PERSON: Final = "person"
_ASKED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("person", "agent", "human", "operator", "人工", "客服", "转人工"), PERSON),
    **dict.fromkeys(("help", "帮助"), "help"),
    **dict.fromkeys(("back", "go back", "返回"), "back"),
    **dict.fromkeys(("repeat", "重复"), "repeat"),
}
"""What a message asks for that consists of nothing else."""

DAYS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("today", "今天", "今日"), 0),
    **dict.fromkeys(("yesterday", "昨天", "昨日"), -1),
    **dict.fromkeys(("tomorrow", "明天", "明日"), 1),
}
"""Days by what they are called, counted from today."""

_NUMBER: Final = re.compile(r"(?:(?<![\w.,])-)?[0-9]+(?:[.,][0-9]+)*")
_PHONE: Final = re.compile(r"\+?\(?[0-9](?:[0-9 ()./\u2010\u2013-]*[0-9])?")
_SCALE: Final = re.compile(
    r"\s*(?:[十百千万亿萬億]|(?:k|m|bn|dozen|hundred|thousand|million|billion)(?![a-z]))", re.I
)
_HALF: Final = re.compile(r"(?:^|\s)[.,]$")


def plain(text: str) -> str:
    """What somebody wrote, without what does not matter: case, width, punctuation around it."""
    text = unicodedata.normalize("NFKC", text).casefold().strip()
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return text[start:end]


def loose(text: str) -> str:
    """Its words without article and punctuation, in the singular: "The way-bills!" is "wai bill".

    Only good for comparing with another one.
    """
    words: list[str] = _WORD.findall(plain(text))
    while len(words) > 1 and words[0] in _ARTICLES:
        del words[0]
    return " ".join(map(_singular, words))


def _singular(word: str) -> str:
    """The same for "box" and "boxes", "bill" and "bills", "city" and "cities"."""
    if len(word) >= _SHORTEST_PLURAL and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if len(word) < _SHORTEST_PLURAL - 1:
        return word
    return _YE.sub("i", _SIBILANT.sub(lambda match: match[0][:-1], word))


def meant(text: str, offered: Iterable[tuple[str, str]]) -> str | None:
    """The one thing that was meant, of pairs of words and what they stand for; None if unsure."""
    pairs = tuple(offered)
    for form in (plain, loose):
        wanted = form(text)
        found = {thing for words, thing in pairs if wanted and form(words) == wanted}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def asked_for(text: str) -> str | None:
    """What these words ask for, in whatever question: PERSON, "help", "back" or "repeat"."""
    return _ASKED.get(loose(text)) or _ASKED.get(plain(text))


def only_number(text: str, *, apart: bool = True) -> str | None:
    """The only number in a sentence, as it is written there ("1,200.50").

    None when there are several, when a word multiplies it ("3k", "3万"), and, with `apart`, when it
    is part of a name ("A12").
    """
    found = list(_NUMBER.finditer(text))
    if len(found) != 1:
        return None
    match = found[0]
    before, after = text[: match.start()], text[match.end() :]
    if _SCALE.match(after) or _HALF.search(before):
        return None
    if apart and (_latin(before[-1:]) or _latin(after[:1])):
        return None
    return match[0]


def only_phone(text: str) -> str | None:
    """The only run of figures in a sentence, with what stands between its groups."""
    found = _PHONE.findall(text)
    return found[0] if len(found) == 1 else None


def _latin(sign: str) -> bool:
    return sign.isascii() and (sign.isalpha() or sign == "_")
