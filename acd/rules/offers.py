"""What becomes of offers: answered, failed, and the end of what was answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acd import commands as c
from acd import events as e
from acd.agents import AgentRecord, Move
from acd.deadlines import Due
from acd.livefloor import LiveFloor
from acd.offering import (
    dial,
    drop_from,
    free,
    free_one,
    give_to,
    take_back,
    take_chats_up,
    void,
)
from acd.rules.calls import abandon
from acd.state import OfferRecord, QueueRecord
from acd.words import AgentState, Cancel, Cause, Channel, Exit, HeldChats

RETRY_NOT_RUNG = 4.0
"""Seconds an agent is left out of a call whose offer never rang a phone: the phone may be back in a
moment, as all are after a restart of Asterisk, and nobody was disturbed by the try."""
_NOT_RUNG = frozenset({Cause.UNREACHABLE, Cause.LOST})


def offer_answered(live: LiveFloor, event: e.OfferAnswered) -> None:
    """The agent took it: they talk, or first the customer of a callback is dialled.

    Others who were rung beside them are as before.
    """
    offer = live.state.offers[event.offer]
    others = give_to(offer, event.agent) if offer.also else ()
    agent = live.state.agents[offer.agent]
    _take_turn(live, agent, offer)
    agent.streak = 0
    if offer.call.channel is Channel.VOICE:
        live.move(agent, Move.ANSWER, event.at)
        _set_chats_aside(live, agent, event.at)
    else:
        live.readiness_changed(agent)
    if offer.call.virtual:
        offer.accepted_at = event.at
        dial(live, offer, event.at)
    else:
        connect(live, offer, event.at)
    for other in others:
        free_one(live, offer, other, event.at)


def connect(live: LiveFloor, offer: OfferRecord, at: float) -> None:
    """Agent and customer speak: this is the outcome of the call."""
    call, queue = offer.call, live.queue_of(offer.call)
    agent = live.state.agents[offer.agent]
    offer.answered_at, offer.dialling = at, False
    live.state.talking[call.call] = offer.offer
    queue.talking += 1
    live.forget(call)
    if call.callback is not None:
        queue.counters.count_called_back()
    elif call.consults is None:
        queue.counters.count_answer(call.waited(at), queue.queue.target_seconds)
        if call.told_first is not None:
            queue.counters.count_told(call.told_first, at)
    agent.last_call_at, agent.last_contact = at, call.contact
    if call.channel is Channel.CHAT:
        agent.counters.chats += 1
    else:
        agent.counters.taken += 1


def _take_turn(live: LiveFloor, agent: AgentRecord, offer: OfferRecord) -> None:
    live.state.turns_taken += 1
    agent.turns[offer.call.queue] = live.state.turns_taken


# --- what failed ---------------------------------------------------------------------------------


def offer_failed(live: LiveFloor, event: e.OfferFailed) -> None:
    """The agent did not take it, or one of several did not: then the others ring on."""
    offer = live.state.offers[event.offer]
    if event.agent and offer.also and event.cause is not Cause.CALLER_LEFT:
        drop_from(offer, event.agent)
        _not_taken_by(live, offer, event.agent, event.cause, event.at)
    else:
        fail(live, offer, event.cause, event.at)


def fail(live: LiveFloor, offer: OfferRecord, cause: Cause, at: float) -> None:
    """The call returns to its place and leaves these agents out for a while."""
    call = offer.call
    void(live, offer)
    if cause is Cause.CALLER_LEFT:
        free(live, offer, at)
        if call.virtual:
            live.wait(call, at)
        else:
            abandon(live, call, at)
        return
    for name in offer.agents:
        _not_taken_by(live, offer, name, cause, at)
    live.wait(call, at)


def _not_taken_by(live: LiveFloor, offer: OfferRecord, name: str, cause: Cause, at: float) -> None:
    """One agent is free again, and left out of this call for a while."""
    queue = live.queue_of(offer.call).queue
    if cause is Cause.LOST:
        free_one(live, offer, name, at)
    else:
        agent = live.state.agents[name]
        _take_turn(live, agent, offer)
        _count_failure(live, agent, cause, queue.no_answer_limit, at)
        free_one(live, offer, name, at, Move.FAIL)
    pause = queue.retry_same_agent_after
    if cause in _NOT_RUNG:
        pause = min(pause, RETRY_NOT_RUNG)
    if pause > 0:
        offer.call.without[name] = at + pause


def _count_failure(
    live: LiveFloor, agent: AgentRecord, cause: Cause, limit: int, at: float
) -> None:
    """Count it; after so many in a row pause the agent, unless they asked for a break."""
    agent.counters.count_failure(cause)
    agent.streak += 1
    if 0 < limit <= agent.streak:
        agent.streak = 0
        if agent.pending is None and agent.state is not AgentState.PAUSED:
            live.move(agent, Move.PAUSE, at, cause.replace("_", " "))


# --- the end of what was answered ----------------------------------------------------------------


def agent_released(live: LiveFloor, event: e.AgentReleased) -> None:
    """The agent has left the call, or a callback that they had accepted."""
    offer = live.state.offers[event.offer]
    if offer.answered_at is not None:
        release(live, offer, event.at)
        return
    queue = live.queue_of(offer.call).queue
    take_back(live, offer, Cancel.WITHDRAWN, event.at)
    offer.call.without[offer.agent] = event.at + queue.retry_same_agent_after
    live.wait(offer.call, event.at)


def release(live: LiveFloor, offer: OfferRecord, at: float) -> None:
    """The agent leaves an answered call: wrap-up begins, or one chat fewer is held."""
    state = live.state
    agent, queue = state.agents[offer.agent], state.queues[offer.call.queue]
    _forget_talk(live, offer, queue)
    if state.consultations:
        _drop_consultation(live, offer, at)
    talked = max(0.0, at - (offer.answered_at or at))
    if offer.call.channel is Channel.CHAT:
        queue.handling.add(talked)
        live.change_chats(agent, offer.offer, at, held=False)
        return
    agent.counters.talk_seconds += talked
    _begin_wrap_up(live, agent, queue, talked, at)
    if agent.chats:
        take_chats_up(live, agent)


def _forget_talk(live: LiveFloor, offer: OfferRecord, queue: QueueRecord) -> None:
    state, call = live.state, offer.call.call
    del state.offers[offer.offer]
    if state.talking.get(call) == offer.offer:
        del state.talking[call]
    queue.talking -= 1
    if queue.removed:
        live.drop_if_done(queue)


def _drop_consultation(live: LiveFloor, offer: OfferRecord, at: float) -> None:
    """Nobody is rung for an agent who has left the call that was to be talked about."""
    call = live.state.calls.get(live.state.consultations.pop(offer.offer, ""))
    if call is not None and call.consults == offer.offer:
        live.exit(call, Exit.WITHDRAWN, at, "agent left")


def _begin_wrap_up(
    live: LiveFloor, agent: AgentRecord, queue: QueueRecord, talked: float, at: float
) -> None:
    """One timer per agent. Without a disposition that is required, its end does not end it."""
    rules = queue.queue
    seconds, due = rules.wrap_up_seconds, rules.disposition_required
    due = due and not agent.removed and not agent.disposition_given
    agent.disposition_given = False
    if seconds <= 0 and not due:
        queue.handling.add(talked)
        live.move(agent, Move.FINISH, at)
        return
    agent.worked_for, agent.worked_since = queue.queue.name, at - talked
    live.move(agent, Move.RELEASE, at)
    agent.disposition_due = due
    if seconds > 0:
        agent.wrap_up_until = at + seconds
        live.deadlines.set(at + seconds, Due.WRAP_UP, agent.agent.id)


# --- chats of an agent who takes a call ----------------------------------------------------------


def _set_chats_aside(live: LiveFloor, agent: AgentRecord, at: float) -> None:
    """Do with the agent's chats what the floor says; one that still rings is taken back."""
    how = live.state.floor.held_chats
    for name in agent.chats:
        chat = live.state.offers[name]
        if how is HeldChats.KEEP:
            continue
        if chat.answered_at is None:
            take_back(live, chat, Cancel.WITHDRAWN, at)
            live.wait(chat.call, at)
        elif how is HeldChats.PARK:
            chat.parked = True
            live.out.append(c.ChatParked(name, chat.call.call, agent.agent.id))
        else:
            _return_chat(live, chat, at)


def _return_chat(live: LiveFloor, chat: OfferRecord, at: float) -> None:
    """An answered chat waits again, in the place it had."""
    call, queue = chat.call, live.queue_of(chat.call)
    agent = live.state.agents[chat.agent]
    live.change_chats(agent, chat.offer, at, held=False)
    live.out.append(c.ChatReturned(chat.offer, call.call, chat.agent))
    gone = chat.caller_left or queue.removed or call.call in live.state.calls
    _forget_talk(live, chat, queue)
    if gone:
        return
    queue.counters.returned += 1
    call.offer, call.entered_at, call.prefers = None, at, None
    call.told = call.told_first = None
    live.enter(call, at)


APPLY: dict[type[e.Event], Callable[[LiveFloor, Any], None]] = {
    e.OfferAnswered: offer_answered,
    e.OfferFailed: offer_failed,
    e.AgentReleased: agent_released,
}
