"""A pretended conversation: runs a flow without a telephone, for `tieline try`, scenarios, tests.

A `Conversation` plays the other side of one call, chat or SMS thread: press keys, write, stay
silent, leave a queue, record. What needs nobody (speaking, errands) happens by itself. Its clock is
its own: silence and waiting move it on, so that hours and limits behave as they do in earnest. A
call is shown as text; a chat or an SMS thread is a real `TextThread` with nobody at the other end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from ivr.backends.desk import Desk
from ivr.channels.manners import CHAT, SMS, End
from ivr.channels.medium import NO_SWITCHES, converse
from ivr.channels.thread import TextThread
from ivr.flow.actions import (
    NOBODY,
    Action,
    Ask,
    Event,
    Failed,
    Hangup,
    Keys,
    Meanwhile,
    NoKeys,
    NotRecorded,
    Outcome,
    Prompt,
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
from ivr.flow.calendar import Switches
from ivr.flow.errands import Errand, Findings, Room, RoomFound
from ivr.flow.model import Flow
from ivr.flow.running.interpreter import resume, start
from ivr.flow.running.state import Facts, State, Turn

Drive = Callable[[Coroutine[Any, Any, None]], None]
"""Runs one move to its end."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that a text thread sent."""

    text: str


Heard = Prompt | Message | Event
Waiting = Ask | Queue | Transfer | Voicemail | Record | Hangup
"""What a conversation can stand at: the caller, or a person, has to do something."""

ASSUMED_WAIT = 600.0
"""Seconds a queue without `max_wait` is pretended to keep a caller."""
MANNERS = {"chat": CHAT, "sms": SMS}


@dataclass(slots=True)
class Conversation:
    """One conversation as text. `log` has everything said and decided, in order.

    `facts.channel` says which medium is pretended. `drive` runs each move; with services that are
    real it is the `run` of one `asyncio.Runner`.
    """

    flow: Flow
    desk: Desk
    now: datetime
    facts: Facts = field(default_factory=Facts)
    language: str | None = None
    drive: Drive = asyncio.run
    switches: Switches = field(default_factory=lambda: NO_SWITCHES)
    log: list[Heard] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    """What was written for a person while one was looked for or there."""
    waiting: Waiting = field(default_factory=Hangup)
    state: State = field(init=False)
    _thread: TextThread | None = None
    _mark: int = 0
    _asked: int = 0
    _keyed: str = ""

    def __post_init__(self) -> None:
        manners = MANNERS.get(self.facts.channel)
        if manners is not None:
            self._thread = TextThread(self.flow, manners, _Correspondent(self), self._errand)
            self._drive(self._thread.begin(self.facts, self.language))
        else:
            turn = start(self.flow, self.facts, self.now, self.language, self.switches)
            self._drive(self._follow(turn))

    # --- what can be seen ------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether the flow has ended the conversation."""
        return isinstance(self.waiting, Hangup)

    @property
    def in_letters(self) -> bool:
        """Whether it is a chat or SMS thread."""
        return self._thread is not None

    def heard(self) -> str:
        """What was said since the caller last did something."""
        return " ".join(each.text for each in self.news() if isinstance(each, Prompt | Message))

    def news(self) -> Iterator[Heard]:
        """What was said and decided since the caller last did something."""
        return iter(self.log[self._mark :])

    # --- what the other side does ----------------------------------------------------------------

    def press(self, keys: str) -> str:
        """Keys as a telephone sends them; returns those that nothing was waiting for any more.

        In letters each question is answered with the keys that are its own.
        """
        while keys:
            if isinstance(self.waiting, Queue):
                if not self._leave_by(keys[0]):
                    break
                keys = keys[1:]
                continue
            if not isinstance(self.waiting, Ask):
                break
            entry, keys, done = _take(self.waiting, keys)
            if self._thread is not None:
                self._move(self._thread.incoming(entry))
                continue
            if not done:
                self.now += timedelta(seconds=self.waiting.digit_timeout)
            self._give(Keys(entry) if entry else NoKeys())
        return keys

    def _leave_by(self, key: str) -> bool:
        """Whether that key leads out of the wait."""
        offered = self.waiting.waiting if isinstance(self.waiting, Queue) else None
        if offered is None:
            return False
        keys = {choice.key for choice in offered.keys}
        if self._thread is not None:  # it knows by itself what it has offered
            keys |= {each.choice.key for each in offered.advice}
        if key not in keys:
            return False
        self.now += timedelta(seconds=offered.after)
        if self._thread is not None:
            self.write(key)
        else:
            self._give(QueueLeft("key", key))
        return True

    def write(self, text: str) -> None:
        """Words, on a medium that has letters."""
        if self._thread is None:
            return
        self._move(self._thread.incoming(text))
        if self._keyed:
            key, self._keyed = self._keyed, ""
            self.drive(self._thread.left(QueueLeft("key", key)))
            self._look()

    def silence(self) -> None:
        """The caller lets the question pass."""
        if self._thread is not None and self._thread.due is not None:
            self.now = max(self.now, self._thread.due)
            self._move(self._thread.tick())
        elif isinstance(self.waiting, Ask):
            self.now += timedelta(seconds=self.waiting.timeout)
            self._give(NoKeys())

    def leave_queue(self, outcome: str) -> None:
        """The wait for a person ends, as one of OUTCOMES or NOBODY has it."""
        if not isinstance(self.waiting, Queue):
            return
        if outcome == "timeout":
            self.now += timedelta(seconds=self.waiting.max_wait or ASSUMED_WAIT)
        kind = NOBODY.get(outcome)
        left = QueueLeft(cast("Outcome", outcome)) if kind is None else QueueLeft("nobody", kind)
        if self._thread is not None:
            self._move(self._thread.left(left))
        else:
            self._give(left)

    def leave_transfer(self, outcome: TransferOutcome) -> None:
        """The ringing somewhere else ends."""
        if not isinstance(self.waiting, Transfer):
            return
        if outcome == "no_answer":
            self.now += timedelta(seconds=self.waiting.ring)
        if self._thread is not None:
            self._move(self._thread.left(QueueLeft(_AS_QUEUE[outcome])))
        else:
            self._give(TransferLeft(outcome))

    def record(self, seconds: float | None) -> None:
        """The caller leaves a message of that length, or none."""
        if not isinstance(self.waiting, Voicemail | Record):
            return
        self.now += timedelta(seconds=seconds or 0)
        if self._thread is not None:
            self._move(self._thread.incoming("(a message)" if seconds else ""))
            return
        name = _name(self.waiting)
        self._give(Recorded(f"{name}.wav", seconds) if seconds else NotRecorded())

    # --- inside ----------------------------------------------------------------------------------

    def _give(self, result: Result) -> None:
        self._move(self._resume(result))

    def _move(self, work: Coroutine[Any, Any, None]) -> None:
        self._mark = len(self.log)
        self._drive(work)

    def _drive(self, work: Coroutine[Any, Any, None]) -> None:
        self.drive(work)
        self._look()

    def _look(self) -> None:
        if self._thread is not None:
            action = self._thread.action
            self.waiting = Hangup() if isinstance(action, Say) else action

    async def _resume(self, result: Result) -> None:
        await self._follow(resume(self.flow, self.state, result, self.now, self.switches))

    async def _follow(self, turn: Turn) -> None:
        await converse(
            self.flow,
            turn,
            self,
            self._errand,
            note=self.note,
            now=lambda: self.now,
            switches=lambda: self.switches,
        )

    async def perform(self, action: Action, state: State) -> Result | None:
        """A call as text, see `Medium`."""
        match action:
            case Say(prompts):
                self.log.extend(prompts)
                return Said()
            case Queue(waiting=Meanwhile() as plan):
                self.log.extend(action.prompts)
                self.waiting = replace(action, waiting=await self._advised(plan, state))
            case _:
                self.log.extend(action.prompts)
                self.waiting = action
        return None

    async def _advised(self, plan: Meanwhile, state: State) -> Meanwhile:
        """The wait with the ways out to other channels that have room."""
        there = []
        for each in plan.advice:
            found = await self._errand(Room(each.channel, each.queue), state)
            if isinstance(found, RoomFound) and found.room:
                there.append(each)
                self.log.extend(each.prompts)
        return replace(plan, keys=(*plan.keys, *(each.choice for each in there)))

    async def until(self, work: Coroutine[Any, Any, Findings], prompts: Prompts) -> Findings:
        """See `Medium`. Nobody waits here, so that nothing is said to bridge it."""
        return await work

    def note(self, turn: Turn) -> None:
        """Keeps what was decided."""
        self.state = turn.state
        self.log.extend(turn.events)

    def _errand(self, errand: Errand, state: State) -> Coroutine[Any, Any, Findings]:
        self._asked += 1
        return self.desk.run(
            errand,
            contact="rehearsal",
            now=self.now,
            caller=state.facts.caller,
            once=str(self._asked),
        )


