"""Calendars as people write them: in the head of a flow, and in `calendars.yaml` for all flows.

zone: Asia/Shanghai
hours: {mon-fri: 08:00-18:00, sat: 09:00-13:00}
holidays: {country: CN, moved: true}
closed: [2026-12-24, 2026-12-27..2026-12-30]
moved: {2026-02-14: fri}
special: {2026-12-31: 08:00-12:00}
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ivr.flow.calendar import DAYS, MINUTES_A_DAY, Calendar, Span
from ivr.flow.loading.files import read_source
from ivr.flow.loading.public_holidays import (
    PublicHolidays,
    code_of,
    countries,
    public_holidays,
    regions,
)
from ivr.flow.loading.section import Section, as_list, as_text
from ivr.flow.loading.yaml import Node, Problems, Scalar, parse, quote
from ivr.flow.words import Place

FILE = "calendars.yaml"
"""The organisation's calendars, beside its flows."""

NOTED_AHEAD = timedelta(days=31)
"""How long before holidays begin to be guesswork that is worth a note."""

_NAME = re.compile(r"[^\W_][\w-]{0,39}")
_SPAN = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")


class SharedCalendars:
    """The organisation's calendars, from the files beside the flows; each file is read once."""

    def __init__(self, problems: Problems, today: date) -> None:
        self._problems, self._today = problems, today
        self._read: dict[Path, Mapping[str, Calendar]] = {}

    def beside(self, flow: Path) -> Mapping[str, Calendar]:
        """The calendars for the flows of a file's folder; none without a file of them."""
        file = flow.parent / FILE
        if file not in self._read:
            self._read[file] = self._file(file) if file.is_file() else {}
        return self._read[file]

    def _file(self, file: Path) -> dict[str, Calendar]:
        source = read_source(file, self._problems)
        if source is None:
            return {}
        return read_file(source, str(file), self._problems, self._today)


def read_file(
    source: bytes | str, file: str, problems: Problems, today: date
) -> dict[str, Calendar]:
    """The calendars of one such file."""
    root = parse(source, file, problems)
    if root is None:
        return {}
    with Section(root, "the calendars", problems) as section:
        return read_calendars(section, problems, today)


def read_calendars(
    root: Section, problems: Problems, today: date, flow: str | None = None
) -> dict[str, Calendar]:
    """What stands under `calendars`, by the name it is called there.

    `today` decides which years' public holidays are known; `flow` is the flow whose own they are,
    None when they are the organisation's.
    """
    found: dict[str, Calendar] = {}
    for name, place, node in root.entries("calendars", required=flow is None):
        if not _NAME.fullmatch(name):
            cure = "use letters, digits, - and _"
            problems.add(place, f"a calendar cannot be called {quote(name)}", cure)
        with Section(node, f"calendar {quote(name)}", problems) as section:
            full = name if flow is None else f"{flow}.{name}"
            found[name] = _Reader(section, problems, today).calendar(full)
    return found


def notes(calendars: Iterable[Calendar], today: date) -> Iterator[str]:
    """What is no mistake but good to know: public holidays that are guesswork, or soon will be."""
    for calendar in {each.name: each for each in calendars}.values():
        settled = calendar.settled
        if settled is not None and settled < today + NOTED_AHEAD:
            yield (
                f"calendar {calendar.name}: its public holidays are certain up to {settled} only; "
                "later lists come with later releases of the package holidays"
            )


@dataclass(slots=True)
class _Holidays:
    """What the key `holidays` gives a calendar."""

    days: Mapping[date, str] = field(default_factory=dict)
    moved: Mapping[date, int] = field(default_factory=dict)
    settled: date | None = None


