"""What operators do about agents: the actions of `acd do` that name one.

What is so already is no mistake; what cannot be is refused with the way to do it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from acd.errors import AcdError
from acd.model import (
    MOBILE,
    AgentForced,
    AgentState,
    DispositionGiven,
    Event,
    LoggedIn,
    LoggedOut,
    Paused,
    PhoneTaken,
    QueueJoined,
    QueueLeft,
    Readied,
    WrapUpEnded,
    WrapUpExtended,
)
from acd.views import AgentRow
from ivr.floor import FloorPlan
from ivr.operator.house import OperatorServices
from ivr.operator.picture import Picture, full_name, pending_text, state_text, where_rung
from ivr.operator.wording import Refused, clock, suggestion, unknown

BY = "console"
"""Who did it, where nobody is named."""

LONGEST_EXTENSION = 3600
STATES: Mapping[str, AgentState] = {
    "ready": AgentState.READY,
    "paused": AgentState.PAUSED,
    "out": AgentState.LOGGED_OUT,
}
"""What an agent can be forced to be."""
OWN = "own"

_SECONDS = re.compile(r"([0-9]{1,5})([sm]?)")


class AgentActions:
    """Every action that names an agent, by its word."""

    def __init__(self, services: OperatorServices) -> None:
        self._house = services
        self._by = BY

    async def pause(self, agent: str, reason: str = "") -> str:
        """The agent takes a break."""
        picture = self._house.picture()
        row = picture.agent(agent)
        reason = _reason(reason, picture.floor.pause_reasons, agent)
        if row.state is AgentState.LOGGED_OUT:
            raise Refused(
                f"{full_name(row)} is logged out and cannot be paused. First: acd do login/{agent}"
            )
        await self._send(Paused(self._now(), agent, reason, self._by))
        return self._agent_now(agent)

    async def ready(self, agent: str) -> str:
        """The agent takes calls: ends a pause or a wrap-up."""
        row = self._house.picture().agent(agent)
        if row.state is AgentState.LOGGED_OUT:
            raise Refused(
                f"{full_name(row)} is logged out: a login makes them ready: acd do login/{agent}"
            )
        if row.state is not AgentState.READY:
            await self._send(Readied(self._now(), agent, self._by))
        return self._agent_now(agent)

    async def login(self, agent: str, phone: str = "") -> str:
        """The agent is here and ready, at their own phone or at that one."""
        row = self._house.picture().agent(agent)
        seat = self._seat(row, phone)
        if row.state is AgentState.LOGGED_OUT:
            await self._send(LoggedIn(self._now(), agent, self._by, seat))
            return self._agent_now(agent)
        if phone and row.phone != seat:
            return await self.phone(agent, phone)
        return self._agent_now(agent, "logged in already, ")

    async def phone(self, agent: str, phone: str) -> str:
        """The agent's calls ring at that phone: a desk's extension, mobile, or own."""
        row = self._house.picture().agent(agent)
        seat = self._seat(row, phone)
        if row.state is AgentState.LOGGED_OUT:
            raise Refused(
                f"{full_name(row)} is logged out. To log them in there: "
                f"acd do login/{agent}/{phone}"
            )
        if row.phone != seat:
            await self._send(PhoneTaken(self._now(), agent, seat, self._by))
        return self._agent_now(agent)

    def _seat(self, row: AgentRow, phone: str) -> str:
        """What the distributor calls that phone."""
        phones = self._floor().phones
        if phone in phones.desks:
            return phone
        if phone == MOBILE:
            if row.agent not in phones.mobiles:
                raise Refused(f"{full_name(row)} has no mobile in the floor file.")
            if self._house.way_to_mobile(row.agent) is None:
                raise Refused(
                    f"{phones.mobiles[row.agent]} may not be dialled, or no trunk leads out: "
                    "see outside in services.yaml, and trunks in tieline.yaml"
                )
            return MOBILE
        if phone not in {"", OWN}:
            raise unknown("phone", phone, [OWN, MOBILE, *phones.desks])
        if row.agent in phones.roaming:
            desk = next(iter(phones.desks))
            raise Refused(
                f"{full_name(row)} has no phone of their own; name one: "
                f"acd do login/{row.agent}/{desk}"
            )
        return ""

    async def join(self, agent: str, queue: str) -> str:
        """The agent takes calls of that queue of theirs again."""
        row = self._member(agent, queue)
        if queue in row.out_of:
            await self._send(QueueJoined(self._now(), agent, queue, self._by))
        return self._agent_now(agent)

    async def leave(self, agent: str, queue: str) -> str:
        """The agent takes no calls of that queue of theirs for now."""
        row = self._member(agent, queue)
        if queue not in row.out_of:
            await self._send(QueueLeft(self._now(), agent, queue, self._by))
        return self._agent_now(agent)

    def _member(self, agent: str, queue: str) -> AgentRow:
        picture = self._house.picture()
        row = picture.agent(agent)
        picture.queue(queue)
        if queue not in row.queues:
            raise Refused(
                f"{full_name(row)} does not work for {queue}, but for: "
                f"{', '.join(row.queues) or 'no queue'}. The floor file says who works for what."
            )
        return row

    async def force(self, agent: str, state: str, reason: str = "") -> str:
        """The agent is ready, paused or out at once; a conversation is never cut."""
        picture = self._house.picture()
        row = picture.agent(agent)
        forced = STATES.get(state)
        if forced is None:
            raise Refused(f'"{state[:60]}" is no state to force. {suggestion(state, STATES)}')
        if forced is AgentState.READY and row.state is AgentState.LOGGED_OUT:
            self._seat(row, "")
        if forced is AgentState.PAUSED:
            reason = _reason(reason, picture.floor.pause_reasons, agent, "force/{}/paused")
        await self._send(AgentForced(self._now(), agent, forced, reason, self._by))
        return self._agent_now(agent)

    async def disposition(self, agent: str, word: str) -> str:
        """How the agent's last call ended."""
        row, words = self._house.picture().agent(agent), self._floor().dispositions
        if words and word not in words:
            raise Refused(f'No disposition "{word[:60]}". {suggestion(word, words)}')
        await self._send(DispositionGiven(self._now(), agent, word, self._by))
        if row.last_contact:
            told = {"agent": agent, "disposition": word, "by": self._by}
            self._house.tell(row.last_contact, "disposition", told)
        return self._agent_now(agent)

    async def logout(self, agent: str) -> str:
        """The agent goes, after the work at hand."""
        if self._house.picture().agent(agent).state is AgentState.LOGGED_OUT:
            return self._agent_now(agent, "already ")
        await self._send(LoggedOut(self._now(), agent, self._by))
        return self._agent_now(agent)

    async def finish(self, agent: str) -> str:
        """The agent's wrap-up ends now."""
        self._in_wrap_up(agent)
        await self._send(WrapUpEnded(self._now(), agent, self._by))
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
        await self._send(WrapUpExtended(self._now(), agent, length, self._by))
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

    def _now(self) -> float:
        return self._house.distributor.now()

    async def _send(self, event: Event) -> None:
        """Returns when it is so: each answer says what is true afterwards."""
        try:
            self._house.distributor.send(event)
        except AcdError as refused:
            raise Refused(f"Nothing was changed: {refused}") from refused
        await self._house.distributor.settled()

    def _floor(self) -> FloorPlan:
        return self._house.plan().floor


def agent_sentence(picture: Picture, row: AgentRow, before: str = "") -> str:
    """`1001 Ana Ruiz: paused (lunch).`"""
    state = before + state_text(row, picture.now)
    if row.contact:
        state += f" {clock(row.seconds)}, {picture.who(row.contact)} ({row.queue})"
    if pending := pending_text(row):
        state += f"; {pending} when this work is over"
    if row.phone:
        state += f"; rung at {where_rung(row)}"
    if row.out_of:
        state += f"; has left {', '.join(row.out_of)}"
    if row.disposition_due:
        state += "; owes a disposition"
    return f"{full_name(row)}: {state}."


def _reason(word: str, reasons: Sequence[str], agent: str, action: str = "pause/{}") -> str:
    """One of the floor's reasons; a floor with none takes any word, one with one needs none."""
    if not reasons:
        return word or "break"
    if not word and len(reasons) == 1:
        return reasons[0]
    if word in reasons:
        return word
    example = f"Such as: acd do {action.format(agent)}/{reasons[0]}"
    if not word:
        raise Refused(f"A pause has a reason: {', '.join(reasons)}. {example}")
    raise Refused(f'No pause reason "{word[:60]}". {suggestion(word, reasons)} {example}')
