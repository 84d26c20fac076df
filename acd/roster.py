"""Who can ever serve a wish: agents by their queues and by the levels of their skills."""

from __future__ import annotations

from collections.abc import Collection

from acd.floor import Agent
from acd.pools import Wish


class Roster:
    """Everybody on the floor, whether they are there or not; `agents` by id."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self._members: dict[str, set[str]] = {}
        self._levels: dict[str, dict[str, int]] = {}
        self._holders: dict[tuple[str, int], frozenset[str]] = {}

    def enroll(self, agent: Agent) -> None:
        """One agent more, or one who works for other queues than before; skills do not change."""
        known = self.agents.get(agent.id)
        for queue in known.queues if known is not None else ():
            self._members[queue].discard(agent.id)
        self.agents[agent.id] = agent
        for queue in agent.queues:
            self._members.setdefault(queue, set()).add(agent.id)
        for skill, level in agent.skills.items():
            self._levels.setdefault(skill, {})[agent.id] = level

    def eligible(self, wish: Wish) -> set[str]:
        """All agents for whom `can_ever_serve` holds, by intersecting sets."""
        if wish.agent is not None:
            there = wish.agent in self.agents and wish.agent != wish.never
            return {wish.agent} if there else set()
        members: Collection[str] = self._members.get(wish.queue, set())
        if wish.also:
            members = set(members).union(*(self._members.get(q, ()) for q in wish.also))
        sets = [members, *(self._holders_of(skill, level) for skill, level in wish.needs)]
        smallest, *others = sorted(sets, key=len)
        found = set(smallest).intersection(*others)
        found.discard(wish.never or "")
        return found

    def _holders_of(self, skill: str, level: int) -> frozenset[str]:
        found = self._holders.get((skill, level))
        if found is None:
            levels = self._levels.get(skill, {})
            found = frozenset(agent for agent, has in levels.items() if has >= level)
            self._holders[skill, level] = found
        return found
