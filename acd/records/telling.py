"""A contact's story in words and in stretches of time: pure, for whichever screen shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from acd.estimate import in_minutes
from acd.records.contact import ContactEvent, Json

Phase = Literal["flow", "waiting", "talking"]

_AFTER: Mapping[str, Phase] = {
    "began": "flow",
    "queued": "waiting",
    "callback_asked": "waiting",
    "answered": "talking",
    "agent_left": "flow",
    "left_queue": "flow",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the caller was in from one moment to another, both in epoch seconds."""

    phase: Phase
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.start


def stretches(events: Iterable[ContactEvent], until: float) -> list[Stretch]:
    """The contact's time cut into stretches, one after the other, the last one up to `until`."""
    found: list[Stretch] = []
    phase: Phase = "flow"
    since: float | None = None
    agent = ""
    for event in events:
        if since is None:
            since = event.at
        following = _AFTER.get(event.kind, phase)
        if event.kind == "agent_left" and event.data.get("agent", agent) != agent:
            continue  # of two agents, the one who was left behind by a transfer
        if event.kind == "answered":
            agent = str(event.data.get("agent", ""))
        if event.kind == "ended":
            until = event.at
        elif following != phase:
            found.append(Stretch(phase, since, event.at))
            phase, since = following, event.at
    if since is not None:
        found.append(Stretch(phase, since, max(until, since)))
    return [stretch for stretch in found if stretch.seconds > 0]


