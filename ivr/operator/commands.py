"""The actions of `acd do ...`: a path of words becomes an event, the answer says what is true now.

What is so already is no mistake: `login` for an agent who is logged in answers just that. What
cannot be is refused with the way to do it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from acd.errors import AcdError
from acd.model import (
    AgentState,
    CallMoved,
    CallReprioritised,
    CallWithdrawn,
    Event,
    LoggedIn,
    LoggedOut,
    Paused,
    QueueClosed,
    QueueOpened,
    Readied,
    WrapUpEnded,
    WrapUpExtended,
)
from acd.views import AgentRow, CallRow
from ivr.operator.house import OperatorServices
from ivr.operator.picture import Picture, full_name, pending_text, state_text
from ivr.operator.reload import Publishing
from ivr.operator.switching import Switching, queue_name
from ivr.operator.wording import Refused, clock, count, suggestion, unknown

BY = "console"
"""Who did it, in every event that an operator causes."""

PRIORITIES = range(-100, 101)
LONGEST_EXTENSION = 3600

_SECONDS = re.compile(r"([0-9]{1,5})([sm]?)")
_AT_WORK = frozenset({AgentState.OFFERED, AgentState.TALKING, AgentState.WRAP_UP})


class Commands:
    """Every action, by its word."""

    def __init__(self, services: OperatorServices) -> None:
        self._house = services
        self._publishing = Publishing(services.picture, services.plan, services.reload)
        self._switching = Switching(services.picture, services.switchboard)
        self._by = BY

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
        self._by = by
        return await action.run(self, *arguments)

    # --- agents -----------------------------------------------------------------------------------

    async def pause(self, agent: str, reason: str = "") -> str:
        """The agent takes a break."""
        picture = self._house.picture()
        row = picture.agent(agent)
        reason = _reason(reason, picture.floor.pause_reasons, agent)
        if row.state is AgentState.LOGGED_OUT:
            raise Refused(
                f"{full_name(row)} is logged out and cannot be paused. First: acd do login/{agent}"
            )
        await self._send(Paused(self._now(), agent, reason, BY))
        return self._agent_now(agent)

    async def ready(self, agent: str) -> str:
        """The agent takes calls: ends a pause or a wrap-up."""
        row = self._house.picture().agent(agent)
        if row.state is AgentState.LOGGED_OUT:
            raise Refused(
                f"{full_name(row)} is logged out: a login makes them ready: acd do login/{agent}"
            )
        if row.state is not AgentState.READY:
            await self._send(Readied(self._now(), agent, BY))
        return self._agent_now(agent)

    async def login(self, agent: str) -> str:
        """The agent is here and ready."""
        if self._house.picture().agent(agent).state is AgentState.LOGGED_OUT:
            await self._send(LoggedIn(self._now(), agent, BY))
            return self._agent_now(agent)
        return self._agent_now(agent, "logged in already, ")

    async def logout(self, agent: str) -> str:
        """The agent goes, after the work at hand."""
        if self._house.picture().agent(agent).state is AgentState.LOGGED_OUT:
            return self._agent_now(agent, "already ")
        await self._send(LoggedOut(self._now(), agent, BY))
        return self._agent_now(agent)

    async def finish(self, agent: str) -> str:
        """The agent's wrap-up ends now."""
        self._in_wrap_up(agent)
        await self._send(WrapUpEnded(self._now(), agent, BY))
        return self._agent_now(agent)

    async def extend(self, agent: str, seconds: str) -> str:
        """The agent's wrap-up lasts longer."""
        match = _SECONDS.fullmatch(seconds)
        length = int(match[1]) * (60 if match[2] == "m" else 1) if match else 0
        if not 0 < length <= LONGEST_EXTENSION:
            raise Refused(
                f'"{seconds}" is no length of time: write seconds from 1 to {LONGEST_EXTENSION}, '
                f"or minutes as 2m, such as acd do extend/{agent}/60"
            )
        self._in_wrap_up(agent)
        await self._send(WrapUpExtended(self._now(), agent, length, BY))
        return self._agent_now(agent)

    def _in_wrap_up(self, agent: str) -> None:
        picture = self._house.picture()
        row = picture.agent(agent)
        if row.state is not AgentState.WRAP_UP:
            raise Refused(
                f"{full_name(row)} is not in wrap-up but {state_text(row, picture.now)}: "
                f"nothing was changed."
            )

    def _agent_now(self, agent: str, before: str = "") -> str:
        picture = self._house.picture()
        return agent_sentence(picture, picture.agent(agent), before)

    # --- calls ------------------------------------------------------------------------------------

    async def move(self, call: str, queue: str) -> str:
        """A waiting call goes to another queue and keeps the time it has waited."""
        picture = self._house.picture()
        row = self._waiting(picture, call)
        to = picture.queue(queue)
        if row.queue == queue:
            raise Refused(f"{_caller(picture, row)} waits in {queue} already.")
        await self._send(CallMoved(self._now(), row.call, queue, BY))
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
        await self._send(CallReprioritised(self._now(), row.call, number, BY))
        return self._call_now(row)

    async def withdraw(self, call: str) -> str:
        """A waiting call leaves its queue and goes on in its flow."""
        picture = self._house.picture()
        row = self._waiting(picture, call)
        await self._send(CallWithdrawn(self._now(), row.call, BY))
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
        await self._send(QueueClosed(self._now(), queue, BY))
        return f"{queue}: closed to new calls{served}."

    async def _open_queue(self, queue: str) -> str:
        picture = self._house.picture()
        row = picture.queue(queue)
        if picture.queue_rules(queue) is None:
            raise Refused(f"{queue} was removed from the floor file and only ends its calls.")
        if row.open:
            return f"{queue}: open already."
        await self._send(QueueOpened(self._now(), queue, BY))
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

    # --- helpers ----------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._house.distributor.now()

    async def _send(self, event: Event) -> None:
        """Returns when it is so: each answer says what is true afterwards."""
        try:
            self._house.distributor.send(event)
        except AcdError as refused:
            raise Refused(f"Nothing was changed: {refused}") from refused
        await self._house.distributor.settled()


def agent_sentence(picture: Picture, row: AgentRow, before: str = "") -> str:
    """`1001 Ana Ruiz: paused (lunch).`"""
    state = before + state_text(row, picture.now)
    if row.contact:
        state += f" {clock(row.seconds)}, {picture.who(row.contact)} ({row.queue})"
    if pending := pending_text(row):
        state += f"; {pending} when this work is over"
    return f"{full_name(row)}: {state}."


def _caller(picture: Picture, row: CallRow) -> str:
    return f"{row.contact} {picture.who(row.contact)}"


def _reason(word: str, reasons: Sequence[str], agent: str) -> str:
    """One of the floor's reasons; a floor with none takes any word, one with one needs none."""
    if not reasons:
        return word or "break"
    if not word and len(reasons) == 1:
        return reasons[0]
    if word in reasons:
        return word
    example = f"Such as: acd do pause/{agent}/{reasons[0]}"
    if not word:
        raise Refused(f"A pause has a reason: {', '.join(reasons)}. {example}")
    raise Refused(f'No pause reason "{word[:60]}". {suggestion(word, reasons)} {example}')


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
    "login": Action(("AGENT",), "log an agent in, ready", Commands.login),
    "logout": Action(("AGENT",), "log an agent out, after the call", Commands.logout),
    "finish": Action(("AGENT",), "end a wrap-up now", Commands.finish),
    "extend": Action(("AGENT", "SECONDS"), "make a wrap-up longer", Commands.extend),
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
