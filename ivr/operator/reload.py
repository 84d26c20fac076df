"""`acd do reload`: what was wrong with the files, or what is different now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from ivr.errors import AsteriskRefused, AsteriskUnreachable, ConfigError
from ivr.operator.picture import Picture
from ivr.operator.wording import Refused, count

_Thing = TypeVar("_Thing")


async def reload(picture: Callable[[], Picture], again: Callable[[], Awaitable[object]]) -> str:
    """Reload and say what came of it; raises Refused, every mistake at its place."""
    before = picture()
    try:
        await again()
    except ConfigError as wrong:
        mistakes = count(len(wrong.problems), "mistake")
        raise Refused(f"{wrong}\n{mistakes}; nothing was changed.") from wrong
    except (AsteriskRefused, AsteriskUnreachable) as why:
        told = what_changed(before, picture())
        raise Refused(
            f"{told}\nAsterisk was not told of new numbers and phones: {why}\n"
            "Run acd do reload again when it answers."
        ) from why
    return what_changed(before, picture())


def what_changed(before: Picture, after: Picture) -> str:
    """Flows, queues, agents and reasons that are new, changed or gone."""
    lines = [*_flow_lines(before, after), *_floor_lines(before, after)]
    inventory = ", ".join(
        (
            count(len(after.flows), "flow"),
            count(len(after.floor.queues), "queue"),
            count(len(after.floor.agents), "agent"),
        )
    )
    head = f"In force: {inventory}."
    if not lines:
        return f"{head} Nothing has changed since the last reload."
    return "\n".join([head, *(f"   {line}" for line in lines)])


def _flow_lines(before: Picture, after: Picture) -> Iterable[str]:
    old, new = before.flows, after.flows
    for name in sorted(old.keys() | new.keys()):
        inside = sum(contact.flow == name for contact in after.contacts.values())
        finish = "finishes" if inside == 1 else "finish"
        live = f"; {count(inside, 'contact')} in it {finish} on the old one" if inside else ""
        if name not in old:
            yield f"flow {name}: new, revision {new[name].revision}"
        elif name not in new:
            yield f"flow {name}: removed{live}"
        elif old[name].revision != new[name].revision:
            yield f"flow {name}: changed, revision {new[name].revision}{live}"


def _floor_lines(before: Picture, after: Picture) -> Iterable[str]:
    old, new = before.floor, after.floor
    yield from _differences(
        "queue", {each.name: each for each in old.queues}, {each.name: each for each in new.queues}
    )
    names = {each.id: f"{each.id} {each.name}".strip() for each in (*old.agents, *new.agents)}
    yield from _differences(
        "agent",
        {names[each.id]: each for each in old.agents},
        {names[each.id]: each for each in new.agents},
    )
    rules = [(each.reset_idle_on, each.held_chats, each.seed) for each in (old, new)]
    if rules[0] != rules[1]:
        yield "rules of the floor: changed"
    if old.pause_reasons != new.pause_reasons:
        yield f"pause reasons: {', '.join(new.pause_reasons)}"


def _differences(what: str, old: Mapping[str, _Thing], new: Mapping[str, _Thing]) -> Iterable[str]:
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield f"{what} {name}: added"
        elif name not in new:
            yield f"{what} {name}: removed"
        elif old[name] != new[name]:
            yield f"{what} {name}: changed"
