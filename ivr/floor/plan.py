"""What a floor file says, once it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.floor import Floor
from ivr.floor.calling import Calling
from ivr.floor.phones import Phones


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """The floor for the distributor, and what phones need to know.

    `numbers` are what phones dial to reach queues, `dispositions` how calls may have ended.
    `calling` is how each queue calls back, as far as the distributor need not know.
    """

    floor: Floor = field(default_factory=Floor)
    numbers: Mapping[str, str] = field(default_factory=dict)
    phones: Phones = field(default_factory=Phones)
    dispositions: tuple[str, ...] = ()
    calling: Mapping[str, Calling] = field(default_factory=dict)

    def calls_back(self, queue: str) -> Calling:
        """How that queue calls back."""
        return self.calling.get(queue, Calling())

    def queue_of(self, number: str) -> str | None:
        """The queue an agent reaches by this number."""
        return self.numbers.get(number)

    def is_agent(self, number: str) -> bool:
        """Whether an agent has this extension."""
        return any(agent.id == number for agent in self.floor.agents)

    def title(self, queue: str) -> str:
        """What people call this queue."""
        return next(
            (each.title or each.name for each in self.floor.queues if each.name == queue), queue
        )

    @property
    def skills(self) -> frozenset[str]:
        """Every skill some agent has."""
        return frozenset(skill for agent in self.floor.agents for skill in agent.skills)
