"""A floor under random use: everything that can happen, and what must hold after each of it.

Each choice is compared with brute force (`desk.CheckedFloor`). A twin, restored from a snapshot at
random moments, must give the same commands for ever after.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

from acd import model as m
from acd.engine import Engine
from acd.errors import AcdError
from acd.model import AgentState as S
from acd.state import OfferRecord, State
from tests.acd.desk import START, checked

AGENTS = ["1001", "1002", "1003", "1004"]
QUEUES = ["sales", "service"]
CUSTOMERS = ["", "", "anna", "bo", "cem"]
NEEDS: list[dict[str, int]] = [
    {},
    {},
    {"loans": 3},
    {"english": 7},
    {"english": 3, "loans": 3},
]
SKILLS: list[dict[str, int]] = [
    {},
    {"loans": 5},
    {"english": 9},
    {"english": 3, "loans": 9},
]
RELAX: list[tuple[m.Relaxation, ...]] = [
    (),
    (),
    (m.Relaxation(20, {"english": 3}), m.Relaxation(40, drop=("*",), also=("sales",))),
    (m.Relaxation(0.5, drop=("loans",)),),
]
Dice = random.Random


def random_floor(dice: Dice) -> m.Floor:
    """Some of the queues and agents, with rules that make things happen often."""
    pick = dice.choice
    names = pick([QUEUES, QUEUES, QUEUES, ["sales"]])
    queues = tuple(_queue(dice, name) for name in names)
    agents = tuple(
        m.Agent(
            agent,
            queues=tuple(pick([names, names, names[:1], names[-1:], []])),
            skills=pick(SKILLS),
            chats=2,
        )
        for agent in pick([AGENTS, AGENTS, AGENTS[:3], AGENTS[1:], AGENTS[:1]])
    )
    resets = pick([(), (), (m.Reset.UNPAUSE, m.Reset.OUTBOUND)])
    return m.Floor(queues, agents, (), resets, pick(list(m.HeldChats)), 7)


def _queue(dice: Dice, name: str) -> m.Queue:
    pick = dice.choice
    return m.Queue(
        name,
        ring_seconds=10,
        wrap_up_seconds=pick([0, 15]),
        seconds_per_priority=pick([0, 30, 60]),
        weight=pick([0, 1]),
        max_waiting=pick([None, None, 0, 5]),
        max_wait=pick([None, None, 40]),
        leave_when_empty=pick([None, None, 5]),
        leave_when_unskilled=pick([None, None, 6]),
        leave_when_paused=pick([None, None, 8]),
        leave_when_busy=pick([None, None, None, 50]),
        turn_away_when_empty=pick([None, None, 0]),
        no_answer_limit=pick([0, 0, 2]),
        retry_same_agent_after=pick([0, 12, 12]),
        max_expected_wait=pick([None, None, 100]),
        strategy=pick(list(m.Strategy)),
        order=pick(list(m.Order)),
        relax=pick(RELAX),
        prefer_seconds=pick([5, 30]),
        disposition_required=pick([False, False, False, True]),
        handle_seconds=pick([None, 60]),
        regain_seconds=pick([0, 60]),
        callbacks=m.Callbacks(pick(list(m.First)), 10, 2, 15, 200),
    )


class World:
    """One floor and its twin; `thorough` compares whole snapshots around refused events."""

    def __init__(self, dice: Dice, *, thorough: bool = True) -> None:
        self.now = START
        self.thorough = thorough
        self.engine = checked(Engine())
        self.twin = Engine()
        self.calls = 0
        self.applied = 0
        floor = random_floor(dice)
        self.do(m.FloorLoaded(self.now, floor))
        for agent in floor.agents:
            self.do(m.LoggedIn(self.now, agent.id))

    @property
    def state(self) -> State:
        return self.engine._live.state

    def step(self, name: str, dice: Dice) -> None:
        """One of `ACTIONS`."""
        ACTIONS[name](self, dice)

    def do(self, event: m.Event) -> None:
        """An event is applied by both, or refused by both and has changed nothing."""
        before = self.engine.snapshot() if self.thorough else {}
        waiting, talking = set(self.state.calls), set(self.state.talking)
        try:
            self.engine.check(event)
        except AcdError:
            assert not self.thorough or self.engine.snapshot() == before
            return
        commands = self.engine.apply(event)
        self.applied += 1
        assert self.twin.handle(event) == commands
        self._every_call_has_one_outcome(event, commands, waiting, talking)

    def _every_call_has_one_outcome(
        self, event: m.Event, commands: list[m.Command], waiting: set[str], talking: set[str]
    ) -> None:
        """A call that waits no longer was answered, abandoned or sent on: exactly one of these."""
        exits = [command.call for command in commands if isinstance(command, m.CallExits)]
        assert len(set(exits)) == len(exits)
        returned = {each.call for each in commands if isinstance(each, m.ChatReturned)}
        left = {event.call} if isinstance(event, m.CallLeft) else self._left_by(event, waiting)
        for call in waiting - self.state.calls.keys():
            answered = call in self.state.talking and call not in talking - returned
            assert (call in exits) + (call in left) + answered == 1, (call, event)
        for call in self.state.calls.keys() & waiting:
            assert call not in exits
        come = getattr(event, "call", None)
        for call in self.state.calls.keys() - waiting:
            assert call in returned or call == come, (call, event)
        assert all(call in waiting or call == come for call in exits)

    def _left_by(self, event: m.Event, waiting: set[str]) -> set[str]:
        if isinstance(event, m.OfferFailed) and event.cause is m.Cause.CALLER_LEFT:
            return {event.offer.rpartition("-")[0]} & waiting
        return set()

    def restart_the_twin(self) -> None:
        self.twin = Engine.restore(json.loads(json.dumps(self.engine.snapshot())))

    # --- what must hold ---------------------------------------------------------------------------

    def check(self) -> None:
        self.an_agent_has_one_call_at_most_and_no_more_chats_than_they_may()
        self.a_call_has_one_agent_at_most()
        self.dials_are_backed_by_agents_kept_free()
        self.counters_add_up()
        assert self.engine.next_deadline() == self.twin.next_deadline()

    def an_agent_has_one_call_at_most_and_no_more_chats_than_they_may(self) -> None:
        offers = self.state.offers
        voice = [o.agent for o in offers.values() if o.call.channel is m.Channel.VOICE]
        assert len(set(voice)) == len(voice)
        for name, agent in self.state.agents.items():
            holds = agent.state in {S.OFFERED, S.TALKING}
            assert (agent.offer is not None) == holds
            assert agent.offer is None or offers[agent.offer].agent == name
            chats = [o.offer for o in offers.values() if o.agent == name and o.offer in agent.chats]
            assert sorted(chats) == sorted(agent.chats)
            assert len(agent.chats) <= agent.agent.chats
            assert agent.state is not S.LOGGED_OUT or not agent.chats
        held = sum(len(agent.chats) for agent in self.state.agents.values())
        assert held + len(voice) == len(offers)

    def a_call_has_one_agent_at_most(self) -> None:
        offers = self.state.offers
        open_offers = [o.call.call for o in offers.values() if o.answered_at is None]
        assert len(set(open_offers)) == len(open_offers)
        for name, call in self.state.calls.items():
            assert call.offer is None or offers[call.offer].call is call, name
        for call_id, offer in self.state.talking.items():
            assert offers[offer].call.call == call_id
            assert offers[offer].answered_at is not None

    def dials_are_backed_by_agents_kept_free(self) -> None:
        dials = [o for o in self.state.offers.values() if o.dialling]
        assert len({o.agent for o in dials}) == len(dials)
        assert len({o.call.customer for o in dials}) == len(dials)
        for offer in dials:
            agent = self.state.agents[offer.agent]
            assert agent.offer == offer.offer
            assert agent.state is (S.OFFERED if offer.accepted_at is None else S.TALKING)
        for customer, call in self.state.callbacks.items():
            assert self.state.calls[call].customer == customer

    def counters_add_up(self) -> None:
        for name, queue in self.state.queues.items():
            c = queue.counters
            mine = [call for call in self.state.calls.values() if call.queue == name]
            assert queue.waiting == len(mine)
            ended = c.answered + c.abandoned + c.timeout + c.nobody + c.withdrawn + c.moved
            ended += c.expired + c.unreached + c.forbidden
            assert c.offered == ended + sum(call.consults is None for call in mine), (name, c)
            talks = [o for o in self.state.offers.values() if o.answered_at is not None]
            assert queue.talking == sum(o.call.queue == name for o in talks)

    def screens_show_every_call_and_agent_once(self) -> None:
        calls = [row for row in self.engine.calls_view(self.now) if row.answered_at is None]
        assert sorted(row.call for row in calls) == sorted(self.state.calls)
        assert len(self.engine.agents_view(self.now)) == len(self.state.agents)
        for row in self.engine.queues_view(self.now):
            places = [c.position for c in calls if c.queue == row.queue and c.position]
            assert places == list(range(1, row.waiting + 1))
        for call in self.state.calls:
            self.engine.estimate(call)
            self.engine.explain_call(call, self.now)
        for agent in self.state.agents:
            self.engine.explain_agent(agent)

    def nobody_is_stuck(self) -> None:
        """Left alone, nobody stays reserved or in wrap-up."""
        for agent in self.state.agents.values():
            if agent.disposition_due:
                self.do(m.DispositionGiven(self.now, agent.agent.id, "sold"))
        self.now += 10_000
        self.do(m.Ticked(self.now))
        for offer in list(self.ringing()):
            self.do(m.OfferFailed(self.now, offer, m.Cause.LOST))
        assert S.WRAP_UP not in {agent.state for agent in self.state.agents.values()}

    def ringing(self) -> dict[str, OfferRecord]:
        offers = self.state.offers.items()
        return {name: o for name, o in offers if o.answered_at is None and not o.dialling}

    def talks(self) -> list[str]:
        return [name for name, o in self.state.offers.items() if o.answered_at is not None]


def one_of(names: Iterable[str], dice: Dice) -> str | None:
    ordered = sorted(names)
    return dice.choice(ordered) if ordered else None


# --- what may happen -----------------------------------------------------------------------------


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
        _queues_are_left_and_joined,
        _agents_are_forced,
        _calls_come,
        _callers_leave,
        _answered_callers_leave,
        _agents_answer,
        _offers_fail,
        _agents_leave_calls,
        _agents_work,
        _callbacks_are_asked_for,
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
