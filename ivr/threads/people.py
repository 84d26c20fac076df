"""Conversations that wait for an agent or have one: what the distributor decides, and its answer.

Several conversations share an agent; a call is exclusive, and what becomes of chats in hand when
their agent takes one is the floor's choice. An offer is put on the agent's screen; it is answered
there, or runs out by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

import structlog

from acd.errors import AcdError
from acd.model import (
    AgentReleased,
    CallExits,
    CallKeyed,
    CallLeft,
    CallQueued,
    CallTransferred,
    CancelOffer,
    Cause,
    Channel,
    ChatParked,
    ChatResumed,
    ChatReturned,
    ChatRoomSet,
    Command,
    Event,
    Exit,
    MakeOffer,
    OfferAnswered,
    OfferFailed,
)
from acd.records.contact import Json
from acd.views import AgentRow, CallRow
from ivr.channels.caller_card import queue_to_json
from ivr.channels.waiting import EXITS, KEEPS_PLACE
from ivr.flow.actions import Outcome, Queue, QueueLeft
from ivr.flow.running.state import State
from ivr.threads.book import Book, Thread

log = structlog.get_logger(__name__)


RING_AGAIN = 20.0
"""Seconds an offer stays on the screen after a restart: the screen has to come back first."""


class NotYours(AcdError):
    """The conversation is not with this agent, or is over."""


class Distributes(Protocol):
    """What is asked of the distributor."""

    def send(self, event: Event) -> list[Command]:
        """Tell it; raises AcdError when the event is impossible."""
        ...


class Screens(Protocol):
    """The agents' screens."""

    def tell(self, agent: str, kind: str, data: Mapping[str, Json]) -> None:
        """Show this on every screen of the agent; one that is not there is told at its return."""
        ...


class NoScreens:
    """Nobody has one."""

    def tell(self, agent: str, kind: str, data: Mapping[str, Json]) -> None:
        """See `Screens`."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """An offer on an agent's screen."""

    offer: str
    thread: str
    agent: str
    queue: str
    until: float


