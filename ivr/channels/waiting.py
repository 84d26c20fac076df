"""Waiting for a person: a place in the queue, music, and a phone that rings when it is time.

The channel sits in WAIT FOR DIGIT under music. When the distributor has news, `_rouse` plays the
spare digit D into it and the coroutine looks. The agent is rung by Dial from the caller's own
channel, so a caller who hangs up takes the ringing along and nobody is rung for one who is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import structlog

from acd.dispatch import Mailbox
from acd.errors import AcdError
from acd.model import (
    CallExits,
    CallFreed,
    CallKeyed,
    CallQueued,
    Cause,
    Command,
    Exit,
    MakeOffer,
)
from acd.records.contact import Json
from ivr.agi.session import AgiSession
from ivr.channels.caller_card import CallerCard
from ivr.channels.meanwhile import MeanwhileOnTheLine
from ivr.channels.mobile import who_calls
from ivr.channels.services import VoiceServices, sound_name
from ivr.channels.talk import Talk
from ivr.channels.together import gather, is_in_use, phone_taken, phones_of, way_to
from ivr.errors import AsteriskRefused, AsteriskUnreachable, CallerHungUp
from ivr.flow.actions import Outcome, Queue, QueueLeft
from ivr.flow.running.state import State
from ivr.live import LiveContact
from ivr.reach import Way
from ivr.speech.engine import SpeechFailed

log = structlog.get_logger(__name__)

WAKE_AGAIN = 0.1
"""A digit that arrives between two AGI commands is thrown away by Asterisk: knock until heard."""

SURELY_ANSWERED = 5.0
"""Seconds after the ringing at which a Dial that is still out means a talk, AMI's word or not: Dial
itself would have given up by then."""

GRACE = 5.0
"""Seconds for what comes before and after the ringing of one agent's phone."""
Unanswered = Literal["again", "anyone", "leave"]

EXITS: Mapping[Exit, Outcome] = {
    Exit.TIMEOUT: "timeout",
    Exit.NOBODY: "nobody",
    Exit.FULL: "full",
    Exit.TOO_LONG: "full",
    Exit.CLOSED: "closed",
    Exit.WITHDRAWN: "failed",
    Exit.KEYED: "key",
    Exit.EXPIRED: "timeout",
    Exit.UNREACHED: "nobody",
    Exit.FORBIDDEN: "failed",
}
KEEPS_PLACE = frozenset({Exit.TIMEOUT, Exit.NOBODY, Exit.KEYED})
"""Ends of a wait after which the caller who comes back to the queue goes on where they stood."""


