"""A small floor on the real engine, with a clock that stands still until it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from acd.engine import Engine
from acd.model import (
    Agent,
    AgentReleased,
    CallQueued,
    Cause,
    Command,
    Event,
    Floor,
    FloorLoaded,
    LoggedIn,
    OfferAnswered,
    OfferFailed,
    Queue,
    Ticked,
)
from ivr.floor import FloorPlan
from ivr.floor.phones import Phones
from ivr.flow.loading.loader import Library
from ivr.flow.loading.tables import Tables
from ivr.flow.model import Flow, HangupStep
from ivr.live import LiveContact
from ivr.operator.answers import Operator
from ivr.operator.house import OperatorServices
from ivr.plans import Plan
from ivr.revisions import Author
from ivr.steering import Steered
from ivr.switches import Switchboard

START = 1_800_000_000.0

FLOOR = Floor(
    queues=(Queue("billing", "Billing", target_seconds=20, max_waiting=9), Queue("cards")),
    agents=(
        Agent("1001", "Ana Ruiz", ("billing",), {"english": 9, "mandarin": 2}),
        Agent("1002", "李娜", ("billing", "cards"), {"english": 6, "mandarin": 10}),
        Agent("1003", "Tom Okafor", ("cards",), {"english": 10}),
    ),
    pause_reasons=("lunch", "break"),
)


def a_flow(name: str, revision: str, numbers: tuple[str, ...] = ()) -> Flow:
    return Flow(
        name=name,
        revision=revision,
        path=f"flows/{name}.yaml",
        start="bye",
        steps={"bye": HangupStep(name="bye")},
        numbers=numbers,
    )


class Bench:
    """The engine with the distributor's three words."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.time = START
        self.sent: list[Event] = []
        self.subscribers: list[Callable[[Command], None]] = []

    def now(self) -> float:
        return self.time

    def send(self, event: Event) -> list[Command]:
        commands = self.engine.handle(event)
        self.sent.append(event)
        for command in commands:
            for each in self.subscribers:
                each(command)
        return commands

    def owns(self, contact: str) -> bool:
        """There is one machine."""
        return True

    async def settled(self) -> None:
        """At once."""


class Gate:
    """Where new calls come in."""

    def __init__(self) -> None:
        self.is_open = True

    async def shut(self) -> None:
        self.is_open = False

    async def open(self) -> None:
        self.is_open = True

    def state(self) -> str:
        return f"open: {self.is_open}"


