"""What an agent does with the call in hand: hold it, ask a colleague, pass it on, end it, write."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from acd.records.contact import ContactEvent
from ivr.backends.segments import segments
from ivr.backends.texting import Draft
from ivr.desk_talk import TalkNow
from ivr.flow.actions import Failed
from ivr.open_offers import OpenOffer
from ivr.web.api.contacts import ContactFiles
from ivr.web.house import House
from ivr.web.problems import Problem, not_found
from ivr.web.roles import LEADS, Role
from ivr.web.routes import Call, Model, Route

AGENTS: Final = frozenset({Role.AGENT}) | LEADS
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ()./-]{1,30}$")]


class Passing(Model):
    """Where a call goes, or who is asked: an agent's extension or a queue, one of the two."""

    agent: str = ""
    queue: str = ""


class Writing(Model):
    """A text message; the same `id` again is the same one. Without `to`: whoever is on the line."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=1600)]
    to: Number | Literal[""] = ""
    contact: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{0,60}$")] = ""
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,40}$")] = ""


class Dialling(Model):
    """A number to be called, and the contact it follows from."""

    number: Number
    contact: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{0,60}$")] = ""


@dataclass(frozen=True, slots=True)
class Dialled:
    """A call that begins: one's own phone rings first."""

    contact: str


@dataclass(frozen=True, slots=True)
class Written:
    """A message that was accepted; `parts` is what a gateway charges for."""

    id: str
    parts: int


class Calls:
    """`/api/calls`: `{offer}` is the offer by which the call came to the agent."""

    def __init__(self, house: House, files: ContactFiles) -> None:
        self._house, self._files = house, files

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        at = "/api/calls/{offer}"
        return (
            Route("GET", at, self._show, roles=AGENTS, gives=TalkNow,
                  summary="How a call stands: who is with whom"),
            Route("POST", f"{at}/hold", self._hold, roles=AGENTS, gives=TalkNow,
                  summary="Hold: the caller hears music", audit="call.hold"),
            Route("POST", f"{at}/take-back", self._take_back, roles=AGENTS, gives=TalkNow,
                  summary="Agent and caller again, and nobody else", audit="call.take_back"),
            Route("POST", f"{at}/ask", self._ask, roles=AGENTS, takes=Passing, gives=TalkNow,
                  summary="Hold the caller and ask a colleague", audit="call.ask"),
            Route("POST", f"{at}/conference", self._conference, roles=AGENTS, gives=TalkNow,
                  summary="Caller, agent and the colleague who was asked", audit="call.conference"),
            Route("POST", f"{at}/complete", self._complete, roles=AGENTS,
                  summary="Leave the caller with the colleague who was asked",
                  audit="call.complete"),
            Route("POST", f"{at}/transfer", self._transfer, roles=AGENTS, takes=Passing,
                  summary="Pass the caller on and leave the call", audit="call.transfer"),
            Route("POST", f"{at}/hang-up", self._hang_up, roles=AGENTS,
                  summary="End one's own part of the call", audit="call.hang_up"),
            Route("POST", "/api/calls", self._dial, roles=AGENTS, takes=Dialling, gives=Dialled,
                  status=202, summary="Call a number: one's own phone rings first",
                  audit="call.dial"),
            Route("POST", "/api/texts", self._write, roles=AGENTS, takes=Writing, gives=Written,
                  status=202, summary="Send a text message", audit="text.send"),
        )  # fmt: skip

    async def _show(self, call: Call) -> TalkNow:
        return self._house.talks.now(self._leg(call))

    async def _hold(self, call: Call) -> TalkNow:
        offer = self._mine(call)
        await self._house.talks.hold(offer)
        return self._house.talks.now(offer)

    async def _take_back(self, call: Call) -> TalkNow:
        offer = self._mine(call)
        await self._house.talks.take_back(offer)
        return self._house.talks.now(offer)

    async def _ask(self, call: Call) -> TalkNow:
        offer = self._mine(call)
        await self._house.talks.ask(offer, self._target(call, offer))
        return self._house.talks.now(offer)

    async def _conference(self, call: Call) -> TalkNow:
        offer = self._mine(call)
        await self._house.talks.conference(offer)
        return self._house.talks.now(offer)

    async def _complete(self, call: Call) -> None:
        await self._house.talks.complete(self._mine(call))

    async def _transfer(self, call: Call) -> None:
        offer = self._mine(call)
        await self._house.talks.transfer(offer, self._target(call, offer))

    def _target(self, call: Call, offer: OpenOffer) -> str:
        """What a phone would dial for whom the body names."""
        plan = self._house.plan().floor
        passing: Passing = call.body
        if bool(passing.agent) == bool(passing.queue):
            raise Problem(422, "Name an agent or a queue, one of the two.")
        if passing.agent:
            if not plan.is_agent(passing.agent) or passing.agent == offer.agent:
                raise Problem(422, "A call is passed to another agent of the floor.")
            target = passing.agent
        else:
            numbers = {queue: number for number, queue in plan.numbers.items()}
            if passing.queue not in numbers:
                raise Problem(422, "A queue needs a `number` in the floor file to be passed to.")
            target = numbers[passing.queue]
        call.answer.concerns.append(target)
        return target

    async def _hang_up(self, call: Call) -> None:
        await self._house.talks.hang_up(self._mine(call))

    async def _dial(self, call: Call) -> Dialled:
        if call.body.contact:
            await self._files.told(call.body.contact, call.me)
        contact = await self._house.dial(call.agent, call.body.number, call.body.contact)
        call.answer.contact = contact
        return Dialled(contact)

    def _leg(self, call: Call) -> OpenOffer:
        """The agent's own leg; of anybody for those who lead."""
        offer = self._house.offers.find(call["offer"])
        if offer is None or not (call.me.agent in offer.agents or call.me.leads):
            raise not_found("call")
        return offer

    def _mine(self, call: Call) -> OpenOffer:
        """The agent's own leg, talking."""
        offer = self._leg(call)
        if offer.answered_at is None or not offer.channel:
            raise Problem(409, "The call is not answered yet: answer it on the phone first.")
        call.answer.contact = offer.contact
        return offer

    async def _write(self, call: Call) -> Written:
        wanted: Writing = call.body
        if wanted.contact:
            await self._files.told(wanted.contact, call.me)
        contact = self._house.contacts.get(wanted.contact) if wanted.contact else None
        number = wanted.to or (contact.caller if contact else "")
        if not number:
            raise Problem(422, "Say which number: this contact shows none.")
        # No id holds a dot, so what one user's message is called is never another's.
        name = f"desk-{call.me.user}.{wanted.id or secrets.token_hex(8)}"
        sent = await self._house.texts.accept(Draft(name, wanted.contact, number, wanted.text))
        if isinstance(sent, Failed):
            raise Problem(409, f"The message was not taken: {sent.why}.")
        call.answer.contact = wanted.contact
        if wanted.contact:
            told = {"id": name, "to": number, "text": wanted.text, "by": call.me.agent}
            self._house.tell(
                ContactEvent(wanted.contact, self._house.clock(), "message_written", "", told)
            )
        return Written(name, segments(wanted.text).parts)
