"""How late this machine wakes a process that only sleeps: what no program on it could avoid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.report import Finding

EVERY = 0.01


class Lateness:
    """Milliseconds by which each sleep of 10 ms in this process was too long."""

    def __init__(self) -> None:
        self.late: list[float] = []

    def finding(self, name: str) -> Finding:
        """As a row."""
        ordered = sorted(self.late)
        p99 = ordered[int(len(ordered) * 0.99)]
        told = f"p99 {p99:.1f} ms, worst {ordered[-1]:.1f}"
        return Finding(f"{name}: how late a mere sleep of 10 ms was in the phones' process", told)


@asynccontextmanager
async def lateness() -> AsyncIterator[Lateness]:
    """Measured for as long as the block lasts."""
    found = Lateness()

    async def sleep() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            found.late.append((loop.time() - due) * 1000)

    sleeping = asyncio.create_task(sleep())
    try:
        yield found
    finally:
        sleeping.cancel()
