"""The head of a flow file: languages, fields, calendars, flow-wide keys and defaults."""

from __future__ import annotations

import functools
import itertools
import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ivr.flow.actions import OUTCOMES
from ivr.flow.calendar import MINUTES_A_DAY, Calendar, Span
from ivr.flow.model import PHONE_DIGITS, REPEAT, Field, Language, Place
from ivr.flow.reading import KEYPAD, Defaults, Reading
from ivr.flow.section import Section, as_list, as_text
from ivr.flow.yaml import Node, Scalar, Sequence, quote

FIELD_TYPES = ("digits", "number", "choice", "phone", "text", "yesno")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_NUMBER = re.compile(r"[0-9]{2,15}")
_LENGTH = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?")
_SPAN = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")


def read_numbers(root: Section, reading: Reading) -> tuple[str, ...]:
    """The numbers that lead here, as text."""
    node = root.node("numbers")
    if node is None:
        return ()

    def number(item: Node) -> str | None:
        text = as_text(item, "a number", reading.problems)
        if text is not None and not _NUMBER.fullmatch(text):
            cure = "a number is 2 to 15 digits"
            reading.problems.add(item.place, f"nobody can dial {quote(text)}", cure)
            return None
        return text

    return as_list(node, '"numbers"', reading.problems, number)


def number_places(root: Section) -> dict[str, Place]:
    """Where each number is written; of one that stands there twice, the second place."""
    node = root.node("numbers")
    items = node.items if isinstance(node, Sequence) else (node,)
    return {item.text: item.place for item in items if isinstance(item, Scalar)}


def read_languages(root: Section, reading: Reading) -> tuple[Language, ...]:
    """`[en, zh]`, or `{en: {skill: english, level: 5}, ...}`; English when absent."""
    node = root.node("languages")
    if node is None:
        return (Language("en"),)
    if isinstance(node, Sequence | Scalar):
        found = [
            (code, item.place)
            for item in (node.items if isinstance(node, Sequence) else (node,))
            if (code := as_text(item, "a language", reading.problems)) is not None
        ]
        languages = tuple(Language(code) for code, _ in found)
    else:
        with Section(node, "languages", reading.problems) as section:
            read = [
                (code, place, _language(code, value, reading))
                for code, place, value in section.rest()
            ]
        found = [(code, place) for code, place, _ in read]
        languages = tuple(language for _, _, language in read)
    for code, place in found:
        if not _LANGUAGE.fullmatch(code):
            reading.problems.add(place, f"{quote(code)} is no language", "such as en or zh")
    return languages or (Language("en"),)


def _language(code: str, node: Node, reading: Reading) -> Language:
    with Section(node, f"language {quote(code)}", reading.problems) as section:
        return Language(code, section.text("skill", None), section.integer("level", 1, **_LEVEL))


_LEVEL = {"low": 1, "high": 10}


# --- fields ----------------------------------------------------------------------------------


def read_fields(root: Section, reading: Reading) -> dict[str, Field]:
    """The contract: what the flow collects."""
    fields: dict[str, Field] = {}
    for name, place, node in root.entries("collects"):
        reading.field_name(name, place)
        with Section(node, f"field {quote(name)}", reading.problems) as section:
            fields[name] = _field(name, place, section, reading)
    return fields


def _field(name: str, place: Place, section: Section, reading: Reading) -> Field:
    before = reading.problems.count
    kind = section.choice("type", FIELD_TYPES)
    if reading.problems.count > before:
        section.allow("length", "low", "high", "of")
    low = high = None
    of: tuple[str, ...] = ()
    shortest, longest = {"phone": PHONE_DIGITS, "text": (1, 200)}.get(kind, (1, 20))
    if kind in {"digits", "phone", "text"}:
        shortest, longest = _length(section, (shortest, longest), reading)
    elif kind == "number":
        low = section.integer("low", None, low=-(10**12))
        high = section.integer("high", None, low=-(10**12))
        shortest, longest = 1, len(str(high)) if high is not None and high > 0 else 12
    else:
        shortest, longest = 1, 1
    if kind == "choice":
        of = section.texts("of")
        if not 1 <= len(of) <= 9 or len(set(of)) < len(of):
            message = f'field {quote(name)} needs 1 to 9 different words in "of"'
            reading.problems.add(section.place_of("of"), message)
    say = section.node("say")
    return Field(
        name,
        kind,  # type: ignore[arg-type]  # `choice` returned one of FIELD_TYPES
        secret=section.boolean("secret", False),
        length_min=shortest,
        length_max=longest,
        low=low,
        high=high,
        of=of,
        say=reading.speech(say, f"what field {quote(name)} says") if say is not None else (),
        place=place,
    )


def _length(section: Section, default: tuple[int, int], reading: Reading) -> tuple[int, int]:
    text = section.text("length", None)
    if text is None:
        return default
    match = _LENGTH.fullmatch(text)
    shortest = int(match[1]) if match else 0
    longest = int(match[2] or match[1]) if match else 0
    if not 1 <= shortest <= longest <= 60:
        cure = "write a number such as 8, or a span such as 4-8, up to 60"
        reading.problems.add(section.place_of("length"), f"{quote(text)} is no length", cure)
        return default
    return shortest, longest


