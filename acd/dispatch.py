"""What a shell sees of a distributor, whether it leads one machine alone or is one node of several.

`Distributing` is the whole of it. What the two have in common besides stands here as well: how
commands reach those who wait for them, and how the engine is put right with what is alive.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self

import structlog

from acd.engine import Engine
from acd.model import (
    AgentChanged,
    AgentReleased,
    CallLeft,
    CallSteered,
    Cause,
    Command,
    CustomerFailed,
    Event,
    OfferAnswered,
    OfferFailed,
    to_json,
)
from acd.state import OfferRecord
from acd.views import CallRow

NEWS: Final = (AgentChanged, CallSteered)
"""Commands that ask nobody to do anything: every node hears them, and no call's mailbox."""

Subscriber = Callable[[Command], None]
Owns = Callable[[str], bool]

log = structlog.get_logger(__name__)


class Mailbox:
    """Commands for one call and one reader, in order. Use as a context manager, or `close` it.

    `on_news` is called when a command comes. It is no asyncio.Queue and wants no task that waits at
    it: those are 4 kB for each waiting call.
    """

    def __init__(self, call: str, boxes: dict[str, list[Mailbox]]) -> None:
        self.call = call
        self._boxes = boxes
        self._commands: list[Command] = []
        self.on_news: Callable[[], None] | None = None
        boxes.setdefault(call, []).append(self)

    async def get(self) -> Command:
        """The next command; waits for it."""
        if not self._commands:
            news = asyncio.Event()
            self.on_news = news.set
            try:
                await news.wait()
            finally:
                self.on_news = None
        return self._commands.pop(0)

    def get_nowait(self) -> Command | None:
        """The next command, or None when there is none yet."""
        return self._commands.pop(0) if self._commands else None

    def put(self, command: Command) -> None:
        """For the distributor."""
        self._commands.append(command)
        if self.on_news is not None:
            self.on_news()

    def close(self) -> None:
        """Take no more commands; harmless when closed already."""
        boxes = self._boxes.get(self.call, [])
        if self in boxes:
            boxes.remove(self)
        if not boxes:
            self._boxes.pop(self.call, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


class Distributing(Protocol):
    """Order of use: `join`, `recover`, `reconcile`, `start`, ..., `stop`.

    Calls belong to the node on which the caller's channel is. On one machine there is one node, and
    it owns, leads and knows everything at once.
    """

    @property
    def engine(self) -> Engine:
        """What is so, to look at. Ask for it each time: it may be another one by then."""
        ...

    @property
    def now(self) -> Callable[[], float]:
        """The clock of its events: epoch seconds."""
        ...

    @property
    def leads(self) -> bool:
        """Whether this process decides; who leads also begins the day."""
        ...

    async def join(self) -> None:
        """Stand where the other nodes are."""
        ...

    def recover(self) -> int:
        """Stand where the last service left off; returns how many events that took."""
        ...

    def reconcile(self, calls: Collection[str], offers: Mapping[str, bool]) -> None:
        """Put the engine right with what is alive on this node, for example after a restart.

        `calls` are those whose caller is there (a phone's channel, an open chat), `offers` the
        agents' legs: True when talking, False when ringing. Which of several phones still ring, and
        who of their agents talks, is to be sent before. Callers who are gone have left, agents
        without a leg are released, an offer answered meanwhile is answered, one that vanished is
        lost without blame. Callbacks need no caller; a dial nobody tells of is lost likewise.
        """
        ...

    def start(self) -> None:
        """Begin; call it inside the running event loop."""
        ...

    async def stop(self) -> None:
        """End; calls and agents stay as they are."""
        ...

    def send(self, event: Event) -> list[Command]:
        """Let it happen, now or as soon as the domain has it; returns the commands known so far.

        Raises IllegalEvent, UnknownAgent or UnknownQueue when it is certain that the event is
        impossible; then nothing has happened.
        """
        ...

    async def settled(self) -> None:
        """Return when every event sent from here so far has been applied here, or refused."""
        ...

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Have `callback` called with commands, in order; returns what ends it.

        They are the `NEWS` of all nodes, and whatever is to be done about calls of this node.
        """
        ...

    def watch(self, call: str) -> Mailbox:
        """A mailbox for the commands of one call; open it before the call is queued."""
        ...

    def owns(self, contact: str) -> bool:
        """Whether this contact is this node's; a call or an offer of it may be named as well."""
        ...

    async def set_place(self, agent: str, node: str | None) -> None:
        """Say at which node this agent's phone is; returns when that is known."""
        ...

    def place_of(self, agent: str) -> str | None:
        """The node of this agent's phone, as last heard; None when nobody has said."""
        ...

    async def share(self, contact: str, body: Mapping[str, Any] | None) -> None:
        """Show the other nodes what they would need to make this contact's callback; None: no more.

        Returns when they know. A single machine has nobody to show it to.
        """
        ...

    def shared(self, contact: str) -> Mapping[str, Any] | None:
        """What was shared of this contact, by whichever node."""
        ...

    @property
    def alone(self) -> bool:
        """Whether this node is cut off from others with which it shares agents, and decides alone.

        A phone here may then be rung for one of theirs, which was decided before.
        """
        ...

    async def may_ring(self, agent: str) -> bool:
        """Whether only the domain decides about this agent's phone now and for the next moment.

        False when the phone is at another node that may be on its own. It takes up to a second to
        find out.
        """
        ...


class Dispatch:
    """Passes commands on: each to all subscribers and to the mailboxes of its call, in order.

    A subscriber may cause further commands: they are passed on after those already on their way.
    """

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._boxes: dict[str, list[Mailbox]] = {}
        self._outbox: deque[Command] = deque()
        self._busy = False

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """See `Distributing`."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def watch(self, call: str) -> Mailbox:
        """See `Distributing`."""
        return Mailbox(call, self._boxes)

    def pass_on(self, commands: Sequence[Command]) -> None:
        """Deliver them, now or after those that are on their way."""
        self._outbox.extend(commands)
        if self._busy:
            return
        self._busy = True
        try:
            while self._outbox:
                self._deliver(self._outbox.popleft())
        finally:
            self._busy = False

    def _deliver(self, command: Command) -> None:
        if not isinstance(command, NEWS):
            for box in self._boxes.get(command.call, ()):
                box.put(command)
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(command)
            except Exception:
                # The event has taken effect; one broken screen must not keep it from the others.
                log.exception("subscriber_failed", **to_json(command))


class Squaring:
    """`Distributing.reconcile` for any of them; only what `owns` says is theirs is judged."""

    def __init__(
        self, engine: Engine, now: float, send: Callable[[Event], object], owns: Owns
    ) -> None:
        self._engine, self._now, self._send, self._owns = engine, now, send, owns

    def square(self, calls: Collection[str], offers: Mapping[str, bool]) -> None:
        """Send what puts the engine right."""
        rows = [row for row in self._engine.calls_view(self._now) if self._owns(row.contact)]
        for row in rows:
            if row.virtual:
                if row.dialling and row.offer not in offers:
                    self._send(CustomerFailed(self._now, row.call, Cause.LOST))
            elif row.call not in calls and not row.caller_left and row.offer not in offers:
                self._caller_is_gone(row)
        for row in rows:
            offer = self._engine.offer(row.offer) if row.offer is not None else None
            if offer is not None and not row.dialling:
                self._square_offer(offer, offers.get(offer.offer))

    def _caller_is_gone(self, row: CallRow) -> None:
        """First of all, so that no agent freed later is given a call that is no more."""
        if row.offer is not None and row.answered_at is None:
            self._send(OfferFailed(self._now, row.offer, Cause.CALLER_LEFT))
        else:
            self._send(CallLeft(self._now, row.call, "lost"))

    def _square_offer(self, offer: OfferRecord, talking: bool | None) -> None:
        if offer.answered_at is not None:
            if talking is None:
                self._send(AgentReleased(self._now, offer.offer))
        elif talking:
            if not offer.also:  # who of several it is was sent, and may be on its way
                self._send(OfferAnswered(self._now, offer.offer))
        elif talking is None:
            self._send(OfferFailed(self._now, offer.offer, Cause.LOST))


def named_in(body: Mapping[str, object]) -> dict[str, object]:
    """What a log line needs to find the matter of an event again, without a whole floor in it."""
    names = ("type", "contact", "call", "offer", "agent", "queue", "by")
    return {name: body[name] for name in names if name in body}
