"""Five hundred chats and two hundred calls at once, and sixty agents who take both."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from acd import model as m
from acd.engine import Engine
from acd.model import Channel

QUEUES, AGENTS, CHATS, CALLS = ("sales", "care", "bills"), 60, 500, 200
CALL_SECONDS, CHAT_SECONDS = 180.0, 400.0


@dataclass
class Floor:
    """Agents who answer at once and talk as long as the dice say."""

    chats: int
    seed: int = 7
    engine: Engine = field(default_factory=Engine)
    due: list[tuple[float, int, str]] = field(default_factory=list)
    waits: dict[str, float] = field(default_factory=dict)
    takers: dict[str, list[str]] = field(default_factory=dict)
    order: list[tuple[str, str]] = field(default_factory=list)
    held: dict[str, set[str]] = field(default_factory=dict)
    talking: dict[str, str] = field(default_factory=dict)
    most: int = 0

    def run(self) -> None:
        dice = random.Random(self.seed)
        rules: dict[str, Any] = {"wrap_up_seconds": 0.0, "ring_seconds": 20.0}
        queues = tuple(m.Queue(name, **rules) for name in QUEUES)
        agents = tuple(m.Agent(str(1000 + n), queues=QUEUES) for n in range(AGENTS))
        self._do(0.0, m.FloorLoaded(0.0, m.Floor(queues, agents)))
        for agent in agents:
            self._do(0.0, m.LoggedIn(0.0, agent.id))
        lengths = {f"k{n}": dice.expovariate(1 / CALL_SECONDS) for n in range(CALLS)}
        lengths |= {f"c{n}": dice.expovariate(1 / CHAT_SECONDS) for n in range(self.chats)}
        self.lengths, self.queue_of = lengths, {name: dice.choice(QUEUES) for name in lengths}
        for name in lengths:
            channel = Channel.VOICE if name[0] == "k" else Channel.CHAT
            queue = self.queue_of[name]
            self._do(0.0, m.CallQueued(0.0, name, name, queue, {}, 0, 0.0, channel=channel))
        while self.due:
            at, _, offer = heapq.heappop(self.due)
            self._do(at, m.AgentReleased(at, offer))

    def _do(self, at: float, event: m.Event) -> None:
        if isinstance(event, m.AgentReleased):
            self._leave(event.offer)
        todo = list(self.engine.handle(event))
        while todo:
            command = todo.pop(0)
            if isinstance(command, m.MakeOffer):
                todo += self.engine.handle(m.OfferAnswered(at, command.offer))
                self._answered(command, at)

    def _leave(self, offer: str) -> None:
        for held in self.held.values():
            held.discard(offer)
        self.talking = {who: what for who, what in self.talking.items() if what != offer}

    def _answered(self, made: m.MakeOffer, at: float) -> None:
        self.waits[made.call] = at
        self.takers.setdefault(made.call, []).append(made.agent)
        self.order.append((made.queue, made.call))
        if made.channel is Channel.VOICE:
            assert made.agent not in self.talking, "two calls at once"
            self.talking[made.agent] = made.offer
        else:
            held = self.held.setdefault(made.agent, set())
            held.add(made.offer)
            self.most = max(self.most, len(held))
        heapq.heappush(self.due, (at + self.lengths[made.call], len(self.order), made.offer))


def test_no_limit_is_exceeded_and_every_chat_and_call_has_exactly_one_agent() -> None:
    floor = Floor(CHATS)
    floor.run()
    assert floor.most == 3
    assert len(floor.takers) == CHATS + CALLS
    assert all(len(agents) == 1 for agents in floor.takers.values())


def test_chats_are_answered_first_come_first_served_and_calls_too() -> None:
    floor = Floor(CHATS)
    floor.run()
    for queue in QUEUES:
        for kind in "kc":
            numbers = [
                int(call[1:]) for name, call in floor.order if name == queue and call[0] == kind
            ]
            assert all(before < after for before, after in pairwise(numbers))


def test_calls_wait_no_longer_for_all_the_chats() -> None:
    beside, alone = Floor(CHATS), Floor(0)
    beside.run()
    alone.run()
    calls = [f"k{number}" for number in range(CALLS)]
    mean = [sum(floor.waits[call] for call in calls) / CALLS for floor in (beside, alone)]
    assert mean[0] <= mean[1] * 1.1
