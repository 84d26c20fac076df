"""The text medium: runs a flow without a telephone, for `tieline try`, scenarios and tests.

A `Conversation` plays the caller's side of one call: press keys, stay silent, leave a queue,
record. What needs no caller (speaking, comparing with a table) it does itself. Its clock is its
own: silence and waiting move it on, so that hours and limits behave as they do on the telephone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ivr.flow.actions import (
    Ask,
    Event,
    Hangup,
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
from ivr.flow.interpreter import resume, start
from ivr.flow.loader import Library
from ivr.flow.model import Flow
from ivr.flow.state import Facts, State

Heard = Prompt | Event
Waiting = Ask | Queue | Voicemail | Hangup
"""What a conversation can stand at: the caller, or a person, has to do something."""

ASSUMED_WAIT = 600.0
"""Seconds a queue without `max_wait` is pretended to keep a caller."""


@dataclass(slots=True)
class Conversation:
    """One call as text. `log` has everything said and decided, in order."""

    library: Library
    flow: Flow
    now: datetime
    facts: Facts = field(default_factory=Facts)
    language: str | None = None
    log: list[Heard] = field(default_factory=list)
    waiting: Waiting = field(default_factory=Hangup)
    state: State = field(init=False)
    _mark: int = 0

    def __post_init__(self) -> None:
        turn = start(self.flow, self.facts, self.now, self.language)
        self._follow(turn.state, turn.action, turn.events)

    @property
    def over(self) -> bool:
        """Whether the flow has ended the call."""
        return isinstance(self.waiting, Hangup)

    def heard(self) -> str:
        """What was said since the caller last did something."""
        prompts = (each for each in self.log[self._mark :] if isinstance(each, Prompt))
        return " ".join(prompt.text for prompt in prompts)

    def news(self) -> Iterator[Heard]:
        """What was said and decided since the caller last did something."""
        return iter(self.log[self._mark :])

    def press(self, keys: str) -> str:
        """Keys as a telephone sends them; returns those that nothing was waiting for any more."""
        while keys and isinstance(self.waiting, Ask):
            entry, keys, done = _take(self.waiting, keys)
            if not done:
                self.now += timedelta(seconds=self.waiting.digit_timeout)
            self._give(Keys(entry) if entry else NoKeys())
        return keys

    def silence(self) -> None:
        """The caller lets the question pass."""
        if isinstance(self.waiting, Ask):
            self.now += timedelta(seconds=self.waiting.timeout)
            self._give(NoKeys())

    def leave_queue(self, outcome: Outcome) -> None:
        """The wait for a person ends."""
        if isinstance(self.waiting, Queue):
            if outcome == "timeout":
                self.now += timedelta(seconds=self.waiting.max_wait or ASSUMED_WAIT)
            self._give(QueueLeft(outcome))

    def record(self, seconds: float | None) -> None:
        """The caller leaves a message of that length, or none."""
        if isinstance(self.waiting, Voicemail):
            self.now += timedelta(seconds=seconds or 0)
            path = f"{self.waiting.mailbox}.wav"
            self._give(Recorded(path, seconds) if seconds else NotRecorded())

    def _give(self, result: Result) -> None:
        self._mark = len(self.log)
        turn = resume(self.flow, self.state, result, self.now)
        self._follow(turn.state, turn.action, turn.events)

    def _follow(self, state: State, action: object, events: tuple[Event, ...]) -> None:
        while True:
            self.state = state
            self.log.extend(events)
            match action:
                case Say(prompts):
                    self.log.extend(prompts)
                    result: Result = Said()
                case Identify():
                    result = self.library.tables.verify_now(action)
                case Ask(prompts) | Voicemail(_, prompts) | Hangup(prompts):
                    self.log.extend(prompts)
                    self.waiting = action
                    return
                case Queue():
                    self.waiting = action
                    return
                case _:
                    raise TypeError(action)
            turn = resume(self.flow, self.state, result, self.now)
            state, action, events = turn.state, turn.action, turn.events


def _take(ask: Ask, keys: str) -> tuple[str, str, bool]:
    """The entry these keys make, the keys left over, and whether a key ended the entry."""
    for index, key in enumerate(keys):
        if key == ask.finish_key:
            return keys[:index], keys[index + 1 :], True
        if key in ask.instant or index + 1 == ask.length_max:
            return keys[: index + 1], keys[index + 1 :], True
    return keys, "", False


def local_time(flow: Flow) -> ZoneInfo:
    """The zone of a flow's first calendar, UTC without one: what a bare time of day means."""
    calendars = list(flow.calendars.values())
    return calendars[0].zone if calendars else ZoneInfo("UTC")


def moment_of(text: str, flow: Flow) -> datetime:
    """A moment from `2026-03-02 10:00`, in the flow's own zone unless it names an offset.

    Raises ValueError when it is none.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=local_time(flow))


def describe(event: Event) -> str:
    """One line for a person: what was decided."""
    data = event.data
    match event.kind:
        case "started":
            return f"call to {data['dialled'] or data['flow']} from {data['caller'] or 'withheld'}"
        case "step":
            return f"{event.step} ({data['verb']})"
        case "field":
            return f"{data['name']} = {data['value']}"
        case "hours":
            return f"{data['calendar']} is {'open' if data['open'] else 'closed'}"
        case "branch":
            return f"{data['condition']} -> {data['next']}"
        case "identified":
            return "identity verified" if data["ok"] else f"no match ({data['tries']})"
        case "queue":
            needs = data["needs"]
            skills = ", ".join(needs) if isinstance(needs, list) else ""
            return (
                f"queue {data['queue']}, needs {skills or 'no skill'}, priority {data['priority']}"
            )
        case "queue_left":
            return f"left the queue: {data['outcome']}"
        case _:
            told = ", ".join(f"{name} {value}" for name, value in data.items() if value != "")
            return f"{event.kind.replace('_', ' ')}{': ' if told else ''}{told}"
