"""How a node stands with the others, for screens and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acd.live.pulse import Condition, Watch
from acd.live.replica import Replica
from acd.live.session import Session


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node as another sees it; `silent` in seconds."""

    node: str
    condition: Condition
    silent: float
    leads: bool


@dataclass(frozen=True, slots=True)
class DomainStatus:
    """How a node stands with the others.

    `seq` is the newest entry it has applied, `waiting` how many of its own words are on their way.
    `trouble` says why the store is not there, "" when it is. `places` maps agents to nodes.
    """

    node: str
    leader: str | None
    leads: bool
    island: bool
    trouble: str
    seq: int
    waiting: int
    nodes: tuple[NodeStatus, ...]
    places: Mapping[str, str]


def status_of(
    node: str,
    replica: Replica,
    session: Session | None,
    watch: Watch,
    now: float,
    *,
    island: bool,
) -> DomainStatus:
    """How this node stands; `now` is by the clock of `watch`."""
    leads = not island and session is not None and session.leading is not None
    found = [NodeStatus(node, "here", 0.0, leads)]
    for each in watch.nodes():
        condition = watch.condition(each, now)
        its_lead = condition == "here" and watch.leads(each)
        found.append(NodeStatus(each, condition, watch.silent(each, now), its_lead))
    return DomainStatus(
        node=node,
        leader=next((each.node for each in found if each.leads), None),
        leads=leads,
        island=island,
        trouble="" if session is None else session.trouble,
        seq=replica.seq,
        waiting=0 if session is None else len(session.outbox),
        nodes=tuple(sorted(found, key=lambda each: each.node)),
        places=dict(replica.notes.get("place", {})),
    )
