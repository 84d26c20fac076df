"""A phone call: one coroutine owns it from its first ring to its last word. Read `run` first.

The flow decides, the call performs. While a caller waits, the channel sits in WAIT FOR DIGIT under
music; when the distributor has news, `_rouse` plays the spare digit D into the channel and the
coroutine looks again. The agent is rung by Dial from the caller's own channel, so a caller who
hangs up takes the ringing along and nobody is rung for a caller who is gone.

A call ends in one of three ways. The flow hangs up: this coroutine closes the contact. The caller
hangs up: Asterisk says so (`HANGUP`), and what that means depends on where they were. The socket
breaks without a word: Asterisk or this service is going away; the contact is left as it is, and
`ivr.callers` settles it when Asterisk can be asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import structlog

from acd.distributor import Distributor, Mailbox
from acd.errors import AcdError
from acd.model import CallExits, CallFreed, CallQueued, Cause, Command, Exit, MakeOffer
from acd.records.contact import Json
from ivr.agi.session import AgiSession
from ivr.channels.caller_card import CallerCard, queue_to_json
from ivr.errors import AsteriskRefused, AsteriskUnreachable, CallerHungUp
from ivr.flow import interpreter
from ivr.flow.actions import (
    Action,
    Ask,
    Failed,
    Hangup,
    Identified,
    Identify,
    Keys,
    NoKeys,
    NotRecorded,
    Outcome,
    Prompt,
    Queue,
    QueueLeft,
    Recorded,
    Result,
    Said,
    Say,
    Voicemail,
)
from ivr.flow.model import Flow
from ivr.legs import Legs
from ivr.live import LiveContact, LiveContacts
from ivr.speech.engine import SpeechFailed

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


TOLD_ALREADY = frozenset({"started", "again"})
"""The contact's own `began` and `resumed` say these, and more."""


class PromptFiles(Protocol):
    """Turns words into a sound file."""

    async def path(self, prompts: Sequence[Prompt]) -> Path:
        """One WAV file for all of them; raises SpeechFailed."""
        ...

    def fallback(self, language: str) -> Path:
        """What is played when `path` fails."""
        ...


class Waking(Protocol):
    """The one thing a waiting call needs from AMI."""

    async def wake(self, channel: str) -> None:
        """Play the wake digit into the channel."""
        ...


class Tables(Protocol):
    """Checks what a caller gave against a table."""

    async def verify(self, action: Identify) -> Identified:
        """Whether it matches, and who it is."""
        ...


@dataclass(frozen=True, slots=True)
class VoiceServices:
    """What a call needs from the house."""

    distributor: Distributor
    contacts: LiveContacts
    legs: Legs
    prompts: PromptFiles
    tables: Callable[[], Tables]
    waking: Waking
    card: Callable[[LiveContact, Queue, interpreter.State], CallerCard]
    messages: Path
    beep: Path
    clock: Callable[[], float]
    now: Callable[[], datetime]


