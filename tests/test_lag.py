"""The watch over the event loop: it sees a block, tells of it once, and keeps the worst."""

from __future__ import annotations

import asyncio
import time

import structlog

from ivr.lag import LagWatch


def block(seconds: float) -> None:
    """What a mistake in a coroutine does to everybody else."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


async def test_a_blocked_loop_is_seen_and_told() -> None:
    watch = LagWatch(every=0.01, limit=0.05)
    with structlog.testing.capture_logs() as logs:
        watching = asyncio.create_task(watch.run())
        await asyncio.sleep(0.02)
        block(0.12)
        while not logs:
            await asyncio.sleep(0.01)
        watching.cancel()
    assert watch.worst >= 0.1
    assert logs[0]["event"] == "the event loop was late"
    assert logs[0]["milliseconds"] >= 100


def test_a_small_delay_is_kept_but_not_worth_a_line() -> None:
    watch = LagWatch(limit=0.05)
    with structlog.testing.capture_logs() as logs:
        watch.note(0.03, now=1.0)
        watch.note(0.02, now=2.0)
    assert (watch.worst, logs) == (0.03, [])


def test_many_delays_are_one_line_a_second_with_the_worst_of_them() -> None:
    watch = LagWatch(limit=0.05)
    with structlog.testing.capture_logs() as logs:
        for now, lag in ((10.0, 0.06), (10.1, 0.3), (10.2, 0.07), (11.1, 0.01), (11.2, 0.02)):
            watch.note(lag, now)
    assert [line["milliseconds"] for line in logs] == [60, 300]
