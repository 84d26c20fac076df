"""The floor file: queues, agents, skills and pause reasons, read as strictly as a flow.

pause_reasons: [lunch, break]
queues:
  billing: {title: Billing, number: "4102", wrap_up: 30s}
agents:
  "1001": {name: Ana Ruiz, queues: [billing], skills: {english: 9}}
"""

from __future__ import annotations

import re
from pathlib import Path

from acd.floor import Floor, Queue
from acd.words import HeldChats, Reset
from ivr.floor.agents import read_agents
from ivr.floor.calling import Calling, read_callback
from ivr.floor.phones import PhoneKeys
from ivr.floor.plan import FloorPlan as FloorPlan
from ivr.floor.queues import Relaxations, read_number, read_queue
from ivr.flow.loading.files import read_source
from ivr.flow.loading.section import Section, as_choice, as_list, as_text
from ivr.flow.loading.yaml import Node, Problems, parse

MAX_REASONS = 9
"""Pause reasons and dispositions are picked with one key, 1 to 9."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def load_floor(path: Path) -> FloorPlan:
    """Read a floor file.

    Raises:
        ConfigError: with every mistake in it, each at its place.
    """
    problems = Problems()
    source = read_source(path, problems) or b""
    problems.raise_if_any()
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
    reasons = _words(section, "pause_reasons", "a pause reason", ("break",))
    dispositions = _words(section, "dispositions", "a disposition", ())
    phones = PhoneKeys(problems)
    resets = _resets(section, problems)
    chats = HeldChats(section.choice("chats_on_call", [*HeldChats], HeldChats.KEEP))
    seed = section.integer("seed", 0, low=0)
    queues: list[Queue] = []
    numbers: dict[str, str] = {}
    calling: dict[str, Calling] = {}
    relaxations = Relaxations(problems)
    for key, place, value in section.entries("queues"):
        if not _NAME.fullmatch(key):
            cure = "lower-case letters, digits and hyphens, beginning with a letter"
            problems.add(place, f'"{key}" cannot be the name of a queue', cure)
            continue
        with Section(value, f'the queue "{key}"', problems) as inner:
            rules, calling[key] = read_callback(inner)
            queues.append(read_queue(key, inner, relaxations, rules))
            read_number(inner, key, numbers)
            phones.read_queue(queues[-1], inner)
    agents = read_agents(section, {queue.name for queue in queues}, numbers, phones, problems)
    phones.read_desks(section, {agent.id for agent in agents}, numbers)
    relaxations.check(
        {queue.name for queue in queues}, {skill for agent in agents for skill in agent.skills}
    )
    floor = Floor(tuple(queues), tuple(agents), reasons, resets, chats, seed)
    return FloorPlan(floor, numbers, phones.plan(), dispositions, calling)


def _words(section: Section, key: str, what: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """A list of single words, each of which a digit stands for on the phone."""
    node, problems = section.node(key), section.problems
    if node is None:
        return otherwise
    words = as_list(node, key, problems, lambda each: _word(each, what, problems))
    if len(words) > MAX_REASONS:
        said = f"{len(words)} {key.replace('_', ' ')}"
        problems.add(node.place, said, f"at most {MAX_REASONS}: one key each")
    return words


def _word(node: Node, what: str, problems: Problems) -> str | None:
    text = as_text(node, what, problems)
    if text is not None and not _NAME.fullmatch(text):
        problems.add(node.place, f'"{text}" cannot be {what}', "one lower-case word")
        return None
    return text


def _resets(section: Section, problems: Problems) -> tuple[Reset, ...]:
    """What begins idle time anew beside work; nothing unless it is named."""
    node = section.node("reset_idle_on")
    if node is None:
        return ()
    what = "an entry of reset_idle_on"
    words = as_list(
        node, "reset_idle_on", problems, lambda n: as_choice(n, what, problems, _RESETS)
    )
    return tuple(Reset(word) for word in words if word in _RESETS)


_RESETS = [reset.value for reset in Reset]
