"""Keyed digests: how a number or an account is recognised again without being kept."""

from __future__ import annotations

import hmac


class Digests:
    """HMAC-SHA-256 under the key of the installation; services that share a store share the key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, purpose: str, *parts: str) -> str:
        """64 hexadecimal digits; the same parts for another purpose give another digest."""
        text = "\0".join(f"{len(part)}:{part}" for part in (purpose, *parts))
        return hmac.digest(self._key, text.encode("utf-8", "replace"), "sha256").hex()
