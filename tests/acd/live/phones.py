"""Callers and agents' phones under load, the same through every fault.

A phone is busy from the moment it rings until its call is over. Whoever rings a busy phone has
assigned an agent twice, and whoever connects a caller who has been served has done so to a call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from acd import model as m
from acd.errors import AcdError
from acd.live.access import Access
from acd.live.pulse import Patience
from tests.acd.live.nodes import QUICK, NodeAtWork

PICK_UP = 0.004
TALK = 0.01


class Phones:
    """All agents' phones, wherever they are."""

    def __init__(self) -> None:
        self.offers: dict[str, str] = {}
        self.twice: list[str] = []
        self.served: Counter[str] = Counter()

    def taken(self, agent: str, offer: str) -> bool:
        return self.offers.get(agent, offer) != offer

    def ring(self, agent: str, offer: str) -> bool:
        if self.taken(agent, offer):
            other = self.offers[agent]
            self.twice.append(f"{agent} rings for {offer} and is busy with {other}")
            return False
        self.offers[agent] = offer
        return True

    def put_down(self, agent: str, offer: str) -> None:
        if self.offers.get(agent) == offer:
            del self.offers[agent]


class Desk:
    """The telephone side of one node: it outlives the service as Asterisk does.

    `waiting` are the callers on hold, `talks` the offers that were picked up, with their agents.
    """

    def __init__(
        self, name: str, access: Access, folder: Path, phones: Phones, patience: Patience = QUICK
    ) -> None:
        self.name, self.phones = name, phones
        self.waiting: set[str] = set()
        self.lost: list[str] = []
        self._access, self._folder, self._patience = access, folder, patience
        self._agents: tuple[str, ...] = ()
        self._ringing: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._talks: dict[str, m.MakeOffer] = {}
        self._talking: set[asyncio.Task[None]] = set()
        self._up = asyncio.Event()
        self.node = self._new()

    def _new(self) -> NodeAtWork:
        node = NodeAtWork(self.name, self._access, self._folder, self._patience)
        node.domain.subscribe(self._told)
        return node

    async def up(self, agents: Iterable[str] = (), floor: m.Floor | None = None) -> Desk:
        await self.node.up()
        if floor is not None:
            await self.node.send(m.FloorLoaded(self.node.domain.now(), floor))
        self._up.set()
        domain = self.node.domain
        for agent in agents:
            await domain.set_place(agent, self.name)
            await self.node.send(m.LoggedIn(domain.now(), agent))
        return self

    async def restart(self) -> None:
        """The service ends in good order and comes back; callers and phones stay."""
        self._up.clear()
        await self.node.down()
        for task in self._ringing.values():
            task.cancel()
        for (offer, agent), task in tuple(self._ringing.items()):
            await asyncio.wait([task])
            self.phones.put_down(agent, offer)
        self._ringing.clear()
        self.node = self._new()
        await self.node.domain.join()
        domain = self.node.domain
        talks: Mapping[str, bool] = dict.fromkeys(self._talks, True)
        calls = self.waiting | {offer.call for offer in self._talks.values()}
        for name, it in self._talks.items():
            self._send(m.OfferAnswered(domain.now(), name, it.agent))
        domain.reconcile(calls, talks)
        for call in sorted(self.waiting):
            if not domain.engine.has_call(call):
                self._send(self.node.queued(call))
        domain.start()
        self._up.set()

    async def close(self) -> None:
        for task in (*self._ringing.values(), *self._talking):
            task.cancel()
        await self.node.kill()

    async def calls(self, count: int, pause: float) -> None:
        """So many callers, one after the other."""
        for n in range(count):
            await self._up.wait()
            call = f"k{n}-{self.name}.1"
            self.waiting.add(call)
            self._send(self.node.queued(call))
            await asyncio.sleep(pause)

    def _send(self, event: m.Event) -> bool:
        try:
            self.node.domain.send(event)
        except AcdError:
            return False
        return True

    # --- what the node says -----------------------------------------------------------------------

    def _told(self, command: m.Command) -> None:
        if isinstance(command, m.MakeOffer):
            for agent in (command.agent, *command.also):
                one = command._replace(agent=agent, also=())
                self._ringing[one.offer, agent] = asyncio.create_task(self._ring(one))
        elif isinstance(command, m.CancelOffer):
            self._stop_all(command.offer)
        elif isinstance(command, m.StopRinging):
            self._stop(command.offer, command.agent)
        elif isinstance(command, m.CallExits) and command.call in self.waiting:
            self.lost.append(f"{command.call}: {command.reason} {command.detail}")

    def _stop(self, offer: str, agent: str) -> None:
        ringing = self._ringing.pop((offer, agent), None)
        if ringing is not None:
            ringing.cancel()
            self.phones.put_down(agent, offer)

    def _stop_all(self, offer: str) -> None:
        for name, agent in tuple(self._ringing):
            if name == offer:
                self._stop(offer, agent)

    async def _ring(self, offer: m.MakeOffer) -> None:
        """One phone, as the telephone does: not where somebody else may be ringing."""
        domain, cause = self.node.domain, m.Cause.BUSY
        sure = await domain.may_ring(offer.agent)
        if not sure or (domain.alone and self.phones.taken(offer.agent, offer.offer)):
            cause = m.Cause.LOST
        elif offer.call in self.waiting and self.phones.ring(offer.agent, offer.offer):
            await self._pick_up(offer)
            return
        self._ringing.pop((offer.offer, offer.agent), None)
        self._send(m.OfferFailed(domain.now(), offer.offer, cause, offer.agent))

    async def _pick_up(self, offer: m.MakeOffer) -> None:
        await asyncio.sleep(PICK_UP)
        self._ringing.pop((offer.offer, offer.agent), None)
        self._stop_all(offer.offer)
        self.waiting.discard(offer.call)
        self.phones.served[offer.call] += 1
        self._talks[offer.offer] = offer
        self._send(m.OfferAnswered(self.node.domain.now(), offer.offer, offer.agent))
        talk = asyncio.create_task(self._talk(offer))
        self._talking.add(talk)
        talk.add_done_callback(self._talking.discard)

    async def _talk(self, offer: m.MakeOffer) -> None:
        await asyncio.sleep(TALK)
        await self._up.wait()
        self._talks.pop(offer.offer, None)
        self.phones.put_down(offer.agent, offer.offer)
        with contextlib.suppress(AcdError):
            self.node.domain.send(m.AgentReleased(self.node.domain.now(), offer.offer))
