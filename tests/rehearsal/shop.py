"""A shop whose flow has every kind of step, and its scenarios."""

from __future__ import annotations

from pathlib import Path

from ivr.flow.loading.loader import load
from ivr.flow.loading.yaml import Problems
from ivr.rehearsal.scenario import Scenario, read_scenarios

FOLDER = Path(__file__).parent / "shop"
LIBRARY = load([FOLDER])
FLOW = LIBRARY.flows["shop"]


def scenarios() -> tuple[Scenario, ...]:
    problems = Problems()
    file = FOLDER / "shop.scenarios.yaml"
    found = read_scenarios(file.read_bytes(), str(file), problems)
    problems.raise_if_any()
    return found
