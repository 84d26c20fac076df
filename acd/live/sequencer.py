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

A letter to the leader is taken in the very write that appends what it says: each becomes one entry.

Time in the stream never goes back: an event is stamped no earlier than the one before and no later
than the leader's own time, which goes on from where the last leader's had come.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from acd.errors import AcdError, JournalDamaged
from acd.live.entry import Noted, Origin, Word, word_from
from acd.live.replica import Replica
from acd.live.store import (
    Append,
    Fenced,
    Letter,
    SaveSnapshot,
    SharedChange,
    SharedStore,
    StoreUnreachable,
    Taken,
    WentBack,
    dump,
)
from acd.model import Command, Event, Ticked

SNAPSHOT_EVERY = 20_000
"""Entries between snapshots: replaying as many takes about a second."""
BATCH = 256
"""Events in one write."""
LETTER_WAIT = 5.0
"""Seconds one question for letters may take."""
TRY_AGAIN_AFTER = 0.2

Clock = Callable[[], float]
Outcome = asyncio.Future[list[Command]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    word: Word
    outcome: Outcome
    letter: Taken | None = None


class Sequencer:
    """Leads with the engine of `replica`, which stands where `store` ends. `run` does the work."""

    def __init__(
        self,
        store: SharedStore,
        replica: Replica,
        clock: Clock,
        *,
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self.replica = replica
        self._store, self._clock = store, clock
        self._ahead = max(0.0, replica.at - clock())
        self._snapshot_every = snapshot_every
        self._since_snapshot = 0
        self._snapshot_due = False
        self._queue: deque[_Waiting] = deque()
        self._news = asyncio.Event()
        self._finishing = False
        self._over: AcdError | None = None
        self._ticking = False
        self._timer: asyncio.TimerHandle | None = None
        self._news.set()

    @property
    def over(self) -> bool:
        """Whether it takes no more."""
        return self._finishing or self._over is not None

    def now(self) -> float:
        """The domain's time, in epoch seconds."""
        return self._clock() + self._ahead

    # --- events in --------------------------------------------------------------------------------

    def send(self, said: Event | Noted, origin: Origin | None = None) -> Outcome:
        """Queue an event; the outcome is its commands once it is written and applied.

        The outcome raises IllegalEvent, UnknownAgent or UnknownQueue when the event was impossible
        in its turn, ValueError when JSON cannot carry it, and Fenced when another leads by then:
        whether it was written, that one knows.
        """
        return self._put(Word(said, origin), None)

    async def take_letters(self, address: str) -> None:
        """Take in the words that come as letters to `address`, until cancelled.

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
                self._put(word, Taken(address, letter.id))
                for letter in letters
                if (word := _word_in(letter)) is not None
            ]
            if outcomes:
                await asyncio.wait(outcomes)
            if letters:
                after = letters[-1].id

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
        """Take no more events; `run` ends when all is written, with a last snapshot."""
        self._finishing = True
        self._news.set()

    def fence(self) -> None:
        """Another leads: `run` raises Fenced as soon as it can."""
        self._over = Fenced("another process leads")
        self._news.set()

    # --- inside -----------------------------------------------------------------------------------

    def _put(self, word: Word, letter: Taken | None) -> Outcome:
        outcome: Outcome = asyncio.get_running_loop().create_future()
        outcome.add_done_callback(_looked_at)
        if self.over:
            outcome.set_exception(Fenced("this process leads no more"))
            return outcome
        self._queue.append(_Waiting(word, outcome, letter))
        self._news.set()
        return outcome

    def _raise_if_over(self) -> None:
        if self._over is not None:
            raise self._over

    async def _write_all(self) -> None:
        self._raise_if_over()
        while self._queue or self._snapshot_due:
            await self._write()
            self._raise_if_over()

    async def _write(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        stamped = self._stamp(batch)
        snapshot, self._snapshot_due = self._snapshot_due, False
        changes: list[SharedChange] = [self._snapshot()] if snapshot else []
        changes += [Append("engine", word.said.at, word.body()) for word in stamped]
        changes += [each.letter for each in batch if each.letter is not None]
        try:
            numbers = await self._store.write(*changes)
        except BaseException as failed:
            self._queue.extendleft(reversed(batch))
            self._snapshot_due = snapshot
            if isinstance(failed, WentBack):
                # What the store lost took effect: our state stands in for it, and numbers go on.
                log.error("store_went_back", problem=str(failed), seq=self.replica.seq)
                self._snapshot_due = True
            elif not isinstance(failed, ValueError) or not self._leave_out_odd_ones():
                raise
            return
        for waiting, word, seq in zip(batch, stamped, numbers, strict=True):
            self._apply(waiting, word, seq)
        if self._since_snapshot >= self._snapshot_every:
            self._snapshot_due = True

    def _snapshot(self) -> SaveSnapshot:
        self._since_snapshot = 0
        return SaveSnapshot(self.replica.seq, self.now(), self.replica.snapshot())

    def _leave_out_odd_ones(self) -> bool:
        """Refuse the events JSON cannot carry: one must not keep up all others."""
        odd: list[_Waiting] = []
        for waiting in self._queue:
            try:
                dump(waiting.word.body())
            except ValueError as problem:
                log.error("event_is_no_json", problem=str(problem))
                odd.append(waiting)
                if not waiting.outcome.done():
                    waiting.outcome.set_exception(problem)
        self._queue = deque(each for each in self._queue if each not in odd)
        return bool(odd)

    def _stamp(self, batch: Sequence[_Waiting]) -> list[Word]:
        last, now, stamped = self.replica.at, self.now(), list[Word]()
        for waiting in batch:
            said, origin = waiting.word
            last = max(last, min(said.at, now))
            stamped.append(Word(said if said.at == last else replace(said, at=last), origin))
        return stamped

    def _apply(self, waiting: _Waiting, word: Word, seq: int) -> None:
        self._since_snapshot += 1
        if isinstance(word.said, Ticked):
            self._ticking = False
        try:
            commands = self.replica.apply(seq, word.said.at, word)
        except AcdError as refused:
            log.warning("event_refused", seq=seq, problem=str(refused))
            if not waiting.outcome.done():
                waiting.outcome.set_exception(refused)
            return
        if not waiting.outcome.done():
            waiting.outcome.set_result(commands)

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
            self._put(Word(Ticked(now)), None)
        else:
            self._arm()


def _looked_at(outcome: Outcome) -> None:
    """Who does not ask for the outcome does not want it; it is in the log."""
    if not outcome.cancelled():
        outcome.exception()


def _word_in(letter: Letter) -> Word | None:
    try:
        return word_from(letter.body, f"letter {letter.id}")
    except JournalDamaged as odd:
        log.error("letter_is_no_event", problem=str(odd))
        return None
