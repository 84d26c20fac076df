"""Public holidays by country and region, from the package `holidays`.

The package computes most of them, and carries official lists where a government moves working days
from year to year, as China's does. What it cannot know yet it estimates; `PublicHolidays.settled`
says where that begins.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from holidays import HolidayBase, country_holidays, list_supported_countries, registry

FIRST_YEAR = 2020
YEARS_AHEAD = 5
"""A calendar knows holidays from `FIRST_YEAR` to this many years after the one it was read in."""

MONDAY = 0
LONG_WEEKEND = "long weekend"

_LANGUAGE = "en_US"
_STANDS_FOR = re.compile(r"Day off \(substituted from (\d\d)/(\d\d)/(\d{4})\)")
_REMARK = re.compile(r" \((?:observed|estimated|observed, estimated|substituted from [^)]*)\)$")


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """The holidays of a country or region, with their English names.

    `moved` are weekend days that people work instead of a day off, each with the weekday it stands
    for (0 is Monday). `settled` is the last day up to which nothing is estimated and, where working
    days are moved, the official list is known. `weekend` are weekdays.
    """

    days: Mapping[date, str]
    moved: Mapping[date, int]
    weekend: frozenset[int]
    settled: date

    @property
    def names(self) -> frozenset[str]:
        """Every name there is; two holidays on one day count as two."""
        return frozenset(name for names in self.days.values() for name in split(names))

    def without(self, names: frozenset[str]) -> dict[date, str]:
        """The days that are left when nobody keeps the holidays of these names."""
        return {day: name for day, name in self.days.items() if not names.issuperset(split(name))}

    def with_weekends(self, days: Mapping[date, str]) -> dict[date, str]:
        """These days and the weekend days that touch them, as one long weekend."""
        joined = dict(days)
        for day in days:
            for step in (timedelta(days=-1), timedelta(days=1)):
                beside = day + step
                while beside.weekday() in self.weekend and beside not in self.moved:
                    joined.setdefault(beside, LONG_WEEKEND)
                    beside += step
        return joined


def split(names: str) -> tuple[str, ...]:
    """`Independence Day; Ashura` as two names."""
    return tuple(names.split("; "))


@functools.cache
def public_holidays(country: str, region: str | None, this_year: int) -> PublicHolidays:
    """What is known about `countries()` and `regions(country)` in a year."""
    years = range(FIRST_YEAR, this_year + YEARS_AHEAD + 1)
    found = country_holidays(country, subdiv=region, years=years, language=_LANGUAGE)
    days = {day: name for day, name in found.items() if day.year in years}
    moved = _moved(found, days)
    return PublicHolidays(
        {
            day: "; ".join(_REMARK.sub("", each) for each in split(days[day]))
            for day in sorted(days)
        },
        moved,
        frozenset(found.weekend),
        _settled(days, moved, date(years[-1], 12, 31)),
    )


def _moved(found: HolidayBase, days: Mapping[date, str]) -> dict[date, int]:
    stands_for = {
        date(int(match[3]), int(match[1]), int(match[2])): day.weekday()
        for day, names in days.items()
        for match in _STANDS_FOR.finditer(names)
    }
    workdays = (day for day in found.weekend_workdays if day.year >= FIRST_YEAR)
    return {day: stands_for.get(day, MONDAY) for day in sorted(workdays)}


def _settled(days: Mapping[date, str], moved: Mapping[date, int], last: date) -> date:
    estimated = [day for day, name in days.items() if "estimated" in name]
    ends = [last, *(day - timedelta(days=1) for day in estimated)]
    if moved:
        ends.append(date(max(day.year for day in moved), 12, 31))
    return min(ends)


def countries() -> frozenset[str]:
    """The countries there are, as two letters."""
    return frozenset(_codes().values())


def code_of(country: str) -> str | None:
    """The two letters of a country that was named otherwise: `China`, `USA`, `cn`."""
    return _codes().get(_plain(country))


@functools.cache
def _codes() -> dict[str, str]:
    """Two letters by every way to write a country."""
    codes: dict[str, str] = {}
    for name, (_, code, *others) in registry.COUNTRIES.items():
        codes |= {_plain(each): code for each in (name, code, *others)}
    return codes


def _plain(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())


def regions(country: str) -> tuple[str, ...]:
    """The states, provinces or cities of a country that have holidays of their own."""
    return tuple(list_supported_countries(include_aliases=False).get(country, ()))
