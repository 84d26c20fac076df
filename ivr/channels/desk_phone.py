"""Feature codes: an agent changes state from the phone and hears what came of it.

The dialplan passes the extension that Asterisk authenticated, never the caller's own word for it.
At a phone that is nobody's own it is the agent who logged in there that is meant.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from acd.dispatch import Distributing
from acd.errors import AcdError
from acd.model import (
    MOBILE,
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
from acd.records.contact import ContactEvent
from acd.views import AgentRow
from ivr.agi.session import AgiSession
from ivr.channels.services import PromptFiles, sound_name
from ivr.floor import FloorPlan
from ivr.flow.actions import Prompt
from ivr.pins import Locked, Pins
from ivr.reach import Ways
from ivr.speech.engine import SpeechFailed
from ivr.speech.phrases import paused_for, phrase

log = structlog.get_logger(__name__)

BUSY = frozenset({AgentState.OFFERED, AgentState.TALKING})
MORE_WRAP_UP = 60.0
"""Seconds that one more `*49` adds."""
NUMBER_MS, PIN_MS = 8000, 8000
"""The longest wait for each key of an agent's number and PIN."""


class NoBody(AcdError):
    """Nobody is logged in at this phone."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """A code, dialled: at which phone, by which agent, and the digits after it."""

    phone: str
    agent: str
    more: str


Code = Callable[[Dialled], Awaitable[Prompt]]


@dataclass(frozen=True, slots=True)
class DeskPhone:
    """The routes `agent/...`; `language` is what the phrases are spoken in."""

    distributor: Distributing
    prompts: PromptFiles
    floor: Callable[[], FloorPlan]
    ways: Ways
    pins: Pins
    tell: Callable[[ContactEvent], None]
    clock: Callable[[], float]
    language: str = "en"

    def routes(self) -> Mapping[str, Callable[[AgiSession], Awaitable[None]]]:
        """AGI path -> handler."""
        codes: Mapping[str, Code] = {
            "login": self._login,
            "logout": self._logout,
            "ready": self._ready,
            "pause": self._pause,
            "finish": self._finish,
            "extend": self._extend,
            "status": self._status,
            "queue": self._queue,
            "disposition": self._disposition,
            "mobile": self._mobile,
        }
        handlers = {f"agent/{action}": self._handler(code) for action, code in codes.items()}
        return handlers | {"agent/login": self._log_in_here}

    def _handler(self, code: Code) -> Callable[[AgiSession], Awaitable[None]]:
        async def handle(agi: AgiSession) -> None:
            phone, more = (*agi.env.args, "", "")[:2]
            await agi.answer()
            await self._answer(agi, code, Dialled(phone, self.person_at(phone), more))

        return handle

    async def _answer(self, agi: AgiSession, code: Code, dialled: Dialled) -> None:
        """Do it, and say what came of it."""
        try:
            if not dialled.agent:
                raise NoBody(dialled.phone)
            prompt = await code(dialled)
        except AcdError as refused:
            log.info("feature code refused", agent=dialled.agent, why=str(refused))
            prompt = self._refusal(dialled)
        await agi.stream_file(await self._file(prompt))
        await agi.set_variable("TIELINE_DONE", "yes")

    async def _file(self, prompt: Prompt) -> str:
        """The words, or a chime: what was asked for is done, so "not available" would be untrue."""
        try:
            return sound_name(await self.prompts.path((prompt,)))
        except SpeechFailed as silent:
            log.error("speech failed", prompt=prompt.text, why=str(silent))
            return sound_name(self.prompts.fallback(self.language))

    # --- who is meant -----------------------------------------------------------------------------

    def person_at(self, phone: str) -> str:
        """The agent this phone speaks for; "" when nobody is logged in there."""
        if phone not in self.floor().phones.desks:
            return phone
        return self.distributor.engine.agent_at(phone) or ""

    async def _log_in_here(self, agi: AgiSession) -> None:
        """`*41`: at a phone that is nobody's own, who it is is asked first."""
        phone = (*agi.env.args, "")[0]
        agent = self.person_at(phone)
        await agi.answer()
        if not agent and phone in self.floor().phones.desks:
            known = await self._asked_for(agi, phone)
            if isinstance(known, Prompt):
                await agi.stream_file(await self._file(known))
                await agi.set_variable("TIELINE_DONE", "yes")
                return
            agent = known
        await self._answer(agi, self._login, Dialled(phone, agent, ""))

    async def _asked_for(self, agi: AgiSession, phone: str) -> str | Prompt:
        """Agent number and PIN from the keys; the agent, or the words that refuse them."""
        agent, _ = await agi.get_data(await self._file(self._say("desk-number")), NUMBER_MS, 15)
        pin, _ = await agi.get_data(await self._file(self._say("desk-pin")), PIN_MS, 15)
        try:
            fits = await self.pins.fits(agent, pin, phone) and self.floor().is_agent(agent)
        except Locked:
            log.warning("log-in at a desk is locked", agent=agent, channel=agi.env.channel)
            return self._say("desk-locked")
        if not fits:
            log.info("log-in at a desk refused", channel=agi.env.channel)
            return self._say("desk-wrong")
        return agent

    # --- one method for each code: do it, and say what is true now ------------------------------

    async def _login(self, dialled: Dialled) -> Prompt:
        agent, phone = dialled.agent, self._seat(dialled.phone)
        row = self._row(agent)
        if row.state is AgentState.LOGGED_OUT:
            await self._tell(LoggedIn(self.clock(), agent, phone=phone))
            return self._say("agent-logged-in")
        if row.phone != phone:
            await self._tell(PhoneTaken(self.clock(), agent, phone))
            return self._say("at-this-phone")
        return await self._status(dialled)

    def _seat(self, phone: str) -> str:
        """What the distributor calls a phone: "" for the agent's own."""
        return phone if phone in self.floor().phones.desks else ""

    async def _logout(self, dialled: Dialled) -> Prompt:
        if self._state(dialled) is not AgentState.LOGGED_OUT:
            await self._tell(LoggedOut(self.clock(), dialled.agent))
        return self._say("agent-logged-out")

    async def _ready(self, dialled: Dialled) -> Prompt:
        agent, state = dialled.agent, self._state(dialled)
        if state is AgentState.LOGGED_OUT:
            await self._tell(LoggedIn(self.clock(), agent))
        elif state is not AgentState.READY:
            await self._tell(Readied(self.clock(), agent))
        return self._say("agent-ready")

    async def _pause(self, dialled: Dialled) -> Prompt:
        reasons, key = self.floor().floor.pause_reasons, dialled.more
        if key and not _picks(key, reasons):
            return self._say("no-such-reason")
        usual = "break" if "break" in reasons or not reasons else reasons[0]
        reason = reasons[int(key) - 1] if key else usual
        state = self._state(dialled)
        await self._tell(Paused(self.clock(), dialled.agent, reason))
        if state in BUSY:
            return self._say("agent-paused-after-call")
        return paused_for(reason, self.language) if key else self._say("agent-paused")

    async def _finish(self, dialled: Dialled) -> Prompt:
        if self._state(dialled) is not AgentState.WRAP_UP:
            return self._say("no-wrap-up")
        await self._tell(WrapUpEnded(self.clock(), dialled.agent))
        # What was asked during the work at hand has taken effect: a break, or the way home.
        if self._state(dialled) is AgentState.LOGGED_OUT:
            return self._say("agent-logged-out")
        paused = self._state(dialled) is AgentState.PAUSED
        return await self._status(dialled) if paused else self._say("wrap-up-ended")

    async def _extend(self, dialled: Dialled) -> Prompt:
        if self._state(dialled) is not AgentState.WRAP_UP:
            return self._say("no-wrap-up")
        await self._tell(WrapUpExtended(self.clock(), dialled.agent, MORE_WRAP_UP))
        return self._say("wrap-up-extended")

    async def _status(self, dialled: Dialled) -> Prompt:
        row = self._row(dialled.agent)
        if row.disposition_due:
            return self._say("disposition-due")
        if row.state is AgentState.PAUSED:
            return paused_for(row.reason, self.language)
        if row.state is AgentState.LOGGED_OUT:
            return self._say("agent-not-logged-in")
        return self._say("agent-ready" if row.state is AgentState.READY else "agent-busy")

    async def _queue(self, dialled: Dialled) -> Prompt:
        """Leave one of their queues, or take its calls again."""
        row = self._row(dialled.agent)
        queue = self.floor().queue_of(dialled.more)
        if queue is None and _picks(dialled.more, row.queues):
            queue = row.queues[int(dialled.more) - 1]
        if queue is None or queue not in row.queues:
            return self._say("no-such-queue")
        back = queue in row.out_of
        event = QueueJoined if back else QueueLeft
        await self._tell(event(self.clock(), dialled.agent, queue))
        title = self.floor().title(queue)
        return phrase("queue-joined" if back else "queue-left", self.language, queue=title)

    async def _disposition(self, dialled: Dialled) -> Prompt:
        """How the last call ended."""
        row, words, key = self._row(dialled.agent), self.floor().dispositions, dialled.more
        if row.state not in {AgentState.TALKING, AgentState.WRAP_UP}:
            return self._say("no-disposition")
        if not key and words:
            return self._say("disposition-due" if row.disposition_due else "no-such-disposition")
        if key and not _picks(key, words):
            return self._say("no-such-disposition")
        word = words[int(key) - 1] if key else "done"
        await self._tell(DispositionGiven(self.clock(), dialled.agent, word))
        if row.last_contact:
            told = {"agent": dialled.agent, "disposition": word}
            self.tell(ContactEvent(row.last_contact, self.clock(), "disposition", "", told))
        return phrase("disposition-given", self.language, disposition=word.replace("-", " "))

    async def _mobile(self, dialled: Dialled) -> Prompt:
        """Take calls on the mobile, or at this phone again."""
        agent, row = dialled.agent, self._row(dialled.agent)
        if row.phone == MOBILE:
            await self._tell(PhoneTaken(self.clock(), agent, self._seat(dialled.phone)))
            return self._say("at-this-phone")
        if self.ways.mobile(agent) is None:
            return self._say("no-mobile")
        out = row.state is AgentState.LOGGED_OUT
        event = LoggedIn(self.clock(), agent, phone=MOBILE) if out else None
        await self._tell(event or PhoneTaken(self.clock(), agent, MOBILE))
        return self._say("on-the-mobile")

    # --- helpers ----------------------------------------------------------------------------------

    def _state(self, dialled: Dialled) -> AgentState:
        return self._row(dialled.agent).state

    def _row(self, agent: str) -> AgentRow:
        return self.distributor.engine.agent_row(agent, self.clock())

    async def _tell(self, event: Event) -> None:
        self.distributor.send(event)
        await self.distributor.settled()

    def _refusal(self, dialled: Dialled) -> Prompt:
        if not dialled.agent:
            desk = dialled.phone in self.floor().phones.desks
            return self._say("desk-free" if desk else "agent-unknown")
        try:
            row = self._row(dialled.agent)
        except AcdError:
            return self._say("agent-unknown")
        if row.disposition_due:
            return self._say("disposition-due")
        logged_out = row.state is AgentState.LOGGED_OUT
        return self._say("agent-not-logged-in" if logged_out else "agent-busy")

    def _say(self, name: str) -> Prompt:
        return phrase(name, self.language)


def _picks(key: str, words: tuple[str, ...]) -> bool:
    """Whether these keys pick one of the words, counted from 1."""
    return key.isdecimal() and 1 <= int(key) <= len(words)
