"""A floor to play on: an engine with a virtual clock and one method for each thing that happens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from acd import model as m
from acd.engine import Engine
from acd.livefloor import LiveFloor
from acd.model import AgentState, Channel, Strategy
from acd.offering import RING_TOGETHER
from acd.pools import can_ever_serve
from acd.state import CallRecord, State
from acd.strategies import draw, number
from acd.views import AgentRow, CallRow, QueueRow

START = 1_000_000.0

Key = tuple[int, float, float, str]
"""The whole sort key of an agent."""


class Desk:
    """Time begins at 0 and moves only with `wait`, which also sends the ticks that are due."""

    def __init__(
        self, *queues: m.Queue, agents: Mapping[str, Any] | None = None, **rules: Any
    ) -> None:
        self.engine = Engine()
        self.now = START
        self.log: list[m.Command] = []
        self.agents = agents or {}
        self.load(*queues, **rules)

    # --- events -----------------------------------------------------------------------------------

    def do(self, event: m.Event) -> list[m.Command]:
        commands = self.engine.handle(event)
        self.log += commands
        return commands

    def load(self, *queues: m.Queue, agents: Mapping[str, Any] | None = None, **rules: Any) -> None:
        """Agents by id; the value is the names of queues, or (queues, skills)."""
        self.agents = self.agents if agents is None else agents
        everyone = tuple(agent_from(name, what) for name, what in self.agents.items())
        self.do(m.FloorLoaded(self.now, m.Floor(queues, everyone, **rules)))

    def wait(self, seconds: float) -> list[m.Command]:
        """Let time pass, stopping at every deadline on the way."""
        until, commands = self.now + seconds, list[m.Command]()
        while (due := self.engine.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            commands += self.do(m.Ticked(self.now))
        self.now = until
        return commands

    def log_in(self, *agents: str) -> None:
        for agent in agents:
            self.do(m.LoggedIn(self.now, agent))

    def queue(
        self,
        call: str,
        queue: str = "sales",
        *,
        needs: Mapping[str, int] | None = None,
        priority: int = 0,
        enqueued_at: float | None = None,
        agent: str | None = None,
        max_wait: float | None = None,
        **more: Any,
    ) -> list[m.Command]:
        at = self.now if enqueued_at is None else enqueued_at
        contact, needs = f"contact-{call}", needs or {}
        return self.do(
            m.CallQueued(
                self.now, call, contact, queue, needs, priority, at, agent, max_wait, **more
            )
        )

    def chat(self, call: str, queue: str = "sales", **more: Any) -> list[m.Command]:
        return self.queue(call, queue, channel=Channel.CHAT, **more)

    def answer_call(self, call: str) -> None:
        """Whoever is rung for the call takes it."""
        self.do(m.OfferAnswered(self.now, self.offer_for(call)))

    def release_call(self, call: str) -> list[m.Command]:
        """The agent who talks with the call leaves it."""
        return self.do(m.AgentReleased(self.now, self.offer_for(call)))

    def serve(self, call: str) -> str:
        """The call is answered and ended at once; returns by whom."""
        agent = self.rung_for(call)
        assert agent is not None, f"nobody is rung for {call}"
        self.answer_call(call)
        self.release_call(call)
        return agent

    def answer(self, agent: str) -> None:
        self.do(m.OfferAnswered(self.now, self.offer_of(agent)))

    def fail(self, agent: str, cause: m.Cause = m.Cause.NO_ANSWER) -> list[m.Command]:
        return self.do(m.OfferFailed(self.now, self.offer_of(agent), cause))

    def release(self, agent: str) -> list[m.Command]:
        return self.do(m.AgentReleased(self.now, self.offer_of(agent)))

    def leave(self, call: str) -> list[m.Command]:
        return self.do(m.CallLeft(self.now, call))

    def restart(self) -> None:
        """The service dies and comes back from its snapshot."""
        self.engine = Engine.restore(json.loads(json.dumps(self.engine.snapshot())))

    # --- what is so -------------------------------------------------------------------------------

    def offer_of(self, agent: str) -> str:
        offer = self.agent(agent).offer
        assert offer is not None, f"{agent} has no offer"
        return offer

    def offer_for(self, call: str) -> str:
        row = self.call(call)
        assert row is not None, f"{call} is gone"
        assert row.offer is not None, f"nobody is reserved for {call}"
        return row.offer

    def all_of(self, kind: type[Any]) -> list[Any]:
        """Every command of that kind so far."""
        return [command for command in self.log if isinstance(command, kind)]

    def agent(self, agent: str) -> AgentRow:
        return next(row for row in self.engine.agents_view(self.now) if row.agent == agent)

    def state(self, agent: str) -> AgentState:
        return self.agent(agent).state

    def row(self, queue: str = "sales") -> QueueRow:
        return next(row for row in self.engine.queues_view(self.now) if row.queue == queue)

    def call(self, call: str) -> CallRow | None:
        rows = [row for row in self.engine.calls_view(self.now) if row.call == call]
        return rows[0] if rows else None

    def rung_for(self, call: str) -> str | None:
        """The agent whose phone rings for the call."""
        row = self.call(call)
        return row.agent if row and row.state == "offered" else None

    def exits(self) -> dict[str, tuple[str, str]]:
        """How calls left the distributor: call -> (reason, detail)."""
        return {c.call: (c.reason.value, c.detail) for c in self.log if isinstance(c, m.CallExits)}


def agent_from(name: str, what: Any) -> m.Agent:
    queues, skills = what if isinstance(what, tuple) else (what, {})
    return m.Agent(name, f"Agent {name}", tuple(queues.split()), skills)


def fitting(state: State) -> list[tuple[str, str]]:
    """By brute force: all pairs that should be made now, in order, straight from the rules.

    Calls are given out before chats; an agent who gets a chat holds one more afterwards.
    """
    return _given_out(state)[0]


def _given_out(state: State) -> tuple[list[tuple[str, str]], dict[str, int], set[str]]:
    """The pairs, how many chats each agent holds then, and the calls and agents taken."""
    pairs: list[tuple[str, str]] = []
    held = {name: len(agent.chats) for name, agent in state.agents.items()}
    taken: set[str] = set()
    while (pair := _next_pair(state, held, taken)) is not None:
        call, who = pair
        pairs.append(pair)
        taken.add(call)
        if state.calls[call].channel is Channel.CHAT:
            held[who] += 1
        else:
            taken.add(who)
    return pairs, held, taken


def rung_beside(state: State, answered: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """By brute force: for each call, who is rung beside the agent who goes first.

    `answered` are calls back to customers who are on the line just now: their agents are rung.
    """
    pairs, held, taken = _given_out(state)
    beside = {}
    for call in (state.calls[name] for name in (*answered, *(call for call, _ in pairs))):
        also: list[Key] = []
        if _rings_all(state, call):
            left = [who for who in state.agents if who not in taken]
            fit = [who for who in left if _may_take(state, who, call, held)]
            also = sorted(agent_key(state, who, call, held) for who in fit)[: RING_TOGETHER - 1]
        beside[call.call] = tuple(key[-1] for key in also)
        taken.update(beside[call.call])
    return beside


def _rings_all(state: State, call: CallRecord) -> bool:
    wants_one = call.agent is not None or call.prefers is not None
    a_caller = not call.virtual and call.consults is None and call.channel is Channel.VOICE
    return (
        state.queues[call.queue].queue.strategy is Strategy.RING_ALL and a_caller and not wants_one
    )


def _next_pair(state: State, held: Mapping[str, int], taken: set[str]) -> tuple[str, str] | None:
    for channel in Channel:
        possible = [
            (call.entry(state.queues[call.queue].queue), agent_key(state, who, call, held), name)
            for name, call in state.calls.items()
            if call.offer is None and not call.resting and name not in taken
            for who in state.agents
            if call.channel is channel and who not in taken and _may_take(state, who, call, held)
        ]
        if possible:
            _, best, name = min(possible)
            return name, best[-1]
    return None


def _may_take(state: State, who: str, call: CallRecord, held: Mapping[str, int]) -> bool:
    agent = state.agents[who]
    if agent.removed or agent.state is not AgentState.READY or agent.outside:
        return False
    if call.channel is Channel.CHAT and held[who] >= agent.most_chats:
        return False
    wish = call.wish_now(state.queues[call.queue].queue)
    return can_ever_serve(agent.member, wish) and who not in call.without


def agent_key(state: State, who: str, call: CallRecord, held: Mapping[str, int]) -> Key:
    """The sort key by which the queue of this call would choose this agent."""
    agent, rules = state.agents[who], state.queues[call.queue]
    wish = call.wish_now(rules.queue)
    levels = sum(agent.agent.skills.get(skill, 0) for skill, _ in wish.needs)
    strategy = Strategy.LONGEST_IDLE if rules.removed else rules.queue.strategy
    lot = draw(state.floor.seed, call.call, who)
    own = number(strategy, agent, call.queue, levels, lot)
    return held[who], own, agent.idle_since, who


class CheckedFloor(LiveFloor):
    """A floor that compares each of its choices with brute force."""

    def settle(self, at: float) -> None:
        expected = fitting(self.state)
        beside = rung_beside(self.state, [offer.call.call for offer in self.together])
        before = {name: offer.also for name, offer in self.state.offers.items()}
        seen = self.state.offers_made
        super().settle(at)
        made = sorted(
            (int(name.rpartition("-")[2]), offer.call.call, offer.agent)
            for name, offer in self.state.offers.items()
        )
        assert [(call, who) for number, call, who in made if number > seen] == expected
        for name, offer in self.state.offers.items():
            assert offer.also == beside.get(offer.call.call, before.get(name))
        assert not fitting(self.state), "somebody waits although an agent is ready"


def checked(engine: Engine) -> Engine:
    """The same engine on a floor that checks itself."""
    engine._live = CheckedFloor(engine._live.state)
    return engine
