"""Who talks to whom: waiting calls and ready agents, indexed so that a choice costs microseconds.

The rules:
- Calls go by their place (`acd.order`), lowest first; equal ones by order of arrival.
- Agents go by the sort key of the queue's strategy (`acd.strategies`), lowest first.
- Of all pairs that fit, the first call in that order gets the first agent in that order who fits.

The keys:
- A *wish* is (queue, needs, one agent or None, further queues, who never). Calls with the same wish
  share a *pool*: the agents who could take them, worked out once, with a heap of those ready.
- Within a pool, calls that leave out the same agents (who lately did not answer them) form a
  *group* with a heap of its own. All calls of a group can be served by exactly the same agents, so
  only its head matters: a call that nobody can serve blocks nobody, and a freed agent looks at the
  heads of the groups they can serve and at nothing else.

What is ugly: entries leave the heaps lazily. A call's entry is live while `_place` still points to
it, an agent's while `_ready` holds the same number; a heap with more dead than live is rebuilt.

The invariant that makes the short ways right: after `settle`, no waiting call has a ready agent who
fits. So whatever fits next involves an agent just freed or a call just come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from heapq import heapify, heappop, heappush

from acd.floor import Agent, Queue
from acd.order import Entry
from acd.pools import Group, Pool, Presence, ReadyItem, Wish, can_ever_serve
from acd.roster import Roster
from acd.strategies import Candidate, draw, number
from acd.words import Strategy

_SLACK = 32
_MAX_IDLE_POOLS = 2000
_NOBODY: frozenset[str] = frozenset()


class Matcher:
    """The index over waiting calls and ready agents. Holds no rule beyond those above."""

    def __init__(
        self, agents: Iterable[Agent] = (), queues: Iterable[Queue] = (), seed: int = 0
    ) -> None:
        self._strategies = {queue.name: queue.strategy for queue in queues}
        self._seed = seed
        self._roster = Roster()
        self._pools: dict[Wish, Pool] = {}
        self._serves: dict[str, list[Pool]] = {}
        self._busy: dict[Pool, None] = {}
        self._place: dict[str, tuple[Group, Entry]] = {}
        self._ready: dict[str, tuple[int, Candidate]] = {}
        self._readied = 0
        self._presence: dict[str, Presence] = {}
        self._logged_in: Counter[str] = Counter()
        for agent in agents:
            self._roster.enroll(agent)
            self._serves[agent.id] = []

    def __contains__(self, call: str) -> bool:
        return call in self._place

    # --- calls ------------------------------------------------------------------------------------

    def add_call(self, entry: Entry, wish: Wish, without: frozenset[str] = _NOBODY) -> Pool:
        """Let a call wait; nothing is matched before `settle`. Returns its pool."""
        pool = self.pool(wish)
        group = pool.groups.get(without)
        if group is None:
            group = pool.groups[without] = Group(pool, without, entry)
            self._busy[pool] = None
        else:
            heappush(group.heap, entry)
            group.head = group.heap[0]
            group.size += 1
        self._place[entry.call] = (group, entry)
        return pool

    def remove_call(self, call: str) -> None:
        """Take a waiting call out."""
        group, entry = self._place.pop(call)
        group.size -= 1
        if not group.size:
            self._drop(group)
        elif group.head is entry:
            self._find_head(group)
        elif len(group.heap) > 2 * group.size + _SLACK:
            group.heap = [e for e in group.heap if self._is_live(e)]
            heapify(group.heap)

    def _drop(self, group: Group) -> None:
        """The group's last call has gone."""
        pool = group.pool
        del pool.groups[group.without]
        if not pool.groups:
            del self._busy[pool]
            if pool.wish.agent or pool.wish.never:
                self._forget([pool])

    def calls_of(self, pool: Pool) -> list[str]:
        """The waiting calls of a pool, in the order they are served."""
        live = {e for group in pool.groups.values() for e in group.heap if self._is_live(e)}
        return [entry.call for entry in sorted(live)]

    def before(self, entry: Entry) -> list[tuple[Entry, Pool]]:
        """The waiting calls that go before this place, each with its pool, in no order."""
        return [(other, group.pool) for group, other in self._place.values() if other < entry]

    def _is_live(self, entry: Entry) -> bool:
        """Whether the call still waits by this very entry: each filing makes a new one."""
        place = self._place.get(entry[3])
        return place is not None and place[1] is entry

    def _find_head(self, group: Group) -> None:
        """The head has gone, others wait: drop it and every dead entry behind it."""
        heap = group.heap
        heappop(heap)
        while len(heap) > group.size and not self._is_live(heap[0]):
            heappop(heap)
        group.head = heap[0]

    # --- agents -----------------------------------------------------------------------------------

    def set_presence(self, agent: str, presence: Presence) -> list[Pool]:
        """Note who is logged in and who paused; returns waiting pools whose staffing changed."""
        before = self._presence.get(agent, Presence.AWAY)
        if before is presence:
            return []
        self._presence[agent] = presence
        changed = []
        for pool in self._serves.get(agent, ()):
            was = pool.presence
            pool.count(before, -1)
            pool.count(presence, +1)
            if pool.groups and pool.presence is not was:
                changed.append(pool)
        step = (presence > Presence.AWAY) - (before > Presence.AWAY)
        member = self._roster.agents.get(agent)
        if step and member is not None:
            changed += self._count_logged_in(member.queues, step, changed)
        return changed

    def _count_logged_in(
        self, queues: Iterable[str], step: int, known: Collection[Pool]
    ) -> list[Pool]:
        """Count one more or less in each queue; waiting pools without anybody that this concerns.

        The first one of a queue to come, or the last to go, makes the difference between nobody
        skilled and nobody logged in.
        """
        turned = set()
        for queue in queues:
            self._logged_in[queue] += step
            if self._logged_in[queue] == (step > 0):
                turned.add(queue)
        if not turned:
            return []
        return [
            pool
            for pool in self._busy
            if pool.wish.queue in turned and not pool.presence and pool not in known
        ]

    def change_queues(self, agent: Agent) -> list[Pool]:
        """The agent works for other queues; returns waiting pools whose staffing changed.

        Must be named as freed in the next `settle` when ready.
        """
        before = {pool: self._staffed(pool) for pool in self._busy}
        presence = self.presence_of(agent.id)
        self.set_presence(agent.id, Presence.AWAY)
        for pool in self._serves[agent.id]:
            pool.eligible.discard(agent.id)
        self._serves[agent.id] = []
        self._roster.enroll(agent)
        for pool in self._pools.values():
            if can_ever_serve(agent, pool.wish):
                pool.eligible.add(agent.id)
                self._serves[agent.id].append(pool)
        if agent.id in self._ready:
            self.set_ready(agent.id, self._ready[agent.id][1])
        self.set_presence(agent.id, presence)
        return [pool for pool, was in before.items() if self._staffed(pool) != was]

    def _staffed(self, pool: Pool) -> tuple[Presence, bool]:
        return pool.presence, self.logged_in(pool.wish.queue)

    def set_ready(self, agent: str, candidate: Candidate) -> None:
        """The agent may be matched; must be named as freed in the next `settle`.

        To be called anew when what the strategies ask of them changes.
        """
        if agent in self._serves:
            self._readied += 1
            self._ready[agent] = (self._readied, candidate)

    def set_unready(self, agent: str) -> None:
        """The agent may not be matched; harmless when they could not."""
        self._ready.pop(agent, None)

    def presence_of(self, agent: str) -> Presence:
        """How far this agent is available."""
        return self._presence.get(agent, Presence.AWAY)

    def logged_in(self, queue: str) -> bool:
        """Whether anyone who works for the queue is logged in, paused or not."""
        return self._logged_in[queue] > 0

    # --- choosing ---------------------------------------------------------------------------------

    def settle(self, freed: Collection[str], fresh: Collection[str]) -> Iterable[tuple[str, str]]:
        """Match what fits after `freed` agents became ready and `fresh` calls came to wait.

        Gives (call, agent), both already taken out of the index. Exhaust it.
        """
        if len(freed) == 1 and not fresh:
            (agent,) = freed
            pair = self._match(agent) if agent in self._ready else None
            return () if pair is None else (pair,)
        return self._settle_many([agent for agent in freed if agent in self._ready], fresh)

    def _settle_many(
        self, ready: Collection[str], fresh: Collection[str]
    ) -> Iterator[tuple[str, str]]:
        groups = {id(g): g for call in fresh if call in self._place for g in [self._place[call][0]]}
        for agent in ready:
            self._file_ready(agent)
            groups |= {id(group): group for group in self._groups_for(agent)}
        yield from self._settle_groups(groups.values())

    def has_ready(self, pool: Pool) -> bool:
        """Whether any of the pool's agents is ready."""
        return self._best(pool, _NOBODY, "") is not None

    def ready_in(self, pool: Pool, without: Collection[str], most: int) -> list[str]:
        """The first of the pool's ready agents, in the order they are chosen."""
        heap, looked_at = pool.ready, []
        found: dict[str, None] = {}
        while heap and len(found) < most:
            item = heappop(heap)
            if self._is_ready(item):
                looked_at.append(item)
                if item[3] not in without:
                    found[item[3]] = None
        for item in looked_at:
            heappush(heap, item)
        return list(found)

    def _match(self, agent: str) -> tuple[str, str] | None:
        """The one agent who became ready gets the first call that fits."""
        best: Entry | None = None
        for pool in self._pools_of(agent):
            for group in pool.groups.values():
                head = group.head
                if (best is None or head < best) and agent not in group.without:
                    best = head
        if best is not None:
            return self._take(best.call, agent)
        self._file_ready(agent)
        return None

    def _settle_groups(self, groups: Iterable[Group]) -> Iterator[tuple[str, str]]:
        """Serve the lowest head that has an agent, until none has; groups without one drop out."""
        heads = [(group.head, id(group), group) for group in groups]
        heapify(heads)
        while heads:
            head, key, group = heappop(heads)
            agent = self._best(group.pool, group.without, head.call)
            if agent is None:
                continue
            yield self._take(head.call, agent)
            if agent in self._ready:  # who holds one chat may be ready for the next
                self._file_ready(agent)
            if group.size:
                heappush(heads, (group.head, key, group))

    def _take(self, call: str, agent: str) -> tuple[str, str]:
        self.remove_call(call)
        del self._ready[agent]
        return call, agent

    def _groups_for(self, agent: str) -> Iterator[Group]:
        """Groups with calls this agent may take now."""
        for pool in self._pools_of(agent):
            for group in pool.groups.values():
                if agent not in group.without:
                    yield group

    def _pools_of(self, agent: str) -> list[Pool]:
        """Pools that this agent serves, at least those with calls in them."""
        serves = self._serves[agent]
        if len(serves) <= len(self._busy):
            return serves
        return [pool for pool in self._busy if agent in pool.eligible]

    def _file_ready(self, agent: str) -> None:
        """Enter an agent who stays ready into the heaps of all pools they serve."""
        count, candidate = self._ready[agent]
        usual = (candidate.held, 0.0, candidate.idle_since, agent, count)
        for pool in self._serves[agent]:
            if pool.strategy is Strategy.LONGEST_IDLE:
                heappush(pool.ready, usual)
            else:
                heappush(pool.ready, self._ready_item(pool, agent))
            if len(pool.ready) > 2 * len(pool.eligible) + _SLACK:
                pool.ready = list({item for item in pool.ready if self._is_ready(item)})
                heapify(pool.ready)

    def _ready_item(self, pool: Pool, agent: str) -> ReadyItem:
        count, candidate = self._ready[agent]
        if pool.strategy is Strategy.LONGEST_IDLE:
            return candidate.held, 0.0, candidate.idle_since, agent, count
        levels = 0
        if pool.strategy is Strategy.HIGHEST_LEVEL:
            skills = self._roster.agents[agent].skills
            levels = sum(skills.get(skill, 0) for skill, _ in pool.wish.needs)
        own = number(pool.strategy, candidate, pool.wish.queue, levels)
        return candidate.held, own, candidate.idle_since, agent, count

    def _is_ready(self, item: ReadyItem) -> bool:
        ready = self._ready.get(item[3])
        return ready is not None and ready[0] == item[4]

    def _best(self, pool: Pool, without: frozenset[str], call: str) -> str | None:
        """The ready agent who goes first."""
        if pool.strategy is Strategy.RANDOM and call:
            return self._drawn(pool, without, call)
        heap, aside = pool.ready, []
        found = None
        while heap and found is None:
            agent = heap[0][3]
            if not self._is_ready(heap[0]):
                heappop(heap)
            elif agent in without:
                aside.append(heappop(heap))
            else:
                found = agent
        for item in aside:
            heappush(heap, item)
        return found

    def _drawn(self, pool: Pool, without: frozenset[str], call: str) -> str | None:
        """One of the ready agents by lot; those with fewer chats in hand first."""
        lots = [
            (item[0], draw(self._seed, call, item[3]), item[2], item[3])
            for item in pool.ready
            if item[3] not in without and self._is_ready(item)
        ]
        return min(lots)[3] if lots else None

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
            self._forget([pool for pool in self._pools.values() if not pool.groups])
        strategy = self._strategies.get(wish.queue, Strategy.LONGEST_IDLE)
        pool = self._pools[wish] = Pool(wish, self._roster.eligible(wish), strategy)
        for agent in pool.eligible:
            self._serves[agent].append(pool)
            pool.count(self._presence.get(agent, Presence.AWAY), +1)
        for agent in pool.eligible & self._ready.keys():
            pool.ready.append(self._ready_item(pool, agent))
        heapify(pool.ready)
        return pool

    def _forget(self, pools: Collection[Pool]) -> None:
        gone = {id(pool) for pool in pools}
        for pool in pools:
            del self._pools[pool.wish]
        for agent in {agent for pool in pools for agent in pool.eligible}:
            self._serves[agent] = [p for p in self._serves[agent] if id(p) not in gone]
