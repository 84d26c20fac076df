"""Every question an operator can put, answered as text: the one door behind console and CLI."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from ivr.operator.agent_actions import BY
from ivr.operator.commands import ACTIONS, Commands
from ivr.operator.house import OperatorServices
from ivr.operator.screens import show
from ivr.operator.why import why
from ivr.operator.wording import Refused, clean, table, unknown

log = structlog.get_logger(__name__)

BEHALF = ":"
"""Stands between a verb and the login name of who asks from a shell: `do:lisa`."""

SCREENS: Mapping[str, str] = {
    "show queues[/QUEUE]": "members, callers and service level",
    "show agents[/AGENT]": "who is here and doing what",
    "show calls[/CALL]": "who waits, rings and talks",
    "show contacts[/CALL]": "every caller, also those still in a flow",
    "show flows[/FLOW]": "the flows in force, their revisions and numbers",
    "show calendars[/CALENDAR]": "open or closed, the next change, who switched it and until when",
    "show drain": "whether calls are taken, and who is inside",
    "show nodes": "who shares queues and agents, and where phones are",
    "why CALL": "why a call waits, and what would help",
    "why AGENT": "why an agent gets no call",
}


class Operator:
    """Answers `show`, `do`, `why` and `help`."""

    def __init__(self, services: OperatorServices) -> None:
        self._services = services
        self._commands = Commands(services)

    async def answer(self, verb: str, words: str) -> str:
        """The text for `acd <verb> <words>`, the words joined by slashes.

        Raises:
            Refused: the question or the action is impossible; the text says what is right.
        """
        try:
            return clean(await self._answer(verb, words))
        except Refused as refused:
            raise Refused(clean(str(refused))) from refused

    async def _answer(self, verb: str, words: str) -> str:
        verb, _, who = verb.partition(BEHALF)
        match verb:
            case "show" if words == "drain":
                return self._services.door.state()
            case "show" if words == "nodes":
                return self._services.nodes()
            case "show":
                notice = self._services.plan().notice
                screen = show(self._services.picture(), words)
                return f"! {notice}\n{screen}" if notice else screen
            case "why":
                return why(self._services.picture(), words)
            case "do":
                return await self._do(words, who or BY)
            case "help":
                return help_text()
        raise unknown("question", verb, ("show", "why", "do", "help"))

    async def _do(self, words: str, by: str) -> str:
        # The answer names callers; a log need not.
        try:
            answer = await self._commands.do(words, by)
        except Refused:
            log.info("operator refused", action=words, by=by)
            raise
        log.info("operator acted", action=words, by=by)
        return answer


def help_text() -> str:
    """Every question and action, one line each."""
    looks = table(("", ""), [(f"acd {usage}", about) for usage, about in SCREENS.items()])[1:]
    acts = table(("", ""), [(f"acd do {a.usage(word)}", a.about) for word, a in ACTIONS.items()])[
        1:
    ]
    return "\n".join(
        [
            "Look:",
            *(f"   {line}" for line in looks),
            "Act:",
            *(f"   {line}" for line in acts),
            "Join words by slashes: acd do pause/1001/lunch. CALL is a contact's id or the",
            "beginning of it. From a shell: tieline show, tieline do, tieline why.",
        ]
    )