class _Reader:
    """Reads one calendar."""

    def __init__(self, section: Section, problems: Problems, today: date) -> None:
        self.section, self.problems, self.today = section, problems, today

    def calendar(self, name: str) -> Calendar:
        section = self.section
        zone = self._zone()
        week: list[tuple[Span, ...] | None] = [None] * 7
        for days, place, node in section.entries("hours", required=True):
            spans = self._spans(node)
            for day in self._days(days, place):
                if week[day] is not None:
                    self.problems.add(place, f"{DAYS[day]} stands in {section.what} twice")
                week[day] = spans
        public, closed = self._holidays(), self._closed()
        # What somebody wrote here goes before what the country moves.
        theirs = {day: number for day, number in public.moved.items() if day not in closed}
        return Calendar(
            name,
            zone,
            tuple(each or () for each in week),
            closed=closed,
            special=self._special(),
            moved=theirs | self._moved(),
            holidays=public.days,
            settled=public.settled,
        )

    def _zone(self) -> ZoneInfo:
        name = self.section.text("zone")
        if not name:
            return ZoneInfo("UTC")
        return read_zone(name, self.section.place_of("zone"), self.problems)

    def _days(self, text: str, place: Place) -> tuple[int, ...]:
        if text == "daily":
            return tuple(range(7))
        first, dash, last = text.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            cure = "write daily, a day such as mon, or a span such as mon-fri"
            self.problems.add(place, f"{quote(text)} is no day", cure)
            return ()
        start, end = DAYS.index(first), DAYS.index(last or first)
        return tuple((start + offset) % 7 for offset in range((end - start) % 7 + 1))

    # --- hours ---

    def _spans(self, node: Node) -> tuple[Span, ...]:
        if isinstance(node, Scalar) and node.text == "closed":
            return ()
        ordered = tuple(sorted(as_list(node, "hours", self.problems, self._span)))
        for earlier, later in itertools.pairwise(ordered):
            if later.start < earlier.end:
                self.problems.add(node.place, "two spans of one day overlap")
        return ordered

    def _span(self, node: Node) -> Span | None:
        text = as_text(node, "hours", self.problems)
        match = _SPAN.fullmatch(text) if text is not None else None
        if match is not None:
            start, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
            if start < MINUTES_A_DAY and end <= MINUTES_A_DAY and start != end:
                return Span.between(start, end)
        if text is not None:
            cure = "write 08:00-18:00, 22:00-06:00 across midnight, 00:00-24:00, or closed"
            self.problems.add(node.place, f"{quote(text)} are no hours", cure)
        return None

    # --- dates ---

    def _closed(self) -> frozenset[date]:
        node = self.section.node("closed")
        if node is None:
            return frozenset()
        return frozenset(
            day for days in as_list(node, '"closed"', self.problems, self._dates) for day in days
        )

    def _special(self) -> dict[date, tuple[Span, ...]]:
        special: dict[date, tuple[Span, ...]] = {}
        for written, place, node in self.section.entries("special"):
            spans = self._spans(node)
            special.update((each, spans) for each in self._dates(Scalar(written, place)) or ())
        return special

    def _moved(self) -> dict[date, int]:
        moved: dict[date, int] = {}
        for written, place, node in self.section.entries("moved"):
            text = as_text(node, "a day", self.problems)
            if text is not None and text not in DAYS:
                cure = f"write whose hours that date has: {', '.join(DAYS)}"
                self.problems.add(node.place, f"{quote(text)} is no day", cure)
            for each in self._dates(Scalar(written, place)) or ():
                moved[each] = DAYS.index(text) if text in DAYS else 0
        return moved

    def _dates(self, node: Node) -> tuple[date, ...] | None:
        text = as_text(node, "a date", self.problems)
        match = _DATE.fullmatch(text) if text is not None else None
        try:
            first = date.fromisoformat(match[1]) if match else None
            last = date.fromisoformat(match[2]) if match and match[2] else first
        except ValueError:
            first = last = None
        if first is not None and last is not None and 0 <= (last - first).days <= 366:
            return tuple(first + timedelta(days=each) for each in range((last - first).days + 1))
        if text is not None:
            cure = "write 2026-10-01, or 2026-10-01..2026-10-07"
            self.problems.add(node.place, f"{quote(text)} is no date", cure)
        return None

    # --- public holidays ---

    def _holidays(self) -> _Holidays:
        node = self.section.node("holidays")
        if node is None:
            return _Holidays()
        if isinstance(node, Scalar):
            official = self._official(as_text(node, '"holidays"', self.problems), None, node.place)
            return _Holidays(official.days, {}, official.settled) if official else _Holidays()
        with Section(node, '"holidays"', self.problems) as section:
            country, region = section.text("country"), section.text("region", None)
            place = section.place_of("country")
            official = self._official(country, region, place, section.place_of("region"))
            moved = section.boolean("moved", False)
            weekends = section.boolean("weekends", False)
            unkept = section.texts("except")
            if official is None:
                return _Holidays()
            for name in unkept:
                if name not in official.names:
                    what = f"public holiday in {country}:"
                    self.problems.unknown(section.place_of("except"), what, name, official.names)
            if moved and not official.moved:
                message = f"no moved working days are known in {country}"
                cure = "leave `moved: true` away, and write such dates under the calendar's `moved`"
                self.problems.add(section.place_of("moved"), message, cure)
        days = official.without(frozenset(unkept))
        return _Holidays(
            official.with_weekends(days) if weekends else days,
            official.moved if moved else {},
            official.settled,
        )

    def _official(
        self, country: str | None, region: str | None, place: Place, region_at: Place | None = None
    ) -> PublicHolidays | None:
        if not country:
            return None
        if country not in countries():
            self._no_country(country, place)
            return None
        known = regions(country)
        if region is not None and region not in known:
            what = f"region of {country}"
            self.problems.unknown(region_at or place, what, region, known)
            return None
        return public_holidays(country, region, self.today.year)

    def _no_country(self, country: str, place: Place) -> None:
        meant = code_of(country)
        if meant is None:
            cure = "write the two letters of a country, such as CN, DE or US"
        else:
            cure = f"did you mean {quote(meant)}?"
        self.problems.add(place, f"unknown country {quote(country)}", cure)


def read_zone(name: str, place: Place, problems: Problems) -> ZoneInfo:
    """The zone of that name; reports an unknown one, which then reads as UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.unknown(place, "zone", name, _zones())
        return ZoneInfo("UTC")


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
