"""What is in force: the flows and the floor, always a set that was checked together.

A reload reads everything again. Only if all of it is right does it take the place of the old set,
in one assignment; otherwise every mistake is told and nothing changes. Live calls hold on to the
flow they began with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ivr.errors import ConfigError, Problem
from ivr.floor import FloorPlan, load_floor
from ivr.flow import checks, loader
from ivr.flow.model import Flow


@dataclass(frozen=True, slots=True)
class Plan:
    """One set of flows and the floor they were checked against."""

    library: loader.Library
    floor: FloorPlan

    @property
    def numbers(self) -> tuple[str, ...]:
        """Every number that some flow answers."""
        return tuple(sorted(self.library.numbers))


def load_plan(flows: Path, floor: Path) -> Plan:
    """Read and check the flows in a folder against a floor file.

    Raises:
        ConfigError: with every mistake in any of the files.
    """
    try:
        plan = load_floor(floor)
    except ConfigError as wrong:
        raise ConfigError([*wrong.problems, *_mistakes(flows)]) from None
    return Plan(loader.load([flows], known_names(plan)), plan)


def known_names(plan: FloorPlan) -> checks.Floor:
    """What flows are checked against: the floor's queues and skills, and the numbers it takes."""
    queues = frozenset(queue.name for queue in plan.floor.queues)
    taken = {number: f"the number of the queue {name}" for number, name in plan.numbers.items()}
    agents = {agent.id: "an agent's extension" for agent in plan.floor.agents}
    return checks.Floor(queues, plan.skills, taken | agents)


def _mistakes(flows: Path) -> Sequence[Problem]:
    """What is wrong with the flows by themselves, when there is no floor to check them against."""
    try:
        loader.load([flows])
    except ConfigError as wrong:
        return wrong.problems
    return ()


class Plans:
    """The plan in force. `changed` hears of each new one before any call meets it."""

    def __init__(self, flows: Path, floor: Path, plan: Plan) -> None:
        self._flows, self._floor, self.plan = flows, floor, plan
        self._listeners: list[Callable[[Plan], None]] = []

    def on_change(self, listener: Callable[[Plan], None]) -> None:
        """Call `listener` with every plan that comes into force."""
        self._listeners.append(listener)

    async def reload(self) -> Plan:
        """Put what the files say now into force. They are read in a thread: calls go on.

        Raises:
            ConfigError: with every mistake; then the old plan stays.
        """
        plan = await asyncio.to_thread(load_plan, self._flows, self._floor)
        for listener in self._listeners:
            listener(plan)
        self.plan = plan
        return plan

    def by_number(self, dialled: str) -> Flow | None:
        """The flow that answers this number."""
        return self.plan.library.for_number(dialled)

    def by_name(self, name: str) -> Flow | None:
        """The flow of that name."""
        return self.plan.library.flows.get(name)

    def queue_of(self, number: str) -> str | None:
        """The queue behind this transfer number."""
        return self.plan.floor.queue_of(number)

    def is_agent(self, number: str) -> bool:
        """Whether this is an agent's extension."""
        return self.plan.floor.is_agent(number)
