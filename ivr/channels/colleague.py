"""An agent dials a colleague or a queue: a plain call, or a question about the caller they have.

Who talks with a caller and dials a colleague who is ready asks the distributor for them: they get
no other call meanwhile, their phone shows whom it is about, and their time counts as theirs. When
the agent's phone then joins the two (an attended transfer), the colleague has the caller, and
`ivr.callers` hears of it. Anybody else is rung past the queues, where they sit.

From the desk it is the agent's own leg that asks, while the caller is held: `ask_from_desk`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

import structlog

from acd.dispatch import Distributing, Mailbox
from acd.errors import AcdError
from acd.model import (
    AgentState,
    CallExits,
    Command,
    ConsultationAsked,
    ConsultationFailed,
    MakeOffer,
)
from acd.views import AgentRow
from ivr.agi.session import AgiSession
from ivr.channels.caller_card import CallerCard, plain, queue_from_json
from ivr.channels.mobile import who_calls
from ivr.channels.services import VoiceServices, sound_name
from ivr.channels.talk import still_wanted, take_back
from ivr.errors import CallerHungUp
from ivr.floor import FloorPlan
from ivr.flow.running.state import State
from ivr.live import LiveContact
from ivr.reach import Way
from ivr.speech.engine import SpeechFailed
from ivr.speech.phrases import phrase

log = structlog.get_logger(__name__)

RING_SECONDS = 30
"""How long a colleague's phone rings."""
LOOK_MS = 300
"""How often an agent who waits for somebody of a queue looks for news."""
PREPARE_ASKED = "leg-asked"


@dataclass(frozen=True, slots=True)
class _Question:
    """Who asks, about which offer, and whom: one agent, or anybody of a queue.

    `held` is the contact whose caller the desk holds meanwhile.
    """

    asker: AgentRow
    queue: str
    agent: str | None
    held: LiveContact | None = None

    @property
    def stands(self) -> bool:
        """Whether the desk has not moved any of the two elsewhere meanwhile."""
        return self.held is None or self.held.held == "asked"


