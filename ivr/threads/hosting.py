"""One conversation and its flow: what was written goes to the flow, one message after the other.

A message that was written down and not yet taken up by the flow is in `Thread.unheard`; the turn
that takes it up and its removal from there are one write, so a service that dies in between meets
the message again, and one that died after it does not.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from ivr.backends.desk import Desk
from ivr.backends.passing import known_from_json
from ivr.channels.manners import CHAT, SMS, End
from ivr.channels.thread import TextThread
from ivr.flow.actions import MASK, Ask, Failed, Queue, QueueLeft, Record, Recorded, Voicemail
from ivr.flow.calendar import Switches
from ivr.flow.errands import Errand, Findings, Joined, TakeCode
from ivr.flow.model import Flow
from ivr.flow.running.interpreter import Answers
from ivr.flow.running.state import Facts, State, Turn
from ivr.threads.book import Book, Message, Thread

log = structlog.get_logger(__name__)

MANNERS = {"chat": CHAT, "sms": SMS}
TOLD_ALREADY = frozenset({"started", "again"})


class Wire(Protocol):
    """How messages come to the other side."""

    async def deliver(self, thread: Thread, message: Message) -> None:
        """Pass a message on that is written down; raises nothing that is not the wire's fault."""
        ...


class People(Protocol):
    """What a conversation needs of those who find it an agent."""

    def ask(self, thread: Thread, wanted: Queue, state: State) -> None:
        """Have an agent found; `Host.left` tells how that ended."""
        ...

    def leave_by(self, thread: Thread, key: str) -> bool:
        """Leave the wait by this key; False when an agent is there already."""
        ...


@dataclass(frozen=True, slots=True)
class House:
    """What conversations need; `consent` hears START and STOP, `gone` that a thread is over."""

    book: Book
    desk: Desk
    wire: Wire
    people: People
    now: Callable[[], datetime]
    switches: Callable[[], Switches]
    consent: Callable[[Thread, bool], Awaitable[None]]
    gone: Callable[[Thread, End], None]


