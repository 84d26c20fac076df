"""Two nodes with one brain: real Asterisks, real services, a real Redis, and phones at either."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from ivr.asterisk.provision import ensure_tools
from ivr.cluster import Cluster, LocalNode, free_ports
from ivr.demo.phone import Line, PhoneError, PhoneRack, SoftPhone
from ivr.errors import IvrError
from ivr.operator.client import ask
from ivr.settings import load_settings
from ivr.site import drained_file
from tests.e2e.house import STRAIGHT
from tests.e2e.known import Known, until

CREW = [f"20{n:02}" for n in range(1, 9)]
FLOOR = """
pause_reasons: [break]
queues:
  cards: {title: Cards, number: "4104", ring: 5s, wrap_up: 0s, max_wait: 10m, retry_same_agent: 1s}
  loans: {title: Loans, number: "4105", ring: 5s, wrap_up: 0s, max_wait: 10m, retry_same_agent: 1s}
  back: {title: Back, number: "4106", ring: 5s, wrap_up: 0s, callback: {ring: 15s, retry: 10s}}
  hands: {title: Hands, strategy: ring_all, ring: 60s, wrap_up: 0s}
agents:
  "2009": {name: Agent 2009, queues: [back]}
  "2010": {name: Agent 2010, queues: [hands]}
  "2011": {name: Agent 2011, queues: [hands]}
  "2012": {name: Agent 2012, queues: [hands]}
""" + "".join(
    f'  "{agent}": {{name: Agent {agent}, queues: [cards, loans], skills: {{english: 5}}}}\n'
    for agent in CREW
)
PROMISED = """
flow: promised
numbers: ["4940"]
start: promise
steps:
  promise:
    callback: back
    number: "{{ caller }}"
    already: bye
    refused: bye
    next: bye
    otherwise: bye
  bye:
    hangup: "Goodbye."
"""
"""Callers are called back, by whichever node is there."""
SHOP = """
flow: shop
collects: {order: {type: digits, length: 4, say: "Your order?"}}
defaults: {otherwise: bye}
start: order
steps:
  order: {collect: order, next: code}
  code: {invite: "Ring 4941 and key {{ code }}.", next: more}
  more: {menu: "Is that all?", "1": bye}
  bye: {hangup: "Goodbye."}
"""
REJOIN = """
flow: rejoin
numbers: ["4941"]
collects: {order: {type: digits, length: 4}}
defaults: {otherwise: bye, queue: {otherwise: bye}}
start: code
steps:
  code: {join: "Your code, please.", take: {order: order}, next: wait}
  wait: {queue: cards, tell_agent: "order {{ order }}", next: bye}
  bye: {hangup: "Goodbye."}
"""
"""From a chat to a call: a code is given in the one and keyed in the other."""
SERVICES = """
chats:
  shop: {origins: ["https://shop.example"], flow: shop, title: {en: Shop}}
"""


class Node(Known):
    """One of the nodes, as a test sees it."""

    def __init__(self, local: LocalNode) -> None:
        self.local = local
        self.name = local.folder.name
        self.settings = local.settings
        self.domain = local.domain

    def log(self) -> str:
        """What its service has logged."""
        return self.local.service_log.read_text()

    def service_pid(self) -> int:
        """The process of its service; 0 while there is none."""
        run = self.local.pid
        for child in Path(f"/proc/{run}/task/{run}/children").read_text().split():
            try:
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"serve" in words:
                return int(child)
        return 0

    async def end_service(self, how: signal.Signals) -> None:
        """End its service; `tieline run` starts it again, which is not waited for."""
        os.kill(self.service_pid(), how)

    async def die(self) -> None:
        """As if the machine had lost its power: nothing of it runs, and nobody is told."""
        run = self.local.pid
        children = Path(f"/proc/{run}/task/{run}/children").read_text().split()
        for pid in (run, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        await self.local.ended()

    async def restarted(self, how: signal.Signals) -> None:
        """End its service and wait for the next one."""
        up = self.log().count("service is up")
        await self.end_service(how)
        await until(lambda: self.log().count("service is up") > up, 30, "the service is back")

    async def ask(self, verb: str, words: str) -> str:
        """What its console answers."""
        return await asyncio.to_thread(ask, self.settings, verb, words)

    async def state(self, agent: str) -> str:
        """An agent's state, as this node shows it."""
        shown = await self.ask("show", f"agents/{agent}")
        found = re.search(r"State: +([a-z -]+)", shown)
        assert found is not None, shown
        return found[1]

    async def waiting(self) -> list[str]:
        """The contacts that wait, in their order, as this node shows them."""
        shown = await self.ask("show", "calls")
        rows = [re.split(r"\s{2,}", line) for line in shown.splitlines()]
        return [row[0] for row in rows if len(row) > 3 and row[3].startswith("waiting")]

    async def knows(self, what: str) -> bool:
        """Whether `show nodes` has that text."""
        return what in await self.ask("show", "nodes")


