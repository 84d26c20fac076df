"""What holds up the event loop when somebody asks: why a call waits, and how long it will.

The busy floor of the decisions (10,000 agents, 5,000 waiting calls): `Engine.explain_call` and
`Engine.estimate` for waiting calls drawn by lot.
"""

from __future__ import annotations

import random
import statistics
import time

from benchmarks.decision import LARGE, Bench, fill
from benchmarks.report import Benchmark, Finding, at_most

CALLS = 100
MEDIAN_MS = 10.0


def run() -> list[Finding]:
    """As `make bench` does."""
    bench = Bench(LARGE[0], seed=1)
    fill(bench, LARGE[1])
    engine, now = bench.engine, bench.now
    waiting = [row.call for row in engine.calls_view(now) if row.position is not None]
    asked = random.Random(1).sample(waiting, CALLS)
    explained, estimated = list[float](), list[float]()
    for call in asked:
        begin = time.perf_counter()
        assert engine.explain_call(call, now) is not None
        middle = time.perf_counter()
        engine.estimate(call)
        explained.append((middle - begin) * 1000)
        estimated.append((time.perf_counter() - middle) * 1000)
    return [
        at_most("`explain_call`, median", statistics.median(explained), MEDIAN_MS, "ms"),
        Finding("`explain_call`, worst of 100", f"{max(explained):.1f} ms"),
        Finding("`estimate`, median", f"{statistics.median(estimated):.1f} ms"),
    ]


BENCHMARK = Benchmark("explaining", "Explaining a wait", __doc__, run)

if __name__ == "__main__":
    for each in run():
        print(each)
