"""One contact as a row of the call log, and the pure fold that keeps it true to its events.

The journal tells what happened; the row is what remains to be asked: who called, what came of it,
how long they waited and talked. Folding is total: an event of an unknown kind, or one that lacks
something, changes what it can and never raises, because a log that stops at one odd line loses
all the lines after it.

Waiting and talking are measured from the times of the events alone. What the events say of their
own durations stays in the story; counting both would count the same wait twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None


@dataclass(frozen=True, slots=True)
class ContactEvent:
    """One thing that happened to a contact; `at` in epoch seconds UTC.

    `step` is the flow's step, or "". Secrets in `data` have been replaced by a mask before they
    come here.
    """

    contact: str
    at: float
    kind: str
    step: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """What is known of a contact; times in epoch seconds UTC, durations in seconds.

    `queue` and `agent` are the last ones. `answered_at` is when the first agent answered.
    `ended_at` is None while it lives; then `waiting_since` or `talking_since` says what it is in.
    `outcome` is None until the first of its channels is over. `events` counts its story.
    """

    id: str
    started_at: float
    channel: str = ""
    caller: str = ""
    caller_name: str = ""
    dialled: str = ""
    flow: str = ""
    revision: str = ""
    language: str = ""
    queue: str = ""
    agent: str = ""
    verified: bool = False
    outcome: str | None = None
    ended_by: str = ""
    reason: str = ""
    answered_at: float | None = None
    ended_at: float | None = None
    waiting_since: float | None = None
    talking_since: float | None = None
    wait_seconds: float = 0.0
    talk_seconds: float = 0.0
    events: int = 0
    fields: Mapping[str, Json] = field(default_factory=dict)


Changes = dict[str, Any]
ANSWERED = "answered"


def fold(record: ContactRecord | None, event: ContactEvent) -> ContactRecord:
    """The record after one more event; the first event of a contact makes it."""
    record = record or ContactRecord(event.contact, event.at)
    change = _CHANGES.get(event.kind)
    changes = change(record, event) if change else {}
    return replace(record, **changes, events=record.events + 1)


def _began(record: ContactRecord, event: ContactEvent) -> Changes:
    """A contact that goes on, by another channel, after it was over lives again."""
    told = ("channel", "caller", "caller_name", "dialled", "flow", "revision", "language")
    changes: Changes = {name: _text(event, name) for name in told if name in event.data}
    if record.ended_at is not None:
        changes |= {"outcome": None, "ended_at": None, "ended_by": "", "reason": ""}
    return changes | {"started_at": event.at}


def _flow_started(record: ContactRecord, event: ContactEvent) -> Changes:
    told = ("flow", "revision", "language")
    return {name: _text(event, name) for name in told if name in event.data}


def _language(record: ContactRecord, event: ContactEvent) -> Changes:
    return {"language": _text(event, "language") or record.language}


def _field(record: ContactRecord, event: ContactEvent) -> Changes:
    """The last value counts. No flow takes up a form that comes after the end: what has been said
    by a caller who proved who they are stays, and the form adds only what is not there."""
    name = _text(event, "name")
    late = record.ended_at is not None and event.data.get("by") == "form"
    if late and record.verified and name in record.fields:
        return {}
    return {"fields": {**record.fields, name: event.data.get("value")}} if name else {}


def _identified(record: ContactRecord, event: ContactEvent) -> Changes:
    return {"verified": record.verified or event.data.get("level") in {"verified", "strong"}}


def _queued(record: ContactRecord, event: ContactEvent) -> Changes:
    since = event.at if record.waiting_since is None else record.waiting_since
    return {"queue": _text(event, "queue") or record.queue, "waiting_since": since}


def _callback_asked(record: ContactRecord, event: ContactEvent) -> Changes:
    """The wait goes on without a line, from the moment that gave the place.

    What was waited on the line is counted already.
    """
    since = event.data.get("since")
    began = event.at
    if isinstance(since, int | float) and since <= event.at:
        began = min(event.at, since + record.wait_seconds)
    waiting = began if record.waiting_since is None else record.waiting_since
    return {"queue": _text(event, "queue") or record.queue, "waiting_since": waiting}


def _answered(record: ContactRecord, event: ContactEvent) -> Changes:
    return {
        **_stop_waiting(record, event.at),
        **_stop_talking(record, event.at),
        "agent": _text(event, "agent") or record.agent,
        "queue": _text(event, "queue") or record.queue,
        "answered_at": event.at if record.answered_at is None else record.answered_at,
        "talking_since": event.at,
    }


def _agent_left(record: ContactRecord, event: ContactEvent) -> Changes:
    # After a transfer the agent who is left behind says so late: the talk is someone else's now.
    if _text(event, "agent") not in {"", record.agent}:
        return {}
    return _stop_talking(record, event.at)


def _moved(record: ContactRecord, event: ContactEvent) -> Changes:
    return {"queue": _text(event, "to") or record.queue}


def _left_queue(record: ContactRecord, event: ContactEvent) -> Changes:
    return _stop_waiting(record, event.at)


def _line_ended(record: ContactRecord, event: ContactEvent) -> Changes:
    """One of its channels is over, and the contact goes on; without an outcome, until it is called
    back."""
    if "outcome" not in event.data:
        return {}
    return {**_stop_waiting(record, event.at), "outcome": _outcome(record, event)}


def _outcome(record: ContactRecord, event: ContactEvent) -> str:
    """Who was answered on one channel was answered, whatever came of the others."""
    if record.ended_at is None and record.outcome == ANSWERED:
        return ANSWERED
    return _text(event, "outcome") or "ended"


def _ended(record: ContactRecord, event: ContactEvent) -> Changes:
    return {
        **_stop_waiting(record, event.at),
        **_stop_talking(record, event.at),
        "ended_at": event.at,
        "outcome": _outcome(record, event),
        "ended_by": _text(event, "by"),
        "reason": _text(event, "reason"),
    }


def _stop_waiting(record: ContactRecord, at: float) -> Changes:
    if record.waiting_since is None:
        return {}
    waited = record.wait_seconds + max(0.0, at - record.waiting_since)
    return {"waiting_since": None, "wait_seconds": round(waited, 3)}


def _stop_talking(record: ContactRecord, at: float) -> Changes:
    if record.talking_since is None:
        return {}
    talked = record.talk_seconds + max(0.0, at - record.talking_since)
    return {"talking_since": None, "talk_seconds": round(talked, 3)}


def _text(event: ContactEvent, name: str) -> str:
    """A value as any database takes it: PostgreSQL refuses NUL, none stores half a character."""
    value = event.data.get(name)
    return "" if value is None else str(value).encode("utf-8", "replace").decode().replace("\0", "")


_CHANGES: Mapping[str, Callable[[ContactRecord, ContactEvent], Changes]] = {
    "began": _began,
    "started": _flow_started,
    "language": _language,
    "field": _field,
    "identified": _identified,
    "queued": _queued,
    "callback_asked": _callback_asked,
    "answered": _answered,
    "agent_left": _agent_left,
    "left_queue": _left_queue,
    "moved": _moved,
    "line_ended": _line_ended,
    "ended": _ended,
}
"""Kinds that change the row. All the others (step, pressed, offered, ...) are told by the story."""
