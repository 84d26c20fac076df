"""What is different between two floors, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ivr.floor import FloorPlan
from ivr.flow.comparing import NOTHING, Change, compare, in_words

_KEYS: Final[Mapping[str, str]] = {
    "ring_seconds": "ring",
    "wrap_up_seconds": "wrap_up",
    "seconds_per_priority": "per_priority",
    "retry_same_agent_after": "retry_same_agent",
    "target_seconds": "target",
    "short_abandon_seconds": "short_abandon",
    "pause_reasons": "pause reasons",
}
"""What the floor file calls it."""


_PHONES: Final[Mapping[str, str]] = {
    "desks": "phone",
    "mobiles": "the mobile of",
    "roaming": "without a phone of their own",
    "by_itself": "auto_answer of agents",
    "by_itself_for": "auto_answer of queues",
}


def floor_differences(before: FloorPlan, after: FloorPlan) -> list[str]:
    """One line for each change: queues, their numbers, agents, pause reasons."""
    agents = (*before.floor.agents, *after.floor.agents)
    names = {agent.id: f"{agent.id} {agent.name}".strip() for agent in agents}
    lines = [_told(change, names) for change in compare(before.floor, after.floor)]
    old = {agent.id: agent.name for agent in before.floor.agents}
    for agent in after.floor.agents:
        if (earlier := old.get(agent.id, agent.name)) != agent.name:
            lines.append(f"agent {names[agent.id]}: called {earlier} before")
    for change in compare(before.phones, after.phones):
        what, *rest = (part.name for part in change.path)
        lines.append(in_words(change, " ".join([_PHONES.get(what, what), *rest])))
    for change in compare(before.dispositions, after.dispositions):
        lines.append(in_words(change, "dispositions"))
    return [*lines, *_numbers(before, after), *_calling(before, after)]


def _numbers(before: FloorPlan, after: FloorPlan) -> Iterator[str]:
    for change in compare(before.numbers, after.numbers):
        number = change.path[0].name
        told = f"{number} leads to {change.new}" if change.new is not NOTHING else ""
        yield told or f"{number} no longer leads to {change.old}"


def _calling(before: FloorPlan, after: FloorPlan) -> Iterator[str]:
    for queue in sorted(before.calling.keys() & after.calling.keys()):
        for change in compare(before.calling[queue], after.calling[queue]):
            told = in_words(change, " ".join(part.name for part in change.path))
            yield f"queue {queue}: callback {told}"


def _told(change: Change, names: Mapping[str, str]) -> str:
    what, *rest = (part.name for part in change.path)
    if not rest:
        return in_words(change, _KEYS.get(what, what))
    head = f"{what.removesuffix('s')} {names.get(rest[0], rest[0])}"
    match change.old, change.new:
        case old, _ if old is NOTHING and len(rest) == 1:
            return f"{head}: added"
        case _, new if new is NOTHING and len(rest) == 1:
            return f"{head}: removed"
    return f"{head}: {in_words(change, ' '.join(_KEYS.get(each, each) for each in rest[1:]))}"