# --- calendars -------------------------------------------------------------------------------


def read_calendars(root: Section, reading: Reading) -> dict[str, Calendar]:
    """The flow's opening hours by name."""
    calendars: dict[str, Calendar] = {}
    for name, _, node in root.entries("calendars"):
        with Section(node, f"calendar {quote(name)}", reading.problems) as section:
            calendars[name] = _calendar(name, section, reading)
    return calendars


def _calendar(name: str, section: Section, reading: Reading) -> Calendar:
    zone = _zone(section, reading)
    week: list[tuple[Span, ...] | None] = [None] * 7
    for days, place, node in section.entries("hours", required=True):
        spans = _spans(node, reading)
        for day in _days(days, place, reading):
            if week[day] is not None:
                reading.problems.add(place, f"{DAYS[day]} stands in {section.what} twice")
            week[day] = spans
    closed: set[date] = set()
    shut = section.node("closed")
    if shut is not None:
        for dates in as_list(shut, '"closed"', reading.problems, lambda n: _dates(n, reading)):
            closed.update(dates)
    special: dict[date, tuple[Span, ...]] = {}
    for written, place, node in section.entries("special"):
        spans = _spans(node, reading)
        special.update((each, spans) for each in _dates(Scalar(written, place), reading) or ())
    return Calendar(name, zone, tuple(each or () for each in week), frozenset(closed), special)


def _zone(section: Section, reading: Reading) -> ZoneInfo:
    name = section.text("zone")
    if not name:
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        reading.problems.unknown(section.place_of("zone"), "zone", name, _zones())
        return ZoneInfo("UTC")


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _days(text: str, place: Place, reading: Reading) -> tuple[int, ...]:
    if text == "daily":
        return tuple(range(7))
    first, dash, last = text.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        cure = "write daily, a day such as mon, or a span such as mon-fri"
        reading.problems.add(place, f"{quote(text)} is no day", cure)
        return ()
    start, end = DAYS.index(first), DAYS.index(last or first)
    return tuple((start + offset) % 7 for offset in range((end - start) % 7 + 1))


def _spans(node: Node, reading: Reading) -> tuple[Span, ...]:
    if isinstance(node, Scalar) and node.text == "closed":
        return ()
    spans = as_list(node, "hours", reading.problems, lambda item: _span(item, reading))
    ordered = tuple(sorted(spans))
    for earlier, later in itertools.pairwise(ordered):
        if later.start < earlier.end:
            reading.problems.add(node.place, "two spans of one day overlap")
    return ordered


def _span(node: Node, reading: Reading) -> Span | None:
    text = as_text(node, "hours", reading.problems)
    match = _SPAN.fullmatch(text) if text is not None else None
    if match is not None:
        start, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
        if start < MINUTES_A_DAY and end <= MINUTES_A_DAY and start != end:
            return Span.between(start, end)
    if text is not None:
        cure = "write 08:00-18:00, 22:00-06:00 across midnight, 00:00-24:00, or closed"
        reading.problems.add(node.place, f"{quote(text)} are no hours", cure)
    return None


def _dates(node: Node, reading: Reading) -> tuple[date, ...] | None:
    text = as_text(node, "a date", reading.problems)
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
        reading.problems.add(node.place, f"{quote(text)} is no date", cure)
    return None


# --- keys and defaults -----------------------------------------------------------------------


def read_keys(root: Section, reading: Reading) -> dict[str, str]:
    """Keys that work at every question of the flow."""
    keys: dict[str, str] = {}
    for key, place, node in root.entries("keys"):
        if key not in KEYPAD:
            reading.problems.add(place, f"{quote(key)} is no key", "a key is 0-9, * or #")
            continue
        if isinstance(node, Scalar) and node.text == REPEAT:
            keys[key] = REPEAT
        else:
            keys[key] = reading.reference(node, f"key {key}") or ""
    return keys


def read_defaults(root: Section, reading: Reading) -> Defaults:
    """What the steps inherit."""
    section = root.section("defaults")
    base = Defaults()
    if section is None:
        return base
    with section:
        queue = section.section("queue")
        max_wait, exits = None, {}
        if queue is not None:
            with queue:
                max_wait = queue.duration("max_wait", None, low=1)
                exits = read_exits(queue, reading)
        return Defaults(
            wait=section.duration("wait", base.wait, low=1, high=60),
            digit_wait=reading.digit_wait(section, base.digit_wait),
            finish=reading.finish(section, base.finish),
            barge_in=section.boolean("barge_in", base.barge_in),
            attempts=section.integer("attempts", base.attempts, low=1, high=9),
            noinput=reading.speeches(section, "noinput") or (),
            nomatch=reading.speeches(section, "nomatch") or (),
            otherwise=reading.reference(section.node("otherwise"), '"otherwise"'),
            max_wait=max_wait,
            exits=exits,
        )


def read_exits(section: Section, reading: Reading) -> dict[str, str]:
    """Ways out of a queue by outcome; `otherwise` serves for those not named."""
    exits: dict[str, str] = {}
    for outcome in (*OUTCOMES[1:], "otherwise"):
        name = reading.reference(section.node(outcome), quote(outcome))
        if name is not None:
            exits[outcome] = name
    return exits
