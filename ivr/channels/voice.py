"""A phone call: one coroutine owns it from its first ring to its last word. Read `run` first.

The flow decides, the call performs; waiting for a person is `ivr.channels.waiting`.

A call ends in one of three ways. The flow hangs up: this coroutine closes the contact. The caller
hangs up: Asterisk says so (`HANGUP`), and what that means depends on where they were. The socket
breaks without a word: Asterisk or this service is going away; the contact is left as it is, and
`ivr.callers` settles it when Asterisk can be asked again.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from acd.model import AgentState
from acd.records.contact import Json
from ivr.agi.session import AgiSession
from ivr.away import SHORTEST
from ivr.channels.caller_card import queue_from_json, queue_to_json
from ivr.channels.joining import joined
from ivr.channels.medium import converse
from ivr.channels.outside import ANSWERED, OutsideCall
from ivr.channels.services import VoiceServices, sound_name
from ivr.channels.talk import Talk, nobody_asks, take_back
from ivr.channels.telephone import Telephone
from ivr.channels.waiting import GRACE, AgentWait, Unanswered
from ivr.errors import AsteriskRefused, CallerHungUp
from ivr.flow.actions import (
    Action,
    Ask,
    Failed,
    Hangup,
    NotRecorded,
    Outcome,
    Prompts,
    Queue,
    QueueLeft,
    Record,
    Recorded,
    Result,
    Said,
    Say,
    Transfer,
    TransferLeft,
    TransferOutcome,
    Voicemail,
)
from ivr.flow.errands import Errand, Findings, Joined
from ivr.flow.model import Flow
from ivr.flow.running import interpreter
from ivr.live import LiveContact
from ivr.speech.engine import SpeechFailed

log = structlog.get_logger(__name__)

TRANSFER_WAIT = 25.0
"""Seconds a caller moved to one agent waits for that agent, before the queue takes them back."""
NOT_NOW: Mapping[AgentState, TransferOutcome] = {
    AgentState.LOGGED_OUT: "no_answer",
    AgentState.PAUSED: "no_answer",
    AgentState.OFFERED: "busy",
    AgentState.TALKING: "busy",
    AgentState.WRAP_UP: "busy",
}
"""What comes of a transfer to one agent whose phone is not rung at all."""
AGENT_LEFT: Mapping[Outcome, TransferOutcome] = {
    "answered": "answered",
    "timeout": "no_answer",
    "nobody": "no_answer",
    "full": "busy",
    "closed": "failed",
    "failed": "failed",
    "key": "failed",
}
TOLD_ALREADY = frozenset({"started", "again"})
"""The contact's own `began` and `resumed` say these, and more."""


