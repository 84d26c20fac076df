"""Secrets that are nobody's, counted before anybody is asked whose they are.

To find out costs a query, so whoever sends one bad secret after the other is refused first, by the
place they are at. A try is counted before it is looked up: a thousand at the same moment are a
thousand. Secrets that were good are remembered, as digests, and pass uncounted: somebody who
guesses from the same network does not shut out those who have no need to.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Final

from ivr.web.limits import Buckets, Limit
from ivr.web.problems import Problem

WRONG: Final = Limit(per_minute=20, burst=100)
"""Secrets that were not seen before, from one place."""
REMEMBERED: Final = 20_000
"""Good secrets; past that the longest unused is forgotten."""


class TooManyUnknown(Problem):
    """Too many secrets that are nobody's came from there."""


class SecretsTried:
    """`admit` before a secret is looked up, then `found`. `now` is any steady clock."""

    def __init__(self) -> None:
        self._buckets = Buckets()
        self._good: OrderedDict[bytes, None] = OrderedDict()

    def admit(self, secret: str, place: str, now: float) -> bool:
        """Count it, unless it was good before; whether it counts. Raises `TooManyUnknown` (429)."""
        if _digest(secret) in self._good:
            return False
        wait = self._buckets.take(place, WRONG, now)
        if wait:
            seconds = str(max(1, round(wait)))
            raise TooManyUnknown(
                429,
                f"Too many unknown tokens came from here: try again in {seconds} s.",
                headers={"Retry-After": seconds},
            )
        return True

    def take_back(self, place: str) -> None:
        """What was counted last was no guess: it was good, or nobody could say."""
        self._buckets.give_back(place, WRONG)

    def found(self, secret: str, *, good: bool) -> None:
        """It is somebody's, or nobody's any more."""
        known = _digest(secret)
        self._good.pop(known, None)
        if good:
            self._good[known] = None
        while len(self._good) > REMEMBERED:
            self._good.popitem(last=False)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
