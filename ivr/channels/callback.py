"""The two lines of a callback: the customer's, and that of an agent who is rung first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from acd.model import Cause
from ivr.agi.session import AgiSession
from ivr.callbacks.dialling import Dialler
from ivr.channels.outside import ANSWERED, SURELY_ANSWERED
from ivr.channels.services import VoiceServices, sound_name
from ivr.channels.voice import VoiceCall
from ivr.errors import AsteriskRefused, CallerHungUp
from ivr.floor.calling import Calling
from ivr.flow.actions import Ask, Keys, Prompt, QueueLeft, TransferLeft
from ivr.flow.model import Flow
from ivr.flow.running.state import State
from ivr.live import LiveContact
from ivr.speech.engine import SpeechFailed
from ivr.speech.phrases import phrase

log = structlog.get_logger(__name__)

CONFIRM_WITHIN = 6.0
"""Seconds after the words for the key that tells a person from a machine."""
OPTIONS = "gRi"
"""Options of Dial, as in `ivr.channels.outside`."""
DIALLED: Mapping[str, Cause] = {
    "BUSY": Cause.BUSY,
    "NOANSWER": Cause.NO_ANSWER,
    "DONTCALL": Cause.REJECTED,
    "TORTURE": Cause.REJECTED,
    "CANCEL": Cause.LOST,
}
"""DIALSTATUS of app_dial; everything else: the customer could not be reached."""


class CalledBack(VoiceCall):
    """A customer who has picked up: they hear who calls, and wait for the agent who is kept.

    No flow has them; the talk is all there is, and what was promised is kept by it.
    """

    def __init__(
        self,
        services: VoiceServices,
        agi: AgiSession,
        contact: LiveContact,
        dialler: Dialler,
    ) -> None:
        super().__init__(services, agi, contact, Flow("", "", "", "", {}))
        self._dialler, self._book = dialler, dialler.book
        self._calling: Calling = dialler.calling(contact)

    async def greet(self, state: State) -> None:
        """From the moment they pick up."""
        try:
            there = await self._somebody_is_there(state.language)
        except CallerHungUp:
            self._caller_left()
            return
        if not there:
            self._dialler.failed(self._contact, Cause.NO_ANSWER)
        elif self._dialler.reached(self._contact):
            await self.carry_on(state)
            return
        await self._finish("unreached")

    async def _somebody_is_there(self, language: str) -> bool:
        """Say who calls; with a key to confirm, a machine that picked up takes no agent."""
        key, own = self._calling.confirm, self._calling.words(language)
        words = [Prompt(own, language) if own else phrase("callback-hello", language)]
        try:
            if not key:
                await self._phone.say(tuple(words))
                return True
            words.append(phrase("callback-confirm", language, key=key))
            ask = Ask(tuple(words), finish_key="", timeout=CONFIRM_WITHIN)
            return await self._phone.ask(ask) == Keys(key)
        except SpeechFailed as silent:
            self._log.error("speech failed", action="callback", why=str(silent))
            return not key

    async def _resume(self, state: State, result: QueueLeft | TransferLeft) -> None:
        """After the talk nothing more; who met nobody hears whether they are called again."""
        if result.outcome == "answered":
            await self._finish("answered", "agent")
            return
        again = await self._book.again(self._contact)
        words = phrase("callback-again" if again else "callback-sorry", state.language)
        try:
            await self._phone.announce((words,))
        except CallerHungUp:
            self._caller_left()
            return
        except (AsteriskRefused, SpeechFailed) as mute:
            self._log.error("no words for a customer nobody was there for", why=str(mute))
        await self._finish("unreached")

    async def _finish(self, outcome: str, by: str = "flow") -> None:
        """Hang up. The dialplan first: a caller it sends back in after the end would begin anew."""
        with suppress(CallerHungUp):
            await self._agi.set_variable("TIELINE_DONE", "yes")
        self._house.contacts.end(self._contact, self._contact.outcome(outcome), by)

    async def come_back(self, state: State) -> None:
        """The service was away while they were on this line, or an agent has moved them on."""
        match self._contact.phase:
            case "waiting":
                await self.carry_on(state)
            case "talking":
                await self.talk_is_over(state)
            case _:
                await self._finish("unreached")


async def take_up(
    services: VoiceServices, agi: AgiSession, contact: LiveContact, dialler: Dialler
) -> None:
    """Own the line of a customer who has just picked up, or comes back."""
    state = State.from_json(contact.position)
    if dialler.admits(contact, agi.env.uniqueid):
        dialler.picked_up(contact, agi.env.channel, agi.env.uniqueid)
        await CalledBack(services, agi, contact, dialler).greet(state)
    else:
        await CalledBack(services, agi, contact, dialler).come_back(state)


class AgentLine:
    """The route `callback`: an agent has taken a callback, and the customer is dialled."""

    def __init__(self, services: VoiceServices, dialler: Dialler, language: str = "en") -> None:
        self._house, self._dialler, self._language = services, dialler, language

    async def enter(self, agi: AgiSession) -> None:
        """Own the agent's channel until it hangs up."""
        contact_id, offer = (*agi.env.args, "", "")[:2]
        try:
            await self._serve(agi, contact_id, offer)
            await agi.set_variable("TIELINE_DONE", "yes")
        except CallerHungUp:
            log.info("the agent has left a callback", contact=contact_id, offer=offer)

    async def _serve(self, agi: AgiSession, contact_id: str, offer: str) -> None:
        contact = self._house.contacts.get(contact_id)
        if contact is None or not self._house.legs.knows(offer):
            return
        if contact.dial != offer and self._house.legs.may_dial(offer):
            await self._whisper(agi)
            if not await self._ring(agi, contact, offer):
                return
        # After a death of the service in the middle, Asterisk still knows how its Dial went.
        status = await agi.get_variable("DIALSTATUS") or ""
        if status == ANSWERED:
            self._dialler.customer_answered(contact.id)
            if self._house.legs.knows(offer):
                self._house.legs.caller_left(contact)
        else:
            self._dialler.failed(contact, DIALLED.get(status, Cause.UNREACHABLE))

    async def _ring(self, agi: AgiSession, contact: LiveContact, offer: str) -> bool:
        """Dial the customer, and stay until one of the two hangs up; False when nobody is."""
        order = await self._dialler.taken(contact, offer)
        if order is None:
            return False
        await agi.set_variable("DIALSTATUS", "")
        command, target = order
        answered, loop = self._dialler.customer_answered, asyncio.get_running_loop()
        late = loop.call_later(command.ring_seconds + SURELY_ANSWERED, answered, contact.id)
        try:
            await agi.exec("Dial", target, str(int(command.ring_seconds)), OPTIONS)
        finally:
            late.cancel()
        return True

    async def _whisper(self, agi: AgiSession) -> None:
        try:
            words = phrase("callback-agent", self._language)
            await agi.stream_file(sound_name(await self._house.prompts.path((words,))))
        except SpeechFailed as silent:
            log.error("speech failed", action="callback", why=str(silent))
