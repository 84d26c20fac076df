"""What a flow says before anybody has written a word: shown, and not begun.

A visitor who only looks at a chat costs nothing that lasts: no contact, no entry in the journal.
They read here what the flow would say first. Its first real step comes with their first word, and
so does everything that asks, tells or queues somebody.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from ivr.channels.letters import letter
from ivr.channels.manners import Manners
from ivr.flow.actions import Ask, Hangup, Record, Said, Say, Voicemail
from ivr.flow.calendar import Switches
from ivr.flow.model import Flow
from ivr.flow.running import interpreter
from ivr.flow.running.state import Facts

MOST: Final = 20
"""Sentences that are said before anything is asked."""


def greeting(
    flow: Flow,
    manners: Manners,
    facts: Facts,
    language: str | None = None,
    *,
    now: datetime,
    switches: Switches,
) -> list[str]:
    """The messages up to the first question; fewer where the flow asks the house something first.

    Raises `FlowStuck`.
    """
    facts, said = replace(facts, channel=manners.channel), list[str]()
    turn = interpreter.start(flow, facts, now, language, switches)
    for _ in range(MOST):
        match turn.action:
            case Say(prompts):
                said.append(letter(prompts))
            case Ask(prompts, choices=choices):
                said.append(letter(prompts, choices))
                break
            case Voicemail(prompts=prompts) | Record(prompts=prompts) | Hangup(prompts):
                said.append(letter(prompts))
                break
            case _:
                break
        turn = interpreter.resume(flow, turn.state, Said(), now, switches)
    return [each for each in said if each]
