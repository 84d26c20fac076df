"""The typed fields of a flow's contract: what they hold, and how keys, words and answers become it.

A value is a JSON scalar. Dates are `2026-03-02`, times `17:30`, amounts decimal text such as
`12.50`, moments ISO 8601 with their offset; a choice is its name, yes and no are booleans.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, get_args

from ivr.flow.actions import Value
from ivr.flow.running.written import DAYS, meant, only_number, only_phone, plain
from ivr.flow.words import NOWHERE, Place, Words

FieldType = Literal[
    "digits", "number", "amount", "choice", "yesno", "phone", "date", "time", "moment", "text"
]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)
UNKEYED = ("text", "moment")
"""Types no telephone can key."""
DateOrder = Literal["ymd", "dmy", "mdy"]

PHONE_DIGITS = (3, 15)
"""E.164 allows 15 digits; internal numbers are shorter than national ones."""
POINT = "*"
"""The key that stands for the decimal point of an amount."""

_KEYED = {"choice": (1, 1), "yesno": (1, 1), "date": (8, 8), "time": (4, 4)}
_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE = {
    "ymd": re.compile(r"(?P<y>\d{4})[-/.]?(?P<m>\d{1,2})[-/.]?(?P<d>\d{1,2})"),
    "dmy": re.compile(r"(?P<d>\d{1,2})[-/.]?(?P<m>\d{1,2})[-/.]?(?P<y>\d{4})"),
    "mdy": re.compile(r"(?P<m>\d{1,2})[-/.]?(?P<d>\d{1,2})[-/.]?(?P<y>\d{4})"),
}
_TIME = re.compile(r"(\d{1,2}):?(\d{2})")
_HALF_DAY = re.compile(r"(\d{1,2})(?::?(\d{2}))?\s*([ap])\.?m\.?", re.I)
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_COMMA = re.compile(r"-?[0-9]+,[0-9]{1,2}")
_CURRENCY = " €$£¥元"
_LOOSE = str.maketrans("", "", " \t-().\u2010\u2013/")
_DAY_MARKS = str.maketrans("年月", "--", "日号")
_MARKS = " .!,。!、"
_YES = frozenset({"yes", "y", "true", "ok", "sure", "是", "是的", "好", "好的", "对", "对的"})
_NO = frozenset({"no", "n", "false", "nope", "否", "不", "不是", "不要", "不对"})


@dataclass(frozen=True, slots=True)
class Field:
    """A typed entry of the flow's contract.

    Lengths count keys; `low` and `high` bound a number or an amount; `order` is how a date is keyed
    and written.
    """

    name: str
    type: FieldType
    secret: bool = False
    length_min: int = 1
    length_max: int = 20
    low: Decimal | None = None
    high: Decimal | None = None
    of: tuple[str, ...] = ()
    order: DateOrder = "ymd"
    say: tuple[Words, ...] = ()
    place: Place = NOWHERE

    @property
    def keyed(self) -> tuple[int, int]:
        """How many keys an entry has: at least, at most."""
        return _KEYED.get(self.type, (self.length_min, self.length_max))

    def from_keys(self, keys: str) -> Value:
        """The value these keys mean, or None when they are not a valid entry.

        A choice is keyed by position (1 is the first), yes by 1 and no by 2, a date with eight
        keys, a time with four, the point of an amount with `*`.
        """
        if self.type == "amount":
            keys = keys.replace(POINT, ".", 1)
            return self._amount(keys)
        if not (keys.isascii() and keys.isdigit()):
            return None
        match self.type:
            case "choice":
                position = int(keys) if len(keys) == 1 else 0
                return self.of[position - 1] if 1 <= position <= len(self.of) else None
            case "yesno":
                return {"1": True, "2": False}.get(keys)
            case "date":
                return self._date(keys) if len(keys) == 8 else None
            case "time":
                return _time(keys) if len(keys) == 4 else None
            case "moment" | "text":
                return None
            case _:
                return self.from_text(keys)

    def from_text(self, text: str) -> Value:
        """The value this text means exactly, or None: how `set` fills a field."""
        match self.type:
            case "choice":
                return text if text in self.of else None
            case "yesno":
                return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower())
            case "number":
                return self._number(text)
            case "amount":
                return self._amount(text)
            case "text":
                return text if len(text) <= self.length_max else None
            case "phone":
                return text if self._is_entry(text.removeprefix("+")) else None
            case "date":
                return _iso_date(text)
            case "time":
                return _time(text) if ":" in text else None
            case "moment":
                return _moment(text)
            case _:
                return text if self._is_entry(text) else None

    def from_words(self, text: str, today: date | None = None) -> Value:
        """The value somebody wrote, as people write it, or None.

        The only number in a sentence is the number that was asked for. With `today`, a day may be
        called "yesterday".
        """
        text = unicodedata.normalize("NFKC", text).strip()
        match self.type:
            case "choice":
                word = text.casefold().strip(_MARKS)
                return meant(word, zip(self.of, self.of, strict=True)) or self.from_keys(word)
            case "yesno":
                word = text.casefold().strip(_MARKS)
                return True if word in _YES else False if word in _NO else self.from_keys(word)
            case "date":
                away = DAYS.get(plain(text)) if today is not None else None
                if today is not None and away is not None:
                    return (today + timedelta(days=away)).isoformat()
                return self._written_date(text.translate(_DAY_MARKS).strip(_MARKS))
            case "time":
                return _half_day(text) or _time(text)
            case "amount" | "number" | "digits" | "phone":
                found = self._figures(text)
                return self._figures(self._only(text)) if found is None else found
            case _:
                return self.from_text(text)

    def _figures(self, text: str) -> Value:
        """A message that is a number and nothing else."""
        match self.type:
            case "amount":
                return self._amount(_plain_amount(text.strip(_CURRENCY)))
            case "number":
                return self._number(_whole(text))
            case _:
                return self.from_text(text.translate(_LOOSE))

    def _only(self, text: str) -> str:
        """The only number in a sentence, "" without one."""
        if self.type == "phone":
            return only_phone(text) or ""
        # Currencies are written close to their figures; whatever else is, is a name.
        return only_number(text, apart=self.type != "amount") or ""

    def from_json(self, value: object) -> Value:
        """The value a service or table answered, or None when it is of another type."""
        match self.type, value:
            case "yesno", bool():
                return value
            case _, bool() | None:
                return None
            case "number" | "digits" | "text" | "phone", int():
                return self.from_text(str(value))
            case "amount", int() | float():
                return self._amount(format(Decimal(str(value)), "f"))
            case "yesno", _:
                return None
            case _, str():
                return self.from_text(value)
            case _:
                return None

    def _number(self, text: str) -> int | None:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= self.length_max):
            return None
        return int(text) if self._within(Decimal(text)) else None

    def _amount(self, text: str) -> str | None:
        text = text.removesuffix(".")
        if not _AMOUNT.fullmatch(text):
            return None
        value = abs(Decimal(text)) if not Decimal(text) else Decimal(text)
        return str(value) if self._within(value) else None

    def _within(self, value: Decimal) -> bool:
        too_low = self.low is not None and value < self.low
        return not too_low and not (self.high is not None and value > self.high)

    def _is_entry(self, text: str) -> bool:
        fits = self.length_min <= len(text) <= self.length_max
        return fits and text.isascii() and text.isdigit()

    def _written_date(self, text: str) -> str | None:
        if text.isdigit() and len(text) != 8:
            return None  # 2026111 is the first of November or the eleventh of January
        return _iso_date(text) or self._date(text)

    def _date(self, text: str) -> str | None:
        match = _DATE[self.order].fullmatch(text)
        if match is None or not text.isascii():
            return None
        return _iso_date(f"{match['y']}-{int(match['m']):02d}-{int(match['d']):02d}")


def _iso_date(text: str) -> str | None:
    if not _ISO_DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _time(text: str) -> str | None:
    match = _TIME.fullmatch(text)
    if match is None or not text.isascii() or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    return time(int(match[1]), int(match[2])).strftime("%H:%M")


def _half_day(text: str) -> str | None:
    """5 pm, 5:30 p.m."""
    match = _HALF_DAY.fullmatch(text)
    if match is None or not text.isascii() or not 1 <= int(match[1]) <= 12:
        return None
    hour = int(match[1]) % 12 + (12 if match[3].lower() == "p" else 0)
    return _time(f"{hour}:{match[2] or '00'}")


def _whole(text: str) -> str:
    """1,200 without its commas."""
    return text.replace(",", "") if _THOUSANDS.fullmatch(text) else text


def _plain_amount(text: str) -> str:
    """1,200.50 and 12,50 without their commas; 1,200 is one thousand two hundred."""
    if _THOUSANDS.fullmatch(text):
        return _whole(text)
    return text.replace(",", ".") if _COMMA.fullmatch(text) else text


def _moment(text: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.isoformat() if moment.tzinfo is not None else None
