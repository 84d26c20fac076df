"""What every way of talking with somebody has in common, and the loop that drives all of them.

A medium (telephone, chat, SMS, a pretended call) does what a flow asks of a conversation: say,
ask, find a person, transfer, record, hang up. What is asked of the house behind the flow, the
errands, is the same for every medium; only the words in the meantime are the medium's own.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from ivr.flow.actions import Action, Prompts, Result
from ivr.flow.calendar import Switches
from ivr.flow.errands import Errand, Findings
from ivr.flow.model import Flow
from ivr.flow.running.interpreter import Answers, informed, resume
from ivr.flow.running.state import State, Turn

Errands = Callable[[Errand, State], Coroutine[Any, Any, Findings]]
"""Runs one errand of one conversation (`ivr.backends.desk.Desk.run`, bound to its contact)."""
NO_SWITCHES: Mapping[str, Any] = MappingProxyType({})
NO_NEWS: Answers = MappingProxyType({})


class Medium(Protocol):
    """One conversation's way of talking."""

    async def perform(self, action: Action, state: State) -> Result | None:
        """Does what the flow asks.

        None means that there is nothing to go on with: the conversation is over, or what comes of
        the action is known later and taken up by another `converse`. What the medium cannot do is
        `Failed`; it raises only what ends the conversation.
        """

    async def until(self, work: Coroutine[Any, Any, Findings], prompts: Prompts) -> Findings:
        """What comes of `work`; `prompts` are said where the wait for it would be felt."""


async def converse(
    flow: Flow,
    turn: Turn,
    medium: Medium,
    errands: Errands,
    *,
    note: Callable[[Turn], None],
    now: Callable[[], datetime],
    switches: Callable[[], Switches] = lambda: NO_SWITCHES,
    news: Callable[[], Answers] = lambda: NO_NEWS,
) -> None:
    """Follows the flow from `turn` on, until the medium has no result to go on with.

    `note` writes a turn down before it is acted on; `news` is what was filled in elsewhere since it
    was asked last. Raises what the medium raises, and FlowStuck.
    """
    while True:
        note(turn)
        action, state = turn.action, turn.state
        result: Result | Findings | None
        if isinstance(action, Errand):
            result = await medium.until(errands(action, state), action.prompts)
        else:
            result = await medium.perform(action, state)
        if result is None:
            return
        if answers := news():
            state = informed(flow, state, answers)
        turn = resume(flow, state, result, now(), switches())
