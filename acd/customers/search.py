"""What somebody typed, as the terms a customer is looked for by, and which hit comes first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final, Protocol

from acd.customers.addresses import form_of
from acd.customers.numbers import cleaned
from acd.records.words import Term, fold, pieces, terms

CANDIDATES: Final = 200
"""Hits that are looked at; with more, the search was too short to mean one of them."""
EVERYBODY: Final = 2000
"""The same where a tag or a segment is asked for, which its words find in other places too."""
_DIGITS: Final = re.compile(r"[0-9]{3,15}")


class Candidate(Protocol):
    """What is looked at of a hit."""

    @property
    def id(self) -> int:
        """The customer's number."""
        ...

    @property
    def name(self) -> str:
        """The customer's name."""
        ...

    @property
    def segment(self) -> str:
        """The customer's segment."""
        ...

    @property
    def tags(self) -> Sequence[str]:
        """The customer's tags."""
        ...

    @property
    def updated_at(self) -> float:
        """When the customer was changed last."""
        ...


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; what is "" does not matter. `text` may be anything of a customer."""

    text: str = ""
    name: str = ""
    number: str = ""
    email: str = ""
    tag: str = ""
    segment: str = ""

    def terms(self, region: str | None) -> list[Term]:
        """The terms that a customer must have, all of them."""
        return [
            *_anything(self.text, region),
            *terms(self.name, ("name",)),
            *_number(self.number, region, ("address",)),
            *terms(self.email, ("address",)),
            *terms(self.tag, ("label",)),
            *terms(self.segment, ("label",)),
        ]

    @property
    def is_empty(self) -> bool:
        """Nothing is looked for: then everybody fits."""
        given = (self.text, self.name, self.number, self.email, self.tag, self.segment)
        return not any(each.strip() for each in given)

    def best(self, hits: Iterable[Candidate], limit: int) -> list[int]:
        """Ids of the hits that fit, the best first: who is called exactly so, then whose name
        begins so, then those with all the words in their name, then the rest; the latest first."""
        wanted = fold(self.name or self.text).strip()
        begins = re.compile("".join(rf"(?=.*\b{re.escape(piece)})" for piece in pieces(wanted)))
        order = []
        for hit in hits:
            if not self.fits(hit):
                continue
            name = fold(hit.name)
            if name == wanted:
                place = 0
            elif not wanted or not begins.match(name):
                place = 3
            else:
                place = 1 if name.startswith(wanted) else 2
            order.append((place, -hit.updated_at, hit.id))
        return [key for _, _, key in nsmallest(limit, order)]

    def fits(self, hit: Candidate) -> bool:
        """What words alone do not decide: whole tags and segments."""
        if self.segment and hit.segment.casefold() != self.segment.strip().casefold():
            return False
        wanted = self.tag.strip().lstrip("#").casefold()
        return not wanted or wanted in {tag.casefold() for tag in hit.tags}


def _anything(text: str, region: str | None) -> list[Term]:
    """A number however it is spaced; anything else by its words."""
    return _number(text, region, ()) if cleaned(text) else terms(text)


def _number(written: str, region: str | None, columns: tuple[str, ...]) -> list[Term]:
    """Digits anywhere in a number; with the country, without it, and without the leading zero."""
    if not written.strip():
        return []
    digits = "".join(each for each in written if each.isascii() and each.isdigit())
    if not _DIGITS.fullmatch(digits):
        return terms(written, columns)
    form = form_of("phone", written, region)
    others = {digits.lstrip("0"), form.lstrip("+") if form else ""}
    longest = tuple(each for each in sorted(others) if len(each) >= 3 and each != digits)
    return [Term(digits, True, columns, longest)]
