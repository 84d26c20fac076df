"""Whether an event is possible now. Looks only; raises the reason when it is not.

Kept apart from what events do, so that an event can be refused before it is written down and a
refused event has changed nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from acd import model as m
from acd.agents import AgentRecord, Move, next_state
from acd.errors import IllegalEvent, UnknownAgent, UnknownQueue
from acd.state import CallRecord, OfferRecord, State


def check(state: State, event: m.Event) -> None:
    """Raise IllegalEvent, UnknownAgent or UnknownQueue if the event is impossible now."""
    _CHECKS[type(event)](state, event)


def _always(_state: State, _event: m.Event) -> None:
    return


def _floor(_state: State, event: m.FloorLoaded) -> None:
    queues = {queue.name for queue in event.floor.queues}
    _no_twins("queue", (queue.name for queue in event.floor.queues))
    _no_twins("agent", (agent.id for agent in event.floor.agents))
    for each in event.floor.queues:
        for step in each.relax:
            for queue in step.also:
                if queue not in queues:
                    raise UnknownQueue(f"queue {each.name} widens to {queue!r}, which is no queue")
    for agent in event.floor.agents:
        for queue in agent.queues:
            if queue not in queues:
                raise UnknownQueue(f"agent {agent.id} works for {queue!r}, which is no queue")


def _no_twins(what: str, names: Iterable[str]) -> None:
    twins = sorted(name for name, count in Counter(names).items() if count > 1)
    if twins:
        raise IllegalEvent(f"every {what} needs a name of its own; twice: {', '.join(twins)}")


_NEEDS_DISPOSITION = frozenset({Move.READY, Move.END_WRAP_UP})


def _agent_may(move: Move) -> Callable[[State, Any], None]:
    """An agent on the floor makes this move; one who was removed may only finish and go."""

    def looks(state: State, event: m.LoggedIn | m.WrapUpEnded) -> None:
        record = state.agent(event.agent)
        if record.removed and move in {Move.LOG_IN, Move.PAUSE, Move.READY}:
            raise UnknownAgent(f"agent {event.agent!r} was removed and may only finish the call")
        next_state(event.agent, record.state, move)
        if record.disposition_due and move in _NEEDS_DISPOSITION:
            raise IllegalEvent(f"agent {event.agent} owes a disposition before wrap-up can end")

    return looks


def _logged_in(state: State, event: m.LoggedIn) -> None:
    _agent_may(Move.LOG_IN)(state, event)
    _phone_is_free(state, event)


def _phone_taken(state: State, event: m.PhoneTaken) -> None:
    if _on_the_floor(state, event.agent).state is m.AgentState.LOGGED_OUT:
        raise IllegalEvent(f"agent {event.agent} is logged out and takes calls nowhere")
    _phone_is_free(state, event)


def _phone_is_free(state: State, event: m.LoggedIn | m.PhoneTaken) -> None:
    """Nobody else's calls ring there."""
    if not event.phone or event.phone == m.MOBILE:
        return
    for other in state.agents.values():
        if other.phone == event.phone and other.agent.id != event.agent:
            raise IllegalEvent(f"agent {other.agent.id} is logged in at phone {event.phone}")


def _on_the_floor(state: State, agent: str) -> AgentRecord:
    record = state.agent(agent)
    if record.removed:
        raise UnknownAgent(f"agent {agent!r} was removed and may only finish the call")
    return record


def _forced(state: State, event: m.AgentForced) -> None:
    record = _on_the_floor(state, event.agent)
    if event.state not in _FORCIBLE:
        possible = ", ".join(sorted(each.value.replace("_", " ") for each in _FORCIBLE))
        raise IllegalEvent(f"nobody can be forced to be {event.state.value}; possible: {possible}")
    if record.state is m.AgentState.LOGGED_OUT and event.state is m.AgentState.PAUSED:
        raise IllegalEvent(f"agent {event.agent} is logged out and cannot be paused")


_FORCIBLE = frozenset({m.AgentState.READY, m.AgentState.PAUSED, m.AgentState.LOGGED_OUT})


def _disposition(state: State, event: m.DispositionGiven) -> None:
    record = state.agent(event.agent)
    if record.state not in {m.AgentState.TALKING, m.AgentState.WRAP_UP}:
        raise IllegalEvent(f"agent {event.agent} has no call to give a disposition for")


def _own_queue(state: State, agent: str, queue: str) -> AgentRecord:
    record = _on_the_floor(state, agent)
    if queue not in record.agent.queues:
        known = ", ".join(record.agent.queues) or "none"
        raise UnknownQueue(f"agent {agent} does not work for {queue!r}; their queues: {known}")
    return record


def _queue_joined(state: State, event: m.QueueJoined) -> None:
    if event.queue not in _own_queue(state, event.agent, event.queue).out_of:
        raise IllegalEvent(f"agent {event.agent} takes calls of {event.queue!r} already")


def _queue_left(state: State, event: m.QueueLeft) -> None:
    if event.queue in _own_queue(state, event.agent, event.queue).out_of:
        raise IllegalEvent(f"agent {event.agent} has left {event.queue!r} already")


def _chat_room(state: State, event: m.ChatRoomSet) -> None:
    state.agent(event.agent)
    if event.chats is not None and event.chats < 0:
        raise IllegalEvent("an agent takes no chats or more, not fewer")


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


def _keyed(state: State, event: m.CallKeyed) -> None:
    if state.waiting(event.call).offer is not None:
        raise IllegalEvent(f"call {event.call!r} has an agent: it is too late for a key")