def duration(seconds: float) -> str:
    """Seconds as people read them: `4.2s`, `25s`, `1:05`, `1:02:05`."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def sentence(event: ContactEvent) -> str:
    """One event as a sentence; a kind without words of its own shows what it holds."""
    tell = _SENTENCES.get(event.kind)
    if tell is None:
        return " ".join([event.kind.replace("_", " "), *_pairs(event.data)])
    return tell({key: value for key, value in event.data.items() if value is not None})


Data = Mapping[str, Json]


def _began(data: Data) -> str:
    if data.get("channel") == "chat":  # the address is a long random word
        return f"chat with {data.get('caller_name') or 'a visitor'} of {data.get('dialled', '?')}"
    name = f" ({data['caller_name']})" if data.get("caller_name") else ""
    caller = data.get("caller") or "an unknown number"
    return f"{data.get('channel', 'contact')} from {caller}{name} to {data.get('dialled', '?')}"


def _resumed(data: Data) -> str:
    after = {"flow": "in the flow", "talking": "after the talk"}
    return f"the service was away; goes on {after.get(str(data.get('after')), 'waiting')}"


def _key(data: Data) -> str:
    return f"pressed {data.get('key', data.get('digits', '?'))}"


def _hours(data: Data) -> str:
    calendar = data.get("calendar", "the calendar")
    if data.get("open"):
        return f"{calendar}: open"
    opens = f", opens {data['opens']}" if data.get("opens") else ""
    return f"{calendar}: closed{opens}"


def _queued(data: Data) -> str:
    needs = data.get("needs")
    skills = (
        [f"{skill} {level}" for skill, level in needs.items()] if isinstance(needs, dict) else []
    )
    extra = [f"needs {', '.join(skills)}"] if skills else []
    if data.get("priority"):
        extra.append(f"priority {data['priority']}")
    return f"waits in {data.get('queue', '?')}" + (f" ({'; '.join(extra)})" if extra else "")


def _agent_left(data: Data) -> str:
    talk = data.get("talk")
    after = f" after {duration(talk)}" if isinstance(talk, int | float) else ""
    return f"agent {data.get('agent', '?')} leaves{after}"


def _left_queue(data: Data) -> str:
    if data.get("reason") == "keyed":
        return f"leaves the queue by key {data.get('detail', '?')}"
    return "leaves the queue: " + str(data.get("reason", "?")).replace("_", " ")


def _wait_told(data: Data) -> str:
    told = [f"number {data['position']} in line"] if data.get("position") else []
    if "low" in data and "high" in data:
        first, last = in_minutes(float(str(data["low"])), float(str(data["high"])))
        told.append(f"{first} to {last} minutes")
    return f"is told: {', '.join(told) or 'nothing'}"


def _voicemail(data: Data) -> str:
    seconds = data.get("seconds")
    if not isinstance(seconds, int | float):
        return f"is asked for a message to {data.get('mailbox', '?')}"
    return f"leaves a message of {duration(seconds)}"


def _stumbled(data: Data) -> str:
    times = data.get("times", 1)
    which = {1: "1st", 2: "2nd", 3: "3rd"}.get(times) if isinstance(times, int) else None
    return f"an error in the service ({which or f'{times}th'} time), see service.log"


def _ended(data: Data) -> str:
    if data.get("outcome") == "answered" and data.get("by") in {"agent", "caller"}:
        reason = f" ({data['reason']})" if data.get("reason") else ""
        return f"answered; the {data['by']} hung up{reason}"
    by = f" by {data['by']}" if data.get("by") else ""
    reason = f" ({data['reason']})" if data.get("reason") else ""
    return f"ended{by}: {data.get('outcome', '?')}{reason}"


def _line_ended(data: Data) -> str:
    by = f"by {data.get('by', '?')}"
    if "outcome" not in data:
        return f"the line ends {by}; the callback stands"
    what = "the call" if data.get("channel") == "voice" else "what was written"
    return f"{what} ends {by}; the contact goes on"


def _by(data: Data) -> str:
    return f" by {data['by']}" if data.get("by") else ""


def _file(data: Data) -> str:
    file = data.get("file")
    return f"file {file.get('name', '')}" if isinstance(file, dict) else ""


def _disposition(data: Data) -> str:
    code, notes = data.get("disposition") or data.get("code") or "", data.get("notes") or ""
    return f"result: {': '.join(str(each) for each in (code, notes) if each) or '?'}{_by(data)}"


def _agents(data: Data) -> str:
    """Who was rung: one, or several at the same time."""
    also = data.get("also")
    if not isinstance(also, list) or not also:
        return f"agent {data.get('agent', '?')}"
    *first, last = (str(each) for each in (data.get("agent", "?"), *also))
    return f"agents {', '.join(first)} and {last}"


_SENTENCES: Mapping[str, Callable[[Data], str]] = {
    "began": _began,
    "started": lambda data: f"flow {data.get('flow', '?')} begins in {data.get('language', '?')}",
    "step": lambda data: str(data.get("verb", "step")),
    "key": _key,
    "pressed": _key,
    "noinput": lambda data: "said nothing",
    "nomatch": lambda data: f"pressed {data.get('keys', 'something')}, which is no choice",
    "field": lambda data: f"{data.get('name', '?')} = {data.get('value', '')}",
    "language": lambda data: f"goes on in {data.get('language', '?')}",
    "hours": _hours,
    "branch": lambda data: f"{data.get('condition', 'branch')} → {data.get('next', '?')}",
    "identified": lambda data: (
        f"identified: {data.get('level', 'yes')}" if data.get("ok", True) else "not identified"
    ),
    "customer": lambda data: "it is known whose contact this is",
    "recognised": lambda data: "recognised" if data.get("ok") else "not recognised",
    "joined": lambda data: "goes on as this contact: a code was given",
    "continues": lambda data: f"goes on from {data.get('contact', '?')}, of another node",
    "code_taken": lambda data: "the code is right" if data.get("ok") else "that was no code",
    "invited": lambda data: "a code is given, for a call",
    "advised": lambda data: f"is told of room in {data.get('queue', '?')}",
    "form_filled": lambda data: "the form is filled in",
    "queued": _queued,
    "offered": lambda data: f"{_agents(data)} {'are' if data.get('also') else 'is'} rung",
    "offer_failed": lambda data: (
        f"{_agents(data)} did not take it: " + str(data.get("cause", "?")).replace("_", " ")
    ),
    "callback": lambda data: (
        f"a call is promised to {data.get('number', '?')} by {data.get('queue', '?')}"
    ),
    "message": lambda data: str(data.get("text") or _file(data)),
    "message_written": lambda data: f"text to {data.get('to', '?')}: {data.get('text', '')}",
    "message_sent": lambda data: f"text message sent to {data.get('to', '?')}",
    "message_failed": lambda data: f"text message failed: {data.get('why', '?')}",
    "message_delivered": lambda data: "text message delivered",
    "message_undelivered": lambda data: "text message not delivered",
    "message_read": lambda data: "text message read",
    "callback_asked": lambda data: (
        f"is to be called back on {data.get('number', '?')} by {data.get('queue', '?')}"
    ),
    "line_ended": _line_ended,
    "callback_taken": lambda data: f"agent {data.get('agent', '?')} takes the callback",
    "callback_dialled": lambda data: (
        f"the customer is dialled for agent {data.get('agent', '?')} "
        f"(try {data.get('attempt', '?')})"
    ),
    "callback_answered": lambda data: "the customer is on the line",
    "callback_unreached": lambda data: (
        "the customer was not reached: " + str(data.get("cause", "?")).replace("_", " ")
    ),
    "answered": lambda data: f"agent {data.get('agent', '?')} answers",
    "agent_left": _agent_left,
    "left_queue": _left_queue,
    "wait_told": _wait_told,
    "transferred": lambda data: f"agent {data.get('by', '?')} transfers to {data.get('to', '?')}",
    "held": lambda data: f"agent {data.get('agent', '?')} holds the call",
    "taken_back": lambda data: f"agent {data.get('agent', '?')} is with the caller again",
    "asking": lambda data: f"agent {data.get('agent', '?')} asks {data.get('to', '?')}",
    "conference": lambda data: (
        f"agents {data.get('agent', '?')} and {data.get('colleague', '?')} talk with the caller"
    ),
    "asked": lambda data: f"agent {data.get('agent', '?')} is asked about the caller",
    "ask_failed": lambda data: (
        f"agent {data.get('agent', '?')} cannot be asked: "
        + str(data.get("cause", "?")).replace("_", " ")
    ),
    "asked_left": lambda data: f"agent {data.get('agent', '?')} has been asked",
    "moved": lambda data: f"moved from {data.get('from', '?')} to {data.get('to', '?')}{_by(data)}",
    "reprioritised": lambda data: f"priority {data.get('to', '?')}{_by(data)}",
    "withdrawn": lambda data: f"taken out of {data.get('from', '?')}{_by(data)}",
    "disposition": _disposition,
    "voicemail": _voicemail,
    "resumed": _resumed,
    "stumbled": _stumbled,
    "again": lambda data: "the step is repeated",
    "ended": _ended,
}


def _pairs(data: Data) -> list[str]:
    return [f"{key}={value}" for key, value in data.items() if value not in (None, "", [], {})]
