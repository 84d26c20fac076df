"""Run every benchmark: `python -m benchmarks`, which is what `make bench` does."""

from __future__ import annotations

from benchmarks import checking, decision, interpreter, prompts, store

if __name__ == "__main__":
    decision.main()
    print()
    interpreter.main([])
    print()
    prompts.main([])
    print()
    checking.main([])
    print()
    store.main()
