"""Rate limits: buckets of tokens that fill with time. The clock is an argument."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MOST_BUCKETS = 20_000
"""Callers remembered; past that the longest unseen is forgotten."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` requests at once, and `per_minute` in the long run, from one person or address."""

    per_minute: float
    burst: int


USUAL = Limit(per_minute=600, burst=120)
"""What a person with a busy desk never reaches."""
SIGN_IN = Limit(per_minute=6, burst=10)
"""Guessing passwords is slow."""
PUBLIC_LIMIT = Limit(per_minute=120, burst=60)
"""Strangers."""
PAGES_LIMIT = Limit(per_minute=600, burst=300)
"""Strangers' pages: each is several files, and many people are behind one address."""
POSTS = Limit(per_minute=6000, burst=1000)
"""A provider's gateway, which signs what it sends."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """One bucket for each key; `take` says how many seconds are to be waited, 0 for none."""

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, limit: Limit, now: float) -> float:
        """Take one token; `now` in seconds of any steady clock."""
        bucket = self._buckets.pop(key, None) or _Bucket(limit.burst, now)
        rate = limit.per_minute / 60
        bucket.tokens = min(limit.burst, bucket.tokens + max(0.0, now - bucket.at) * rate)
        bucket.at = now
        self._buckets[key] = bucket
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / rate

    def give_back(self, key: str, limit: Limit) -> None:
        """What was taken last counts no more."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.tokens = min(limit.burst, bucket.tokens + 1)
