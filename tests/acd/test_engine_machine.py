"""The engine under random use: what must hold after every event, whatever came before.

Each choice is compared with brute force (`desk.CheckedFloor`); a twin that is restored from a
snapshot at random moments must give the same commands for ever after.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from acd import model as m
from acd.engine import Engine
from acd.errors import AcdError
from acd.model import AgentState
from tests.acd.desk import START, checked

AGENTS = ["1001", "1002", "1003", "1004"]
QUEUES = ["sales", "service"]
SKILLS = ["english", "loans"]
agents_s = st.sampled_from(AGENTS)
queues_s = st.sampled_from(QUEUES)
needs_s = st.sampled_from([{}, {}, {"loans": 3}, {"english": 7}, {"english": 3, "loans": 3}])
pick = st.integers(0, 10**6)


@st.composite
def floors(draw: st.DrawFn) -> m.Floor:
    maybe = st.sampled_from
    queues = tuple(
        m.Queue(
            name,
            ring_seconds=10,
            wrap_up_seconds=draw(maybe([0, 15])),
            seconds_per_priority=draw(maybe([0, 30, 60])),
            weight=draw(maybe([0, 1])),
            max_waiting=draw(maybe([None, None, 0, 5])),
            max_wait=draw(maybe([None, None, 40])),
            leave_when_empty=draw(maybe([None, None, 5])),
            leave_when_paused=draw(maybe([None, None, 8])),
            no_answer_limit=draw(maybe([0, 0, 2])),
            retry_same_agent_after=draw(maybe([0, 12, 12])),
        )
        for name in draw(st.sampled_from([QUEUES, QUEUES, ["sales"]]))
    )
    names = [queue.name for queue in queues]
    agents = tuple(
        m.Agent(
            agent,
            queues=tuple(draw(maybe([names, names, names[:1], names[-1:], []]))),
            skills=draw(maybe([{}, {"loans": 5}, {"english": 9}, {"english": 3, "loans": 9}])),
        )
        for agent in draw(st.sampled_from([AGENTS, AGENTS, AGENTS[:3], AGENTS[1:], AGENTS[:1]]))
    )
    return m.Floor(queues, agents)


class EngineMachine(RuleBasedStateMachine):
    """One floor, one twin, and the book of what became of each call."""

    @initialize(floor=floors())
    def begin(self, floor: m.Floor) -> None:
        self.now = START
        self.engine = checked(Engine())
        self.twin = Engine()
        self.calls = 0
        self.accepted: set[str] = set()
        self.outcomes: dict[str, list[str]] = {}
        self.do(m.FloorLoaded(self.now, floor))
        for agent in floor.agents:
            self.do(m.LoggedIn(self.now, agent.id))

    @property
    def state(self) -> Any:
        return self.engine._live.state

    def do(self, event: m.Event) -> None:
        """An event is applied by both, or refused by both and has changed nothing."""
        before = self.engine.snapshot()
        try:
            commands = self.engine.handle(event)
        except AcdError:
            assert self.engine.snapshot() == before
            return
        assert self.twin.handle(event) == commands
        if isinstance(event, m.CallQueued):
            self.accepted.add(event.call)
        if isinstance(event, m.OfferAnswered):
            self.end(self.engine.offer(event.offer).call.call, "answered")  # type: ignore[union-attr] # it was just answered
        for command in commands:
            if isinstance(command, m.CallExits):
                self.end(command.call, command.reason)

    def end(self, call: str, how: str) -> None:
        self.outcomes.setdefault(call, []).append(how)

    # --- what may happen --------------------------------------------------------------------------

    @rule(agent=agents_s)
    def log_in(self, agent: str) -> None:
        self.do(m.LoggedIn(self.now, agent))

    @rule(agent=agents_s)
    def log_out(self, agent: str) -> None:
        self.do(m.LoggedOut(self.now, agent))

    @rule(agent=agents_s)
    def pause(self, agent: str) -> None:
        self.do(m.Paused(self.now, agent, "lunch"))

    @rule(agent=agents_s)
    def ready(self, agent: str) -> None:
        self.do(m.Readied(self.now, agent))

    @rule(
        how_many=st.integers(1, 4),
        queue=queues_s,
        needs=needs_s,
        priority=st.sampled_from([0, 0, 1, 2, -1]),
        earlier=st.sampled_from([0, 0, 30]),
        agent=st.sampled_from([None, None, None, None, *AGENTS]),
        max_wait=st.sampled_from([None, None, 20]),
    )
    def calls_come(
        self,
        *,
        how_many: int,
        queue: str,
        needs: dict[str, int],
        priority: int,
        earlier: float,
        agent: str | None,
        max_wait: float | None,
    ) -> None:
        for _ in range(how_many):
            self.calls += 1
            name, since = f"c{self.calls}", self.now - earlier
            self.do(
                m.CallQueued(self.now, name, name, queue, needs, priority, since, agent, max_wait)
            )

    @rule(which=pick)
    def caller_leaves(self, which: int) -> None:
        if call := self.one_of(self.state.calls, which):
            self.end(call, "abandoned")
            self.do(m.CallLeft(self.now, call))

    @rule(which=pick)
    def answered_caller_leaves(self, which: int) -> None:
        call = self.one_of(self.state.talking, which)
        if call and not self.engine.has_call(call):
            self.do(m.CallLeft(self.now, call))

    @rule(which=pick)
    def agent_answers(self, which: int) -> None:
        if offer := self.one_of(self.ringing(), which):
            self.do(m.OfferAnswered(self.now, offer))

    @rule(which=pick, cause=st.sampled_from(list(m.Cause)))
    def offer_fails(self, which: int, cause: m.Cause) -> None:
        if offer := self.one_of(self.ringing(), which):
            if cause is m.Cause.CALLER_LEFT:
                self.end(self.state.offers[offer].call.call, "abandoned")
            self.do(m.OfferFailed(self.now, offer, cause))

    @rule(which=pick)
    def agent_leaves_the_call(self, which: int) -> None:
        talking = [name for name, o in self.state.offers.items() if o.answered_at is not None]
        if offer := self.one_of(talking, which):
            self.do(m.AgentReleased(self.now, offer))

    @rule(how_many=st.integers(1, 6))
    def agents_work(self, how_many: int) -> None:
        for _ in range(how_many):
            if offer := self.one_of(self.ringing(), 0):
                self.do(m.OfferAnswered(self.now, offer))
                self.do(m.AgentReleased(self.now, offer))

    @rule(agent=agents_s, more=st.booleans())
    def wrap_up_ends_or_goes_on(self, agent: str, more: bool) -> None:
        if more:
            self.do(m.WrapUpExtended(self.now, agent, 10.0))
        else:
            self.do(m.WrapUpEnded(self.now, agent))

    @rule(which=pick, queue=queues_s)
    def supervisor_moves(self, which: int, queue: str) -> None:
        if call := self.one_of(self.state.calls, which):
            self.do(m.CallMoved(self.now, call, queue))

    @rule(which=pick, priority=st.integers(0, 3))
    def supervisor_reprioritises(self, which: int, priority: int) -> None:
        if call := self.one_of(self.state.calls, which):
            self.do(m.CallReprioritised(self.now, call, priority))

    @rule(which=pick)
    def call_takes_anyone(self, which: int) -> None:
        if call := self.one_of(self.state.calls, which):
            self.do(m.CallFreed(self.now, call))

    @rule(which=pick)
    def supervisor_withdraws(self, which: int) -> None:
        if call := self.one_of(self.state.calls, which):
            self.do(m.CallWithdrawn(self.now, call))

    @rule(queue=queues_s, opened=st.booleans())
    def queue_opens_or_closes(self, queue: str, opened: bool) -> None:
        event = m.QueueOpened if opened else m.QueueClosed
        self.do(event(self.now, queue))

    @rule(floor=floors(), now=st.sampled_from([True, False, False, False]))
    def floor_is_reloaded(self, floor: m.Floor, now: bool) -> None:
        if not now:
            self.agents_work(2)
            return
        at_work = {
            name: (agent.state, agent.since, agent.wrap_up_until)
            for name, agent in self.state.agents.items()
            if agent.state in {AgentState.TALKING, AgentState.WRAP_UP}
        }
        waiting = set(self.state.calls)
        self.do(m.FloorLoaded(self.now, floor))
        for name, was in at_work.items():
            agent = self.state.agents[name]
            assert (agent.state, agent.since, agent.wrap_up_until) == was
        assert set(self.state.calls) == waiting

    @rule()
    def day_starts(self) -> None:
        self.do(m.DayStarted(self.now))

    @rule(seconds=st.sampled_from([0.5, 3, 7, 15, 60]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.do(m.Ticked(self.now))
        due = self.engine.next_deadline()
        assert due is None or due > self.now
        assert all(o.lease_until > self.now for o in self.ringing().values())

    @rule()
    def service_restarts(self) -> None:
        self.twin = Engine.restore(json.loads(json.dumps(self.engine.snapshot())))

    @rule(which=pick)
    def late_news_is_refused(self, which: int) -> None:
        self.do(m.OfferAnswered(self.now, f"c{which % 50}-{which % 50}"))
        self.do(m.OfferFailed(self.now, "c0-0", m.Cause.BUSY))
        self.do(m.CallQueued(self.now, "x", "x", "nowhere", {}, 0, self.now))

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def an_agent_has_one_offer_at_most_and_a_call_one_agent(self) -> None:
        offers = self.state.offers
        assert len({o.agent for o in offers.values()}) == len(offers)
        ringing = [o.call.call for o in self.ringing().values()]
        assert len(set(ringing)) == len(ringing)
        for name, agent in self.state.agents.items():
            holds = agent.state in {AgentState.OFFERED, AgentState.TALKING}
            assert (agent.offer is not None) == holds
            assert not holds or offers[agent.offer].agent == name
        for name, call in self.state.calls.items():
            assert call.offer is None or offers[call.offer].call is call, name

    @invariant()
    def every_accepted_call_ends_in_exactly_one_outcome(self) -> None:
        for call in self.accepted:
            ended = self.outcomes.get(call, [])
            assert len(ended) == (0 if self.engine.has_call(call) else 1), (call, ended)

    @invariant()
    def counters_add_up(self) -> None:
        for queue in self.state.queues.values():
            c = queue.counters
            assert queue.waiting == sum(
                call.queue == queue.queue.name for call in self.state.calls.values()
            )
            ended = c.answered + c.abandoned + c.timeout + c.nobody + c.withdrawn + c.moved
            assert c.offered == ended + queue.waiting
            assert queue.talking == sum(
                o.call.queue == queue.queue.name
                for o in self.state.offers.values()
                if o.answered_at is not None
            )

    @invariant()
    def the_views_show_every_call_and_agent_once(self) -> None:
        calls = [row for row in self.engine.calls_view(self.now) if row.answered_at is None]
        assert sorted(row.call for row in calls) == sorted(self.state.calls)
        assert len(self.engine.agents_view(self.now)) == len(self.state.agents)
        for row in self.engine.queues_view(self.now):
            places = [c.position for c in calls if c.queue == row.queue and c.position]
            assert places == list(range(1, row.waiting + 1))

    @invariant()
    def the_twin_has_the_same_next_deadline(self) -> None:
        assert self.engine.next_deadline() == self.twin.next_deadline()

    def teardown(self) -> None:
        """Left alone, nobody stays reserved or in wrap-up."""
        if hasattr(self, "engine"):
            self.now += 10_000
            self.do(m.Ticked(self.now))
            for offer in list(self.ringing()):
                self.do(m.OfferFailed(self.now, offer, m.Cause.LOST))
            states = {agent.state for agent in self.state.agents.values()}
            assert AgentState.WRAP_UP not in states

    def ringing(self) -> dict[str, Any]:
        return {name: o for name, o in self.state.offers.items() if o.answered_at is None}

    @staticmethod
    def one_of(names: Any, which: int) -> str | None:
        ordered = sorted(names)
        return ordered[which % len(ordered)] if ordered else None


EngineMachine.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestEngineUnderRandomUse = EngineMachine.TestCase
