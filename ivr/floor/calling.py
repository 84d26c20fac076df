"""How a queue calls back: the distributor's rules, and what is said to the customer and when.

callback:
  first: customer
  hours: desk
  say: {en: "This is Northgate, calling you back.", zh: "..."}
  confirm: "1"
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from acd.floor import Callbacks
from acd.words import First
from ivr.flow.loading.section import Section, as_text
from ivr.flow.loading.yaml import Mapping as Pairs
from ivr.flow.loading.yaml import Node, Problems, Scalar
from ivr.flow.words import NOWHERE, Place

WEEK = 604_800.0

_KEY = re.compile(r"[0-9*]")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Calling:
    """What is not for the distributor to know.

    Nobody is dialled while the calendar `hours` is closed; "" for any time. `say` are the words a
    customer hears first, by language ("" for every one), ours when it is empty; the key `confirm`
    tells that a person has answered, "" asks for none. `place` is where `hours` stands.
    """

    hours: str = ""
    say: Mapping[str, str] = field(default_factory=dict)
    confirm: str = ""
    place: Place = field(default=NOWHERE, compare=False)

    def words(self, language: str) -> str:
        """What is said in that language, "" for our own words."""
        return self.say.get(language) or self.say.get("", "")


def read_callback(section: Section) -> tuple[Callbacks, Calling]:
    """What stands under `callback` in a queue."""
    usual = Callbacks()
    inner = section.section("callback")
    if inner is None:
        return usual, Calling()
    with inner:
        rules = Callbacks(
            first=First(inner.choice("first", [*First], usual.first)),
            ring_seconds=inner.duration("ring", usual.ring_seconds, low=5, high=120),
            attempts=inner.integer("attempts", usual.attempts, low=1, high=20),
            retry_after=inner.duration("retry", usual.retry_after, low=10),
            expire_after=inner.duration("expire", usual.expire_after, low=60, high=WEEK),
        )
        hours = inner.text("hours", "")
        place = inner.place_of("hours") if hours else NOWHERE
        return rules, Calling(hours, _say(inner), _confirm(inner), place)


def _say(section: Section) -> dict[str, str]:
    node = section.node("say")
    if node is None:
        return {}
    if not isinstance(node, Pairs):
        return _text("", node, section.problems)
    found: dict[str, str] = {}
    for language, place, text in section.entries("say"):
        if not _LANGUAGE.fullmatch(language):
            cure = "a language such as en or zh, as the flows have it"
            section.problems.add(place, f'"{language}" is no language', cure)
        found |= _text(language, text, section.problems)
    return found


def _text(language: str, node: Node, problems: Problems) -> dict[str, str]:
    text = as_text(node, "what a customer hears", problems, longest=500)
    return {} if text is None else {language: text}


def _confirm(section: Section) -> str:
    node = section.node("confirm")
    if node is None:
        return ""
    key = node.text if isinstance(node, Scalar) else ""
    if not _KEY.fullmatch(key):
        section.problems.add(node.place, '"confirm" must be one key', 'such as "1", in quotes')
        return ""
    return key


def check_hours(calling: Iterable[Calling], calendars: Collection[str], problems: Problems) -> None:
    """Report hours that are those of no calendar the flows have."""
    for each in calling:
        if each.hours and each.hours not in calendars:
            problems.unknown(each.place, "calendar", each.hours, calendars)
