"""What an agent's desk does with a talk: hold the caller, ask a colleague, join all three.

Asterisk owns the channels: an agent's leg is sent to a part of the dialplan (`[desk-...]`), and the
caller's own session does the rest (`ivr.channels.talk`). Where the caller is meant to be stands in
`LiveContact.held`, which is written down before anything is done, so that a service which was
killed goes on where it was. The distributor is never told otherwise than by legs: an agent who
holds a caller talks, as far as it knows, and so does a colleague who is asked.

Whatever ends a leg comes back here (`left`), and nobody stays alone: a colleague's end gives the
caller back to the agent, an agent's end in a conference gives them to the colleague. The caller's
end is everybody's: `ivr.legs` hangs up all legs of a contact that is over. A leg that was missed
all the same asks from `[desk-held]` whether anybody is for it, and is looked for after a silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import structlog

from acd.errors import AcdError
from acd.model import AgentState, ConsultationFailed
from ivr.asterisk.fence import Value
from ivr.callers import Callers
from ivr.channels.talk import take_back
from ivr.errors import AsteriskRefused, AsteriskUnreachable, IvrError
from ivr.live import Held, LiveContact
from ivr.open_offers import OpenOffer
from ivr.rounds import quietly

log = structlog.get_logger(__name__)

HOLDING: Final = "desk-held"
ASKING: Final = "desk-ask"
CONFERENCE: Final = "desk-conference"
TRANSFERRED: Final = "transferred"
"""Parts of the dialplan; all but the last are for agents' legs."""

FAILURES: Final = (AsteriskRefused, AsteriskUnreachable)

JOINED_TRIES: Final = 10
JOINED_AGAIN: Final = 0.05
"""How often, and how many seconds apart, it is looked whether the two are joined."""

State = Literal["ringing", "talking", "held", "asking", "asked", "conference", "advising"]


class NotNow(IvrError):
    """What cannot be done with a call as it stands; the text says what can."""


class Moving(Protocol):
    """What is asked of AMI."""

    async def action(self, name: str, /, *, timeout: float | None = None, **fields: Value) -> Any:
        """The response to one action."""
        ...

    async def listing(
        self, name: str, /, *, timeout: float | None = None, **fields: Value
    ) -> Sequence[Any]:
        """The events that answer a list action."""
        ...

    async def redirect(self, channel: str, context: str, extension: str) -> None:
        """Send a channel elsewhere in the dialplan."""
        ...

    async def hangup(self, channel: str) -> None:
        """End a channel."""
        ...


@dataclass(frozen=True, slots=True)
class TalkNow:
    """A call as its agent's desk shows it.

    `ringing`; `talking`; `held`: the caller hears music; `asking`: and a colleague is looked for or
    rings; `asked`: and the two talk; `conference`: all three do; `advising`: one is the colleague
    who is asked. `colleague` is the other agent and `name` theirs, "" while there is none.
    """

    offer: str
    contact: str
    agent: str
    state: State
    colleague: str = ""
    name: str = ""


