"""What somebody typed, as the terms a customer is looked for by, and which hit comes first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from acd.customers.addresses import form_of
from acd.customers.model import Customer
from acd.customers.numbers import cleaned
from acd.records.words import Term, fold, pieces, terms

CANDIDATES: Final = 300
"""Hits that are looked at; with more, the search was too short to mean one of them."""
_DIGITS: Final = re.compile(r"[0-9]{3,15}")


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
            *_number(self.number, region),
            *terms(self.email, ("address",)),
            *terms(self.tag, ("label",)),
            *terms(self.segment, ("label",)),
        ]

    @property
    def is_empty(self) -> bool:
        """Nothing is looked for: then everybody fits."""
        given = (self.text, self.name, self.number, self.email, self.tag, self.segment)
        return not any(each.strip() for each in given)

    def fits(self, customer: Customer) -> bool:
        """What words alone do not decide: whole tags and segments."""
        if self.segment and customer.segment.casefold() != self.segment.strip().casefold():
            return False
        wanted = self.tag.strip().lstrip("#").casefold()
        return not wanted or wanted in {tag.casefold() for tag in customer.tags}

    def order(self, customer: Customer) -> tuple[int, float]:
        """The best first: who is called exactly so, then whose name begins so, then the latest."""
        wanted = fold(self.name or self.text).strip()
        name = fold(customer.name)
        if wanted and (name == wanted or wanted in map(fold, customer.emails)):
            return 0, -customer.updated_at
        if wanted and name.startswith(wanted):
            return 1, -customer.updated_at
        begins = all(
            any(own.startswith(piece) for own in pieces(customer.name)) for piece in pieces(wanted)
        )
        return (2 if wanted and begins else 3), -customer.updated_at


def _anything(text: str, region: str | None) -> list[Term]:
    """A number however it is spaced; anything else by its words."""
    return _number(text, region) if cleaned(text) else terms(text)


def _number(written: str, region: str | None) -> list[Term]:
    """Digits anywhere in a number; with the country, without it, and without the leading zero."""
    if not written.strip():
        return []
    digits = "".join(each for each in written if each.isascii() and each.isdigit())
    if not _DIGITS.fullmatch(digits):
        return terms(written, ("address",))
    form = form_of("phone", written, region)
    others = {digits.lstrip("0"), form.lstrip("+") if form else ""}
    longest = tuple(each for each in sorted(others) if len(each) >= 3 and each != digits)
    return [Term(digits, True, ("address",), longest)]
