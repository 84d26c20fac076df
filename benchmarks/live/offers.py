"""From an agent who hangs up to the INVITE of the next call on the wire, beside `Queue()`.

The agent's phone answers at once, talks for a random 0.2 to 1.2 s and hangs up; the time from
sending that BYE to receiving the next INVITE is the figure. Nobody has wrap-up. The phone is a
plain UDP socket in this process (`benchmarks/live/phones.py`), callers are sipp, and the service
and `Queue()` are asked one after the other, on the same Asterisk with the same agents. The random
talk keeps the agent out of step with whatever looks for agents at fixed intervals. `Queue()` has
`retry = 1`, the least it takes, `wrapuptime = 0` and `autofill = yes`. With 500 agents one of them,
drawn by lot, hangs up every 0.15 s while all others talk.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.live.callers import callers
from benchmarks.live.drawing import draw
from benchmarks.live.exchange import Exchange, crew, until
from benchmarks.live.lateness import lateness
from benchmarks.live.phones import Leg, Phones
from benchmarks.report import Benchmark, Finding, at_most

CYCLES, WARM_UP = 300, 10
ONE, MANY = crew("one", 1, 1), crew("many", 2, 500)
RATIO, P99_MS, GROWTH = 1 / 25, 20.0, 2.0
TALK = (0.2, 1.2)
DRAWN = Path(__file__).parents[2] / "docs" / "free-agent.svg"


@dataclass(slots=True)
class Cycles:
    """The agents of one run: who talks, who was freed when, and how long each was free."""

    phones: Phones
    dice: random.Random
    talking: list[Leg] = field(default_factory=list)
    freed_at: dict[str, float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self, leg: Leg) -> None:
        """An agent's INVITE came, and was answered."""
        freed = self.freed_at.pop(leg.user, None)
        if freed is not None:
            self.delays.append((leg.rang_at - freed) * 1000)
        self.talking.append(leg)
        self.news.set()

    def free_one(self) -> None:
        """One agent, drawn by lot, hangs up."""
        at = self.dice.randrange(len(self.talking))
        self.talking[at], self.talking[-1] = self.talking[-1], self.talking[at]
        leg = self.talking.pop()
        self.freed_at[leg.user] = time.monotonic()
        self.phones.hang_up(leg)


@dataclass(frozen=True, slots=True)
class Scene:
    """So many agents talk and so many callers wait at this number."""

    name: str
    number: str
    agents: int
    waiting: int


SCENES = (
    Scene("Tieline", ONE.number, 1, 5),
    Scene("Queue()", ONE.asterisk_number, 1, 5),
    Scene("500 agents", MANY.number, 500, 200),
)


async def cycles(exchange: Exchange, phones: Phones, scene: Scene, count: int) -> list[float]:
    """Milliseconds of each cycle."""
    run = Cycles(phones, random.Random(1))
    phones.on_ring = run.ring
    agents = scene.agents
    async with callers(exchange, scene.number, agents + scene.waiting, 20):
        await until(lambda: len(run.talking) == agents, 120, f"{agents} agents talk")
        await asyncio.sleep(1 + scene.waiting / 20)
        while len(run.delays) < count + WARM_UP:
            await asyncio.sleep(run.dice.uniform(*TALK) if agents == 1 else 0.15)
            run.news.clear()
            run.free_one()
            async with asyncio.timeout(30):
                await run.news.wait()
        phones.on_ring = lambda _leg: None
    return run.delays[WARM_UP:]


def p99(delays: Sequence[float]) -> float:
    """The 99th percentile."""
    return sorted(delays)[int(len(delays) * 0.99)]


async def measure(count: int) -> list[Finding]:
    """All three runs."""
    found: dict[str, list[float]] = {}
    sleeps = []
    phones_port = 5999
    async with Exchange.open((ONE, MANY), phones_port) as exchange:
        phones = Phones(exchange.address)
        await phones.open(phones_port)
        try:
            await exchange.log_in((*ONE.agents, *MANY.agents))
            for scene in SCENES:
                async with lateness() as late:
                    delays = found[scene.name] = await cycles(exchange, phones, scene, count)
                sleeps.append(late.finding(scene.name))
                print(f"{scene.name:12} {told(delays)}", flush=True)
        finally:
            phones.close()
        lag = Finding("worst lag of the service's event loop", f"{exchange.worst_lag():.0f} ms")
    DRAWN.write_text(draw(found))
    return [*findings(found), *sleeps, lag]


def told(delays: Sequence[float]) -> str:
    """The figures of one run."""
    median = statistics.median(delays)
    return f"median {median:.1f} ms, p99 {p99(delays):.1f}, worst {max(delays):.1f}"


def findings(found: dict[str, list[float]]) -> list[Finding]:
    """Against what was promised."""
    ours, theirs, many = (found[name] for name in ("Tieline", "Queue()", "500 agents"))
    share = statistics.median(ours) / statistics.median(theirs)
    limit = f"at most 1/{1 / RATIO:.0f}"
    return [
        Finding("Tieline, one agent, five waiting", told(ours)),
        Finding("`Queue()`, the same", told(theirs)),
        Finding("median, Tieline of `Queue()`", f"1/{1 / share:.0f}", limit, share <= RATIO),
        at_most("Tieline, 99th percentile", p99(ours), P99_MS, "ms"),
        Finding("Tieline, 500 agents talking, 200 waiting", told(many)),
        at_most("99th percentile there, of the one above", p99(many) / p99(ours), GROWTH, "x", 2),
    ]


def run() -> list[Finding]:
    """As `make bench` does."""
    return asyncio.run(measure(CYCLES))


BENCHMARK = Benchmark("offers", "An agent is free: until the INVITE is on the wire", __doc__, run)
