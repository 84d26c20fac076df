"""A customer and what is kept about one, as plain data. Times in epoch seconds UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from acd.customers.addresses import Address
from acd.records.contact import Json

Sure = Literal["recognised", "verified", "set"]
"""How sure it is whose a contact is: by the number it came from, by an identity that was checked,
or because an agent said so."""


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer. `version` grows with every change; `merged_into` is where a merged one went."""

    id: int
    name: str
    segment: str
    language: str
    tags: tuple[str, ...]
    addresses: tuple[Address, ...]
    created_at: float
    updated_at: float
    version: int
    merged_into: int | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        """The telephone numbers."""
        return tuple(each.value for each in self.addresses if each.kind == "phone")

    @property
    def emails(self) -> tuple[str, ...]:
        """The e-mail addresses."""
        return tuple(each.value for each in self.addresses if each.kind == "email")


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote about a customer, during `contact` or outside of any."""

    id: int
    customer: int
    at: float
    by: str
    text: str
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """What another system knows: a purchase, a booking. `key` is its own name for it, or ""."""

    id: int
    customer: int
    kind: str
    at: float
    key: str
    data: Mapping[str, Json]
    by: str


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody changed a customer: `what` in one word, `detail` what it was and what it is."""

    id: int
    customer: int
    at: float
    by: str
    what: str
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consent:
    """A yes or a no. `address` is None where it holds for all addresses of the channel."""

    channel: str
    address: str | None
    given: bool
    at: float
    how: str
    by: str


@dataclass(frozen=True, slots=True)
class Link:
    """Whose contact it is (None, and `sure` "": nobody's yet), and the address it came by."""

    contact: str
    customer: int | None
    sure: str
    by: str
    at: float
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Merge:
    """`other` became part of `into`; `undone_at` when they were parted again."""

    into: int
    other: int
    at: float
    by: str
    undone_at: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a customer's timeline.

    `kind` is a contact event's own kind, or `note`, `fact`, `consent`, `ticket`, `change`;
    `contact` and `channel` say which contact it belongs to, if any. `cursor` goes into `before` to
    read on.
    """

    at: float
    kind: str
    contact: str | None
    channel: str
    data: Mapping[str, Json]
    by: str
    cursor: str
