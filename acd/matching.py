"""Who talks to whom: waiting calls and ready agents, indexed so that a choice costs microseconds.

The rules:
- Calls go by one number, lowest first (`call_number`); equal numbers by order of arrival.
- Agents go by longest idle; equal idle times by agent id.
- Of all pairs that fit, the first call in that order gets the first agent in that order who fits.

The keys:
- A *wish* is (queue, needs, one agent or None). Calls with the same wish share a *pool*: the agents
  who could take them, worked out once for each configuration, with a heap of those ready.
- Within a pool, calls that leave out the same agents (who lately did not answer them) form a
  *group* with a heap of its own. All calls of a group can be served by exactly the same agents, so
  only its head matters: a call that nobody can serve blocks nobody, and a freed agent looks at the
  heads of the groups they can serve and at nothing else.

What is ugly: entries leave the heaps lazily. A call's entry is live while `_place` still points to
it, an agent's while `_ready` holds the same idle time; a heap with more dead than live is rebuilt.

The invariant that makes the short ways right: after `settle`, no waiting call has a ready agent who
fits. So whatever fits next involves an agent just freed or a call just come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import IntEnum
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from acd.model import Agent

_SLACK = 32
_MAX_IDLE_POOLS = 2000
_NOBODY: frozenset[str] = frozenset()


class Presence(IntEnum):
    """How far an agent, or the best of a pool's agents, is available."""

    AWAY = 0
    PAUSED = 1
    PRESENT = 2


class Wish(NamedTuple):
    """What a call asks for; needs are (skill, least level), sorted by skill."""

    queue: str
    needs: tuple[tuple[str, int], ...]
    agent: str | None

    @classmethod
    def of(cls, queue: str, needs: Mapping[str, int], agent: str | None) -> Wish:
        """The wish in its one spelling; needs do not matter when one agent is wanted."""
        return cls(queue, () if agent is not None else tuple(sorted(needs.items())), agent)


class Entry(NamedTuple):
    """A waiting call in its heap, in the order calls are served."""

    number: float
    sequence: int
    call: str


def call_number(
    enqueued_at: float, priority: int, weight: float, seconds_per_priority: float
) -> float:
    """The one number that orders calls: each step of priority is worth so many seconds of wait."""
    return enqueued_at - (priority + weight) * seconds_per_priority


def can_ever_serve(agent: Agent, wish: Wish) -> bool:
    """Whether the agent, when ready, may take such a call. A missing skill is not level 0."""
    if wish.agent is not None:
        return agent.id == wish.agent
    return wish.queue in agent.queues and all(
        skill in agent.skills and agent.skills[skill] >= level for skill, level in wish.needs
    )


class Group:
    """Calls of one pool that leave out the same agents; `head` is always a live entry."""

    __slots__ = ("head", "heap", "pool", "size", "without")

    def __init__(self, pool: Pool, without: frozenset[str]) -> None:
        self.pool = pool
        self.without = without
        self.heap: list[Entry] = []
        self.head: Entry | None = None
        self.size = 0


class Pool:
    """All agents who can serve a wish, its groups of calls, and who of the agents is there."""

    __slots__ = ("eligible", "groups", "paused", "present", "ready", "size", "wish")

    def __init__(self, wish: Wish, eligible: Collection[str]) -> None:
        self.wish = wish
        self.eligible = eligible
        self.groups: dict[frozenset[str], Group] = {}
        self.ready: list[tuple[float, str]] = []
        self.size = 0
        self.paused = 0
        self.present = 0

    @property
    def presence(self) -> Presence:
        """The most available agent's presence."""
        if self.present:
            return Presence.PRESENT
        return Presence.PAUSED if self.paused else Presence.AWAY

    def count(self, presence: Presence, step: int) -> None:
        """Count one agent more or less of that presence."""
        if presence is Presence.PRESENT:
            self.present += step
        elif presence is Presence.PAUSED:
            self.paused += step