def _rung(state: State, event: m.OfferAnswered | m.OfferFailed) -> None:
    offer = state.ringing(event.offer)
    if event.agent and event.agent not in offer.agents:
        raise IllegalEvent(
            f"offer {event.offer!r} does not ring agent {event.agent}; "
            f"it rings: {', '.join(offer.agents)}"
        )


def _moved(state: State, event: m.CallMoved) -> None:
    call = state.waiting(event.call)
    _open_to_new_calls(state, event.queue)
    if call.queue == event.queue:
        raise IllegalEvent(f"call {event.call!r} waits in {event.queue!r} already")


def _callback_asked(state: State, event: m.CallbackAsked) -> None:
    call = state.waiting(event.call)
    if call.channel is not m.Channel.VOICE or call.consults is not None:
        raise IllegalEvent(f"call {event.call!r} is no caller on a line who could be called back")
    if call.callback is not None:
        raise IllegalEvent(f"call {event.call!r} is a callback already")
    _only_callback(state, event.customer)


def _callback_queued(state: State, event: m.CallbackQueued) -> None:
    _open_to_new_calls(state, event.queue)
    if event.call in state.calls or event.call in state.talking:
        raise IllegalEvent(f"call {event.call!r} exists already")
    _only_callback(state, event.customer)


def _only_callback(state: State, customer: str) -> None:
    if not customer:
        raise IllegalEvent("a callback needs to know whom to call")
    other = state.callbacks.get(customer)
    if other is not None:
        raise IllegalEvent(f"this customer has a callback already: call {other!r}")


def _callback(state: State, event: m.CallbackHeld | m.CallbackForbidden) -> None:
    if not state.waiting(event.call).virtual:
        raise IllegalEvent(f"call {event.call!r} is no callback that is still to be made")


def _continued(state: State, event: m.CallTransferred | m.ConsultationAsked) -> OfferRecord:
    offer = state.answered(event.offer)
    if offer.answered_at is None:
        raise IllegalEvent(f"offer {event.offer!r} has no customer on the line yet")
    _open_to_new_calls(state, event.queue)
    if event.call in state.calls or event.call in state.talking:
        raise IllegalEvent(f"call {event.call!r} exists already")
    return offer


def _consultation_asked(state: State, event: m.ConsultationAsked) -> None:
    offer = _continued(state, event)
    if offer.call.consults is not None:
        raise IllegalEvent(f"offer {event.offer!r} is a consultation itself")
    other = _consultation(state, state.consultations.get(event.offer, ""))
    if other is not None:
        raise IllegalEvent(f"offer {event.offer!r} has a consultation already: call {other.call!r}")


def _consultation(state: State, call: str) -> CallRecord | None:
    """The consultation of that call id, waiting or answered."""
    found = state.calls.get(call)
    if found is None and call in state.talking:
        found = state.offers[state.talking[call]].call
    return found if found is not None and found.consults is not None else None


def _completed(state: State, event: m.ConsultationCompleted) -> None:
    call = _consultation(state, event.call)
    if call is None or call.call not in state.talking:
        raise IllegalEvent(f"call {event.call!r} is no consultation that was answered")


def _failed(state: State, event: m.ConsultationFailed) -> None:
    if _consultation(state, event.call) is None:
        raise IllegalEvent(f"call {event.call!r} is no consultation")


# What a check returns does not matter: it raises or it does not.
_CHECKS: dict[type[m.Event], Callable[[State, Any], object]] = {
    m.FloorLoaded: _floor,
    m.DayStarted: _always,
    m.Ticked: _always,
    m.LoggedIn: _logged_in,
    m.PhoneTaken: _phone_taken,
    m.LoggedOut: _agent_may(Move.LOG_OUT),
    m.Paused: _agent_may(Move.PAUSE),
    m.Readied: _agent_may(Move.READY),
    m.WrapUpEnded: _agent_may(Move.END_WRAP_UP),
    m.WrapUpExtended: _extended,
    m.CallQueued: _queued,
    m.CallLeft: _left,
    m.OfferAnswered: _rung,
    m.OfferFailed: _rung,
    m.AgentReleased: lambda state, event: state.answered(event.offer),
    m.CallMoved: _moved,
    m.CallFreed: lambda state, event: state.waiting(event.call),
    m.CallReprioritised: lambda state, event: state.waiting(event.call),
    m.CallWithdrawn: lambda state, event: state.waiting(event.call),
    m.QueueClosed: lambda state, event: state.queue(event.queue),
    m.QueueOpened: lambda state, event: state.queue(event.queue),
    m.DeviceBusy: lambda state, event: state.agent(event.agent),
    m.DeviceFree: lambda state, event: state.agent(event.agent),
    m.ChatRoomSet: _chat_room,
    m.QueueJoined: _queue_joined,
    m.QueueLeft: _queue_left,
    m.AgentForced: _forced,
    m.DispositionGiven: _disposition,
    m.CallKeyed: _keyed,
    m.WaitAnnounced: lambda state, event: state.waiting(event.call),
    m.CallbackAsked: _callback_asked,
    m.CallbackQueued: _callback_queued,
    m.CallbackHeld: _callback,
    m.CallbackForbidden: _callback,
    m.CustomerAnswered: lambda state, event: state.dialling(event.call),
    m.CustomerFailed: lambda state, event: state.dialling(event.call),
    m.CallTransferred: _continued,
    m.ConsultationAsked: _consultation_asked,
    m.ConsultationCompleted: _completed,
    m.ConsultationFailed: _failed,
}