class AgentWait:
    """The waits of one call; one after the other when it is transferred."""

    def __init__(self, services: VoiceServices, agi: AgiSession, contact: LiveContact) -> None:
        self._house, self._agi, self._contact = services, agi, contact
        self._status = ""
        self._ring_at_most: float | None = None

    @property
    def _log(self) -> structlog.stdlib.BoundLogger:
        """Bound when something is to be said: few calls ever need it."""
        bound: structlog.stdlib.BoundLogger = log.bind(
            contact=self._contact.id, channel=self._contact.channel
        )
        return bound

    async def until_served(
        self,
        action: Queue,
        state: State,
        *,
        unanswered: Unanswered = "again",
        since: float | None = None,
    ) -> QueueLeft:
        """Wait until the distributor has an agent, or a reason why there will be none.

        `unanswered`: after a first offer that nobody answered the next one is waited for, or anyone
        may take a call that wanted one agent, or the wait is over as by `timeout`, with Dial's
        word for it; the phone then rings for at most the action's `max_wait` less `GRACE`. `since`
        gives an older place in the queue; a wait that was broken off keeps its own.
        """
        leaves = unanswered == "leave" and action.max_wait is not None
        self._ring_at_most = max(1.0, (action.max_wait or 0.0) - GRACE) if leaves else None
        try:
            await self._agi.set_music(True)
            card = await self._prepare(action, state)
            return await self._join(action, card, unanswered, since)
        except AsteriskRefused as refused:
            if self._agi.hung_up.is_set():
                raise CallerHungUp(str(refused)) from refused
            self._log.warning("asterisk refused", action="Queue", why=str(refused))
            if self._waits():
                self._house.legs.take_out(self._contact)
                self._left_queue(Exit.WITHDRAWN, str(refused))
            self._contact.phase = "flow"
            return QueueLeft("failed", str(refused))

    def _waits(self) -> bool:
        """Whether the distributor knows the present wait."""
        contact = self._contact
        return contact.phase == "waiting" and self._house.distributor.engine.has_call(contact.call)

    async def _join(
        self, action: Queue, card: CallerCard, unanswered: Unanswered, since: float | None
    ) -> QueueLeft:
        """Take up the wait the distributor knows of, or begin one; again if it forgets the call.

        It does so when this node was cut off from the others for long. The place is kept.
        """
        while (left := await self._wait(action, card, unanswered, since)) is None:
            self._log.warning("the distributor has forgotten this call", call=self._contact.call)
            since = None
        return left

    async def _wait(
        self, action: Queue, card: CallerCard, unanswered: Unanswered, since: float | None
    ) -> QueueLeft | None:
        contact, house = self._contact, self._house
        knows_us = self._waits()
        if contact.phase == "waiting" and contact.exit and not knows_us:
            return self._left_queue(Exit(contact.exit), contact.exit_detail)
        if not knows_us:
            contact.entries += 1
            contact.call = f"{contact.id}.{contact.entries}"
        with house.distributor.watch(contact.call) as mailbox:
            if not knows_us:
                try:
                    self._enter(action, since or self._kept_place(action))
                except AcdError as refused:
                    contact.phase = "flow"
                    self._log.error("no such wait", queue=action.queue, why=str(refused))
                    return QueueLeft("failed", str(refused))
            elif missed := house.legs.unrung(contact):
                mailbox.put(missed)
            room = MeanwhileOnTheLine(house, self._agi, contact, action.waiting)
            try:
                return await self._served(mailbox, room, card, unanswered)
            finally:
                room.close()

    def _kept_place(self, action: Queue) -> float | None:
        """Since when the caller stands in this queue: a wait broken off, or left, in this call."""
        contact = self._contact
        if contact.phase == "waiting" and contact.since:
            return contact.since
        return contact.place_in(action.queue)

    async def _served(
        self,
        mailbox: Mailbox,
        room: MeanwhileOnTheLine,
        card: CallerCard,
        unanswered: Unanswered,
    ) -> QueueLeft | None:
        """Follow the distributor's words, and the caller's keys, one after the other.

        None when it knows no such call.
        """
        contact = self._contact
        while True:
            command: Command | str | None
            command = mailbox.get_nowait() or await self._news(mailbox, room)
            if isinstance(command, str):
                self._keyed(command)
                await self._house.distributor.settled()
                command = mailbox.get_nowait()
                if command is None and not self._house.distributor.engine.has_call(contact.call):
                    return None
            if isinstance(command, CallExits):
                return self._left_queue(command.reason, command.detail)
            if isinstance(command, MakeOffer):
                if await self._ring(command, card):
                    contact.phase = "flow"
                    return QueueLeft("answered")
                if unanswered != "again" and self._house.distributor.engine.has_call(contact.call):
                    if unanswered == "leave":
                        self._house.legs.take_out(contact)
                        return self._left_queue(Exit.TIMEOUT, self._status)
                    unanswered = "again"
                    self._house.distributor.send(CallFreed(self._house.clock(), contact.call))
                await self._agi.set_music(True)

    def _keyed(self, key: str) -> None:
        """Ask to leave by this key. Where an agent was quicker, the next word is an offer."""
        if key:
            try:
                house = self._house
                house.distributor.send(CallKeyed(house.clock(), self._contact.call, key))
            except AcdError as late:
                self._log.info("a key came too late", why=str(late))

    def _enter(self, action: Queue, since: float | None) -> None:
        """Join the queue: the wait is in the journal before anybody is rung for it."""
        contact, house = self._contact, self._house
        at = house.clock()
        contact.since = at if since is None else since
        contact.exit = contact.exit_detail = contact.offer = contact.rung = ""
        needs = dict(action.needs)
        house.distributor.send(
            CallQueued(
                at=at,
                call=contact.call,
                contact=contact.id,
                queue=action.queue,
                needs=needs,
                priority=action.priority,
                enqueued_at=contact.since,
                agent=action.agent,
                max_wait=action.max_wait,
                prefers=self._preferred(action),
                prefer_seconds=action.prefer_seconds,
                customer=contact.customer,
            )
        )
        contact.queue, contact.agent, contact.phase = action.queue, "", "waiting"
        house.contacts.keep(contact)
        self._tell("queued", queue=action.queue, needs={**needs}, priority=action.priority)

    def _preferred(self, action: Queue) -> str | None:
        """An agent who has left the house is no reason to wait, nor to fail."""
        agents = {each.id for each in self._house.distributor.engine.floor.agents}
        return action.prefers if action.prefers in agents else None

    async def _prepare(self, action: Queue, state: State) -> CallerCard:
        """Put on the channel what an agent's phone will show: ready before it is needed."""
        card = self._house.card(self._contact, action, state)
        await self._agi.set_variable("_TIELINE_CALLER_NAME", card.caller_name)
        await self._agi.set_variable("_TIELINE_CONTEXT", card.context)
        whisper = await self._whisper(action)
        await self._agi.set_variable("_TIELINE_WHISPER", whisper)
        return replace(card, whisper=whisper)

    async def _news(self, mailbox: Mailbox, room: MeanwhileOnTheLine) -> Command | str:
        """The distributor's next word, else the caller's key; "" when it is time to look."""
        rousing: list[asyncio.Task[None]] = []

        def rouse() -> None:
            if not rousing:
                rousing.append(asyncio.create_task(self._rouse()))

        mailbox.on_news = rouse
        try:
            key = await room.listen()
        finally:
            mailbox.on_news = None
            for task in rousing:
                task.cancel()
        return mailbox.get_nowait() or key

    async def _rouse(self) -> None:
        """Knock at the waiting channel until it is heard."""
        told = False
        while True:
            try:
                await self._house.waking.wake(self._contact.channel)
            except (AsteriskUnreachable, AsteriskRefused) as why:
                if not told:
                    self._log.warning("a waiting channel cannot be woken", why=str(why))
                told = True
            await asyncio.sleep(WAKE_AGAIN)

    async def _ring(self, offer: MakeOffer, card: CallerCard) -> bool:
        """Ring the agent from the caller's own channel; True when they spoke with each other."""
        contact, legs = self._contact, self._house.legs
        self._status = ""
        ways = await self._ways(offer)
        standing = legs.find(offer.offer)
        if standing is None or not legs.is_open(offer.offer):
            return False
        with legs.dialling(offer.offer, phones_of(ways)):
            contact.offer, (contact.rung, *contact.rung_too) = offer.offer, standing.agents
            self._house.contacts.keep(contact)
            also: Mapping[str, Json] = {"also": [*standing.also]} if standing.also else {}
            told: Mapping[str, Json] = {"agent": standing.agent, "offer": offer.offer, **also}
            self._tell("offered", **told, queue=offer.queue)
            # An older answer must not be taken for this one's, should this service end meanwhile.
            await self._agi.set_variable("DIALSTATUS", "")
            await self._agi.set_variable("_TIELINE_OFFER", offer.offer)
            if not legs.is_open(offer.offer):
                return False
            self._status = await self._dial(offer, ways, card)
            if contact.held or legs.is_apart(offer.offer):
                await Talk(self._house, self._agi, contact).until_over()
        taken = await phone_taken(self._agi, contact) if self._status == "ANSWER" else ""
        return legs.settle(contact, offer.offer, self._status, taken)

    async def _ways(self, offer: MakeOffer) -> Mapping[str, Way]:
        """Who is rung for it, and how; nobody where there is no way, or where it may not be."""
        if offer.also:
            return await gather(self._house, self._agi, offer)
        if not await self._house.distributor.may_ring(offer.agent):
            self._log.warning("the agent may be another's just now", agent=offer.agent)
            self._house.legs.failed(offer.offer, Cause.LOST)
        way = self._house.reach(offer.agent, offer.queue)
        return {} if way is None else {offer.agent: way}

    async def _dial(self, offer: MakeOffer, ways: Mapping[str, Way], card: CallerCard) -> str:
        """Ring, and stay until agent or caller hangs up; how it went, as DIALSTATUS."""
        if not ways:
            self._log.warning("no way to the agent", agent=offer.agent)
            return "CHANUNAVAIL"
        way = way_to(ways)
        # i: a phone that sends its calls elsewhere would take the caller out of our hands.
        options = f"m(default)gi{way.options(bool(card.whisper))}"
        seconds = int(min(offer.ring_seconds, self._ring_at_most or offer.ring_seconds))
        try:
            if way.confirm:
                who = await who_calls(self._house.prompts, card)
                await self._agi.set_variable("_TIELINE_WHO", who)
            if self._house.distributor.alone and await is_in_use(self._agi, way):
                return "CANCEL"
            with self._listening(offer, way):
                await self._agi.exec("Dial", way.dial, str(seconds), options)
            status = await self._agi.get_variable("DIALSTATUS") or "CHANUNAVAIL"
            return way.meaning_of(status)
        except AsteriskRefused as refused:
            if self._agi.hung_up.is_set():
                raise
            self._log.warning("asterisk refused", action="Dial", why=str(refused))
            return "CHANUNAVAIL"

    @contextmanager
    def _listening(self, offer: MakeOffer, way: Way) -> Iterator[None]:
        """A Dial that outlasts its ringing was answered, even if AMI is down and cannot say so."""
        loop, legs = asyncio.get_running_loop(), self._house.legs
        surely = offer.ring_seconds + SURELY_ANSWERED + way.settles_within
        late = loop.call_later(surely, legs.answered, offer.offer)
        try:
            yield
        finally:
            late.cancel()

    def _left_queue(self, reason: Exit, detail: str) -> QueueLeft:
        contact = self._contact
        contact.phase, contact.exit, contact.exit_detail = "flow", "", ""
        if reason in KEEPS_PLACE:
            contact.places[contact.queue] = contact.since
        self._tell("left_queue", reason=reason.value, detail=detail)
        return QueueLeft(EXITS[reason], detail)

    async def _whisper(self, action: Queue) -> str:
        """The whisper's file; one that cannot be spoken costs no caller the conversation."""
        if action.whisper is None:
            return ""
        try:
            return sound_name(await self._house.prompts.path((action.whisper,)))
        except SpeechFailed as silent:
            self._log.error("speech failed", action="whisper", why=str(silent))
            return ""

    def _tell(self, kind: str, **data: Json) -> None:
        self._house.contacts.tell(self._contact, kind, data)
