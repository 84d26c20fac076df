"""Waiting for a person: a place in the queue, music, and a phone that rings when it is time.

The channel sits in WAIT FOR DIGIT under music. When the distributor has news, `_rouse` plays the
spare digit D into it and the coroutine looks. The agent is rung by Dial from the caller's own
channel, so a caller who hangs up takes the ringing along and nobody is rung for one who is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog

from acd.distributor import Mailbox
from acd.errors import AcdError
from acd.model import CallExits, CallFreed, CallQueued, Cause, Command, Exit, MakeOffer
from acd.records.contact import Json
from ivr.agi.session import AgiSession
from ivr.channels.caller_card import CallerCard, queue_to_json
from ivr.channels.services import VoiceServices, sound_name
from ivr.errors import AsteriskRefused, AsteriskUnreachable
from ivr.flow.actions import Outcome, Queue, QueueLeft
from ivr.flow.state import State
from ivr.live import LiveContact

log = structlog.get_logger(__name__)

WAKE_DIGIT = "D"
LOOK_AGAIN_MS = 30_000
"""A waiting channel looks by itself this often, should every wake-up be lost."""
WAKE_AGAIN = 0.1
"""A digit that arrives between two AGI commands is thrown away by Asterisk: knock until heard."""

EXITS: Mapping[Exit, Outcome] = {
    Exit.TIMEOUT: "timeout",
    Exit.NOBODY: "nobody",
    Exit.FULL: "full",
    Exit.CLOSED: "closed",
    Exit.WITHDRAWN: "failed",
}


class AgentWait:
    """The waits of one call; one after the other when it is transferred."""

    def __init__(self, services: VoiceServices, agi: AgiSession, contact: LiveContact) -> None:
        self._house, self._agi, self._contact = services, agi, contact
        self._log = log.bind(contact=contact.id, channel=contact.channel)

    async def until_served(
        self,
        action: Queue,
        state: State,
        *,
        once: bool = False,
        since: float | None = None,
    ) -> QueueLeft:
        """Wait until the distributor has an agent, or a reason why there will be none.

        `once`: after a first unanswered offer anyone may take a call that wanted one agent.
        `since` gives an older place in the queue.
        """
        card = await self._prepare(action, state)
        contact, distributor = self._contact, self._house.distributor
        knows_us = contact.phase == "waiting" and distributor.engine.has_call(contact.call)
        if not knows_us:
            contact.entries += 1
            contact.call = f"{contact.id}.{contact.entries}"
        with distributor.watch(contact.call) as mailbox:
            if not knows_us:
                try:
                    self._enter(action, since)
                except AcdError as refused:
                    contact.phase = "flow"
                    self._log.error("no such wait", queue=action.queue, why=str(refused))
                    return QueueLeft("failed", str(refused))
            await self._agi.set_music(True)
            return await self._served(mailbox, card, once)

    async def _served(self, mailbox: Mailbox, card: CallerCard, once: bool) -> QueueLeft:
        """Follow the distributor's words, one after the other."""
        contact = self._contact
        while True:
            command = mailbox.get_nowait() or await self._news(mailbox)
            if isinstance(command, CallExits):
                return self._left_queue(command)
            if isinstance(command, MakeOffer):
                if await self._ring(command, card):
                    contact.phase = "flow"
                    return QueueLeft("answered")
                if once and self._house.distributor.engine.has_call(contact.call):
                    once = False
                    self._house.distributor.send(CallFreed(self._house.clock(), contact.call))
                await self._agi.set_music(True)

    def _enter(self, action: Queue, since: float | None) -> None:
        """Join the queue: the wait is in the journal before the music starts."""
        contact, house = self._contact, self._house
        at = house.clock()
        needs = dict(action.needs)
        house.distributor.send(
            CallQueued(
                at=at,
                call=contact.call,
                contact=contact.id,
                queue=action.queue,
                needs=needs,
                priority=action.priority,
                enqueued_at=at if since is None else since,
                agent=action.agent,
                max_wait=action.max_wait,
            )
        )
        contact.queue, contact.agent, contact.phase = action.queue, "", "waiting"
        contact.waiting_action = queue_to_json(action)
        house.contacts.keep(contact)
        self._tell("queued", queue=action.queue, needs={**needs}, priority=action.priority)

    async def _prepare(self, action: Queue, state: State) -> CallerCard:
        """Put on the channel what an agent's phone will show: ready before it is needed."""
        card = self._house.card(self._contact, action, state)
        await self._agi.set_variable("_TIELINE_CALLER_NAME", card.caller_name)
        await self._agi.set_variable("_TIELINE_CONTEXT", card.context)
        whisper = await self._whisper(action)
        await self._agi.set_variable("_TIELINE_WHISPER", whisper)
        return replace(card, whisper=whisper)

    async def _news(self, mailbox: Mailbox) -> Command | None:
        """The distributor's next word. Music goes on meanwhile; None when it is time to look."""
        heard: list[Command] = []
        rouse = asyncio.create_task(self._rouse(mailbox, heard))
        try:
            await self._agi.wait_for_digit(LOOK_AGAIN_MS)
        finally:
            rouse.cancel()
        return heard[0] if heard else None

    async def _rouse(self, mailbox: Mailbox, heard: list[Command]) -> None:
        """Knock at the waiting channel as soon as there is news, until it is heard."""
        heard.append(await mailbox.get())
        while True:
            try:
                await self._house.waking.wake(self._contact.channel)
            except (AsteriskUnreachable, AsteriskRefused) as why:
                self._log.warning("a waiting channel cannot be woken", why=str(why))
            await asyncio.sleep(WAKE_AGAIN)

    async def _ring(self, offer: MakeOffer, card: CallerCard) -> bool:
        """Ring the agent from the caller's own channel; True when they spoke with each other."""
        legs = self._house.legs
        if not legs.is_open(offer.offer):
            legs.failed(offer.offer, Cause.LOST)
            return False
        self._tell("offered", agent=offer.agent, offer=offer.offer, queue=offer.queue)
        await self._agi.set_variable("_TIELINE_OFFER", offer.offer)
        whisper = "U(whisper)" if card.whisper else ""
        # i: a phone that sends its calls elsewhere would take the caller out of our hands.
        options = f"m(default)gib(leg^s^1){whisper}"
        try:
            seconds = str(int(offer.ring_seconds))
            await self._agi.exec("Dial", f"PJSIP/{offer.agent}", seconds, options)
        except AsteriskRefused:
            legs.settle(offer.offer, "CHANUNAVAIL")
            return False
        status = await self._agi.get_variable("DIALSTATUS")
        return legs.settle(offer.offer, status or "CHANUNAVAIL")

    def _left_queue(self, exits: CallExits) -> QueueLeft:
        self._contact.phase = "flow"
        self._tell("left_queue", reason=exits.reason.value, detail=exits.detail)
        return QueueLeft(EXITS[exits.reason], exits.detail)

    async def _whisper(self, action: Queue) -> str:
        if action.whisper is None:
            return ""
        return sound_name(await self._house.prompts.path((action.whisper,)))

    def _tell(self, kind: str, **data: Json) -> None:
        self._house.contacts.tell(self._contact, kind, data)
