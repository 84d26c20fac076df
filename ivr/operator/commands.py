"""The actions of `acd do ...`: a path of words becomes an event, the answer says what is true now.

What is so already is no mistake: `login` for an agent who is logged in answers just that. What
cannot be is refused with the way to do it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import dataclass

from acd.model import (
    CallMoved,
    CallReprioritised,
    CallWithdrawn,
    QueueClosed,
    QueueOpened,
)
from acd.views import CallRow
from ivr.operator.agent_actions import BY, AgentActions
from ivr.operator.house import OperatorServices
from ivr.operator.picture import Picture
from ivr.operator.reload import Publishing
from ivr.operator.switching import Switching, queue_name
from ivr.operator.wording import Refused, count, unknown

PRIORITIES = range(-100, 101)


class Commands(AgentActions):
    """Every action, by its word."""

    def __init__(self, services: OperatorServices) -> None:
        super().__init__(services)
        self._publishing = Publishing(services.picture, services.plan, services.reload)
        self._switching = Switching(services.picture, services.switchboard)

    async def do(self, path: str, by: str = BY) -> str:
        """Perform `pause/1001/lunch` and the like; raises Refused with what is right."""
        word, *arguments = [part.strip() for part in path.strip().strip("/").split("/")]
        action = ACTIONS.get(word.lower())
        if action is None:
            if not word:
                raise Refused(f"Usage: acd do ACTION. Known: {', '.join(ACTIONS)}.")
            raise Refused(f"{unknown('action', word, ACTIONS)} See acd help.")
        if action.free_text and len(arguments) > len(action.takes):
            last = len(action.takes) - 1
            arguments = [*arguments[:last], "/".join(arguments[last:])]
        if not action.least <= len(arguments) <= len(action.takes) or "" in arguments:
            raise Refused(f"Usage: acd do {action.usage(word.lower())}")
        if action.run is None:
            return await self._publishing.do(word.lower(), arguments, by)
        doing = copy(self)  # another may act, in their own name, before this is settled
        doing._by = by
        return await action.run(doing, *arguments)

    # --- calls ------------------------------------------------------------------------------------

    async def move(self, call: str, queue: str) -> str:
        """A waiting call goes to another queue and keeps the time it has waited."""
        picture = self._house.picture()
        row = self._waiting(picture, call)
        to = picture.queue(queue)
        if row.queue == queue:
            raise Refused(f"{_caller(picture, row)} waits in {queue} already.")
        await self._send(CallMoved(self._now(), row.call, queue, self._by))
        closed = "" if to.open else f" {queue} is closed to new calls, those in it are served."
        return self._call_now(row) + closed

    async def priority(self, call: str, priority: str) -> str:
        """A waiting call gets another priority."""
        picture = self._house.picture()
        row = self._waiting(picture, call)
        number = _whole(priority)
        if number is None or number not in PRIORITIES:
            raise Refused(
                f'"{priority}" is no priority: write a whole number from {PRIORITIES[0]} to '
                f"{PRIORITIES[-1]}; this call has {row.priority}, higher goes first"
            )
        await self._send(CallReprioritised(self._now(), row.call, number, self._by))
        return self._call_now(row)

    async def withdraw(self, call: str) -> str:
        """A waiting call leaves its queue and goes on in its flow."""
        picture = self._house.picture()
        row = self._waiting(picture, call)
        await self._send(CallWithdrawn(self._now(), row.call, self._by))
        return f"{_caller(picture, row)}: taken out of {row.queue}, goes on in its flow."

    async def hangup(self, contact: str) -> str:
        """The caller's line is hung up, wherever the call is."""
        picture = self._house.picture()
        found = picture.contact(contact)
        self._house.hang_up(found.channel)
        return f"{found.id} {picture.who(found.id)}: the line is being hung up."

    def _waiting(self, picture: Picture, call: str) -> CallRow:
        row = picture.call(call)
        if row.answered_at is not None:
            talks = f"talks with {picture.agent_name(row.agent)}"
            raise Refused(f"{_caller(picture, row)} {talks}: only a call that waits can be changed")
        return row

    def _call_now(self, before: CallRow) -> str:
        picture = self._house.picture()
        row = next((row for row in picture.calls if row.call == before.call), None)
        if row is None:
            return f"{_caller(picture, before)}: left the queues."
        state = f"waits in {row.queue} at place {row.position}"
        if row.agent:
            state = f"waits in {row.queue}, {picture.agent_name(row.agent)} is being rung"
        return f"{_caller(picture, row)}: {state}, priority {row.priority}."

    # --- calendars --------------------------------------------------------------------------------

    async def close(self, name: str, until: str = "", because: str = "") -> str:
        """A calendar is closed for a while, or a queue takes no new calls."""
        told = self._switching.turn(self._by, name, False, until, because)
        return await self._close_queue(queue_name(name)) if told is None else told

    async def open(self, name: str, until: str = "", because: str = "") -> str:
        """A calendar is open for a while, or a queue takes calls again."""
        told = self._switching.turn(self._by, name, True, until, because)
        return await self._open_queue(queue_name(name)) if told is None else told

    async def normal(self, name: str) -> str:
        """A calendar goes by its hours again."""
        return self._switching.normal(self._by, name)

    # --- queues -----------------------------------------------------------------------------------

    async def _close_queue(self, queue: str) -> str:
        row = self._house.picture().queue(queue)
        waiting = row.waiting + row.offered
        served = f"; {count(waiting, 'call')} in it will be served" if waiting else ""
        if not row.open:
            return f"{queue}: closed to new calls already{served}."
        await self._send(QueueClosed(self._now(), queue, self._by))
        return f"{queue}: closed to new calls{served}."

    async def _open_queue(self, queue: str) -> str:
        picture = self._house.picture()
        row = picture.queue(queue)
        if picture.queue_rules(queue) is None:
            raise Refused(f"{queue} was removed from the floor file and only ends its calls.")
        if row.open:
            return f"{queue}: open already."
        await self._send(QueueOpened(self._now(), queue, self._by))
        return f"{queue}: open."

    # --- the machine ------------------------------------------------------------------------------

    async def drain(self) -> str:
        """No new calls are taken; who is inside is served."""
        await self._house.door.shut()
        return self._house.door.state()

    async def undrain(self) -> str:
        """New calls are taken again."""
        await self._house.door.open()
        return self._house.door.state()