class Matcher:
    """The index over waiting calls and ready agents. Holds no rule beyond those above."""

    def __init__(self, agents: Iterable[Agent] = ()) -> None:
        self._members: dict[str, set[str]] = {}
        self._levels: dict[str, dict[str, int]] = {}
        self._queues: dict[str, tuple[str, ...]] = {}
        for agent in agents:
            self._queues[agent.id] = agent.queues
            for queue in agent.queues:
                self._members.setdefault(queue, set()).add(agent.id)
            for skill, level in agent.skills.items():
                self._levels.setdefault(skill, {})[agent.id] = level
        self._holders: dict[tuple[str, int], frozenset[str]] = {}
        self._pools: dict[Wish, Pool] = {}
        self._serves: dict[str, list[Pool]] = {agent: [] for agent in self._queues}
        self._busy: dict[Wish, Pool] = {}
        self._place: dict[str, tuple[Group, Entry]] = {}
        self._ready: dict[str, float] = {}
        self._presence: dict[str, Presence] = {}
        self._logged_in: Counter[str] = Counter()

    # --- calls ------------------------------------------------------------------------------------

    def add_call(self, entry: Entry, wish: Wish, without: frozenset[str] = _NOBODY) -> None:
        """Let a call wait; nothing is matched before `settle`."""
        pool = self.pool(wish)
        group = pool.groups.get(without)
        if group is None:
            group = pool.groups[without] = Group(pool, without)
        heappush(group.heap, entry)
        self._place[entry.call] = (group, entry)
        group.head = group.heap[0]
        group.size += 1
        pool.size += 1
        self._busy[wish] = pool

    def remove_call(self, call: str) -> None:
        """Take a waiting call out."""
        group, entry = self._place.pop(call)
        pool = group.pool
        group.size -= 1
        pool.size -= 1
        if not pool.size:
            del self._busy[pool.wish]
        if not group.size:
            del pool.groups[group.without]
            if pool.wish.agent is not None and not pool.size:
                self._forget([pool])
        elif group.head == entry:
            self._find_head(group)
        elif len(group.heap) > 2 * group.size + _SLACK:
            group.heap = [e for e in group.heap if self._is_live(group, e)]
            heapify(group.heap)

    def calls_of(self, pool: Pool) -> list[str]:
        """The waiting calls of a pool, in the order they are served."""
        live = {e for group in pool.groups.values() for e in group.heap if self._is_live(group, e)}
        return [entry.call for entry in sorted(live)]

    def _is_live(self, group: Group, entry: Entry) -> bool:
        return self._place.get(entry.call) == (group, entry)

    def _find_head(self, group: Group) -> None:
        heap = group.heap
        while not self._is_live(group, heap[0]):
            heappop(heap)
        group.head = heap[0]

    # --- agents -----------------------------------------------------------------------------------

    def set_presence(self, agent: str, presence: Presence) -> list[Pool]:
        """Note who is logged in and who paused; returns waiting pools whose presence changed."""
        before = self._presence.get(agent, Presence.AWAY)
        if before is presence:
            return []
        self._presence[agent] = presence
        step = (presence > Presence.AWAY) - (before > Presence.AWAY)
        for queue in self._queues.get(agent, ()):
            self._logged_in[queue] += step
        changed = []
        for pool in self._serves.get(agent, ()):
            was = pool.presence
            pool.count(before, -1)
            pool.count(presence, +1)
            if pool.size and pool.presence is not was:
                changed.append(pool)
        return changed

    def set_ready(self, agent: str, idle_since: float) -> None:
        """The agent may be matched; must be named as freed in the next `settle`."""
        if agent in self._queues:
            self._ready[agent] = idle_since

    def set_unready(self, agent: str) -> None:
        """The agent may not be matched; harmless when they could not."""
        self._ready.pop(agent, None)

    def logged_in(self, queue: str) -> bool:
        """Whether anyone who works for the queue is logged in, paused or not."""
        return self._logged_in[queue] > 0

    # --- choosing ---------------------------------------------------------------------------------

    def settle(self, freed: Collection[str], fresh: Collection[str]) -> Iterator[tuple[str, str]]:
        """Match what fits after `freed` agents became ready and `fresh` calls came to wait.

        Yields (call, agent), both already taken out of the index. Exhaust it.
        """
        ready = [agent for agent in freed if agent in self._ready]
        if len(ready) == 1 and not fresh:
            yield from self._settle_one(ready[0])
            return
        groups = {id(g): g for call in fresh if call in self._place for g in [self._place[call][0]]}
        for agent in ready:
            self._file_ready(agent)
            groups |= {id(group): group for group in self._groups_for(agent)}
        yield from self._settle_groups(groups.values())

    def has_ready(self, pool: Pool) -> bool:
        """Whether any of the pool's agents is ready."""
        return self._longest_idle(pool, _NOBODY) is not None

    def _settle_one(self, agent: str) -> Iterator[tuple[str, str]]:
        heads = (group.head for group in self._groups_for(agent) if group.head)
        best = min(heads, default=None)
        if best is None:
            self._file_ready(agent)
        else:
            yield self._take(best.call, agent)

    def _settle_groups(self, groups: Iterable[Group]) -> Iterator[tuple[str, str]]:
        """Serve the lowest head that has an agent, until none has; groups without one drop out."""
        heads = [(group.head, id(group), group) for group in groups if group.head]
        heapify(heads)
        while heads:
            head, key, group = heappop(heads)
            agent = self._longest_idle(group.pool, group.without)
            if agent is None:
                continue
            yield self._take(head.call, agent)
            if group.size and group.head:
                heappush(heads, (group.head, key, group))

    def _take(self, call: str, agent: str) -> tuple[str, str]:
        self.remove_call(call)
        self.set_unready(agent)
        return call, agent

    def _groups_for(self, agent: str) -> Iterator[Group]:
        """Groups with calls this agent may take now."""
        serves = self._serves.get(agent, ())
        if len(serves) <= len(self._busy):
            pools = [pool for pool in serves if pool.size]
        else:
            pools = [pool for pool in self._busy.values() if agent in pool.eligible]
        for pool in pools:
            for without, group in pool.groups.items():
                if agent not in without:
                    yield group

    def _file_ready(self, agent: str) -> None:
        """Enter an agent who stays ready into the heaps of all pools they serve."""
        item = (self._ready[agent], agent)
        for pool in self._serves[agent]:
            heappush(pool.ready, item)
            if len(pool.ready) > 2 * len(pool.eligible) + _SLACK:
                pool.ready = list({i for i in pool.ready if self._ready.get(i[1]) == i[0]})
                heapify(pool.ready)

    def _longest_idle(self, pool: Pool, without: frozenset[str]) -> str | None:
        heap, aside = pool.ready, []
        found = None
        while heap and found is None:
            idle_since, agent = heap[0]
            if self._ready.get(agent) != idle_since:
                heappop(heap)
            elif agent in without:
                aside.append(heappop(heap))
            else:
                found = agent
        for item in aside:
            heappush(heap, item)
        return found

    # --- pools ------------------------------------------------------------------------------------

    def pool(self, wish: Wish) -> Pool:
        """The pool of a wish, made when first asked for."""
        pool = self._pools.get(wish)
        return pool if pool is not None else self._make_pool(wish)

    def pool_of(self, call: str) -> Pool:
        """The pool of a waiting call."""
        return self._place[call][0].pool

    def _make_pool(self, wish: Wish) -> Pool:
        if len(self._pools) - len(self._busy) > _MAX_IDLE_POOLS:
            self._forget([pool for pool in self._pools.values() if not pool.size])
        pool = self._pools[wish] = Pool(wish, self._eligible(wish))
        for agent in pool.eligible:
            self._serves[agent].append(pool)
            pool.count(self._presence.get(agent, Presence.AWAY), +1)
            if agent in self._ready:
                pool.ready.append((self._ready[agent], agent))
        heapify(pool.ready)
        return pool

    def _forget(self, pools: Collection[Pool]) -> None:
        gone = {id(pool) for pool in pools}
        for pool in pools:
            del self._pools[pool.wish]
        for agent in {agent for pool in pools for agent in pool.eligible}:
            self._serves[agent] = [p for p in self._serves[agent] if id(p) not in gone]

    def _eligible(self, wish: Wish) -> frozenset[str]:
        """All agents for whom `can_ever_serve` holds, by intersecting sets."""
        if wish.agent is not None:
            return frozenset({wish.agent} & self._queues.keys())
        sets: list[Collection[str]] = [self._members.get(wish.queue, set())]
        sets += [self._holders_of(skill, level) for skill, level in wish.needs]
        smallest, *others = sorted(sets, key=len)
        return frozenset(smallest).intersection(*others)

    def _holders_of(self, skill: str, level: int) -> frozenset[str]:
        found = self._holders.get((skill, level))
        if found is None:
            levels = self._levels.get(skill, {})
            found = frozenset(agent for agent, has in levels.items() if has >= level)
            self._holders[skill, level] = found
        return found
