"""Values and generated sentences as people say them, by language.

`speak` says a value (a number, a day, money, ...), `phrase` a sentence of the flow language's own
("Is that right?"). Each has two forms: spoken, for an engine that reads it aloud, and written, for
chat and SMS. A language is one module with the functions of `Grammar`, named in `GRAMMARS`, and an
entry for it in each of `PHRASES`. Everything here is pure; the moment it is comes from the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Protocol

from ivr.flow.wording import english, mandarin, plain, values
from ivr.flow.wording.money import CURRENCIES, PLACES
from ivr.flow.wording.phrases import PHRASES
from ivr.flow.wording.values import Phone

__all__ = ["CURRENCIES", "KINDS", "PHRASES", "moment", "natural", "phrase", "speak"]

KINDS = ("digits", "number", "ordinal", "amount", "date", "time", "moment", "phone", "yesno")
"""What `speak` can say; each is also the name of a filter in templates."""


class Grammar(Protocol):
    """How one language says each kind of value; every function has a spoken and a written form."""

    def digits(self, text: str, *, written: bool) -> str:
        """One by one."""

    def number(self, value: Decimal, counted: str, *, written: bool) -> str:
        """A cardinal, and what is counted by it ("" for nothing)."""

    def ordinal(self, value: int, *, written: bool) -> str:
        """A place in an order."""

    def amount(self, value: Decimal, currency: str, places: int, *, written: bool) -> str:
        """Money of a currency ("" for none) that has so many decimal places."""

    def day(self, value: date, today: date, *, written: bool) -> str:
        """A day, with as much of it as is needed seen from `today`."""

    def clock(self, value: time, *, written: bool) -> str:
        """A time of day."""

    def moment(self, value: datetime, now: datetime, *, written: bool) -> str:
        """A day and a time, both in the zone of `now`."""

    def phone(self, value: Phone, *, written: bool) -> str:
        """A telephone number, group by group."""

    def yesno(self, value: bool, *, written: bool) -> str:
        """Yes or no."""

    def key(self, name: str) -> str:
        """A key of the telephone, in words where it is no figure."""


GRAMMARS: Mapping[str, Grammar] = {"en": english, "zh": mandarin}

_NATURAL = {kind: kind for kind in KINDS if kind != "ordinal"}


def natural(kind_of_field: str) -> str | None:
    """The filter that says a field of this type, such as "amount"; None: it is said as it is."""
    return _NATURAL.get(kind_of_field)


def speak(
    kind: str,
    value: object,
    language: str,
    *,
    written: bool,
    now: datetime,
    argument: str | None = None,
) -> str:
    """The value as the language says it; `kind` is one of `KINDS`.

    `value` is a scalar: digits and phone numbers as text, a date as "2026-03-02", a time as
    "17:30", an amount as "12.50", a moment in ISO form (shown in the zone of `now`, aware).
    `argument` is the currency of an amount ("EUR") or what a number counts ("位"). A value that is
    not of its kind is said as the text it is, and an unknown language gets plain figures; nothing
    raises.
    """
    grammar = GRAMMARS.get(_base(language), plain)
    said = _said(grammar, kind, value, now=now, argument=argument or "", written=written)
    return values.text_of(value) if said is None else said


def _said(
    grammar: Grammar, kind: str, value: object, *, now: datetime, argument: str, written: bool
) -> str | None:
    match kind:
        case "digits":
            return grammar.digits(values.text_of(value), written=written)
        case "number" if (number := values.number_of(value)) is not None:
            return grammar.number(number, argument, written=written)
        case "ordinal" if (count := values.count_of(value)) is not None:
            return grammar.ordinal(count, written=written)
        case "amount" if (amount := values.number_of(value)) is not None:
            code = argument.upper()
            return grammar.amount(amount, code, CURRENCIES.get(code, PLACES), written=written)
        case "date" if (day := values.date_of(value, now)) is not None:
            return grammar.day(day, now.date(), written=written)
        case "time" if (clock := values.time_of(value, now)) is not None:
            return grammar.clock(clock, written=written)
        case "moment" if (at := values.moment_of(value, now)) is not None:
            return grammar.moment(at, now, written=written)
        case "phone" if (phone := values.phone_of(value)) is not None:
            return grammar.phone(phone, written=written)
        case "yesno" if (yes := values.yesno_of(value)) is not None:
            return grammar.yesno(yes, written=written)
    return None


def moment(language: str, at: datetime, now: datetime, *, written: bool = True) -> str:
    """ "tomorrow at 8 AM", "明天上午8点": a moment in the zone of `at`."""
    return speak("moment", at, language, written=written, now=now.astimezone(at.tzinfo))


def phrase(name: str, language: str, written: bool, **places: str) -> str:
    """The sentence `name` of `PHRASES`, its places filled in; English in an unknown language.

    A `key` ("1", "*") is named as the language names it. Raises `KeyError` for an unknown name and
    for a place that is not given.
    """
    forms = PHRASES[name]
    base = _base(language)
    texts = forms.get(base) or forms["en"]
    grammar = GRAMMARS.get(base if base in forms else "en", plain)
    if "key" in places and not written:
        places["key"] = grammar.key(places["key"])
    if "moment" in places:
        places["moment"] = places["moment"].removeprefix("on ")
    return texts[written].format_map(places)


def _base(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]
