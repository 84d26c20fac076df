"""Who is alive: each node says so again and again, and hears when the others last did.

A pulse is a number that changes: that of the last beat that was answered, as a node that hears no
answers soon decides alone. How long a node has been silent is measured by whoever listens,
on their own clock, and only while they themselves are heard: the nodes' clocks need not agree, and
a store that was away for a minute has silenced nobody.

That is the patient view, for giving up. The strict one is for ringing a phone at another node,
which that node must not be ringing by itself meanwhile: a node decides alone once it has had no
answer for `island` seconds. That is counted from when its last answered beat can have been made at
the earliest: after the look before the one that saw it. What a store carries out late proves
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

Condition = Literal["here", "quiet", "lost"]


class Pulse(Protocol):
    """The pulse of one node. Raises StoreUnreachable, StoreRefused."""

    async def beat(self, body: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Say that this node is alive; returns what every node said last, by name.

        Each says the number of this beat, `n`, and of the last one it was `answered`.
        """
        ...

    async def close(self) -> None:
        """Beat no more."""
        ...


class Patience(NamedTuple):
    """Seconds of silence after which something is done.

    `island`: without the store a node decides alone. `quiet`: the agents of a silent node are kept
    from being offered; shorter than `island`, so that they are no longer the domain's when they are
    the island's. `lost`: the calls of a silent node are given up.
    """

    island: float = 2.0
    quiet: float = 1.0
    lost: float = 10.0

    @property
    def beat(self) -> float:
        """Seconds between two beats."""
        return self.quiet / 3


class Watch:
    """When each of the other nodes was last heard."""

    def __init__(self, node: str, patience: Patience) -> None:
        self._node, self._patience = node, patience
        self._said: dict[str, Mapping[str, Any]] = {}
        self._heard: dict[str, float] = {}
        self._deaf = False
        self._looked: float | None = None
        self._beats: dict[str, dict[int, float]] = {}
        self._with_us: dict[str, float] = {}

    def heard(
        self,
        beats: Mapping[str, Mapping[str, Any]],
        known: set[str],
        now: float,
        asked: float | None = None,
    ) -> None:
        """What all nodes said last; those who are `known` and say nothing are silent.

        `asked` is when we began to ask.
        """
        if self._deaf:
            self._heard = dict.fromkeys(self._heard, now)
            self._deaf = False
        for node in (beats.keys() | known) - {self._node}:
            said = beats.get(node, {})
            before = self._said.get(node)
            if before is None or said.get("answered") != before.get("answered"):
                self._heard[node] = now
            if said != before:
                self._counted(node, said)
            self._said[node] = said
        self._looked = now if asked is None else asked

    def _counted(self, node: str, said: Mapping[str, Any]) -> None:
        """Keep since when, at the earliest, the last answered beat of that node can be."""
        if said.get("alone"):
            self._beats.pop(node, None)
            self._with_us.pop(node, None)
            return
        number, answered = _count(said.get("n")), _count(said.get("answered"))
        known = self._beats.setdefault(node, {})
        if any(number <= each for each in known):
            known.clear()  # another life of that node
        if self._looked is not None:
            known[number] = self._looked
        for each in sorted(each for each in known if each <= answered):
            self._with_us[node] = known.pop(each)

    def vouched(self, node: str, now: float) -> bool:
        """Whether that node cannot be on its own yet, nor before a phone there has been rung."""
        since = self._with_us.get(node)
        patience = self._patience
        return since is not None and now < since + patience.island - patience.beat

    async def vouches(self, node: str) -> bool:
        """The same, given a moment to hear of it."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._patience.quiet
        while not self.vouched(node, loop.time()):
            if loop.time() >= ends:
                return False
            await asyncio.sleep(self._patience.beat / 4)
        return True

    def missed(self) -> None:
        """We were not answered: nobody can be blamed for what we did not hear."""
        self._deaf = True

    def nodes(self) -> list[str]:
        """Every other node, by name."""
        return sorted(self._heard)

    def silent(self, node: str, now: float) -> float:
        """Seconds since it was last heard."""
        return now - self._heard[node]

    def condition(self, node: str, now: float) -> Condition:
        """How it is, as far as one can hear."""
        silent = self.silent(node, now)
        if silent >= self._patience.lost:
            return "lost"
        return "quiet" if silent >= self._patience.quiet else "here"

    def leads(self, node: str) -> bool:
        """Whether it said last that it leads."""
        return bool(self._said.get(node, {}).get("leads"))


def _count(said: object) -> int:
    return said if isinstance(said, int) else 0
