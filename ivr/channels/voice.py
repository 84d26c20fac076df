"""A phone call: one coroutine owns it from its first ring to its last word. Read `run` first.

The flow decides, the call performs; waiting for a person is `ivr.channels.waiting`.

A call ends in one of three ways. The flow hangs up: this coroutine closes the contact. The caller
hangs up: Asterisk says so (`HANGUP`), and what that means depends on where they were. The socket
breaks without a word: Asterisk or this service is going away; the contact is left as it is, and
`ivr.callers` settles it when Asterisk can be asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from acd.records.contact import Json
from ivr.agi.session import AgiSession
from ivr.away import SHORTEST
from ivr.channels.caller_card import queue_from_json, queue_to_json
from ivr.channels.services import VoiceServices, sound_name
from ivr.channels.waiting import WAKE_DIGIT, AgentWait
from ivr.errors import AsteriskRefused, CallerHungUp
from ivr.flow import interpreter
from ivr.flow.actions import (
    Action,
    Ask,
    Failed,
    Hangup,
    Identify,
    Keys,
    NoKeys,
    NotRecorded,
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
from ivr.live import LiveContact
from ivr.speech.engine import SpeechFailed

log = structlog.get_logger(__name__)

TRANSFER_WAIT = 25.0
"""Seconds a caller moved to one agent waits for that agent, before the queue takes them back."""
TOLD_ALREADY = frozenset({"started", "again"})
"""The contact's own `began` and `resumed` say these, and more."""


