"""The distributor of one node among several, seen as the shell sees it (`acd.dispatch`).

Every node follows the domain's stream and works out every command itself (`acd.live.replica`); one
of them leads (`acd.live.member`). What a shell sends is judged by the node's own picture, goes into
the stream, and has happened when it comes by there. Commands are passed on at that moment: changes
of agents on all nodes, what is to be done about a call only on the node that owns it.

A contact made on node "n2" ends in "-n2", its calls are `<contact>.<n>` and their offers
`<call>-<n>`: so everybody knows whose they are.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from acd.dispatch import Dispatch, Mailbox, Squaring, Subscriber
from acd.distributor import steady_clock
from acd.engine import Engine
from acd.errors import AcdError
from acd.journal import Journal
from acd.live.access import Access
from acd.live.entry import Kind, Noted
from acd.live.jump import missed
from acd.live.missing import Missing
from acd.live.outbox import Outbox
from acd.live.pulse import Condition, Patience, Watch
from acd.live.replica import Applied, Replica
from acd.live.sequencer import SNAPSHOT_EVERY, Clock
from acd.live.session import Session
from acd.live.store import StoreUnreachable
from acd.model import AgentChanged, Command, DeviceFree, Event, FloorLoaded, to_json

log = structlog.get_logger(__name__)

TRY_AGAIN_AFTER = 0.2


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node as another sees it; `silent` in seconds."""

    node: str
    condition: Condition
    silent: float
    leads: bool


@dataclass(frozen=True, slots=True)
class DomainStatus:
    """How a node stands with the others.

    `seq` is the newest entry it has applied, `waiting` how many of its own words are on their way.
    `trouble` says why the store is not there, "" when it is. `places` maps agents to nodes.
    """

    node: str
    leader: str | None
    leads: bool
    island: bool
    trouble: str
    seq: int
    waiting: int
    nodes: tuple[NodeStatus, ...]
    places: Mapping[str, str]


def contact_of(name: str) -> str:
    """The contact of a call or an offer; a contact is its own."""
    return name.partition(".")[0]


