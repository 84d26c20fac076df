"""Agents are offered again as soon as somebody can tell that they are there.

A leader that hears nothing of a node keeps its agents from being offered and notes who they are
(`acd.live.missing`). The node itself lifts that when it hears of it. Where it never will, because
it is gone and the phone has come to another node, that other one does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from acd.live.entry import Noted
from acd.live.outbox import Outbox
from acd.live.replica import Replica
from acd.model import DeviceFree


class Presence:
    """`outbox` is where something is said to all nodes, `node` included."""

    def __init__(
        self,
        replica: Replica,
        node: str,
        now: Callable[[], float],
        outbox: Callable[[], Outbox],
    ) -> None:
        self._replica, self._node, self._now, self._outbox = replica, node, now, outbox

    def show_up(self) -> None:
        """This node is here, and so are its agents."""
        barred = self._quiet.get(self._node)
        if barred is not None:
            self._free(barred)
            self._outbox().put(Noted(self._now(), "quiet", self._node, None))

    def heard(self, note: Noted) -> None:
        """Somebody was not heard: this node, or one from which a phone has come here meanwhile."""
        if note.kind != "quiet":
            return
        if note.name == self._node:
            self.show_up()
        else:
            self._free([agent for agent in note.value or () if self._is_here(agent)])

    def came(self, phone: str, before: str | None) -> None:
        """This phone has come here; where it was `before` nobody may be left to say it is free."""
        if before in self._quiet:
            self._free([self._replica.engine.agent_at(phone) or phone])

    @property
    def _quiet(self) -> Mapping[str, Collection[str]]:
        return self._replica.notes.get("quiet", {})

    def _is_here(self, agent: str) -> bool:
        phone = self._replica.engine.phone_of(agent) or agent
        return self._replica.notes.get("place", {}).get(phone) == self._node

    def _free(self, agents: Collection[str]) -> None:
        known = {row.agent for row in self._replica.engine.agents_view(0.0)}
        for agent in sorted(known.intersection(agents)):
            self._outbox().put(DeviceFree(self._now(), agent))