class Host:
    """Owns one thread (`ivr.channels.manners.Owner`)."""

    def __init__(self, house: House, thread: Thread, flow: Flow) -> None:
        self._house, self.thread = house, thread
        self.talk = TextThread(flow, MANNERS[thread.kind], self, self._errand)
        self.talk.news = self._news
        self._hears = 0
        self._work: asyncio.Task[None] | None = None
        self._waiting: list[Callable[[], Awaitable[None]]] = []

    # --- life ------------------------------------------------------------------------------------

    def begin(self, facts: Facts, language: str | None) -> None:
        """The first words of the flow."""
        self._soon(lambda: self.talk.begin(facts, language))

    def restore(self) -> None:
        """Take up where the last service left it; what was not heard is heard."""
        if self.thread.stands:
            self.talk.restore(self.thread.stands)
            if self.talk.stand == "working" and not self.thread.unheard:
                self._soon(self.talk.tick)
        for message in self._house.book.messages(self.thread.id):
            if message.seq in self.thread.unheard:
                self._soon(self._hearing(message.seq, message.text))

    def written(self, text: str) -> str:
        """What is kept of a message: a secret is not."""
        action = self.talk.action
        secret = self.talk.stand == "ask" and isinstance(action, Ask) and action.secret
        return MASK if secret else text

    def hear(self, seq: int, text: str) -> None:
        """A message, written down under that number, for the flow."""
        self._soon(self._hearing(seq, text))

    def left(self, result: QueueLeft) -> None:
        """The wait for a person, or the conversation with one, has ended."""
        self._soon(lambda: self.talk.left(result))

    def tick(self) -> None:
        """The hour that `due` names has come."""
        self._soon(self.talk.tick)

    def close(self, how: End) -> None:
        """End it without a word."""
        self._soon(lambda: self.talk.close(how))

    async def rest(self) -> None:
        """Wait until nothing is left to do."""
        while self._work is not None and not self._work.done():
            await asyncio.wait([self._work])

    def stop(self) -> None:
        """Break off; what was begun is taken up by the next service."""
        if self._work is not None:
            self._work.cancel()

    def _hearing(self, seq: int, text: str) -> Callable[[], Awaitable[None]]:
        async def hear() -> None:
            self._hears = seq
            # Of a secret only the mask outlives the service: it has to be given again.
            await (self.talk.repeat() if text == MASK else self.talk.incoming(text))
            self._heard()

        return hear

    def _soon(self, work: Callable[[], Awaitable[None]]) -> None:
        self._waiting.append(work)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._do_all(), name=f"thread {self.thread.id}")

    async def _do_all(self) -> None:
        while self._waiting:
            work = self._waiting.pop(0)
            try:
                await work()
            except Exception:
                # `TextThread` has said sorry and ended; the next message begins another thread.
                log.exception("a thread failed", contact=self.thread.id)
            try:
                self._heard()
                self._keep()
            except sqlite3.Error as full:
                log.error("a thread could not be kept", contact=self.thread.id, why=str(full))

    def _heard(self) -> None:
        if self._hears in self.thread.unheard:
            self.thread.unheard.remove(self._hears)
        self._hears = 0

    def _keep(self) -> None:
        if hasattr(self.talk, "state"):
            self.thread.stands = self.talk.to_json()
        self._house.book.keep(self.thread)

    # --- the owner of a text thread --------------------------------------------------------------

    def now(self) -> datetime:
        """See `Owner`."""
        return self._house.now()

    def switches(self) -> Switches:
        """See `Owner`."""
        return self._house.switches()

    def note(self, turn: Turn) -> None:
        """See `Owner`."""
        book, thread = self._house.book, self.thread
        if isinstance(turn.action, Errand):
            thread.errands += 1
        self._heard()
        with book.together():
            for event in turn.events:
                if event.kind not in TOLD_ALREADY:
                    data: dict[str, Any] = dict(event.data)
                    book.tell(thread, event.kind, data, event.step)
            self._keep()

    async def send(self, text: str, kept: str = "") -> None:
        """See `Owner`."""
        message, _ = self._house.book.write(self.thread, "bot", kept or text)
        if kept:
            message = self._house.book.unmask(self.thread, message, text)
        await self._house.wire.deliver(self.thread, message)

    async def call_person(self, wanted: Queue, state: State) -> None:
        """See `Owner`."""
        self._house.people.ask(self.thread, wanted, state)

    async def leave_person(self, key: str) -> bool:
        """See `Owner`."""
        return self._house.people.leave_by(self.thread, key)

    async def relay(self, text: str) -> None:
        """See `Owner`. Who is there has the message already: it is in the book."""

    async def keep_message(self, action: Voicemail | Record, text: str) -> Recorded | Failed:
        """See `Owner`. The words are in the story; this says what they were for."""
        name = action.name if isinstance(action, Record) else action.mailbox
        self._house.book.tell(self.thread, "left_message", {"for": name, "text": text})
        return Recorded("", 0.0)

    async def consent(self, given: bool) -> None:
        """See `Owner`."""
        await self._house.consent(self.thread, given)

    async def ended(self, how: End) -> None:
        """See `Owner`."""
        self._house.gone(self.thread, how)

    def _news(self) -> Answers:
        answers, self.thread.answers = self.thread.answers, {}
        return answers

    async def _errand(self, errand: Errand, _: State) -> Findings:
        thread = self.thread
        if isinstance(errand, TakeCode):
            known = thread.facts.get("known")
            return Joined(True, known_from_json(known)) if known else Joined(ok=False)
        return await self._house.desk.run(
            errand,
            contact=thread.id,
            now=self._house.now(),
            caller=thread.sure_number,
            once=f"{thread.id}.t{thread.errands}",
        )
