"""What the scalars of a flow mean before a language says them: numbers, days, moments, money.

Every reader here gives None for a value that is not of its kind; nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeVar

Each = TypeVar("Each")

HALF_A_YEAR = 183
"""A day nearer than this is clear without its year, and its weekday is worth saying."""

_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,12})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*")
_NOT_IN_PHONES = re.compile(r"[\s().\-/]")
_PHONE = re.compile(r"\+?[0-9]{1,15}")

# ITU-T E.164: country codes of one and two digits; all others have three.
_COUNTRY = re.compile(r"1|7|20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{1,3}")
_GROUPS = {1: (1,), 2: (2,), 5: (2, 3), 12: (4, 4, 4)}


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone number: its country code ("" for none) and the rest in groups to say."""

    country: str
    groups: tuple[str, ...]


def text_of(value: object) -> str:
    """The value as it stands; nothing for None, and for a number too long to be one."""
    try:
        return "" if value is None else str(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return ""


def number_of(value: object) -> Decimal | None:
    """A number of at most 15 digits before its point; those after it as written."""
    if isinstance(value, bool):
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else text_of(value)
    text = text.strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def count_of(value: object) -> int | None:
    """A whole number that is not negative."""
    number = number_of(value)
    if number is None or number < 0 or number != int(number):
        return None
    return int(number)


def date_of(value: object, now: datetime) -> date | None:
    """A day, or the day of a moment where `now` is."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = text_of(value).strip()
    if _DATE.fullmatch(text):
        return _iso(date.fromisoformat, text)
    moment = moment_of(value, now)
    return moment.date() if moment else None


def time_of(value: object, now: datetime) -> time | None:
    """A time of day, or that of a moment where `now` is."""
    if isinstance(value, time):
        return value
    text = text_of(value).strip()
    if _TIME.fullmatch(text):
        return _iso(time.fromisoformat, text)
    moment = moment_of(value, now)
    return moment.time() if moment else None


def moment_of(value: object, now: datetime) -> datetime | None:
    """A moment in the zone of `now`; one without an offset is meant there already."""
    if isinstance(value, datetime):
        moment: datetime | None = value
    else:
        text = text_of(value).strip()
        moment = _iso(datetime.fromisoformat, text) if _MOMENT.fullmatch(text) else None
    if moment is None:
        return None
    try:
        return moment.astimezone(now.tzinfo) if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    except (OverflowError, ValueError):  # beyond the year 1 or 9999 in that zone
        return None


def yesno_of(value: object) -> bool | None:
    """True or False, also as the words that a field takes."""
    if isinstance(value, bool):
        return value
    return {"yes": True, "true": True, "no": False, "false": False}.get(text_of(value).lower())


def phone_of(value: object) -> Phone | None:
    """A telephone number, with or without `+` and marks between its digits."""
    text = _NOT_IN_PHONES.sub("", text_of(value))
    if not _PHONE.fullmatch(text):
        return None
    if not text.startswith("+"):
        return Phone("", grouped(text))
    digits = text[1:]
    country = _COUNTRY.match(digits)
    size = country.end() if country else 0
    return Phone(digits[:size], grouped(digits[size:]))


def grouped(digits: str) -> tuple[str, ...]:
    """Digits as people group them: threes, then fours (13800138000 -> 138 0013 8000)."""
    size = len(digits)
    sizes = _GROUPS.get(size)
    if sizes is None:
        fours = size % 3
        sizes = (3,) * ((size - 4 * fours) // 3) + (4,) * fours
    groups, at = [], 0
    for each in sizes:
        groups.append(digits[at : at + each])
        at += each
    return tuple(group for group in groups if group)


def decimals(number: Decimal) -> str:
    """The digits behind the point, as they were written."""
    return f"{number:f}".partition(".")[2]


def split_money(amount: Decimal, places: int) -> tuple[int, int] | None:
    """Whole units and hundredths (thousandths, ...) of a positive amount; None if it is finer."""
    shifted = amount.scaleb(places)
    whole = int(shifted)
    return divmod(whole, 10**places) if shifted == whole else None


def _iso(read: Callable[[str], Each], text: str) -> Each | None:
    try:
        return read(text)
    except ValueError:  # 2026-02-30, 25:00
        return None