class VoiceCall:
    """One phone call in one contact, performed over one AGI session."""

    def __init__(
        self, services: VoiceServices, agi: AgiSession, contact: LiveContact, flow: Flow
    ) -> None:
        self._house, self._agi, self._contact, self._flow = services, agi, contact, flow
        self._wait = AgentWait(services, agi, contact)
        self._outside = OutsideCall(services, agi, contact)
        knock = partial(services.waking.wake, contact.channel)
        self._phone = Telephone(agi, services.prompts, knock)
        self._visit = contact.visits
        self._left_last = ""

    @property
    def _log(self) -> structlog.stdlib.BoundLogger:
        """Bound when something is to be said: few calls ever need it."""
        bound: structlog.stdlib.BoundLogger = log.bind(
            contact=self._contact.id, channel=self._contact.channel
        )
        return bound

    # --- the call, top to bottom -------------------------------------------------------------

    async def run(self, turn: interpreter.Turn) -> None:
        """Perform the flow from `turn` on, until somebody hangs up."""
        house = self._house
        try:
            await converse(
                self._flow,
                turn,
                self,
                self._errand,
                note=self._note,
                now=house.now,
                switches=house.switches,
                news=self._contact.take_answers,
            )
        except CallerHungUp:
            self._caller_left()

    async def carry_on(self, state: interpreter.State) -> None:
        """Take up a wait: after a restart, or a new one after a transfer."""
        try:
            result = await self._taken_up(state)
        except CallerHungUp:
            self._caller_left()
            return
        await self._resume(state, result)

    async def _taken_up(self, state: interpreter.State) -> QueueLeft:
        """What the flow asked for; one agent first, if the caller was moved to that agent.

        Unanswered there, the caller is back in the queue, where somebody stands who has waited
        since the call began.
        """
        contact = self._contact
        asked, since = queue_from_json(contact.waiting_action), None
        if contact.moved_to:
            since = contact.started_at
            only = replace(asked, agent=contact.moved_to, max_wait=TRANSFER_WAIT)
            result = await self._wait.until_served(only, state, unanswered="anyone", since=since)
            contact.moved_to = ""
            if result.outcome in {"answered", "key"}:
                return result
        for_one = state.phase == "transfer" and asked.agent
        unanswered: Unanswered = "leave" if for_one else "again"
        return await self._wait.until_served(asked, state, unanswered=unanswered, since=since)

    async def talk_is_over(self, state: interpreter.State) -> None:
        """The caller comes back from a talk: on with what follows it, once no agent is left."""
        contact, house = self._contact, self._house
        if nobody_asks(house, contact):
            take_back(house, contact)
        try:
            await Talk(house, self._agi, contact).until_over()
        except CallerHungUp:
            self._caller_left()
            return
        contact.phase = "flow"
        await self._resume(state, QueueLeft("answered"))

    async def outside_is_over(self, state: interpreter.State) -> None:
        """The call outside ended while the service was away: on with what follows it."""
        await self._resume(state, await self._outside.left())

    async def _resume(self, state: interpreter.State, result: QueueLeft | TransferLeft) -> None:
        if isinstance(result, QueueLeft) and state.phase == "transfer":
            result = _transferred(result)
        self._left_last = _who_left(result)
        house = self._house
        turn = interpreter.resume(self._flow, state, result, house.now(), house.switches())
        await self.run(turn)

    def _note(self, turn: interpreter.Turn) -> None:
        """Write down what was decided before it is acted on."""
        contact = self._contact
        for event in turn.events:
            if event.kind not in TOLD_ALREADY:
                data: Mapping[str, Any] = event.data
                self._house.contacts.tell(contact, event.kind, data, event.step)
        if isinstance(turn.action, Errand) and not _repeats(turn):
            contact.errands += 1
        if self._house.rehearsal is not None:
            self._house.rehearsal.note(turn)
        contact.position = turn.state.to_json()
        if not isinstance(turn.action, Queue):
            contact.phase = "flow"
        self._house.contacts.keep(contact)

    # --- one action after the other: a `Medium` -----------------------------------------------

    async def perform(self, action: Action, state: interpreter.State) -> Result | None:
        """Do what the flow asks; None once the call is over."""
        result = await self._tried(action, state)
        self._left_last = _who_left(result)
        return result

    async def until(self, work: Coroutine[Any, Any, Findings], prompts: Prompts) -> Findings:
        """What comes of an errand, and no silence meanwhile."""
        self._left_last = ""
        found = await self._phone.until(work, prompts)
        if isinstance(found, Joined):
            return await joined(found, self._house.contacts, self._contact, self._agi)
        return found

    async def _tried(self, action: Action, state: interpreter.State) -> Result | None:
        try:
            return await self._done(action, state)
        except (AsteriskRefused, OSError) as refused:
            self._log.warning("not done", action=type(action).__name__, why=str(refused))
            return Failed(str(refused))
        except SpeechFailed as silent:
            self._log.error("speech failed", action=type(action).__name__, why=str(silent))
            await self._excuse(state.language)
            return Failed(str(silent))

    async def _done(self, action: Action, state: interpreter.State) -> Result | None:
        match action:
            case Say(prompts):
                await self._phone.say(prompts)
                return Said()
            case Ask():
                if state.noinputs or state.nomatches:
                    self._phone.forget_keys()
                return await self._phone.ask(action)
            case Queue():
                return await self._queue(action, state)
            case Transfer():
                return await self._transfer(action, state)
            case Voicemail() | Record():
                return await self._record(action)
            case Hangup():
                await self._hang_up(action)
                return None

    async def _errand(self, errand: Errand, _: interpreter.State) -> Findings:
        contact, house = self._contact, self._house
        return await house.desk.run(
            errand,
            contact=contact.id,
            now=house.now(),
            caller=contact.caller,
            once=f"{contact.id}.{contact.errands}",
        )

    async def _excuse(self, language: str) -> None:
        """Something to hear instead of what cannot be said."""
        try:
            await self._agi.stream_file(sound_name(self._house.prompts.fallback(language)))
        except (AsteriskRefused, SpeechFailed) as mute:
            self._log.error("not even an excuse", why=str(mute))

    # --- people ------------------------------------------------------------------------------

    async def _queue(self, action: Queue, state: interpreter.State) -> QueueLeft:
        if self._house.rehearsal is not None:
            action = self._house.rehearsal.asked(action)
        self._contact.waiting_action, self._contact.moved_to = queue_to_json(action), ""
        self._phone.forget_keys()
        return await self._wait.until_served(action, state)

    async def _transfer(self, action: Transfer, state: interpreter.State) -> TransferLeft:
        self._phone.forget_keys()
        await self._phone.announce(action.prompts)
        if action.outside:
            return await self._outside.ring(action)
        if self._house.rehearsal is not None:
            action = self._house.rehearsal.put_through(action)
        now_is = self._state_of(action.to)
        if now_is is not None and now_is in NOT_NOW:
            return TransferLeft(NOT_NOW[now_is], now_is.value)
        asked = Queue(
            action.queue,
            needs={},
            tell_agent=action.tell_agent,
            whisper=action.whisper,
            agent=action.to,
            max_wait=action.ring + GRACE,
        )
        self._contact.waiting_action, self._contact.moved_to = queue_to_json(asked), ""
        return _transferred(await self._wait.until_served(asked, state, unanswered="leave"))

    def _state_of(self, agent: str) -> AgentState | None:
        """What that agent does now; None for nobody of ours."""
        rows = self._house.distributor.engine.agents_view(self._house.clock())
        return next((row.state for row in rows if row.agent == agent), None)

    # --- recordings --------------------------------------------------------------------------

    async def _record(self, action: Voicemail | Record) -> Recorded | NotRecorded:
        path = self._recording(action)
        recorded = self._recorded(action, path)
        if isinstance(recorded, Recorded):
            return recorded  # while the service was away: Asterisk went on recording
        finish = action.finish_key if isinstance(action, Record) else "#"
        try:
            await self._phone.record(
                action.prompts, self._house.beep, path, action.max_seconds, finish
            )
        except CallerHungUp:
            # A caller who hangs up after the last word has left a message all the same.
            if self._agi.channel_left:
                self._recorded(action, path)
            raise
        recorded = self._recorded(action, path)
        if isinstance(recorded, NotRecorded):
            path.unlink(missing_ok=True)  # a moment of silence
        return recorded

    def _recording(self, action: Voicemail | Record) -> Path:
        contact, folder = self._contact, self._house.messages
        if isinstance(action, Record):
            number = contact.recordings.count(action.name)
            return folder / f"{contact.id}.{action.name}{f'-{number + 1}' if number else ''}.wav"
        number = contact.messages
        return folder / f"{contact.id}{f'-{number + 1}' if number else ''}.wav"

    def _recorded(self, action: Voicemail | Record, path: Path) -> Recorded | NotRecorded:
        """What has been recorded into `path`; from now on it is told of."""
        seconds = _seconds_of(path)
        if seconds < SHORTEST:
            return NotRecorded()
        if isinstance(action, Record):
            self._contact.recordings.append(action.name)
            self._tell("recording", name=action.name, path=path.name, seconds=seconds)
        else:
            self._contact.messages += 1
            self._contact.left_message = True
            self._tell("voicemail", mailbox=action.mailbox, path=path.name, seconds=seconds)
        return Recorded(path.name, seconds)

    # --- the end -----------------------------------------------------------------------------

    async def _hang_up(self, action: Hangup) -> None:
        try:
            await self._phone.announce(action.prompts)
        except (AsteriskRefused, SpeechFailed) as mute:
            self._log.error("no goodbye", why=str(mute))
        # The dialplan first: a caller it sends back in after the end would begin anew.
        with suppress(CallerHungUp):
            await self._agi.set_variable("TIELINE_DONE", "yes")
        outcome = self._contact.outcome("completed")
        self._house.contacts.end(self._contact, outcome, self._left_last or "flow")

    # --- the caller is gone ------------------------------------------------------------------

    def _caller_left(self) -> None:
        """What a hang-up means depends on where the caller was.

        In a conversation it may be a transfer, which takes the channel out of this session just
        as a hang-up does: only Asterisk's own word that the channel is gone ends the contact then.
        While that word cannot be heard, a phone that rang may have been answered. And a channel
        that is in a later session already has not hung up.
        """
        contact, legs = self._contact, self._house.legs
        if not self._agi.channel_left or contact.visits != self._visit:
            return
        unheard = not self._house.waking.connected and legs.may_be_answered(contact)
        if not unheard and not legs.talking(contact):
            legs.caller_left(contact)

    def _tell(self, kind: str, **data: Json) -> None:
        self._house.contacts.tell(self._contact, kind, data)


def _who_left(result: Result | None) -> str:
    """Who ended the conversation that `result` tells of; a goodbye right after it is theirs."""
    match result:
        case TransferLeft("answered", detail) if detail == ANSWERED:
            return "outside"
        case QueueLeft("answered") | TransferLeft("answered"):
            return "agent"
        case _:
            return ""


def _transferred(left: QueueLeft) -> TransferLeft:
    """How a wait for one agent ended, as a transfer; its detail is Dial's word, if it rang."""
    busy = left.outcome == "timeout" and left.detail == "BUSY"
    return TransferLeft("busy" if busy else AGENT_LEFT[left.outcome], left.detail)


def _repeats(turn: interpreter.Turn) -> bool:
    """Whether this is, after a restart, the very asking that was under way before."""
    kinds = {event.kind for event in turn.events}
    return "again" in kinds and "step" not in kinds


def _seconds_of(path: Path) -> float:
    """Length of an 8 kHz 16-bit mono WAV file, from its size; 0 when there is none."""
    try:
        return round(max(0, path.stat().st_size - 44) / 16000, 1)
    except FileNotFoundError:
        return 0.0
