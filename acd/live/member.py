"""One process of a domain: it follows the stream, warm, and leads when the lease is its own.

A leader steps down when the store refuses its token, when a renewal says that another was granted
the lease, or when asked to `resign`; a resignation wakes the others at once. While the store is
unreachable nobody can lead: events wait in the sequencer, and what the nodes do meanwhile is theirs
to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import NoReturn

import structlog

from acd.live.entry import Noted
from acd.live.lease import Granted, Lease
from acd.live.replica import Replica
from acd.live.sequencer import SNAPSHOT_EVERY, Clock, Sequencer
from acd.live.store import Fenced, SharedReader, SharedStore, StoreClosed, StoreUnreachable
from acd.model import Event

LEADER = "leader"
"""The address at which nodes send their events."""
RENEWALS = 3
"""Renewals in the time of one lease."""
FOLLOW_WAIT = 5.0
TRY_AGAIN_AFTER = 0.2

log = structlog.get_logger(__name__)


class Member:
    """`open_store` opens the store under a token; `reader` is the same store for reading.

    `clock` gives epoch seconds and never jumps (`acd.distributor.steady_clock`). `sequencer` is
    there while this process leads; `on_lead` is called when that begins or ends. `first_words` are
    what is to be written before anything else then.
    """

    def __init__(
        self,
        lease: Lease,
        reader: SharedReader,
        open_store: Callable[[int], Awaitable[SharedStore]],
        clock: Clock,
        *,
        replica: Replica | None = None,
        on_lead: Callable[[], None] = lambda: None,
        first_words: Callable[[], Iterable[Event | Noted]] = tuple,
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self.replica = replica or Replica()
        self.sequencer: Sequencer | None = None
        self.led = asyncio.Event()
        self._lease, self._reader, self._open_store = lease, reader, open_store
        self._clock, self._snapshot_every = clock, snapshot_every
        self._on_lead, self._first_words = on_lead, first_words
        self._stopping = False
        self._stand_back_until = 0.0

    async def run(self) -> None:
        """Follow and lead by turns, until `stop`, or until cancelled: then the lease runs out."""
        while not self._stopping:
            token = await self._until_granted()
            await self._lead(token)

    def resign(self) -> None:
        """Finish what is begun and hand over; others have a lease's time to take it."""
        self._stand_back_until = asyncio.get_running_loop().time() + self._lease.ttl
        if self.sequencer is not None:
            self.sequencer.finish()

    def stop(self) -> None:
        """Resign for good: `run` ends. One who follows is best cancelled."""
        self._stopping = True
        self.resign()

    # --- following --------------------------------------------------------------------------------

    async def _until_granted(self) -> int:
        following = asyncio.create_task(self._follow(), name="follow")
        contending = asyncio.create_task(self._contend(), name="contend")
        both = (following, contending)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()  # it ends only by raising: what is written cannot be read
            return await contending
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)

    async def _follow(self) -> NoReturn:
        """After a break we look where we stand: the server that answers may not be the same."""
        while True:
            try:
                await self.replica.find_place(self._reader)
                await self.replica.follow(self._reader, wait=FOLLOW_WAIT)
            except StoreUnreachable as silent:
                log.warning("cannot_follow", problem=str(silent))
                await asyncio.sleep(TRY_AGAIN_AFTER)

    async def _contend(self) -> int:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(max(0.0, self._stand_back_until - clock()))
            try:
                answer = await self._lease.acquire()
                if isinstance(answer, Granted):
                    return answer.token
                await self._lease.turn(min(answer.seconds, self._lease.ttl))
            except StoreUnreachable:
                await asyncio.sleep(TRY_AGAIN_AFTER)

    # --- leading ----------------------------------------------------------------------------------

    async def _lead(self, token: int) -> None:
        log.info("leading", holder=self._lease.holder, token=token)
        renewing = asyncio.create_task(self._renew(token), name="renew")
        try:
            store = await self._open_store(token)
            try:
                sequencer = await self._take_over(store)
                if renewing.done():
                    sequencer.fence()
                await self._work(sequencer)
            finally:
                self.sequencer = None
                self.led.clear()
                self._on_lead()
                await store.close()
            await self._let_go(token)
        except (Fenced, StoreClosed) as over:
            log.warning("leading_no_more", holder=self._lease.holder, token=token, why=str(over))
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def _work(self, sequencer: Sequencer) -> None:
        letters = asyncio.create_task(sequencer.take_letters(LEADER), name="letters")
        try:
            await sequencer.run()
        finally:
            letters.cancel()
            await asyncio.wait([letters])

    async def _take_over(self, store: SharedStore) -> Sequencer:
        """Nobody else may write any more: what is in the store now is all there is.

        Unless it is a server that took another's place and lacks the newest entries, which we have
        seen: they took effect, and are given back to it by a snapshot, before anything else.
        """
        while True:
            try:
                await self._catch_up(store)
                break
            except StoreUnreachable:
                await asyncio.sleep(TRY_AGAIN_AFTER)
        store.knows(self.replica.seq)
        self.sequencer = Sequencer(
            store, self.replica, self._clock, snapshot_every=self._snapshot_every
        )
        for word in self._first_words():
            self.sequencer.send(word)
        self.led.set()
        self._on_lead()
        return self.sequencer

    async def _catch_up(self, store: SharedStore) -> None:
        replica, last = self.replica, await store.last("engine")
        behind = last < replica.seq
        if behind and (last == 0 or await replica.has_been(store, last)):
            log.error("store_lacks_entries", store=last, seq=replica.seq)
            return
        if behind or not await replica.has_been(store, replica.seq):
            await replica.restore(store)
        else:
            await replica.catch_up(store)

    async def _renew(self, token: int) -> None:
        pause = self._lease.ttl / RENEWALS
        while True:
            await asyncio.sleep(pause)
            try:
                if not await self._lease.renew(token):
                    break
                pause = self._lease.ttl / RENEWALS
            except StoreUnreachable:
                pause = min(TRY_AGAIN_AFTER, self._lease.ttl / RENEWALS)
        if self.sequencer is not None:
            self.sequencer.fence()

    async def _let_go(self, token: int) -> None:
        try:
            await self._lease.release(token)
        except StoreUnreachable as silent:
            log.warning("lease_runs_out_by_itself", problem=str(silent))
