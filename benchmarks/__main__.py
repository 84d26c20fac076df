"""Run every benchmark: `python -m benchmarks`, which is what `make bench` does."""

from __future__ import annotations

from benchmarks import decision, store

if __name__ == "__main__":
    decision.main()
    store.main()