class Kept:
    """The journal's shelf, in memory."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Mapping[str, Any]] = {}

    def keep(self, kind: str, name: str, at: float, body: Mapping[str, Any]) -> None:
        self.rows[kind, name] = body

    def kept(self, kind: str) -> dict[str, Mapping[str, Any]]:
        return {name: body for (each, name), body in self.rows.items() if each == kind}


@dataclass
class House:
    """Everything the operator's words reach."""

    bench: Bench = field(default_factory=Bench)
    contacts: dict[str, LiveContact] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(
        default_factory=lambda: {"clinic": a_flow("clinic", "aaa111", ("4100",))}
    )
    hung_up: list[str] = field(default_factory=list)
    told: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    phones: Phones = field(default_factory=Phones)
    phones_gone: set[str] = field(default_factory=set)
    dialled: set[str] = field(default_factory=set)
    dispositions: tuple[str, ...] = ()
    gate: Gate = field(default_factory=Gate)
    store: Kept = field(default_factory=Kept)
    floor_on_disk: Floor = FLOOR
    flows_on_disk: Mapping[str, Flow] | None = None
    revision: int = 1
    notice: str = ""
    published: list[tuple[Author, int | None]] = field(default_factory=list)
    reload_fails: Exception | None = None
    reload_fails_after: Exception | None = None

    def __post_init__(self) -> None:
        self.bench.send(FloorLoaded(START, FLOOR))
        tell = lambda contact, kind, data: self.told.append((contact, kind, data))  # noqa: E731 - twice
        self.bench.subscribers.append(Steered(self.bench.owns, tell).on_command)
        self.switchboard = Switchboard(
            self.store, lambda: datetime.fromtimestamp(self.bench.time, UTC)
        )
        self.operator = Operator(
            OperatorServices(
                distributor=self.bench,
                contacts=self.contacts.values,
                plan=self.plan,
                reload=self.reload,
                hang_up=self.hung_up.append,
                switchboard=self.switchboard,
                door=self.gate,
                nodes=lambda: "one",
                tell=tell,
                is_there=lambda phone: phone not in self.phones_gone,
                way_to_mobile=lambda agent: agent if agent in self.dialled else None,
            )
        )

    def plan(self) -> Plan:
        """What is in force."""
        numbers = {number: flow for flow in self.flows.values() for number in flow.numbers}
        library = Library(self.flows, numbers, Tables({}))
        floor = FloorPlan(self.bench.engine.floor, {}, self.phones, self.dispositions)
        return Plan(library, floor, revision=self.revision, notice=self.notice)

    async def reload(self, by: Author, revision: int | None) -> None:
        self.published.append((by, revision))
        if self.reload_fails:
            raise self.reload_fails
        self.revision = revision or self.revision + 1
        if self.flows_on_disk is not None:
            self.flows = self.flows_on_disk
        self.bench.send(FloorLoaded(self.bench.time, self.floor_on_disk))
        if self.reload_fails_after:
            raise self.reload_fails_after

    async def ask(self, question: str) -> str:
        """`show queues`, `do pause/1001/lunch`: as it is typed behind `acd`."""
        verb, _, words = question.partition(" ")
        return await self.operator.answer(verb, words)

    # --- what happens on the floor ---------------------------------------------------------------

    def later(self, seconds: float) -> None:
        self.bench.time += seconds

    def tick(self, seconds: float) -> None:
        self.later(seconds)
        self.bench.send(Ticked(self.bench.time))

    def login(self, *agents: str) -> None:
        for agent in agents:
            self.bench.send(LoggedIn(self.bench.time, agent))

    def caller(self, id_: str, name: str, number: str) -> LiveContact:
        contact = LiveContact(
            id=id_,
            channel=f"PJSIP/trunk-{id_}",
            uniqueid=f"u-{id_}",
            caller=number,
            caller_name=name,
            dialled="4100",
            flow="clinic",
            started_at=self.bench.time,
            position={"step": "menu", "revision": "aaa111"},
        )
        self.contacts[id_] = contact
        return contact

    def queue(
        self, id_: str, name: str, number: str, queue: str = "billing", **needs: int
    ) -> list[Command]:
        """A new caller waits in a queue."""
        contact = self.caller(id_, name, number)
        contact.phase, contact.call, contact.queue = "waiting", f"{id_}.1", queue
        at = self.bench.time
        return self.bench.send(CallQueued(at, contact.call, id_, queue, needs, 0, at))

    def answer(self, agent: str) -> None:
        """The agent takes the call their phone rings for."""
        offer = self._offer(agent)
        self.bench.send(OfferAnswered(self.bench.time, offer))
        row = next(row for row in self.bench.engine.agents_view(0) if row.agent == agent)
        contact = self.contacts[row.contact or ""]
        contact.phase, contact.agent = "talking", agent

    def miss(self, agent: str) -> None:
        self.bench.send(OfferFailed(self.bench.time, self._offer(agent), Cause.NO_ANSWER))

    def release(self, agent: str) -> None:
        self.bench.send(AgentReleased(self.bench.time, self._offer(agent)))

    def without_agent(self, agent: str) -> None:
        left = tuple(each for each in FLOOR.agents if each.id != agent)
        self.bench.send(FloorLoaded(self.bench.time, replace(FLOOR, agents=left)))

    def _offer(self, agent: str) -> str:
        rows = self.bench.engine.agents_view(0)
        offer = next(row.offer for row in rows if row.agent == agent)
        assert offer is not None
        return offer


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def busy_house() -> House:
    """1002 talks with Mei Lin, 1001 is being rung for a stranger, 王芳 waits for Mandarin."""
    house = House()
    house.login("1002", "1001")
    house.queue("t5k0-ab0d", "Mei Lin", "13812345678", mandarin=5)
    house.later(3)
    house.answer("1002")
    house.later(30)
    house.queue("t5k1-cd1e", "王芳", "13900001111", mandarin=5)
    house.later(10)
    house.queue("t5k2-ef2f", "", "")
    house.later(4)
    return house
