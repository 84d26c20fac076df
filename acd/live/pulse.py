"""Who is alive: each node says so again and again, and hears when the others last did.

A pulse is a number that changes. How long a node has been silent is measured by whoever listens,
on their own clock, and only while they themselves are heard: the nodes' clocks need not agree, and
a store that was away for a minute has silenced nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

Condition = Literal["here", "quiet", "lost"]


class Pulse(Protocol):
    """The pulse of one node. Raises StoreUnreachable, StoreRefused."""

    async def beat(self, body: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Say that this node is alive; returns what every node said last, by name."""
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

    def heard(self, beats: Mapping[str, Mapping[str, Any]], known: set[str], now: float) -> None:
        """What all nodes said last; those who are `known` and say nothing are silent."""
        if self._deaf:
            self._heard = dict.fromkeys(self._heard, now)
            self._deaf = False
        for node in (beats.keys() | known) - {self._node}:
            said = beats.get(node, {})
            if node not in self._said or said != self._said[node]:
                self._said[node], self._heard[node] = said, now

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