def _caller(picture: Picture, row: CallRow) -> str:
    return f"{row.contact} {picture.who(row.contact)}"


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,4}", text) else None


@dataclass(frozen=True, slots=True)
class Action:
    """One word of `acd do`: what follows it, and what it does. `run` is None for
    what takes long: `reload` and `rollback`.

    `free_text` tells that the last word may hold slashes.
    """

    takes: tuple[str, ...]
    about: str
    run: Callable[..., Awaitable[str]] | None
    optional: int = 0
    free_text: bool = False

    @property
    def least(self) -> int:
        """How many words must follow."""
        return len(self.takes) - self.optional

    def usage(self, word: str) -> str:
        """`pause/AGENT/REASON`."""
        return "/".join((word, *self.takes))


_NAMED = ("NAME", "UNTIL", "BECAUSE")

ACTIONS: Mapping[str, Action] = {
    "pause": Action(("AGENT", "REASON"), "pause an agent, after the call", Commands.pause, 1),
    "ready": Action(("AGENT",), "end a pause or a wrap-up", Commands.ready),
    "force": Action(
        ("AGENT", "STATE", "REASON"), "an agent is ready, paused or out at once", Commands.force, 1
    ),
    "login": Action(("AGENT", "PHONE"), "log an agent in, ready", Commands.login, 1),
    "logout": Action(("AGENT",), "log an agent out, after the call", Commands.logout),
    "finish": Action(("AGENT",), "end a wrap-up now", Commands.finish),
    "extend": Action(("AGENT", "SECONDS"), "make a wrap-up longer", Commands.extend),
    "disposition": Action(
        ("AGENT", "WORD"), "how an agent's last call ended", Commands.disposition
    ),
    "join": Action(("AGENT", "QUEUE"), "an agent takes a queue's calls again", Commands.join),
    "leave": Action(("AGENT", "QUEUE"), "an agent leaves a queue for now", Commands.leave),
    "phone": Action(
        ("AGENT", "PHONE"), "an agent is rung at a desk, mobile, or own", Commands.phone
    ),
    "move": Action(("CALL", "QUEUE"), "move a waiting call, its wait kept", Commands.move),
    "priority": Action(("CALL", "NUMBER"), "a waiting call's priority", Commands.priority),
    "withdraw": Action(("CALL",), "take a call out of its queue", Commands.withdraw),
    "hangup": Action(("CALL",), "hang up a caller's line", Commands.hangup),
    "close": Action(_NAMED, "close a calendar, or a queue to new calls", Commands.close, 2, True),
    "open": Action(_NAMED, "open a calendar, or a queue", Commands.open, 2, True),
    "normal": Action(("CALENDAR",), "a calendar goes by its hours again", Commands.normal),
    "drain": Action((), "take no new calls here, for maintenance", Commands.drain),
    "undrain": Action((), "take new calls again", Commands.undrain),
    "reload": Action(("WHY",), "put flows and floor in force; no call drops", None, 1, True),
    "rollback": Action(("REVISION", "WHY"), "put an older revision in force", None, 1, True),
}
