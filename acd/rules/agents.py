"""What agents do, and what supervisors do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acd import events as e
from acd.agents import AgentRecord, Move
from acd.deadlines import Due
from acd.livefloor import LiveFloor
from acd.offering import step_aside, take_back
from acd.words import AgentState, Cancel, Reset

_FORCED = {
    AgentState.READY: Move.READY,
    AgentState.PAUSED: Move.PAUSE,
    AgentState.LOGGED_OUT: Move.LOG_OUT,
}
"""The move that leads to each state a supervisor may ask for."""


def _moves(move: Move) -> Callable[[LiveFloor, Any], None]:
    def does(live: LiveFloor, event: e.Paused | e.Readied) -> None:
        reason = event.reason if isinstance(event, e.Paused) else ""
        live.move(live.state.agents[event.agent], move, event.at, reason)

    return does


def logged_in(live: LiveFloor, event: e.LoggedIn) -> None:
    """At the phone they sit at, before anything is offered there."""
    agent = live.state.agents[event.agent]
    agent.phone = event.phone
    live.move(agent, Move.LOG_IN, event.at)


def logged_out(live: LiveFloor, event: e.LoggedOut) -> None:
    """Later if they are at work; who is rung beside others for a call is not needed for it."""
    agent = live.state.agents[event.agent]
    if agent.state is AgentState.OFFERED:
        step_aside(live, agent, Cancel.WITHDRAWN, event.at)
    live.move(agent, Move.LOG_OUT, event.at)


def phone_taken(live: LiveFloor, event: e.PhoneTaken) -> None:
    """What rings already goes on where it rings."""
    live.state.agents[event.agent].phone = event.phone


def wrap_up_extended(live: LiveFloor, event: e.WrapUpExtended) -> None:
    """Add to what is left of the wrap-up."""
    agent = live.state.agents[event.agent]
    agent.wrap_up_until = (agent.wrap_up_until or event.at) + event.seconds
    live.deadlines.remind(Due.WRAP_UP, event.agent)


def disposition_given(live: LiveFloor, event: e.DispositionGiven) -> None:
    """Wrap-up may end, and has ended when its time was over already."""
    agent = live.state.agents[event.agent]
    agent.disposition_due = False
    agent.disposition_given = agent.state is AgentState.TALKING
    if agent.state is AgentState.WRAP_UP and agent.wrap_up_until is None:
        live.move(agent, Move.END_WRAP_UP, event.at)


def device_busy(live: LiveFloor, event: e.DeviceBusy) -> None:
    """No offers while the phone is in a call of its own."""
    agent = live.state.agents[event.agent]
    agent.outside = True
    live.readiness_changed(agent)


def device_free(live: LiveFloor, event: e.DeviceFree) -> None:
    """Offers again; idle time goes on unless the floor counts such calls."""
    agent = live.state.agents[event.agent]
    if agent.outside:
        live.may_reset_idle(agent, Reset.OUTBOUND, event.at)
    agent.outside = False
    live.readiness_changed(agent)


def chat_room_set(live: LiveFloor, event: e.ChatRoomSet) -> None:
    """More or fewer chats may be offered; those in hand stay."""
    agent = live.state.agents[event.agent]
    agent.chat_room = event.chats
    live.readiness_changed(agent)


def queue_joined(live: LiveFloor, event: e.QueueJoined) -> None:
    """Take the queue's calls again."""
    agent = live.state.agents[event.agent]
    agent.out_of = tuple(queue for queue in agent.out_of if queue != event.queue)
    live.queues_changed(agent, event.at)


def queue_left(live: LiveFloor, event: e.QueueLeft) -> None:
    """Take none of the queue's calls."""
    agent = live.state.agents[event.agent]
    agent.out_of = (*agent.out_of, event.queue)
    live.queues_changed(agent, event.at)


def agent_forced(live: LiveFloor, event: e.AgentForced) -> None:
    """End what may be ended, then make the move; a conversation goes on and the move waits."""
    agent = live.state.agents[event.agent]
    if not (agent.state is AgentState.OFFERED and event.state is AgentState.READY):
        _end_what_may_end(live, agent, event.at)
    if event.state is AgentState.READY and agent.state is AgentState.LOGGED_OUT:
        live.move(agent, Move.LOG_IN, event.at)
    elif event.state is not agent.state or event.state is AgentState.PAUSED:
        live.move(agent, _FORCED[event.state], event.at, event.reason)


def _end_what_may_end(live: LiveFloor, agent: AgentRecord, at: float) -> None:
    """Ringing is taken back, the call waits on in its place or rings others; a wrap-up ends."""
    if step_aside(live, agent, Cancel.FORCED, at):
        return
    ringing = live.state.offers.get(agent.offer or "")
    if agent.state is AgentState.OFFERED and ringing is not None:
        # What was asked while it rang is overtaken by what is forced.
        agent.pending, agent.pending_reason = None, ""
        take_back(live, ringing, Cancel.FORCED, at)
        live.wait(ringing.call, at)
    elif agent.state is AgentState.WRAP_UP:
        agent.pending, agent.pending_reason = None, ""
        live.move(agent, Move.END_WRAP_UP, at)


APPLY: dict[type[e.Event], Callable[[LiveFloor, Any], None]] = {
    e.LoggedIn: logged_in,
    e.PhoneTaken: phone_taken,
    e.LoggedOut: logged_out,
    e.Paused: _moves(Move.PAUSE),
    e.Readied: _moves(Move.READY),
    e.WrapUpEnded: _moves(Move.END_WRAP_UP),
    e.WrapUpExtended: wrap_up_extended,
    e.DispositionGiven: disposition_given,
    e.DeviceBusy: device_busy,
    e.DeviceFree: device_free,
    e.ChatRoomSet: chat_room_set,
    e.QueueJoined: queue_joined,
    e.QueueLeft: queue_left,
    e.AgentForced: agent_forced,
}
