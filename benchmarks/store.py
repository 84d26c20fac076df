"""What it costs to write an event down before it counts, in each store.

    append      one entry after another, each waited for: the least an event can take
    pipelined   256 writers at once: what a burst gets out of the store
    decisions   whole events through the shell (write, decide, tell) of a queue with 200 agents:
                calls come, are answered and end. Alone: each waited for; burst: 200 under way
    there and back  a node's event as a letter, through the leader, to the command on that node

Redis runs on this machine's loopback, so the network is not in it: add its round trip to each
append that is waited for.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from acd.distributor import Distributor, steady_clock
from acd.journal import Journal
from acd.live.embedded import EmbeddedStore
from acd.live.member import LEADER
from acd.live.memory import House, MemoryStore
from acd.live.redis import RedisReader, RedisSender, RedisStore
from acd.live.replica import Applied, Replica
from acd.live.sequencer import Sequencer
from acd.live.store import Append, Post, SharedStore, Store
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
    to_json,
)
from ivr.asterisk.provision import ensure_tools
from ivr.settings import load_settings

BURST = 256
AGENTS = 200
BODY = {
    "type": "CallQueued",
    "at": 1763770585.123457,
    "call": "t5q8zk-a1b2.1",
    "contact": "t5q8zk-a1b2",
    "queue": "sales",
    "needs": {"english": 3},
    "priority": 0,
    "enqueued_at": 1763770585.123457,
}

Send = Callable[[Event], Awaitable[list[Command]]]


@dataclass(frozen=True)
class Timing:
    what: str
    store: str
    micros: list[float]
    seconds: float

    def __str__(self) -> str:
        ordered = sorted(self.micros)
        p99 = ordered[int(len(ordered) * 0.99)]
        rate = len(ordered) / self.seconds
        median = statistics.median(ordered)
        return f"{self.what:22}{self.store:20}{median:>10.0f}{p99:>9.0f}{rate:>12,.0f}"


async def timed(work: Callable[[], Awaitable[object]], into: list[float]) -> None:
    begin = time.perf_counter_ns()
    await work()
    into.append((time.perf_counter_ns() - begin) / 1000)


async def appends(store: Store, name: str, count: int) -> list[Timing]:
    async def append() -> None:
        await store.write(Append("engine", 1763770585.123457, BODY))

    async def writer(micros: list[float]) -> None:
        for _ in range(count // BURST):
            await timed(append, micros)

    alone, burst = list[float](), list[float]()
    begin = time.perf_counter()
    for _ in range(count):
        await timed(append, alone)
    middle = time.perf_counter()
    await asyncio.gather(*(writer(burst) for _ in range(BURST)))
    end = time.perf_counter()
    return [
        Timing("append", name, alone, middle - begin),
        Timing("append, pipelined", name, burst, end - middle),
    ]


async def decisions(send: Send, name: str, count: int) -> list[Timing]:
    clock, numbers = steady_clock(), iter(range(10**9))
    agents = tuple(Agent(f"{n}", queues=("sales",)) for n in range(AGENTS))
    queue = Queue("sales", wrap_up_seconds=0, leave_when_empty=None)
    await send(FloorLoaded(clock(), Floor((queue,), agents)))
    for agent in agents:
        await send(LoggedIn(clock(), agent.id))

    async def call(micros: list[float]) -> None:
        """One call from its queue to its end; there are never more of them than agents."""

        async def tell(event: Event) -> list[Command]:
            begin = time.perf_counter_ns()
            commands = await send(event)
            micros.append((time.perf_counter_ns() - begin) / 1000)
            return commands

        name = f"node/{next(numbers)}"
        commands = await tell(CallQueued(clock(), name, name, "sales", {}, 0, clock()))
        (offer,) = [each.offer for each in commands if isinstance(each, MakeOffer)]
        await tell(OfferAnswered(clock(), offer))
        await tell(AgentReleased(clock(), offer))

    async def caller(micros: list[float], calls: int) -> None:
        for _ in range(calls):
            await call(micros)

    alone, burst = list[float](), list[float]()
    begin = time.perf_counter()
    await caller(alone, count // 3)
    middle = time.perf_counter()
    await asyncio.gather(*(caller(burst, count // 3 // AGENTS) for _ in range(AGENTS)))
    end = time.perf_counter()
    return [
        Timing("decisions, alone", name, alone, middle - begin),
        Timing("decisions, burst", name, burst, end - middle),
    ]


@asynccontextmanager
async def sequencer(store: SharedStore) -> AsyncIterator[Send]:
    leader = Sequencer(store, Replica(), steady_clock())
    running = asyncio.create_task(leader.run())
    yield leader.send
    leader.finish()
    await running


async def there_and_back(url: str, name: str, count: int) -> Timing:
    """One call after another, each rung at the one agent, then given up."""
    store, clock = await RedisStore.open(url, "letters", 1), steady_clock()
    reader, sender = RedisReader(url, "letters"), RedisSender(url, "letters")
    rung: asyncio.Queue[str] = asyncio.Queue()

    def handle(applied: Applied) -> None:
        for command in applied.commands:
            if isinstance(command, MakeOffer):
                rung.put_nowait(command.offer)

    node = Replica()
    node.on_entry = handle
    leader = Sequencer(store, Replica(), clock)
    queue = Queue("sales", wrap_up_seconds=0, leave_when_empty=None)
    work: tuple[Coroutine[object, object, object], ...] = (
        leader.run(),
        leader.take_letters(LEADER),
        node.follow(reader, wait=5),
    )
    tasks = [asyncio.create_task(each) for each in work]
    await leader.send(FloorLoaded(clock(), Floor((queue,), (Agent("1001", queues=("sales",)),))))
    await leader.send(LoggedIn(clock(), "1001"))
    micros, begin = list[float](), time.perf_counter()
    for n in range(count):
        event = CallQueued(clock(), f"node/{n}", f"k{n}", "sales", {}, 0, clock())

        async def ring(event: Event = event) -> None:
            await sender.post(Post(LEADER, to_json(event)))
            offer = await rung.get()
            leader.send(OfferAnswered(clock(), offer))
            leader.send(AgentReleased(clock(), offer))

        await timed(ring, micros)
    took = time.perf_counter() - begin
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for each in (sender, reader, store):
        await each.close()
    return Timing("there and back", name, micros, took)


@contextmanager
def redis(folder: Path, fsync: str) -> Iterator[str]:
    """The URL of a fresh server."""
    tool = ensure_tools(load_settings(), ["redis-server"], lambda _stage, _done: None)[
        "redis-server"
    ]
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    options = ("--bind", "127.0.0.1", "--port", port, "--dir", str(folder), "--save", "")
    with subprocess.Popen(
        [*tool.argv_prefix, *options, "--appendonly", "yes", "--appendfsync", fsync],
        env=tool.environment(),
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if b"Ready to accept connections" in line:
                break
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


async def measure(folder: Path, count: int) -> AsyncIterator[Timing]:
    """Every figure, as it is known."""
    for each in await appends(MemoryStore(House()), "memory", count):
        yield each
    async with sequencer(MemoryStore(House())) as send:
        for each in await decisions(send, "memory", count):
            yield each
    with Journal(folder / "appends.sqlite") as journal:
        for each in await appends(EmbeddedStore(journal), "sqlite", count):
            yield each
    with Journal(folder / "decisions.sqlite") as journal:
        distributor = Distributor(journal)
        distributor.start()

        async def at_once(event: Event) -> list[Command]:
            return distributor.send(event)

        for each in await decisions(at_once, "sqlite", count):
            yield each
        await distributor.stop()
    for fsync in ("everysec", "always"):
        with redis(folder / fsync, fsync) as url:
            name = f"redis {fsync}"
            store = await RedisStore.open(url, "appends", 1)
            for each in await appends(store, name, count):
                yield each
            await store.close()
            store = await RedisStore.open(url, "decisions", 1)
            async with sequencer(store) as send:
                for each in await decisions(send, name, count):
                    yield each
            await store.close()
            yield await there_and_back(url, name, count // 6)


async def show(count: int) -> None:
    print(f"{'what':22}{'store':20}{'median us':>10}{'p99 us':>9}{'per second':>12}")
    with tempfile.TemporaryDirectory() as folder:
        async for timing in measure(Path(folder), count):
            print(timing)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=6000, help="of each kind (default 6000)")
    asyncio.run(show(parser.parse_args(arguments).count))


if __name__ == "__main__":
    main()
