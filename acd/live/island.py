"""A node that decides alone, because the store has been silent for too long.

An island is the distributor of a single machine, begun from the node's picture of the domain and
written into the node's own journal: so a restart there loses nothing either. What it holds and how
it returns is `acd.live.homecoming`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import structlog

from acd.distributor import Distributor
from acd.engine import Engine
from acd.errors import AcdError
from acd.journal import Journal
from acd.live.entry import Kind, Noted
from acd.live.homecoming import Return, Test, leave
from acd.model import (
    AgentReleased,
    CallLeft,
    Command,
    DeviceBusy,
    DeviceFree,
    Event,
    OfferAnswered,
    OfferFailed,
)

KEPT = "island"
"""The kind under which the journal keeps what an island knows beside its engine."""
APART = 1_000_000
"""By so much the numbers of its offers are ahead: none is taken for one that the domain made."""

PassOn = Callable[[Sequence[Command]], None]

log = structlog.get_logger(__name__)


class Island:
    """Made by `begin` or `resume`; `start` lets deadlines run.

    `unsaid` are the notes for the domain. `barred` and `served` see `Return`.
    """

    def __init__(self, journal: Journal, clock: Callable[[], float], pass_on: PassOn) -> None:
        self.distributor = Distributor(journal, clock)
        self.unsaid: dict[tuple[Kind, str], Any] = {}
        self.barred: set[str] = set()
        self.served: set[str] = set()
        self._journal, self._clock = journal, clock
        self._heard = self.distributor.subscribe(lambda command: pass_on([command]))

    @classmethod
    def begin(
        cls,
        journal: Journal,
        clock: Callable[[], float],
        pass_on: PassOn,
        engine: Engine,
    ) -> Island:
        """From that picture; then call `settle_in`."""
        made = cls(journal, clock, pass_on)
        snapshot = engine.snapshot()
        snapshot["state"]["offers_made"] += APART
        with journal.together():
            journal.save_snapshot(journal.last("engine"), clock(), snapshot)
            made._keep()
        made.distributor.recover()
        return made

    @classmethod
    def resume(cls, journal: Journal, clock: Callable[[], float], pass_on: PassOn) -> Island | None:
        """The one that an earlier process was on when it ended, or None."""
        kept = journal.kept(KEPT).get("stay")
        if not kept:
            return None
        made = cls(journal, clock, pass_on)
        made.barred, made.served = set(kept["barred"]), set(kept["served"])
        made.unsaid = {(kind, name): value for kind, name, value in kept["unsaid"]}
        made.distributor.recover()
        return made

    def settle_in(self, owns: Test, here: Test, unsaid: Collection[Event | Noted]) -> None:
        """Let go of what is other nodes', before anything else; then see to what was `unsaid`."""
        for said in unsaid:
            if isinstance(said, Noted):
                self.note(said.kind, said.name, said.value)
        engine, now = self.distributor.engine, self._clock()
        for event in list(leave(engine, owns, here, now, self.barred)):
            self._try(event)
        for said in unsaid:
            if not isinstance(said, Noted):
                self._try(said)
        self._keep()

    def send(self, event: Event) -> list[Command]:
        """See `Distributing`."""
        offer = None
        if isinstance(event, OfferAnswered):
            offer = self.distributor.engine.offer(event.offer)
        commands = self.distributor.send(event)
        if offer is not None:
            self.served.add(offer.call.call)
            self._keep()
        if isinstance(event, DeviceBusy | DeviceFree) and event.agent in self.barred:
            self.barred.discard(event.agent)
            self._keep()
        return commands

    def note(self, kind: Kind, name: str, value: Any) -> None:
        """Remember this for the domain."""
        if kind != "home":
            self.unsaid[kind, name] = value
            self._keep()

    def place(self, agent: str, *, here: bool) -> None:
        """The agent's phone is here from now on, or is not."""
        now = self._clock()
        self._try(DeviceFree(now, agent) if here else DeviceBusy(now, agent))

    def way_back(self, domain: Engine, owns: Test, here: Test) -> Return:
        """What there is to do to return to the domain as it is now; see `Return`."""
        engine, now = self.distributor.engine, self._clock()
        return Return(engine, domain, owns, here, now, self.served, self.barred).work_out()

    def abandon(self) -> None:
        """Pass nothing on any more."""
        self._heard()

    def forget(self) -> None:
        """The domain knows all that was settled here."""
        self._journal.keep(KEPT, "stay", self._clock(), {})

    def _try(self, event: Event) -> None:
        """What is impossible here has been settled otherwise."""
        try:
            self.distributor.send(event)
        except AcdError as moot:
            log.info("not_on_the_island", problem=str(moot))

    def _keep(self) -> None:
        unsaid = [[kind, name, value] for (kind, name), value in self.unsaid.items()]
        body: Mapping[str, Any] = {
            "barred": sorted(self.barred),
            "served": sorted(self.served),
            "unsaid": unsaid,
        }
        self._journal.keep(KEPT, "stay", self._clock(), body)


class Talks:
    """Conversations that began on an island and outlast it: the domain has their agents as busy."""

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self._journal, self._clock = journal, clock
        kept = journal.kept(KEPT).get("talks", {})
        self._agents: dict[str, str] = {offer: str(agent) for offer, agent in kept.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._agents))

    def add(self, talks: Mapping[str, str]) -> None:
        """These go on: offer -> agent."""
        self._agents.update(talks)
        self._keep()

    def translate(self, event: Event) -> list[Event] | None:
        """What the domain is to be told instead of a word about one of them; None: it is not."""
        if isinstance(event, CallLeft):
            calls = {offer.rpartition("-")[0] for offer in self._agents}
            return [] if event.call in calls else None
        if not isinstance(event, AgentReleased | OfferFailed | OfferAnswered):
            return None
        if event.offer not in self._agents:
            return None
        if isinstance(event, OfferAnswered):
            return []
        if isinstance(event, OfferFailed) and event.agent not in ("", self._agents[event.offer]):
            return []  # a phone that rang beside the one that was answered
        agent = self._agents.pop(event.offer)
        self._keep()
        return [] if agent in self._agents.values() else [DeviceFree(event.at, agent)]

    def _keep(self) -> None:
        self._journal.keep(KEPT, "talks", self._clock(), dict(self._agents))
