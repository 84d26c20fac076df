"""Feature codes: an agent changes state from the phone and hears what came of it.

The dialplan passes the extension that Asterisk authenticated, never the caller's own word for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from acd.dispatch import Distributing
from acd.errors import AcdError, UnknownAgent
from acd.model import AgentState, Event, LoggedIn, LoggedOut, Paused, Readied, WrapUpEnded
from acd.views import AgentRow
from ivr.agi.session import AgiSession
from ivr.channels.services import PromptFiles, sound_name
from ivr.flow.actions import Prompt
from ivr.speech.engine import SpeechFailed
from ivr.speech.phrases import paused_for, phrase

log = structlog.get_logger(__name__)

BUSY = frozenset({AgentState.OFFERED, AgentState.TALKING})


@dataclass(frozen=True, slots=True)
class DeskPhone:
    """The routes `agent/...`; `language` is what the phrases are spoken in."""

    distributor: Distributing
    prompts: PromptFiles
    pause_reasons: Callable[[], tuple[str, ...]]
    clock: Callable[[], float]
    language: str = "en"

    def routes(self) -> Mapping[str, Callable[[AgiSession], Awaitable[None]]]:
        """AGI path -> handler."""
        answers: Mapping[str, Callable[[str, str], Awaitable[Prompt]]] = {
            "login": self._login,
            "logout": self._logout,
            "ready": self._ready,
            "pause": self._pause,
            "finish": self._finish,
            "status": self._status,
        }
        return {f"agent/{action}": self._handler(answer) for action, answer in answers.items()}

    def _handler(
        self, answer: Callable[[str, str], Awaitable[Prompt]]
    ) -> Callable[[AgiSession], Awaitable[None]]:
        async def handle(agi: AgiSession) -> None:
            agent, reason = (*agi.env.args, "", "")[:2]
            try:
                prompt = await answer(agent, reason)
            except AcdError as refused:
                log.info("feature code refused", agent=agent, why=str(refused))
                prompt = self._refusal(agent)
            await agi.answer()
            await agi.stream_file(await self._file(prompt))
            await agi.set_variable("TIELINE_DONE", "yes")

        return handle

    async def _file(self, prompt: Prompt) -> str:
        """The words, or a chime: what was asked for is done, so "not available" would be untrue."""
        try:
            return sound_name(await self.prompts.path((prompt,)))
        except SpeechFailed as silent:
            log.error("speech failed", prompt=prompt.text, why=str(silent))
            return sound_name(self.prompts.fallback(self.language))

    # --- one method for each code: do it, and say what is true now ------------------------------

    async def _login(self, agent: str, _: str) -> Prompt:
        if self._state(agent) is not AgentState.LOGGED_OUT:
            return await self._status(agent, "")
        await self._tell(LoggedIn(self.clock(), agent))
        return self._say("agent-logged-in")

    async def _logout(self, agent: str, _: str) -> Prompt:
        if self._state(agent) is not AgentState.LOGGED_OUT:
            await self._tell(LoggedOut(self.clock(), agent))
        return self._say("agent-logged-out")

    async def _ready(self, agent: str, _: str) -> Prompt:
        state = self._state(agent)
        if state is AgentState.LOGGED_OUT:
            await self._tell(LoggedIn(self.clock(), agent))
        elif state is not AgentState.READY:
            await self._tell(Readied(self.clock(), agent))
        return self._say("agent-ready")

    async def _pause(self, agent: str, key: str) -> Prompt:
        reasons = self.pause_reasons()
        if key and not (key.isdecimal() and 1 <= int(key) <= len(reasons)):
            return self._say("no-such-reason")
        usual = "break" if "break" in reasons or not reasons else reasons[0]
        reason = reasons[int(key) - 1] if key else usual
        state = self._state(agent)
        await self._tell(Paused(self.clock(), agent, reason))
        if state in BUSY:
            return self._say("agent-paused-after-call")
        return paused_for(reason, self.language) if key else self._say("agent-paused")

    async def _finish(self, agent: str, _: str) -> Prompt:
        if self._state(agent) is not AgentState.WRAP_UP:
            return self._say("no-wrap-up")
        await self._tell(WrapUpEnded(self.clock(), agent))
        # What was asked during the work at hand has taken effect: a break, or the way home.
        if self._state(agent) is AgentState.LOGGED_OUT:
            return self._say("agent-logged-out")
        paused = self._state(agent) is AgentState.PAUSED
        return await self._status(agent, "") if paused else self._say("wrap-up-ended")

    async def _status(self, agent: str, _: str) -> Prompt:
        row = self._row(agent)
        if row.state is AgentState.PAUSED:
            return paused_for(row.reason, self.language)
        if row.state is AgentState.LOGGED_OUT:
            return self._say("agent-not-logged-in")
        return self._say("agent-ready" if row.state is AgentState.READY else "agent-busy")

    # --- helpers ----------------------------------------------------------------------------------

    def _state(self, agent: str) -> AgentState:
        return self._row(agent).state

    def _row(self, agent: str) -> AgentRow:
        for row in self.distributor.engine.agents_view(self.clock()):
            if row.agent == agent:
                return row
        raise UnknownAgent(f"{agent!r} is no agent of this floor")

    async def _tell(self, event: Event) -> None:
        """Returns when it is so, as far as anyone can say: the answer tells what came of it."""
        self.distributor.send(event)
        await self.distributor.settled()

    def _refusal(self, agent: str) -> Prompt:
        try:
            state = self._state(agent)
        except AcdError:
            return self._say("agent-unknown")
        logged_out = state is AgentState.LOGGED_OUT
        return self._say("agent-not-logged-in" if logged_out else "agent-busy")

    def _say(self, name: str) -> Prompt:
        return phrase(name, self.language)
