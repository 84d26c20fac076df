"""What several nodes decide in a second, against what one does.

Each node is a process with a distributor of its own: calls come, an agent is offered, answers and
leaves, `UNDER_WAY` calls at once on each node. All share the cores of this machine, with Redis
(`appendfsync everysec`) on its loopback. Two nodes are measured with a routing domain each, which
is how an installation grows, and as two nodes of one domain, where each works out every decision of
both: that is for outliving a node, not for deciding more.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from acd.journal import Journal
from acd.live.access import RedisAccess
from acd.live.domain import DomainDistributor
from acd.model import (
    Agent,
    AgentReleased,
    CallQueued,
    Command,
    Event,
    Floor,
    FloorLoaded,
    LoggedIn,
    MakeOffer,
    OfferAnswered,
    Queue,
)
from benchmarks.report import Benchmark, Finding, at_least
from benchmarks.store import redis

UNDER_WAY = 100
SECONDS = 6.0
LEAST = 0.8
RATE = "decisions a second:"


class Node:
    """One node under load; `decided` counts the offers that were answered and ended."""

    def __init__(self, url: str, domain: str, name: str, folder: Path) -> None:
        self.decided = 0
        self._name = name
        self._journal = Journal(folder / f"{name}-{domain}.sqlite")
        self._domain = DomainDistributor(name, self._journal, RedisAccess(url, domain, name))
        self._calls = 0

    async def run(self, nodes: int, ends: float) -> None:
        """Join, load the floor of all nodes, and work until the loop's clock says `ends`."""
        domain, loop = self._domain, asyncio.get_running_loop()
        await domain.join()
        domain.start()
        domain.subscribe(self._told)
        agents = [
            Agent(f"n{node + 1}x{n}", queues=("sales",))
            for node in range(nodes)
            for n in range(UNDER_WAY)
        ]
        queue = Queue("sales", wrap_up_seconds=0, leave_when_empty=None)
        self._send(FloorLoaded(domain.now(), Floor((queue,), tuple(agents))))
        await domain.settled()
        for agent in agents:
            if agent.id.startswith(f"{self._name}x"):
                self._send(LoggedIn(domain.now(), agent.id))
        await domain.settled()
        for _ in range(UNDER_WAY):
            self._call()
        await asyncio.sleep(1.0)
        before, began = self.decided, loop.time()
        await asyncio.sleep(ends)
        print(RATE, (self.decided - before) / (loop.time() - began), flush=True)
        await domain.vanish()
        self._journal.close()

    def _send(self, event: Event) -> None:
        self._domain.send(event)

    def _call(self) -> None:
        self._calls += 1
        contact = f"k{self._calls}-{self._name}"
        now = self._domain.now()
        self._send(CallQueued(now, f"{contact}.1", contact, "sales", {}, 0, now))

    def _told(self, command: Command) -> None:
        if isinstance(command, MakeOffer):
            now = self._domain.now()
            self._send(OfferAnswered(now, command.offer))
            self._send(AgentReleased(now, command.offer))
            self.decided += 1
            self._call()


def together(url: str, domains: Sequence[str], folder: Path) -> list[float]:
    """Decisions per second of one node in each of these domains, at the same time."""
    shared = len(domains) - len(set(domains)) + 1
    words = [
        (url, domain, f"n{domains[:index].count(domain) + 1}", str(shared), str(folder))
        for index, domain in enumerate(domains)
    ]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.nodes", *each], stdout=subprocess.PIPE, text=True
        )
        for each in words
    ]
    said = [process.communicate()[0] for process in processes]
    lines = [line for each in said for line in each.splitlines() if line.startswith(RATE)]
    return [float(line.removeprefix(RATE)) for line in lines]


def measure() -> list[Finding]:
    """One, two apart, two in one domain."""
    with tempfile.TemporaryDirectory() as name, redis(Path(name) / "redis", "everysec") as url:
        folder = Path(name)
        (one,) = together(url, ["alone"], folder)
        apart = together(url, ["a", "b"], folder)
        shared = together(url, ["both", "both"], folder)
    found = [Finding("one node", f"{one:,.0f} decisions a second")]
    for what, rates in (("a domain each", apart), ("one domain", shared)):
        each = " + ".join(f"{rate:,.0f}" for rate in rates)
        found.append(Finding(f"two nodes, {what}", f"{sum(rates):,.0f} ({each})"))
    found.append(at_least("two nodes, a domain each: of one alone", sum(apart) / one, LEAST))
    found.append(Finding("two nodes, one domain: of one alone", f"{sum(shared) / one:.2f}"))
    return found


BENCHMARK = Benchmark("nodes", "Several nodes", __doc__ or "", measure)


def main(arguments: Sequence[str]) -> None:
    """As a node when it is told which one, else everything."""
    if arguments:
        url, domain, name, nodes, folder = arguments
        asyncio.run(Node(url, domain, name, Path(folder)).run(int(nodes), SECONDS))
        return
    for each in measure():
        print(f"{each.what}: {each.figure}  {each.promise}")


if __name__ == "__main__":
    main(sys.argv[1:])
