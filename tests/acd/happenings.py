"""Everything that can happen on a floor, one function each; `step` does one of them by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from acd import model as m
from acd.model import AgentState as S
from tests.acd.world import AGENTS, CUSTOMERS, NEEDS, QUEUES, Dice, World, random_floor


def step(world: World, name: str, dice: Dice) -> None:
    """One of `ACTIONS`."""
    ACTIONS[name](world, dice)


def one_of(names: Iterable[str], dice: Dice) -> str | None:
    ordered = sorted(names)
    return dice.choice(ordered) if ordered else None


def _agents_do(world: World, dice: Dice) -> None:
    agent = dice.choice(AGENTS)
    events: list[Any] = [m.LoggedIn, m.Readied, m.DeviceFree, m.DispositionGiven] * 4
    events += [m.LoggedOut, m.WrapUpEnded, m.DeviceBusy]
    world.do(dice.choice(events)(world.now, agent))


def _agents_pause(world: World, dice: Dice) -> None:
    if dice.random() < 0.3:
        world.do(m.Paused(world.now, dice.choice(AGENTS), "lunch"))


def _wrap_up_goes_on(world: World, dice: Dice) -> None:
    world.do(m.WrapUpExtended(world.now, dice.choice(AGENTS), 10.0))


def _screens_open_and_close(world: World, dice: Dice) -> None:
    chats = dice.choice([0, 1, None, None])
    world.do(m.ChatRoomSet(world.now, dice.choice(AGENTS), chats))


def _phones_are_taken(world: World, dice: Dice) -> None:
    phone = dice.choice(["", "", m.MOBILE, "5001", "5002"])
    world.do(m.PhoneTaken(world.now, dice.choice(AGENTS), phone))


def _queues_are_left_and_joined(world: World, dice: Dice) -> None:
    event = dice.choice([m.QueueJoined, m.QueueJoined, m.QueueLeft])
    world.do(event(world.now, dice.choice(AGENTS), dice.choice(QUEUES)))


def _agents_are_forced(world: World, dice: Dice) -> None:
    state = dice.choice([S.READY] * 6 + [S.PAUSED, S.LOGGED_OUT])
    world.do(m.AgentForced(world.now, dice.choice(AGENTS), state, "meeting", "boss"))


def _calls_come(world: World, dice: Dice) -> None:
    for _ in range(dice.randint(1, 3)):
        world.calls += 1
        name, since = f"c{world.calls}", world.now - dice.choice([0, 0, 30])
        agent = dice.choice([None] * 8 + AGENTS)
        world.do(
            m.CallQueued(
                world.now,
                name,
                name,
                dice.choice(QUEUES),
                dice.choice(NEEDS),
                dice.choice([0, 0, 1, 2, -1]),
                since,
                agent,
                dice.choice([None, None, 20]),
                dice.choice([m.Channel.VOICE, m.Channel.VOICE, m.Channel.CHAT]),
                dice.choice([None, None, None, *AGENTS]),
                dice.choice([None, 3]),
                dice.choice(CUSTOMERS),
                dice.choice([None] * 6 + AGENTS),
            )
        )


def _all_is_quiet_until_one_calls(world: World, dice: Dice) -> None:
    """Nobody waits and everybody is free: the next caller finds them all."""
    for call in sorted(world.state.calls):
        world.do(m.CallWithdrawn(world.now, call))
    for offer in world.talks():
        world.do(m.AgentReleased(world.now, offer))
    for agent in sorted(world.state.agents):
        back = (m.DispositionGiven, m.WrapUpEnded, m.LoggedIn, m.Readied, m.DeviceFree)
        for event in back:
            world.do(event(world.now, agent))
    world.calls += 1
    name, queue = f"c{world.calls}", dice.choice(QUEUES)
    needs = dice.choice([{}, {}, {}, *NEEDS])
    world.do(m.CallQueued(world.now, name, name, queue, needs, 0, world.now))
    for _ in range(dice.randint(0, 3)):
        _one_of_several_is_out(world, dice)


def _one_of_several_is_out(world: World, dice: Dice) -> None:
    several = [name for name, offer in world.ringing().items() if offer.also]
    if offer := one_of(several, dice):
        agent, now = dice.choice(world.ringing()[offer].agents), world.now
        out: list[m.Event] = [
            m.OfferFailed(now, offer, dice.choice(list(m.Cause)), agent),
            m.LoggedOut(now, agent),
            m.AgentForced(now, agent, dice.choice([S.PAUSED, S.LOGGED_OUT]), "", "boss"),
            m.Paused(now, agent, "lunch"),
            m.DeviceBusy(now, agent),
        ]
        world.do(dice.choice(out))


def _callers_leave(world: World, dice: Dice) -> None:
    if call := one_of(world.state.calls, dice):
        world.do(m.CallLeft(world.now, call))


def _answered_callers_leave(world: World, dice: Dice) -> None:
    call = one_of(world.state.talking, dice)
    if call and not world.engine.has_call(call):
        world.do(m.CallLeft(world.now, call))


def _agents_answer(world: World, dice: Dice) -> None:
    if offer := one_of(world.ringing(), dice):
        world.do(m.OfferAnswered(world.now, offer))


def _one_of_several_answers_or_fails(world: World, dice: Dice) -> None:
    """Mostly somebody who is rung, at times somebody who is not."""
    if offer := one_of(world.ringing(), dice):
        rung = [*world.ringing()[offer].agents] * 3
        agent = dice.choice([*rung, *AGENTS])
        if dice.random() < 0.3:
            world.do(m.OfferAnswered(world.now, offer, agent))
        else:
            world.do(m.OfferFailed(world.now, offer, dice.choice(list(m.Cause)), agent))


def _offers_fail(world: World, dice: Dice) -> None:
    if offer := one_of(world.ringing(), dice):
        world.do(m.OfferFailed(world.now, offer, dice.choice(list(m.Cause))))


def _agents_leave_calls(world: World, dice: Dice) -> None:
    accepted = [name for name, o in world.state.offers.items() if o.accepted_at is not None]
    if offer := one_of(world.talks() + accepted, dice):
        world.do(m.AgentReleased(world.now, offer))


def _agents_work(world: World, dice: Dice) -> None:
    for _ in range(dice.randint(1, 4)):
        if offer := one_of(world.ringing(), dice):
            world.do(m.OfferAnswered(world.now, offer))
            if offer in world.talks():
                world.do(m.AgentReleased(world.now, offer))


def _callbacks_are_asked_for(world: World, dice: Dice) -> None:
    if call := one_of(world.state.calls, dice):
        later = dice.choice([None, None, world.now + 10])
        customer = dice.choice(["dora", "eli", "fay"])
        world.do(m.CallbackAsked(world.now, call, customer, later))


def _customers_without_a_line_are_to_be_called(world: World, dice: Dice) -> None:
    at, customer = world.now, dice.choice(["dora", "eli", "fay", "gus"])
    call, queue = f"back-{dice.randint(1, 999)}", dice.choice([*world.state.queues])
    world.do(m.CallbackQueued(at, call, call, queue, {}, dice.randint(0, 2), at - 30, customer))


def _customers_are_reached_or_not(world: World, dice: Dice) -> None:
    dials = [o.call.call for o in world.state.offers.values() if o.dialling]
    if call := one_of(dials, dice):
        if dice.random() < 0.6:
            world.do(m.CustomerAnswered(world.now, call))
        else:
            cause = dice.choice([m.Cause.NO_ANSWER, m.Cause.BUSY, m.Cause.LOST])
            world.do(m.CustomerFailed(world.now, call, cause))


def _callbacks_are_held(world: World, dice: Dice) -> None:
    if call := one_of(world.state.callbacks.values(), dice):
        if dice.random() < 0.7:
            world.do(m.CallbackHeld(world.now, call, world.now + 20))
        else:
            world.do(m.CallbackForbidden(world.now, call, "do not call"))


def _calls_are_transferred(world: World, dice: Dice) -> None:
    if offer := one_of(world.talks(), dice):
        world.calls += 1
        agent = dice.choice([None, None, *AGENTS])
        strip, queue = dice.random() < 0.5, dice.choice(QUEUES)
        world.do(m.CallTransferred(world.now, offer, f"c{world.calls}", queue, agent, strip))


def _agents_consult(world: World, dice: Dice) -> None:
    if offer := one_of(world.talks(), dice):
        world.calls += 1
        agent = dice.choice([None, None, *AGENTS])
        queue = dice.choice(QUEUES)
        name = f"c{world.calls}"
        world.do(m.ConsultationAsked(world.now, offer, name, queue, agent))
        rung = [each for each, o in world.ringing().items() if o.call.call == name]
        if rung and dice.random() < 0.7:
            world.do(m.OfferAnswered(world.now, rung[0]))


def _consultations_end(world: World, dice: Dice) -> None:
    if call := one_of(world.state.consultations.values(), dice):
        event = dice.choice([m.ConsultationCompleted, m.ConsultationFailed])
        world.do(event(world.now, call))


def _supervisors_act_on_calls(world: World, dice: Dice) -> None:
    if call := one_of(world.state.calls, dice):
        now = world.now
        events = [
            m.CallMoved(now, call, dice.choice(QUEUES)),
            m.CallReprioritised(now, call, dice.randint(0, 3)),
            m.CallFreed(now, call),
            m.CallWithdrawn(now, call),
            m.WaitAnnounced(now, call),
            m.CallKeyed(now, call, "1"),
        ]
        world.do(dice.choice(events))


def _queues_open_and_close(world: World, dice: Dice) -> None:
    event = dice.choice([m.QueueOpened] * 8 + [m.QueueClosed])
    world.do(event(world.now, dice.choice(QUEUES)))


def _the_floor_is_reloaded(world: World, dice: Dice) -> None:
    if dice.random() < 0.7:
        return
    busy = {S.TALKING, S.WRAP_UP}
    at_work = {
        name: (agent.state, agent.since)
        for name, agent in world.state.agents.items()
        if agent.state in busy and not agent.disposition_due
    }
    waiting = set(world.state.calls)
    world.do(m.FloorLoaded(world.now, random_floor(dice)))
    for name, was in at_work.items():
        agent = world.state.agents[name]
        assert (agent.state, agent.since) == was
    assert set(world.state.calls) == waiting


def _a_day_starts(world: World, dice: Dice) -> None:
    world.do(m.DayStarted(world.now))


def _time_passes(world: World, dice: Dice) -> None:
    world.now += dice.choice([0.5, 3, 7, 15, 60])
    world.do(m.Ticked(world.now))
    due = world.engine.next_deadline()
    assert due is None or due > world.now
    assert all(o.lease_until > world.now for o in world.ringing().values())


def _the_service_restarts(world: World, dice: Dice) -> None:
    world.restart_the_twin()


def _late_news_is_refused(world: World, dice: Dice) -> None:
    number = dice.randint(0, 50)
    world.do(m.OfferAnswered(world.now, f"c{number}-{number}"))
    world.do(m.OfferFailed(world.now, "c0-0", m.Cause.BUSY))
    world.do(m.CustomerAnswered(world.now, f"c{number}"))
    world.do(m.ConsultationCompleted(world.now, f"c{number}"))
    world.do(m.CallQueued(world.now, "x", "x", "nowhere", {}, 0, world.now))


ACTIONS: dict[str, Callable[[World, Dice], None]] = {
    action.__name__.strip("_"): action
    for action in (
        _agents_do,
        _agents_pause,
        _wrap_up_goes_on,
        _phones_are_taken,
        _queues_are_left_and_joined,
        _screens_open_and_close,
        _agents_are_forced,
        _calls_come,
        _all_is_quiet_until_one_calls,
        _callers_leave,
        _answered_callers_leave,
        _agents_answer,
        _one_of_several_answers_or_fails,
        _one_of_several_is_out,
        _offers_fail,
        _agents_leave_calls,
        _agents_work,
        _callbacks_are_asked_for,
        _customers_without_a_line_are_to_be_called,
        _customers_are_reached_or_not,
        _callbacks_are_held,
        _calls_are_transferred,
        _agents_consult,
        _consultations_end,
        _supervisors_act_on_calls,
        _queues_open_and_close,
        _the_floor_is_reloaded,
        _a_day_starts,
        _time_passes,
        _the_service_restarts,
        _late_news_is_refused,
    )
}
OFTEN = (
    "calls_come",
    "agents_do",
    "agents_do",
    "agents_answer",
    "agents_leave_calls",
    "time_passes",
    "customers_are_reached_or_not",
)
"""What happens more often than the rest, so that floors do not stand still."""