_AS_QUEUE: dict[TransferOutcome, Outcome] = {
    "answered": "answered",
    "busy": "full",
    "no_answer": "timeout",
    "failed": "failed",
}


@dataclass(slots=True)
class _Correspondent:
    """The house of a thread with nobody at the other end."""

    to: Conversation

    def now(self) -> datetime:
        return self.to.now

    def switches(self) -> Switches:
        return self.to.switches

    def note(self, turn: Turn) -> None:
        self.to.note(turn)

    async def send(self, text: str, kept: str = "") -> None:
        self.to.log.append(Message(text))

    async def call_person(self, wanted: Queue, state: State) -> None:
        """The scenario, or whoever types, tells how it ends."""

    async def leave_person(self, key: str) -> bool:
        self.to._keyed = key
        return True

    async def relay(self, text: str) -> None:
        self.to.written.append(text)

    async def keep_message(self, action: Voicemail | Record, text: str) -> Recorded | Failed:
        return Recorded(f"{_name(action)}.txt", 0.0)

    async def consent(self, given: bool) -> None:
        """There is nobody to remember it for."""

    async def ended(self, how: End) -> None:
        """`waiting` tells."""


def _name(action: Voicemail | Record) -> str:
    return action.mailbox if isinstance(action, Voicemail) else action.name


def _take(ask: Ask, keys: str) -> tuple[str, str, bool]:
    """The entry these keys make, the keys left over, and whether a key ended the entry."""
    for index, key in enumerate(keys):
        if key == ask.finish_key:
            return keys[:index], keys[index + 1 :], True
        if key in ask.instant or index + 1 == ask.length_max:
            return keys[: index + 1], keys[index + 1 :], True
    return keys, "", False


def moment_of(text: str, flow: Flow) -> datetime:
    """A moment from `2026-03-02 10:00`, in the flow's own zone unless it names an offset.

    Raises ValueError when it is none.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=local_time(flow))


def local_time(flow: Flow) -> ZoneInfo:
    """What a bare time of day means."""
    calendars = list(flow.calendars.values())
    return calendars[0].zone if calendars and flow.zone.key == "UTC" else flow.zone