class VoiceCall:
    """One phone call in one contact, performed over one AGI session."""

    def __init__(
        self, services: VoiceServices, agi: AgiSession, contact: LiveContact, flow: Flow
    ) -> None:
        self._house, self._agi, self._contact, self._flow = services, agi, contact, flow
        self._wait = AgentWait(services, agi, contact)
        self._visit = contact.visits
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
                # A goodbye right after the conversation: it was the agent who ended the call.
                self._agent_left_last = result == QueueLeft("answered")
                turn = interpreter.resume(self._flow, turn.state, result, now)
        except CallerHungUp:
            self._caller_left()

    async def carry_on(self, state: interpreter.State) -> None:
        """Take up a wait: after a restart, or a new one after a transfer."""
        try:
            result = await self._served(state)
        except CallerHungUp:
            self._caller_left()
            return
        await self._resume(state, result)

    async def _served(self, state: interpreter.State) -> QueueLeft:
        """What the flow asked for; one agent first, if the caller was moved to that agent.

        Unanswered there, the caller is back in the queue, where somebody stands who has waited
        since the call began.
        """
        contact = self._contact
        asked, since = queue_from_json(contact.waiting_action), None
        if contact.moved_to:
            since = contact.started_at
            only = replace(asked, agent=contact.moved_to, max_wait=TRANSFER_WAIT)
            result = await self._wait.until_served(only, state, once=True, since=since)
            contact.moved_to = ""
            if result.outcome == "answered":
                return result
        return await self._wait.until_served(asked, state, since=since)

    async def talk_is_over(self, state: interpreter.State) -> None:
        """The agent left while the service was away: on with what follows a conversation."""
        self._contact.phase = "flow"
        await self._resume(state, QueueLeft("answered"))

    async def _resume(self, state: interpreter.State, result: Result) -> None:
        self._agent_left_last = result == QueueLeft("answered")
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
                    return await self._queue(action, state)
                case Voicemail():
                    return await self._voicemail(action)
                case Hangup():
                    await self._hang_up(action)
                    return None
        except (AsteriskRefused, OSError) as refused:
            self._log.warning("not done", action=type(action).__name__, why=str(refused))
            return Failed(str(refused))
        except SpeechFailed as silent:
            self._log.error("speech failed", action=type(action).__name__, why=str(silent))
            await self._excuse(state.language)
            return Failed(str(silent))

    async def _excuse(self, language: str) -> None:
        """Something to hear instead of what cannot be said."""
        try:
            await self._agi.stream_file(sound_name(self._house.prompts.fallback(language)))
        except (AsteriskRefused, SpeechFailed) as mute:
            self._log.error("not even an excuse", why=str(mute))

    async def _queue(self, action: Queue, state: interpreter.State) -> QueueLeft:
        self._contact.waiting_action, self._contact.moved_to = queue_to_json(action), ""
        return await self._wait.until_served(action, state)

    # --- words and keys ----------------------------------------------------------------------

    async def _say(self, action: Say) -> Result:
        if action.prompts:
            await self._agi.stream_file(await self._file(action.prompts))
        return Said()

    async def _ask(self, action: Ask) -> Result:
        """One GET DATA a question: no key can fall between two commands."""
        prompt = ""
        if action.prompts and action.barge_in:
            prompt = await self._file(action.prompts)
        elif action.prompts:
            await self._agi.stream_file(await self._file(action.prompts))
        wait = (
            action.timeout if action.length_max == 1 else max(action.timeout, action.digit_timeout)
        )
        digits = WAKE_DIGIT
        while digits == WAKE_DIGIT:  # a knock at the door of the queue that came late: no key
            digits, timed_out = await self._agi.get_data(
                prompt, int(wait * 1000), action.length_max
            )
        digits = digits.replace(WAKE_DIGIT, "")
        if digits:
            return Keys(digits)
        finished_at_once = not timed_out and action.length_max == 1
        return Keys("#") if finished_at_once and action.finish_key != "#" else NoKeys()

    async def _voicemail(self, action: Voicemail) -> Result:
        contact, folder = self._contact, self._house.messages
        number = f"-{contact.messages + 1}" if contact.messages else ""
        path = folder / f"{contact.id}{number}.wav"
        spoken = self._message(action, path)
        if isinstance(spoken, Recorded):
            return spoken  # while the service was away: Asterisk went on recording
        if action.prompts:
            await self._agi.stream_file(await self._file(action.prompts))
        await self._agi.stream_file(sound_name(self._house.beep))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            await self._agi.record_file(
                sound_name(path),
                max_ms=int(action.max_seconds * 1000),
                beep=False,
                silence_seconds=5,
            )
        except CallerHungUp:
            # A caller who hangs up after the last word has left a message all the same.
            if self._agi.channel_left:
                self._message(action, path)
            raise
        return self._message(action, path)

    def _message(self, action: Voicemail, path: Path) -> Recorded | NotRecorded:
        """What has been recorded into `path`; from now on it is told of."""
        seconds = _seconds_of(path)
        if seconds < SHORTEST:
            return NotRecorded()
        self._contact.messages += 1
        self._contact.left_message = True
        self._tell("voicemail", mailbox=action.mailbox, path=path.name, seconds=seconds)
        return Recorded(path.name, seconds)

    async def _hang_up(self, action: Hangup) -> None:
        try:
            if action.prompts:
                await self._agi.stream_file(await self._file(action.prompts))
        except (AsteriskRefused, SpeechFailed) as mute:
            self._log.error("no goodbye", why=str(mute))
        # The dialplan first: a caller it sends back in after the end would begin anew.
        with suppress(CallerHungUp):
            await self._agi.set_variable("TIELINE_DONE", "yes")
        by = "agent" if self._agent_left_last else "flow"
        self._house.contacts.end(self._contact, self._contact.outcome("completed"), by)

    async def _file(self, prompts: tuple[Prompt, ...]) -> str:
        return sound_name(await self._house.prompts.path(prompts))

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


def _seconds_of(path: Path) -> float:
    """Length of an 8 kHz 16-bit mono WAV file, from its size; 0 when there is none."""
    try:
        return round(max(0, path.stat().st_size - 44) / 16000, 1)
    except FileNotFoundError:
        return 0.0
