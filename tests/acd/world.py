"""A floor under random use, and what must hold after each thing that happens there.

Each choice is compared with brute force (`desk.CheckedFloor`). A twin, restored from a snapshot at
random moments, must give the same commands for ever after.
"""

from __future__ import annotations

import json
import random

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
        strategy=pick([*m.Strategy, m.Strategy.RING_ALL]),
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

    def do(self, event: m.Event) -> None:
        """An event is applied by both, or refused by both and has changed nothing."""
        before = self.engine.snapshot() if self.thorough else {}
        waiting, talking = set(self.state.calls), set(self.state.talking)
        try:
            self.engine.check(event)
        except AcdError:
            assert not self.thorough or self.engine.snapshot() == before
            return
        rung = self._who_is_rung()
        commands = self.engine.apply(event)
        self.applied += 1
        assert self.twin.handle(event) == commands
        self._nobody_has_missed_what_stopped_ringing(event, commands, rung)
        self._every_call_has_one_outcome(event, commands, waiting, talking)

    def _who_is_rung(self) -> dict[str, dict[str, object]]:
        """Offer -> the agents whose phones ring for it, and what a missed call would change."""
        offers = self.ringing().values()
        return {
            offer.offer: {name: self._record(name) for name in offer.agents} for offer in offers
        }

    def _record(self, name: str) -> object:
        agent = self.state.agents[name]
        count = agent.counters
        missed = (count.no_answer, count.rejected, count.busy, count.unreachable)
        return agent.idle_since, agent.streak, missed, dict(agent.turns)

    def _nobody_has_missed_what_stopped_ringing(
        self, event: m.Event, commands: list[m.Command], rung: dict[str, dict[str, object]]
    ) -> None:
        """It stopped before the end: a colleague took it, or it was taken back."""
        free: dict[str, object] = {}
        for command in commands:
            if isinstance(command, m.CancelOffer) and command.reason is not m.Cancel.EXPIRED:
                free |= rung.get(command.offer, {})
            elif isinstance(command, m.StopRinging):
                free[command.agent] = rung[command.offer][command.agent]
        if isinstance(event, m.OfferAnswered):
            free |= rung[event.offer]
            offer = self.state.offers.get(event.offer)
            assert offer is not None
            assert offer.agent in rung[event.offer]
            assert event.agent in {"", offer.agent}
            del free[offer.agent]
        elif isinstance(event, m.OfferFailed) and event.agent:
            for name in rung[event.offer].keys() - {event.agent}:
                free[name] = rung[event.offer][name]
        for name, record in free.items():
            assert name not in self.state.agents or self._record(name) == record, (name, event)

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
        voice = [
            name for o in offers.values() for name in o.agents if o.call.channel is m.Channel.VOICE
        ]
        assert len(set(voice)) == len(voice)
        for name, agent in self.state.agents.items():
            holds = agent.state in {S.OFFERED, S.TALKING}
            assert (agent.offer is not None) == holds
            assert agent.offer is None or name in offers[agent.offer].agents
            chats = [o.offer for o in offers.values() if o.agent == name and o.offer in agent.chats]
            assert sorted(chats) == sorted(agent.chats)
            assert len(agent.chats) <= agent.agent.chats
            assert agent.state is not S.LOGGED_OUT or not agent.chats
        held = sum(len(agent.chats) for agent in self.state.agents.values())
        beside = sum(len(o.also) for o in offers.values())
        assert held + len(voice) == len(offers) + beside

    def a_call_has_one_agent_at_most(self) -> None:
        offers = self.state.offers
        open_offers = [o.call.call for o in offers.values() if o.answered_at is None]
        assert len(set(open_offers)) == len(open_offers)
        for name, call in self.state.calls.items():
            assert call.offer is None or offers[call.offer].call is call, name
        for call_id, offer in self.state.talking.items():
            assert offers[offer].call.call == call_id
            assert offers[offer].answered_at is not None
            assert not offers[offer].also

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
            ended += c.expired + c.unreached + c.forbidden + c.keyed
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
