"""What an earlier version wrote down is read; `old/version-1.json` has its events and snapshot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from acd import model as m
from acd.engine import Engine
from acd.model import AgentState as S

OLD: dict[str, Any] = json.loads((Path(__file__).parent / "old" / "version-1.json").read_text())


def from_events() -> Engine:
    engine = Engine()
    for body in OLD["events"]:
        event = m.from_json(body)
        assert isinstance(event, m.EVENTS)
        engine.handle(event)
    return engine


@pytest.mark.parametrize("engine", [from_events(), Engine.restore(OLD["snapshot"])])
def test_an_engine_rebuilt_from_what_an_earlier_version_wrote_goes_on(engine: Engine) -> None:
    calls = {row.call: (row.state, row.agent) for row in engine.calls_view(1040.0)}
    assert calls == {
        "talks": ("talking", "1001"),
        "missed": ("offered", "1004"),
        "waits": ("waiting", None),
    }
    states = {row.agent: row.state for row in engine.agents_view(1040.0)}
    assert states == {"1001": S.TALKING, "1002": S.WRAP_UP, "1003": S.PAUSED, "1004": S.OFFERED}
    engine.handle(m.AgentReleased(1041.0, "talks-1"))
    engine.handle(m.WrapUpEnded(1042.0, "1001"))
    assert engine.calls_view(1042.0)[-1].call in {"waits", "missed"}
    assert {row.call: row.agent for row in engine.calls_view(1042.0)}["waits"] == "1001"
