"""Telephone numbers: one form to compare them in, and which of them may be dialled outside.

A number is compared in its E.164 form, which `phonenumbers` (every country's numbering plan) finds
with the help of a region: in `CN`, `13800138000`, `0138 0013 8000` and `+8613800138000` are one.
Where no such form exists (an extension, or a national number without a region) its digits count as
they are. Ends of numbers are never compared: many people share their last seven digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import phonenumbers

_LOOSE = re.compile(r"[\s()./\-\u00a0\u2010-\u2015]")
_NUMBER = re.compile(r"\+?[0-9]{3,15}")
PATTERN = re.compile(r"\+?[0-9]{0,15}\*?")
"""How an allowed number is written: whole, or its beginning and `*`."""
SHORTEST = 2
"""Digits a pattern must begin with: `*` alone would open every line in the world."""


def cleaned(number: str) -> str | None:
    """The number without what people write between its digits; None when it is none."""
    text = _LOOSE.sub("", number[:60])
    return text if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=50_000)
def same_form(number: str, region: str | None) -> str | None:
    """The form in which equal numbers are equal; None for what is no number."""
    text = cleaned(number)
    if text is None:
        return None
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_possible_number(parsed):
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


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


def is_region(region: str) -> bool:
    """Whether this is a country numbers can be read in, such as `CN`."""
    return region in phonenumbers.SUPPORTED_REGIONS


def _matches(number: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return number.startswith(pattern[:-1])
    return number == pattern
