"""The agents of a floor file: their extension, queues, skills and how many chats they hold."""

from __future__ import annotations

from collections.abc import Mapping

from acd.floor import Agent
from ivr.floor.phones import PhoneKeys
from ivr.floor.reading import EXTENSION, shown
from ivr.flow.loading.section import Section, as_integer, as_list, as_text
from ivr.flow.loading.yaml import Node, Problems
from ivr.flow.words import Place

MAX_CHATS = 20


def read_agents(
    section: Section,
    queues: set[str],
    numbers: Mapping[str, str],
    phones: PhoneKeys,
    problems: Problems,
) -> list[Agent]:
    """All agents; none may have the number of a queue."""
    entries = list(section.entries("agents"))
    agents = [_agent(entry, queues, phones, problems) for entry in entries]
    for key, place, _ in entries:
        if key in numbers:
            taken = f"{key} is the number of {numbers[key]} already"
            problems.add(place, taken, "give the agent or the queue another number")
    return agents


def _agent(
    entry: tuple[str, Place, Node], queues: set[str], phones: PhoneKeys, problems: Problems
) -> Agent:
    key, place, value = entry
    if not EXTENSION.fullmatch(key):
        cure = "2 to 15 digits, in quotes: what the phone registers as"
        problems.add(place, f'"{key}" cannot be an agent\'s extension', cure)
    usual = Agent(key)
    with Section(value, f'the agent "{key}"', problems) as section:
        name = shown(section, "name", key)
        node = section.node("queues")
        served: tuple[str, ...] = ()
        if node is not None:
            served = as_list(node, "queues", problems, lambda n: known_queue(n, queues, problems))
        skills = {
            skill: as_integer(level, f"the level of {skill}", problems, low=1, high=10) or 1
            for skill, _, level in section.entries("skills")
        }
        chats = section.integer("chats", usual.chats, low=0, high=MAX_CHATS)
        phones.read_agent(key, section)
    return Agent(key, name, served, skills, chats)


def known_queue(node: Node, queues: set[str], problems: Problems) -> str | None:
    """The name of a queue that exists."""
    text = as_text(node, "a queue", problems)
    if text is not None and text not in queues:
        problems.unknown(node.place, "queue", text, queues)
        return None
    return text
