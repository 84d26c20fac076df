"""A queue that rings all: three agents, and one phone of several at a time."""

from __future__ import annotations

from typing import Any

from acd import model as m
from acd.model import Cause, Strategy
from acd.views import AgentRow
from tests.acd.desk import Desk

THREE = {"1001": "sales", "1002": "sales", "1003": "sales"}
RULES: dict[str, Any] = {"leave_when_empty": None, "strategy": Strategy.RING_ALL}


def desk(agents: dict[str, Any] | None = None, *, there: bool = True, **rules: Any) -> Desk:
    """Three agents, ready one after the other: 1001 is idle longest."""
    d = Desk(m.Queue("sales", **RULES | rules), m.Queue("service"), agents=agents or THREE)
    if there:
        for agent in d.agents:
            d.log_in(agent)
            d.wait(1)
    return d


def rung(d: Desk, call: str) -> list[str]:
    """Whose phones ring for the call, the one whom the offer names first."""
    row = d.call(call)
    return [row.agent, *row.also] if row and row.state == "offered" and row.agent else []


def takes(d: Desk, agent: str) -> list[m.Command]:
    return d.do(m.OfferAnswered(d.now, d.offer_of(agent), agent))


def one_fails(d: Desk, agent: str, cause: Cause = Cause.REJECTED) -> list[m.Command]:
    return d.do(m.OfferFailed(d.now, d.offer_of(agent), cause, agent))


def missed_nothing(row: AgentRow) -> bool:
    return row.no_answer + row.rejected + row.busy + row.unreachable + row.streak == 0


def turns(d: Desk, agent: str) -> dict[str, int]:
    return dict(d.engine._live.state.agents[agent].turns)
