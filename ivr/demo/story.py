"""The story as it is told: beats in three lanes, one each for callers, Tieline and agents."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from acd.model import AgentChanged, AgentState
from acd.records.contact import ContactEvent
from acd.records.telling import duration

Manner = Literal["plain", "words", "key", "good", "quiet", "display"]


class Lane(IntEnum):
    """Whose column it is."""

    CALLERS = 0
    TIELINE = 1
    AGENTS = 2


@dataclass(frozen=True, slots=True)
class Beat:
    """One moment: `at` is `time.monotonic()`; `note` is small print, `figure` what was measured."""

    at: float
    lane: Lane
    text: str
    note: str = ""
    manner: Manner = "plain"
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """What people call agents and queues."""

    agents: Mapping[str, str]
    queues: Mapping[str, str]

    def agent(self, extension: str) -> str:
        """`Ana Ruiz` for 1001."""
        return self.agents.get(extension, extension)

    def queue(self, queue: str) -> str:
        """`Nurse on duty` for nurse."""
        return self.queues.get(queue, queue)


Told = tuple[str, str, Manner]

_SPELLED = re.compile(r"(?<=\d) (?=\d)")


def unspelled(words: str) -> str:
    """The words, with numbers that are said digit by digit written as numbers."""
    return _SPELLED.sub("", words)


def on_one_line(text: str) -> str:
    """A message that offers choices line by line, in one."""
    return " · ".join(line for line in text.splitlines() if line)


def of_contact(event: ContactEvent, names: Names) -> Told | None:
    """What happened to a contact; None for what the phones tell better."""
    tell = _TELLERS.get(event.kind)
    return tell(event, names) if tell is not None else None


def lane_of(event: ContactEvent) -> Lane:
    """Whose doing it is: what is written stands with whoever wrote it."""
    if event.kind == "message_written":
        return Lane.AGENTS
    writer = event.data.get("by") if event.kind == "message" else None
    return {"customer": Lane.CALLERS, "agent": Lane.AGENTS}.get(str(writer), Lane.TIELINE)


def of_agent(change: AgentChanged, names: Names) -> Told | None:
    """An agent's new state; ringing and talking are told by the phones."""
    manner = _SHOWN.get(change.state)
    if manner is None:
        return None
    why = f" ({change.reason})" if change.reason else ""
    state = "in wrap-up" if change.state is AgentState.WRAP_UP else change.state.replace("_", " ")
    return f"{names.agent(change.agent)} is {state}{why}", "", manner


_SHOWN: Mapping[AgentState, Manner] = {
    AgentState.READY: "good",
    AgentState.PAUSED: "quiet",
    AgentState.WRAP_UP: "quiet",
    AgentState.LOGGED_OUT: "quiet",
}


def _hours(event: ContactEvent, _: Names) -> Told:
    is_open = "open" if event.data.get("open") else "closed"
    return f"{event.data.get('calendar')}: {is_open} at this hour", "", "quiet"


def _identified(event: ContactEvent, _: Names) -> Told:
    if event.data.get("ok"):
        return "they belong together: VERIFIED", "", "good"
    return "they do not belong together", "", "plain"


def _queued(event: ContactEvent, names: Names) -> Told:
    needs = event.data.get("needs")
    skills = needs.items() if isinstance(needs, dict) else ()
    notes = [f"needs {', '.join(f'{skill} {level}' for skill, level in skills)}"] if skills else []
    if priority := event.data.get("priority"):
        notes.append(f"priority {priority}")
    queue = names.queue(str(event.data.get("queue")))
    return f"queue: {queue}", "; ".join(notes), "plain"


def _transferred(event: ContactEvent, _: Names) -> Told:
    to = event.data.get("to")
    return f"the same contact, on to {to}", "nothing is asked twice", "plain"


def _message(event: ContactEvent, names: Names) -> Told:
    text = f"“{on_one_line(str(event.data.get('text')))}”"
    match event.data.get("by"):
        case "customer":
            return text, "", "key"
        case "agent":
            return f"{names.agent(str(event.data.get('agent')))}: {text}", "", "key"
    return text, "", "words"


def _written(event: ContactEvent, _: Names) -> Told:
    return f"✉ to {event.data.get('to')}", f"“{event.data.get('text')}”", "key"


def _promised(event: ContactEvent, names: Names) -> Told:
    queue = names.queue(str(event.data.get("queue")))
    return f"{queue} will ring", str(event.data.get("number")), "plain"


def _unreached(event: ContactEvent, _: Names) -> Told:
    return "they are not reached", str(event.data.get("cause")), "plain"


def _ended(event: ContactEvent, _: Names) -> Told:
    spent = event.data.get("duration")
    seconds = duration(spent) if isinstance(spent, int | float) else "?"
    told = f"contact {event.contact}: {event.data.get('outcome')}"
    return told, f"{seconds}, ended by the {event.data.get('by')}", "quiet"


_TELLERS: Mapping[str, Callable[[ContactEvent, Names], Told]] = {
    "hours": _hours,
    "identified": _identified,
    "queued": _queued,
    "transferred": _transferred,
    "message": _message,
    "message_written": _written,
    "message_delivered": lambda event, _: ("text message delivered", "", "good"),
    "callback_asked": _promised,
    "callback_unreached": _unreached,
    "ended": _ended,
}
