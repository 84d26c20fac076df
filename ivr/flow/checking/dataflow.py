"""What can be said about a graph: what is reached, what is known where, what goes round."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ivr.flow.checking.graph import NONE, Edge

Ways = Mapping[str, tuple[Edge, ...]]


MAX_SWEEPS = 40
"""Rounds over the whole graph; a flow that people can follow needs two or three."""


@dataclass(frozen=True, slots=True)
class Known:
    """The fields that may have a value when a call comes to a step, and those that must.

    Each field has a bit of its own.
    """

    bits: Mapping[str, int]
    may_bits: int
    must_bits: int

    def may(self, name: str) -> bool:
        """Whether some way here gives it a value."""
        return bool(self.bits.get(name, 0) & self.may_bits)

    def must(self, name: str) -> bool:
        """Whether every way here does."""
        return bool(self.bits.get(name, 0) & self.must_bits)

    def all_may(self) -> frozenset[str]:
        """Everything that may have a value."""
        return frozenset(name for name, bit in self.bits.items() if bit & self.may_bits)

    def all_must(self) -> frozenset[str]:
        """Everything that must have one."""
        return frozenset(name for name, bit in self.bits.items() if bit & self.must_bits)


def reachable(ways: Ways, start: str, *, silent: bool = False) -> frozenset[str]:
    """Every step a call can come to; with `silent`, without the caller doing anything."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in ways and name not in seen:
            seen.add(name)
            waiting.extend(edge.target for edge in ways[name] if edge.silent or not silent)
    return frozenset(seen)


def known_fields(
    ways: Ways,
    start: str,
    everything: frozenset[str],
    maybe: frozenset[str] = NONE,
    surely: frozenset[str] = NONE,
) -> Mapping[str, Known]:
    """What is known at each step that a call can come to.

    `maybe` and `surely` are what it begins with. A forward data-flow over the graph: "may" is the
    union over all ways in, "must" the intersection; both only ever move one way. Steps are gone
    through in the order of the conversation and back again, until nothing changes. A graph that is
    tangled on purpose ends after `MAX_SWEEPS`, with everything possible and nothing sure.
    """
    bits = {name: 1 << index for index, name in enumerate(sorted(everything))}

    @functools.cache
    def mask(names: frozenset[str]) -> int:
        return sum(bits.get(name, 0) for name in names)

    out = {
        name: [(e.target, mask(e.sets), mask(e.surely), ~mask(e.shut)) for e in found]
        for name, found in ways.items()
    }
    may, must = {start: mask(maybe | surely)}, {start: mask(surely)}
    order = _in_order(ways, start)
    changed = {start}
    for sweep in range(MAX_SWEEPS):
        for name in order if sweep % 2 == 0 else reversed(order):
            if name not in changed:
                continue
            changed.discard(name)
            for target, sets, sure_sets, stays in out[name]:
                if target not in ways:
                    continue
                more = may.get(target, 0) | may[name] | sets
                sure = must.get(target, -1) & ((must[name] | sure_sets) & stays)
                if target not in may or more != may[target] or sure != must[target]:
                    may[target], must[target] = more, sure
                    changed.add(target)
        if not changed:
            return {name: Known(bits, may[name], must[name]) for name in order}
    return {name: Known(bits, -1, 0) for name in order}


def _in_order(ways: Ways, start: str) -> list[str]:
    """The steps a call can come to, each before those it leads to as far as that can be."""
    left: list[str] = []
    seen = {start}
    stack = [(start, iter(ways[start]))]
    while stack:
        name, following = stack[-1]
        edge = next(following, None)
        if edge is None:
            stack.pop()
            left.append(name)
        elif edge.target in ways and edge.target not in seen:
            seen.add(edge.target)
            stack.append((edge.target, iter(ways[edge.target])))
    return left[::-1]


def cycle(successors: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """One cycle as the names along it, or None. Iterative: a flow may have thousands of steps."""
    done: set[str] = set()
    for root in successors:
        if root in done:
            continue
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, Iterator[str]]] = [(root, iter(successors[root]))]
        path.append(root)
        on_path.add(root)
        while stack:
            name, following = stack[-1]
            target = next(following, None)
            if target is None:
                stack.pop()
                path.pop()
                on_path.discard(name)
                done.add(name)
            elif target in on_path:
                return tuple(path[path.index(target) :])
            elif target in successors and target not in done:
                stack.append((target, iter(successors[target])))
                path.append(target)
                on_path.add(target)
    return None