class People:
    """Finds agents for threads. `left` hears how a wait or a talk ended; `owns` tells our own."""

    def __init__(
        self,
        book: Book,
        distributor: Distributes,
        screens: Screens,
        left: Callable[[Thread, QueueLeft], None],
        clock: Callable[[], float],
    ) -> None:
        self._book, self._distributor, self._screens = book, distributor, screens
        self._left, self._clock = left, clock
        self._ringing: dict[str, Ringing] = {}
        self._rooms: set[str] = set()

    # --- waiting ---------------------------------------------------------------------------------

    def ask(self, thread: Thread, wanted: Queue, _: State) -> None:
        """Join the queue, as a chat: the wait is in the journal before anybody is asked."""
        thread.asked = queue_to_json(wanted)
        self._join(thread, wanted)

    def _join(self, thread: Thread, wanted: Queue) -> None:
        thread.entries += 1
        thread.call, thread.queue = f"{thread.id}.t{thread.entries}", wanted.queue
        thread.agent = thread.offer = ""
        thread.phase = "waiting"
        at = self._clock()
        thread.since = thread.places.get(wanted.queue, at)
        queued = CallQueued(
            at,
            thread.call,
            thread.id,
            wanted.queue,
            dict(wanted.needs),
            wanted.priority,
            thread.since,
            agent=wanted.agent,
            max_wait=wanted.max_wait,
            channel=Channel.CHAT,
            prefers=wanted.prefers,
            prefer_seconds=wanted.prefer_seconds,
            customer=thread.sure_number,
        )
        self._book.keep(thread)
        try:
            self._distributor.send(queued)
        except AcdError as refused:
            log.error("no such wait", contact=thread.id, queue=wanted.queue, why=str(refused))
            self._over(thread, "failed", str(refused))
            return
        told: dict[str, Json] = {"queue": wanted.queue, "priority": wanted.priority}
        self._book.tell(thread, "queued", {**told, "needs": {**wanted.needs}})

    def leave_by(self, thread: Thread, key: str) -> bool:
        """The other side leaves the wait by this key; False when an agent is there already."""
        if thread.phase == "waiting":
            try:
                self._distributor.send(CallKeyed(self._clock(), thread.call, key))
            except AcdError as late:
                log.info("a key came too late", contact=thread.id, why=str(late))
                return False
        return thread.phase != "talking"

    def gone(self, thread: Thread) -> None:
        """Whoever wrote has left: nobody is to be found for them, and an agent is free again."""
        if thread.phase == "talking":
            self._tell(AgentReleased(self._clock(), thread.offer))
            self._told(thread, "agent_left", agent=thread.agent, offer=thread.offer)
            self._screens.tell(thread.agent, "chat_ended", {"contact": thread.id})
        elif thread.phase == "waiting":
            self._tell(CallLeft(self._clock(), thread.call, "left"))
        self._forget_offer(thread)

    # --- what the distributor says ---------------------------------------------------------------

    def on_command(self, command: Command) -> None:
        """Follow what the distributor decides."""
        match command:
            case MakeOffer(channel=Channel.CHAT):
                self._offered(command)
            case CancelOffer(offer=offer, reason=reason):
                self._taken_back(offer, reason.value)
            case CallExits(call=call, reason=reason, detail=detail):
                if (thread := self._book.by_call(call)) is not None and thread.phase == "waiting":
                    self._told(thread, "left_queue", reason=reason.value, detail=detail)
                    if reason in KEEPS_PLACE:
                        thread.places[thread.queue] = thread.since
                    self._over(thread, EXITS[Exit(reason)], detail)
            case ChatParked(call=call):
                self._set_aside(call, parked=True)
            case ChatResumed(call=call):
                self._set_aside(call, parked=False)
            case ChatReturned(call=call, agent=agent):
                self._returned(call, agent)
            case _:
                pass

    def _offered(self, made: MakeOffer) -> None:
        thread = self._book.by_call(made.call)
        if thread is None:
            return
        until = self._clock() + made.ring_seconds
        ringing = Ringing(made.offer, thread.id, made.agent, made.queue, until)
        self._ringing[made.offer] = ringing
        self._told(thread, "offered", agent=made.agent, offer=made.offer, queue=made.queue)
        self._screens.tell(made.agent, "chat_offered", self._shown(ringing))

    def _shown(self, ringing: Ringing) -> dict[str, Json]:
        thread = self._book.get(ringing.thread)
        facts: dict[str, Json] = {**asdict(ringing), "contact": ringing.thread}
        if thread is not None:
            facts |= {"name": thread.name, "kind": thread.kind, "address": thread.address}
            facts |= {"tell_agent": thread.asked.get("tell_agent", ""), "seq": thread.seq}
        return facts

    def _taken_back(self, offer: str, reason: str) -> None:
        ringing = self._ringing.pop(offer, None)
        if ringing is not None:
            told: dict[str, Json] = {"offer": offer, "contact": ringing.thread, "reason": reason}
            self._screens.tell(ringing.agent, "chat_offer_ended", told)

    def _set_aside(self, call: str, *, parked: bool) -> None:
        thread = self._book.by_call(call)
        if thread is not None:
            thread.parked = parked
            self._book.keep(thread)
            kind = "chat_parked" if parked else "chat_resumed"
            self._told(thread, kind, agent=thread.agent)
            self._screens.tell(thread.agent, kind, {"contact": thread.id})

    def _returned(self, call: str, agent: str) -> None:
        thread = self._book.by_call(call)
        if thread is not None:
            self._screens.tell(agent, "chat_ended", {"contact": thread.id})
            thread.phase, thread.agent, thread.offer = "waiting", "", ""
            self._book.keep(thread)
            self._told(thread, "chat_returned", agent=agent)

    # --- what agents do --------------------------------------------------------------------------

    def accept(self, agent: str, offer: str) -> Thread:
        """The agent takes the conversation; raises NotYours when it is no longer offered."""
        ringing = self._mine(agent, offer)
        thread = self._book.get(ringing.thread)
        if thread is None:
            raise NotYours("this conversation is over")
        self._distributor.send(OfferAnswered(self._clock(), offer))
        del self._ringing[offer]
        thread.phase, thread.agent, thread.offer = "talking", agent, offer
        thread.places.clear()
        if agent not in thread.agents:
            thread.agents.append(agent)
        self._book.keep(thread)
        self._told(thread, "answered", agent=agent, offer=offer, queue=thread.queue)
        return thread

    def decline(self, agent: str, offer: str) -> None:
        """The agent does not take it; the conversation keeps its place."""
        ringing = self._mine(agent, offer)
        self._distributor.send(OfferFailed(self._clock(), offer, Cause.REJECTED))
        self._ringing.pop(offer, None)
        thread = self._book.get(ringing.thread)
        if thread is not None:
            self._told(thread, "offer_failed", agent=agent, offer=offer, cause="rejected")

    def _mine(self, agent: str, offer: str) -> Ringing:
        ringing = self._ringing.get(offer)
        if ringing is None or ringing.agent != agent:
            raise NotYours("this conversation is not offered to you any more")
        return ringing

    def talking(self, agent: str, thread_id: str) -> Thread:
        """The conversation, if it is this agent's; raises NotYours."""
        thread = self._book.get(thread_id)
        if thread is None or thread.phase != "talking" or thread.agent != agent:
            raise NotYours("this conversation is not yours, or is over")
        return thread

    def leave(self, agent: str, thread_id: str) -> None:
        """The agent is done; the flow goes on with what follows a conversation."""
        thread = self.talking(agent, thread_id)
        self._distributor.send(AgentReleased(self._clock(), thread.offer))
        self._told(thread, "agent_left", agent=agent, offer=thread.offer)
        self._over(thread, "answered")

    def move_on(self, agent: str, thread_id: str, queue: str, to: str | None = None) -> None:
        """Another queue, or one agent of it, takes the conversation over; its place is kept."""
        thread = self.talking(agent, thread_id)
        call = f"{thread.id}.t{thread.entries + 1}"
        at, left = self._clock(), thread.offer
        was = (thread.call, thread.queue)
        thread.entries += 1
        thread.call, thread.queue, thread.phase = call, queue, "waiting"
        thread.agent = thread.offer = ""
        try:
            self._distributor.send(CallTransferred(at, left, call, queue, agent=to))
        except AcdError:
            thread.entries -= 1
            (thread.call, thread.queue), thread.phase = was, "talking"
            thread.agent, thread.offer = agent, left
            raise
        self._book.keep(thread)
        self._told(thread, "agent_left", agent=agent, offer=left)
        self._told(thread, "transferred", by=agent, to=to or queue)
        self._screens.tell(agent, "chat_ended", {"contact": thread.id})

    def set_room(self, agent: str, chats: int | None) -> None:
        """How many conversations the agent can take: 0 without a screen."""
        if chats == 0:
            self._rooms.discard(agent)
        else:
            self._rooms.add(agent)
        self._tell(ChatRoomSet(self._clock(), agent, chats))

    def tick(self) -> None:
        """Offers that nobody has answered in their time are the next agent's."""
        now = self._clock()
        for ringing in [each for each in self._ringing.values() if each.until <= now]:
            del self._ringing[ringing.offer]
            self._tell(OfferFailed(now, ringing.offer, Cause.NO_ANSWER))
            told: dict[str, Json] = {"offer": ringing.offer, "contact": ringing.thread}
            self._screens.tell(ringing.agent, "chat_offer_ended", {**told, "reason": "no_answer"})
            if (thread := self._book.get(ringing.thread)) is not None:
                why: dict[str, Json] = {"agent": ringing.agent, "cause": "no_answer"}
                self._told(thread, "offer_failed", offer=ringing.offer, **why)

    def no_screens(self, rows: Iterable[AgentRow]) -> None:
        """Nobody is offered anything until their screen is there."""
        for row in rows:
            if row.most_chats and row.agent not in self._rooms:
                self.set_room(row.agent, 0)

    def offers_to(self, agent: str) -> list[dict[str, Json]]:
        """What is on offer to the agent just now, for a screen that comes back."""
        return [self._shown(each) for each in self._ringing.values() if each.agent == agent]

    def held_by(self, agent: str) -> list[Thread]:
        """The conversations in the agent's hands."""
        return [each for each in self._book if each.phase == "talking" and each.agent == agent]

    # --- after a restart -------------------------------------------------------------------------

    def recover(self, rows: list[CallRow]) -> None:
        """Take up what the distributor knows of our conversations, and what it does not."""
        chats = {row.call: row for row in rows if row.channel is Channel.CHAT}
        for thread in self._book:
            row = chats.get(thread.call)
            if thread.phase == "waiting" and row is None:
                self._over(thread, "failed", "the wait was lost")
            elif thread.phase == "talking" and (row is None or row.offer != thread.offer):
                self._over(thread, "answered")
            elif row is not None and row.offer and row.agent and row.answered_at is None:
                until = self._clock() + RING_AGAIN
                self._ringing[row.offer] = Ringing(
                    row.offer, thread.id, row.agent, row.queue, until
                )
            elif row is not None and row.offer and row.agent and thread.phase == "waiting":
                thread.phase, thread.agent, thread.offer = "talking", row.agent, row.offer
                self._book.keep(thread)

    def standing(self) -> tuple[set[str], dict[str, bool]]:
        """Calls of ours that are alive, and offers: True with an agent who writes."""
        waits = [each for each in self._book if each.phase in {"waiting", "talking"}]
        offers = dict.fromkeys(self._ringing, False)
        offers |= {each.offer: True for each in waits if each.phase == "talking"}
        return {each.call for each in waits}, offers

    # --- helpers ---------------------------------------------------------------------------------

    def _over(self, thread: Thread, outcome: Outcome, detail: str = "") -> None:
        if thread.agent:
            self._screens.tell(thread.agent, "chat_ended", {"contact": thread.id})
        thread.phase, thread.agent, thread.offer, thread.parked = "flow", "", "", False
        self._book.keep(thread)
        self._left(thread, QueueLeft(outcome, detail))

    def _forget_offer(self, thread: Thread) -> None:
        for ringing in [each for each in self._ringing.values() if each.thread == thread.id]:
            self._taken_back(ringing.offer, "caller_left")

    def _tell(self, event: Event) -> None:
        try:
            self._distributor.send(event)
        except AcdError as late:
            log.info("too late for the distributor", event_type=type(event).__name__, why=str(late))

    def _told(self, thread: Thread, kind: str, **data: Json) -> None:
        self._book.tell(thread, kind, data)
