"""A queue with an exact answer, played live 60 times faster, beside `Queue()`.

Erlang A: 360 calls an hour, 240 s of talk, 26 agents, 120 s of patience, all exponential. Played
as 6 calls a second, 4 s and 2 s, in real SIP calls on a real Asterisk. Callers and agents are plain
UDP phones in this process; a caller's wait is from sending the INVITE to the agent's INVITE coming,
so all that the machinery takes counts as waiting, and for 60 times as long as it would. A call has
waited when, as it came, there were as many calls as agents. Both runs have the same calls.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.live.exchange import Exchange, crew, until
from benchmarks.live.lateness import lateness
from benchmarks.live.phones import Leg, Phones
from benchmarks.report import Benchmark, Finding

FASTER = 60
CALLS, A_SECOND, TALK, PATIENCE, TARGET = 3000, 6.0, 4.0, 2.0, 20 / FASTER
LINE = crew("line", 3, 26)
EXACT = {"waited": 0.313705744, "gave up": 0.0584685426, "answered within 20 s": 0.823468624}
WITHIN = 0.04
WARM_UP = 100


@dataclass(slots=True)
class Caller:
    """One call: what it found as it came, and what became of it (`wait` None: gave up)."""

    leg: Leg
    found_all_busy: bool
    wait: float | None = None
    over: bool = False


@dataclass(slots=True)
class Day:
    """The phones of one run."""

    phones: Phones
    dice: random.Random
    agents: int
    busy: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    callers: dict[str, Caller] = field(default_factory=dict)

    def arrive(self, number: str, name: str) -> None:
        """A caller dials, with some patience."""
        all_busy = len(self.busy) + len(self.waiting) >= self.agents
        leg = self.phones.call(name, number)
        self.callers[name] = Caller(leg, all_busy)
        self.waiting.add(name)
        loop = asyncio.get_running_loop()
        loop.call_later(self.dice.expovariate(1 / PATIENCE), self.give_up, name)

    def give_up(self, name: str) -> None:
        """Patience is at its end; nothing happens when an agent is there already."""
        if name in self.waiting:
            self.waiting.discard(name)
            self.phones.hang_up(self.callers[name].leg)

    def ring(self, leg: Leg) -> None:
        """An agent's phone has been rung, and answers."""
        self.busy.add(leg.user)
        if leg.other in self.waiting:
            self.waiting.discard(leg.other)
            caller = self.callers[leg.other]
            caller.wait = leg.rang_at - caller.leg.rang_at
        loop = asyncio.get_running_loop()
        loop.call_later(self.dice.expovariate(1 / TALK), self.phones.hang_up, leg)

    def end(self, leg: Leg) -> None:
        """A leg is over."""
        if leg.incoming:
            self.busy.discard(leg.user)

    def figures(self) -> dict[str, float]:
        """Shares of all callers but the first, who found an empty queue."""
        all_callers = list(self.callers.values())[WARM_UP:]
        count = len(all_callers)
        served = [each.wait for each in all_callers if each.wait is not None]
        return {
            "waited": sum(each.found_all_busy for each in all_callers) / count,
            "gave up": 1 - len(served) / count,
            "answered within 20 s": sum(wait <= TARGET for wait in served) / count,
        }


async def play(phones: Phones, number: str, calls: int) -> dict[str, float]:
    """The figures of one run."""
    arrivals = random.Random(1)
    day = Day(phones, random.Random(2), len(LINE.agents))
    phones.on_ring, phones.on_end = day.ring, day.end
    at = time.monotonic()
    for n in range(calls):
        at += arrivals.expovariate(A_SECOND)
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        day.arrive(number, f"8{n:06}")
        if n % 300 == 299:
            print(f"  {n + 1} calls: {_told(day.figures())}", flush=True)
    await until(lambda: not (day.busy or day.waiting), 120, "all calls are over")
    if phones.refused:
        raise RuntimeError(f"{len(phones.refused)} calls were refused: {phones.refused[0]}")
    return day.figures()


def _told(figures: dict[str, float]) -> str:
    return ", ".join(f"{what} {value:.3f}" for what, value in figures.items())


async def measure(calls: int) -> list[Finding]:
    """The service first, then `Queue()`."""
    port = 5998
    async with Exchange.open((LINE,), port) as exchange:
        phones = Phones(exchange.address)
        await phones.open(port)
        try:
            await exchange.log_in(LINE.agents)
            found = []
            for name, number in (("Tieline", LINE.number), ("`Queue()`", LINE.asterisk_number)):
                print(name, flush=True)
                async with lateness() as late:
                    figures = await play(phones, number, calls)
                found += [*findings(name, figures), late.finding(name)]
                await exchange.hang_up_all()
        finally:
            phones.close()
        found.append(
            Finding("worst lag of the service's event loop", f"{exchange.worst_lag():.0f} ms")
        )
    return found


def findings(name: str, figures: dict[str, float]) -> Iterator[Finding]:
    """Each share beside the exact one; only the service has promised anything."""
    for what, exact in EXACT.items():
        off = figures[what] - exact
        told = f"{figures[what]:.3f}, exactly {exact:.3f} ({off:+.3f})"
        if name == "Tieline":
            yield Finding(f"{name}: {what}", told, f"within {WITHIN}", abs(off) <= WITHIN)
        else:
            yield Finding(f"{name}: {what}", told)


def run() -> list[Finding]:
    """As `make bench` does."""
    return asyncio.run(measure(CALLS))


BENCHMARK = Benchmark("compressed", "A live day, 60 times faster, against theory", __doc__, run)
