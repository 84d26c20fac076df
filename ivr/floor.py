"""The floor file: queues, agents, skills and pause reasons, read as strictly as a flow.

pause_reasons: [lunch, break]
queues:
  billing: {title: Billing, number: "4102", wrap_up: 30s}
agents:
  "1001": {name: Ana Ruiz, queues: [billing], skills: {english: 9}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from acd.model import Agent, Floor, Queue
from ivr.errors import ConfigError, Problem
from ivr.flow.section import Section, as_integer, as_list, as_text
from ivr.flow.words import Place
from ivr.flow.yaml import Node, Problems, parse

MAX_REASONS = 9
"""Pause reasons are picked with one key, 1 to 9."""

_EXTENSION = re.compile(r"[0-9]{2,15}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NO_QUOTES = re.compile(r"[^\x00-\x1f\x7f\";\\<>]{1,60}")


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """The floor for the distributor, and the numbers that phones dial to reach its queues."""

    floor: Floor = field(default_factory=Floor)
    numbers: Mapping[str, str] = field(default_factory=dict)

    def queue_of(self, number: str) -> str | None:
        """The queue an agent reaches by this number."""
        return self.numbers.get(number)

    def is_agent(self, number: str) -> bool:
        """Whether an agent has this extension."""
        return any(agent.id == number for agent in self.floor.agents)

    def title(self, queue: str) -> str:
        """What people call this queue."""
        return next(
            (each.title or each.name for each in self.floor.queues if each.name == queue), queue
        )

    @property
    def skills(self) -> frozenset[str]:
        """Every skill some agent has."""
        return frozenset(skill for agent in self.floor.agents for skill in agent.skills)


def load_floor(path: Path) -> FloorPlan:
    """Read a floor file.

    Raises:
        ConfigError: with every mistake in it, each at its place.
    """
    try:
        source = path.read_bytes()
    except OSError as why:
        reason = why.strerror or str(why)
        raise ConfigError([Problem(str(path), 1, 1, f"cannot be read: {reason}")]) from None
    return read_floor(source, str(path))


def read_floor(source: bytes | str, name: str) -> FloorPlan:
    """The floor in `source`; `name` stands in messages."""
    problems = Problems()
    root = parse(source, name, problems)
    plan = FloorPlan()
    if root is not None:
        with Section(root, "the floor", problems) as section:
            plan = _floor(section, problems)
    problems.raise_if_any()
    return plan


def _floor(section: Section, problems: Problems) -> FloorPlan:
    reasons = _reasons(section, problems)
    queues: list[Queue] = []
    numbers: dict[str, str] = {}
    for key, place, value in section.entries("queues"):
        if not _NAME.fullmatch(key):
            cure = "lower-case letters, digits and hyphens, beginning with a letter"
            problems.add(place, f'"{key}" cannot be the name of a queue', cure)
            continue
        with Section(value, f'the queue "{key}"', problems) as inner:
            queues.append(_queue(key, inner))
            _number(inner, key, numbers)
    known = {queue.name for queue in queues}
    entries = list(section.entries("agents"))
    agents = [_agent(*entry, known, problems) for entry in entries]
    for key, place, _ in entries:
        if key in numbers:
            taken = f"{key} is the number of {numbers[key]} already"
            problems.add(place, taken, "give the agent or the queue another number")
    return FloorPlan(Floor(tuple(queues), tuple(agents), reasons), numbers)


def _reasons(section: Section, problems: Problems) -> tuple[str, ...]:
    node = section.node("pause_reasons")
    if node is None:
        return ("break",)
    reasons = as_list(node, "pause_reasons", problems, lambda each: _word(each, problems))
    if len(reasons) > MAX_REASONS:
        problems.add(
            node.place, f"{len(reasons)} pause reasons", f"at most {MAX_REASONS}: one key each"
        )
    return reasons


def _word(node: Node, problems: Problems) -> str | None:
    text = as_text(node, "a pause reason", problems)
    if text is not None and not _NAME.fullmatch(text):
        problems.add(node.place, f'"{text}" cannot be a pause reason', "one lower-case word")
        return None
    return text


def _queue(name: str, section: Section) -> Queue:
    usual = Queue(name)
    return Queue(
        name=name,
        title=_shown(section, "title", name),
        ring_seconds=section.duration("ring", usual.ring_seconds, low=5, high=120),
        wrap_up_seconds=section.duration("wrap_up", usual.wrap_up_seconds, high=3600),
        seconds_per_priority=section.duration(
            "per_priority", usual.seconds_per_priority, high=3600
        ),
        weight=section.integer("weight", 0, low=-100, high=100),
        max_waiting=section.integer("max_waiting", None, low=1, high=10_000),
        max_wait=section.duration("max_wait", None, low=5),
        leave_when_empty=section.duration("leave_when_empty", usual.leave_when_empty),
        leave_when_paused=section.duration("leave_when_paused", None),
        no_answer_limit=section.integer("no_answer_limit", usual.no_answer_limit, low=0, high=20),
        retry_same_agent_after=section.duration("retry_same_agent", usual.retry_same_agent_after),
        target_seconds=section.duration("target", usual.target_seconds, low=1),
        short_abandon_seconds=section.duration("short_abandon", usual.short_abandon_seconds),
    )


def _number(section: Section, queue: str, numbers: dict[str, str]) -> None:
    problems, node = section.problems, section.node("number")
    text = as_text(node, "number", problems) if node is not None else None
    if node is None or text is None:
        return
    if not _EXTENSION.fullmatch(text):
        problems.add(node.place, f'"{text}" is not a number to dial', "2 to 15 digits, in quotes")
    elif text in numbers:
        problems.add(
            node.place, f"{text} is the number of {numbers[text]} already", "give it its own"
        )
    else:
        numbers[text] = queue


def _agent(key: str, place: Place, value: Node, queues: set[str], problems: Problems) -> Agent:
    if not _EXTENSION.fullmatch(key):
        cure = "2 to 15 digits, in quotes: what the phone registers as"
        problems.add(place, f'"{key}" cannot be an agent\'s extension', cure)
    with Section(value, f'the agent "{key}"', problems) as section:
        name = _shown(section, "name", key)
        node = section.node("queues")
        served: tuple[str, ...] = ()
        if node is not None:
            served = as_list(node, "queues", problems, lambda n: _known_queue(n, queues, problems))
        skills = {
            skill: as_integer(level, f"the level of {skill}", problems, low=1, high=10) or 1
            for skill, _, level in section.entries("skills")
        }
    return Agent(key, name, served, skills)


def _shown(section: Section, key: str, otherwise: str) -> str:
    """A name that people and phones show: no quotes, brackets or semicolons."""
    node = section.node(key)
    text = as_text(node, key, section.problems) if node is not None else None
    if node is None or text is None:
        return otherwise
    if not _NO_QUOTES.fullmatch(text):
        cure = 'at most 60 characters, without " ; \\ < >'
        section.problems.add(node.place, f"{key} cannot be shown on a phone", cure)
        return otherwise
    return text


def _known_queue(node: Node, queues: set[str], problems: Problems) -> str | None:
    text = as_text(node, "a queue", problems)
    if text is not None and text not in queues:
        problems.unknown(node.place, "queue", text, queues)
        return None
    return text