class Colleagues:
    """The agents who ask, each over a channel of their own."""

    def __init__(
        self,
        services: VoiceServices,
        floor: Callable[[], FloorPlan],
        person_at: Callable[[str], str],
        language: str = "en",
    ) -> None:
        self._house, self._floor, self._person_at = services, floor, person_at
        self._language = language
        self._numbers = count(1)

    @property
    def _distributor(self) -> Distributing:
        return self._house.distributor

    def routes(self) -> Mapping[str, Callable[[AgiSession], Awaitable[None]]]:
        """AGI path -> handler."""
        held = partial(still_wanted, self._house)
        return {"agent/colleague": self.ring, "agent/ask": self.ask_from_desk, "agent/held": held}

    async def ring(self, agi: AgiSession) -> None:
        """The route `agent/colleague`: the dialling phone, and what it dialled.

        Stays until one of the two hangs up.
        """
        phone, dialled = (*agi.env.args, "", "")[:2]
        question = self._question(self._person_at(phone), dialled)
        try:
            # Said first: the dialplan must not ring again if this service ends meanwhile.
            await agi.set_variable("TIELINE_DONE", "yes")
            if question is not None:
                await self._ask(agi, question)
            elif self._floor().queue_of(dialled) is not None:
                await self._say(agi, "no-call-to-ask-about")
            else:
                await self._ring_past_the_queues(agi, dialled)
        except CallerHungUp:
            log.info("a call to a colleague is over", channel=agi.env.channel)

    async def ask_from_desk(self, agi: AgiSession) -> None:
        """The route `agent/ask`: the offer of an agent whose caller is held, and whom they ask.

        However it ends, agent and caller are together again, unless the desk has decided otherwise.
        """
        leg, dialled = (*agi.env.args, "", "")[:2]
        offer, talks = self._house.legs.find(leg), self._house.talks
        contact = self._house.contacts.get(offer.contact) if offer is not None else None
        if offer is None or contact is None or contact.held != "asked":
            return
        question, elsewhere = self._question(offer.agent, dialled), False
        talks.asking.add(contact.id)
        try:
            if question is None:
                await self._say(agi, "colleague-away")
            else:
                await self._ask(agi, replace(question, held=contact))
        except CallerHungUp:
            elsewhere = True
        finally:
            talks.asking.discard(contact.id)
            if not elsewhere:
                take_back(self._house, contact)

    async def _ring_past_the_queues(self, agi: AgiSession, agent: str) -> None:
        way = self._house.reach(agent)
        if way is None:
            await self._say(agi, "colleague-away")
            return
        options = ""
        if way.confirm:
            await agi.set_variable("_TIELINE_OFFER", "")
            await agi.set_variable("_TIELINE_WHO", sound_name(self._house.beep))
            options = way.options(whisper=False)
        await agi.exec("Dial", way.dial, str(RING_SECONDS), options)

    # --- a question about a caller ----------------------------------------------------------------

    def _question(self, asker: str, dialled: str) -> _Question | None:
        """What the distributor is to be asked, or None for a plain call."""
        rows = {row.agent: row for row in self._distributor.engine.agents_view(self._house.clock())}
        mine, queue = rows.get(asker), self._floor().queue_of(dialled)
        if mine is None or mine.state is not AgentState.TALKING or mine.queue is None:
            return None
        if not self._distributor.owns(mine.contact or ""):
            return None  # the node of that caller would have to ring, and has no line to ring from
        if queue is not None:
            return _Question(mine, queue, None)
        other = rows.get(dialled)
        free = other is not None and other.state is AgentState.READY and not other.outside
        return _Question(mine, mine.queue, dialled) if free and dialled != asker else None

    async def _ask(self, agi: AgiSession, question: _Question) -> None:
        asker = question.asker
        call = f"{asker.contact}.ask-{asker.offer}-{next(self._numbers)}"
        asked = ConsultationAsked(
            self._house.clock(), asker.offer or "", call, question.queue, question.agent
        )
        with self._distributor.watch(call) as mailbox:
            try:
                self._distributor.send(asked)
            except AcdError as refused:
                log.info("nobody can be asked", agent=asker.agent, why=str(refused))
                await self._say(agi, "colleague-away")
                return
            try:
                await self._put_through(agi, mailbox, question)
            finally:
                await self._distributor.settled()
                if self._distributor.engine.has_call(call):
                    self._distributor.send(
                        ConsultationFailed(self._house.clock(), call, "given up")
                    )

    async def _put_through(self, agi: AgiSession, mailbox: Mailbox, question: _Question) -> None:
        """Follow the distributor's words until somebody was there, or nobody will be."""
        await agi.answer()
        await agi.set_music(True)
        while True:
            command = await self._news(agi, mailbox)
            if isinstance(command, CallExits):
                break
            if isinstance(command, MakeOffer) and self._house.legs.is_open(command.offer):
                if await self._ring(agi, command, question):
                    return
                if question.agent is not None:
                    break
                await agi.set_music(True)
        await agi.set_music(False)
        await self._say(agi, "colleague-away")

    async def _news(self, agi: AgiSession, mailbox: Mailbox) -> Command:
        while True:
            command = mailbox.get_nowait()
            if command is not None:
                return command
            await agi.wait_for_digit(LOOK_MS)

    async def _ring(self, agi: AgiSession, offer: MakeOffer, question: _Question) -> bool:
        """Ring from the asking agent's own channel; True when the two spoke with each other."""
        way, legs = self._house.reach(offer.agent, offer.queue), self._house.legs
        status = "CHANUNAVAIL"
        rung = legs.find(offer.offer)
        if rung is not None:
            rung.apart = question.held is not None
        with legs.dialling(offer.offer):
            if way is not None and not await self._distributor.may_ring(offer.agent):
                status = "CANCEL"
            elif way is not None:
                await self._show(agi, offer, question.asker, way)
                status = await self._dial(agi, offer, way)
        if question.stands:
            legs.rung(offer.offer, status)
        return status == "ANSWER"

    async def _dial(self, agi: AgiSession, offer: MakeOffer, way: Way) -> str:
        prepared = way if way.confirm else replace(way, prepare=PREPARE_ASKED)
        options = f"m(default)gi{prepared.options(whisper=False)}"
        await agi.exec("Dial", way.dial, str(int(offer.ring_seconds)), options)
        return way.meaning_of(await agi.get_variable("DIALSTATUS") or "CHANUNAVAIL")

    async def _show(self, agi: AgiSession, offer: MakeOffer, asker: AgentRow, way: Way) -> None:
        """What the colleague's phone will show: who asks, and the caller it is about."""
        card = self._card(offer.contact)
        name = plain(f"{asker.name} asks: {card.caller_name}", 80)
        await agi.set_variable("_TIELINE_OFFER", offer.offer)
        await agi.set_variable("_TIELINE_ABOUT", offer.contact)
        await agi.set_variable("_TIELINE_CALLER_NAME", name)
        await agi.set_variable("_TIELINE_CONTEXT", card.context)
        await agi.set_variable("_TIELINE_WHISPER", "")
        if way.confirm:
            who = await who_calls(self._house.prompts, CallerCard(name, card.context))
            await agi.set_variable("_TIELINE_WHO", who)

    def _card(self, contact_id: str) -> CallerCard:
        contact = self._house.contacts.get(contact_id)
        if contact is None or not contact.waiting_action:
            return CallerCard("a caller", "")
        action = queue_from_json(contact.waiting_action)
        return self._house.card(contact, action, State.from_json(contact.position))

    async def _say(self, agi: AgiSession, name: str) -> None:
        await agi.answer()
        try:
            words = sound_name(await self._house.prompts.path((phrase(name, self._language),)))
        except SpeechFailed as silent:
            log.error("speech failed", prompt=name, why=str(silent))
            words = sound_name(self._house.prompts.fallback(self._language))
        await agi.stream_file(words)
