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
import contextlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import structlog

from acd.dispatch import NEWS, Dispatch, Mailbox, Squaring, Subscriber, named_in
from acd.distributor import steady_clock
from acd.engine import Engine
from acd.errors import AcdError
from acd.journal import Journal
from acd.live.access import Access
from acd.live.entry import Kind, Noted
from acd.live.island import Island, Talks
from acd.live.jump import agents_changed, missed
from acd.live.matter import EVERYTHING, about, contact_of
from acd.live.missing import Missing
from acd.live.outbox import Outbox
from acd.live.presence import Presence
from acd.live.pulse import Patience, Watch
from acd.live.replica import Applied, Replica
from acd.live.sequencer import SNAPSHOT_EVERY, Clock
from acd.live.session import Session
from acd.live.status import DomainStatus, status_of
from acd.live.store import StoreUnreachable
from acd.model import (
    AgentReleased,
    CallExits,
    CallLeft,
    CallWithdrawn,
    Command,
    DeviceFree,
    Event,
    to_json,
)

log = structlog.get_logger(__name__)

TRY_AGAIN_AFTER = 0.1


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
        self._missing = Missing(self._replica, self.owner_of, node, self.now)
        self._presence = Presence(self._replica, node, self.now, lambda: self._outbox)
        self._session: Session | None = None
        self._island: Island | None = None
        self._talks = Talks(journal, self.now)
        self._hushed: set[str] = set()
        self._running: asyncio.Task[None] | None = None
        self._tidying: set[asyncio.Task[None]] = set()

    # --- what is so -------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        """See `Distributing`."""
        return self._replica.engine if self._island is None else self._island.distributor.engine

    def now(self) -> float:
        """See `Distributing`: never before what has happened already."""
        return max(self._clock(), self._replica.at)

    @property
    def leads(self) -> bool:
        """See `Distributing`."""
        return self.alone or (self._session is not None and self._session.leading is not None)

    def owns(self, contact: str) -> bool:
        """See `Distributing`."""
        return self.owner_of(contact) == self.node

    def owner_of(self, contact: str) -> str:
        """The node whose contact this is."""
        name = contact_of(contact)
        return str(self._notes("owner").get(name) or name.rpartition("-")[2])

    def place_of(self, agent: str) -> str | None:
        """See `Distributing`."""
        place = self._noted("place", agent)
        return None if place is None else str(place)

    def shared(self, contact: str) -> dict[str, Any] | None:
        """See `Distributing`."""
        body: dict[str, Any] | None = self._noted("contact", contact)
        return body

    def status(self) -> DomainStatus:
        """How this node stands with the others."""
        now, island = asyncio.get_running_loop().time(), self._island is not None
        return status_of(self.node, self._replica, self._session, self._watch, now, island=island)

    def _notes(self, kind: Kind) -> dict[str, Any]:
        return self._replica.notes.get(kind, {})

    def _noted(self, kind: Kind, name: str) -> Any:
        """What is noted, or will be as soon as the domain can be told."""
        if self._island is not None and (kind, name) in self._island.unsaid:
            return self._island.unsaid[kind, name]
        return self._notes(kind).get(name)

    def _is_here(self, agent: str) -> bool:
        return self.place_of(self.engine.phone_of(agent) or agent) == self.node

    @property
    def alone(self) -> bool:
        """See `Distributing`."""
        return self._island is not None

    async def may_ring(self, agent: str) -> bool:
        """See `Distributing`."""
        place = self.place_of(self.engine.phone_of(agent) or agent)
        if place is None or place == self.node:
            return True
        return self._island is None and await self._watch.vouches(place)

    # --- life -------------------------------------------------------------------------------------

    async def join(self) -> None:
        """See `Distributing`; without a store the node begins as an island."""
        session = self._session = self._new_session()
        self._island = Island.resume(self._journal, self.now, self._pass_on)
        while await session.reach(self._patience.island):
            try:
                await session.catch_up()
            except StoreUnreachable:
                continue
            return
        if self._island is None:
            self._leave()

    def recover(self) -> int:
        """See `Distributing`: `join` has done it."""
        return self._replica.seq

    def start(self) -> None:
        """See `Distributing`."""
        self._replica.on_jump = self._on_jump
        if self._island is not None:
            self._island.distributor.start()
        self._running = asyncio.create_task(self._run(), name="domain")
        if self._island is None:
            self._presence.show_up()

    async def stop(self) -> None:
        """See `Distributing`; what is on its way is given a moment to arrive."""
        if self._session is None:
            return
        try:
            async with asyncio.timeout(self._patience.island):
                await self.settled()
        except TimeoutError:
            log.warning("words_left_behind", count=len(self._outbox))
        await self._session.resign()
        await self.vanish()

    async def vanish(self) -> None:
        """End as a process that is killed does: nothing is handed over, nothing said."""
        for task in (*self._tidying, *((self._running,) if self._running else ())):
            task.cancel()
            await asyncio.wait([task])
        if self._session is not None:
            await self._session.close()
        if self._island is not None:
            await self._island.distributor.stop()
        self._running = self._session = self._island = None

    def _new_session(self) -> Session:
        return Session(
            self._access,
            self.node,
            self._replica,
            self._clock,
            self._watch,
            first_words=self._first_words,
            alone=lambda: self.alone,
            snapshot_every=self._snapshot_every,
        )

    async def _run(self) -> None:
        """With the others for as long as the store is there, and alone until it is again."""
        while self._session is not None:
            session = self._session
            with_others = asyncio.create_task(session.run(self._patience, self._on_beat))
            try:
                if self._island is not None:
                    await self._until_heard(session, with_others)
                await with_others
            finally:
                with_others.cancel()
                await session.close()
            if self._island is None:
                self._leave()
            self._session = self._new_session()
            await asyncio.sleep(TRY_AGAIN_AFTER)

    async def _until_heard(self, session: Session, with_others: asyncio.Task[None]) -> None:
        """Return from the island once all know that it is us, and we know what they know."""
        session.outbox.put(Noted(self.now(), "home", self.node))
        heard = asyncio.create_task(session.outbox.settled())
        await asyncio.wait((heard, with_others), return_when=asyncio.FIRST_COMPLETED)
        if heard.done():
            self._return()
        heard.cancel()

    def _leave(self) -> None:
        """Decide alone from now on."""
        log.error("island_begins", node=self.node, seq=self._replica.seq)
        engine, unsaid = self._replica.engine, list(self._outbox)
        self._island = Island.begin(self._journal, self.now, self._pass_on, engine)
        self._island.settle_in(self.owns, self._is_here, unsaid)
        self._outbox.clear()
        if self._running is not None:
            self._island.distributor.start()

    def _return(self) -> None:
        """The domain decides again; it is told what was settled meanwhile."""
        island, domain = self._island, self._replica.engine
        if island is None:
            return
        way = island.way_back(domain, self.owns, self._is_here)
        log.warning("island_ends", node=self.node, words=len(way.events), talks=len(way.talks))
        island.abandon()
        self._island = None
        for (kind, name), value in island.unsaid.items():
            self._note(kind, name, value)
        if self.node in self._notes("quiet"):
            self._note("quiet", self.node, None)
        self._talks.add(way.talks)
        self._hushed = {e.call for e in way.events if isinstance(e, CallLeft | CallWithdrawn)}
        for event in way.events:
            self._outbox.put(event)
        self._dispatch.pass_on([*way.cancels, *agents_changed(island.distributor.engine, domain)])
        tidying = asyncio.create_task(self._tidy_up(island, way.wrapping))
        self._tidying.add(tidying)
        tidying.add_done_callback(self._tidying.discard)

    async def _tidy_up(self, island: Island, wrapping: Mapping[str, float]) -> None:
        """What outlasts an island: its timers, its mark in the journal, wrap-ups begun there."""
        await island.distributor.stop()
        await self.settled()
        if self._island is None:
            island.forget()
        self._hushed = set()
        for agent, until in sorted(wrapping.items(), key=lambda each: each[1]):
            await asyncio.sleep(max(0.0, until - self.now()))
            with contextlib.suppress(AcdError):  # an agent who was removed meanwhile
                self.send(DeviceFree(self.now(), agent))

    @property
    def _outbox(self) -> Outbox:
        if self._session is None:
            raise RuntimeError("join comes before anything is sent")
        return self._session.outbox

    # --- events in --------------------------------------------------------------------------------

    def reconcile(self, calls: Collection[str], offers: Mapping[str, bool]) -> None:
        """See `Distributing`."""
        Squaring(self.engine, self.now(), self.send, self.owns).square(calls, offers)
        for offer in self._talks:
            if offer not in offers:
                self.send(AgentReleased(self.now(), offer))

    def send(self, event: Event) -> list[Command]:
        """See `Distributing`.

        While words about the same matter are on their way, only the stream can judge this one: a
        refusal there is logged.
        """
        instead = self._talks.translate(event)
        if instead is not None:
            return [command for each in instead for command in self.send(each)]
        if self._island is not None:
            return self._island.send(event)
        matters = about(event, self.engine)
        try:
            self.engine.check(event)
        except AcdError as error:
            if not self._outbox.touches(matters | EVERYTHING):
                log.warning("event_refused", problem=str(error), **named_in(to_json(event)))
                raise
        self._outbox.put(event, matters)
        return []

    async def settled(self) -> None:
        """See `Distributing`; what an island was told has happened."""
        while self._island is None and len(self._outbox):
            await self._outbox.settled()

    async def set_place(self, agent: str, node: str | None) -> None:
        """See `Distributing`."""
        before = self.place_of(agent)
        if self._island is not None:
            self._island.place(self.engine.agent_at(agent) or agent, here=node == self.node)
        if before != node or len(self._outbox):
            self._note("place", agent, node)
            if self._island is None and node == self.node:
                self._presence.came(agent, before)
            await self.settled()

    async def share(self, contact: str, body: Mapping[str, Any] | None) -> None:
        """See `Distributing`."""
        self._note("contact", contact, None if body is None else dict(body))
        await self.settled()

    def _note(self, kind: Kind, name: str, value: Any) -> None:
        if self._island is not None:
            self._island.note(kind, name, value)
            return
        self._outbox.put(Noted(self.now(), kind, name, value))

    # --- commands out -----------------------------------------------------------------------------

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """See `Distributing`."""
        return self._dispatch.subscribe(callback)

    def watch(self, call: str) -> Mailbox:
        """See `Distributing`."""
        return self._dispatch.watch(call)

    def _pass_on(self, commands: Collection[Command]) -> None:
        self._dispatch.pass_on([each for each in commands if self._concerns(each)])

    def _concerns(self, command: Command) -> bool:
        if isinstance(command, NEWS):
            return True
        # What we have just told the domain of needs no answer.
        moot = isinstance(command, CallExits) and command.call in self._hushed
        return self.owns(command.call) and not moot

    def _on_entry(self, applied: Applied) -> None:
        """An entry of the stream has been applied here."""
        said, origin = applied.word
        # What was before we came is for `reconcile` to put right.
        if self._running is not None and self._island is None:
            self._pass_on(applied.commands)
        if origin is not None and origin.node == self.node and self._session is not None:
            if applied.refused is not None:
                log.warning("refused_in_the_stream", problem=str(applied.refused))
            if origin.sender == self._session.outbox.name:
                self._session.outbox.heard(origin.number)
        if isinstance(said, Noted) and self._running is not None and self._island is None:
            self._presence.heard(said)

    def _on_jump(self, before: Engine) -> None:
        """The way here was not seen: tell what it came to."""
        if self._session is not None:
            name = self._session.outbox.name
            self._session.outbox.heard(self._replica.heard(self.node, name))
        if self._island is None:
            self._pass_on(list(missed(before, self.engine, self.owns)))
            self._presence.show_up()

    # --- the others -------------------------------------------------------------------------------

    def _first_words(self) -> list[Event | Noted]:
        """We lead, and come from an island: others may be on theirs, each with its agents."""
        return [] if self._island is None else list(self._missing.bar_all())

    def _on_beat(self) -> None:
        if self.leads and self._island is None:
            self._missing.see_to(self._watch, self._outbox)
