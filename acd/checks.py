"""Whether an event is possible now. Looks only; raises the reason when it is not.

Kept apart from what events do, so that an event can be refused before it is written down and a
refused event has changed nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from acd import model as m
from acd.agents import Move, next_state
from acd.errors import IllegalEvent, UnknownAgent, UnknownQueue
from acd.state import State


def check(state: State, event: m.Event) -> None:
    """Raise IllegalEvent, UnknownAgent or UnknownQueue if the event is impossible now."""
    _CHECKS[type(event)](state, event)


def _always(_state: State, _event: m.Event) -> None:
    return


def _floor(_state: State, event: m.FloorLoaded) -> None:
    queues = {queue.name for queue in event.floor.queues}
    _no_twins("queue", (queue.name for queue in event.floor.queues))
    _no_twins("agent", (agent.id for agent in event.floor.agents))
    for agent in event.floor.agents:
        for queue in agent.queues:
            if queue not in queues:
                raise UnknownQueue(f"agent {agent.id} works for {queue!r}, which is no queue")


def _no_twins(what: str, names: Iterable[str]) -> None:
    twins = sorted(name for name, count in Counter(names).items() if count > 1)
    if twins:
        raise IllegalEvent(f"every {what} needs a name of its own; twice: {', '.join(twins)}")


def _agent_may(move: Move) -> Callable[[State, Any], None]:
    """An agent on the floor makes this move; one who was removed may only finish and go."""

    def looks(state: State, event: m.LoggedIn | m.WrapUpEnded) -> None:
        record = state.agent(event.agent)
        if record.removed and move in {Move.LOG_IN, Move.PAUSE, Move.READY}:
            raise UnknownAgent(f"agent {event.agent!r} was removed and may only finish the call")
        next_state(event.agent, record.state, move)

    return looks


def _extended(state: State, event: m.WrapUpExtended) -> None:
    _agent_may(Move.EXTEND)(state, event)
    if not event.seconds > 0:
        raise IllegalEvent(f"a wrap-up is extended by more than 0 seconds, not {event.seconds}")


def _queued(state: State, event: m.CallQueued) -> None:
    _open_to_new_calls(state, event.queue)
    if event.call in state.calls:
        raise IllegalEvent(f"call {event.call!r} waits already")


def _open_to_new_calls(state: State, queue: str) -> None:
    if state.queue(queue).removed:
        raise UnknownQueue(f"queue {queue!r} was removed; only calls that wait there are served")


def _left(state: State, event: m.CallLeft) -> None:
    if event.call not in state.talking:
        state.waiting(event.call)


def _moved(state: State, event: m.CallMoved) -> None:
    call = state.waiting(event.call)
    _open_to_new_calls(state, event.queue)
    if call.queue == event.queue:
        raise IllegalEvent(f"call {event.call!r} waits in {event.queue!r} already")


# What a check returns does not matter: it raises or it does not.
_CHECKS: dict[type[m.Event], Callable[[State, Any], object]] = {
    m.FloorLoaded: _floor,
    m.DayStarted: _always,
    m.Ticked: _always,
    m.LoggedIn: _agent_may(Move.LOG_IN),
    m.LoggedOut: _agent_may(Move.LOG_OUT),
    m.Paused: _agent_may(Move.PAUSE),
    m.Readied: _agent_may(Move.READY),
    m.WrapUpEnded: _agent_may(Move.END_WRAP_UP),
    m.WrapUpExtended: _extended,
    m.CallQueued: _queued,
    m.CallLeft: _left,
    m.OfferAnswered: lambda state, event: state.ringing(event.offer),
    m.OfferFailed: lambda state, event: state.ringing(event.offer),
    m.AgentReleased: lambda state, event: state.answered(event.offer),
    m.CallMoved: _moved,
    m.CallFreed: lambda state, event: state.waiting(event.call),
    m.CallReprioritised: lambda state, event: state.waiting(event.call),
    m.CallWithdrawn: lambda state, event: state.waiting(event.call),
    m.QueueClosed: lambda state, event: state.queue(event.queue),
    m.QueueOpened: lambda state, event: state.queue(event.queue),
}
