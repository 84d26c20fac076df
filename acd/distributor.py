"""The shell around the engine: writes every event down, applies it, passes the commands on.

One event goes through four steps, without a pause between them:
1. `check`: an impossible event raises here; nothing is written, nothing has changed;
2. append to the journal: if the disk refuses, it raises here; nothing has changed;
3. `apply`: cannot fail, what was checked is possible;
4. dispatch: every subscriber sees every command, in order.
So the journal holds exactly the events that took effect, and snapshot + replay is the same engine.
(The alternative, to apply on a copy and roll back, costs a copy of the floor for each event.)

Everything runs in the event loop's thread; `send` is synchronous. A subscriber may `send` again:
its commands are passed on after those already on their way. One timer handle, armed for the next
deadline, sends `Ticked`; nothing polls.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import structlog

from acd.dispatch import Dispatch, Mailbox, Squaring, Subscriber, named_in
from acd.engine import Engine
from acd.errors import AcdError, JournalDamaged
from acd.journal import Journal
from acd.model import EVENTS, Command, DayStarted, Event, Ticked, from_json, to_json

Clock = Callable[[], float]

SNAPSHOT_EVERY = 20_000
"""Events between snapshots: replaying as many takes about a second."""

CHECKPOINT_EVERY = 1000
"""Writes between checkpoints: the WAL stays at a few megabytes."""

DAY = 86_400.0

TRY_AGAIN_AFTER = 1.0
"""Seconds until time is tried again when the journal refused a `Ticked`."""

log = structlog.get_logger(__name__)


def steady_clock() -> Clock:
    """Epoch seconds that never jump: the wall clock at the start, monotonic time from there.

    A wall clock set back by an hour would otherwise make every lease last an hour.
    """
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


class Distributor:
    """The one who leads a floor. Order of use: `recover`, `reconcile`, `start`, ..., `stop`.

    Until `start` no deadline runs out, so that what Asterisk knows about the calls that lived
    through a restart comes first.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock | None = None,
        *,
        snapshot_every: int = SNAPSHOT_EVERY,
        keep_days: int = 0,
    ) -> None:
        self.engine = Engine()
        self.leads = True
        self.now: Clock = clock or steady_clock()
        self._journal = journal
        self._snapshot_every, self._keep_days = snapshot_every, keep_days
        self._since_snapshot = 0
        self._seq = 0
        self._dispatch = Dispatch()
        self._places: dict[str, str | None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        """On the loop's clock; uvloop's handle of what is due at once cannot tell it."""
        self._upkeep: asyncio.Task[None] | None = None

    # --- life -------------------------------------------------------------------------------------

    async def join(self) -> None:
        """See `Distributing`: there is nobody else."""

    def recover(self) -> int:
        """Bring the engine to where the journal ends; returns how many events were replayed.

        Nothing is dispatched: what was commanded before is for `reconcile` to put right. Raises
        JournalDamaged when snapshot or entries cannot be read. An entry this version refuses is
        logged and left out, for one odd event must not cost all callers their places.
        """
        self.engine, self._seq = self._restore_snapshot()
        replayed = 0
        for entry in self._journal.read("engine", self._seq):
            event = _event_from(entry.body, entry.seq)
            try:
                self.engine.handle(event)
            except AcdError as error:
                log.error(
                    "replay_refused", seq=entry.seq, problem=str(error), **named_in(entry.body)
                )
            self._seq = entry.seq
            replayed += 1
        self._since_snapshot = replayed
        return replayed

    def _restore_snapshot(self) -> tuple[Engine, int]:
        kept = self._journal.snapshot()
        if kept is None:
            return Engine(), 0
        try:
            return Engine.restore(kept.body), kept.seq
        except (ValueError, KeyError) as error:
            raise JournalDamaged(f"the snapshot cannot be restored: {error}") from error

    def reconcile(self, calls: Collection[str], offers: Mapping[str, bool]) -> None:
        """See `Distributing`."""
        Squaring(self.engine, self.now(), self.send, self.owns).square(calls, offers)

    def start(self) -> None:
        """Let deadlines run from now on; call it inside the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._arm()

    async def stop(self) -> None:
        """Keep a last snapshot and stop; calls and agents stay as they are in the journal."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop = self._timer = None
        if self._upkeep is not None:
            await self._upkeep
        self._keep_snapshot()
        await asyncio.to_thread(self._journal.checkpoint)

    # --- events in --------------------------------------------------------------------------------

    def send(self, event: Event) -> list[Command]:
        """Write an event down, apply it, pass the commands on; returns them as well.

        Raises IllegalEvent, UnknownAgent or UnknownQueue when the event is impossible; then nothing
        was written and nothing has changed.
        """
        try:
            self.engine.check(event)
        except AcdError as error:
            log.warning("event_refused", problem=str(error), **named_in(to_json(event)))
            raise
        self._seq = self._journal.append("engine", event.at, to_json(event))
        commands = self.engine.apply(event)
        self._count(event)
        self._arm()
        self._dispatch.pass_on(commands)
        return commands

    async def settled(self) -> None:
        """See `Distributing`: every event is applied when `send` returns."""

    # --- commands out -----------------------------------------------------------------------------

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """See `Distributing`."""
        return self._dispatch.subscribe(callback)

    def watch(self, call: str) -> Mailbox:
        """See `Distributing`."""
        return self._dispatch.watch(call)

    # --- one node alone ---------------------------------------------------------------------------

    def owns(self, contact: str) -> bool:
        """See `Distributing`."""
        return True

    async def set_place(self, agent: str, node: str | None) -> None:
        """See `Distributing`; for as long as this process runs."""
        self._places[agent] = node

    def place_of(self, agent: str) -> str | None:
        """See `Distributing`."""
        return self._places.get(agent)

    async def share(self, contact: str, body: Mapping[str, Any] | None) -> None:
        """See `Distributing`."""

    def shared(self, contact: str) -> Mapping[str, Any] | None:
        """See `Distributing`."""
        return None

    @property
    def alone(self) -> bool:
        """See `Distributing`."""
        return False

    async def may_ring(self, agent: str) -> bool:
        """See `Distributing`."""
        return True

    # --- time -------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Have the timer go off no later than the next deadline."""
        if self._loop is None:
            return
        due = self.engine.next_deadline()
        if due is None:
            return
        when = self._loop.time() + max(0.0, due - self.now())
        if self._timer is not None:
            if self._timer_at <= when:
                return
            self._timer.cancel()
        self._timer, self._timer_at = self._loop.call_at(when, self._on_timer), when

    def _on_timer(self) -> None:
        """Send `Ticked` if something is due; an early timer only arms itself again."""
        self._timer = None
        due, now = self.engine.next_deadline(), self.now()
        try:
            if due is not None and due <= now:
                self.send(Ticked(now))
            self._arm()
        except sqlite3.Error:
            # A full disk must not stop time for good: leases have to run out when it has room.
            log.exception("tick_refused")
            if self._loop is not None:
                self._timer_at = self._loop.time() + TRY_AGAIN_AFTER
                self._timer = self._loop.call_at(self._timer_at, self._on_timer)

    # --- upkeep -----------------------------------------------------------------------------------

    def _count(self, event: Event) -> None:
        """See to upkeep, after and not during the event."""
        self._since_snapshot += 1
        if self._loop is None:
            return
        # A day on record begins where its snapshot was taken.
        if self._since_snapshot >= self._snapshot_every or isinstance(event, DayStarted):
            self._since_snapshot = 0
            self._loop.call_soon(self._keep_snapshot)
        if self._journal.writes >= CHECKPOINT_EVERY and not self._checkpointing():
            self._trim()
            self._upkeep = self._loop.create_task(asyncio.to_thread(self._journal.checkpoint))

    def _checkpointing(self) -> bool:
        return self._upkeep is not None and not self._upkeep.done()

    def _keep_snapshot(self) -> None:
        body, past = self.engine.snapshot(), self._keep_days > 0
        self._journal.save_snapshot(self._seq, self.now(), body, past=past)
        self._since_snapshot = 0
        self._trim()

    def _trim(self) -> None:
        """Let go of some of what is older than it shall be."""
        if self._keep_days > 0:
            self._journal.trim(self.now() - self._keep_days * DAY)


def _event_from(body: Mapping[str, object], seq: int) -> Event:
    try:
        event = from_json(body)
    except ValueError as error:
        raise JournalDamaged(f"entry {seq} of engine cannot be read: {error}") from error
    if not isinstance(event, EVENTS):
        raise JournalDamaged(f"entry {seq} of engine is no event but {type(event).__name__}")
    return event