class DeskTalk:
    """One for each service. Every method that does something raises NotNow, AsteriskRefused and
    AsteriskUnreachable."""

    def __init__(self, callers: Callers, asterisk: Moving) -> None:
        self._callers, self._asterisk = callers, asterisk
        self._house = callers.services
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what is so ------------------------------------------------------------------------------

    def now(self, offer: OpenOffer) -> TalkNow:
        """How this agent's call stands."""
        contact = self._house.contacts.get(offer.contact)
        state: State = "ringing" if offer.answered_at is None else "talking"
        other = ""
        if contact is not None and state == "talking":
            if offer.asked:
                state = "conference" if contact.held == "conference" else "advising"
                other = contact.agent
            elif contact.agent == offer.agent:
                state, other = self._of(contact)
        name = self._name(other) if other else ""
        return TalkNow(offer.offer, offer.contact, offer.agent, state, other, name)

    def _of(self, contact: LiveContact) -> tuple[State, str]:
        """How the caller's own agent stands, and the colleague."""
        other = self._house.legs.asked_about(contact)
        name = other.agent if other is not None else ""
        match contact.held:
            case "":
                return "talking", ""
            case "asked" if other is None or other.answered_at is None:
                return "asking", name
            case state:
                return state, name

    def _name(self, agent: str) -> str:
        rows = self._house.distributor.engine.agents_view(self._house.clock())
        return next((row.name for row in rows if row.agent == agent), "") or agent

    def of_contact(self, contact: str) -> list[TalkNow]:
        """The calls of all agents who are with this contact, or rung for it."""
        return [self.now(each) for each in self._house.legs.of_contact(contact)]

    # --- what the desk asks for ------------------------------------------------------------------

    async def hold(self, offer: OpenOffer) -> None:
        """Music for the caller; the agent hears a beep now and then."""
        contact = self._mine(offer)
        if contact.held == "held":
            return
        if contact.held:
            raise NotNow("The caller is held while a colleague is asked.")
        await self._take_apart(contact, "held", offer, HOLDING, "s")
        self._tell(contact, "held", agent=offer.agent)

    async def take_back(self, offer: OpenOffer) -> None:
        """The agent and the caller talk, and nobody else: a colleague who was asked is let go."""
        contact = self._mine(offer)
        if not contact.held:
            return
        before, other = contact.held, self._house.legs.asked_about(contact)
        self._keep(contact, "")
        if before == "asked":
            self._let_go(contact)
        if before != "held":
            if other is not None and other.channel:
                await quietly(self._asterisk.hangup(other.channel))
            await quietly(self._asterisk.redirect(offer.channel, HOLDING, "s"))
        self._tell(contact, "taken_back", agent=offer.agent)
        self._house.talks.changed(contact.id)

    async def ask(self, offer: OpenOffer, target: str) -> None:
        """Music for the caller, and `target`'s phone rings: an agent's extension, or the number of
        a queue. Whoever takes it talks with the agent first."""
        contact = self._mine(offer)
        if contact.held not in ("", "held"):
            raise NotNow("A colleague is asked already: take the caller back first.")
        self._check_free(target)
        await self._take_apart(contact, "asked", offer, ASKING, target)
        self._tell(contact, "asking", agent=offer.agent, to=target)

    async def conference(self, offer: OpenOffer) -> None:
        """The agent, the caller and the colleague talk with one another."""
        contact, other = await self._both(offer)
        self._keep(contact, "conference")
        try:
            await self._asterisk.action(
                "Redirect",
                Channel=offer.channel,
                ExtraChannel=other.channel,
                Context=CONFERENCE,
                Exten="s",
                Priority=1,
                ExtraContext=CONFERENCE,
                ExtraExten="s",
                ExtraPriority=1,
            )
        except FAILURES:
            await self._give_up_asking(contact, other)
            raise
        self._tell(contact, "conference", agent=offer.agent, colleague=other.agent)
        self._house.talks.changed(contact.id)

    async def complete(self, offer: OpenOffer) -> None:
        """The colleague has the caller from now on, and the agent leaves."""
        contact = self._mine(offer)
        if contact.held == "conference":
            await self._asterisk.hangup(offer.channel)
            return
        contact, other = await self._both(offer)
        self._keep(contact, "")
        try:
            await self._asterisk.redirect(other.channel, HOLDING, "s")
        except FAILURES:
            await self._give_up_asking(contact, other)
            raise
        self._hand_over(contact, offer, other)
        self._house.talks.changed(contact.id)
        await quietly(self._asterisk.hangup(offer.channel))

    async def transfer(self, offer: OpenOffer, target: str) -> None:
        """Send the caller on; the agent's leg ends."""
        contact = self._house.contacts.get(offer.contact)
        if offer.asked:
            self._mine(offer)
        if contact is None or not contact.held:
            await self._asterisk.action(
                "BlindTransfer", Channel=offer.channel, Context=TRANSFERRED, Exten=target
            )
            return
        if contact.held != "held":
            raise NotNow("A colleague is asked: leave the caller with them, or take them back.")
        await self._asterisk.redirect(contact.channel, TRANSFERRED, target)
        await quietly(self._asterisk.hangup(offer.channel))

    async def hang_up(self, offer: OpenOffer) -> None:
        """The agent leaves; a caller who is held goes on as after any talk."""
        await self._asterisk.hangup(offer.channel)

    # --- what happens by itself ------------------------------------------------------------------

    def left(self, offer: OpenOffer) -> None:
        """A leg that was answered is gone."""
        contact = self._house.contacts.get(offer.contact)
        if contact is None or not contact.held:
            return
        if offer.asked:
            self._colleague_left(contact)
        elif offer.agent == contact.agent:
            self._agent_left(contact, offer)

    def _colleague_left(self, contact: LiveContact) -> None:
        """A session that asks goes on by itself, in its own time."""
        mine = self._house.legs.with_caller(contact)
        if contact.held == "asked" and contact.id not in self._house.talks.asking:
            take_back(self._house, contact)
        elif contact.held == "conference" and mine is not None:
            self._keep(contact, "")
            self._tell(contact, "taken_back", agent=contact.agent)
            self._soon(self._rejoin(contact, mine))

    def _agent_left(self, contact: LiveContact, offer: OpenOffer) -> None:
        """In a conference the colleague has the caller; else the caller goes on in the flow."""
        other, was = self._house.legs.asked_about(contact), contact.held
        self._keep(contact, "")
        if was == "conference" and other is not None and other.answered_at is not None:
            self._hand_over(contact, offer, other)
            self._soon(self._rejoin(contact, other))
        else:
            self._house.talks.changed(contact.id)

    async def _rejoin(self, contact: LiveContact, leg: OpenOffer) -> None:
        """Out of the room, where two are left."""
        await quietly(self._asterisk.redirect(leg.channel, HOLDING, "s"))
        self._house.talks.changed(contact.id)

    # --- helpers ---------------------------------------------------------------------------------

    def _mine(self, offer: OpenOffer) -> LiveContact:
        """The contact whose caller this agent has."""
        contact = self._house.contacts.get(offer.contact)
        if offer.asked and contact is not None:
            raise NotNow(f"You are asked about this caller, who is {self._name(contact.agent)}'s.")
        if offer.callback:
            raise NotNow("This customer was called from your phone: do that on the phone.")
        if contact is None or contact.phase != "talking" or contact.agent != offer.agent:
            raise NotNow("The caller is not with you any more.")
        return contact

    def _asked(self, contact: LiveContact) -> OpenOffer:
        """The colleague who talks with the agent while the caller is held."""
        other = self._house.legs.asked_about(contact)
        if contact.held != "asked" or other is None:
            raise NotNow("Ask a colleague first.")
        if other.answered_at is None or not other.channel:
            raise NotNow(f"{self._name(other.agent)} has not answered yet.")
        return other

    async def _both(self, offer: OpenOffer) -> tuple[LiveContact, OpenOffer]:
        """The contact and the colleague, once agent and colleague are joined."""
        await self._joined(self._asked(self._mine(offer)), "your colleague")
        contact = self._mine(offer)
        return contact, self._asked(contact)

    async def _give_up_asking(self, contact: LiveContact, other: OpenOffer) -> None:
        """Nobody knows who was moved: agent and caller are together again, wherever they are."""
        self._keep(contact, "asked")
        take_back(self._house, contact)
        self._let_go(contact)
        await quietly(self._asterisk.hangup(other.channel))

    def _check_free(self, target: str) -> None:
        rows = self._house.distributor.engine.agents_view(self._house.clock())
        for row in rows:
            free = row.state is AgentState.READY and not row.outside
            if row.agent == target and not free:
                raise NotNow(f"{row.name or row.agent} is not free just now.")

    async def _take_apart(
        self, contact: LiveContact, held: Held, offer: OpenOffer, context: str, extension: str
    ) -> None:
        """First it is written down where the caller is to be: Dial comes back at once."""
        if not contact.held:
            await self._joined(offer, "the caller")
            self._mine(offer)
        before, was_apart = contact.held, offer.apart
        self._keep(contact, held)
        offer.apart = True
        try:
            await self._asterisk.redirect(offer.channel, context, extension)
        except AsteriskRefused:
            self._keep(contact, before)
            offer.apart = was_apart
            raise

    async def _joined(self, offer: OpenOffer, other: str) -> None:
        """A leg is joined a moment after it was answered; moved before, it would lose its Dial."""
        for _ in range(JOINED_TRIES):
            told = await self._asterisk.listing("Status", Channel=offer.channel)
            if any(each.get("BridgeID") for each in told):
                return
            await asyncio.sleep(JOINED_AGAIN)
        raise NotNow(f"You and {other} are not joined yet: try again in a moment.")

    def _hand_over(self, contact: LiveContact, giver: OpenOffer, taker: OpenOffer) -> None:
        self._callers.handed_over(contact.id, giver.offer, taker.offer, "")

    def _let_go(self, contact: LiveContact) -> None:
        """The distributor frees whoever is asked, rung or still looked for."""
        now = self._house.clock()
        for row in self._house.distributor.engine.calls_view(now):
            if row.consults and row.contact == contact.id:
                try:
                    self._house.distributor.send(ConsultationFailed(now, row.call, "taken back"))
                except AcdError as late:
                    log.info("a consultation is over already", call=row.call, why=str(late))

    def _keep(self, contact: LiveContact, held: Held) -> None:
        contact.held = held
        self._house.contacts.keep(contact)

    def _tell(self, contact: LiveContact, kind: str, **data: str) -> None:
        self._house.contacts.tell(contact, kind, {**data})

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
