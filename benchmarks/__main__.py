"""`python -m benchmarks [NAME ...]`: run these, or all, and write `RESULTS.md`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time

from benchmarks import (
    checking,
    customers,
    decision,
    estimates,
    explaining,
    interpreter,
    nodes,
    prompts,
    report,
    store,
)
from benchmarks.live import compressed, offers, parked
from benchmarks.report import Benchmark, printed

BENCHMARKS = (
    decision.BENCHMARK,
    explaining.BENCHMARK,
    estimates.BENCHMARK,
    offers.BENCHMARK,
    compressed.BENCHMARK,
    parked.BENCHMARK,
    nodes.BENCHMARK,
    Benchmark("store", "Stores", store.__doc__ or "", printed(store.main)),
    Benchmark(
        "interpreter", "Turns of a flow", interpreter.__doc__ or "", printed(interpreter.main)
    ),
    Benchmark("prompts", "Prompts", prompts.__doc__ or "", printed(prompts.main)),
    Benchmark("customers", "Customers", customers.__doc__ or "", printed(customers.main)),
    Benchmark("checking", "Checking flows", checking.__doc__ or "", printed(checking.main)),
)
PATIENCE_WITH_OTHERS = 4.0
"""A load above this makes every time here longer than it is."""


def main() -> int:
    """The exit code: 0 when it ran, whatever was held or missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [bench.name for bench in BENCHMARKS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    wanted = parser.parse_args().names or names
    if unknown := [name for name in wanted if name not in names]:
        parser.error(f"there is no {', '.join(unknown)}; there are: {', '.join(names)}")
    # What was started must be ended, however this is.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    for bench in BENCHMARKS:
        if bench.name in wanted:
            _run(bench)
    return 0


def _run(bench: Benchmark) -> None:
    """Measure, and write the section down at once: what follows may be broken off."""
    began, before = time.monotonic(), os.getloadavg()[0]
    print(f"\n=== {bench.title} (load {before:.1f})", flush=True)
    if before > PATIENCE_WITH_OTHERS:
        print("the machine is busy with other work: the times will be too long", flush=True)
    with report.recorded() as told:
        found = bench.run()
    text = report.section(bench, found, told.text, (before, os.getloadavg()[0]))
    report.write({bench.title: text}, BENCHMARKS)
    for each in found:
        verdict = {None: "", True: "held", False: "MISSED"}[each.held]
        print(f"  {each.what}: {each.figure}  {each.promise}  {verdict}".rstrip())
    print(f"=== done in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
