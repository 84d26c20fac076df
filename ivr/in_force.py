"""What the plan in force says, asked anew each time: a reload may have changed it."""

from __future__ import annotations

from collections.abc import Callable

from ivr.backends.numbers import allowed
from ivr.backends.sources import Sources
from ivr.channels.caller_card import CallerCard, caller_card
from ivr.floor import FloorPlan
from ivr.flow.actions import Queue
from ivr.flow.running.state import State
from ivr.live import LiveContact
from ivr.plans import Plan


class InForce:
    """Short questions to the plan; `trunk` tells where numbers outside are dialled, if anywhere."""

    def __init__(self, plan: Callable[[], Plan], trunk: Callable[[], str | None]) -> None:
        self._plan, self._trunk = plan, trunk

    def floor(self) -> FloorPlan:
        """Queues, agents and phones."""
        return self._plan().floor

    def phones(self) -> frozenset[str]:
        """Every extension a phone may register as."""
        floor = self.floor()
        return frozenset([*(each.id for each in floor.floor.agents), *floor.phones.desks])

    def sources(self) -> Sources:
        """What errands are asked of."""
        plan = self._plan()
        return Sources(plan.library.tables, plan.services)

    def outside(self, number: str) -> str | None:
        """How a number outside is dialled; None when it may not be, or no trunk leads out."""
        services = self._plan().services
        form = allowed(number, services.outside, services.region)
        trunk = self._trunk()
        return f"PJSIP/{form}@trunk-{trunk}" if form is not None and trunk is not None else None

    def card(self, contact: LiveContact, action: Queue, state: State) -> CallerCard:
        """What the agent's phone shows: queue, who, verified or not, reason."""
        title = self.floor().title(action.queue)
        named = state.customer.get("name") or state.fields.get("name") or contact.caller_name
        return caller_card(
            f"Callback {title}" if contact.promise else title,
            str(named or contact.caller or "unknown caller"),
            state.verified,
            action.tell_agent,
            {"caller": contact.caller, **state.fields},
        )