class VoiceCall:
    """One phone call in one contact, performed over one AGI session."""

    def __init__(
        self, services: VoiceServices, agi: AgiSession, contact: LiveContact, flow: Flow
    ) -> None:
        self._house, self._agi, self._contact, self._flow = services, agi, contact, flow
        self._agent_left_last = False
        self._log = log.bind(contact=contact.id, channel=contact.channel)

    # --- the call, top to bottom -------------------------------------------------------------

    async def run(self, turn: interpreter.Turn) -> None:
        """Perform the flow from `turn` on, until somebody hangs up."""
        try:
            while True:
                self._note(turn)
                result = await self._perform(turn.action, turn.state)
                if result is None:
                    return
                now = self._house.now()
                turn = interpreter.resume(self._flow, turn.state, result, now)
        except CallerHungUp:
            self._caller_left()

    async def carry_on(self, state: interpreter.State, action: Queue) -> None:
        """Take up a wait: after a restart, or a new one after a transfer."""
        await self._until_served(state, self._wait_for_agent(action, state))

    async def try_agent(self, state: interpreter.State, only: Queue, back_to: Queue) -> None:
        """Ring one agent once (a transfer); unanswered, the caller is back in the queue.

        There they stand where somebody stands who has waited since the call began.
        """
        since = self._contact.started_at

        async def attempt() -> QueueLeft:
            result = await self._wait_for_agent(only, state, once=True, since=since)
            if result.outcome == "answered":
                return result
            return await self._wait_for_agent(back_to, state, since=since)

        await self._until_served(state, attempt())

    async def _until_served(
        self, state: interpreter.State, wait: Coroutine[Any, Any, QueueLeft]
    ) -> None:
        try:
            result = await wait
        except CallerHungUp:
            self._caller_left()
            return
        await self._resume(state, result)

    async def talk_is_over(self, state: interpreter.State) -> None:
        """The agent left while the service was away: on with what follows a conversation."""
        self._contact.phase = "flow"
        await self._resume(state, QueueLeft("answered"))

    async def _resume(self, state: interpreter.State, result: Result) -> None:
        await self.run(interpreter.resume(self._flow, state, result, self._house.now()))

    def _note(self, turn: interpreter.Turn) -> None:
        """Write down what was decided before it is acted on."""
        contact = self._contact
        for event in turn.events:
            if event.kind not in TOLD_ALREADY:
                data: Mapping[str, Any] = event.data
                self._house.contacts.tell(contact, event.kind, data, event.step)
        contact.position = turn.state.to_json()
        if not isinstance(turn.action, Queue):
            contact.phase = "flow"
        self._house.contacts.keep(contact)

    async def _perform(self, action: Action, state: interpreter.State) -> Result | None:
        """Do what the flow asks; None once the call is over."""
        try:
            match action:
                case Say():
                    return await self._say(action)
                case Ask():
                    return await self._ask(action)
                case Identify():
                    return await self._house.tables().verify(action)
                case Queue():
                    return await self._wait_for_agent(action, state)
                case Voicemail():
                    return await self._voicemail(action)
                case Hangup():
                    await self._hang_up(action)
                    return None
        except AsteriskRefused as refused:
            self._log.warning("asterisk refused", action=type(action).__name__, why=str(refused))
            return Failed(str(refused))
        except SpeechFailed as silent:
            self._log.error("speech failed", action=type(action).__name__, why=str(silent))
            await self._agi.stream_file(self._sound(self._house.prompts.fallback(state.language)))
            return Failed(str(silent))

    # --- words and keys ----------------------------------------------------------------------

    async def _say(self, action: Say) -> Result:
        if action.prompts:
            await self._agi.stream_file(await self._file(action.prompts))
        return Said()

    async def _ask(self, action: Ask) -> Result:
        """One GET DATA a question: no key can fall between two commands."""
        self._agent_left_last = False
        prompt = ""
        if action.prompts and action.barge_in:
            prompt = await self._file(action.prompts)
        elif action.prompts:
            await self._agi.stream_file(await self._file(action.prompts))
        wait = (
            action.timeout if action.length_max == 1 else max(action.timeout, action.digit_timeout)
        )
        digits, timed_out = await self._agi.get_data(prompt, int(wait * 1000), action.length_max)
        digits = digits.replace(WAKE_DIGIT, "")
        if digits:
            return Keys(digits)
        finished_at_once = not timed_out and action.length_max == 1
        return Keys("#") if finished_at_once and action.finish_key != "#" else NoKeys()

    async def _voicemail(self, action: Voicemail) -> Result:
        if action.prompts:
            await self._agi.stream_file(await self._file(action.prompts))
        await self._agi.stream_file(self._sound(self._house.beep))
        self._house.messages.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._house.messages / f"{self._contact.id}.wav"
        try:
            await self._agi.record_file(
                self._sound(path),
                max_ms=int(action.max_seconds * 1000),
                beep=False,
                silence_seconds=5,
            )
        finally:
            # A caller who hangs up after the last word has left a message all the same.
            seconds = _seconds_of(path)
            if seconds >= 1:
                self._tell("voicemail", mailbox=action.mailbox, path=path.name, seconds=seconds)
        return Recorded(path.name, seconds) if seconds >= 1 else NotRecorded()

    async def _hang_up(self, action: Hangup) -> None:
        if action.prompts:
            await self._agi.stream_file(await self._file(action.prompts))
        outcome = "answered" if self._contact.agent else "completed"
        by = "agent" if self._agent_left_last else "flow"
        self._house.contacts.end(self._contact, outcome, by)
        await self._agi.set_variable("TIELINE_DONE", "yes")

    async def _file(self, prompts: tuple[Prompt, ...]) -> str:
        return self._sound(await self._house.prompts.path(prompts))

    @staticmethod
    def _sound(path: Path) -> str:
        """Asterisk names a sound without its extension."""
        return str(path.with_suffix(""))

    # --- waiting for a person ----------------------------------------------------------------

    async def _wait_for_agent(
        self,
        action: Queue,
        state: interpreter.State,
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
                    self._agent_left_last = True
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

    async def _prepare(self, action: Queue, state: interpreter.State) -> CallerCard:
        """Put on the channel what an agent's phone will show: ready before it is needed."""
        card = self._house.card(self._contact, action, state)
        await self._agi.set_variable("_TIELINE_CALLER_NAME", card.caller_name)
        await self._agi.set_variable("_TIELINE_CONTEXT", card.context)
        whisper = await self._file((action.whisper,)) if action.whisper else ""
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
        options = f"m(default)gb(leg^s^1){whisper}"
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

    # --- the caller is gone ------------------------------------------------------------------

    def _caller_left(self) -> None:
        """What a hang-up means depends on where the caller was.

        In a conversation it may be a transfer, which takes the channel out of this session just
        as a hang-up does: only Asterisk's own word that the channel is gone ends the contact then.
        """
        if self._agi.channel_left and not self._house.legs.talking(self._contact):
            self._house.legs.caller_left(self._contact)

    def _tell(self, kind: str, **data: Json) -> None:
        self._house.contacts.tell(self._contact, kind, data)


def _seconds_of(path: Path) -> float:
    """Length of an 8 kHz 16-bit mono WAV file, from its size; 0 when there is none."""
    try:
        return round(max(0, path.stat().st_size - 44) / 16000, 1)
    except FileNotFoundError:
        return 0.0
