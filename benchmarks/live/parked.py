"""What a waiting caller costs in memory: 1,000 callers, nobody ready.

The callers are sipp's, each a real SIP call. The figure is the resident memory of the service's
process with all of them waiting, less what it was with none, after a few calls have come and gone.
Asterisk has no music here: a thousand streams of it are more than two cores carry, and none of it
passes the service.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from benchmarks.live.callers import callers
from benchmarks.live.exchange import Exchange, crew, until
from benchmarks.report import Benchmark, Finding, at_most

CALLS, WARM_UP = 1000, 20
LIMIT_KB = 20.0
PARKED = crew("parked", 4, 1)


def resident(pid: int) -> int:
    """Resident memory of a process, in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])


async def measure(count: int) -> list[Finding]:
    """Park them, look, let them go."""
    async with Exchange.open((PARKED,), 5997, music=False) as exchange:
        async with callers(exchange, PARKED.number, WARM_UP, 20):
            await until(lambda: exchange.waiting() == WARM_UP, 60, "the first callers wait")
        await until(lambda: exchange.waiting() == 0, 30, "nobody waits")
        before = resident(exchange.service_pid)
        async with callers(exchange, PARKED.number, count, 25):
            for _ in range(240):
                waiting = await asyncio.to_thread(exchange.waiting)
                print(f"  {waiting} wait", flush=True)
                if waiting == count:
                    break
                await asyncio.sleep(5)
            else:
                raise TimeoutError(f"only {waiting} of {count} callers wait")
            await asyncio.sleep(5)
            during = resident(exchange.service_pid)
        lag = exchange.worst_lag()
    each = (during - before) / count
    return [
        at_most(f"memory of the service for each of {count:,} waiting calls", each, LIMIT_KB, "kB"),
        Finding("the service's process, without and with them", f"{before} kB, {during} kB"),
        Finding("worst lag of the service's event loop", f"{lag:.0f} ms"),
    ]


def run() -> list[Finding]:
    """As `make bench` does."""
    return asyncio.run(measure(CALLS))


BENCHMARK = Benchmark("parked", "Memory of waiting calls", __doc__, run)