class Pair:
    """Both nodes, and the phones of a test."""

    def __init__(self, cluster: Cluster, rack: PhoneRack, trunk: str) -> None:
        self.cluster, self.rack, self.trunk = cluster, rack, trunk
        self.one, self.two = (Node(each) for each in cluster.nodes.values())
        self._callers: list[SoftPhone] = []
        self._agents: dict[str, SoftPhone] = {}

    @property
    def nodes(self) -> tuple[Node, Node]:
        """Both."""
        return self.one, self.two

    async def agent(
        self, extension: str, node: Node, known_to: Sequence[Node] | None = None
    ) -> SoftPhone:
        """The phone of that agent, registered at that node and known to be there; ready.

        `known_to` are the nodes that are to know it, both unless told.
        """
        known_to = known_to or self.nodes
        phone = self._agents.get(extension)
        if phone is None or phone.domain != node.domain:
            if phone is not None:
                with suppress(PhoneError):  # as when that node is gone
                    await phone.unregister(3)
            phone = await self.rack.phone(extension, node.password(extension), node.domain)
            self._agents[extension] = phone
            for each in known_to:
                await eventually(lambda each=each: each.knows(f"{extension} at {node.name}"))
        await self.ready(extension, node, known_to)
        return phone

    async def ready(self, extension: str, node: Node, known_to: Sequence[Node]) -> None:
        """By a supervisor's word, and seen on those nodes."""
        state = await node.state(extension)
        if state == "logged out":
            await node.ask("do", f"login/{extension}")
        elif state.startswith("paused"):  # "ready" would take back what rings
            await node.ask("do", f"ready/{extension}")
        for each in known_to:
            await eventually(lambda each=each: self._is_ready(each, extension))

    async def _is_ready(self, node: Node, extension: str) -> bool:
        return not (await node.state(extension)).startswith(("logged", "paused"))

    async def call(self, number: str, node: Node, dialled: str = "4900") -> Line:
        """A caller on the line of that node, answered."""
        phone = await self.rack.caller(number, "", node.domain)
        self._callers.append(phone)
        line = await phone.dial(dialled)
        await line.answered()
        return line

    async def wait(self, number: str, node: Node) -> tuple[Line, str]:
        """A caller who waits, and the contact, once both nodes know."""
        line = await self.call(number, node)
        contact = await until(lambda: node.contact_of(number), why="the contact begins")
        for each in self.nodes:
            await eventually(lambda each=each: waits(each, contact))
        return line, contact

    async def between_tests(self) -> None:
        """Everything at work and open, all lines hung up, all agents logged out.

        Whatever a test has left behind: the next one must not pay for it.
        """
        await self._repair()
        for phone in (*self._agents.values(), *self._callers):
            for line in tuple(phone.lines):
                with suppress(PhoneError):
                    await line.hang_up()
        self._callers.clear()
        for node in self.nodes:
            await eventually(lambda node=node: joined(node), 60)
            if drained_file(node.settings).exists():
                await node.ask("do", "undrain")
        for extension in self._agents:
            if await self.one.state(extension) != "logged out":
                await self.one.ask("do", f"logout/{extension}")
        for node in self.nodes:
            await eventually(lambda node=node: nobody(node))
            for extension in self._agents:
                await eventually(lambda node=node, who=extension: is_out(node, who))
        for phone in self._agents.values():
            await forget_calls(phone)

    async def _repair(self) -> None:
        """What was killed or frozen runs."""
        try:
            os.kill(self.cluster.redis.pid, signal.SIGCONT)
        except IvrError:
            await self.cluster.redis.start()
        for node in self.nodes:
            try:
                service = node.service_pid()
            except IvrError:
                await node.local.start()
            else:
                if service:
                    os.kill(service, signal.SIGCONT)


async def forget_calls(phone: SoftPhone) -> None:
    """What rang at that phone so far is nobody's any more."""
    with suppress(TimeoutError):
        while True:
            await phone.incoming(0)


async def is_out(node: Node, extension: str) -> bool:
    return await node.state(extension) == "logged out"


async def joined(node: Node) -> bool:
    """Whether the node is one with the others."""
    return not await node.knows("on its own") and not await node.knows("Redis:")


async def waits(node: Node, contact: str) -> bool:
    return contact in await node.waiting()


async def nobody(node: Node) -> bool:
    """Whether there are no calls."""
    return "No calls" in await node.ask("show", "calls")


async def eventually(what: Callable[[], Awaitable[bool]], timeout: float = 15.0) -> None:
    """Until `what` is true; a service that starts again just now may take its time."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            if await what():
                return
            why = "it is not so"
        except IvrError as refused:
            why = str(refused)
        assert time.monotonic() < deadline, why
        await asyncio.sleep(0.05)


async def hear_each_other(first: Line, second: Line) -> None:
    first.hum()
    second.hum()
    await first.hears_tone(second.phone.tone_hz, 10)
    await second.hears_tone(first.phone.tone_hz, 10)


@asynccontextmanager
async def begin(folder: Path, rack: PhoneRack) -> AsyncIterator[Pair]:
    """A cluster with a small floor, and a flow straight into its queue."""
    flows = folder / "flows"
    flows.mkdir()
    (flows / "straight.yaml").write_text(STRAIGHT)
    (flows / "promised.yaml").write_text(PROMISED)
    (flows / "shop.yaml").write_text(SHOP)
    (flows / "rejoin.yaml").write_text(REJOIN)
    (flows / "services.yaml").write_text(SERVICES)
    together = STRAIGHT.replace("straight", "together").replace("4900", "4942")
    (flows / "together.yaml").write_text(together.replace("cards", "hands"))
    (flows / "floor.yaml").write_text(FLOOR)
    settings = load_settings(env={}, cwd=folder)
    redis = ensure_tools(settings, ("redis-server",), lambda *_: None)["redis-server"]
    (port,) = free_ports(1)
    trunk = f"127.{port >> 8}.{port & 0xFF}.2"
    chosen = {"flows": str(flows), "cache": str(settings.cache), "trunks": {"carrier": [trunk]}}
    cluster = Cluster(folder, redis, chosen)
    try:
        await cluster.start(lambda _: None)
        yield Pair(cluster, rack, trunk)
    finally:
        await cluster.stop()
