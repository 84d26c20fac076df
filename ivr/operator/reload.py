"""`acd do reload` and `rollback`: what was wrong with the files, or what is different now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from ivr.errors import AsteriskRefused, AsteriskUnreachable, ConfigError
from ivr.operator.picture import Picture
from ivr.operator.wording import Refused, count
from ivr.plans import NoSuchRevision, Plan, changes
from ivr.revisions import Author, RevisionsUnusable

Again = Callable[[Author, int | None], Awaitable[object]]
"""Puts the files into force, or the revision of that number."""

LONGEST_NOTE, LONGEST_WHO = 200, 40
MOST_LINES = 40
"""Changes beyond these are only counted."""


class Publishing:
    """The two actions. `plan` is what is in force, `again` puts something else in its place."""

    def __init__(
        self, picture: Callable[[], Picture], plan: Callable[[], Plan], again: Again
    ) -> None:
        self._picture, self._plan, self._again = picture, plan, again

    async def do(self, word: str, arguments: Sequence[str], who: str) -> str:
        """Perform `reload[/WHY]` or `rollback/NUMBER[/WHY]`; raises Refused."""
        if word == "reload":
            return await self._put(None, _author(who, arguments))
        number, *why = arguments
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise Refused(f'"{number[:20]}" is no revision\'s number. See them: tieline revisions')
        told = await self._put(int(number), _author(who, why))
        return f"{told}\nThe files are as they were; they are taken again by: acd do reload"

    async def _put(self, revision: int | None, by: Author) -> str:
        before, old = self._picture(), self._plan()
        untold = ""
        try:
            await self._again(by, revision)
        except ConfigError as wrong:
            mistakes = count(len(wrong.problems), "mistake")
            raise Refused(f"{wrong}\n{mistakes}; nothing was changed.") from wrong
        except (NoSuchRevision, RevisionsUnusable) as why:
            raise Refused(f"Nothing was changed: {why}") from why
        except (AsteriskRefused, AsteriskUnreachable) as why:
            untold = f"Asterisk was not told of new numbers and phones: {why}"
        new = self._plan()
        # In a thread: comparing two large sets takes longer than a caller should notice.
        told = what_changed(before, new, await asyncio.to_thread(changes, old, new))
        if untold:
            raise Refused(f"{told}\n{untold}\nRun acd do reload again when it answers.")
        return told


def _author(who: str, note: Sequence[str]) -> Author:
    words = " ".join("/".join(note).split())
    return Author(" ".join(who.split())[:LONGEST_WHO], words[:LONGEST_NOTE])


def what_changed(before: Picture, plan: Plan, told: Sequence[str]) -> str:
    """What is in force, and how it differs from what was (`told`); `before` knows who calls."""
    floor = plan.floor.floor
    inventory = ", ".join(
        (
            f"revision {plan.revision}",
            count(len(plan.library.flows), "flow"),
            count(len(floor.queues), "queue"),
            count(len(floor.agents), "agent"),
        )
    )
    lines = [*_flow_lines(before, plan, told), *(each for each in told if not _of_flow(each))]
    if not lines:
        return f"In force: {inventory}. Nothing has changed since the last reload."
    if len(lines) > MOST_LINES:
        more = len(lines) - MOST_LINES
        lines = [
            *lines[:MOST_LINES],
            f"and {count(more, 'more change')}: tieline revisions show {plan.revision}",
        ]
    return "\n".join([f"In force: {inventory}.", *(f"   {line}" for line in lines)])


def _of_flow(line: str) -> bool:
    return line.startswith("flow ")


def _flow_lines(before: Picture, plan: Plan, told: Iterable[str]) -> Iterable[str]:
    """Each flow that is not what it was, what is different in it, and who is still in it."""
    old, new = before.flows, plan.library.flows
    for name in sorted(old.keys() | new.keys()):
        head = f"flow {name}: "
        inside = sum(contact.flow == name for contact in before.contacts.values())
        finish = "finishes" if inside == 1 else "finish"
        live = f"; {count(inside, 'contact')} in it {finish} on the old one" if inside else ""
        if name not in old:
            yield f"{head}new, revision {new[name].revision}"
        elif name not in new:
            yield f"{head}removed{live}"
        elif old[name].revision != new[name].revision:
            yield f"{head}changed, revision {new[name].revision}{live}"
        # What only a file beside it changed has no line above it.
        below = name in old and name in new and old[name].revision != new[name].revision
        own = (each for each in told if each.startswith(head))
        yield from (f"   {each.removeprefix(head)}" if below else each for each in own)
