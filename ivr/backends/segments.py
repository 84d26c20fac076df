"""How many parts a text message takes (3GPP TS 23.038 and 23.040): what a gateway charges for.

A message in the GSM 7-bit alphabet holds 160 characters, each part of a longer one 153; the signs
of its extension table count twice. Anything else is sent as UCS-2, 70 or 67 units, where signs
beyond the basic plane (most emoji) count twice. No such pair is torn apart between two parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = frozenset("\f^{}\\[~]|€")
Alphabet = Literal["gsm-7", "ucs-2"]
_SIZES: Final[dict[Alphabet, tuple[int, int]]] = {"gsm-7": (160, 153), "ucs-2": (70, 67)}


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text is sent: `units` are septets or 16-bit units, `parts` are messages."""

    alphabet: Alphabet
    units: int
    parts: int


def segments(text: str) -> Segments:
    """How this text is sent; an empty one takes one part."""
    alphabet: Alphabet = "gsm-7" if BASIC.union(EXTENSION).issuperset(text) else "ucs-2"
    if alphabet == "gsm-7":
        sizes = [2 if each in EXTENSION else 1 for each in text]
    else:
        sizes = [2 if ord(each) > 0xFFFF else 1 for each in text]
    whole, part = _SIZES[alphabet]
    units = sum(sizes)
    return Segments(alphabet, units, 1 if units <= whole else _parts(sizes, part))


def _parts(sizes: Iterable[int], room: int) -> int:
    parts, used = 1, 0
    for size in sizes:
        if used + size > room:
            parts, used = parts + 1, 0
        used += size
    return parts
