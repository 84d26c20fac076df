"""Days that never were: the engine on a virtual clock, with random or recorded callers.

`scenario` says what comes and who works, `run` plays it through `acd.engine.Engine`, `ledger`
notes what became of everyone, `summary` makes figures with intervals of it. `recording` reads a day
back from the engine's events, and `replay` plays that day on another floor.
"""