class DomainDistributor:
    """One node named `node`: letters and digits. `access` leads to the store of its domain."""

    def __init__(
        self,
        node: str,
        journal: Journal,
        access: Access,
        clock: Clock | None = None,
        *,
        patience: Patience = Patience(),  # noqa: B008 - it cannot be changed
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        if not node.isalnum():
            raise ValueError(f"a node's name is letters and digits, such as n1, not {node!r}")
        self.node = node
        self._journal, self._access, self._patience = journal, access, patience
        self._clock: Clock = clock or steady_clock()
        self._snapshot_every = snapshot_every
        self._replica = Replica()
        self._replica.on_entry = self._on_entry
        self._dispatch = Dispatch()
        self._watch = Watch(node, patience)
        self._session: Session | None = None
        self._running: asyncio.Task[None] | None = None

    # --- what is so -------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        """See `Distributing`."""
        return self._replica.engine

    def now(self) -> float:
        """See `Distributing`: never before what has happened already."""
        return max(self._clock(), self._replica.at)

    @property
    def leads(self) -> bool:
        """See `Distributing`."""
        return self._session is not None and self._session.leading is not None

    def owns(self, contact: str) -> bool:
        """See `Distributing`."""
        return self.owner_of(contact) == self.node

    def owner_of(self, contact: str) -> str:
        """The node whose contact this is."""
        name = contact_of(contact)
        return str(self._notes("owner").get(name) or name.rpartition("-")[2])

    def place_of(self, agent: str) -> str | None:
        """See `Distributing`."""
        return self._notes("place").get(agent)

    def shared(self, contact: str) -> dict[str, Any] | None:
        """What was shared of this contact, by whichever node."""
        return self._notes("contact").get(contact)

    def status(self) -> DomainStatus:
        """How this node stands with the others."""
        now, session = asyncio.get_running_loop().time(), self._session
        nodes = [NodeStatus(self.node, "here", 0.0, self.leads)]
        for node in self._watch.nodes():
            silent = self._watch.silent(node, now)
            condition = self._watch.condition(node, now)
            leads = condition == "here" and self._watch.leads(node)
            nodes.append(NodeStatus(node, condition, silent, leads))
        return DomainStatus(
            node=self.node,
            leader=next((each.node for each in nodes if each.leads), None),
            leads=self.leads,
            island=False,
            trouble="" if session is None else session.trouble,
            seq=self._replica.seq,
            waiting=0 if session is None else len(session.outbox),
            nodes=tuple(sorted(nodes, key=lambda each: each.node)),
            places=dict(self._notes("place")),
        )

    def _notes(self, kind: Kind) -> dict[str, Any]:
        return self._replica.notes.get(kind, {})

    # --- life -------------------------------------------------------------------------------------

    async def join(self) -> None:
        """See `Distributing`."""
        session = self._session = self._new_session()
        while True:
            await session.reach(None)
            try:
                await session.catch_up()
            except StoreUnreachable:
                await asyncio.sleep(TRY_AGAIN_AFTER)
            else:
                return

    def recover(self) -> int:
        """See `Distributing`: `join` has done it."""
        return self._replica.seq

    def start(self) -> None:
        """See `Distributing`."""
        self._replica.on_jump = self._on_jump
        self._running = asyncio.create_task(self._run(), name="domain")
        self._show_up()

    async def stop(self) -> None:
        """See `Distributing`; what is on its way is given a moment to arrive."""
        if self._session is None:
            return
        try:
            async with asyncio.timeout(self._patience.island):
                await self._session.outbox.settled()
        except TimeoutError:
            log.warning("words_left_behind", count=len(self._session.outbox))
        await self._session.resign()
        await self.vanish()

    async def vanish(self) -> None:
        """End as a process that is killed does: nothing is handed over, nothing said."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        if self._session is not None:
            await self._session.close()
        self._running = self._session = None

    def _new_session(self) -> Session:
        return Session(
            self._access,
            self.node,
            self._replica,
            self._clock,
            self._watch,
            snapshot_every=self._snapshot_every,
        )

    async def _run(self) -> None:
        session = self._session
        while session is not None:
            await session.run(self._patience._replace(island=math.inf), self._on_beat)
            await asyncio.sleep(TRY_AGAIN_AFTER)

    @property
    def _outbox(self) -> Outbox:
        if self._session is None:
            raise RuntimeError("join comes before anything is sent")
        return self._session.outbox

    # --- events in --------------------------------------------------------------------------------

    def reconcile(self, calls: Collection[str], offers: Mapping[str, bool]) -> None:
        """See `Distributing`."""
        Squaring(self.engine, self.now(), self.send, self.owns).square(calls, offers)

    def send(self, event: Event) -> list[Command]:
        """See `Distributing`.

        While words about the same matter are on their way, only the stream can judge this one: a
        refusal there is logged.
        """
        try:
            self.engine.check(event)
        except AcdError as error:
            about = self._about(event)
            if not any(about & self._about(each) or _is_floor(each) for each in self._outbox):
                log.warning("event_refused", problem=str(error), **_named_in(to_json(event)))
                raise
        self._outbox.put(event)
        return []

    async def settled(self) -> None:
        """See `Distributing`."""
        await self._outbox.settled()

    async def set_place(self, agent: str, node: str | None) -> None:
        """See `Distributing`."""
        if self.place_of(agent) != node or len(self._outbox):
            self._note("place", agent, node)
            await self.settled()

    async def share(self, contact: str, body: Mapping[str, Any] | None) -> None:
        """Keep where all nodes see it what another one would need to make this contact's callback.

        It goes by itself some time after the contact's last call has ended.
        """
        self._note("contact", contact, None if body is None else dict(body))
        await self.settled()

    def _note(self, kind: Kind, name: str, value: Any) -> None:
        self._outbox.put(Noted(self.now(), kind, name, value))

    def _about(self, said: Event | Noted) -> set[str]:
        """The calls, offers and agents that an event names, or that hang on what it names."""
        names = {str(getattr(said, each)) for each in ("call", "agent") if hasattr(said, each)}
        offer = getattr(said, "offer", None)
        if offer is not None:
            record = self.engine.offer(offer)
            names |= {offer, offer.rpartition("-")[0]} | ({record.agent} if record else set())
        return names

    # --- commands out -----------------------------------------------------------------------------

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """See `Distributing`."""
        return self._dispatch.subscribe(callback)

    def watch(self, call: str) -> Mailbox:
        """See `Distributing`."""
        return self._dispatch.watch(call)

    def _pass_on(self, commands: Collection[Command]) -> None:
        self._dispatch.pass_on(
            [each for each in commands if isinstance(each, AgentChanged) or self.owns(each.call)]
        )

    def _on_entry(self, applied: Applied) -> None:
        """An entry of the stream has been applied here."""
        said, origin = applied.word
        if self._running is not None:  # what was before we came is for `reconcile` to put right
            self._pass_on(applied.commands)
        if origin is not None and origin.node == self.node and self._session is not None:
            if applied.refused is not None:
                log.warning("refused_in_the_stream", problem=str(applied.refused))
            if origin.sender == self._session.outbox.name:
                self._session.outbox.heard(origin.number)
        if isinstance(said, Noted) and said.kind == "quiet" and said.name == self.node:
            self._show_up()

    def _on_jump(self, before: Engine) -> None:
        """The way here was not seen: tell what it came to."""
        if self._session is not None:
            name = self._session.outbox.name
            self._session.outbox.heard(self._replica.heard(self.node, name))
        self._pass_on(list(missed(before, self.engine, self.owns)))

    # --- the others -------------------------------------------------------------------------------

    def _show_up(self) -> None:
        """We are here: the leader, who heard nothing of us, kept our agents from being offered."""
        barred = self._notes("quiet").get(self.node)
        if barred is None or self._running is None:
            return
        known = {row.agent for row in self.engine.agents_view(0.0)}
        for agent in known.intersection(barred):
            self._outbox.put(DeviceFree(self.now(), agent))
        self._note("quiet", self.node, None)

    def _on_beat(self) -> None:
        """We lead: see to those who are silent, once our last words about them have come by."""
        if not self.leads or len(self._outbox):
            return
        now = asyncio.get_running_loop().time()
        missing = Missing(self.engine, self._notes, self.owner_of, self.node, self.now())
        for node in self._watch.nodes():
            condition = self._watch.condition(node, now)
            if condition == "here":
                continue
            for said in missing.words(node, lost=condition == "lost"):
                self._outbox.put(said)


def _is_floor(said: Event | Noted) -> bool:
    """Then anything may become possible."""
    return isinstance(said, FloorLoaded)


def _named_in(body: Mapping[str, object]) -> dict[str, object]:
    names = ("type", "contact", "call", "offer", "agent", "queue", "by")
    return {name: body[name] for name in names if name in body}
