"""Telephone numbers: which of them may be dialled outside, and accounts that may be numbers.

Numbers are compared in the form that `acd.customers.numbers` gives them. Ends of numbers are never
compared: many people share their last seven digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from acd.customers.numbers import cleaned, is_region, same_form

__all__ = [
    "PATTERN",
    "SHORTEST",
    "allowed",
    "cleaned",
    "is_region",
    "may_ring",
    "one_spelling",
    "same_form",
]

PATTERN = re.compile(r"\+?[0-9]{0,15}\*?")
"""How an allowed number is written: whole, or its beginning and `*`."""
NOT_LISTED = "`outside` in services.yaml does not list this number"
"""Why a number may not be rung."""
TRUNK = "PJSIP/trunk-"
"""How the channels of carriers are called (asterisk-config/pjsip.conf.j2)."""
SHORTEST_NUMBER = 5
"""Digits below which a number names nobody in particular."""
SHORTEST = 2
"""Digits a pattern must begin with: `*` alone would open every line in the world."""


def one_spelling(account: str, region: str | None) -> str:
    """The form in which spellings of one account are equal; a service may know many more."""
    plain = unicodedata.normalize("NFKC", account).casefold()
    letters = "".join(each for each in plain if each.isalnum())
    return same_form(plain, region) or letters or plain


def allowed(number: str, patterns: Sequence[str], region: str | None) -> str | None:
    """The form of the number that a pattern allows, which is the one to dial; None otherwise."""
    forms = (cleaned(number), same_form(number, region))
    for form in forms:
        if form is not None and any(_matches(form, pattern) for pattern in patterns):
            return form
    return None


def may_ring(number: str, caller: str, patterns: Sequence[str], region: str | None) -> str | None:
    """The form in which a number may be rung: the caller's own, or one that is allowed."""
    own = same_form(caller, region)
    if own is not None and own == same_form(number, region):
        return cleaned(number)
    return allowed(number, patterns, region)


def _matches(number: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return number.startswith(pattern[:-1])
    return number == pattern


def vouched_for(channel: str, caller: str) -> str:
    """The number of a caller who came over a trunk; "" for anyone who may claim any number."""
    number = caller.removeprefix("+")
    if not channel.startswith(TRUNK) or not number.isdecimal() or len(number) < SHORTEST_NUMBER:
        return ""
    return caller
