"""A small floor, and what leads it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from acd import model as m
from acd.live.replica import Replica
from acd.live.sequencer import SNAPSHOT_EVERY, Sequencer
from acd.live.store import Fenced, SharedStore
from acd.model import AgentState

FLOOR = m.Floor(
    (m.Queue("sales", wrap_up_seconds=0, leave_when_empty=None),),
    (m.Agent("1001", queues=("sales",)), m.Agent("1002", queues=("sales",))),
)


class Clock:
    def __init__(self, time: float = 1000.0) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


def queued(now: Callable[[], float], call: str) -> m.CallQueued:
    return m.CallQueued(now(), call, f"k-{call}", "sales", {}, 0, now())


def state_of(replica: Replica, agent: str) -> AgentState:
    rows = replica.engine.agents_view(replica.at)
    return next(row.state for row in rows if row.agent == agent)


def offers(outcomes: Sequence[Any]) -> list[str]:
    """The calls for which somebody was rung, in order."""
    commands = [each for outcome in outcomes if isinstance(outcome, list) for each in outcome]
    return [each.call for each in commands if isinstance(each, m.MakeOffer)]


@contextlib.asynccontextmanager
async def leading(
    store: SharedStore,
    clock: Callable[[], float],
    replica: Replica | None = None,
    *,
    snapshot_every: int = SNAPSHOT_EVERY,
) -> AsyncIterator[Sequencer]:
    """A sequencer at work; it finishes in the end, if it still may."""
    made = Sequencer(store, replica or Replica(), clock, snapshot_every=snapshot_every)
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        made.finish()
        with contextlib.suppress(Fenced):
            async with asyncio.timeout(5):
                await running
