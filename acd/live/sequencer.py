"""The leader of a domain over a store that answers over the network.

The distributor of a single machine (`acd.distributor`) asks, writes and applies in one breath: its
journal answers in tens of microseconds, and `send` returns what came of the event. A store across
the network answers in hundreds, so one write for each event, each waiting for the last, would let
the network set the pace. Of the three ways to have both, this is the second:
1. make `send` of the distributor asynchronous: every caller and test of the single machine would
   pay for a network it does not have;
2. a sequencer beside it: events are queued, written in batches, and applied in the order the store
   numbered them, once it has them. One batch is under way, the next gathers meanwhile: a burst
   costs few round trips, a lone event one;
3. apply first and hold back the commands until the store has the event: as fast, but the engine is
   ahead of what is written, and has to be thrown away whenever a write is refused.
So the distributor stays as it is, and both shells drive the same engine.

An event is therefore written before anyone knows whether it is possible. Refused ones stay in the
stream, and every replica refuses them alike (`acd.live.replica`). The engine of a leader who was
fenced off is never ahead of the stream: what was not written was not applied.

Commands go to the nodes as letters, in the next write, together with the mark up to where they have
been posted. A leader who dies between applying and posting leaves them to the next one, who works
out the same commands from the same entries: each letter is posted once. A letter to the leader is
taken in the very write that appends its event: each becomes one entry.

Time in the stream never goes back: an event is stamped no earlier than the one before and no later
than the leader's own time, which goes on from where the last leader's had come.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from acd.errors import AcdError, JournalDamaged
from acd.live.replica import POSTED, Consequence, Replica, event_from, posted_upto
from acd.live.store import (
    Append,
    Fenced,
    Keep,
    Letter,
    Post,
    SaveSnapshot,
    SharedChange,
    SharedStore,
    StoreUnreachable,
    Taken,
    WentBack,
    dump,
)
from acd.model import Command, Event, Ticked, to_json

SNAPSHOT_EVERY = 20_000
"""Entries between snapshots: replaying as many takes about a second."""
BATCH = 256
"""Events in one write."""
LETTER_WAIT = 5.0
"""Seconds one question for letters may take."""
TRY_AGAIN_AFTER = 0.2

Clock = Callable[[], float]
Route = Callable[[Command], Iterable[str]]
Subscriber = Callable[[Command], None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    event: Event
    outcome: asyncio.Future[list[Command]]
    letter: Taken | None = None


class Sequencer:
    """Leads with the engine of `replica`, which stands where `store` ends.

    `route` names the nodes that must hear of a command, and must name the same ones wherever it is
    asked. `unposted` is what the leader before left behind. `run` does the work.
    """

    def __init__(
        self,
        store: SharedStore,
        replica: Replica,
        clock: Clock,
        route: Route,
        *,
        unposted: Sequence[Consequence] = (),
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self.replica = replica
        self._store, self._clock, self._route = store, clock, route
        self._ahead = max(0.0, replica.at - clock())
        self._snapshot_every = snapshot_every
        self._since_snapshot = 0
        self._snapshot_due = False
        self._queue: deque[_Waiting] = deque()
        self._outgoing: list[Post] = []
        self._news = asyncio.Event()
        self._finishing = False
        self._over: AcdError | None = None
        self._ticking = False
        self._timer: asyncio.TimerHandle | None = None
        self._subscribers: list[Subscriber] = []
        for each in unposted:
            self._address(each)
        self._news.set()

    def now(self) -> float:
        """The domain's time, in epoch seconds."""
        return self._clock() + self._ahead

    # --- events in --------------------------------------------------------------------------------

    def send(self, event: Event) -> asyncio.Future[list[Command]]:
        """Queue an event; the outcome is its commands once it is written and applied.

        The outcome raises IllegalEvent, UnknownAgent or UnknownQueue when the event was impossible
        in its turn, ValueError when JSON cannot carry it, and Fenced when another leads by then:
        whether it was written, that one knows.
        """
        return self._put(event, None)

    async def take_letters(self, address: str) -> None:
        """Take in the events that come as letters to `address`, until cancelled.

        One page at a time: what is not written yet is not in anybody's memory twice.
        """
        after = "0"
        while True:
            try:
                letters = await self._store.letters(address, after, wait=LETTER_WAIT)
            except StoreUnreachable:
                # What is not taken is still there, and may have another id in a server restored.
                after = "0"
                await asyncio.sleep(TRY_AGAIN_AFTER)
                continue
            outcomes = [
                self._put(event, Taken(address, letter.id))
                for letter in letters
                if (event := _event_in(letter)) is not None
            ]
            if outcomes:
                await asyncio.wait(outcomes)
            if letters:
                after = letters[-1].id

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Have `callback` called with every command, in order; returns what ends it."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    # --- life -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Lead until `finish`; raises Fenced when another leads."""
        try:
            while not self._finishing:
                await self._news.wait()
                self._news.clear()
                await self._write_all()
                self._arm()
            await self._write_all()
            self._snapshot_due = True
            await self._write_all()
        except AcdError as over:
            self._over = over
            raise
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._finishing = True
            left = self._over or Fenced("this process leads no more")
            for waiting in self._queue:
                if not waiting.outcome.done():
                    waiting.outcome.set_exception(left)
            self._queue.clear()

    def finish(self) -> None:
        """Take no more events; `run` ends when all is written and posted, with a last snapshot."""
        self._finishing = True
        self._news.set()

    def fence(self) -> None:
        """Another leads: `run` raises Fenced as soon as it can."""
        self._over = Fenced("another process leads")
        self._news.set()

    # --- inside -----------------------------------------------------------------------------------

    def _put(self, event: Event, letter: Taken | None) -> asyncio.Future[list[Command]]:
        outcome: asyncio.Future[list[Command]] = asyncio.get_running_loop().create_future()
        outcome.add_done_callback(_looked_at)
        if self._finishing or self._over is not None:
            outcome.set_exception(Fenced("this process leads no more"))
            return outcome
        self._queue.append(_Waiting(event, outcome, letter))
        self._news.set()
        return outcome

    def _work(self) -> bool:
        return bool(self._queue or self._outgoing or self._snapshot_due)

    def _raise_if_over(self) -> None:
        if self._over is not None:
            raise self._over

    async def _write_all(self) -> None:
        self._raise_if_over()
        while self._work():
            await self._write()
            self._raise_if_over()

    async def _write(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        stamped = self._stamp(batch)
        posts, snapshot = self._outgoing, self._snapshot_due
        self._outgoing, self._snapshot_due = [], False
        changes: list[SharedChange] = [*self._before(posts, snapshot=snapshot)]
        changes += [Append("engine", event.at, to_json(event)) for event in stamped]
        changes += [each.letter for each in batch if each.letter is not None]
        try:
            numbers = await self._store.write(*changes)
        except BaseException as failed:
            self._queue.extendleft(reversed(batch))
            self._outgoing, self._snapshot_due = posts, snapshot
            if isinstance(failed, WentBack):
                await self._make_whole(failed)
            elif not isinstance(failed, ValueError) or not self._leave_out_odd_ones():
                raise
            return
        for waiting, event, seq in zip(batch, stamped, numbers, strict=True):
            self._apply(waiting, event, seq)
        if self._since_snapshot >= self._snapshot_every:
            self._snapshot_due = True

    async def _make_whole(self, why: WentBack) -> None:
        """What the store lost took effect: our state stands in for it, and numbers go on.

        Lost letters are posted again, those among them too that a node has taken meanwhile.
        """
        log.error("store_went_back", problem=str(why), seq=self.replica.seq)
        self._snapshot_due = True
        try:
            posted = await posted_upto(self._store)
        except StoreUnreachable:
            return
        self._outgoing = []
        for each in self.replica.since(posted):
            self._address(each)

    def _leave_out_odd_ones(self) -> bool:
        """Refuse the events JSON cannot carry: one must not keep up all others."""
        odd: list[_Waiting] = []
        for waiting in self._queue:
            try:
                dump(to_json(waiting.event))
            except ValueError as problem:
                log.error("event_is_no_json", problem=str(problem))
                odd.append(waiting)
                if not waiting.outcome.done():
                    waiting.outcome.set_exception(problem)
        self._queue = deque(each for each in self._queue if each not in odd)
        return bool(odd)

    def _stamp(self, batch: Sequence[_Waiting]) -> list[Event]:
        last, now, stamped = self.replica.at, self.now(), list[Event]()
        for waiting in batch:
            event = waiting.event
            last = max(last, min(event.at, now))
            stamped.append(event if event.at == last else replace(event, at=last))
        return stamped

    def _before(self, posts: Sequence[Post], *, snapshot: bool) -> Iterable[SharedChange]:
        """What the entries so far call for, and goes ahead of the next ones."""
        at, seq = self.now(), self.replica.seq
        if snapshot:
            self._since_snapshot = 0
            yield SaveSnapshot(seq, at, self.replica.engine.snapshot())
        if posts or snapshot:
            yield from posts
            yield Keep("sequencer", POSTED, at, {"seq": seq})

    def _apply(self, waiting: _Waiting, event: Event, seq: int) -> None:
        self._since_snapshot += 1
        if isinstance(event, Ticked):
            self._ticking = False
        try:
            commands = self.replica.apply(seq, event)
        except AcdError as refused:
            log.warning("event_refused", seq=seq, problem=str(refused))
            if not waiting.outcome.done():
                waiting.outcome.set_exception(refused)
            return
        self._address(Consequence(seq, commands))
        for command in commands:
            self._tell(command)
        if not waiting.outcome.done():
            waiting.outcome.set_result(commands)

    def _address(self, consequence: Consequence) -> None:
        for command in consequence.commands:
            body = {"seq": consequence.seq, "command": to_json(command)}
            self._outgoing += [Post(node, body) for node in self._route(command)]

    def _tell(self, command: Command) -> None:
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(command)
            except Exception:
                # The event has taken effect; one broken screen must not keep it from the others.
                log.exception("subscriber_failed", **to_json(command))

    # --- time -------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Have the timer go off at the next deadline."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.replica.engine.next_deadline()
        if due is not None and not self._ticking:
            delay = max(0.0, due - self.now())
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        due, now = self.replica.engine.next_deadline(), self.now()
        if due is not None and due <= now and not self._finishing:
            self._ticking = True
            self._put(Ticked(now), None)
        else:
            self._arm()


def _looked_at(outcome: asyncio.Future[list[Command]]) -> None:
    """Who does not ask for the outcome does not want it; it is in the log."""
    if not outcome.cancelled():
        outcome.exception()


def _event_in(letter: Letter) -> Event | None:
    try:
        return event_from(letter.body, f"letter {letter.id}")
    except JournalDamaged as odd:
        log.error("letter_is_no_event", problem=str(odd))
        return None
