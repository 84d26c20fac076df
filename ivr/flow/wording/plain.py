"""For a language without a grammar of its own: figures that a reader or an engine of it knows."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from ivr.flow.wording.values import Phone


def digits(text: str, *, written: bool) -> str:
    """ "4 0 0 1"."""
    return text if written else " ".join(each for each in text if each.isalnum())


def number(value: Decimal, counted: str, *, written: bool) -> str:
    """ "1001"."""
    return f"{value:f} {counted}".strip()


def ordinal(value: int, *, written: bool) -> str:
    """ "21"."""
    return str(value)


def amount(value: Decimal, currency: str, places: int, *, written: bool) -> str:
    """ "12.50 EUR"."""
    fine = bool(currency) and value == round(value, places)
    return f"{f'{value:.{places}f}' if fine else f'{value:f}'} {currency}".strip()


def day(value: date, today: date, *, written: bool) -> str:
    """ "2026-03-02"."""
    return value.isoformat()


def clock(value: time, *, written: bool) -> str:
    """ "17:30"."""
    return f"{value:%H:%M}"


def moment(value: datetime, now: datetime, *, written: bool) -> str:
    """ "2026-03-02 17:30"."""
    return f"{value.date().isoformat()} {value:%H:%M}"


def phone(value: Phone, *, written: bool) -> str:
    """ "+86 138 0013 8000"; its figures apart where it is spoken."""
    figures = value.groups if written else tuple(" ".join(group) for group in value.groups)
    country = f"+{value.country}" if value.country else ""
    return (" " if written else ", ").join((country, *figures) if country else figures)


def yesno(value: bool, *, written: bool) -> str:
    """ "yes", "no"."""
    return "yes" if value else "no"


def key(name: str) -> str:
    """The key as it is printed."""
    return name
