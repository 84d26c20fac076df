"""Telephone numbers: the one form to compare them in.

A number is compared in its E.164 form, which `phonenumbers` (every country's numbering plan) finds
with the help of a region: in `CN`, `13800138000`, `0138 0013 8000` and `+8613800138000` are one.
Where no such form exists (an extension, or a national number without a region) its digits count as
they are.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

_LOOSE = re.compile(r"[\s()./\-\u00a0\u2010-\u2015]")
_NUMBER = re.compile(r"\+?[0-9]{3,15}")


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


def spellings(number: str) -> tuple[str, ...]:
    """How a line may have written this E.164 number: as it is, without `+`, as people dial it."""
    if not number.startswith("+"):
        return (number,)
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return (number, number[1:])
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    dialled = "".join(each for each in national if each.isdigit())
    subscriber = phonenumbers.national_significant_number(parsed)
    return tuple(dict.fromkeys((number, number[1:], dialled, subscriber)))


def is_region(region: str) -> bool:
    """Whether this is a country numbers can be read in, such as `CN`."""
    return region in phonenumbers.SUPPORTED_REGIONS
