"""One stretch of time with the other nodes: it begins when the store answers, and ends for good
when it has been silent for too long. Everything in it is made anew for the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog

from acd.errors import AcdError
from acd.live.access import Access
from acd.live.entry import Noted
from acd.live.member import Member
from acd.live.outbox import Outbox
from acd.live.pulse import Patience, Watch
from acd.live.replica import Replica
from acd.live.sequencer import SNAPSHOT_EVERY, Clock, Sequencer
from acd.live.store import StoreRefused, StoreUnreachable
from acd.model import Event

TRY_AGAIN_AFTER = 0.1

log = structlog.get_logger(__name__)


class Session:
    """`run` follows, leads when it is our turn, beats, and hands over what is put in `outbox`."""

    def __init__(
        self,
        access: Access,
        node: str,
        replica: Replica,
        clock: Clock,
        watch: Watch,
        *,
        first_words: Callable[[], Iterable[Event | Noted]],
        alone: Callable[[], bool],
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self.trouble = ""
        self._reader, self._lease = access.reader(), access.lease()
        self._sender, self._pulse = access.sender(), access.pulse()
        self.outbox = Outbox(node, self._sender, lambda: self.member.sequencer)
        self.member = Member(
            self._lease,
            self._reader,
            access.open,
            clock,
            replica=replica,
            on_lead=self.outbox.look,
            first_words=first_words,
            snapshot_every=snapshot_every,
        )
        self._replica, self._watch, self._alone = replica, watch, alone
        self._answered = asyncio.get_running_loop().time()
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def leading(self) -> Sequencer | None:
        """What this process leads with, if it does."""
        sequencer = self.member.sequencer
        return None if sequencer is None or sequencer.over else sequencer

    async def reach(self, within: float) -> bool:
        """Whether the store answers within so many seconds."""
        try:
            async with asyncio.timeout(within):
                while True:
                    if await self._beat():
                        return True
                    await asyncio.sleep(TRY_AGAIN_AFTER)
        except TimeoutError:
            return False

    async def catch_up(self) -> None:
        """Stand where the stream ends; raises StoreUnreachable."""
        await self._replica.find_place(self._reader)
        await self._replica.catch_up(self._reader)

    async def run(self, patience: Patience, on_beat: Callable[[], None]) -> None:
        """Take part, until the store has not answered for `patience.island` seconds."""
        work: tuple[Coroutine[Any, Any, Any], ...] = (
            self.member.run(),
            self.outbox.run(),
            self._live(patience, on_beat),
        )
        self._tasks = [asyncio.create_task(each) for each in work]
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled() and (failed := task.exception()) is not None:
                self.trouble = str(failed)
                log.error("session_failed", problem=str(failed), exc_info=failed)

    async def resign(self) -> None:
        """Let others lead, with everything written that was begun."""
        if self.leading is not None and self._tasks:
            self.member.stop()
            await asyncio.wait(self._tasks[:1], timeout=self._lease.ttl)

    async def close(self) -> None:
        """End; what is still on its way may or may not arrive."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for each in (self._sender, self._pulse, self._lease, self._reader):
            await each.close()

    # --- inside -----------------------------------------------------------------------------------

    async def _live(self, patience: Patience, on_beat: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._answered = loop.time()
        while loop.time() < self._answered + patience.island:
            try:
                async with asyncio.timeout_at(self._answered + patience.island):
                    answered = await self._beat()
            except TimeoutError:
                self._watch.missed()
                break
            if answered:
                on_beat()
            await asyncio.sleep(patience.beat if answered else TRY_AGAIN_AFTER)

    async def _beat(self) -> bool:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        try:
            beats = await self._pulse.beat(
                {"leads": self.leading is not None, "alone": self._alone()}
            )
        except (StoreUnreachable, StoreRefused) as silent:
            if not self.trouble:
                log.warning("store_is_silent", problem=str(silent))
            self.trouble = str(silent)
            self._watch.missed()
            return False
        except AcdError as odd:
            log.warning("a_pulse_cannot_be_read", problem=str(odd))
            beats = {}
        now = loop.time()
        known = {str(node) for node in self._replica.notes.get("place", {}).values()}
        self._watch.heard(beats, known, now, asked)
        self._answered, self.trouble = now, ""
        return True
