"""What happens on the floor, told to the browsers it concerns.

Everything is read from what every node knows (agents' rows, what supervisors did), and never from
a call's own events, which only the node of that call hears: so a desk is served by any of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import structlog

from acd.engine import Engine
from acd.errors import UnknownAgent
from acd.model import AgentChanged, AgentState, CallSteered, Command
from acd.records.contact import ContactEvent, Json
from acd.views import AgentRow
from ivr.web.house import House
from ivr.web.hub import THE_LEADS, Hub, for_agents

log = structlog.get_logger(__name__)

LOOK: Final = 0.5
"""Seconds between looks at the rows of the agents who are watching."""
LOOKS: Final = 3
"""Looks after an event in a contact's story; it is told at the first and at the last of them."""
FLOOR_EVERY: Final = 2
"""Looks between pictures of the queues, while somebody watches them."""

CALL_CHANGES: Final = frozenset(
    {"answered", "held", "taken_back", "asking", "asked", "ask_failed", "asked_left", "conference"}
)
"""What changes how a call stands, for everybody who is in it."""


def contact_of(offer: str) -> str:
    """The contact that an offer is of: an offer is a call's, a call is a contact's."""
    return offer.rpartition("-")[0].rpartition(".")[0]


def agent_told(engine: Engine, row: AgentRow) -> dict[str, Any]:
    """An agent's row as browsers get it; what runs with time is told as the moment it began.

    `channel` is that of the offer, "" while there is none.
    """
    offer = engine.offer(row.offer) if row.offer is not None else None
    return {
        "channel": offer.call.channel.value if offer is not None else "",
        "agent": row.agent,
        "name": row.name,
        "state": row.state.value,
        "since": row.since,
        "reason": row.reason,
        "pending": row.pending,
        "pending_reason": row.pending_reason,
        "wrap_up_until": row.wrap_up_until,
        "offer": row.offer,
        "call": row.call,
        "contact": row.contact,
        "queue": row.queue,
        "queues": list(row.queues),
        "out_of": list(row.out_of),
        "chats": list(row.chats),
        "most_chats": row.most_chats,
        "outside": row.outside,
        "disposition_due": row.disposition_due,
        "taken": row.taken,
        "talk_seconds": round(row.talk_seconds, 1),
        "no_answer": row.no_answer,
        "rejected": row.rejected,
        "busy": row.busy,
        "unreachable": row.unreachable,
    }


class Feed:
    """Listens to the distributor and to contacts' stories; `run` looks at what has no event."""

    def __init__(self, hub: Hub, house: House) -> None:
        self._hub, self._house = hub, house
        self._told: dict[str, dict[str, Any]] = {}
        self._latest: dict[str, str] = {}
        self._dirty: dict[str, int] = {}

    # --- agents -----------------------------------------------------------------------------------

    def on_command(self, command: Command) -> None:
        """Follow what the distributor decides."""
        if isinstance(command, AgentChanged):
            self.look_at(command.agent)
        elif isinstance(command, CallSteered):
            self._hub.publish("steered", command._asdict(), THE_LEADS)

    def look_at(self, agent: str) -> None:
        """Tell the agent's row, if it is another than the one told before, and a new offer first.

        The offer's id is what a screen is keyed by: whatever comes late, of a call that was
        transferred or rang twice, names another one.
        """
        engine = self._house.distributor.engine
        try:
            row = engine.agent_row(agent, self._house.clock())
        except UnknownAgent:
            return
        told, before = agent_told(engine, row), self._told.get(agent, {})
        if told == before:
            return
        self._told[agent] = told
        if row.contact is not None:
            self._latest[agent] = row.contact
        if row.offer is not None and row.offer != before.get("offer"):
            self._hub.publish("offer", self._offer(row, told["channel"]), for_agents(agent))
        self._hub.publish("agent", told, for_agents(agent, leads=True))

    def _offer(self, row: AgentRow, channel: str) -> dict[str, Any]:
        plan = self._house.plan().floor
        rules = next((each for each in plan.floor.queues if each.name == row.queue), None)
        caller, caller_name = self._house.whom(row.contact or "")
        return {
            "offer": row.offer,
            "call": row.call,
            "contact": row.contact,
            "queue": row.queue,
            "title": plan.title(row.queue or ""),
            "channel": channel,
            "ringing": row.state is AgentState.OFFERED,
            "ring_seconds": rules.ring_seconds if rules else None,
            "since": row.since,
            "caller": caller,
            "caller_name": caller_name,
        }

    def tell(self, agent: str, kind: str, data: Mapping[str, Json]) -> None:
        """Something for the screens of one agent."""
        self._hub.publish(kind, data, for_agents(agent))

    # --- contacts ---------------------------------------------------------------------------------

    def on_contact(self, event: ContactEvent) -> None:
        """Something happened to a contact: whoever serves it looks again, soon and once more later.

        The records, which are looked at, take it over from the journal a moment after.
        """
        self._dirty[event.contact] = LOOKS
        if event.kind in CALL_CHANGES:
            for each in self._house.talks.of_contact(event.contact):
                self._hub.publish("call", asdict(each), for_agents(each.agent))

    def _tell_contacts(self) -> None:
        dirty, self._dirty = self._dirty, {}
        self._dirty = {name: left - 1 for name, left in dirty.items() if left > 1}
        for agent in self._hub.agents():
            chats = self._told.get(agent, {}).get("chats", ())
            theirs = {self._latest.get(agent, ""), *(contact_of(each) for each in chats)}
            for contact in sorted(each for each in theirs if dirty.get(each) in (1, LOOKS)):
                self._hub.publish("contact", {"contact": contact}, for_agents(agent))

    # --- what has no event ------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled: rows of those who watch, contacts that changed, queues for the leads."""
        rounds = 0
        while True:
            await asyncio.sleep(LOOK)
            rounds += 1
            try:
                self._tell_contacts()
                for agent in self._hub.agents():
                    self.look_at(agent)
                if rounds % FLOOR_EVERY == 0 and self._hub.watched(THE_LEADS):
                    self._tell_queues()
            except Exception:
                # One odd row must not end the news for everybody.
                log.exception("the feed stumbled")

    def _tell_queues(self) -> None:
        rows = self._house.distributor.engine.queues_view(self._house.clock())
        told = [
            {
                "queue": row.queue,
                "title": row.title,
                "open": row.open,
                "waiting": row.waiting,
                "offered": row.offered,
                "talking": row.talking,
                "ready": row.ready,
                "logged_in": row.logged_in,
                "longest_wait": round(row.longest_wait),
                "service_level": row.service_level,
            }
            for row in rows
        ]
        self._hub.publish("queues", {"queues": told}, THE_LEADS)
