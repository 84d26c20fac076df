"""Place and wait in words, as a waiting caller hears them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal

from ivr.flow.wording import GRAMMARS, plain
from ivr.flow.wording.phrases import PHRASES

OFTEN = 5
"""Places, and minutes, up to which the sentences are spoken ahead."""
_UNITS: Mapping[str, tuple[str, str]] = {"en": (" seconds", " minutes"), "zh": ("秒", "分钟")}
_ONE: Mapping[str, tuple[str, str]] = {"en": ("a second", "a minute"), "zh": ("一秒", "一分钟")}


def place(language: str, position: int) -> str:
    """ "You are number 3 in line."; 1 is next."""
    if position <= 1:
        return _said("wait-next", language)
    return _said("wait-place", language, place=_number(language, position))


def wait(language: str, minutes: tuple[int, int]) -> str:
    """ "Your wait will be about 3 to 5 minutes."; a band from 0 is "less than 5 minutes"."""
    least, most = minutes
    if least == 0:
        return _said("wait-short", language, wait=_span(language, most * 60))
    unit = _units(language)[1]
    first = _counted(language, least, unit).removesuffix(unit)
    return _said("wait-between", language, least=first, wait=_span(language, most * 60))


def promise(language: str, seconds: float) -> str:
    """ "We mean to answer every call within 2 minutes." """
    return _said("wait-promise", language, wait=_span(language, seconds))


def usual(language: str) -> Iterator[str]:
    """What is said often, to be spoken ahead."""
    yield from (place(language, position) for position in range(1, OFTEN + 1))
    yield from (wait(language, (0, most)) for most in range(1, OFTEN + 1))


def _span(language: str, seconds: float) -> str:
    """Whole minutes, below two of them seconds unless it is exactly one."""
    minutes = seconds >= 120 or seconds == 60
    count = math.ceil(seconds / 60 if minutes else seconds)
    if count == 1:
        return _ONE.get(_base(language), _ONE["en"])[minutes]
    return _counted(language, count, _units(language)[minutes])


def _units(language: str) -> tuple[str, str]:
    return _UNITS.get(_base(language), _UNITS["en"])


def _counted(language: str, count: int, unit: str) -> str:
    if unit.startswith(" "):
        return _number(language, count) + unit
    return GRAMMARS[_base(language)].number(Decimal(count), unit, written=False)


def _number(language: str, value: int) -> str:
    return GRAMMARS.get(_base(language), plain).number(Decimal(value), "", written=False)


def _said(name: str, language: str, **places: str) -> str:
    forms = PHRASES[name]
    return (forms.get(_base(language)) or forms["en"])[0].format_map(places)


def _base(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]
