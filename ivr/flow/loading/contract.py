"""The head of a flow file: languages, fields, flow-wide keys and defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import cast, get_args
from zoneinfo import ZoneInfo

from ivr.flow.actions import NOBODY, OUTCOMES
from ivr.flow.calendar import Calendar
from ivr.flow.fields import FIELD_TYPES, PHONE_DIGITS, DateOrder, Field, FieldType
from ivr.flow.loading.hours import read_zone
from ivr.flow.loading.options import read_waiting
from ivr.flow.loading.reading import KEYPAD, Defaults, Reading
from ivr.flow.loading.section import Section, as_list, as_text
from ivr.flow.loading.yaml import Node, Scalar, Sequence, quote
from ivr.flow.model import KEY_TARGETS, UTC, Language
from ivr.flow.words import Place

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_NUMBER = re.compile(r"[0-9]{2,15}")
_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")
_LENGTH = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?")


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
    if len(languages) > MAX_LANGUAGES:
        cure = f"at most {MAX_LANGUAGES}; make several flows"
        reading.problems.add(node.place, f"{len(languages)} languages", cure)
    return languages[:MAX_LANGUAGES] or (Language("en"),)


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


MAX_LANGUAGES = 20
ORDERS: tuple[DateOrder, ...] = get_args(DateOrder)
LENGTHS: Mapping[str, tuple[int, int]] = {
    "phone": PHONE_DIGITS,
    "text": (1, 200),
    "digits": (1, 20),
    "number": (1, 12),
    "amount": (1, 15),
    "date": (8, 8),
    "time": (4, 4),
    "moment": (1, 40),
}
"""How many keys or characters an entry has, where nothing else is written."""
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "digits": ("length",),
    "phone": ("length",),
    "text": ("length",),
    "number": ("low", "high"),
    "amount": ("low", "high"),
    "choice": ("of",),
    "date": ("order",),
}
"""What may be written beside each type, besides `secret` and `say`."""
_ALL_OPTIONS = tuple(dict.fromkeys(option for options in OPTIONS.values() for option in options))


def _field(name: str, place: Place, section: Section, reading: Reading) -> Field:
    before = reading.problems.count
    type_ = cast(FieldType, section.choice("type", FIELD_TYPES))
    if reading.problems.count > before:
        section.allow(*_ALL_OPTIONS)
    shortest, longest = LENGTHS.get(type_, (1, 1))
    options = OPTIONS.get(type_, ())
    low = high = None
    if "length" in options:
        shortest, longest = _length(section, (shortest, longest), reading)
    if "low" in options:
        low, high = _bound(section, "low", type_, reading), _bound(section, "high", type_, reading)
        longest = _longest(low, high, longest, fraction=3 if type_ == "amount" else 0)
        if low is not None and high is not None and low > high:
            reading.problems.add(section.place_of("low"), f"low is {low} and high is {high}")
    order = section.choice("order", ORDERS, "ymd") if "order" in options else "ymd"
    return Field(
        name,
        type_,
        secret=section.boolean("secret", False),
        length_min=shortest,
        length_max=longest,
        low=low,
        high=high,
        of=_words(name, section, reading) if "of" in options else (),
        order=cast(DateOrder, order),
        say=reading.spoken(section, "say"),
        place=place,
    )


def _words(name: str, section: Section, reading: Reading) -> tuple[str, ...]:
    of = section.texts("of")
    if not 1 <= len(of) <= 9 or len(set(of)) < len(of):
        message = f'field {quote(name)} needs 1 to 9 different words in "of"'
        reading.problems.add(section.place_of("of"), message)
    return of


def _bound(section: Section, key: str, type_: str, reading: Reading) -> Decimal | None:
    if type_ == "number":
        whole = section.integer(key, None, low=-(10**12))
        return None if whole is None else Decimal(whole)
    text = section.text(key, None)
    if text is None or _AMOUNT.fullmatch(text):
        return None if text is None else Decimal(text)
    message = f"{quote(key)} must be an amount, not {quote(text)}"
    reading.problems.add(section.place_of(key), message, "write it as 12 or 12.50")
    return None


def _longest(low: Decimal | None, high: Decimal | None, most: int, fraction: int) -> int:
    """How many keys the longest entry within the bounds has."""
    if high is None:
        return most
    ends = (int(each) for each in (low, high) if each is not None)
    return max(len(str(each)) for each in ends) + fraction


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


def read_arguments(root: Section, key: str, reading: Reading) -> tuple[str, ...]:
    """The fields under `takes` or `gives`: what goes into a flow that others run, and out of it."""
    node = root.node(key)
    if node is None:
        return ()

    def name(item: Node) -> str | None:
        text = as_text(item, f"an entry of {quote(key)}", reading.problems)
        field = reading.fillable(text, item.place) if text is not None else None
        return field.name if field is not None else None

    return as_list(node, quote(key), reading.problems, name)


def read_flow_zone(root: Section, calendars: Mapping[str, Calendar], reading: Reading) -> ZoneInfo:
    """The zone in which the flow's moments are told: its own, else its first calendar's."""
    name = root.text("zone", None)
    if name is not None:
        return read_zone(name, root.place_of("zone"), reading.problems)
    return next((each.zone for each in calendars.values()), UTC)


# --- keys and defaults -----------------------------------------------------------------------


def read_keys(root: Section, reading: Reading) -> dict[str, str]:
    """Keys that work at every question of the flow."""
    keys: dict[str, str] = {}
    for key, place, node in root.entries("keys"):
        if key not in KEYPAD:
            reading.problems.add(place, f"{quote(key)} is no key", "a key is 0-9, * or #")
        elif isinstance(node, Scalar) and node.text in KEY_TARGETS:
            keys[key] = node.text
            reading.key_targets.append((node.text, node.place))
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
        max_wait, exits, waiting = None, {}, None
        if queue is not None:
            with queue:
                max_wait = queue.duration("max_wait", None, low=1)
                exits = read_exits(queue, (*OUTCOMES[1:], *NOBODY), reading)
                waiting = read_waiting(queue, reading, None)
        return Defaults(
            wait=section.duration("wait", base.wait, low=1, high=60),
            digit_wait=reading.digit_wait(section, base.digit_wait),
            finish=reading.finish(section, base.finish),
            barge_in=section.boolean("barge_in", base.barge_in),
            attempts=section.integer("attempts", base.attempts, low=1, high=9),
            noinput=reading.speeches(section, "noinput") or (),
            nomatch=reading.speeches(section, "nomatch") or (),
            help=reading.speeches(section, "help") or (),
            error=reading.spoken(section, "error"),
            patience=reading.spoken(section, "patience"),
            otherwise=reading.reference(section.node("otherwise"), '"otherwise"'),
            max_wait=max_wait,
            exits=exits,
            waiting=waiting,
        )


def read_exits(section: Section, outcomes: Iterable[str], reading: Reading) -> dict[str, str]:
    """Ways out by outcome; `otherwise` serves for those not named."""
    exits: dict[str, str] = {}
    for outcome in (*outcomes, "otherwise"):
        name = reading.reference(section.node(outcome), quote(outcome))
        if name is not None:
            exits[outcome] = name
    return exits
