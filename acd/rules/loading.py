"""A configuration comes into force, and a new day: states, waits and wrap-ups carry over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acd import events as e
from acd.agents import AgentCounters, AgentRecord, Move
from acd.floor import Floor
from acd.livefloor import LiveFloor
from acd.offering import step_aside
from acd.pools import Presence
from acd.state import CallRecord, QueueCounters, QueueRecord
from acd.words import AgentState, Cancel, Strategy


def floor_loaded(live: LiveFloor, event: e.FloorLoaded) -> None:
    """Put a floor in force."""
    before = {call.call: _staffed(live, call) for call in live.unoffered()}
    floor = event.floor
    live.state.floor = floor
    _load_queues(live, floor)
    _load_agents(live, floor, event.at)
    for call in live.unoffered():
        call.step = min(call.step, len(live.queue_of(call).queue.relax))
    live.index()
    for call in live.unoffered():
        if live.advance(call, event.at):
            live.refile(call)
        if _staffed(live, call) != before[call.call]:
            live.staffing_changed(call, event.at)
    for agent in live.state.agents.values():
        live.readiness_changed(agent)


def _staffed(live: LiveFloor, call: CallRecord) -> tuple[Presence, bool]:
    matcher = live.matcher_of(call)
    return live.pool(call).presence, matcher.logged_in(call.queue)


def _load_queues(live: LiveFloor, floor: Floor) -> None:
    queues = live.state.queues
    for record in queues.values():
        record.removed = True
    for queue in floor.queues:
        record = queues.setdefault(queue.name, QueueRecord(queue))
        record.queue, record.removed = queue, False
    for record in list(queues.values()):
        live.drop_if_done(record)


def _load_agents(live: LiveFloor, floor: Floor, at: float) -> None:
    records = live.state.agents
    for agent in floor.agents:
        record = records.setdefault(agent.id, AgentRecord(agent, since=at))
        record.agent = agent
        record.out_of = tuple(queue for queue in record.out_of if queue in agent.queues)
        if record.removed:
            record.removed, record.pending, record.pending_reason = False, None, ""
    for gone in sorted(records.keys() - {agent.id for agent in floor.agents}):
        _remove_agent(live, records[gone], at)


def _remove_agent(live: LiveFloor, record: AgentRecord, at: float) -> None:
    """Drop an agent from the floor, after the work at hand if there is any."""
    record.removed = True
    if record.state is AgentState.LOGGED_OUT:
        del live.state.agents[record.agent.id]
        return
    step_aside(live, record, Cancel.WITHDRAWN, at)
    live.move(record, Move.LOG_OUT, at, "removed")
    owed, record.disposition_due = record.disposition_due, False
    if owed and record.wrap_up_until is None:
        live.move(record, Move.END_WRAP_UP, at)


def day_started(live: LiveFloor, event: e.DayStarted) -> None:
    """Count from zero; calls that wait count as offered today."""
    state = live.state
    state.day_started = event.at
    for queue in state.queues.values():
        queue.counters = QueueCounters()
    for call in state.calls.values():
        live.queue_of(call).counters.offered += call.consults is None
    for agent in state.agents.values():
        agent.counters = AgentCounters()
    if any(queue.strategy is Strategy.FEWEST_CALLS for queue in state.floor.queues):
        for agent in state.agents.values():
            live.readiness_changed(agent)


APPLY: dict[type[e.Event], Callable[[LiveFloor, Any], None]] = {
    e.FloorLoaded: floor_loaded,
    e.DayStarted: day_started,
}
