"""Numbers in paths."""

from __future__ import annotations

from ivr.web.problems import not_found

LONGEST = 18
"""Digits of a 64-bit number."""


def whole(text: str, what: str) -> int:
    """The number of a customer, a ticket and the like; 404 for what is none."""
    if not text.isascii() or not text.isdecimal() or len(text) > LONGEST:
        raise not_found(what)
    return int(text)
