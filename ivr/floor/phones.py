"""Phones in a floor file: desks that anybody may sit at, mobiles, and who answers by itself.

phones:
  "5001": {name: Window desk}
agents:
  "1005": {name: Eve Park, phone: none}
  "1006": {name: Jo Lam, mobile: "+8613800138000", auto_answer: true}
queues:
  cards: {auto_answer: true}
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from acd.floor import Queue
from acd.words import Strategy
from ivr.floor.reading import EXTENSION, shown
from ivr.flow.loading.section import Section, as_text
from ivr.flow.loading.yaml import Problems

_MOBILE = re.compile(r"\+?[0-9]{5,15}")


@dataclass(frozen=True, slots=True)
class Phones:
    """How people are reached.

    `desks` maps the extension of each phone that is nobody's own to its name, `mobiles` agents to
    their number. `roaming` agents have no phone of their own. `by_itself` are agents whose phone
    answers by itself, `by_itself_for` queues whose calls any phone answers so.
    """

    desks: Mapping[str, str] = field(default_factory=dict)
    mobiles: Mapping[str, str] = field(default_factory=dict)
    roaming: frozenset[str] = frozenset()
    by_itself: frozenset[str] = frozenset()
    by_itself_for: frozenset[str] = frozenset()

    def answers_by_itself(self, agent: str, queue: str) -> bool:
        """Whether this agent's phone answers a call of this queue by itself."""
        return agent in self.by_itself or queue in self.by_itself_for


class PhoneKeys:
    """Collects what the sections of a floor file say of phones, each in its turn."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._desks: dict[str, str] = {}
        self._mobiles: dict[str, str] = {}
        self._roaming: set[str] = set()
        self._by_itself: set[str] = set()
        self._by_itself_for: set[str] = set()

    def read_agent(self, agent: str, section: Section) -> None:
        """`phone`, `mobile` and `auto_answer` of one agent."""
        if section.choice("phone", ("own", "none"), "own") == "none":
            self._roaming.add(agent)
        if section.boolean("auto_answer", default=False):
            self._by_itself.add(agent)
        node = section.node("mobile")
        number = as_text(node, "mobile", self._problems) if node is not None else None
        if node is None or number is None:
            return
        if not _MOBILE.fullmatch(number):
            cure = 'the whole number in quotes, such as "+8613800138000"'
            self._problems.add(node.place, f'"{number}" is not a number to dial', cure)
            return
        self._mobiles[agent] = number

    def read_queue(self, queue: Queue, section: Section) -> None:
        """`auto_answer` of one queue."""
        if not section.boolean("auto_answer", default=False):
            return
        self._by_itself_for.add(queue.name)
        node = section.node("auto_answer")
        if queue.strategy is Strategy.RING_ALL and node is not None:
            message = "phones cannot answer by themselves where all of them ring at once"
            cure = (
                "the quickest machine would have every call; "
                "take auto_answer out, or write another strategy than ring_all"
            )
            self._problems.add(node.place, message, cure)

    def read_desks(self, floor: Section, agents: Collection[str], numbers: Collection[str]) -> None:
        """`phones` of the floor; nothing else may have their extensions."""
        problems = self._problems
        for key, place, value in floor.entries("phones"):
            if not EXTENSION.fullmatch(key):
                cure = "2 to 15 digits, in quotes: what the phone registers as"
                problems.add(place, f'"{key}" cannot be the extension of a phone', cure)
            elif key in agents or key in numbers:
                whose = "an agent" if key in agents else "a queue"
                problems.add(place, f"{key} is the number of {whose} already", "give it its own")
            with Section(value, f'the phone "{key}"', problems) as section:
                self._desks[key] = shown(section, "name", key)
        if self._roaming and not self._desks:
            who = ", ".join(sorted(self._roaming))
            cure = 'add phones: {"5001": {name: Window desk}}'
            problems.add(floor.place, f"no phone to sit at for {who}, who have none", cure)

    def plan(self) -> Phones:
        """All of it."""
        return Phones(
            self._desks,
            self._mobiles,
            frozenset(self._roaming),
            frozenset(self._by_itself),
            frozenset(self._by_itself_for),
        )
