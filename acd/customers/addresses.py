"""Where a customer is reached: one form for each address, and the kind each channel knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from acd.customers.numbers import same_form
from acd.records.errors import Refused

AddressKind = Literal["phone", "email", "chat", "other"]
KINDS: Final = get_args(AddressKind)
Channel = Literal["voice", "sms", "email", "chat"]
CHANNELS: Final = get_args(Channel)

LONGEST: Final = 254
"""Characters of an address; RFC 5321 allows e-mail addresses no more."""
SHORT_NUMBER: Final = 8
"""Digits up to which a number may stand without a country: extensions and short codes."""
_EMAIL: Final = re.compile(
    r"[^@\s<>\"(),;:\\\[\]]+@[^@\s.<>\"(),;:\\\[\]]+(\.[^@\s.<>\"(),;:\\]+)+"
)
_KIND_OF: Final[Mapping[str, AddressKind]] = {
    "voice": "phone",
    "sms": "phone",
    "email": "email",
    "chat": "chat",
}


@dataclass(frozen=True, slots=True)
class Address:
    """One address; `value` in the form that `normal` gives it once it is kept, `label` as people
    call it (`mobile`, `office`)."""

    kind: AddressKind
    value: str
    label: str = ""

    @classmethod
    def of(cls, kind: str, value: str, region: str | None, label: str = "") -> Address:
        """An address in its normal form. Raises `Refused`."""
        form = normal(kind, value, region)
        return next(cls(known, form, label) for known in KINDS if known == kind)


def kind_of(channel: str) -> AddressKind:
    """By what kind of address somebody comes on a channel."""
    return _KIND_OF.get(channel, "other")


def normal(kind: str, value: str, region: str | None) -> str:
    """The form in which equal addresses are equal. Raises `Refused`, saying what would do."""
    form = form_of(kind, value, region)
    if form is not None:
        return form
    match kind:
        case "phone":
            where = f"in {region}" if region else "without a country"
            raise Refused(f"{value!r} is no telephone number {where}: write it as +8613800138000")
        case "email":
            raise Refused(f"{value!r} is no e-mail address: write it as name@example.org")
        case "chat" | "other":
            raise Refused(f"an address has 1 to {LONGEST} characters and no control characters")
    raise Refused(f"{kind!r} is no kind of address: {', '.join(KINDS)}")


def form_of(kind: str, value: str, region: str | None) -> str | None:
    """As `normal`; None for what is no such address."""
    text = value.strip()
    if not text or len(text) > LONGEST or not text.isprintable():
        return None
    match kind:
        case "phone":
            return _phone(text, region)
        case "email":
            return text.casefold() if _EMAIL.fullmatch(text) else None
        case "chat" | "other":
            return text
    return None


def _phone(text: str, region: str | None) -> str | None:
    form = same_form(text, region)
    if form is None or (not form.startswith("+") and len(form) > SHORT_NUMBER):
        return None
    return form
