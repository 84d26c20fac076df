"""A conversation in letters: a chat, or the SMS between us and one number. Read `TextThread` first.

Between two messages nothing runs. What is kept is where the flow stands and what it waits for
(`to_json`), so a thread outlives every restart; whoever owns it brings the messages (`incoming`),
the end of a wait for a person (`left`), and the hour (`tick`, when `due` has come).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from ivr.channels.letters import letter, parts
from ivr.channels.manners import End, Manners, Owner
from ivr.channels.medium import NO_NEWS, Errands, converse
from ivr.channels.notices import notice, word
from ivr.flow.actions import (
    MASK,
    Action,
    Advice,
    Ask,
    Failed,
    Hangup,
    NoKeys,
    NotRecorded,
    Prompts,
    Queue,
    QueueLeft,
    Record,
    Result,
    Said,
    Say,
    Transfer,
    TransferLeft,
    TransferOutcome,
    Voicemail,
    Written,
)
from ivr.flow.errands import CODE_MARK, CodeMade, Errand, Findings, Invite, Room, RoomFound
from ivr.flow.model import Flow
from ivr.flow.running import interpreter
from ivr.flow.running.interpreter import Facts, State, Turn
from ivr.flow.running.written import meant

Stand = Literal["working", "ask", "person", "transfer", "message", "over"]
"""What a thread waits for: nothing (a turn is being performed), an answer, a person, one particular
person, a message to keep."""
QUIET: Final = 1.5
"""Seconds without a word that somebody who has just written takes for nothing."""

_TRANSFERS: Mapping[str, TransferOutcome] = {
    "answered": "answered",
    "timeout": "no_answer",
    "nobody": "no_answer",
    "full": "busy",
}


class TextThread:
    """One conversation in letters."""

    def __init__(self, flow: Flow, manners: Manners, owner: Owner, errands: Errands) -> None:
        self.flow, self.manners = flow, manners
        self.news: Callable[[], interpreter.Answers] = lambda: NO_NEWS
        """What was filled in elsewhere since it was asked last."""
        self._owner, self._errands = owner, errands
        self.state: State
        self.action: Action = Hangup()
        """What it waits for."""
        self.stand: Stand = "over"
        self._since = owner.now()
        self._reminded = False
        self._again = False
        self._ways_out: tuple[tuple[str, str], ...] = ()
        self._unsent: list[str] = []
        self._one_at_a_time = asyncio.Lock()

    # --- life ------------------------------------------------------------------------------------

    async def begin(self, facts: Facts, language: str | None = None) -> None:
        """The first words of the flow."""
        facts = replace(facts, channel=self.manners.channel)
        async with self._one_at_a_time:
            now, switches = self._owner.now(), self._owner.switches()
            await self._follow(interpreter.start(self.flow, facts, now, language, switches))

    @property
    def over(self) -> bool:
        """Whether a message would have to begin another thread."""
        return self.stand == "over"

    def to_json(self) -> dict[str, Any]:
        """Everything that must be kept, without secrets: in `Owner.note`, and after every call."""
        kept = self.action
        return {
            "state": self.state.to_json(),
            "stand": self.stand,
            "mailbox": kept.mailbox if isinstance(kept, Voicemail) else None,
            "record": kept.name if isinstance(kept, Record) else None,
            "ways_out": [list(each) for each in self._ways_out],
            "since": self._since.isoformat(),
            "reminded": self._reminded,
            "secrets_lost": bool(self.state.secrets) or self._again,
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Where `to_json` left it. Raises ServiceFault or KeyError when this is no thread.

        Nothing is said again, except where a secret was lost: then, with the next message; and a
        turn that was interrupted is performed again, by the next `tick` or message.
        """
        self.state = State.from_json(kept["state"])
        self.stand, self._since = kept["stand"], datetime.fromisoformat(kept["since"])
        self._reminded, self._again = kept["reminded"], kept["secrets_lost"]
        self._ways_out = tuple((words, key) for words, key in kept.get("ways_out", ()))
        if kept["mailbox"] is not None:
            self.action = Voicemail(kept["mailbox"], ())
        elif kept["record"] is not None:
            self.action = Record(kept["record"], ())

    # --- what comes in ---------------------------------------------------------------------------

    async def incoming(self, text: str) -> None:
        """A message of the other side. After the end only START, STOP and HELP mean something."""
        async with self._one_at_a_time:
            text = text.strip()
            if self.manners.keywords and await self._keyword(text):
                return
            self._since, self._reminded = self._owner.now(), False
            match self.stand:
                case "working":
                    await self._once_more()
                case "ask" if text:
                    await self._answer(Written(text))
                case "message":
                    await self._keep(text)
                case "person" | "transfer" if text:
                    key = meant(text, self._ways_out)
                    if key is None or not await self._owner.leave_person(key):
                        await self._owner.relay(text)

    async def left(self, result: QueueLeft) -> None:
        """The wait for a person, or the conversation with one, has ended."""
        async with self._one_at_a_time:
            if self.stand == "person":
                await self._go_on(result)
            elif self.stand == "transfer":
                outcome = _TRANSFERS.get(result.outcome, "failed")
                await self._go_on(TransferLeft(outcome, result.detail))

    @property
    def due(self) -> datetime | None:
        """When `tick` should be called; None while nobody is waited for."""
        if self.stand == "working":
            return self._since
        if self.stand not in {"ask", "message"}:
            return None
        reminder = None if self._reminded else self.manners.reminder
        seconds = self.manners.farewell if reminder is None else reminder
        return self._since + timedelta(seconds=seconds)

    async def tick(self) -> None:
        """Silence for so long that something should be said about it; too early does nothing."""
        async with self._one_at_a_time:
            due = self.due
            if due is None or self._owner.now() < due:
                return
            if self.stand == "working":
                await self._once_more()
                return
            if self.manners.reminder is not None and not self._reminded:
                self._reminded = True
                if self.stand == "ask":
                    await self._answer(NoKeys())
                return
            await self._notice("closed")
            await self._flush()
            await self._finish("silent")

    async def repeat(self) -> None:
        """What was asked for last, once more: the answer to it was lost."""
        async with self._one_at_a_time:
            if self.stand == "ask":
                await self._once_more()

    async def close(self, how: End) -> None:
        """End it from our side, without a word."""
        async with self._one_at_a_time:
            if not self.over:
                await self._finish(how)

    # --- words of our own ------------------------------------------------------------------------

    async def _keyword(self, text: str) -> bool:
        """Whether this was STOP, START or HELP, and not an answer."""
        match word(text):
            case "stop":
                await self._owner.consent(given=False)
                await self._notice("stopped")
                await self._flush()
                if not self.over:
                    await self._finish("stopped")
            case "start" if self.over:
                await self._owner.consent(given=True)
                await self._notice("started")
            case "help":
                await self._notice("help")
            case _:
                return False
        await self._flush()
        return True

    async def _notice(self, name: str, **places: str) -> None:
        house = self.flow.about or self.flow.name
        language = self.state.language if hasattr(self, "state") else self.flow.languages[0].code
        await self._tell(notice(name, language, house=house, **places))

    # --- the flow --------------------------------------------------------------------------------

    async def _answer(self, result: Result) -> None:
        if self._again:
            await self._once_more()
        else:
            await self._go_on(result)

    async def _once_more(self) -> None:
        """What was asked for last, once more."""
        self._again = False
        now, switches = self._owner.now(), self._owner.switches()
        await self._follow(interpreter.again(self.flow, self.state, now, switches))

    async def _keep(self, text: str) -> None:
        action = self.action
        if not isinstance(action, Voicemail | Record):
            await self._go_on(Failed("it is not known what the message was for"))
        elif text:
            await self._go_on(await self._owner.keep_message(action, text))
        else:
            await self._go_on(NotRecorded())

    async def _go_on(self, result: Result) -> None:
        now, switches = self._owner.now(), self._owner.switches()
        state = interpreter.informed(self.flow, self.state, self.news())
        await self._follow(interpreter.resume(self.flow, state, result, now, switches))

    async def _follow(self, turn: Turn) -> None:
        """On from this turn. A fault of ours is told, ends the thread, and is raised."""
        try:
            await converse(
                self.flow,
                turn,
                self,
                self._run,
                note=self._note,
                now=self._owner.now,
                switches=self._owner.switches,
                news=self.news,
            )
        except Exception:
            await self._notice("trouble")
            await self._flush()
            await self._finish("failed")
            raise
        await self._flush()
        if isinstance(self.action, Hangup):
            await self._finish("completed")

    async def _run(self, errand: Errand, state: State) -> Findings:
        """An errand of the flow; a code that comes of it is said here, and kept nowhere."""
        found = await self._errands(errand, state)
        if isinstance(errand, Invite) and isinstance(found, CodeMade):
            await self._flush()
            said, kept = (errand.text.replace(CODE_MARK, each) for each in (found.code, MASK))
            await self._owner.send(said, kept)
        return found

    def _note(self, turn: Turn) -> None:
        self.state, self.stand = turn.state, "working"
        self._owner.note(turn)

    async def perform(self, action: Action, state: State) -> Result | None:
        """See `Medium`."""
        match action:
            case Say(prompts):
                await self._tell(letter(prompts))
                return Said()
            case Transfer(to=to, outside=True):
                await self._tell(letter(action.prompts))
                await self._notice("no-transfer", number=to)
                return TransferLeft("failed", "a text thread cannot be put through")
            case Ask(prompts):
                await self._tell(letter(prompts, action.choices))
                self._stand_at(action, "ask")
            case Voicemail() | Record():
                await self._tell(letter(action.prompts))
                self._stand_at(action, "message")
            case Queue():
                ways_out = await self._offer(action, state)
                await self._flush()
                self._stand_at(action, "person")
                self._ways_out = ways_out
                await self._owner.call_person(action, state)
            case Transfer():
                await self._tell(letter(action.prompts))
                await self._flush()
                self._stand_at(action, "transfer")
                await self._owner.call_person(_for_one(action), state)
            case Hangup(prompts):
                await self._tell(letter(prompts))
                self._stand_at(action, "over")
        return None

    async def until(self, work: Coroutine[Any, Any, Findings], prompts: Prompts) -> Findings:
        """See `Medium`. What costs money is worth no message of its own that only asks to wait."""
        task = asyncio.ensure_future(work)
        try:
            if prompts and not self.manners.joined:
                await asyncio.wait((task,), timeout=QUIET)
                if not task.done():
                    await self._tell(letter(prompts))
            return await task
        finally:
            task.cancel()

    async def _offer(self, action: Queue, state: State) -> tuple[tuple[str, str], ...]:
        """Tell the ways out of the wait, those alone that have room at this moment; their words."""
        if (plan := action.waiting) is None:
            return ()
        there = [each for each in plan.advice if await self._has_room(each, state)]
        prompts = plan.offers + tuple(prompt for each in there for prompt in each.prompts)
        choices = (*plan.keys, *(each.choice for each in there))
        await self._tell(letter(prompts, choices))
        keys = {choice.key for choice in choices}
        return tuple((words, key) for words, key in plan.answers if key in keys)

    async def _has_room(self, advice: Advice, state: State) -> bool:
        found = await self._errands(Room(advice.channel, advice.queue), state)
        return isinstance(found, RoomFound) and found.room

    def _stand_at(self, action: Action, stand: Stand) -> None:
        self.action, self.stand, self._ways_out = action, stand, ()
        self._since = self._owner.now()

    async def _finish(self, how: End) -> None:
        self.action, self.stand = Hangup(), "over"
        await self._owner.ended(how)

    # --- sending ---------------------------------------------------------------------------------

    async def _tell(self, text: str) -> None:
        if not text:
            return
        self._unsent.append(text)
        if not self.manners.joined:
            await self._flush()

    async def _flush(self) -> None:
        whole, self._unsent = "\n".join(self._unsent), []
        for part in parts(whole, self.manners.fits):
            await self._owner.send(part)


def _for_one(action: Transfer) -> Queue:
    """The wait for one agent, as a contact of their queue."""
    return Queue(
        queue=action.queue,
        needs={},
        tell_agent=action.tell_agent,
        whisper=action.whisper,
        agent=action.to,
        max_wait=action.ring,
    )
