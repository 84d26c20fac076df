"""The distributor's core: events in, commands out; no clock, no dice, no input or output.

How it works:
- `check` refuses what is impossible and changes nothing; `apply` does what was checked and cannot
  fail; `handle` is both. So a shell can write an event down between the two.
- Call and agent are reserved together, in one step, by an offer with a lease; where a queue rings
  all, one offer reserves several agents. Exactly one word ends an offer: answered, failed, taken
  back, or the end of the lease when no word comes at all. So neither the agent nor the call is ever
  stuck, and any later word about it is refused.
- An offer that fails sends the call back to its old place; the agent is left out of this call for
  a while and, after several failures in a row, paused with the reason shown.
- Time passes only through `Ticked`, which works off what is due, one thing after the other, each
  with all its consequences.
- The same events give the same commands, always: offer ids come from a counter in the state, and no
  decision depends on the order of a set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acd import codec, views
from acd.checks import check
from acd.commands import Command
from acd.estimate import Announcement, Estimate
from acd.events import Event
from acd.explain import AgentExplained, CallExplained, explain_agent, explain_call
from acd.floor import Floor
from acd.livefloor import LiveFloor
from acd.outlook import estimate_of, look_ahead
from acd.room import Room, room_in
from acd.rules import APPLY
from acd.state import CallRecord, OfferRecord, State
from acd.words import Channel

SNAPSHOT_VERSION = 1
"""To be raised when an older snapshot no longer means the same."""


class Engine:
    """All queues, calls and agents of one floor."""

    def __init__(self) -> None:
        self._live = LiveFloor(State())

    # --- what a shell uses ------------------------------------------------------------------------

    def check(self, event: Event) -> None:
        """Raise IllegalEvent, UnknownAgent or UnknownQueue if the event is impossible now."""
        check(self._live.state, event)

    def apply(self, event: Event) -> list[Command]:
        """Do what `check` has allowed, and return what must happen next, in order."""
        live = self._live
        APPLY[type(event)](live, event)
        live.settle(event.at)
        out, live.out = live.out, []
        return out

    def handle(self, event: Event) -> list[Command]:
        """Check and apply; an event that is refused has changed nothing."""
        check(self._live.state, event)
        return self.apply(event)

    def next_deadline(self) -> float | None:
        """When the next `Ticked` is due, or None."""
        return self._live.deadlines.next()

    def snapshot(self) -> dict[str, Any]:
        """The whole state as plain JSON values."""
        return {"version": SNAPSHOT_VERSION, "state": codec.encode(self._live.state)}

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> Engine:
        """An engine that decides exactly as the one the snapshot was taken from.

        Raises ValueError when it is not a snapshot of this version.
        """
        version = snapshot.get("version")
        if version != SNAPSHOT_VERSION or "state" not in snapshot:
            raise ValueError(f"snapshot version {version!r}: only {SNAPSHOT_VERSION} can be read")
        state: State = codec.decode(State, snapshot["state"])
        for offer in state.offers.values():
            if offer.answered_at is None:
                offer.call = state.calls[offer.call.call]
        engine = cls()
        engine._live = LiveFloor(state)
        return engine

    # --- what screens use -------------------------------------------------------------------------

    @property
    def day_started(self) -> float:
        """When the present day's counters began; 0 before the first day."""
        return self._live.state.day_started

    @property
    def floor(self) -> Floor:
        """The configuration in force."""
        return self._live.state.floor

    def queues_view(self, now: float) -> list[views.QueueRow]:
        """One row for each queue, by name."""
        return views.queues(self._live.state, now)

    def agents_view(self, now: float) -> list[views.AgentRow]:
        """One row for each agent, by id."""
        return views.agents(self._live.state, now)

    def calls_view(self, now: float) -> list[views.CallRow]:
        """One row for each call by queue: waiting in the order served, then ringing, talking."""
        return views.calls(self._live.state, now, self._live.staffing)

    def agent_row(self, agent: str, now: float) -> views.AgentRow:
        """One agent; raises UnknownAgent."""
        return views.agent(self._live.state, agent, now)

    def phone_of(self, agent: str) -> str:
        """Where the agent's calls ring: "" their own phone, a desk's extension, or `MOBILE`."""
        record = self._live.state.agents.get(agent)
        return record.phone if record is not None else ""

    def agent_at(self, phone: str) -> str | None:
        """Who is logged in at this desk."""
        agents = self._live.state.agents.values()
        return next((each.agent.id for each in agents if phone and each.phone == phone), None)

    def has_call(self, call: str) -> bool:
        """Whether the call still has no outcome (it waits, or a phone rings for it)."""
        return call in self._live.state.calls

    def callback_of(self, customer: str) -> str | None:
        """The call by which this customer is to be called back; None when there is none."""
        return self._live.state.callbacks.get(customer)

    def contacts(self) -> set[str]:
        """Every contact that has a call, waiting or talking."""
        state = self._live.state
        offered = {offer.call.contact for offer in state.offers.values()}
        return offered | {call.contact for call in state.calls.values()}

    def call(self, call: str) -> CallRecord | None:
        """The call without an outcome, to be read only."""
        return self._live.state.calls.get(call)

    def offer(self, offer: str) -> OfferRecord | None:
        """The offer while it rings or its agent talks, to be read only."""
        return self._live.state.offers.get(offer)

    def explain_call(self, call: str, now: float) -> CallExplained | None:
        """Why a call waits; None when it does not, or when a phone rings for it."""
        record = self._live.state.calls.get(call)
        if record is None or record.offer is not None:
            return None
        return explain_call(self._live, record, now)

    def explain_agent(self, agent: str) -> AgentExplained:
        """Why an agent gets none of the waiting calls; raises UnknownAgent."""
        return explain_agent(self._live, self._live.state.agent(agent))

    def estimate(self, call: str) -> Estimate | None:
        """How long a waiting call will wait from now on; None when that cannot be known."""
        record = self._live.state.calls.get(call)
        return estimate_of(self._live, record) if record is not None and not record.offer else None

    def room(self, channel: Channel, queue: str, needs: Mapping[str, int], now: float) -> Room:
        """Whether one more contact of that kind would find somebody at this moment."""
        return room_in(self._live, channel, queue, needs, now)

    def announcement(self, call: str, now: float) -> Announcement | None:
        """What a waiting caller may be told now, None for nothing.

        Once it was said, say so: `WaitAnnounced`.
        """
        record = self._live.state.calls.get(call)
        return look_ahead(self._live, record, now) if record is not None else None
